//! Prometheus's text format, as far as samples go: `name{label="value"} 1.5 timestamp`.
//!
//! Comments, types and timestamps are passed over. A parser library would bring a regex engine and a calendar along, about 6 % of the
//! whole build, for what is a name, some quoted strings and a number.

use std::borrow::Cow;

/// One line of a scrape.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample<'t> {
    /// The metric, with suffixes such as `_bucket`.
    pub name: &'t str,
    labels: Vec<(&'t str, Cow<'t, str>)>,
    /// May be infinite or not a number.
    pub value: f64,
}

impl Sample<'_> {
    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_ref())
    }
}

/// The samples of a scrape; `None` for a line that is none.
pub fn samples(text: &str) -> impl Iterator<Item = Option<Sample<'_>>> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).map(sample)
}

fn sample(line: &str) -> Option<Sample<'_>> {
    let end = line.find(['{', ' ', '\t'])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside.trim_start();
        while !rest.starts_with('}') {
            let (label, after) = rest.split_once('=')?;
            let (value, after) = quoted(after.trim_start())?;
            labels.push((label.trim(), value));
            rest = after.trim_start();
            rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        }
        rest = &rest[1..];
    }
    // Rust reads Prometheus's spellings of infinity and not-a-number as well.
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some(Sample { name, labels, value })
}

/// A string in quotes, with its escapes undone, and what follows it.
fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let text = text.strip_prefix('"')?;
    let mut escaped = false;
    let end = text.find(|character| {
        let ends = character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
        ends
    })?;
    let (inside, rest) = (&text[..end], &text[end + 1..]);
    if !inside.contains('\\') {
        return Some((inside.into(), rest));
    }
    let mut value = String::with_capacity(inside.len());
    let mut characters = inside.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next()? {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    Some((value.into(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_with_and_without_labels() {
        let text =
            "# HELP a help\n# TYPE a counter\na 1\n\nb{x=\"1\", y=\"a,b}\",} 2.5 1700000000000\nc_bucket{le=\"+Inf\"} +Inf\nd{} NaN\n";
        let found: Vec<Sample<'_>> = samples(text).map(Option::unwrap).collect();
        assert_eq!(found.iter().map(|sample| sample.name).collect::<Vec<_>>(), ["a", "b", "c_bucket", "d"]);
        assert_eq!((found[1].label("x"), found[1].label("y"), found[1].value), (Some("1"), Some("a,b}"), 2.5));
        assert!(found[2].value.is_infinite() && found[3].value.is_nan());
    }

    #[test]
    fn escapes_are_undone() {
        let found = samples(r#"a{x="say \"hi\" \\ \n."} 1"#).next().unwrap().unwrap();
        assert_eq!(found.label("x"), Some("say \"hi\" \\ \n."));
    }

    #[test]
    fn what_is_no_sample_is_said_to_be_none() {
        for line in ["name", "a{x=1} 1", "a{x=\"1} 1", "a{x=\"1\"}", "a one", "a{x"] {
            assert_eq!(samples(line).next(), Some(None), "{line}");
        }
    }
}
