use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

use super::*;
use crate::observe::store::DEFAULT_BYTES;

/// When the run began.
const SINCE: u64 = 1_000;

fn store() -> Store {
    let store = Store::new(DEFAULT_BYTES);
    store.watch_integrity(SINCE);
    store
}

fn span(trace: u8, id: u8, parent: u8, kind: SpanKind) -> Span {
    Span {
        trace_id: vec![trace; 16],
        span_id: vec![id; 8],
        parent_span_id: if parent == 0 { Vec::new() } else { vec![parent; 8] },
        kind: kind.into(),
        start_time_unix_nano: SINCE,
        ..Span::default()
    }
}

/// A call that was answered.
fn call(trace: u8, id: u8, parent: u8) -> Span {
    let keys = ["http.request.method", "url.full", "server.address", "server.port", "http.response.status_code"];
    let attributes = keys.map(|key| KeyValue { key: key.to_owned(), ..KeyValue::default() }).to_vec();
    Span { attributes, ..span(trace, id, parent, SpanKind::Client) }
}

fn add(store: &Store, service: &str, spans: Vec<Span>) {
    let value = Some(AnyValue { value: Some(Value::StringValue(service.to_owned())) });
    let attributes = vec![KeyValue { key: "service.name".to_owned(), value, ..KeyValue::default() }];
    store.add_spans(ResourceSpans {
        resource: Some(Resource { attributes, ..Resource::default() }),
        scope_spans: vec![ScopeSpans { spans, ..ScopeSpans::default() }],
        ..ResourceSpans::default()
    });
}

fn line(trace: Option<u8>, more: &str) -> String {
    let id = trace.map_or(String::new(), |trace| format!(r#","trace_id":"{}""#, TraceId([trace; 16])));
    format!(r#"{{"timestamp":"2026-01-02T03:04:05Z","message":"m"{id}{more}}}"#)
}

/// Metric, service, what, how many, the first bytes of the examples.
fn told(store: &Store) -> Vec<(&'static str, String, String, u64, Vec<u8>)> {
    let flaws = store.flaws().into_iter();
    flaws.map(|flaw| (flaw.kind.metric(), flaw.service, flaw.what, flaw.count, flaw.examples.iter().map(|id| id.0[0]).collect())).collect()
}

fn row(metric: &'static str, service: &str, what: &str, count: u64, examples: &[u8]) -> (&'static str, String, String, u64, Vec<u8>) {
    (metric, service.to_owned(), what.to_owned(), count, examples.to_vec())
}

#[test]
fn whole_traces_have_no_flaw_whichever_span_comes_first() {
    let store = store();
    add(&store, "die", vec![span(1, 4, 3, SpanKind::Server)]);
    store.add_log("die", &line(Some(1), ""));
    store.add_log("door", &line(Some(2), ""));
    assert_eq!(store.unsettled(), 2);
    add(&store, "door", vec![call(1, 3, 2), span(1, 2, 1, SpanKind::Server)]);
    add(&store, "lab", vec![call(1, 1, 0), call(2, 1, 0)]);
    store.add_log("die", "listening");
    store.add_log("die", &line(None, ""));
    assert_eq!(store.unsettled(), 0);
    assert_eq!(told(&store), []);
}

#[test]
fn spans_without_their_parent_are_orphans_and_their_children_are_not() {
    let store = store();
    add(&store, "die", vec![span(1, 4, 3, SpanKind::Server), span(1, 5, 4, SpanKind::Client), span(2, 4, 3, SpanKind::Server)]);
    add(&store, "lab", vec![span(1, 1, 0, SpanKind::Client), span(2, 1, 0, SpanKind::Client)]);
    assert_eq!(store.unsettled(), 2);
    let [(metric, service, what, count, mut examples)] = <[_; 1]>::try_from(told(&store)).unwrap();
    examples.sort_unstable();
    assert_eq!((metric, service.as_str(), what.as_str(), count, examples), ("orphan_spans", "die", "", 2, vec![1, 2]));
}

#[test]
fn parents_that_cannot_be_are_told() {
    let store = store();
    add(&store, "a", vec![span(1, 1, 1, SpanKind::Internal)]);
    add(&store, "a", vec![span(3, 1, 2, SpanKind::Internal), span(3, 2, 1, SpanKind::Internal)]);
    // None at all, as some write it.
    add(&store, "a", vec![Span { parent_span_id: vec![0; 8], ..span(4, 1, 0, SpanKind::Internal) }]);
    let broken = |what, example| row("broken_parents", "a", what, 1, &[example]);
    assert_eq!(told(&store), [broken(OWN_PARENT, 1), broken(CIRCLE, 3)]);
}

#[test]
fn a_dropped_context_is_a_call_here_and_a_root_there() {
    let store = store();
    // Three calls, of which two begin traces of their own; and one that nobody traced, as by hand.
    add(&store, "lab", vec![call(1, 1, 0), call(2, 1, 0), call(3, 1, 0)]);
    add(&store, "door", vec![span(1, 2, 1, SpanKind::Server), span(4, 2, 0, SpanKind::Server), span(5, 2, 0, SpanKind::Server)]);
    add(&store, "other", vec![span(6, 2, 0, SpanKind::Server)]);
    assert_eq!(told(&store), [row("broken_parents", "door", CONTEXT_DROPPED, 2, &[4, 5])]);
}

#[test]
fn roots_alone_and_calls_alone_are_no_flaw() {
    let by_hand = store();
    add(&by_hand, "door", vec![span(1, 1, 0, SpanKind::Server)]);
    assert_eq!(told(&by_hand), []);
    let outside = store();
    // One is answered by somebody who sends no spans, the other was given up.
    add(&outside, "lab", vec![call(1, 1, 0), span(1, 2, 1, SpanKind::Client)]);
    assert_eq!(told(&outside), []);
}

#[test]
fn log_lines_without_a_trace_or_of_an_unknown_one() {
    let store = store();
    add(&store, "lab", vec![call(1, 1, 0)]);
    for trace in [Some(1), Some(7), Some(7), None] {
        store.add_log("door", &line(trace, r#","route":"/a""#));
    }
    store.add_log("door", r#"{"timestamp":"2026-01-02T03:04:05Z","message":"Request completed"}"#);
    store.add_log("door", r#"{"timestamp":"1970-01-01T00:00:00Z","message":"Request completed"}"#);
    assert_eq!(store.unsettled(), 2);
    assert_eq!(told(&store), [row("logs_without_trace", "door", "", 2, &[]), row("logs_of_unknown_trace", "door", "", 2, &[7])]);
}

#[test]
fn what_began_before_the_run_is_known_and_not_counted() {
    let store = store();
    let early = |span: Span| Span { start_time_unix_nano: SINCE - 1, ..span };
    add(&store, "a", vec![early(span(1, 2, 1, SpanKind::Server)), early(span(2, 1, 1, SpanKind::Internal))]);
    add(&store, "a", vec![span(1, 3, 2, SpanKind::Internal)]);
    assert_eq!((store.unsettled(), told(&store)), (0, Vec::new()));
}

#[test]
fn attributes_are_held_against_the_conventions() {
    let store = store();
    let old = ["http.method", "http.url", "server.address", "server.port"];
    let attributes = old.map(|key| KeyValue { key: key.to_owned(), ..KeyValue::default() }).to_vec();
    add(&store, "old", vec![Span { attributes, ..span(1, 1, 0, SpanKind::Client) }]);
    let row = |what| row("semconv_violations", "old", what, 1, &[1]);
    assert_eq!(told(&store), [row("http.method instead of http.request.method"), row("http.url instead of url.full")]);
}

#[test]
fn memory_is_bounded_and_what_an_old_trace_lacks_it_lacks_for_good() {
    let mut integrity = Integrity::new(0);
    let service: Arc<str> = "a".into();
    let id = |number: usize| {
        let mut id = [1; 16];
        id[..8].copy_from_slice(&number.to_be_bytes());
        TraceId(id)
    };
    for number in 0..TRACES + 10 {
        let span = span(1, 1, 2, SpanKind::Internal);
        integrity.add_span(&Seen::of(id(number), [1; 8], [2; 8], &(&span).into()), &service);
    }
    assert_eq!((integrity.traces.len(), integrity.spans), (TRACES, 2 * TRACES));
    assert_eq!(integrity.waiting, TRACES as u64);
    let flaws = integrity.flaws();
    assert_eq!((flaws.len(), flaws[0].count, flaws[0].examples.len()), (1, TRACES as u64 + 10, EXAMPLES));
}
