//! `"/dice?identifier={die}"`: text with variables.

use std::fmt::Write as _;

/// A parsed URL template. `{name}` stands for a variable, `{{` and `}}` for the braces themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    source: String,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Variable(String),
}

impl Template {
    pub(super) fn parse(source: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut characters = source.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '{' | '}' if characters.peek() == Some(&character) => {
                    characters.next();
                    text.push(character);
                }
                '{' => {
                    let mut name = String::new();
                    loop {
                        match characters.next() {
                            Some('}') => break,
                            Some(other) => name.push(other),
                            None => return Err("a `{` without its `}`".to_owned()),
                        }
                    }
                    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                        return Err(format!("`{{{name}}}` is no variable"));
                    }
                    if !text.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut text)));
                    }
                    pieces.push(Piece::Variable(name));
                }
                '}' => return Err("a `}` without its `{`".to_owned()),
                other => text.push(other),
            }
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        Ok(Self { source: source.to_owned(), pieces })
    }

    /// The template as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The names of its variables, in order of appearance.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Variable(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// The text with each variable's value in its place, percent-encoded so that a value cannot add a path or a parameter.
    pub fn render<'v>(&self, value: impl Fn(&str) -> &'v str) -> String {
        let mut out = String::with_capacity(self.source.len() + 16);
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Variable(name) => percent_encode(value(name), &mut out),
            }
        }
        out
    }
}

fn percent_encode(value: &str, out: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_and_encoded() {
        let template = Template::parse("/dice?identifier={die}&a={{b}}").unwrap();
        assert_eq!(template.variables().collect::<Vec<_>>(), ["die"]);
        assert_eq!(template.render(|_| "a b&c=ü"), "/dice?identifier=a%20b%26c%3D%C3%BC&a={b}");
    }

    #[test]
    fn broken_templates_are_refused() {
        for source in ["/{", "/{a", "/{}", "/{a b}", "/}"] {
            assert!(Template::parse(source).is_err(), "{source}");
        }
    }
}
