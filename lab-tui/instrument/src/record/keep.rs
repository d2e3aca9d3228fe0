//! Which traces go into a recording: those that somebody who looks back will open.

use std::collections::HashSet;

use lab_facts::event::{Exemplar, TraceId};
use lab_facts::explain;
use lab_facts::model::Model;
use lab_facts::trace::Trace;

use super::bounds::check_trace;
use crate::observe::store::Store;

/// How many traces, and how many bytes of them as JSON.
const TRACES: usize = 50;
const BYTES: usize = 2 << 20;

/// The examples of the run's explanation; then the worst of its worst second, the slowest and the latest that failed, in turn: so that
/// none of them crowds the others out. What the store has pushed out already is left out.
pub(super) fn worth_keeping(model: &Model, store: &Store) -> Vec<Trace> {
    let peak = model.seconds().iter().filter(|second| !second.exemplars.is_empty());
    let peak = peak.max_by(|a, b| a.response.percentile(99.0).unwrap_or(0.0).total_cmp(&b.response.percentile(99.0).unwrap_or(0.0)));
    let peak: Vec<&Exemplar> = peak.iter().flat_map(|second| &second.exemplars).collect();
    let (slowest, failed): (Vec<&Exemplar>, Vec<&Exemplar>) = (model.slowest().iter().collect(), model.failed().collect());
    let longest = peak.len().max(slowest.len()).max(failed.len());
    let in_turn = (0..longest).flat_map(|row| [slowest.get(row), peak.get(row), failed.get(row)]).flatten();
    let explanation = explain::whole_run(model);
    let examples = explanation.examples().filter_map(|one| TraceId::parse(&one.trace_id));
    let (mut seen, mut kept, mut bytes) = (HashSet::new(), Vec::new(), 0);
    for id in examples.chain(in_turn.map(|exemplar| exemplar.trace_id)) {
        if kept.len() == TRACES {
            break;
        }
        let Some(trace) = Some(id).filter(|id| seen.insert(*id)).and_then(|id| store.trace(id)) else { continue };
        let size = serde_json::to_vec(&trace).map_or(usize::MAX, |text| text.len());
        // One that is too large leaves room for smaller ones.
        if check_trace(&trace).is_ok() && size <= BYTES - bytes {
            bytes += size;
            kept.push(trace);
        }
    }
    kept
}
