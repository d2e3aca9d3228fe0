//! One log line as this room needs it: read once, when it comes in.

use std::borrow::Cow;
use std::sync::Arc;

use lab_facts::event::TraceId;
use lab_facts::scenario::{LEVELS, is_level};
use lab_facts::trace::LogLine;
use lab_instrument::observe::store::StoredLine;
use lab_instrument::report::waterfall::bare;
use serde::Deserialize;
use serde_json::Value;

use super::pattern;

/// When it was written, in nanoseconds since 1970, and its number: so lines stand in order, and none is there twice.
pub(in crate::tui::room) type Key = (u64, u64);

/// A line's level: its place in [`LEVELS`]. A line without one is below all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Level(Option<usize>);

impl Level {
    /// Every line has this one at least.
    pub(super) const NONE: Self = Self(None);
    pub(super) const INFO: Self = Self(Some(2));
    pub(super) const WARNING: Self = Self(Some(3));
    pub(super) const ERROR: Self = Self(Some(4));

    pub(super) fn of(text: &str) -> Self {
        Self(LEVELS.iter().position(|known| is_level(text, known)))
    }

    pub(super) fn name(self) -> &'static str {
        self.0.and_then(|place| LEVELS.get(place)).copied().unwrap_or("-")
    }

    /// In five letters.
    pub(super) fn short(self) -> &'static str {
        match self.name() {
            "WARNING" => "WARN",
            "CRITICAL" => "CRIT",
            other => other,
        }
    }
}

/// A line. Its text is the store's own.
#[derive(Debug)]
pub struct Record {
    pub(in crate::tui::room) key: Key,
    pub(in crate::tui::room) service: Arc<str>,
    pub(super) level: Level,
    pub(super) text: Arc<str>,
    pub(in crate::tui::room) trace: Option<TraceId>,
    /// Its message without what differs among like ones.
    pub(super) pattern: Box<str>,
    /// Whether the filters in force let it through.
    pub(super) fits: bool,
}

/// The keys that are looked at.
#[derive(Deserialize)]
struct Keys<'a> {
    #[serde(borrow)]
    level: Option<Cow<'a, str>>,
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
}

impl Record {
    /// Reads a line; one that is no JSON object has a message alone: itself.
    pub fn read(line: &StoredLine) -> Self {
        let (level, pattern) = match serde_json::from_str::<Keys<'_>>(&line.text) {
            Ok(keys) => {
                let level = keys.level.map_or(Level::NONE, |level| Level::of(&level));
                (level, pattern::of(keys.message.as_deref().unwrap_or(&line.text)))
            }
            Err(_) => (Level::NONE, pattern::of(&line.text)),
        };
        Self {
            key: (line.unix_nano, line.number),
            service: Arc::clone(&line.service),
            level,
            text: Arc::clone(&line.text),
            trace: line.trace,
            pattern: pattern.into(),
            fits: true,
        }
    }

    /// All that it says, for the few lines that are looked at closer.
    pub(super) fn line(&self) -> LogLine {
        let line = serde_json::from_str(&self.text).unwrap_or_else(|_| Value::from(&*self.text));
        LogLine { unix_nano: self.key.0, service: self.service.to_string(), line }
    }
}

/// The message of a line in one row.
pub(super) fn message(line: &LogLine) -> String {
    let message = line.line.get("message").or(Some(&line.line)).filter(|message| !message.is_object()).map(bare).unwrap_or_default();
    message.trim_end().replace('\n', "⏎")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_known_however_they_are_written() {
        let known = [(Level::INFO, "INFO"), (Level::WARNING, "WARNING"), (Level::ERROR, "ERROR"), (Level::NONE, "-")];
        assert!(known.iter().all(|(level, name)| level.name() == *name));
        assert_eq!([Level::of("warn"), Level::of("Error"), Level::of("loud")], [Level::WARNING, Level::ERROR, Level::NONE]);
        assert!(Level::NONE < Level::INFO && Level::WARNING < Level::ERROR);
    }

    #[test]
    fn whatever_a_line_is_it_has_a_message() {
        let read = |text: &str| {
            let record = Record::read(&StoredLine { number: 1, unix_nano: 2, service: "s".into(), text: text.into(), trace: None });
            (record.level, message(&record.line()))
        };
        assert_eq!(read(r#"{"level":"ERROR","message":"a\nb"}"#), (Level::ERROR, "a⏎b".to_owned()));
        assert_eq!(read("thread 'main' panicked\n"), (Level::NONE, "thread 'main' panicked".to_owned()));
        assert_eq!(read(r#"{"level":40,"message":7}"#), (Level::NONE, "7".to_owned()));
        assert_eq!(read("{}"), (Level::NONE, String::new()));
        assert_eq!(read("7"), (Level::NONE, "7".to_owned()));
    }
}
