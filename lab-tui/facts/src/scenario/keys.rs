//! What a scenario file may hold: each key with its shape, its default and a sentence about it.
//!
//! The JSON Schema is made from here, and so is what stands in for a wrong value while the rest of a file is read. The readers know
//! their keys by themselves; tests keep the two equal.

mod expect;
mod fault;
mod load;
mod request;
mod root;
mod scope;
mod service;

pub(super) use fault::FAULT;
pub(super) use request::METHODS;
pub(super) use root::SCENARIO;
pub(super) use scope::RELATIONS;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// One key of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) shape: Shape,
    /// Whether a table without it is refused.
    pub(super) needed: bool,
    /// As TOML; `None` where nothing, or no single value, is the default.
    pub(super) default: Option<&'static str>,
    /// A value that is accepted wherever the key is known, as TOML.
    pub(super) example: Option<&'static str>,
    /// In place of the example, what does least harm to other parts of the file when it stands in for a wrong value.
    pub(super) stand_in: Option<&'static str>,
}

/// What a value looks like.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// This number and no other.
    Only(i64),
    Switch,
    Text,
    /// A text with at least one character that is no blank.
    Name,
    /// A text that looks like this regular expression.
    Pattern(&'static str),
    /// `"30s"`; `"0s"` only where nothing is possible.
    Time {
        or_nothing: bool,
    },
    /// From, and up to. The first itself is left out where it is `above`.
    Number {
        from: f64,
        above: bool,
        to: f64,
    },
    /// A whole number from and up to.
    Whole(i64, i64),
    /// One of these.
    Word(&'static [&'static str]),
    /// A list of values of one shape; `true` where it may not be empty.
    List(&'static Shape, bool),
    Table(&'static Table),
    /// Any names, whose values are of one shape.
    Named(&'static Shape),
    /// The metrics, each with a list of promises.
    Thresholds(&'static Shape),
    /// The one or the other.
    Either(&'static [Shape]),
}

/// The keys of a table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) keys: &'static [Key],
    /// Of these at least one is needed, where there are any. The first one is what stands in.
    pub(super) one_of: &'static [&'static str],
    /// What further keys depend on, if anything.
    pub(super) choice: Option<Choice>,
}

/// A key whose value decides which further keys there are.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) by: &'static str,
    pub(super) cases: &'static [Case],
}

/// One value of such a key.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) keys: &'static [Key],
}

const TIME: Shape = Shape::Time { or_nothing: false };
const MOMENT: Shape = Shape::Time { or_nothing: true };

/// A key that may be left out.
const fn key(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key { name, about, shape, needed: false, default: None, example: None, stand_in: None }
}

impl Key {
    const fn needed(self) -> Self {
        Self { needed: true, ..self }
    }

    const fn default(self, toml: &'static str) -> Self {
        Self { default: Some(toml), ..self }
    }

    const fn example(self, toml: &'static str) -> Self {
        Self { example: Some(toml), ..self }
    }

    const fn stand_in(self, toml: &'static str) -> Self {
        Self { stand_in: Some(toml), ..self }
    }

    /// A value that the readers accept in this place, where there is one.
    pub(super) fn stand_in_value(&self) -> Option<DeValue<'static>> {
        self.stand_in.or(self.example).or(self.default).map(value).or_else(|| self.shape.stand_in())
    }
}

impl Shape {
    /// A value of this shape.
    pub(super) fn stand_in(self) -> Option<DeValue<'static>> {
        match self {
            Self::Text => Some(DeValue::String(DeString::from("stand-in"))),
            Self::Table(table) => Some(DeValue::Table(table.filled())),
            Self::List(shape, _) => Some(DeValue::Array([Spanned::new(0..0, shape.stand_in()?)].into_iter().collect())),
            Self::Either(shapes) => shapes.first()?.stand_in(),
            Self::Thresholds(_) | Self::Named(_) => Some(DeValue::Table(DeTable::new())),
            _ => None,
        }
    }
}

impl Table {
    /// A table of these keys and no others.
    const fn of(keys: &'static [Key]) -> Self {
        Self { keys, one_of: &[], choice: None }
    }

    /// The keys that all cases have, then those of this one.
    pub(super) fn keys_of(&'static self, case: Option<&'static Case>) -> impl Iterator<Item = &'static Key> {
        self.keys.iter().chain(case.map_or(&[][..], |case| case.keys))
    }

    /// The case of that name.
    pub(super) fn case(&'static self, name: &str) -> Option<&'static Case> {
        self.choice.as_ref()?.cases.iter().find(|case| case.name == name)
    }

    /// The key of that name, in whichever case.
    pub(super) fn key(&'static self, name: &str) -> Option<&'static Key> {
        let cases = self.choice.as_ref().map_or(&[][..], |choice| choice.cases);
        self.keys.iter().chain(cases.iter().flat_map(|case| case.keys)).find(|key| key.name == name)
    }

    /// A table that the readers accept: all that is needed, and nothing else.
    pub(super) fn filled(&'static self) -> DeTable<'static> {
        let case = self.choice.as_ref().and_then(|choice| choice.cases.first());
        let needed = self.keys_of(case).filter(|key| key.needed || self.one_of.first() == Some(&key.name));
        needed.filter_map(|key| Some((Spanned::new(0..0, DeString::from(key.name)), Spanned::new(0..0, key.stand_in_value()?)))).collect()
    }
}

/// The value that this TOML says. Those in the source are right, which a test sees to; else it would be an empty text.
fn value(toml: &'static str) -> DeValue<'static> {
    DeValue::parse(toml).map_or_else(|_| DeValue::String(DeString::from("")), Spanned::into_inner)
}
