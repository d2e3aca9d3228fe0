//! Which lines are wanted: a text with terms in it, a least level, a service, one group.

use std::sync::Arc;

use lab_instrument::observe::logs::{LogFilter, LogQuestion};
use lab_instrument::report::waterfall::bare;

use super::record::{Level, Record};

/// Lines or groups of them: each has a least level of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum View {
    #[default]
    Lines,
    Groups,
}

/// All that is given must fit.
#[derive(Debug)]
pub(super) struct Sieve {
    pub(super) view: View,
    pub(super) terms: Terms,
    /// Of lines, of groups.
    least: [Level; 2],
    pub(super) service: Option<Arc<str>>,
    /// The lines of one group: its level and pattern.
    pub(super) only: Option<(Level, Box<str>)>,
}

impl Default for Sieve {
    fn default() -> Self {
        let (view, terms, service, only) = Default::default();
        Self { view, terms, least: [Level::NONE, Level::WARNING], service, only }
    }
}

impl Sieve {
    pub(super) fn least(&self) -> Level {
        self.least[self.view as usize]
    }

    /// All, from INFO on, from WARNING on, from ERROR on, and all again.
    pub(super) fn next_level(&mut self) {
        let least = &mut self.least[self.view as usize];
        *least = match *least {
            Level::NONE => Level::INFO,
            Level::INFO => Level::WARNING,
            Level::WARNING => Level::ERROR,
            _ => Level::NONE,
        };
    }

    pub(super) fn fits(&self, record: &Record) -> bool {
        record.level >= self.least()
            && self.service.as_ref().is_none_or(|wanted| *wanted == record.service)
            && (self.view == View::Groups
                || self.only.as_ref().is_none_or(|(level, pattern)| *level == record.level && *pattern == record.pattern))
            && self.terms.fit(record)
    }
}

/// What a text asks for: fields (`key=value`), a regular expression between slashes, and what is left as a text that is in the line as it
/// was written.
#[derive(Debug, Default)]
pub(super) struct Terms {
    fields: Vec<(String, String)>,
    texts: Vec<LogFilter>,
}

impl Terms {
    /// # Errors
    /// A sentence, when the regular expression is none.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (pattern, rest) = match expression(text) {
            Some((from, to)) => (Some(text[from..to].to_owned()), format!("{} {}", &text[..from], &text[to..])),
            None => (None, text.to_owned()),
        };
        let is_field = |word: &&str| word.find('=').is_some_and(|at| at > 0);
        let (fields, words): (Vec<&str>, Vec<&str>) = rest.split_whitespace().partition(is_field);
        let plain = Some(words.join(" ")).filter(|words| !words.is_empty());
        let texts = pattern.into_iter().chain(plain);
        let texts = texts.map(|text| LogQuestion { matching: Some(text), ..LogQuestion::default() }.filter()).collect::<Result<_, _>>()?;
        let fields = fields.into_iter().filter_map(|field| field.split_once('='));
        Ok(Self { fields: fields.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(), texts })
    }

    fn fit(&self, record: &Record) -> bool {
        self.texts.iter().all(|filter| filter.fits_text(u64::MAX, &record.service, &record.text))
            && (self.fields.is_empty() || self.fields_fit(record))
    }

    /// A value as it reads, in capitals or not; without one the line must have that field.
    fn fields_fit(&self, record: &Record) -> bool {
        // Most lines have not even the word in them, and need not be read.
        let named = |key: &String| key == "service" || key == "level" || record.text.contains(key.as_str());
        if !self.fields.iter().all(|(key, _)| named(key)) {
            return false;
        }
        let line = record.line().line;
        self.fields.iter().all(|(key, wanted)| match (key.as_str(), line.get(key)) {
            ("level", Some(_)) if !wanted.is_empty() => record.level == Level::of(wanted) && record.level != Level::NONE,
            ("service", None) => wanted.is_empty() || record.service.eq_ignore_ascii_case(wanted),
            (_, value) => value.is_some_and(|value| wanted.is_empty() || bare(value).eq_ignore_ascii_case(wanted)),
        })
    }
}

/// From the slash that begins a word to the last one that ends one.
fn expression(text: &str) -> Option<(usize, usize)> {
    let begins = |at: &usize| text[..*at].chars().next_back().is_none_or(char::is_whitespace);
    let ends = |at: &usize| text[at + 1..].chars().next().is_none_or(char::is_whitespace);
    let slashes = || text.match_indices('/').map(|(at, _)| at);
    let from = slashes().find(begins)?;
    let to = slashes().rfind(|at| *at > from + 1 && ends(at))?;
    Some((from, to + 1))
}

#[cfg(test)]
mod tests {
    use lab_instrument::observe::store::StoredLine;

    use super::*;

    fn fits(text: &str) -> bool {
        let line = r#"{"level":"WARNING","message":"Dial failed to db","route":"/dice","status":503,"ok":false}"#;
        let line = StoredLine { number: 0, unix_nano: 5, service: "door".into(), text: line.into(), trace: None };
        Terms::parse(text).unwrap().fit(&Record::read(&line))
    }

    #[test]
    fn terms_are_fields_an_expression_and_a_text() {
        for text in [
            "",
            "Dial failed",
            "/(?i)DIAL .*db/",
            "status=503",
            "status=503 route=/dice Dial",
            "ok=FALSE",
            "level=warn",
            "service=door",
            "route=",
            "/dice",
            "status=503 /a[il]/ failed",
            "to db  level=WARNING",
        ] {
            assert!(fits(text), "{text}");
        }
        for text in ["dial failed", "/^Dial/", "status=50", "route=/dice Dail", "level=error", "service=wall", "what=", "/x/ Dial"] {
            assert!(!fits(text), "{text}");
        }
        assert!(Terms::parse("a /(/ b").unwrap_err().starts_with("`/(/` is no regular expression"));
    }
}
