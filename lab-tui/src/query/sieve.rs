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
