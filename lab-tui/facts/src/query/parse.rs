//! From a text to a query: spansets, what stands between them, and what follows a `|`.

mod condition;

use super::Misread;
use super::field::{Field, Type};
use super::spanset::{Aggregate, Relation, Spanset, Stage};
use super::token::{Token, TokenKind, tokens};
use super::value::{Comparison, Value};

/// How deep parentheses may stand in one another. Nobody writes that many, and reading them takes stack.
const DEEPEST: usize = 50;

pub(super) fn parse(text: &str) -> Result<Spanset, Misread> {
    let mut parser = Parser { text, tokens: tokens(text)?, next: 0, depth: 0 };
    let spanset = parser.piped()?;
    if *parser.kind() == TokenKind::End { Ok(spanset) } else { Err(parser.unexpected("the query's end")) }
}

struct Parser<'q> {
    text: &'q str,
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

/// A value that stands in the query.
enum Static {
    Text(String),
    Value(Value<'static>),
}

impl Parser<'_> {
    /// `spansets | stage | stage`
    fn piped(&mut self) -> Result<Spanset, Misread> {
        if let TokenKind::Word(word) = self.kind() {
            let what = format!("a query does not begin with `{word}`");
            return Err(self.wrong(what, "begin with what spans have, in braces, such as { status = error }"));
        }
        let first = self.row()?;
        let mut stages = Vec::new();
        while self.take("|") {
            stages.push(self.stage()?);
        }
        Ok(if stages.is_empty() { first } else { Spanset::Piped(Box::new(first), stages) })
    }

    /// `spansets && spansets || spansets`, from left to right.
    fn row(&mut self) -> Result<Spanset, Misread> {
        let first = self.family()?;
        let mut others = Vec::new();
        while let Some(relation) = self.take_one(&[("&&", Relation::And), ("||", Relation::Or)]) {
            others.push((relation, self.family()?));
        }
        Ok(if others.is_empty() { first } else { Spanset::Row(Box::new(first), others) })
    }

    /// `{ … } >> { … }`: binds tighter than `&&`.
    fn family(&mut self) -> Result<Spanset, Misread> {
        const RELATIONS: [(&str, Relation); 5] = [
            (">", Relation::Child),
            (">>", Relation::Descendant),
            ("<", Relation::Parent),
            ("<<", Relation::Ancestor),
            ("~", Relation::Sibling),
        ];
        let first = self.filter()?;
        let mut others = Vec::new();
        while let Some(relation) = self.take_one(&RELATIONS) {
            others.push((relation, self.filter()?));
        }
        if let TokenKind::Sign(sign) = self.kind()
            && (sign.starts_with('!') || sign.starts_with('&') && *sign != "&&")
        {
            let what = format!("`{sign}` between spansets is not supported");
            return Err(self.wrong(what, "known there: >, >>, <, <<, ~, && and ||"));
        }
        Ok(if others.is_empty() { first } else { Spanset::Row(Box::new(first), others) })
    }

    /// `{ … }` or something in parentheses.
    fn filter(&mut self) -> Result<Spanset, Misread> {
        if self.take("(") {
            self.deeper()?;
            let inner = self.piped()?;
            self.expect(")")?;
            self.depth -= 1;
            return Ok(inner);
        }
        if self.is("{") { Ok(Spanset::Filter(self.braces()?)) } else { Err(self.unexpected("`{`")) }
    }

    fn stage(&mut self) -> Result<Stage, Misread> {
        if self.is("{") {
            return Ok(Stage::Filter(self.braces()?));
        }
        let TokenKind::Word(name) = self.kind().clone() else {
            return Err(self.unexpected("`{`, or one of count, min, max, avg, sum and select"));
        };
        if name == "select" {
            return self.select();
        }
        let aggregate: fn(Field) -> Aggregate = match name.as_str() {
            "count" => |_| Aggregate::Count,
            "min" => Aggregate::Min,
            "max" => Aggregate::Max,
            "avg" => Aggregate::Avg,
            "sum" => Aggregate::Sum,
            other => {
                let what = format!("`{other}` after a pipe is not supported");
                return Err(self.wrong(what, "known there: count(), min(…), max(…), avg(…), sum(…) and select(…), and further { … }"));
            }
        };
        self.next += 1;
        self.expect("(")?;
        // A field that stands for none: counting needs no more.
        let field = if name == "count" { Field::Span(String::new()) } else { self.number_field(&name)? };
        self.expect(")")?;
        let comparison = self.comparison()?;
        let kind = if name == "count" { Some(Type::Number) } else { field.kind() };
        let bound = self.bound(kind)?;
        Ok(Stage::Aggregate { aggregate: aggregate(field), comparison, bound })
    }

    /// `select(field, field)`
    fn select(&mut self) -> Result<Stage, Misread> {
        self.next += 1;
        self.expect("(")?;
        let mut fields = vec![self.field()?];
        while self.take(",") {
            fields.push(self.field()?);
        }
        self.expect(")")?;
        Ok(Stage::Select(fields))
    }

    /// What can be summed up.
    fn number_field(&mut self, aggregate: &str) -> Result<Field, Misread> {
        let at = self.next;
        let field = self.field()?;
        if matches!(field.kind(), None | Some(Type::Number | Type::Duration)) {
            return Ok(field);
        }
        self.next = at;
        Err(self.wrong(format!("{aggregate} needs numbers"), "name an attribute, or `duration`"))
    }

    fn comparison(&mut self) -> Result<Comparison, Misread> {
        let TokenKind::Sign(sign) = self.kind() else { return Err(self.unexpected("a comparison such as `>`")) };
        let Some(comparison) = Comparison::of(sign) else { return Err(self.unexpected("a comparison such as `>`")) };
        self.next += 1;
        Ok(comparison)
    }

    /// The number that an aggregate is compared with.
    fn bound(&mut self, kind: Option<Type>) -> Result<f64, Misread> {
        let at = self.next;
        let value = match self.fixed()? {
            Some(Static::Value(value)) => value,
            Some(Static::Text(_)) | None => Value::Nil,
        };
        let number = match (kind, &value) {
            (Some(Type::Duration), Value::Duration(_)) | (Some(Type::Number), Value::Int(_) | Value::Float(_)) | (None, _) => {
                value.number()
            }
            _ => None,
        };
        self.unless_arithmetic()?;
        number.ok_or_else(|| {
            self.next = at;
            match kind {
                Some(Type::Duration) => self.unexpected("a duration such as 250ms"),
                _ => self.unexpected("a number"),
            }
        })
    }

    /// A value that stands in the query, if one stands here.
    fn fixed(&mut self) -> Result<Option<Static>, Misread> {
        let negative = self.is("-");
        let at = self.next + usize::from(negative);
        let sign = if negative { -1 } else { 1 };
        let value = match &self.tokens[at.min(self.tokens.len() - 1)].kind {
            TokenKind::Int(number) => Value::Int(number * sign),
            TokenKind::Float(number) => Value::Float(if negative { -number } else { *number }),
            TokenKind::Duration(nanos) => Value::Duration(nanos * sign),
            _ if negative => return Err(self.arithmetic()),
            TokenKind::Text(text) => {
                let text = text.clone();
                self.next += 1;
                return Ok(Some(Static::Text(text)));
            }
            TokenKind::Word(word) => match word.as_str() {
                "true" => Value::Flag(true),
                "false" => Value::Flag(false),
                "nil" => Value::Nil,
                "error" => Value::Status("error"),
                "ok" => Value::Status("ok"),
                "unset" => Value::Status("unset"),
                "client" => Value::Kind("client"),
                "server" => Value::Kind("server"),
                "producer" => Value::Kind("producer"),
                "consumer" => Value::Kind("consumer"),
                "internal" => Value::Kind("internal"),
                _ => return Ok(None),
            },
            TokenKind::Sign(_) | TokenKind::End => return Ok(None),
        };
        self.next = at + 1;
        Ok(Some(Static::Value(value)))
    }

    fn unless_arithmetic(&self) -> Result<(), Misread> {
        match self.kind() {
            TokenKind::Sign("+" | "-" | "*" | "/" | "%" | "^") => Err(self.arithmetic()),
            _ => Ok(()),
        }
    }

    fn arithmetic(&self) -> Misread {
        let sign = &self.text[self.tokens[self.next].span.clone()];
        self.wrong(format!("arithmetic (`{sign}`) is not supported"), "write the result")
    }

    fn kind(&self) -> &TokenKind {
        &self.tokens[self.next].kind
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.kind(), TokenKind::Sign(here) if *here == sign)
    }

    fn take(&mut self, sign: &str) -> bool {
        let is = self.is(sign);
        self.next += usize::from(is);
        is
    }

    fn take_one<T: Copy>(&mut self, signs: &[(&str, T)]) -> Option<T> {
        let (_, meant) = *signs.iter().find(|(sign, _)| self.is(sign))?;
        self.next += 1;
        Some(meant)
    }

    fn expect(&mut self, sign: &str) -> Result<(), Misread> {
        if self.take(sign) { Ok(()) } else { Err(self.unexpected(&format!("`{sign}`"))) }
    }

    fn deeper(&mut self) -> Result<(), Misread> {
        self.depth += 1;
        if self.depth <= DEEPEST {
            return Ok(());
        }
        Err(self.wrong(format!("more than {DEEPEST} parentheses stand in one another"), "take some away"))
    }

    /// The token that stands here is wrong.
    fn wrong(&self, what: impl Into<String>, hint: impl Into<String>) -> Misread {
        Misread::new(self.text, self.tokens[self.next].span.start, what, hint)
    }

    fn unexpected(&self, wanted: &str) -> Misread {
        let hint = format!("{wanted} is expected here");
        match self.kind() {
            TokenKind::End => self.wrong("the query ends too early", hint),
            _ => self.wrong(format!("`{}` does not belong here", &self.text[self.tokens[self.next].span.clone()]), hint),
        }
    }
}
