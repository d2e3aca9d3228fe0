//! The scenario file as it is written: shapes only. What the values mean, and which are refused, is in `plan`.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::expect::ExpectTable;
use super::phase::PhaseTable;
use super::request::RequestTable;
use super::scope::ScopeKeys;
use super::service::ServiceTable;
use super::vars::VarsTable;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScenarioFile {
    /// Read before all else; named here, so that it is missed.
    #[serde(rename = "format")]
    _format: i64,
    pub(super) title: String,
    #[serde(default)]
    pub(super) about: String,
    #[serde(default)]
    pub(super) seed: u32,
    #[serde(default)]
    pub(super) keep_going: bool,
    pub(super) stack: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) service: Vec<Spanned<ServiceTable>>,
    pub(super) intended_verdict: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) load: Vec<Spanned<LoadTable>>,
    #[serde(default)]
    pub(super) phase: Vec<PhaseTable>,
    #[serde(default)]
    pub(super) thresholds: BTreeMap<Spanned<String>, Spanned<Vec<Spanned<Promise>>>>,
    #[serde(default)]
    pub(super) expect: Vec<Spanned<ExpectTable>>,
    /// Taken out before, because what a fault looks like depends on its kind; named here, so that a misspelt one is recognised.
    #[serde(default, rename = "fault")]
    _fault: IgnoredAny,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoadTable {
    pub(super) name: Spanned<String>,
    pub(super) executor: Spanned<String>,
    pub(super) start: Option<Spanned<String>>,
    pub(super) graceful_stop: Option<Spanned<String>>,
    // What follows up to `timeout` depends on the executor.
    pub(super) rate: Option<Spanned<f64>>,
    pub(super) start_rate: Option<Spanned<f64>>,
    pub(super) time_unit: Option<Spanned<String>>,
    pub(super) stages: Option<Spanned<Vec<Spanned<StageTable>>>>,
    pub(super) duration: Option<Spanned<String>>,
    pub(super) arrivals: Option<Spanned<String>>,
    pub(super) max_vus: Option<Spanned<i64>>,
    pub(super) vus: Option<Spanned<i64>>,
    pub(super) start_vus: Option<Spanned<i64>>,
    pub(super) iterations: Option<Spanned<i64>>,
    pub(super) max_duration: Option<Spanned<String>>,
    pub(super) graceful_ramp_down: Option<Spanned<String>>,
    pub(super) think_time: Option<Spanned<Think>>,
    pub(super) timeout: Option<Spanned<String>>,
    pub(super) service: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) request: Vec<Spanned<RequestTable>>,
    #[serde(default)]
    pub(super) vars: VarsTable,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StageTable {
    pub(super) target: Spanned<f64>,
    pub(super) duration: Spanned<String>,
}

/// `"1s"`, or a table with the shortest and the longest.
#[derive(Debug)]
pub(super) enum Think {
    Fixed(String),
    Between(ThinkTable),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ThinkTable {
    pub(super) min: Spanned<String>,
    pub(super) max: Spanned<String>,
}

/// `"p(95)<50"`, or a table with the promise and which part of the run it is about.
#[derive(Debug)]
pub(super) enum Promise {
    Plain(String),
    Table(Box<PromiseTable>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PromiseTable {
    pub(super) threshold: Spanned<String>,
    // What follows is a scope; see there.
    outside: Option<Spanned<Names>>,
    during: Option<Spanned<Names>>,
    before: Option<Spanned<Names>>,
    after: Option<Spanned<Names>>,
    settle: Option<Spanned<String>>,
    within: Option<Spanned<String>>,
    pub(super) abort_on_fail: Option<Spanned<bool>>,
    pub(super) delay_abort_eval: Option<Spanned<String>>,
}

impl PromiseTable {
    pub(super) fn scope(&self) -> ScopeKeys<'_> {
        ScopeKeys {
            outside: self.outside.as_ref(),
            during: self.during.as_ref(),
            before: self.before.as_ref(),
            after: self.after.as_ref(),
            settle: self.settle.as_ref(),
            within: self.within.as_ref(),
        }
    }
}

/// `"name"` or `["name", …]`.
#[derive(Debug)]
pub(super) struct Names(pub(super) Vec<Name>);

/// One of them, with its place where it is not the only one.
#[derive(Debug)]
pub(super) struct Name {
    pub(super) text: String,
    pub(super) span: Option<Range<usize>>,
}

/// A text, or a table in its place. A derived untagged enum would work too, and lose every place inside of it.
struct TextOr<T>(PhantomData<T>);

impl<'de, T: From<String> + From<Table>, Table: Deserialize<'de>> Visitor<'de> for TextOr<(T, Table)> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a table")
    }

    fn visit_str<E>(self, text: &str) -> Result<T, E> {
        Ok(T::from(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        Table::deserialize(MapAccessDeserializer::new(map)).map(T::from)
    }
}

impl<'de> Deserialize<'de> for Promise {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOr::<(Self, PromiseTable)>(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Think {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOr::<(Self, ThinkTable)>(PhantomData))
    }
}

impl From<String> for Promise {
    fn from(text: String) -> Self {
        Self::Plain(text)
    }
}

impl From<PromiseTable> for Promise {
    fn from(table: PromiseTable) -> Self {
        Self::Table(Box::new(table))
    }
}

impl From<String> for Think {
    fn from(text: String) -> Self {
        Self::Fixed(text)
    }
}

impl From<ThinkTable> for Think {
    fn from(table: ThinkTable) -> Self {
        Self::Between(table)
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;
        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of strings")
            }

            fn visit_str<E>(self, text: &str) -> Result<Names, E> {
                Ok(Names(vec![Name { text: text.to_owned(), span: None }]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Names, A::Error> {
                let list: Vec<Spanned<String>> = Vec::deserialize(SeqAccessDeserializer::new(list))?;
                Ok(Names(list.into_iter().map(|name| Name { span: Some(name.span()), text: name.into_inner() }).collect()))
            }
        }
        deserializer.deserialize_any(OneOrMore)
    }
}
