//! Whether the load reached anybody at all.

use std::collections::BTreeMap;

use crate::event::Outcome;
use crate::model::Model;
use crate::scenario::Metric;

/// Why nothing was tried, where no request of a whole run got any answer: whatever was promised of the system, it was not there. A
/// scenario that promises something of failures means to look at just that.
pub(super) fn unanswered(model: &Model) -> Option<String> {
    let is_about_failures = |metric, outcome: Option<&str>| metric == Metric::HttpReqFailed || outcome.is_some();
    if model.plan().promises().any(|one| is_about_failures(one.selector.metric, one.selector.outcome)) {
        return None;
    }
    let mut ends: BTreeMap<Outcome, u64> = BTreeMap::new();
    for load in model.loads() {
        for ((_, outcome), latency) in &load.cells {
            if matches!(outcome, Outcome::Status(_)) {
                return None;
            }
            *ends.entry(*outcome).or_default() += latency.response.count();
        }
    }
    let told = ends.iter().filter(|(outcome, _)| **outcome != Outcome::Interrupted).map(|(outcome, count)| {
        let reason = most_frequent(model, *outcome).map_or(String::new(), |why| format!(" ({why})"));
        format!("{count} {outcome}{reason}")
    });
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| format!("no request got an answer: {}", told.join(", ")))
}

fn most_frequent(model: &Model, outcome: Outcome) -> Option<&str> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for ((_, end), reasons) in model.loads().iter().flat_map(|load| &load.reasons) {
        for (why, count) in reasons.iter().filter(|_| *end == outcome) {
            *counts.entry(why).or_default() += count;
        }
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(why, _)| why)
}
