//! Changes of a TOML text in their places, so that all that is not changed stays as it is.

use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What is to be replaced, and by what.
pub(super) struct Edits<'t> {
    text: &'t str,
    all: Vec<(Range<usize>, String)>,
}

/// A table of the text, and how a key is added to it.
pub(super) struct Spot<'t> {
    table: &'t DeTable<'t>,
    /// It stands in one line: `{ a = 1, b = 2 }`.
    is_inline: bool,
}

/// The value of a key.
pub(super) fn value<'t>(table: &'t DeTable<'t>, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
    table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
}

/// The tables of a list of tables.
pub(super) fn tables<'t>(document: &'t DeTable<'t>, key: &str) -> impl Iterator<Item = &'t Spanned<DeValue<'t>>> {
    value(document, key).and_then(|list| list.get_ref().as_array()).into_iter().flat_map(|list| list.iter())
}

impl<'t> Edits<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, all: Vec::new() }
    }

    pub(super) fn replace(&mut self, place: Range<usize>, by: String) {
        self.all.push((place, by));
    }

    /// Adds to a list that is written in brackets; whether there is such a one.
    pub(super) fn add_to_list(&mut self, list: Option<&Spanned<DeValue<'_>>>, more: impl Iterator<Item = String>) -> bool {
        let Some(list) = list else { return false };
        let (Some(written), DeValue::Array(values)) = (self.text.get(list.span()), list.get_ref()) else { return false };
        if !written.starts_with('[') || written.starts_with("[[") {
            return false;
        }
        let end = list.span().end - 1;
        // Behind the last one, and its comma where it has one.
        let last = values.iter().last().map(|last| last.span().end);
        let has_comma = last.is_none_or(|last| self.text[last..end].trim_start().starts_with(','));
        let more: Vec<String> = more.collect();
        if !more.is_empty() {
            self.replace(end..end, format!("{}{}", if has_comma { " " } else { ", " }, more.join(", ")));
        }
        true
    }

    /// The text with all of them.
    pub(super) fn done(mut self) -> String {
        // An editor's hint at a schema beside the file leads nowhere from elsewhere.
        if self.text.starts_with("#:schema ") && !self.text.lines().next().is_some_and(|line| line.contains("://")) {
            self.all.push((0..self.text.find('\n').unwrap_or(self.text.len()), String::new()));
        }
        self.all.sort_by_key(|(place, _)| (place.start, place.end));
        let (mut done, mut at) = (String::with_capacity(self.text.len()), 0);
        for (place, by) in self.all {
            done.push_str(self.text.get(at..place.start).unwrap_or_default());
            done.push_str(&by);
            at = place.end;
        }
        done + self.text.get(at..).unwrap_or_default()
    }
}

impl<'t> Spot<'t> {
    pub(super) fn of(text: &str, table: &'t Spanned<DeValue<'t>>) -> Option<Self> {
        let is_inline = text.get(table.span()).is_some_and(|written| written.starts_with('{'));
        table.get_ref().as_table().map(|table| Self { table, is_inline })
    }

    pub(super) fn word(&self, key: &str) -> Option<&'t str> {
        value(self.table, key)?.get_ref().as_str()
    }

    pub(super) fn duration(&self, key: &str) -> Option<Duration> {
        humantime::parse_duration(self.word(key)?).ok()
    }

    /// Gives a key that is there another value.
    pub(super) fn set(&self, key: &str, by: &str, edits: &mut Edits<'_>) {
        if let Some(value) = value(self.table, key) {
            edits.replace(value.span(), by.to_owned());
        }
    }

    /// The same, and another name. Where there is no such key, the other one gets the value: it is added where it is not there either.
    pub(super) fn rename(&self, key: &str, to: &str, by: &str, edits: &mut Edits<'_>) {
        match self.table.iter().find(|(name, _)| name.get_ref() == key) {
            Some((name, value)) => {
                edits.replace(name.span(), to.to_owned());
                edits.replace(value.span(), by.to_owned());
            }
            None if value(self.table, to).is_some() => self.set(to, by, edits),
            // It is what holds without a word.
            None if by == "0" => {}
            None => self.add(to, by, edits),
        }
    }

    /// Adds a key that is not there, behind the executor.
    pub(super) fn add(&self, key: &str, by: &str, edits: &mut Edits<'_>) {
        let (None, Some(executor)) = (value(self.table, key), value(self.table, "executor")) else { return };
        let end = executor.span().end;
        edits.replace(end..end, format!("{}{key} = {by}", if self.is_inline { ", " } else { "\n" }));
    }
}
