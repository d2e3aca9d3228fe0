//! A fault that somebody types while a run goes on: the same keys as in a file, from the same table, read by the same reader.

use std::time::Duration;

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Value};

use super::{FaultKind, parse_duration};
use crate::scenario::keys::{FAULT, Key, Shape};
use crate::scenario::refusal::Wrong;

/// What there is to say about a fault of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultForm {
    /// As the file calls the kind.
    pub kind: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
}

/// One of its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultKey {
    /// As the file calls it.
    pub name: &'static str,
    /// What it says, in a sentence.
    pub about: &'static str,
    /// What holds where it is left out; `None` where nothing does.
    pub default: Option<String>,
    /// A value that makes sense, to begin with; empty where it may be left out.
    pub first: String,
}

/// Why what was typed is no fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistyped {
    /// The key that is to blame, by its place; `None` where no single one is.
    pub key: Option<usize>,
    /// In one sentence, with the way out.
    pub why: String,
}

/// Every kind of fault, in the order in which the reader knows them.
pub fn forms() -> impl Iterator<Item = FaultForm> {
    let about = |kind: &str| FAULT.case(kind).map_or("", |case| case.about);
    FaultKind::NAMES.iter().map(move |kind| FaultForm { kind, about: about(kind) })
}

impl FaultForm {
    /// The keys of this kind. `services` are the names that the stack knows.
    pub fn keys(self, services: &[&str]) -> Vec<FaultKey> {
        let keys = FAULT.case(self.kind).map_or(&[][..], |case| case.keys);
        keys.iter()
            .map(|key| FaultKey {
                name: key.name,
                about: key.about,
                default: key.default.map(bare),
                first: match services {
                    [first, ..] if names_service(key) => (*first).to_owned(),
                    _ if key.needed => key.example.map(bare).unwrap_or_default(),
                    _ => String::new(),
                },
            })
            .collect()
    }

    /// A little more than what is typed for a key, or less: the next service, a tenth, the next round time.
    pub fn stepped(self, key: &FaultKey, typed: &str, up: bool, services: &[&str]) -> String {
        let Some(known) = FAULT.case(self.kind).and_then(|case| case.keys.iter().find(|known| known.name == key.name)) else {
            return typed.to_owned();
        };
        let base = known.default.or(known.example).map(bare).unwrap_or_default();
        let from = if typed.trim().is_empty() { base.as_str() } else { typed.trim() };
        match known.shape {
            _ if names_service(known) => turned(services, typed.trim(), up),
            Shape::Number { to, .. } => {
                let tenths = (from.parse().unwrap_or(0.0) * 10.0_f64).round() + if up { 1.0 } else { -1.0 };
                (tenths.clamp(1.0, to * 10.0) / 10.0).to_string()
            }
            Shape::Whole(least, most) => {
                let whole = from.parse().unwrap_or(least).saturating_add(if up { 1 } else { -1 });
                whole.clamp(least, most).to_string()
            }
            Shape::Time { .. } => stepped_time(from, up),
            _ => {
                let example = known.example.map(bare).unwrap_or_default();
                let offers = [example.as_str(), ""];
                turned(&offers[..if known.needed { 1 } else { 2 }], typed.trim(), up)
            }
        }
    }

    /// Reads what was typed for each key, in the order of [`Self::keys`]; what is empty is left out.
    ///
    /// # Errors
    /// What is wrong, in the words of the reader of scenarios.
    pub fn read(self, typed: &[String], services: &[&str]) -> Result<FaultKind, Mistyped> {
        let keys = FAULT.case(self.kind).map_or(&[][..], |case| case.keys);
        let mut table = DeTable::new();
        for (index, (key, text)) in keys.iter().zip(typed).enumerate() {
            if !text.trim().is_empty() {
                // In place of where it stands in a file: which of the keys it is.
                let span = index..index + 1;
                table.insert(Spanned::new(span.clone(), key.name.into()), Spanned::new(span, value(key, text.trim())));
            }
        }
        let whole = 0..usize::MAX;
        let read = FaultKind::read(&Spanned::new(whole.clone(), self.kind.to_owned()), Spanned::new(whole, table), services);
        read.map_err(|wrong| {
            let missing = wrong.missing_key().and_then(|missing| keys.iter().position(|key| key.name == missing));
            let stands = wrong.span.as_ref().filter(|span| span.len() == 1).map(|span| span.start);
            Mistyped { key: missing.or(stands), why: sentence(wrong) }
        })
    }
}

impl FaultKind {
    /// Reads what [`Self::keys`] says, wherever that was kept. Any service will do.
    ///
    /// # Errors
    /// What is wrong, in the words of the reader of scenarios.
    pub fn from_keys<'k>(kind: &str, keys: impl Iterator<Item = (&'k str, &'k Value)>) -> Result<Self, String> {
        let texts: Vec<(&str, String, bool)> = keys.map(|(key, value)| (key, text_of(value), value.is_str())).collect();
        let mut table = DeTable::new();
        for (key, text, is_text) in &texts {
            let value = number(text).filter(|_| !is_text).unwrap_or_else(|| DeValue::String(text.as_str().into()));
            table.insert(Spanned::new(0..0, (*key).into()), Spanned::new(0..0, value));
        }
        let service = texts.iter().find(|(key, ..)| *key == SERVICE).map(|(_, text, _)| text.as_str());
        let services: Vec<&str> = service.into_iter().collect();
        Self::read(&Spanned::new(0..0, kind.to_owned()), Spanned::new(0..0, table), &services).map_err(sentence)
    }
}

/// How long a fault is to last: until it is ended, where nothing is typed.
///
/// # Errors
/// What is wrong, in the words of the reader of scenarios.
pub fn typed_duration(typed: &str) -> Result<Duration, String> {
    match typed.trim() {
        "" => Ok(super::Fault::UNTIL_ENDED),
        typed => parse_duration(&Spanned::new(0..0, typed.to_owned())).map_err(sentence),
    }
}

/// The next round time: 1, 2 or 5 of something.
pub fn stepped_time(typed: &str, up: bool) -> String {
    const ROUND: [&str; 19] = [
        "1ms", "2ms", "5ms", "10ms", "20ms", "50ms", "100ms", "200ms", "500ms", "1s", "2s", "5s", "10s", "20s", "30s", "1m", "2m", "5m",
        "10m",
    ];
    let known = |text: &str| humantime::parse_duration(text).ok();
    let Some(from) = known(typed.trim()) else { return "1s".to_owned() };
    let above = ROUND.iter().find(|round| known(round) > Some(from));
    let below = ROUND.iter().rev().find(|round| known(round) < Some(from));
    (if up { above } else { below }).map_or_else(|| typed.to_owned(), |round| (*round).to_owned())
}

/// The next of them, and the first after the last.
fn turned(all: &[&str], from: &str, up: bool) -> String {
    let count = all.len().max(1);
    let next = match all.iter().position(|one| *one == from) {
        Some(place) => (place + if up { 1 } else { count - 1 }) % count,
        None => 0,
    };
    all.get(next).map_or_else(|| from.to_owned(), |next| (*next).to_owned())
}

const SERVICE: &str = "service";

fn names_service(key: &Key) -> bool {
    key.name == SERVICE
}

/// As somebody types it: without the quotes that a file has.
fn bare(toml: &str) -> String {
    toml.trim_matches('"').to_owned()
}

/// What is no number where one belongs stays a text, and the reader says so.
fn value<'t>(key: &Key, typed: &'t str) -> DeValue<'t> {
    let is_number = matches!(key.shape, Shape::Number { .. } | Shape::Whole(..));
    is_number.then(|| number(typed)).flatten().unwrap_or_else(|| DeValue::String(typed.into()))
}

fn number(text: &str) -> Option<DeValue<'_>> {
    let parsed = DeValue::parse(text).ok()?.into_inner();
    matches!(parsed, DeValue::Integer(_) | DeValue::Float(_)).then_some(parsed)
}

/// A value of a key as a file has it, a text without its quotes.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        // With a point, or an exponent, so that it is no whole number.
        Value::Float(number) => format!("{number:?}"),
        other => other.as_integer().map_or_else(String::new, |whole| whole.to_string()),
    }
}

/// Of the same in one sentence, without the place: whoever types sees it.
fn sentence(wrong: Wrong) -> String {
    let refusal = wrong.at("", "");
    match refusal.hint {
        Some(hint) => format!("{} ({hint})", refusal.what),
        None => refusal.what,
    }
}

#[cfg(test)]
mod tests;
