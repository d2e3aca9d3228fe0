//! Loads in a summary: how much was sent, how long it took, and how it ended.

use std::cmp::Reverse;

use lab_facts::event::Outcome;
use lab_facts::model::{Distribution, LoadState, Model};
use serde::Serialize;

/// How many reasons an outcome is told with.
const REASONS: usize = 5;

/// One load.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LoadSummary<'a> {
    /// The load's name in the scenario.
    pub name: &'a str,
    /// Requests that have ended.
    pub requests: u64,
    /// Requests sent per second, over the time in which arrivals were due.
    pub achieved_rate: f64,
    /// Arrivals that were not sent.
    pub dropped: u64,
    /// Requests whose outcome the scenario does not expect.
    pub failed: u64,
    /// From the intended start to the last byte, in milliseconds.
    pub response_time_ms: Latencies,
    /// From the actual send to the last byte, in milliseconds.
    pub service_time_ms: Latencies,
    /// How requests ended, by kind of request and outcome.
    pub outcomes: Vec<OutcomeSummary<'a>>,
}

/// Requests of one kind that ended alike.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OutcomeSummary<'a> {
    /// The request's name in the scenario.
    pub request: &'a str,
    /// A status, or the kind of error.
    pub outcome: String,
    /// How many requests.
    pub count: u64,
    /// Whether the scenario expects it.
    pub expected: bool,
    /// What was wrong with their connections, where that is known; the most frequent first, at most five.
    pub reasons: Vec<ReasonSummary>,
}

/// Requests that ended alike for the same reason.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReasonSummary {
    /// In the words of whoever found it, such as `connection refused`.
    pub why: String,
    /// How many requests.
    pub count: u64,
}

impl OutcomeSummary<'_> {
    /// As in `connection failed: connection refused`; where that is not all, how many each reason had.
    pub fn words(&self) -> String {
        let reasons = match self.reasons.as_slice() {
            [] => return self.outcome.clone(),
            [only] if only.count == self.count => only.why.clone(),
            several => several.iter().map(|reason| format!("{} {}", reason.count, reason.why)).collect::<Vec<_>>().join(", "),
        };
        format!("{}: {reasons}", self.outcome)
    }
}

/// A distribution of times, in milliseconds. All are null where there are no samples.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Latencies {
    /// The median, in milliseconds.
    pub p50: Option<f64>,
    /// The 90th percentile, in milliseconds.
    pub p90: Option<f64>,
    /// The 95th percentile, in milliseconds.
    pub p95: Option<f64>,
    /// The 99th percentile, in milliseconds.
    pub p99: Option<f64>,
    /// The 99.9th percentile, in milliseconds.
    pub p999: Option<f64>,
    /// The largest value, exact, in milliseconds.
    pub max: Option<f64>,
    /// The mean, exact, in milliseconds.
    pub mean: Option<f64>,
}

pub(super) fn load_summary(index: usize, model: &Model) -> LoadSummary<'_> {
    let (plan, state) = (&model.plan().loads[index], &model.loads()[index]);
    let (mut response, mut service) = (Distribution::default(), Distribution::default());
    let (mut failed, mut outcomes) = (0, Vec::new());
    for ((request, outcome), latency) in &state.cells {
        response.merge(&latency.response);
        service.merge(&latency.service);
        let (count, expected) = (latency.response.count(), model.is_expected(index, *request, *outcome));
        failed += if expected { 0 } else { count };
        outcomes.push(OutcomeSummary {
            request: &plan.requests[*request].name,
            outcome: outcome.to_string(),
            count,
            expected,
            reasons: reasons(state, (*request, *outcome)),
        });
    }
    let seconds = model.elapsed(model.due(index)).saturating_sub(plan.start).as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    let sent = (state.offered - state.dropped) as f64;
    LoadSummary {
        name: &plan.name,
        requests: response.count(),
        achieved_rate: if seconds > 0.0 { sent / seconds } else { 0.0 },
        dropped: state.dropped,
        failed,
        response_time_ms: latencies(&response),
        service_time_ms: latencies(&service),
        outcomes,
    }
}

fn latencies(distribution: &Distribution) -> Latencies {
    Latencies {
        p50: distribution.percentile(50.0),
        p90: distribution.percentile(90.0),
        p95: distribution.percentile(95.0),
        p99: distribution.percentile(99.0),
        p999: distribution.percentile(99.9),
        max: distribution.max(),
        mean: distribution.mean(),
    }
}

fn reasons(state: &LoadState, kind: (usize, Outcome)) -> Vec<ReasonSummary> {
    let known = state.reasons.get(&kind).into_iter().flatten();
    let mut reasons: Vec<_> = known.map(|(why, count)| ReasonSummary { why: why.clone(), count: *count }).collect();
    reasons.sort_by_key(|reason| Reverse(reason.count));
    reasons.truncate(REASONS);
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_counted_where_there_are_several() {
        let reason = |(why, count): (&str, u64)| ReasonSummary { why: why.to_owned(), count };
        let outcome = |reasons: &[(&str, u64)]| OutcomeSummary {
            request: "r",
            outcome: "connection failed".to_owned(),
            count: 9,
            expected: false,
            reasons: reasons.iter().copied().map(reason).collect(),
        };
        assert_eq!(outcome(&[]).words(), "connection failed");
        assert_eq!(outcome(&[("refused", 9)]).words(), "connection failed: refused");
        assert_eq!(outcome(&[("refused", 7), ("reset", 1)]).words(), "connection failed: 7 refused, 1 reset");
    }
}
