//! `abort_on_fail`: a broken promise that need not be watched to the end.

use super::Verdict;
use crate::model::Model;

/// The first threshold that ends the run now: broken as far as it has come, with samples, and given the time that it asks for.
/// Nothing once a run has been told to end, or has.
pub fn abort(verdict: &Verdict, model: &Model) -> Option<usize> {
    if model.aborted().is_some() || model.finished().is_some() {
        return None;
    }
    verdict.thresholds.iter().position(|judged| {
        let is_time = judged.threshold.abort_after.is_some_and(|delay| model.now() >= delay);
        is_time && !judged.ok && judged.value.is_some()
    })
}
