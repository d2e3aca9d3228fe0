//! One trace that a search found, in a row.

use lab_facts::trace::Trace;
use serde::{Deserialize, Serialize};

/// A trace as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundTrace {
    /// 32 hex digits.
    pub trace_id: String,
    /// The service of the span that has no parent; `None` while that has not come in.
    pub root_service: Option<String>,
    /// Its name.
    pub root_name: Option<String>,
    /// When its first span began, in nanoseconds since 1970.
    pub start_unix_nano: u64,
    /// From the first beginning to the last end, in nanoseconds.
    pub duration_nano: u64,
    /// All of its spans.
    pub spans: usize,
    /// Those that match.
    pub matched: usize,
    /// Those that have failed.
    #[serde(default)]
    pub errors: usize,
}

impl FoundTrace {
    /// A trace of which so many spans match.
    pub fn new(trace: &Trace, matched: usize) -> Self {
        let root = trace.spans.iter().find(|span| span.parent_span_id.is_none());
        let start = trace.spans.iter().map(|span| span.start_unix_nano).min().unwrap_or_default();
        let end = trace.spans.iter().map(|span| span.start_unix_nano.saturating_add(span.duration_nano)).max().unwrap_or_default();
        Self {
            trace_id: trace.trace_id.clone(),
            root_service: root.map(|root| root.service.clone()),
            root_name: root.map(|root| root.name.clone()),
            start_unix_nano: start,
            duration_nano: end.saturating_sub(start),
            spans: trace.spans.len(),
            matched,
            errors: trace.spans.iter().filter(|span| span.error).count(),
        }
    }
}
