//! `"/dice?identifier={die}"`: text with variables.

use std::fmt::Write as _;

/// A parsed template of a URL, a header or a body. `{name}` stands for a variable, `{{` and `}}` for the braces themselves.
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
                    if !is_name(&name) {
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

    /// In a body braces may stand for themselves as well, so that JSON can be written as it is: only a name in braces is a variable, and
    /// `}}` is one brace only where it closes a `{{`.
    pub(super) fn parse_body(source: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        // Of the braces that are open: whether they were doubled.
        let mut open = Vec::new();
        let mut rest = source;
        while let Some(character) = rest.chars().next() {
            if let Some(name) = variable(rest).filter(|_| !rest.starts_with("{{")) {
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                pieces.push(Piece::Variable(name.to_owned()));
                rest = &rest[name.len() + 2..];
                continue;
            }
            let doubled = rest.starts_with("{{") || rest.starts_with("}}") && open.last() == Some(&true);
            match character {
                '{' => open.push(doubled),
                '}' if !doubled && open.last() == Some(&true) => return Err("a `{{` without its `}}`".to_owned()),
                '}' => drop(open.pop()),
                _ => {}
            }
            text.push(character);
            rest = &rest[if doubled { 2 } else { character.len_utf8() }..];
        }
        if open.contains(&true) {
            return Err("a `{{` without its `}}`".to_owned());
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
        self.fill(|name, out| percent_encode(value(name), out))
    }

    /// The text with each variable's value in its place, as it is.
    pub fn render_plain<'v>(&self, value: impl Fn(&str) -> &'v str) -> String {
        self.fill(|name, out| out.push_str(value(name)))
    }

    fn fill(&self, insert: impl Fn(&str, &mut String)) -> String {
        let mut out = String::with_capacity(self.source.len() + 16);
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Variable(name) => insert(name, &mut out),
            }
        }
        out
    }
}

/// The name of the variable that a text begins with.
fn variable(text: &str) -> Option<&str> {
    let (name, _) = text.strip_prefix('{')?.split_once('}')?;
    is_name(name).then_some(name)
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
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

    /// Braces alone, doubled ones around a variable and around text, and both mixed.
    #[test]
    fn in_a_body_json_is_written_as_it_is() {
        let render = |source| Template::parse_body(source).unwrap().render_plain(|_| "a \"b\"");
        assert_eq!(render("{\"a\": {\"b\": {id}}, \"c\": {}}"), "{\"a\": {\"b\": a \"b\"}, \"c\": {}}");
        assert_eq!(render("{\"a\":{\"b\":{\"c\":1}}}"), "{\"a\":{\"b\":{\"c\":1}}}");
        assert_eq!(render("{{\"a\": {{\"b\": {id}}}}}"), "{\"a\": {\"b\": a \"b\"}}");
        assert_eq!(render("query {{id}} { id } }}"), "query {id} { id } }}");
        assert_eq!(render("a}}b {ü} {"), "a}}b {ü} {");
        assert!(Template::parse_body("{{\"a\": 1}").is_err());
    }

    #[test]
    fn broken_templates_are_refused() {
        for source in ["/{", "/{a", "/{}", "/{a b}", "/}"] {
            assert!(Template::parse(source).is_err(), "{source}");
        }
    }
}
