//! A few requests that stand for their group, each with its trace.

use serde::Serialize;

use super::failed::has_failed;
use super::side::{Side, ms};
use crate::event::Breakdown;

/// How many of each side.
const EXAMPLES: usize = 3;

/// One request.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Example {
    /// 32 hex digits.
    pub trace_id: String,
    /// When it was due, in seconds from the start of the run.
    pub at_seconds: f64,
    /// From then to the last byte, in milliseconds.
    pub ms: f64,
    /// A status, or the kind of error.
    pub outcome: String,
}

/// The slowest.
pub(super) fn slowest(side: &Side<'_>) -> Vec<Example> {
    let mut all = side.requests.clone();
    all.sort_by_key(|one| (std::cmp::Reverse((one.whole, one.micros)), one.trace_id.0));
    all.into_iter().take(EXAMPLES).map(example).collect()
}

/// Those in the middle, of which none failed unless all did: a failure is no picture of what is normal, however usual it was.
pub(super) fn typical(side: &Side<'_>) -> Vec<Example> {
    let mut all: Vec<&Breakdown> = side.requests.iter().copied().filter(|one| has_failed(side.model, one) != Some(true)).collect();
    if all.is_empty() {
        all.clone_from(&side.requests);
    }
    all.sort_by_key(|one| (one.micros, one.trace_id.0));
    let first = (all.len() / 2).saturating_sub(EXAMPLES / 2).min(all.len().saturating_sub(EXAMPLES));
    all.into_iter().skip(first).take(EXAMPLES).map(example).collect()
}

fn example(one: &Breakdown) -> Example {
    Example { trace_id: one.trace_id.to_string(), at_seconds: one.at.as_secs_f64(), ms: ms(one.micros), outcome: one.outcome.to_string() }
}
