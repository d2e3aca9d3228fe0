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

#[test]
fn log_lines_join_their_trace() {
    let store = Store::new(DEFAULT_BYTES);
    let id = "0af7651916cd43dd8448eb211c80319c";
    store.add_log("a", &format!(r#"{{"timestamp":"2026-01-02T03:04:05.000006Z","message":"Request completed","trace_id":"{id}"}}"#));
    store.add_log("a", "thread 'main' panicked");
    let counts = store.counts("a");
    assert_eq!((counts.log_lines, counts.access_log_lines), (2, 1));
    let trace = store.trace(TraceId::parse(id).unwrap()).unwrap();
    assert_eq!(trace.logs[0].unix_nano, 1_767_323_045_000_006_000);
    assert_eq!(trace.logs[0].line["message"], "Request completed");
}
