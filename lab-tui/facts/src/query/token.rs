//! The words and signs of a query.

use std::ops::Range;

use super::Misread;

/// One word or sign, and the bytes where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) span: Range<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    /// `{`, `>=`, `&&` and so on.
    Sign(&'static str),
    /// `name`, `span.http.route`, `trace:id`, with quotes undone: scopes stay before the name.
    Word(String),
    /// Without its quotes.
    Text(String),
    Int(i64),
    Float(f64),
    /// Nanoseconds.
    Duration(i64),
    End,
}

/// Longer signs first, so that `>=` is not read as `>`.
const SIGNS: [&str; 43] = [
    "&>>", "&<<", "!>>", "!<<", "&>", "&<", "&~", "!>", "!<", "&&", "||", "!=", "!~", "=~", "==", ">=", "<=", ">>", "<<", "{", "}", "(",
    ")", ",", "|", "!", "=", "~", ">", "<", "+", "-", "*", "/", "%", "^", "&", "[", "]", ";", "?", "$", "#",
];

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Misread> {
    let mut found = Vec::new();
    let mut at = 0;
    loop {
        at += text[at..].len() - text[at..].trim_start().len();
        let rest = &text[at..];
        let Some(first) = rest.chars().next() else {
            found.push(Token { kind: TokenKind::End, span: at..at });
            return Ok(found);
        };
        let (kind, length) = match first {
            '"' | '`' => quoted(text, at).map(|(value, length)| (TokenKind::Text(value), length))?,
            '0'..='9' => number(text, at)?,
            '.' if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => number(text, at)?,
            _ => match SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
                Some(sign) => (TokenKind::Sign(sign), sign.len()),
                None => word(text, at)?,
            },
        };
        found.push(Token { kind, span: at..at + length });
        at += length;
    }
}

/// A text in quotes, with its escapes undone, and its length in the query. Between backticks nothing is escaped.
fn quoted(text: &str, at: usize) -> Result<(String, usize), Misread> {
    let unclosed = || Misread::new(text, at, "the text that begins here has no end", "close it with the same quote");
    let mut characters = text[at..].char_indices();
    let quote = characters.next().map_or('"', |(_, quote)| quote);
    let mut value = String::new();
    loop {
        match characters.next().ok_or_else(unclosed)? {
            (end, character) if character == quote => return Ok((value, end + 1)),
            (place, '\\') if quote == '"' => match characters.next().ok_or_else(unclosed)?.1 {
                'n' => value.push('\n'),
                't' => value.push('\t'),
                'r' => value.push('\r'),
                same @ ('"' | '\\') => value.push(same),
                other => {
                    let what = format!("`\\{other}` is no escape");
                    return Err(Misread::new(text, at + place, what, "write two backslashes for one, or use backticks for quotes"));
                }
            },
            (_, character) => value.push(character),
        }
    }
}

/// A number, or a duration such as `1.5s` or `1h30m`.
fn number(text: &str, at: usize) -> Result<(TokenKind, usize), Misread> {
    let rest = &text[at..];
    let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '.')).unwrap_or(rest.len());
    let written = &rest[..length];
    let kind = if let Ok(int) = written.parse() {
        Some(TokenKind::Int(int))
    } else if written.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        written.parse().ok().map(TokenKind::Float)
    } else {
        duration(written).map(TokenKind::Duration)
    };
    let hint = "write a number such as 5 or 0.5, or a duration such as 250ms, 1.5s or 3m";
    kind.map(|kind| (kind, length)).ok_or_else(|| Misread::new(text, at, format!("`{written}` is neither a number nor a duration"), hint))
}

/// Nanoseconds. One after the other: numbers, each with its unit.
fn duration(written: &str) -> Option<i64> {
    let (mut rest, mut nanos) = (written, 0.0);
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?);
        let (unit, after) = after.split_at(after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len()));
        let factor = match unit {
            "ns" => 1.0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3600e9,
            _ => return None,
        };
        nanos += number.parse::<f64>().ok()? * factor;
        rest = after;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a longer one would be three hundred years and is cut to that")]
    Some(nanos.round() as i64)
}

/// A keyword, an intrinsic or an attribute. Parts of an attribute's name may stand in quotes, for the characters that would end it.
fn word(text: &str, at: usize) -> Result<(TokenKind, usize), Misread> {
    let rest = &text[at..];
    let mut value = String::new();
    let mut length = 0;
    while let Some(character) = rest[length..].chars().next() {
        if character == '"' && value.ends_with('.') {
            let (part, part_length) = quoted(text, at + length)?;
            value += &part;
            length += part_length;
        } else if character.is_whitespace() || "{}()=~!<>&|^,\"`".contains(character) {
            break;
        } else {
            value.push(character);
            length += character.len_utf8();
        }
    }
    Ok((TokenKind::Word(value), length))
}
