//! An answer as the screen needs it, read where it comes in.

use std::ops::Range;

use lab_facts::event::TraceId;
use lab_facts::format;
use lab_facts::model::Model;
use lab_instrument::observe::backends::{QueryResult, Series};
use lab_instrument::observe::found::FoundTrace;
use lab_instrument::observe::store::StoredLine;

use crate::tui::room::logs::Record;
use crate::tui::room::traces::root;

const SECOND: u64 = 1_000_000_000;

/// What a query gave.
#[derive(Debug)]
pub enum Answered {
    /// Numbers over time.
    Series {
        /// The highest first.
        all: Vec<Series>,
        /// How many more there were.
        left_out: usize,
    },
    /// Log lines, the newest first.
    Lines(Vec<Record>),
    /// Traces, the newest first.
    Traces(Vec<(TraceId, FoundTrace)>),
}

impl From<QueryResult> for Answered {
    fn from(result: QueryResult) -> Self {
        match result {
            QueryResult::Series { series: all, left_out } => Self::Series { all, left_out },
            QueryResult::Lines(lines) => Self::Lines(lines.into_iter().rev().map(|line| Record::read(&StoredLine::from(line))).collect()),
            QueryResult::Traces(found) => {
                Self::Traces(found.into_iter().filter_map(|one| Some((TraceId::parse(&one.trace_id)?, one))).collect())
            }
        }
    }
}

impl Answered {
    pub(super) fn is_plot(&self) -> bool {
        matches!(self, Self::Series { .. })
    }

    pub(super) fn rows(&self) -> usize {
        match self {
            Self::Series { all, .. } => all.len(),
            Self::Lines(lines) => lines.len(),
            Self::Traces(found) => found.len(),
        }
    }

    /// The trace of a row.
    pub(super) fn trace(&self, row: usize) -> Option<TraceId> {
        match self {
            Self::Series { .. } => None,
            Self::Lines(lines) => lines.get(row)?.trace,
            Self::Traces(found) => found.get(row).map(|(id, _)| *id),
        }
    }

    /// What is told of a row above its trace.
    pub(super) fn told(&self, row: usize) -> String {
        match self {
            Self::Traces(found) => found.get(row).map(|(_, found)| {
                let errors = if found.errors == 0 { String::new() } else { format!(", {}", format::count(found.errors, "error")) };
                format!("{}{errors}", root(found))
            }),
            Self::Lines(lines) => lines.get(row).map(|line| format!("a line of {}", line.service)),
            Self::Series { .. } => None,
        }
        .unwrap_or_default()
    }

    /// When each of the rows of a table was, in nanoseconds since 1970.
    pub(super) fn moments(&self) -> Vec<u64> {
        match self {
            Self::Series { .. } => Vec::new(),
            Self::Lines(lines) => lines.iter().map(|line| line.key.0).collect(),
            Self::Traces(found) => found.iter().map(|(_, found)| found.start_unix_nano).collect(),
        }
    }
}

/// The time of the run, in nanoseconds since 1970: as far as it has come, and of a recorded one all that was planned. None until it is known
/// when it began.
pub(super) fn window(model: &Model, is_replay: bool) -> Option<Range<u64>> {
    let began = model.began_unix_nano()?;
    let so_far = model.now().as_secs() + 1;
    let length = if is_replay && !model.plan().keep_going { so_far.max(model.plan().duration().as_secs() + 1) } else { so_far };
    Some(began..began.saturating_add(length.saturating_mul(SECOND)))
}

/// The second of the run that a moment lies in; none before it began.
#[expect(clippy::cast_precision_loss, reason = "a place on an axis of seconds")]
pub(super) fn second(unix_nano: u64, began: u64) -> Option<f64> {
    Some(unix_nano.checked_sub(began)? as f64 / SECOND as f64)
}
