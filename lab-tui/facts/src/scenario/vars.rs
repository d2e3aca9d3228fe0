//! `[load.vars]`: what the variables of a load's requests are drawn from.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::csv::{self, Column, Unfit};
use super::plan::required;
use super::refusal::{Wrong, suggest};

/// Gives the text of a file that a scenario names by a path of its own, or says in a few words why it cannot. Scenarios themselves
/// touch no files; whoever has one read knows which folder it lies in.
pub type Files<'f> = dyn Fn(&str) -> Result<String, String> + 'f;

/// What a variable is drawn from, evenly.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// At least one.
    List(Vec<String>),
    /// `from`, `from + step` and so on, `last` steps in all.
    Range {
        /// The first number.
        from: i64,
        /// At least 1.
        step: u64,
        /// The last number's index; it is no larger than an `i64`.
        last: u64,
    },
    /// A column of a table. Variables of one table have their values from the same row in one arrival.
    Column {
        /// Which of the load's tables.
        table: usize,
        /// In the file's order; tables are large, and plans are copied.
        column: Arc<Column>,
    },
}

impl Values {
    /// Whether all of them are so. Numbers always are: no rule refuses digits.
    pub(super) fn all(&self, is_so: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::List(list) => list.iter().all(|value| is_so(value)),
            Self::Range { .. } => true,
            Self::Column { column, .. } => column.iter().all(is_so),
        }
    }
}

/// The variables of a load as they are written.
pub(super) type VarsTable = BTreeMap<String, Spanned<VarTable>>;

/// One variable as it is written: `["fair", 6]`, or a table.
#[derive(Debug)]
pub(super) enum VarTable {
    List(Vec<Scalar>),
    Table(SourceTable),
}

/// `{ from = 1, to = 6 }`, or `{ csv = "users.csv", column = "id" }`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceTable {
    from: Option<Spanned<i64>>,
    to: Option<Spanned<i64>>,
    step: Option<Spanned<i64>>,
    csv: Option<Spanned<String>>,
    column: Option<Spanned<String>>,
}

/// A string, or a number as it is written in TOML.
#[derive(Debug)]
pub(super) struct Scalar(String);

impl<'de> Deserialize<'de> for VarTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListOrTable;
        impl<'de> Visitor<'de> for ListOrTable {
            type Value = VarTable;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of values, { from, to } or { csv, column }")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<VarTable, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(VarTable::List)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<VarTable, A::Error> {
                SourceTable::deserialize(MapAccessDeserializer::new(map)).map(VarTable::Table)
            }
        }
        deserializer.deserialize_any(ListOrTable)
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StringOrNumber;
        impl Visitor<'_> for StringOrNumber {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a number")
            }

            fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar(text.to_owned()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
                Ok(Scalar(number.to_string()))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Scalar, E> {
                if !number.is_finite() {
                    return Err(E::custom(format!("{number} is no number to send")));
                }
                // With its point, as in 1.0.
                Ok(Scalar(format!("{number:?}")))
            }
        }
        deserializer.deserialize_any(StringOrNumber)
    }
}

/// Reads the variables of a load, and through `files` what they name.
pub(super) fn read(given: VarsTable, files: &Files<'_>) -> Result<BTreeMap<String, Values>, Wrong> {
    let mut vars = BTreeMap::new();
    let mut tables: Vec<Table> = Vec::new();
    for (name, given) in given {
        let span = given.span();
        let values = match given.into_inner() {
            VarTable::List(list) if list.is_empty() => {
                return Err(Wrong::new(span, format!("the variable `{name}` has no values"), "list at least one"));
            }
            VarTable::List(list) => Values::List(list.into_iter().map(|Scalar(value)| value).collect()),
            VarTable::Table(SourceTable { from, to, step, csv: Some(file), column }) => {
                if let Some(stranger) = [from, to, step].into_iter().flatten().next() {
                    return Err(Wrong::new(stranger.span(), "a column of a file has no range", "leave out what goes with neither"));
                }
                let column = required(column, &span, "column", "\"id\"")?;
                Table::of(&mut tables, &file).columns.push((name, column));
                continue;
            }
            VarTable::Table(SourceTable { column: Some(column), .. }) => {
                return Err(Wrong::new(column.span(), "a column of which file is not said", "add `csv = \"users.csv\"`"));
            }
            VarTable::Table(SourceTable { from: None, to: None, .. }) => {
                let hint = "write [\"a\", \"b\"], { from = 1, to = 6 } or { csv = \"users.csv\", column = \"id\" }";
                return Err(Wrong::new(span, format!("the variable `{name}` has no values"), hint));
            }
            VarTable::Table(SourceTable { from, to, step, .. }) => {
                range(&required(from, &span, "from", "1")?, &required(to, &span, "to", "1000")?, step.as_ref())?
            }
        };
        vars.insert(name, values);
    }
    for (number, table) in tables.into_iter().enumerate() {
        for (name, column) in table.read(files)? {
            vars.insert(name, Values::Column { table: number, column: Arc::new(column) });
        }
    }
    Ok(vars)
}

fn range(from: &Spanned<i64>, to: &Spanned<i64>, step: Option<&Spanned<i64>>) -> Result<Values, Wrong> {
    let (first, end) = (*from.get_ref(), *to.get_ref());
    if first > end {
        return Err(Wrong::new(from.span(), format!("from = {first} is above to = {end}"), "swap the two"));
    }
    let step = match step {
        None => 1,
        Some(step) => u64::try_from(*step.get_ref())
            .ok()
            .filter(|step| *step > 0)
            .ok_or_else(|| Wrong::new(step.span(), format!("step = {} leads nowhere", step.get_ref()), "write a whole number from 1"))?,
    };
    Ok(Values::Range { from: first, step, last: end.abs_diff(first) / step })
}

/// A file of which columns are wanted.
struct Table {
    path: String,
    /// Where the scenario names it first.
    span: Range<usize>,
    /// The variables, each with the name of its column.
    columns: Vec<(String, Spanned<String>)>,
}

impl Table {
    /// The one of that path, new where it was not named before.
    fn of<'t>(tables: &'t mut Vec<Self>, file: &Spanned<String>) -> &'t mut Self {
        let span = file.span();
        let path = file.get_ref().strip_prefix("./").unwrap_or(file.get_ref()).to_owned();
        let place = tables.iter().position(|table| table.path == path).unwrap_or_else(|| {
            tables.push(Self { path, span, columns: Vec::new() });
            tables.len() - 1
        });
        &mut tables[place]
    }

    fn read(self, files: &Files<'_>) -> Result<Vec<(String, Column)>, Wrong> {
        let Self { path, span, columns } = self;
        let text = files(&path).map_err(|why| Wrong::new(span.clone(), why, "paths begin at the scenario's folder"))?;
        let wanted: Vec<&str> = columns.iter().map(|(_, column)| column.get_ref().as_str()).collect();
        match csv::columns(&text, &wanted) {
            Ok(read) => Ok(columns.into_iter().map(|(name, _)| name).zip(read).collect()),
            Err(Unfit::File(what)) => Err(Wrong::new(span, format!("`{path}` {what}"), "correct the file, or name another")),
            Err(Unfit::Column(index, header)) => {
                let column = &columns[index].1;
                let known: Vec<&str> = header.iter().map(String::as_str).collect();
                Err(if known.contains(&column.get_ref().as_str()) {
                    Wrong::new(column.span(), format!("`{path}` has several columns `{}`", column.get_ref()), "give each its own name")
                } else {
                    Wrong::new(column.span(), format!("`{path}` has no column `{}`", column.get_ref()), suggest(column.get_ref(), &known))
                })
            }
        }
    }
}
