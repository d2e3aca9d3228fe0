//! What is compared in a query, and how.

use std::cmp::Ordering;

use regex_lite::Regex;
use serde_json::Value as Json;

/// A value of a span or one that stands in a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'v> {
    /// Not there.
    Nil,
    Text(&'v str),
    Flag(bool),
    Int(i64),
    Float(f64),
    /// Nanoseconds.
    Duration(i64),
    /// `error`, `ok` or `unset`.
    Status(&'v str),
    /// `client`, `server` and so on.
    Kind(&'v str),
    List(&'v [Json]),
}

/// The signs between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    pub(super) fn of(sign: &str) -> Option<Self> {
        Some(match sign {
            "=" => Self::Equal,
            "!=" => Self::NotEqual,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    /// Whether it asks for an order, which flags, states and kinds do not have.
    pub(super) fn orders(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }

    /// The same with its sides exchanged.
    fn turned_round(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            same => same,
        }
    }

    pub(super) fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }

    /// Values of different types do not compare, and what is not there compares with `nil` alone.
    pub(super) fn compares(self, left: &Value<'_>, right: &Value<'_>) -> bool {
        match (left, right) {
            (Value::Nil, Value::Nil) => self == Self::Equal,
            (Value::Nil, _) => false,
            (_, Value::Nil) => self == Self::NotEqual,
            // That a list is not something means that it does not contain it.
            (Value::List(list), one) if self == Self::NotEqual => !list.iter().any(|each| Self::Equal.compares(&json(each), one)),
            (Value::List(list), one) => list.iter().any(|each| self.compares(&json(each), one)),
            (_, Value::List(_)) => self.turned_round().compares(right, left),
            (Value::Text(left), Value::Text(right)) => self.holds(left.cmp(right)),
            (Value::Flag(left), Value::Flag(right)) => !self.orders() && self.holds(left.cmp(right)),
            (Value::Status(left), Value::Status(right)) | (Value::Kind(left), Value::Kind(right)) => {
                !self.orders() && self.holds(left.cmp(right))
            }
            _ => order(left, right).is_some_and(|ordering| self.holds(ordering)),
        }
    }
}

impl Value<'_> {
    /// For sums and averages; durations in nanoseconds.
    pub(super) fn number(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "an average needs no more than 53 bits")]
        match self {
            Self::Int(number) | Self::Duration(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }
}

/// Numbers and durations, which are numbers of nanoseconds where they meet one.
fn order(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    match (left, right) {
        (Value::Int(left) | Value::Duration(left), Value::Int(right) | Value::Duration(right)) => Some(left.cmp(right)),
        _ => left.number()?.partial_cmp(&right.number()?),
    }
}

/// Whether a text, or one of a list of texts, matches as a whole.
pub(super) fn fits(value: &Value<'_>, pattern: &Regex) -> bool {
    match value {
        Value::Text(text) => pattern.is_match(text),
        Value::List(list) => list.iter().any(|each| fits(&json(each), pattern)),
        _ => false,
    }
}

/// Whether it can be held against a pattern at all.
pub(super) fn is_text(value: &Value<'_>) -> bool {
    match value {
        Value::Text(_) => true,
        Value::List(list) => list.iter().all(Json::is_string),
        _ => false,
    }
}

/// An attribute's value.
pub(super) fn json(value: &Json) -> Value<'_> {
    match value {
        Json::String(text) => Value::Text(text),
        Json::Bool(flag) => Value::Flag(*flag),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(int), _) => Value::Int(int),
            (None, Some(float)) => Value::Float(float),
            (None, None) => Value::Nil,
        },
        Json::Array(list) => Value::List(list),
        Json::Null | Json::Object(_) => Value::Nil,
    }
}
