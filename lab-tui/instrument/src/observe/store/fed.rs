//! What the lab has asked for elsewhere. It is kept like what is sent, and counted apart: nothing of it can be said to be missing.

use lab_facts::event::TraceId;
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;

use super::logs::facts::Facts;
use super::{Inner, SpanRef, Store, StoredLine};

/// How something came into the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Whoever made it sent it.
    Sent,
    /// The lab asked for it.
    Fed,
}

impl Store {
    /// Takes in spans of this trace that are not here yet; others are passed by.
    pub fn feed_spans(&self, id: TraceId, mut batch: ResourceSpans) {
        let scopes = std::mem::take(&mut batch.scope_spans);
        let mut inner = self.lock();
        for mut scope in scopes {
            let mut spans = std::mem::take(&mut scope.spans);
            spans.retain(|span| span.trace_id == id.0);
            batch.scope_spans = vec![scope];
            inner.add_scope(&batch, spans.iter().map(SpanRef::from), Way::Fed);
        }
        inner.make_room();
    }

    /// Takes in a line that is not here yet.
    pub fn feed_line(&self, line: &StoredLine) {
        let mut inner = self.lock();
        if inner.has_line(line) {
            return;
        }
        let facts = Facts { trace_id: line.trace, ..Facts::read(&line.text) };
        inner.add_log(&line.service, line.unix_nano, &facts, &line.text, Way::Fed);
        inner.make_room();
    }

    /// Whether anything of that trace is here.
    pub fn has_trace(&self, id: TraceId) -> bool {
        self.lock().traces.get(&id).is_some()
    }
}

impl Inner {
    fn has_line(&self, line: &StoredLine) -> bool {
        let mut same = self.logs.of_moment(line.unix_nano);
        same.any(|known| known.service == line.service && known.text == line.text)
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::trace::v1::{ScopeSpans, Span, span::SpanKind};

    use super::*;
    use crate::observe::logs::LogText;

    fn span(trace: u8, id: u8, parent: u8) -> Span {
        let parent_span_id = if parent == 0 { Vec::new() } else { vec![parent; 8] };
        let kind = SpanKind::Server.into();
        Span { trace_id: vec![trace; 16], span_id: vec![id; 8], parent_span_id, kind, start_time_unix_nano: 50, ..Span::default() }
    }

    fn batch(spans: Vec<Span>) -> ResourceSpans {
        ResourceSpans { scope_spans: vec![ScopeSpans { spans, ..ScopeSpans::default() }], ..ResourceSpans::default() }
    }

    #[test]
    fn what_is_fed_is_found_once_and_lacks_nothing() {
        let store = Store::new(1 << 20);
        store.watch_integrity(1);
        // The parent of the second never comes, and the third is of another trace.
        for _ in 0..2 {
            store.feed_spans(TraceId([1; 16]), batch(vec![span(1, 2, 0), span(1, 3, 9), span(2, 4, 0)]));
        }
        let counts = store.counts("unknown_service");
        assert_eq!((counts.spans, counts.server_spans, counts.fed), (2, 2, 2));
        assert!(store.trace(TraceId([2; 16])).is_none());
        // One that was sent has its parent in what was fed.
        store.add_spans(batch(vec![span(1, 5, 3)]));
        assert_eq!((store.unsettled(), store.flaws()), (0, Vec::new()));
        assert_eq!(store.counts("unknown_service").fed, 2);
    }

    #[test]
    fn a_line_that_comes_twice_is_one() {
        let store = Store::new(1 << 20);
        store.watch_integrity(1);
        let text = r#"{"message":"Request completed","trace_id":"0af7651916cd43dd8448eb211c80319c"}"#;
        let line = |service: &str| StoredLine::from(LogText { unix_nano: 7, service: service.to_owned(), text: text.to_owned() });
        store.add_log_record("sent", 7, None, text);
        for service in ["sent", "fed", "fed"] {
            store.feed_line(&line(service));
        }
        let counts = store.counts("fed");
        assert_eq!((counts.log_lines, counts.fed, store.counts("sent").log_lines), (1, 1, 1));
        assert_eq!(store.trace(TraceId::parse("0af7651916cd43dd8448eb211c80319c").unwrap()).unwrap().logs.len(), 1);
        assert!(store.flaws().iter().all(|flaw| flaw.service != "fed"), "its trace may be somebody else's");
    }
}
