//! Which log lines somebody wants to see, and what is said of each.

mod reader;

use regex_lite::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use reader::LogReader;

use lab_facts::event::TraceId;
use lab_facts::scenario::{LEVELS, is_level};
use lab_facts::trace::LogLine;

use super::store::StoredLine;

/// What is asked; all that is given must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogQuestion {
    /// The ID of the trace that lines carry: 32 hex digits.
    pub trace: Option<String>,
    /// `service.name` of who wrote them: any of these.
    pub services: Vec<String>,
    /// Their level: any of these.
    pub levels: Vec<String>,
    /// A text that is in the line as it was written; between slashes, a regular expression.
    pub matching: Option<String>,
    /// From this moment on, in nanoseconds since 1970.
    pub since_unix_nano: u64,
    /// And those that come in from now on.
    pub follow: bool,
}

/// A question that was understood.
#[derive(Debug, Clone)]
pub struct LogFilter {
    trace: Option<TraceId>,
    services: Vec<String>,
    levels: Vec<&'static str>,
    matching: Option<Matching>,
    since_unix_nano: u64,
}

#[derive(Debug, Clone)]
enum Matching {
    Text(String),
    Found(Regex),
}

/// One line, as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogText {
    /// Nanoseconds since 1970.
    pub unix_nano: u64,
    /// The service that wrote it.
    pub service: String,
    /// The line.
    pub text: String,
}

impl LogText {
    /// With the line as JSON; one that is none is a text.
    pub fn log_line(&self) -> LogLine {
        let line = serde_json::from_str(&self.text).unwrap_or_else(|_| self.text.clone().into());
        LogLine { unix_nano: self.unix_nano, service: self.service.clone(), line }
    }

    /// The line where it is a JSON object, else one around it.
    pub fn object(&self) -> String {
        match serde_json::from_str::<Value>(&self.text) {
            Ok(Value::Object(_)) => self.text.clone(),
            _ => serde_json::json!({ "service": self.service, "message": self.text }).to_string(),
        }
    }
}

impl From<&StoredLine> for LogText {
    fn from(line: &StoredLine) -> Self {
        Self { unix_nano: line.unix_nano, service: line.service.to_string(), text: line.text.to_string() }
    }
}

impl From<&LogLine> for LogText {
    fn from(line: &LogLine) -> Self {
        let text = line.line.as_str().map_or_else(|| line.line.to_string(), str::to_owned);
        Self { unix_nano: line.unix_nano, service: line.service.clone(), text }
    }
}

impl LogQuestion {
    /// What it means.
    ///
    /// # Errors
    /// A sentence, when the trace ID, a level or the regular expression is none.
    pub fn filter(&self) -> Result<LogFilter, String> {
        let trace = self.trace.as_deref().map(|id| TraceId::parse(id).ok_or("a trace ID has 32 hex digits, not all of them 0"));
        let matching = self.matching.as_deref().map(matching);
        Ok(LogFilter {
            trace: trace.transpose()?,
            services: self.services.clone(),
            levels: self.levels.iter().map(|level| level_of(level)).collect::<Result<_, String>>()?,
            matching: matching.transpose()?,
            since_unix_nano: self.since_unix_nano,
        })
    }
}

/// The level that is meant: in capitals or not, and in full or not.
///
/// # Errors
/// A sentence that names those there are.
pub fn level_of(text: &str) -> Result<&'static str, String> {
    let known = LEVELS.into_iter().find(|known| is_level(text, known));
    known.ok_or_else(|| format!("`{text}` is no level; there are {}", LEVELS.join(", ")))
}

fn matching(text: &str) -> Result<Matching, String> {
    let Some(pattern) = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) else { return Ok(Matching::Text(text.to_owned())) };
    Regex::new(pattern).map(Matching::Found).map_err(|error| format!("`{text}` is no regular expression: {error}"))
}

impl LogFilter {
    /// The one trace whose lines are wanted.
    pub fn trace(&self) -> Option<TraceId> {
        self.trace
    }

    /// From when on, in nanoseconds since 1970.
    pub fn since_unix_nano(&self) -> u64 {
        self.since_unix_nano
    }

    /// Whether a line is wanted.
    pub fn fits(&self, line: &StoredLine) -> bool {
        (self.trace.is_none() || self.trace == line.trace) && self.fits_text(line.unix_nano, &line.service, &line.text)
    }

    /// The same, of a line whose trace is the one that was asked for.
    pub fn fits_text(&self, unix_nano: u64, service: &str, text: &str) -> bool {
        unix_nano >= self.since_unix_nano
            && (self.services.is_empty() || self.services.iter().any(|one| one == service))
            && self.matching.as_ref().is_none_or(|matching| match matching {
                Matching::Text(wanted) => text.contains(wanted),
                Matching::Found(pattern) => pattern.is_match(text),
            })
            && (self.levels.is_empty() || level(text).is_some_and(|level| self.levels.iter().any(|wanted| is_level(&level, wanted))))
    }
}

fn level(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Keys {
        level: String,
    }
    serde_json::from_str::<Keys>(text).ok().map(|keys| keys.level)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(question: &LogQuestion) -> bool {
        let text = r#"{"level":"WARNING","message":"Dial failed","peer":"db","trace_id":"0af7651916cd43dd8448eb211c80319c"}"#;
        let trace = TraceId::parse("0af7651916cd43dd8448eb211c80319c");
        let line = StoredLine { number: 0, unix_nano: 50, service: "door".into(), text: text.into(), trace };
        question.filter().unwrap().fits(&line)
    }

    #[test]
    fn all_that_is_given_must_fit() {
        let any = LogQuestion::default;
        assert!(fits(&any()));
        for (question, fit) in [
            (LogQuestion { trace: Some("0AF7651916CD43DD8448EB211C80319C".to_owned()), ..any() }, true),
            (LogQuestion { trace: Some("00000000000000000000000000000001".to_owned()), ..any() }, false),
            (LogQuestion { services: vec!["wall".to_owned(), "door".to_owned()], ..any() }, true),
            (LogQuestion { services: vec!["wall".to_owned()], ..any() }, false),
            (LogQuestion { levels: vec!["warn".to_owned()], ..any() }, true),
            (LogQuestion { levels: vec!["error".to_owned()], ..any() }, false),
            (LogQuestion { matching: Some("Dial f".to_owned()), ..any() }, true),
            (LogQuestion { matching: Some("dial f".to_owned()), ..any() }, false),
            (LogQuestion { matching: Some("/(?i)DIAL .*ed/".to_owned()), ..any() }, true),
            (LogQuestion { since_unix_nano: 50, ..any() }, true),
            (LogQuestion { since_unix_nano: 51, ..any() }, false),
            (LogQuestion { levels: vec!["WARNING".to_owned()], services: vec!["wall".to_owned()], ..any() }, false),
        ] {
            assert_eq!(fits(&question), fit, "{question:?}");
        }
    }

    #[test]
    fn what_is_none_is_refused_in_a_sentence() {
        let any = LogQuestion::default;
        for (question, why) in [
            (LogQuestion { trace: Some("x".to_owned()), ..any() }, "a trace ID has 32 hex digits"),
            (LogQuestion { levels: vec!["loud".to_owned()], ..any() }, "`loud` is no level; there are TRACE, DEBUG"),
            (LogQuestion { matching: Some("/(/".to_owned()), ..any() }, "`/(/` is no regular expression"),
        ] {
            let refused = question.filter().unwrap_err();
            assert!(refused.starts_with(why), "{refused}");
        }
    }

    #[test]
    fn a_line_that_is_no_object_gets_one_around_it() {
        let line = |text: &str| LogText { unix_nano: 1, service: "s".to_owned(), text: text.to_owned() }.object();
        assert_eq!(line("{\"z\": 1, \"a\":2}"), "{\"z\": 1, \"a\":2}", "as it was written");
        assert_eq!(line("thread panicked"), r#"{"message":"thread panicked","service":"s"}"#);
        assert_eq!(line("7"), r#"{"message":"7","service":"s"}"#);
    }
}
