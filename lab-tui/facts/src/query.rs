//! What to look for in traces, in TraceQL's words: `{ resource.service.name = "a" && duration > 1s } >> { status = error } | count() > 2`.
//!
//! Pure: a text becomes a [`Query`], and a query says which spans of a trace match it. Expectations, `lab traces` and whatever else looks
//! for traces speak this one language. It is TraceQL as Tempo reads it, without its metrics, groups and arithmetic; what is left out is
//! refused by name. Like Tempo's, `&&` and `||` are of equal rank and are read from left to right, regular expressions must match the
//! whole value, and a comparison with an attribute that is not there is false, `!=` and `!~` too.

mod field;
mod parse;
mod sieve;
mod spanset;
mod token;
mod told;
mod tree;
mod value;

use std::fmt;
use std::str::FromStr;

use crate::trace::Trace;
pub use sieve::{Glance, Glimpse, Mark, Number, Sieve};
use spanset::Spanset;
use tree::Tree;

/// What every span or its trace has, as a query calls it; both spellings of those that have two.
pub const INTRINSICS: [&str; field::INTRINSICS.len()] = {
    let mut names = [""; field::INTRINSICS.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = field::INTRINSICS[at].0;
        at += 1;
    }
    names
};

/// A query that has been understood. Displays as it was written.
#[derive(Debug, Clone)]
pub struct Query {
    source: String,
    root: Spanset,
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// The first thing that is wrong or not supported, with its place and the way out.
    pub fn parse(text: &str) -> Result<Self, Misread> {
        Ok(Self { source: text.to_owned(), root: parse::parse(text)? })
    }

    /// The spans that match, as indices of the trace's spans, ascending. None where the trace as a whole does not match.
    pub fn matches(&self, trace: &Trace) -> Vec<usize> {
        let matched = self.root.select(&Tree::new(trace));
        matched.iter().enumerate().filter_map(|(index, matches)| matches.then_some(index)).collect()
    }

    /// What tells traces that cannot match before they are taken apart.
    pub fn sieve(&self) -> Sieve<'_> {
        Sieve::new(&self.root)
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.source
    }
}

impl FromStr for Query {
    type Err = Misread;

    fn from_str(text: &str) -> Result<Self, Misread> {
        Self::parse(text)
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

/// What is written alike means the same.
impl PartialEq for Query {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Query {}

/// Why a query was not understood. Displays as one sentence: `at character 12: what (way out)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misread {
    /// The byte at which it stands; the query's length where something is missing at its end.
    pub at: usize,
    /// The same, in characters counted from 1.
    pub character: usize,
    /// What is wrong.
    pub what: String,
    /// The way out.
    pub hint: String,
}

impl Misread {
    fn new(text: &str, at: usize, what: impl Into<String>, hint: impl Into<String>) -> Self {
        let character = text.get(..at).unwrap_or(text).chars().count() + 1;
        Self { at, character, what: what.into(), hint: hint.into() }
    }
}

impl std::error::Error for Misread {}

impl fmt::Display for Misread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at character {}: {} ({})", self.character, self.what, self.hint)
    }
}

#[cfg(test)]
mod tests;
