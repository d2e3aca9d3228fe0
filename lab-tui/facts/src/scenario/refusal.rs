//! Why a file was not accepted: one sentence with the place and the way out.

use std::fmt;
use std::ops::Range;

/// A refused scenario: where, what, and what to write instead. Displays as `file:line:column: what (way out)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The file as the user named it.
    pub origin: String,
    /// Line and column, counted from 1 in characters. `None` when no place in the file is to blame.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub what: String,
    /// The way out.
    pub hint: Option<String>,
}

impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.what)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// All that is wrong with a scenario, in the order of the places, and never empty. Displays as one line for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusals(pub Vec<Refusal>);

impl Refusals {
    /// One after the other.
    pub fn iter(&self) -> std::slice::Iter<'_, Refusal> {
        self.0.iter()
    }

    /// For a text that the user has never seen: what is wrong, without where.
    #[must_use]
    pub fn without_places(mut self) -> Self {
        self.0.iter_mut().for_each(|refusal| refusal.place = None);
        self
    }
}

impl<'r> IntoIterator for &'r Refusals {
    type Item = &'r Refusal;
    type IntoIter = std::slice::Iter<'r, Refusal>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl std::error::Error for Refusals {}

impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, refusal) in self.iter().enumerate() {
            write!(f, "{}{refusal}", if index == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

/// Something wrong in the text, before it is known which line it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Which bytes of the text it is about.
    pub span: Option<Range<usize>>,
    /// What is wrong.
    pub what: String,
    /// The way out.
    pub hint: Option<String>,
}

impl Wrong {
    /// With its place and the way out.
    pub fn new(span: Range<usize>, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { span: Some(span), what: what.into(), hint: Some(hint.into()) }
    }

    /// With the line and the column that it has in the text.
    pub fn at(self, origin: &str, text: &str) -> Refusal {
        let place = self.span.map(|span| line_and_column(text, span.start));
        Refusal { origin: origin.to_owned(), place, what: one_line(&self.what), hint: self.hint.as_deref().map(one_line) }
    }
}

/// Of a byte of the text; counted from 1, the column in characters.
pub(super) fn line_and_column(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    (line, column)
}

impl From<toml::de::Error> for Wrong {
    fn from(error: toml::de::Error) -> Self {
        Self::in_table(&error, &[])
    }
}

impl Wrong {
    /// What is wrong with a table that may also have the keys `common`, which were taken out of it before.
    pub(super) fn in_table(error: &toml::de::Error, common: &[&str]) -> Self {
        let span = error.span();
        let message = error.message().trim().replace('\n', " ");
        // serde words this as: unknown field `rat`, expected one of `name`, `rate`
        if let Some(rest) = message.strip_prefix("unknown field `") {
            let mut names = rest.split('`').step_by(2);
            let unknown = names.next().unwrap_or_default();
            let known: Vec<&str> = names.chain(common.iter().copied()).collect();
            return Self { span, what: format!("unknown key `{unknown}`"), hint: Some(suggest(unknown, &known)) };
        }
        if let Some(rest) = message.strip_prefix("missing field `") {
            let key = rest.trim_end_matches('`');
            return Self { span, what: format!("the key `{key}` is missing here"), hint: Some(format!("add `{key} = …`")) };
        }
        Self { span, what: in_toml_words(&message), hint: None }
    }

    /// The key without which the table in this place is refused. All readers word it so.
    pub(super) fn missing_key(&self) -> Option<&str> {
        self.what.strip_prefix("the key `")?.strip_suffix("` is missing here")
    }

    /// Whether a name in this place is that of nothing in the file. All readers word it so: no load is named `x`,
    /// unknown service `x`, or that no service of that name has a URL.
    pub(super) fn leads_nowhere(&self) -> bool {
        let said = self.what.as_str();
        said.starts_with("no ") && said.contains(" is named ")
            || said.starts_with("unknown service `")
            || said.ends_with(", and no service of that name has a URL")
    }
}

impl Wrong {
    /// Whether something has no use in the file, which may be because of what is wrong elsewhere.
    pub(super) fn is_of_no_use(&self) -> bool {
        self.what.starts_with("no request uses the variable `")
    }

    /// Whether this is the second of two that exclude one another. All readers word it so.
    pub(super) fn is_one_too_many(&self) -> bool {
        self.what.ends_with(" cannot be combined")
    }

    /// The key of a selector's tag whose value is that of nothing in the file.
    pub(super) fn tag_that_leads_nowhere(&self) -> Option<&'static str> {
        let said = [("no load is named `", "load"), ("no request is named `", "request"), ("unknown service `", "service")];
        said.into_iter().find(|(words, _)| self.what.starts_with(words)).map(|(_, key)| key)
    }
}

/// The parser speaks of Rust's types; the author of a scenario knows TOML's.
fn in_toml_words(message: &str) -> String {
    const WORDS: [(&str, &str); 8] = [
        ("a sequence", "a list, written [ … ] or [[ … ]]"),
        ("a map", "a table"),
        ("f64", "a number"),
        ("u32", "a whole number up to 4294967295"),
        ("i64", "a whole number"),
        ("floating point", "the number"),
        ("a boolean", "true or false"),
        ("map", "a table"),
    ];
    let Some((found, expected)) = message.split_once(", expected ") else { return message.to_owned() };
    if let Some((_, digits)) = found.strip_suffix("` as i128").or_else(|| found.strip_suffix("` as u128")).and_then(|it| it.split_once('`'))
    {
        return format!("`{digits}` is larger than any number here");
    }
    let found = found.replace("invalid type: ", "found ").replace("invalid value: ", "found ");
    let found = found.replace("found sequence", "found a list");
    let expected = if expected.starts_with("struct ") { "a table" } else { expected };
    let in_words = |text: &str| WORDS.iter().fold(text.to_owned(), |text, (rust, toml)| text.replace(rust, toml));
    // What was found may hold any of these words in quotes.
    let found = if found.contains('"') { found } else { in_words(&found) };
    format!("{found} where the scenario needs {}", in_words(expected))
}

/// What was found in the file may be long, and may have lines of its own.
fn one_line(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut quoted = false;
    let pieces = text.split('`').map(|piece| {
        let mut shown: String = if quoted { piece.chars().take(LONGEST).collect() } else { piece.to_owned() };
        if shown.len() < piece.len() {
            shown.push('…');
        }
        quoted = !quoted;
        shown
    });
    let whole = pieces.collect::<Vec<_>>().join("`");
    let mut line = String::with_capacity(whole.len());
    for character in whole.chars().take(10 * LONGEST) {
        match character {
            control if control.is_control() => line.extend(control.escape_default()),
            other => line.push(other),
        }
    }
    line
}

/// A number as it is written, and one with very many digits in fewer.
pub(super) fn number(number: f64) -> String {
    if number.abs() < 1e15 || !number.is_finite() { number.to_string() } else { format!("{number:e}") }
}

/// "did you mean …" for a near miss, else the whole list.
pub fn suggest(unknown: &str, known: &[&str]) -> String {
    match nearest(unknown, known) {
        Some(name) => format!("did you mean `{name}`?"),
        None if known.is_empty() => "nothing is known here".to_owned(),
        None => format!("known here: {}", known.join(", ")),
    }
}

/// The name that was meant, if one is near enough. Others write `maxVUs` for `max_vus`, which is no distance.
pub fn nearest<'k>(unknown: &str, known: &[&'k str]) -> Option<&'k str> {
    let plain = |name: &str| name.replace(['_', '-'], "").to_lowercase();
    let most = 1 + unknown.len() / 4;
    // To compare takes time in proportion to both; a name that is much longer was not meant anyway.
    let near = |name: &&&str| unknown.len().abs_diff(name.len()) <= most && unknown.len() < 1000;
    let distance = |name: &str| strsim::damerau_levenshtein(unknown, name).min(strsim::damerau_levenshtein(&plain(unknown), &plain(name)));
    let nearest = known.iter().filter(near).map(|name| (distance(name), *name)).min();
    nearest.filter(|(distance, _)| *distance <= most).map(|(_, name)| name)
}
