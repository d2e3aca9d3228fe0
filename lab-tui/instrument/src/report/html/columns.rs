//! The run's time in columns, few enough for a picture however long the run was.

use std::time::Duration;

use lab_facts::event::{Pool, Samples};
use lab_facts::model::Model;

use super::axis::Span;

/// How many columns there are at most: ten minutes become columns of three seconds.
const COLUMNS: usize = 240;

/// One or several seconds of the run, over all loads.
#[derive(Debug, Default)]
pub(super) struct Column {
    /// Seconds since the start of the run.
    pub(super) from: f64,
    /// The same.
    pub(super) to: f64,
    /// How much of it arrivals could be due in, in seconds.
    pub(super) due: f64,
    /// Arrivals that were due.
    pub(super) offered: u64,
    /// Of these, not sent.
    pub(super) dropped: u64,
    /// Requests whose answer the scenario does not expect.
    pub(super) failed: u64,
    /// From the intended start to the last byte, in microseconds.
    pub(super) response: Samples,
}

impl Column {
    /// A count as a rate per second; `None` where nothing could be due.
    pub(super) fn per_second(&self, count: u64) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
        let count = count as f64;
        // What is left of a second when the last arrival was due says nothing about a rate.
        (self.due > 0.05).then(|| count / self.due)
    }
}

/// All columns, of the same width, oldest first.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) span: Span,
    pub(super) list: Vec<Column>,
    /// Seconds of each.
    pub(super) width: u64,
}

impl Columns {
    /// Of what the model still knows.
    pub(super) fn of(model: &Model) -> Self {
        let seconds = || model.seconds().iter();
        let first = seconds().next().map_or(0, |second| second.place.index);
        // The wait for the last answers is shown as well: nothing is due in it, but pools are still busy.
        let end = seconds().last().map_or(0, |second| second.place.index + second.place.length).max(model.now().as_secs() + 1);
        // What lies long back is known in longer pieces, each of which belongs to one column.
        let longest = seconds().map(|second| second.place.length).max().unwrap_or(1);
        let known = end - first;
        let width = known.div_ceil(COLUMNS as u64).next_multiple_of(longest);
        let due = model.elapsed(model.due_of_all()).as_secs_f64();
        let mut list: Vec<Column> = (0..known.div_ceil(width))
            .map(|index| {
                let (from, to) = (seconds_of(first + index * width), seconds_of(first + (index + 1) * width));
                Column { from, to, due: (due.min(to) - from).max(0.0), ..Column::default() }
            })
            .collect();
        for second in seconds() {
            let index = usize::try_from((second.place.index - first) / width).unwrap_or(usize::MAX);
            let Some(column) = list.get_mut(index) else { continue };
            column.offered += second.offered;
            column.dropped += second.dropped;
            column.failed += second.failed;
            column.response.merge(&second.response);
        }
        let from = seconds_of(first);
        let to = due.max(model.now().as_secs_f64());
        Self { span: Span { from, to: to.max(from + 0.1) }, list, width }
    }

    /// For each column the fullest state of a pool in it.
    pub(super) fn pool<'m>(&self, states: impl Iterator<Item = &'m (Duration, Pool)>) -> Vec<Option<&'m Pool>> {
        let mut fullest: Vec<Option<&Pool>> = vec![None; self.list.len()];
        let weight = |pool: &Pool| (pool.pending, pool.used);
        for (at, pool) in states {
            let at = at.as_secs_f64();
            let found = self.list.iter().position(|column| (column.from..column.to).contains(&at));
            let Some(kept) = found.and_then(|index| fullest.get_mut(index)) else { continue };
            if kept.is_none_or(|kept| weight(pool) > weight(kept)) {
                *kept = Some(pool);
            }
        }
        fullest
    }
}

#[expect(clippy::cast_precision_loss, reason = "a run has fewer than 2^52 seconds")]
fn seconds_of(seconds: u64) -> f64 {
    seconds as f64
}
