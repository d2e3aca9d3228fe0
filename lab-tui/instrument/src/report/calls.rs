//! The service map: who calls whom, how often, with how many errors, and how long that takes.

use lab_facts::model::Model;
use serde::Serialize;

/// Calls from one service to a service or a database, as spans of the one that was called tell.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CallSummary {
    /// `service.name` of the caller; `lab` for the load.
    pub from: String,
    /// `service.name`, or `db.system.name` of a database.
    pub to: String,
    /// How many calls.
    pub calls: u64,
    /// How many a second, over the time in which arrivals were due.
    pub rate: f64,
    /// Those with the status error.
    pub errors: u64,
    /// The median duration, in milliseconds.
    pub p50_ms: Option<f64>,
    /// The 95th percentile, in milliseconds.
    pub p95_ms: Option<f64>,
    /// The 99th percentile, in milliseconds.
    pub p99_ms: Option<f64>,
}

/// Every edge, by the names of its ends.
pub(super) fn calls(model: &Model) -> Vec<CallSummary> {
    let seconds = model.elapsed(model.due_of_all()).as_secs_f64();
    let each = model.chain().edges().map(|(from, to, edge)| {
        let (errors, durations) = (edge.errors, &edge.durations);
        let calls = durations.count();
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
        let rate = if seconds > 0.0 { calls as f64 / seconds } else { 0.0 };
        let [p50_ms, p95_ms, p99_ms] = [50.0, 95.0, 99.0].map(|percentile| durations.percentile(percentile));
        CallSummary { from: from.to_owned(), to: to.to_owned(), calls, rate, errors, p50_ms, p95_ms, p99_ms }
    });
    each.collect()
}
