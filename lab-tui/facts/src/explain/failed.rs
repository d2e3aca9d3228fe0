//! Whether a request that was looked at is one of those that failed.

use crate::event::Breakdown;
use crate::model::Model;

/// Whether the scenario expects something else. Where only its load is known: what holds for most of those that ended so.
pub(super) fn has_failed(model: &Model, one: &Breakdown) -> Option<bool> {
    one.failed.or_else(|| {
        let cells = model.loads().get(one.load)?.cells.iter().filter(|((_, outcome), _)| *outcome == one.outcome);
        let (mut expected, mut failed) = (0, 0);
        for ((request, outcome), latency) in cells {
            *(if model.is_expected(one.load, *request, *outcome) { &mut expected } else { &mut failed }) += latency.response.count();
        }
        (expected + failed > 0).then_some(failed > expected)
    })
}
