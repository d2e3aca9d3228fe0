//! Which samples of a metric a promise is about: `http_req_duration{load:db,status:200}`.

use std::ops::Range;

use super::load::Load;
use super::refusal::{Wrong, suggest};
use super::series::{PREFIX, Series};
use super::stack::ServiceNames;
use super::threshold::Metric;
use crate::event::Outcome;

/// What selectors call the ends of requests, without the one that the user brought about.
const OUTCOMES: [&str; 5] = ["answered", "timeout", "connection_failed", "connection_broken", "outlasted"];

/// A metric and the samples of it that count. An absent tag lets every value through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// As it was written.
    pub source: String,
    /// The metric.
    pub metric: Metric,
    /// The name of a load.
    pub load: Option<String>,
    /// The name of a request.
    pub request: Option<String>,
    /// An HTTP status code.
    pub status: Option<u16>,
    /// How requests ended, as [`Outcome::tag`] has it.
    pub outcome: Option<&'static str>,
    /// Of a metric that is scraped: what is read.
    pub series: Option<Series>,
}

/// Why a selector is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misread {
    /// The tag that is to blame, or its value, as written; else all of it is.
    piece: Option<String>,
    what: String,
    hint: String,
}

impl Misread {
    fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { piece: None, what: what.into(), hint: hint.into() }
    }

    fn of(piece: &str, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { piece: Some(piece.to_owned()), ..Self::new(what, hint) }
    }

    /// With its place, where the selector stands at `span` of the text.
    pub(super) fn at(self, span: Range<usize>, text: &str) -> Wrong {
        let written = text.get(span.clone()).unwrap_or_default();
        let tags = written.find('{').map_or(0, |brace| brace + 1);
        let piece = self.piece.filter(|piece| !piece.is_empty());
        let place = piece.and_then(|piece| {
            let start = span.start + tags + written[tags..].find(&piece)?;
            Some(start..start + piece.len())
        });
        Wrong::new(place.unwrap_or(span), self.what, self.hint)
    }
}

impl Selector {
    pub(super) fn parse(source: &str) -> Result<Self, Misread> {
        let (name, tags) = match source.split_once('{') {
            None => (source, ""),
            Some((name, rest)) => match rest.strip_suffix('}') {
                Some(tags) => (name, tags),
                None => return Err(Misread::new(format!("`{source}` lacks its closing brace"), "write `metric{tag:value}`")),
            },
        };
        let (metric, series) = metric(name.trim())?;
        let mut selector = Self { source: source.to_owned(), metric, load: None, request: None, status: None, outcome: None, series };
        let mut seen = Vec::new();
        for tag in tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
            let Some((key, value)) = tag.split_once(':') else {
                return Err(Misread::of(tag, format!("`{tag}` is no tag"), "write `tag:value`, such as `load:db`"));
            };
            let (key, value) = (key.trim(), value.trim());
            if seen.contains(&key) {
                return Err(Misread::of(tag, format!("the tag `{key}` stands twice"), "promise of one value each"));
            }
            seen.push(key);
            if metric != Metric::Scraped && !metric.tags().contains(&key) {
                return Err(Misread::of(tag, format!("`{}` has no tag `{key}`", name.trim()), suggest(key, metric.tags())));
            }
            selector.choose(key, value).map_err(|(what, hint)| Misread::of(tag, what, hint))?;
            if selector.status.is_some() && selector.outcome.is_some() {
                return Err(Misread::of(tag, "`status` and `outcome` cannot be combined", "whoever has a status was answered"));
            }
        }
        Ok(selector)
    }

    fn choose(&mut self, key: &str, value: &str) -> Result<(), (String, String)> {
        if let Some(series) = &mut self.series {
            match key {
                "service" => series.service = Some(value.to_owned()),
                _ => series.labels.push((key.to_owned(), value.to_owned())),
            }
            return Ok(());
        }
        match key {
            "load" => self.load = Some(value.to_owned()),
            "request" => self.request = Some(value.to_owned()),
            "outcome" => match OUTCOMES.into_iter().find(|known| *known == value) {
                Some(outcome) => self.outcome = Some(outcome),
                None => return Err((format!("`{value}` is no outcome"), suggest(value, &OUTCOMES))),
            },
            _ => match value.parse() {
                Ok(status) if (100..=599).contains(&status) => self.status = Some(status),
                _ => return Err((format!("`{value}` is no HTTP status"), "write a code such as `status:200`".to_owned())),
            },
        }
        Ok(())
    }

    /// Whether all that it names is there.
    pub(super) fn check_names(&self, loads: &[Load], services: ServiceNames<'_>) -> Result<(), Misread> {
        if let Some(service) = self.series.as_ref().and_then(|series| series.service.as_deref()).filter(|name| services.lack(name)) {
            return Err(Misread::of(service, format!("unknown service `{service}`"), services.hint(service)));
        }
        let chosen: Vec<&Load> = loads.iter().filter(|load| self.load.as_ref().is_none_or(|name| *name == load.name)).collect();
        if let (Some(name), []) = (&self.load, chosen.as_slice()) {
            let known: Vec<&str> = loads.iter().map(|load| load.name.as_str()).collect();
            return Err(Misread::of(name, format!("no load is named `{name}`"), suggest(name, &known)));
        }
        if let Some(name) = &self.request {
            let known: Vec<&str> = chosen.iter().flat_map(|load| &load.requests).map(|request| request.name.as_str()).collect();
            if !known.contains(&name.as_str()) {
                return Err(Misread::of(name, format!("no request is named `{name}`"), suggest(name, &known)));
            }
        }
        Ok(())
    }

    /// Whether requests that ended so count.
    pub fn lets_through(&self, outcome: Outcome) -> bool {
        self.status.is_none_or(|status| outcome == Outcome::Status(status)) && self.outcome.is_none_or(|tag| outcome.tag() == tag)
    }
}

fn metric(name: &str) -> Result<(Metric, Option<Series>), Misread> {
    let known = Metric::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, metric)| metric);
    match (known, Series::scraped(name)) {
        (Some(metric), _) => Ok((metric, Series::known(metric))),
        (None, Some(series)) => Ok((Metric::Scraped, Some(series))),
        (None, None) if name.starts_with(PREFIX) => {
            let hint = format!("write it as it is exposed, as in `{PREFIX}http_requests_total`");
            Err(Misread::new(format!("`{name}` names no metric"), hint))
        }
        (None, None) => {
            let hint = suggest(name, &Metric::ALL.map(|(known, _)| known));
            Err(Misread::new(format!("unknown metric `{name}`"), format!("{hint}; what services expose is `{PREFIX}` and its name")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_chosen_by_how_they_ended() {
        let timeouts = Selector::parse("http_reqs{outcome:timeout}").unwrap();
        assert!(timeouts.lets_through(Outcome::Timeout) && !timeouts.lets_through(Outcome::Status(200)));
        let answered = Selector::parse("http_reqs{ outcome : answered }").unwrap();
        assert!(answered.lets_through(Outcome::Status(500)) && !answered.lets_through(Outcome::Interrupted));
        // Every end that is not the user's can be chosen.
        let ends = [Outcome::Status(200), Outcome::Timeout, Outcome::ConnectionFailed, Outcome::ConnectionBroken, Outcome::Outlasted];
        assert_eq!(ends.map(Outcome::tag), OUTCOMES);
    }

    #[test]
    fn the_tag_is_to_blame_and_not_the_whole() {
        let text = "x = 1\n\"http_reqs{load:l, outcome:timeuot}\" = []";
        let wrong = Selector::parse("http_reqs{load:l, outcome:timeuot}").unwrap_err().at(6..42, text);
        assert_eq!(&text[wrong.span.unwrap()], "outcome:timeuot");
        assert_eq!((wrong.what.as_str(), wrong.hint.as_deref()), ("`timeuot` is no outcome", Some("did you mean `timeout`?")));
        let wrong = Selector::parse("nothing{load:l}").unwrap_err().at(6..42, text);
        assert_eq!(wrong.span, Some(6..42));
    }
}
