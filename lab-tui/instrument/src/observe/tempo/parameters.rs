//! What stands behind the `?` of a question.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use lab_facts::query::{Misread, Query};

use super::refused::Refused;

/// How many traces are found where nobody says, and how many at the most.
const LIMIT: Range<usize> = 20..262_144;
/// How many of its spans are told of each of them, likewise.
const SPANS: Range<usize> = 3..10_000;

/// By name; of several with one name, the first that says something.
#[derive(Debug)]
pub(super) struct Parameters(BTreeMap<String, String>);

/// A search as it was asked for.
#[derive(Debug)]
pub(super) struct Wanted {
    /// None where tags are looked for, or anything.
    pub(super) query: Option<Query>,
    /// Each must be somewhere in the trace.
    pub(super) tags: Vec<(String, String)>,
    /// Of the trace as a whole.
    pub(super) min: Option<Duration>,
    pub(super) max: Option<Duration>,
    pub(super) limit: usize,
    pub(super) spans: usize,
    /// Nanoseconds since 1970, in which a span must begin.
    pub(super) window: Range<u64>,
}

impl Parameters {
    pub(super) fn read(query: Option<&str>) -> Self {
        let mut all = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).filter(|(_, value)| !value.is_empty()) {
            all.entry(name.into_owned()).or_insert_with(|| value.into_owned());
        }
        Self(all)
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// # Errors
    /// The first parameter that is wrong, and what is wrong about it.
    pub(super) fn search(&self) -> Result<Wanted, Refused> {
        let query = self.get("q").map(|text| Query::parse(text).map_err(|misread| refusal(text, &misread))).transpose()?;
        let tags = self.get("tags").map(|text| logfmt(text).map_err(|why| Refused::bad(format!("invalid tags: {why}")))).transpose()?;
        if query.is_some() && tags.is_some() {
            return Err(Refused::bad("invalid request: can't specify tags and q in the same query"));
        }
        let (min, max) = (self.duration("minDuration")?, self.duration("maxDuration")?);
        if min.zip(max).is_some_and(|(min, max)| max <= min) {
            return Err(Refused::bad("invalid maxDuration: must be greater than minDuration"));
        }
        Ok(Wanted {
            query,
            tags: tags.unwrap_or_default(),
            min,
            max,
            limit: self.number("limit", "limit", LIMIT)?,
            spans: self.number("spss", "spans per span set", SPANS)?,
            window: self.window()?,
        })
    }

    /// From `start` to `end`, both in seconds since 1970; nanoseconds. All time where they are not given.
    pub(super) fn window(&self) -> Result<Range<u64>, Refused> {
        let seconds = |name: &str| {
            let read = |text: &str| {
                text.parse::<u64>().map_err(|_| Refused::bad(format!("invalid {name}: `{text}` is no number of seconds since 1970")))
            };
            self.get(name).map(read).transpose()
        };
        let (start, end) = (seconds("start")?, seconds("end")?);
        if let (Some(start), Some(end)) = (start, end)
            && end <= start
        {
            return Err(Refused::bad(format!("http parameter start must be before end. received start={start} end={end}")));
        }
        let nanos = |seconds: u64| seconds.saturating_mul(1_000_000_000);
        Ok(start.map_or(0, nanos)..end.map_or(u64::MAX, nanos))
    }

    /// A whole number, from one to `bounds.end`; `bounds.start` where it is not given.
    fn number(&self, name: &str, called: &str, bounds: Range<usize>) -> Result<usize, Refused> {
        let Some(text) = self.get(name) else { return Ok(bounds.start) };
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return match text.parse() {
                Ok(0) => Err(Refused::bad(format!("invalid {name}: must be a positive number"))),
                Ok(number) if number <= bounds.end => Ok(number),
                _ => Err(Refused::bad(format!("{called} {text} exceeds max {called} {}", bounds.end))),
            };
        }
        Err(Refused::bad(format!("invalid {name}: must be a positive number")))
    }

    fn duration(&self, name: &str) -> Result<Option<Duration>, Refused> {
        let read = |text: &str| {
            let wrong = || Refused::bad(format!("invalid {name}: time: invalid duration \"{text}\" (write it as in 100ms or 1.5s)"));
            duration(text).ok_or_else(wrong)
        };
        self.get(name).map(read).transpose()
    }
}

/// What every span matches.
pub(super) fn anything() -> Result<Query, Refused> {
    Query::parse("{ }").map_err(|misread| refusal("{ }", &misread))
}

/// In Tempo's words, with the place as it counts it.
pub(super) fn refusal(text: &str, misread: &Misread) -> Refused {
    let before = text.get(..misread.at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let Misread { what, hint, .. } = misread;
    Refused::bad(format!("invalid TraceQL query: parse error at line {line}, col {column}: {what} ({hint})"))
}

/// As Go writes durations: `1h2m`, `1.5s`, `100ms`.
fn duration(text: &str) -> Option<Duration> {
    const UNITS: [(&str, f64); 8] =
        [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("μs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit() && character != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let length = rest.find(|character: char| character.is_ascii_digit() || character == '.').unwrap_or(rest.len());
        let (_, factor) = UNITS.into_iter().find(|(unit, _)| *unit == &rest[..length])?;
        seconds += number * factor;
        rest = &rest[length..];
    }
    (!text.is_empty()).then(|| Duration::try_from_secs_f64(seconds).ok())?
}

/// `key=value other="a value with spaces"`.
fn logfmt(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|character: char| character == '=' || character.is_whitespace()).unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        if key.is_empty() || key.contains('"') {
            return Err(format!("`{rest}` does not begin with a name (write name=value, separated by spaces)"));
        }
        let Some(after) = after.strip_prefix('=') else {
            return Err(format!("`{key}` has no value (write name=value, separated by spaces)"));
        };
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted_value(quoted).ok_or_else(|| format!("the value of `{key}` has no closing quote"))?,
            None => {
                let end = after.find(char::is_whitespace).unwrap_or(after.len());
                (after[..end].to_owned(), &after[end..])
            }
        };
        pairs.push((key.to_owned(), value));
        rest = after.trim_start();
    }
    Ok(pairs)
}

/// What stands before the next quote that no backslash stands before, and what comes after it.
fn quoted_value(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(query: &str) -> String {
        Parameters::read(Some(query)).search().expect_err(query).why
    }

    #[test]
    fn a_search_has_tempos_defaults_and_takes_its_parameters() {
        let plain = Parameters::read(None).search().unwrap();
        assert_eq!((plain.limit, plain.spans, plain.window, plain.query.is_some()), (20, 3, 0..u64::MAX, false));
        let asked = "q=%7Bstatus%3Derror%7D&q=x&minDuration=1.5s&maxDuration=1m30s&limit=7&spss=1&start=5&end=6&other=1&limit=x";
        let asked = Parameters::read(Some(asked)).search().unwrap();
        assert_eq!((asked.limit, asked.spans, asked.window), (7, 1, 5_000_000_000..6_000_000_000));
        assert_eq!((asked.min, asked.max), (Some(Duration::from_millis(1500)), Some(Duration::from_secs(90))));
        assert_eq!(asked.query.unwrap().as_str(), "{status=error}");
        let tags = Parameters::read(Some("tags=service.name%3Dx+error%3Dtrue++name%3D%22a+%5C%22b%22")).search().unwrap().tags;
        let expected = [("service.name", "x"), ("error", "true"), ("name", "a \"b")];
        assert_eq!(tags, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
        // What says nothing is as if it were not there.
        assert!(Parameters::read(Some("q=&tags=&limit=")).search().unwrap().query.is_none());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (query, expected) in [
            (
                "q=%7B+name+%3D+",
                "invalid TraceQL query: parse error at line 1, col 10: the query ends too early (a field or a value is expected here)",
            ),
            ("q=%7B%0A+nmae+%3D+1+%7D", "invalid TraceQL query: parse error at line 2, col 2: `nmae` is no field"),
            ("q=%7B%7D+%7C+rate()", "invalid TraceQL query: parse error at line 1, col 6: `rate` after a pipe is not supported"),
            ("q=%7B%7D&tags=a%3Db", "invalid request: can't specify tags and q in the same query"),
            ("tags=a", "invalid tags: `a` has no value"),
            ("tags=%3Da", "invalid tags: `=a` does not begin with a name"),
            ("tags=a%3D%22b", "invalid tags: the value of `a` has no closing quote"),
            ("limit=0", "invalid limit: must be a positive number"),
            ("limit=-1", "invalid limit: must be a positive number"),
            ("limit=262145", "limit 262145 exceeds max limit 262144"),
            ("limit=99999999999999999999999", "limit 99999999999999999999999 exceeds max limit 262144"),
            ("spss=10001", "spans per span set 10001 exceeds max spans per span set 10000"),
            ("start=x", "invalid start: `x` is no number of seconds since 1970"),
            ("start=2&end=1", "http parameter start must be before end. received start=2 end=1"),
            ("minDuration=5", "invalid minDuration: time: invalid duration \"5\""),
            ("minDuration=2s&maxDuration=1s", "invalid maxDuration: must be greater than minDuration"),
        ] {
            assert!(why(query).starts_with(expected), "{query}: {}", why(query));
        }
        for wrong in ["s", "1.2.3s", "1xs", "-1s", ".", "1e9s", "é", "1h1", "999999999999999999999999999h"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
        assert_eq!(duration("1h0.5m10us"), Some(Duration::from_nanos(3_630_000_010_000)));
    }
}
