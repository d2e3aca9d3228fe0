//! Whether all of a trace has come in: judged by what its spans point to, for no wait is long enough for sure.

use std::collections::HashSet;

use super::hop;
use crate::trace::TraceSpan;

/// Whether the root has ended (only spans that have ended come in), every parent is there, and every call of a service has led to a
/// span below it. A call of something that sends no spans never does: whoever asks needs a bounded patience.
pub fn is_whole(spans: &[TraceSpan]) -> bool {
    let known: HashSet<&str> = spans.iter().map(|span| span.span_id.as_str()).collect();
    let parents: HashSet<&str> = spans.iter().filter_map(|span| span.parent_span_id.as_deref()).collect();
    let answered = |span: &TraceSpan| !hop::calls_a_service(span) || parents.contains(span.span_id.as_str());
    spans.iter().any(|span| span.parent_span_id.is_none()) && parents.is_subset(&known) && spans.iter().all(answered)
}
