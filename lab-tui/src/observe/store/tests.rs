use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::ScopeSpans;

use super::*;

fn span(trace: u8, span: u8, kind: SpanKind) -> Span {
    Span { trace_id: vec![trace; 16], span_id: vec![span; 8], name: "n".to_owned(), kind: kind.into(), ..Span::default() }
}

fn batch(service: &str, spans: Vec<Span>) -> ResourceSpans {
    let value = Some(AnyValue { value: Some(Value::StringValue(service.to_owned())) });
    let name = KeyValue { key: "service.name".to_owned(), value, ..KeyValue::default() };
    ResourceSpans {
        resource: Some(Resource { attributes: vec![name], ..Resource::default() }),
        scope_spans: vec![ScopeSpans { spans, ..ScopeSpans::default() }],
        ..ResourceSpans::default()
    }
}

#[test]
fn spans_are_counted_once_however_often_they_come() {
    let store = Store::new(DEFAULT_BYTES);
    let spans = || vec![span(1, 1, SpanKind::Server), span(1, 2, SpanKind::Client)];
    assert_eq!(store.add_spans(batch("a", spans())), 0);
    assert_eq!(store.add_spans(batch("a", spans())), 0);
    let counts = store.counts("a");
    assert_eq!((counts.spans, counts.server_spans), (2, 1));
    assert_eq!(store.trace(TraceId([1; 16])).unwrap().spans.len(), 2);
}

#[test]
fn ids_that_are_none_are_refused() {
    let store = Store::new(DEFAULT_BYTES);
    let broken =
        vec![span(0, 1, SpanKind::Server), span(1, 0, SpanKind::Server), Span { trace_id: vec![1], ..span(1, 1, SpanKind::Server) }];
    assert_eq!(store.add_spans(batch("a", broken)), 3);
    assert_eq!(store.counts("a").spans, 0);
}

#[test]
fn the_oldest_traces_make_room_as_a_whole() {
    let store = Store::new(1200);
    for trace in 1..=20 {
        store.add_spans(batch("a", vec![span(trace, 1, SpanKind::Server), span(trace, 2, SpanKind::Client)]));
        assert!(store.bytes() <= 1200);
    }
    assert!(store.trace(TraceId([1; 16])).is_none());
    assert_eq!(store.trace(TraceId([20; 16])).unwrap().spans.len(), 2);
    assert!(store.evicted_traces() > 10);
    assert_eq!(store.counts("a").spans, 40);
}

/// A span that begins so many nanoseconds after 1970.
fn at(start: u64, trace: u8, id: u8) -> Span {
    Span { start_time_unix_nano: start, end_time_unix_nano: start + 5, ..span(trace, id, SpanKind::Server) }
}

fn found(store: &Store, query: &str, window: std::ops::Range<u64>) -> Vec<(u8, usize)> {
    let mut found = Vec::new();
    let id = |trace: &Trace| u8::from_str_radix(&trace.trace_id[..2], 16).unwrap();
    store.search(&crate::query::Query::parse(query).unwrap(), std::slice::from_ref(&window), |trace, matched| {
        found.push((id(trace), matched.len()));
    });
    found
}

#[test]
fn a_search_knows_resources_and_counts_spans_by_their_start() {
    let store = Store::new(DEFAULT_BYTES);
    store.add_spans(batch("a", vec![at(10, 1, 1), at(20, 1, 2), at(20, 2, 1)]));
    store.add_spans(batch("b", vec![at(30, 3, 1)]));
    assert_eq!(found(&store, "{ }", 0..100), [(1, 2), (2, 1), (3, 1)]);
    assert_eq!(found(&store, "{ }", 20..30), [(1, 1), (2, 1)]);
    assert_eq!(found(&store, r#"{ resource.service.name = "b" }"#, 0..100), [(3, 1)]);
    assert_eq!(found(&store, "{ } | count() = 2", 20..21), [(1, 1)], "the trace as a whole is held against the query");
}

#[test]
fn a_resource_is_kept_once_and_given_back_with_its_last_span() {
    let store = Store::new(DEFAULT_BYTES);
    let with = |version: &str| {
        let mut batch = batch("a", Vec::new());
        let value = Some(AnyValue { value: Some(Value::StringValue(version.to_owned())) });
        batch.resource.as_mut().unwrap().attributes.push(KeyValue { key: "v".to_owned(), value, ..KeyValue::default() });
        batch
    };
    store.add_spans(with("1"));
    let one = store.bytes();
    assert!(one > 0);
    store.add_spans(with("1"));
    assert_eq!(store.bytes(), one, "the same resource");
    store.add_spans(with("2"));
    assert_eq!(store.bytes(), one, "nobody has the old one any more");
}

#[test]
fn what_was_pushed_out_is_known_by_its_time() {
    let store = Store::new(1400);
    assert!(!store.has_evicted_since(0));
    for trace in 1..=20 {
        store.add_spans(batch("a", vec![at(u64::from(trace) * 10, trace, 1)]));
    }
    let first = found(&store, "{ }", 0..1000)[0].0;
    assert!(first > 1);
    assert!(store.has_evicted_since(u64::from(first) * 10 - 10));
    assert!(!store.has_evicted_since(u64::from(first) * 10));
}
