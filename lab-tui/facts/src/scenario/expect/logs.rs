//! Which log lines are meant.

use std::collections::BTreeMap;
use std::fmt;

use regex_lite::Regex;
use serde::Deserialize;
use serde_json::Value as Json;
use toml::{Spanned, Value};

use crate::scenario::refusal::{Wrong, suggest};
use crate::scenario::stack::ServiceNames;

/// Log lines that are alike: all that is given must fit. At least one thing is given.
#[derive(Debug, Clone, PartialEq)]
pub struct LogPattern {
    service: Option<String>,
    level: Option<&'static str>,
    message: Option<Pattern>,
    fields: Vec<(String, Pattern)>,
}

/// What a value must be. A text between slashes is a regular expression that is looked for in the value.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// This text.
    Text(String),
    /// A text in which this is found.
    Found(Regex),
    /// This number.
    Number(f64),
    /// True, or false.
    Flag(bool),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogsTable {
    service: Option<Spanned<String>>,
    level: Option<Spanned<String>>,
    message: Option<Spanned<String>>,
    #[serde(default)]
    fields: BTreeMap<String, Spanned<Value>>,
}

/// As log lines have them; a level that nobody writes would never be found, whatever happens.
pub const LEVELS: [&str; 7] = ["TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "FATAL"];

impl LogPattern {
    pub(super) fn read(table: Spanned<LogsTable>, services: ServiceNames<'_>) -> Result<Self, Wrong> {
        let span = table.span();
        let LogsTable { service, level, message, fields } = table.into_inner();
        if service.is_none() && level.is_none() && message.is_none() && fields.is_empty() {
            let hint = "name at least one of service, level, message and fields";
            return Err(Wrong::new(span, "every log line would count", hint));
        }
        if let Some(service) = service.as_ref().filter(|service| services.lack(service.get_ref())) {
            let unknown = service.get_ref();
            return Err(Wrong::new(service.span(), format!("unknown service `{unknown}`"), services.hint(unknown)));
        }
        let level = level.map(|level| {
            let known = LEVELS.into_iter().find(|known| is_level(level.get_ref(), known));
            let refused = || format!("unknown level `{}`", level.get_ref());
            known.ok_or_else(|| Wrong::new(level.span(), refused(), suggest(level.get_ref(), &LEVELS)))
        });
        let text = |text: Spanned<String>| Pattern::of_text(text.get_ref()).map_err(|(what, hint)| Wrong::new(text.span(), what, hint));
        let field = |(key, value): (String, Spanned<Value>)| {
            let pattern = match value.get_ref() {
                Value::String(text) => Pattern::of_text(text),
                #[expect(clippy::cast_precision_loss, reason = "numbers in log lines are compared as JSON has them")]
                Value::Integer(number) => Ok(Pattern::Number(*number as f64)),
                Value::Float(number) => Ok(Pattern::Number(*number)),
                Value::Boolean(flag) => Ok(Pattern::Flag(*flag)),
                _ => Err((format!("`{key}` can be no such value"), "write a text, a number, true or false".to_owned())),
            };
            Ok((key, pattern.map_err(|(what, hint)| Wrong::new(value.span(), what, hint))?))
        };
        Ok(Self {
            service: service.map(Spanned::into_inner),
            level: level.transpose()?,
            message: message.map(text).transpose()?,
            fields: fields.into_iter().map(field).collect::<Result<_, Wrong>>()?,
        })
    }

    /// Whether a line of a service fits. A line that is no JSON object has a message alone: itself.
    pub fn fits(&self, service: &str, line: &Json) -> bool {
        let text = |key: &str| line.get(key).and_then(Json::as_str);
        let message = line.get("message").unwrap_or(line);
        self.service.as_deref().is_none_or(|wanted| wanted == service)
            && self.level.is_none_or(|wanted| text("level").is_some_and(|level| is_level(level, wanted)))
            && self.message.as_ref().is_none_or(|pattern| pattern.fits(message))
            && self.fields.iter().all(|(key, pattern)| line.get(key).is_some_and(|value| pattern.fits(value)))
    }
}

/// Whether a level is the one that is known: in capitals or not, and in full or not.
pub fn is_level(written: &str, known: &str) -> bool {
    written.eq_ignore_ascii_case(known) || (known == "WARNING" && written.eq_ignore_ascii_case("WARN"))
}

impl Pattern {
    fn of_text(text: &str) -> Result<Self, (String, String)> {
        let Some(pattern) = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) else { return Ok(Self::Text(text.to_owned())) };
        Regex::new(pattern).map(Self::Found).map_err(|error| {
            (format!("`{text}` is no regular expression: {error}"), "write it between the slashes as in \"/timed? out/\"".to_owned())
        })
    }

    fn fits(&self, value: &Json) -> bool {
        match self {
            Self::Text(text) => value.as_str() == Some(text),
            Self::Found(pattern) => value.as_str().is_some_and(|text| pattern.is_match(text)),
            Self::Number(number) => value.as_f64() == Some(*number),
            Self::Flag(flag) => value.as_bool() == Some(*flag),
        }
    }
}

/// What is written alike means the same.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Found(pattern) => write!(f, "/{}/", pattern.as_str()),
            Self::Number(number) => number.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
        }
    }
}

impl fmt::Display for LogPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = [
            self.service.as_ref().map(|service| format!("service = {service}")),
            self.level.map(|level| format!("level = {level}")),
            self.message.as_ref().map(|message| format!("message = {message}")),
        ];
        let fields = self.fields.iter().map(|(key, pattern)| format!("{key} = {pattern}"));
        let all: Vec<String> = given.into_iter().flatten().chain(fields).collect();
        write!(f, "{{ {} }}", all.join(", "))
    }
}
