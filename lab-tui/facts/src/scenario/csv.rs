//! Columns of a CSV file: a header line, quoted fields as in RFC 4180, and a mark of its encoding in front where somebody put one.

use std::borrow::Cow;

/// How large a file may be, in bytes.
pub const LARGEST_CSV: usize = 10 * 1024 * 1024;
const MOST_ROWS: usize = 1_000_000;

/// The values of one column, in the file's order; at least one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Column {
    /// One after the other, because a million small strings would take several times the room.
    text: String,
    ends: Vec<u32>,
}

impl Column {
    /// How many rows.
    pub fn rows(&self) -> usize {
        self.ends.len()
    }

    /// The value in a row, counted from 0; empty where there is no such row.
    pub fn get(&self, row: usize) -> &str {
        let end = |row: usize| self.ends.get(row).map_or(self.text.len(), |end| *end as usize);
        self.text.get(row.checked_sub(1).map_or(0, end)..end(row)).unwrap_or_default()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.rows()).map(|row| self.get(row))
    }

    fn push(&mut self, value: &str) {
        self.text.push_str(value);
        // No file is that large.
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
    }
}

/// Why a file does not give the columns that are wanted of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// What is wrong with the file, to follow its name.
    File(String),
    /// The wanted column of that index is not one of these, or is there several times.
    Column(usize, Vec<String>),
}

/// The wanted columns, in their order.
pub(super) fn columns(text: &str, wanted: &[&str]) -> Result<Vec<Column>, Unfit> {
    if text.len() > LARGEST_CSV {
        return Err(Unfit::File(format!("is larger than {} MiB", LARGEST_CSV / 1024 / 1024)));
    }
    let mut records = Records { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1 };
    let mut fields = Vec::new();
    if records.next(&mut fields)?.is_none() {
        return Err(Unfit::File("is empty; its first line names its columns".to_owned()));
    }
    let header: Vec<String> = fields.iter().map(|field| field.clone().into_owned()).collect();
    let place = |(index, name): (usize, &&str)| {
        let mut places = header.iter().enumerate().filter(|(_, column)| column == name).map(|(place, _)| place);
        places.next().filter(|_| places.next().is_none()).ok_or_else(|| Unfit::Column(index, header.clone()))
    };
    let places: Vec<usize> = wanted.iter().enumerate().map(place).collect::<Result<_, _>>()?;
    let mut columns = vec![Column::default(); wanted.len()];
    let mut rows = 0;
    while let Some(line) = records.next(&mut fields)? {
        rows += 1;
        if fields.len() != header.len() {
            return Err(Unfit::File(format!(
                "has another number of fields in line {line} than columns: {}, not {}",
                fields.len(),
                header.len()
            )));
        }
        if rows > MOST_ROWS {
            return Err(Unfit::File(format!("has more than {MOST_ROWS} rows")));
        }
        for (column, place) in columns.iter_mut().zip(&places) {
            column.push(&fields[*place]);
        }
    }
    if rows == 0 {
        return Err(Unfit::File("has no rows below the names of its columns".to_owned()));
    }
    Ok(columns)
}

struct Records<'t> {
    rest: &'t str,
    line: usize,
}

impl<'t> Records<'t> {
    /// The next record's fields, and the line in which it begins; `None` at the end. Empty lines are passed over.
    fn next(&mut self, fields: &mut Vec<Cow<'t, str>>) -> Result<Option<usize>, Unfit> {
        fields.clear();
        while let Some(rest) = self.rest.strip_prefix('\n').or_else(|| self.rest.strip_prefix("\r\n")) {
            self.rest = rest;
            self.line += 1;
        }
        if self.rest.is_empty() {
            return Ok(None);
        }
        let begun = self.line;
        loop {
            fields.push(match self.rest.strip_prefix('"') {
                Some(quoted) => self.quoted(quoted)?,
                None => {
                    let (field, rest) = self.rest.split_at(self.rest.find([',', '\n']).unwrap_or(self.rest.len()));
                    self.rest = rest;
                    let ends_the_line = !rest.starts_with(',');
                    Cow::Borrowed(field.strip_suffix('\r').filter(|_| ends_the_line).unwrap_or(field))
                }
            });
            if let Some(rest) = self.rest.strip_prefix(',') {
                self.rest = rest;
                continue;
            }
            self.rest = self.rest.strip_prefix("\r\n").or_else(|| self.rest.strip_prefix('\n')).unwrap_or_default();
            self.line += 1;
            return Ok(Some(begun));
        }
    }

    /// A field in quotes, of which the first one has been read. Two quotes are one.
    fn quoted(&mut self, text: &'t str) -> Result<Cow<'t, str>, Unfit> {
        let begun = self.line;
        let mut from = 0;
        let end = loop {
            let Some(quote) = text[from..].find('"').map(|at| from + at) else {
                return Err(Unfit::File(format!("has a quote in line {begun} that is never closed")));
            };
            if !text[quote + 1..].starts_with('"') {
                break quote;
            }
            from = quote + 2;
        };
        let field = &text[..end];
        self.line += field.matches('\n').count();
        self.rest = &text[end + 1..];
        let ended = self.rest.is_empty() || [",", "\n", "\r\n"].iter().any(|end| self.rest.starts_with(end));
        if !ended {
            return Err(Unfit::File(format!("has text behind a closing quote in line {}", self.line)));
        }
        Ok(if field.contains('"') { Cow::Owned(field.replace("\"\"", "\"")) } else { Cow::Borrowed(field) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, wanted: &[&str]) -> Vec<Vec<String>> {
        let columns = columns(text, wanted).unwrap();
        columns.iter().map(|column| column.iter().map(str::to_owned).collect()).collect()
    }

    fn unfit(text: &str) -> String {
        match columns(text, &["a"]).unwrap_err() {
            Unfit::File(what) => what,
            Unfit::Column(index, header) => format!("column {index} of {header:?}"),
        }
    }

    #[test]
    fn columns_are_found_by_their_names() {
        assert_eq!(read("a,b\n1,2\n3,4\n", &["b", "a"]), [["2", "4"], ["1", "3"]]);
        // A mark in front, line ends of another system, no line end at the end, and an empty line.
        assert_eq!(read("\u{feff}a,b\r\n1,2\r\n\r\n3,4", &["a"]), [["1", "3"]]);
        assert_eq!(read("a,b\n,\nü,", &["a", "b"]), [["", "ü"], ["", ""]]);
    }

    #[test]
    fn quotes_keep_commas_quotes_and_line_ends() {
        let text = "a,\"b \"\"c\"\"\"\n\"1,5\",\"two\r\nlines\"\n\"\",\"\"\"\"\n";
        assert_eq!(read(text, &["a", "b \"c\""]), [["1,5", ""], ["two\r\nlines", "\""]]);
        // In the middle of a field a quote is a character like any other.
        assert_eq!(read("a\n5\" disk\n", &["a"]), [["5\" disk"]]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        assert_eq!(unfit(""), "is empty; its first line names its columns");
        assert_eq!(unfit("a,b\n"), "has no rows below the names of its columns");
        assert_eq!(unfit("a,b\n\"1\n2\",3\n4\n"), "has another number of fields in line 4 than columns: 1, not 2");
        assert_eq!(unfit("a\n1\n\"2\n"), "has a quote in line 3 that is never closed");
        assert_eq!(unfit("a\n\"2\"x\n"), "has text behind a closing quote in line 2");
        assert_eq!(unfit("b,c\n1,2\n"), "column 0 of [\"b\", \"c\"]");
        assert_eq!(unfit("a,a\n1,2\n"), "column 0 of [\"a\", \"a\"]");
        assert_eq!(unfit(&"a\n".repeat(MOST_ROWS + 2)), "has more than 1000000 rows");
        assert_eq!(unfit(&"a\n".repeat(LARGEST_CSV)), "is larger than 10 MiB");
        assert_eq!(columns(&"a\n".repeat(MOST_ROWS + 1), &["a"]).unwrap()[0].rows(), MOST_ROWS);
    }
}
