//! OTLP as the lab shows it: spans of a trace, attributes as JSON.

use std::collections::BTreeMap;

use lab_facts::trace::{Resource, SpanEvent, SpanLink, Status, TraceSpan};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value as OtlpValue};
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::{Span, Status as OtlpStatus, status::StatusCode};
use serde_json::Value;

/// A span. Attribute values keep their JSON type.
pub(super) fn span(service: &str, resource: Resource, span: Span) -> TraceSpan {
    let status = match span.status.as_ref().map(OtlpStatus::code) {
        Some(StatusCode::Ok) => Status::Ok,
        Some(StatusCode::Error) => Status::Error,
        Some(StatusCode::Unset) | None => Status::Unset,
    };
    let kind = match span.kind() {
        SpanKind::Client => "client",
        SpanKind::Server => "server",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
        SpanKind::Internal | SpanKind::Unspecified => "internal",
    };
    TraceSpan {
        span_id: hex(&span.span_id),
        parent_span_id: (!span.parent_span_id.is_empty()).then(|| hex(&span.parent_span_id)),
        service: service.to_owned(),
        name: span.name,
        kind: kind.to_owned(),
        start_unix_nano: span.start_time_unix_nano,
        duration_nano: span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano),
        error: status == Status::Error,
        status,
        status_message: span.status.map(|status| status.message).unwrap_or_default(),
        attributes: attributes(span.attributes),
        events: span.events.into_iter().map(event).collect(),
        links: span.links.into_iter().map(link).collect(),
        trace_state: span.trace_state,
        resource,
    }
}

fn event(event: Event) -> SpanEvent {
    SpanEvent { unix_nano: event.time_unix_nano, name: event.name, attributes: attributes(event.attributes) }
}

fn link(link: Link) -> SpanLink {
    SpanLink { trace_id: hex(&link.trace_id), span_id: hex(&link.span_id), attributes: attributes(link.attributes) }
}

/// What makes spans.
pub(super) fn resource(pairs: Vec<KeyValue>) -> Resource {
    attributes(pairs).into()
}

/// Attributes as JSON, by key.
pub(super) fn attributes(pairs: Vec<KeyValue>) -> BTreeMap<String, Value> {
    pairs.into_iter().map(|pair| (pair.key, pair.value.map_or(Value::Null, value))).collect()
}

/// A value of OTLP as JSON.
pub(super) fn value(value: AnyValue) -> Value {
    match value.value {
        Some(OtlpValue::StringValue(text)) => text.into(),
        Some(OtlpValue::BoolValue(flag)) => flag.into(),
        Some(OtlpValue::IntValue(number)) => number.into(),
        Some(OtlpValue::DoubleValue(number)) => number.into(),
        Some(OtlpValue::ArrayValue(array)) => array.values.into_iter().map(self::value).collect(),
        Some(OtlpValue::KvlistValue(list)) => attributes(list.values).into_iter().collect(),
        Some(OtlpValue::BytesValue(bytes)) => hex(&bytes).into(),
        _ => Value::Null,
    }
}

/// In hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
