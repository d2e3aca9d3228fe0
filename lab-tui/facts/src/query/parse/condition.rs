//! What stands in braces.

use regex_lite::Regex;

use super::super::Misread;
use super::super::field::{Field, INTRINSICS, Type};
use super::super::spanset::{Condition, Joint, Operand};
use super::super::token::TokenKind;
use super::super::value::{Comparison, Value};
use super::{Parser, Static};

/// What attributes may belong to in TraceQL and cannot here.
const OTHER_SCOPES: [&str; 4] = ["parent", "event", "link", "instrumentation"];

/// One side of a comparison before it is known whether there is one.
enum Side {
    Condition(Condition),
    Operand(Operand),
}

impl Parser<'_> {
    /// `{ … }`; an empty one chooses every span.
    pub(super) fn braces(&mut self) -> Result<Condition, Misread> {
        self.expect("{")?;
        if self.take("}") {
            return Ok(Condition::Always(true));
        }
        let condition = self.conditions()?;
        if !self.is("}") {
            return Err(self.unexpected("`&&`, `||` or `}`"));
        }
        self.next += 1;
        Ok(condition)
    }

    /// From left to right, as Tempo reads them.
    fn conditions(&mut self) -> Result<Condition, Misread> {
        let first = self.condition()?;
        let mut others = Vec::new();
        while let Some(joint) = self.take_one(&[("&&", Joint::And), ("||", Joint::Or)]) {
            others.push((joint, self.condition()?));
        }
        Ok(if others.is_empty() { first } else { Condition::Row(Box::new(first), others) })
    }

    fn condition(&mut self) -> Result<Condition, Misread> {
        let at = self.next;
        let left = match self.side()? {
            Side::Condition(condition) => return Ok(condition),
            Side::Operand(left) => left,
        };
        self.unless_arithmetic()?;
        let TokenKind::Sign(sign) = *self.kind() else { return self.alone(left, at) };
        if let "=~" | "!~" = sign {
            return self.fits(left, at, sign == "!~");
        }
        if sign == "==" {
            return Err(self.wrong("`==` is no comparison of TraceQL", "write `=`"));
        }
        let Some(comparison) = Comparison::of(sign) else { return self.alone(left, at) };
        self.next += 1;
        let right_at = self.next;
        let Side::Operand(right) = self.side()? else {
            self.next = right_at;
            return Err(self.unexpected("a value or a field"));
        };
        self.unless_arithmetic()?;
        let after = self.next;
        self.check(&left, at, comparison, &right, right_at)?;
        self.next = after;
        Ok(Condition::Compare(left, comparison, right))
    }

    /// Something in parentheses or after a `!`, else one side of a comparison.
    fn side(&mut self) -> Result<Side, Misread> {
        if self.take("!") {
            self.deeper()?;
            let at = self.next;
            let inner = match self.side()? {
                Side::Condition(condition) => condition,
                Side::Operand(operand) => self.alone(operand, at)?,
            };
            self.depth -= 1;
            let TokenKind::Sign(sign) = *self.kind() else { return Ok(Side::Condition(Condition::Not(Box::new(inner)))) };
            if Comparison::of(sign).is_some() || sign.ends_with('~') {
                return Err(self.wrong("`!` belongs to what stands right after it", "put the comparison in parentheses: !( … )"));
            }
            return Ok(Side::Condition(Condition::Not(Box::new(inner))));
        }
        if self.take("(") {
            self.deeper()?;
            let inner = self.conditions()?;
            self.expect(")")?;
            self.depth -= 1;
            return Ok(Side::Condition(inner));
        }
        Ok(Side::Operand(match self.fixed()? {
            Some(Static::Text(text)) => Operand::Text(text),
            Some(Static::Value(value)) => Operand::Value(value),
            None => Operand::Field(self.field()?),
        }))
    }

    /// What is compared with nothing is true or false by itself.
    fn alone(&mut self, operand: Operand, at: usize) -> Result<Condition, Misread> {
        match operand {
            Operand::Value(Value::Flag(flag)) => Ok(Condition::Always(flag)),
            Operand::Field(field) if field.kind().is_none() => Ok(Condition::Flag(field)),
            _ if matches!(self.kind(), TokenKind::End | TokenKind::Sign("}" | ")" | "&&" | "||")) => {
                self.next = at;
                Err(self.wrong("nothing is compared here", "write a comparison, such as `duration > 1s`"))
            }
            _ => Err(self.unexpected("a comparison such as `=`")),
        }
    }

    fn fits(&mut self, left: Operand, at: usize, negated: bool) -> Result<Condition, Misread> {
        let Operand::Field(field) = left else {
            self.next = at;
            return Err(self.wrong("a pattern is held against a field", "write the field on the left"));
        };
        if field.kind().is_some_and(|kind| kind != Type::Text) {
            self.next = at;
            return Err(self.wrong("only texts are held against a pattern", "compare it with `=`, `>` and the like"));
        }
        self.next += 1;
        let TokenKind::Text(text) = self.kind() else { return Err(self.unexpected("a regular expression in quotes")) };
        // Anchored like Tempo's.
        let pattern = Regex::new(&format!("^(?:{text})$")).map_err(|error| {
            // The text that was anchored is not the one that the author knows.
            let why = error.to_string();
            self.wrong(format!("that is no regular expression: {why}"), "write one as in RE2, such as \"GET /.*\"")
        })?;
        self.next += 1;
        Ok(Condition::Fits { field, pattern, negated })
    }

    /// Refuses what could never be true, wherever the two sides are known.
    fn check(&mut self, left: &Operand, at: usize, comparison: Comparison, right: &Operand, right_at: usize) -> Result<(), Misread> {
        let (field, value, value_at) = match (left, right) {
            (Operand::Field(field), value) => (field, value, right_at),
            (value, Operand::Field(field)) => (field, value, at),
            _ => {
                self.next = at;
                return Err(self.wrong("two values are compared that both stand in the query", "compare a field with one of them"));
            }
        };
        let fits = match (field.kind(), value) {
            (None, _) | (_, Operand::Field(_) | Operand::Value(Value::Nil)) | (Some(Type::Text), Operand::Text(_)) => true,
            (Some(Type::Number), Operand::Value(value)) => matches!(value, Value::Int(_) | Value::Float(_)),
            (Some(Type::Duration), Operand::Value(value)) => matches!(value, Value::Duration(_)),
            (Some(Type::Status), Operand::Value(value)) => matches!(value, Value::Status(_)),
            (Some(Type::Kind), Operand::Value(value)) => matches!(value, Value::Kind(_)),
            _ => false,
        };
        self.next = value_at;
        if !fits {
            return Err(self.unexpected(match field.kind() {
                Some(Type::Number) => "a number",
                Some(Type::Duration) => "a duration with its unit, such as 250ms,",
                Some(Type::Status) => "error, ok or unset, without quotes,",
                Some(Type::Kind) => "client, server, internal, producer or consumer, without quotes,",
                Some(Type::Text) | None => "a text in quotes",
            }));
        }
        let unordered = matches!(value, Operand::Value(Value::Flag(_) | Value::Status(_) | Value::Kind(_) | Value::Nil));
        if comparison.orders() && (unordered || matches!(field.kind(), Some(Type::Status | Type::Kind))) {
            return Err(self.wrong("there is no order among these values", "compare them with `=` or `!=`"));
        }
        Ok(())
    }

    /// An attribute or an intrinsic.
    pub(super) fn field(&mut self) -> Result<Field, Misread> {
        let TokenKind::Word(word) = self.kind().clone() else { return Err(self.unexpected("a field or a value")) };
        let attribute = |key: &str| key.to_owned();
        let field = match word.split_once('.') {
            Some((_, "")) => return Err(self.wrong(format!("`{word}` names no attribute"), "write its name after the dot")),
            Some(("", key)) => Field::Either(attribute(key)),
            Some(("span", key)) => Field::Span(attribute(key)),
            Some(("resource", key)) => Field::Resource(attribute(key)),
            Some((scope, _)) if OTHER_SCOPES.contains(&scope) => {
                let what = format!("`{scope}.` is not supported");
                return Err(self.wrong(what, "attributes are those of the span or of its resource: span.x, resource.x, or .x for either"));
            }
            _ => match INTRINSICS.into_iter().find(|(name, _)| *name == word) {
                Some((_, intrinsic)) => Field::Intrinsic(intrinsic),
                None => return Err(self.unknown(&word)),
            },
        };
        self.next += 1;
        Ok(field)
    }

    fn unknown(&self, word: &str) -> Misread {
        let scope = word.split([':', '.']).next().unwrap_or_default();
        if OTHER_SCOPES.contains(&scope) || ["statusMessage", "span:statusMessage"].contains(&word) || word.starts_with("nestedSet") {
            return self.wrong(format!("`{word}` is not supported"), format!("known are {}", known()));
        }
        let hint = format!("an attribute is written span.{word}, resource.{word} or .{word}; known without a dot are {}", known());
        self.wrong(format!("`{word}` is no field"), hint)
    }
}

fn known() -> String {
    let names: Vec<&str> = INTRINSICS.into_iter().map(|(name, _)| name).filter(|name| !name.starts_with("span:")).collect();
    names.join(", ")
}
