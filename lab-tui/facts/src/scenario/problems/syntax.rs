//! What is no TOML, in an author's words.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::scenario::refusal::Wrong;

/// The document, and the texts in it that lack their quotes: what was meant is clear there, so reading can go on.
///
/// # Errors
/// Where what was meant is not clear, all that the parser stumbled over, once a line and once a list or table.
pub(super) fn parse(text: &str) -> Result<(Spanned<DeTable<'_>>, Vec<Wrong>), Vec<Wrong>> {
    let (document, mut errors) = DeTable::parse_recoverable(text);
    errors.sort_by_key(|error| error.span().map_or(0, |span| span.start));
    let unquoted = errors.iter().all(|error| UNQUOTED.contains(&kind(error)));
    let mut problems: Vec<Wrong> = Vec::new();
    // Behind a bracket that is not closed everything is wrong, and none of it is what the author has to mend.
    let mut until = None;
    for error in &errors {
        let start = error.span().map_or(0, |span| span.start);
        if until.is_some_and(|until| start <= until) {
            continue;
        }
        problems.push(in_words(error, text));
        let line_end = text.get(start..).and_then(|rest| rest.find('\n')).map_or(text.len(), |length| start + length);
        until = around(&document, start).max(Some(line_end));
    }
    if unquoted { Ok((document, problems)) } else { Err(problems) }
}

/// How the parser words it that a text lacks its quotes; the second where the text begins like `true`, `inf` and so on.
const UNQUOTED: [&str; 4] = ["string values must be quoted", "invalid boolean", "invalid float", "invalid datetime"];

/// What the parser says, without what it would rather have seen.
fn kind(error: &toml::de::Error) -> &str {
    error.message().split([',', '\n']).next().unwrap_or_default()
}

/// Where the list or table ends that is written around this place.
fn around(document: &Spanned<DeTable<'_>>, place: usize) -> Option<usize> {
    fn within(value: &Spanned<DeValue<'_>>, place: usize) -> Option<usize> {
        let span = value.span();
        match value.get_ref() {
            DeValue::Array(_) | DeValue::Table(_) if (span.start..=span.end).contains(&place) => Some(span.end),
            DeValue::Array(list) => list.iter().find_map(|value| within(value, place)),
            DeValue::Table(table) => table.values().find_map(|value| within(value, place)),
            _ => None,
        }
    }
    document.get_ref().values().find_map(|value| within(value, place))
}

fn in_words(error: &toml::de::Error, text: &str) -> Wrong {
    let span = error.span().unwrap_or(0..0);
    let written = text.get(span.clone()).unwrap_or_default();
    let not_closed = error.message().ends_with("expected `\"`") || error.message().ends_with("expected `'`");
    let (what, hint) = match kind(error) {
        unquoted if UNQUOTED.contains(&unquoted) && written.is_empty() => ("the value is missing".to_owned(), "write one behind the `=`"),
        unquoted if UNQUOTED.contains(&unquoted) && written.contains(' ') => {
            (format!("`{written}` is no value"), "put a text into quotes, and each key on a line of its own")
        }
        unquoted if UNQUOTED.contains(&unquoted) => (format!("`{written}` is no value"), "put a text into quotes"),
        "invalid basic string" | "invalid literal string" if not_closed => {
            ("the text is not closed on its line".to_owned(), "end it with the quote that it begins with")
        }
        "invalid multi-line basic string" | "invalid multi-line literal string" if not_closed => {
            ("the text is not closed".to_owned(), "end it with the three quotes that it begins with")
        }
        "invalid basic string" | "invalid literal string" => {
            ("a character that cannot stand in a text".to_owned(), "write it as \\u001b or the like, between double quotes")
        }
        "invalid key-value pair" => ("this is no TOML: a key is missing".to_owned(), "write `key = value`"),
        "key with no value" => ("a key without a value".to_owned(), "write `key = value`"),
        "duplicate key" => (format!("`{written}` is here a second time"), "keep one of them"),
        "unexpected key or value" => ("something follows the value".to_owned(), "begin a new line, and put a text into quotes"),
        "missing comma between array elements" => ("a comma or the end of the list is missing".to_owned(), "write it as [1, 2]"),
        "unclosed array" => ("the list is not closed".to_owned(), "end it with `]`"),
        "unclosed table" | "unclosed array table" => {
            ("the table's name is not closed".to_owned(), "write [name], or [[name]] for one of several")
        }
        "unclosed inline table" => ("the table is not closed".to_owned(), "end it with `}`"),
        "missing inline table opening" => ("a `}` without its `{`".to_owned(), "remove it"),
        "missing array opening" => ("a `]` without its `[`".to_owned(), "remove it"),
        "extra `=`" => ("one `=` is enough".to_owned(), "write `key = value`"),
        "invalid unquoted key" => ("this is no TOML: a key has letters, digits, `-` and `_`".to_owned(), "put any other into quotes"),
        "cannot recurse further; max recursion depth met" | "recursion limit" => {
            ("lists and tables lie too deep in one another".to_owned(), "no scenario needs more than a few levels")
        }
        _ => (error.message().replace('\n', " "), "the file is read as TOML, see https://toml.io"),
    };
    Wrong::new(span, what, hint)
}
