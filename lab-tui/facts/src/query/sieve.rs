//! What a query asks of single spans. Whoever keeps many traces need not take those apart of which no span fits: a sieve looks at what
//! is at hand of each span, and lets through whatever it cannot be sure of.

use regex_lite::Regex;

use super::field::{Field, Intrinsic};
use super::spanset::{Condition, Joint, Operand, Relation, Spanset};
use super::value::{Comparison, Value, fits, is_text};

/// What is at hand of a span.
pub trait Glance {
    /// Its name.
    fn name(&self) -> &str;
    /// `client`, `server`, `internal`, `producer`, `consumer`.
    fn kind(&self) -> &str;
    /// `unset`, `ok` or `error`.
    fn status(&self) -> &str;
    /// Nanoseconds.
    fn duration_nano(&self) -> u64;
    /// Its attribute of the key of that number among [`Sieve::keys`].
    fn attribute(&self, key: usize) -> Glimpse<'_>;
    /// The same of its resource.
    fn resource(&self, key: usize) -> Glimpse<'_>;
}

/// What is at hand of an attribute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Glimpse<'s> {
    /// There is none.
    Absent,
    /// There is one, without a value that can be compared.
    Nil,
    /// A text.
    Text(&'s str),
    /// True or false.
    Flag(bool),
    /// A whole number.
    Int(i64),
    /// Another number, neither infinite nor none.
    Float(f64),
    /// There is one; its value takes more than a glance.
    Hidden,
}

/// Something that a span may be like, of which an index can tell whether any is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mark<'m> {
    /// It has that name.
    Name(&'m str),
    /// Its resource has that `service.name`.
    Service(&'m str),
    /// `unset`, `ok` or `error`.
    Status(&'m str),
    /// Its attribute of that key is that text.
    Text(&'m str, &'m str),
    /// The same of true and false.
    Flag(&'m str, bool),
    /// The same of a number.
    Number(&'m str, Number),
    /// It lasts so many nanoseconds, or longer.
    AtLeast(u64),
    /// It lasts so many nanoseconds, or less.
    AtMost(u64),
    /// Its resource has an attribute of that key, whatever that is.
    Resource(&'m str),
}

/// A number that is equal to another whenever a query says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Number(u64);

impl Number {
    /// Of a whole number.
    pub fn of_int(number: i64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "numbers that are equal stay so")]
        Self::of_float(number as f64)
    }

    /// Of another.
    pub fn of_float(number: f64) -> Self {
        // There are two zeros, which are equal.
        Self(if number == 0.0 { 0 } else { number.to_bits() })
    }
}

/// Tells traces that cannot match from those that may.
#[derive(Debug)]
pub struct Sieve<'q> {
    keys: Vec<&'q str>,
    need: Need<'q>,
}

/// What a trace needs in order to match.
#[derive(Debug)]
enum Need<'q> {
    /// A span for which this is not false.
    Span(Test<'q>),
    Both(Box<Self>, Box<Self>),
    Either(Box<Self>, Box<Self>),
}

/// A condition, with the numbers of keys in the place of these.
#[derive(Debug)]
enum Test<'q> {
    Always(bool),
    Flag(Spot),
    Not(Box<Self>),
    Row(Box<Self>, Vec<(Joint, Self)>),
    Compare(Side<'q>, Comparison, Side<'q>),
    Fits { spot: Spot, pattern: &'q Regex, negated: bool },
}

#[derive(Debug, Clone, Copy)]
enum Spot {
    Span(usize),
    Resource(usize),
    Either(usize),
    Name,
    Kind,
    Status,
    Duration,
    /// What a span alone does not tell.
    Elsewhere,
}

#[derive(Debug)]
enum Side<'q> {
    Spot(Spot),
    Value(Value<'q>),
}

impl<'q> Sieve<'q> {
    pub(super) fn new(query: &'q Spanset) -> Self {
        let mut keys = Vec::new();
        let need = Need::of(query, &mut keys);
        Self { keys, need }
    }

    /// Keys of the attributes that are asked for.
    pub fn keys(&self) -> &[&'q str] {
        &self.keys
    }

    /// Whether a trace may match of which an index knows whether a span may be like a mark.
    pub fn may_let_through(&self, has: &impl Fn(&Mark<'_>) -> bool) -> bool {
        self.need.may_be_met(&self.keys, has)
    }

    /// Whether a trace of these spans may match. What it does not let through does not.
    pub fn lets_through<G: Glance>(&self, spans: &(impl Iterator<Item = G> + Clone)) -> bool {
        self.need.is_met(spans)
    }
}

impl<'q> Need<'q> {
    fn of(query: &'q Spanset, keys: &mut Vec<&'q str>) -> Self {
        match query {
            Spanset::Filter(condition) => Self::Span(Test::of(condition, keys)),
            Spanset::Row(first, others) => others.iter().fold(Self::of(first, keys), |left, (relation, right)| {
                let (left, right) = (Box::new(left), Box::new(Self::of(right, keys)));
                // Whatever is between two spansets but `||` asks for spans of both.
                if *relation == Relation::Or { Self::Either(left, right) } else { Self::Both(left, right) }
            }),
            // What follows lets through what was found before, or less.
            Spanset::Piped(first, _) => Self::of(first, keys),
        }
    }

    fn may_be_met(&self, keys: &[&str], has: &impl Fn(&Mark<'_>) -> bool) -> bool {
        match self {
            Self::Span(test) => test.may_hold(keys, has),
            Self::Both(left, right) => left.may_be_met(keys, has) && right.may_be_met(keys, has),
            Self::Either(left, right) => left.may_be_met(keys, has) || right.may_be_met(keys, has),
        }
    }

    fn is_met<G: Glance>(&self, spans: &(impl Iterator<Item = G> + Clone)) -> bool {
        match self {
            Self::Span(test) => spans.clone().any(|span| test.holds(&span) != Some(false)),
            Self::Both(left, right) => left.is_met(spans) && right.is_met(spans),
            Self::Either(left, right) => left.is_met(spans) || right.is_met(spans),
        }
    }
}

impl<'q> Test<'q> {
    fn of(condition: &'q Condition, keys: &mut Vec<&'q str>) -> Self {
        match condition {
            Condition::Always(flag) => Self::Always(*flag),
            Condition::Flag(field) => Self::Flag(Spot::of(field, keys)),
            Condition::Not(inner) => Self::Not(Box::new(Self::of(inner, keys))),
            Condition::Row(first, others) => {
                let first = Box::new(Self::of(first, keys));
                Self::Row(first, others.iter().map(|(joint, other)| (*joint, Self::of(other, keys))).collect())
            }
            Condition::Compare(left, comparison, right) => Self::Compare(Side::of(left, keys), *comparison, Side::of(right, keys)),
            Condition::Fits { field, pattern, negated } => Self::Fits { spot: Spot::of(field, keys), pattern, negated: *negated },
        }
    }

    /// Whether it may hold for any span; what an index does not tell may.
    fn may_hold(&self, keys: &[&str], has: &impl Fn(&Mark<'_>) -> bool) -> bool {
        match self {
            Self::Always(flag) => *flag,
            Self::Flag(Spot::Span(key)) => has(&Mark::Flag(keys[*key], true)),
            Self::Row(first, others) => others.iter().fold(first.may_hold(keys, has), |left, (joint, right)| match joint {
                Joint::And => left && right.may_hold(keys, has),
                Joint::Or => left || right.may_hold(keys, has),
            }),
            Self::Compare(Side::Spot(spot), comparison, Side::Value(value)) => {
                let may_be = |spot| marked(spot, *comparison, *value, keys).is_none_or(|mark| has(&mark));
                match spot {
                    Spot::Either(key) => may_be(Spot::Span(*key)) || has(&Mark::Resource(keys[*key])),
                    spot => may_be(*spot),
                }
            }
            Self::Flag(_) | Self::Not(_) | Self::Compare(..) | Self::Fits { .. } => true,
        }
    }

    /// `None` where a glance is not enough.
    fn holds(&self, span: &impl Glance) -> Option<bool> {
        match self {
            Self::Always(flag) => Some(*flag),
            Self::Flag(spot) => Some(spot.of_span(span)? == Value::Flag(true)),
            Self::Not(inner) => inner.holds(span).map(|holds| !holds),
            Self::Row(first, others) => others.iter().fold(first.holds(span), |left, (joint, right)| match (joint, left) {
                (Joint::And, Some(false)) | (Joint::Or, Some(true)) => left,
                (Joint::And, Some(true)) | (Joint::Or, Some(false)) => right.holds(span),
                // The other side may settle it.
                (Joint::And, None) => right.holds(span).filter(|right| !right),
                (Joint::Or, None) => right.holds(span).filter(|right| *right),
            }),
            Self::Compare(left, comparison, right) => Some(comparison.compares(&left.of_span(span)?, &right.of_span(span)?)),
            Self::Fits { spot, pattern, negated } => {
                let value = spot.of_span(span)?;
                Some(is_text(&value) && fits(&value, pattern) != *negated)
            }
        }
    }
}

/// What a span must be like for a comparison to hold, where an index knows of it.
fn marked<'m>(spot: Spot, comparison: Comparison, value: Value<'m>, keys: &[&'m str]) -> Option<Mark<'m>> {
    let nanos = |value: i64| u64::try_from(value).unwrap_or(0);
    match (spot, comparison, value) {
        (Spot::Duration, Comparison::Greater | Comparison::GreaterOrEqual, Value::Duration(least)) => Some(Mark::AtLeast(nanos(least))),
        (Spot::Duration, Comparison::Less | Comparison::LessOrEqual, Value::Duration(most)) => Some(Mark::AtMost(nanos(most))),
        (Spot::Name, Comparison::Equal, Value::Text(name)) => Some(Mark::Name(name)),
        (Spot::Status, Comparison::Equal, Value::Status(status)) => Some(Mark::Status(status)),
        (Spot::Resource(key), Comparison::Equal, Value::Text(name)) if keys[key] == "service.name" => Some(Mark::Service(name)),
        (Spot::Span(key), Comparison::Equal, Value::Text(text)) => Some(Mark::Text(keys[key], text)),
        (Spot::Span(key), Comparison::Equal, Value::Flag(flag)) => Some(Mark::Flag(keys[key], flag)),
        (Spot::Span(key), Comparison::Equal, Value::Int(number)) => Some(Mark::Number(keys[key], Number::of_int(number))),
        (Spot::Span(key), Comparison::Equal, Value::Float(number)) => Some(Mark::Number(keys[key], Number::of_float(number))),
        _ => None,
    }
}

impl<'q> Side<'q> {
    fn of(operand: &'q Operand, keys: &mut Vec<&'q str>) -> Self {
        match operand {
            Operand::Field(field) => Self::Spot(Spot::of(field, keys)),
            Operand::Text(text) => Self::Value(Value::Text(text)),
            Operand::Value(value) => Self::Value(*value),
        }
    }

    fn of_span<'s>(&'s self, span: &'s impl Glance) -> Option<Value<'s>> {
        match self {
            Self::Spot(spot) => spot.of_span(span),
            Self::Value(value) => Some(*value),
        }
    }
}

impl Spot {
    fn of<'q>(field: &'q Field, keys: &mut Vec<&'q str>) -> Self {
        let mut number = |key: &'q str| {
            keys.iter().position(|known| *known == key).unwrap_or_else(|| {
                keys.push(key);
                keys.len() - 1
            })
        };
        match field {
            Field::Span(key) => Self::Span(number(key)),
            Field::Resource(key) => Self::Resource(number(key)),
            Field::Either(key) => Self::Either(number(key)),
            Field::Intrinsic(Intrinsic::Name) => Self::Name,
            Field::Intrinsic(Intrinsic::Kind) => Self::Kind,
            Field::Intrinsic(Intrinsic::Status) => Self::Status,
            Field::Intrinsic(Intrinsic::Duration) => Self::Duration,
            Field::Intrinsic(_) => Self::Elsewhere,
        }
    }

    fn of_span<'s>(&self, span: &'s impl Glance) -> Option<Value<'s>> {
        let seen = match self {
            Self::Span(key) => span.attribute(*key),
            Self::Resource(key) => span.resource(*key),
            Self::Either(key) => match span.attribute(*key) {
                Glimpse::Absent => span.resource(*key),
                own => own,
            },
            Self::Name => return Some(Value::Text(span.name())),
            Self::Kind => return Some(Value::Kind(span.kind())),
            Self::Status => return Some(Value::Status(span.status())),
            Self::Duration => return Some(Value::Duration(i64::try_from(span.duration_nano()).unwrap_or(i64::MAX))),
            Self::Elsewhere => return None,
        };
        match seen {
            Glimpse::Absent | Glimpse::Nil => Some(Value::Nil),
            Glimpse::Text(text) => Some(Value::Text(text)),
            Glimpse::Flag(flag) => Some(Value::Flag(flag)),
            Glimpse::Int(number) => Some(Value::Int(number)),
            Glimpse::Float(number) => Some(Value::Float(number)),
            Glimpse::Hidden => None,
        }
    }
}
