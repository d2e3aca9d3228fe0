//! Looking through the store. Traces are copied out one by one and taken apart outside of the lock, so that nobody who brings spans
//! waits for whoever looks.

use std::ops::Range;

use super::{Entry, Store};
use crate::event::TraceId;
use crate::observe::trace::Trace;
use crate::query::Query;

impl Store {
    /// Every trace that matches with a span that began in one of `windows`, in nanoseconds since 1970: the trace without its log lines, and
    /// the indices of those spans. In the order in which the traces came in, oldest first.
    pub fn search(&self, query: &Query, windows: &[Range<u64>], mut found: impl FnMut(&Trace, &[usize])) {
        for id in self.ids(windows) {
            // It may have been pushed out a moment ago.
            let Some(trace) = self.spans_of(id) else { continue };
            let mut matched = query.matches(&trace);
            matched.retain(|index| is_within(windows, trace.spans[*index].start_unix_nano));
            if !matched.is_empty() {
                found(&trace, &matched);
            }
        }
    }

    /// Whether something was pushed out that may have happened at that moment, in nanoseconds since 1970, or later.
    pub fn has_evicted_since(&self, unix_nano: u64) -> bool {
        let inner = self.lock();
        inner.evicted_until > 0 && inner.evicted_until >= unix_nano
    }

    pub(super) fn ids(&self, windows: &[Range<u64>]) -> Vec<TraceId> {
        let inner = self.lock();
        let within = |id: &TraceId| {
            let between = inner.traces.get(id).and_then(|trace| trace.between);
            between.is_some_and(|(earliest, latest)| windows.iter().any(|window| earliest < window.end && latest >= window.start))
        };
        let traces = inner.order.iter().filter_map(|entry| if let Entry::Trace(id) = entry { Some(*id) } else { None });
        traces.filter(within).collect()
    }
}

pub(super) fn is_within(windows: &[Range<u64>], unix_nano: u64) -> bool {
    windows.iter().any(|window| window.contains(&unix_nano))
}
