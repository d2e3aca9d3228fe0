//! A trace as OTLP again, for whoever asks the lab: as protobuf messages, and these as JSON.

mod json;
mod logs;

use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status as OtlpStatus};
use serde_json::{Value, json};

pub(super) use json::{Style, any_value, list};

use lab_facts::trace::{self, Status, Trace, TraceSpan};

/// The spans of a trace by their resources, in the order in which these first come in it. A [`Trace`] does not keep all that was sent:
/// there is one scope without a name, attributes stand by their keys, and bytes have become hex digits.
pub fn resource_spans(trace: &Trace) -> Vec<ResourceSpans> {
    let trace_id = bytes(&trace.trace_id);
    let mut batches: Vec<(&TraceSpan, Vec<Span>)> = Vec::new();
    for one in &trace.spans {
        let exported = span(one, &trace_id);
        match batches.iter_mut().find(|(first, _)| first.resource == one.resource && first.service == one.service) {
            Some((_, spans)) => spans.push(exported),
            None => batches.push((one, vec![exported])),
        }
    }
    let batch = |(first, spans)| ResourceSpans {
        resource: Some(resource(first)),
        scope_spans: vec![ScopeSpans { scope: Some(InstrumentationScope::default()), spans, ..ScopeSpans::default() }],
        ..ResourceSpans::default()
    };
    batches.into_iter().map(batch).collect()
}

/// The trace as OTLP in JSON, as exporters would send it: IDs in hex, enumerations as numbers. `resourceSpans`, and the log lines of the
/// trace as `resourceLogs`, which whoever takes spans passes over.
pub fn otlp_json(trace: &Trace) -> Value {
    let mut out = json!({ "resourceSpans": list(&resource_spans(trace), Style::Otlp) });
    if !trace.logs.is_empty() {
        out["resourceLogs"] = logs::resource_logs(trace);
    }
    out
}

fn resource(span: &TraceSpan) -> Resource {
    let mut attributes = key_values(span.resource.attributes());
    if span.resource.get("service.name").is_none() && !span.service.is_empty() {
        attributes.push(key_value("service.name", &json!(span.service)));
    }
    Resource { attributes, ..Resource::default() }
}

fn span(span: &TraceSpan, trace_id: &[u8]) -> Span {
    let kind = match span.kind.as_str() {
        "client" => SpanKind::Client,
        "server" => SpanKind::Server,
        "producer" => SpanKind::Producer,
        "consumer" => SpanKind::Consumer,
        _ => SpanKind::Internal,
    };
    let code = match span.status {
        Status::Unset => StatusCode::Unset,
        Status::Ok => StatusCode::Ok,
        Status::Error => StatusCode::Error,
    };
    let event = |event: &trace::SpanEvent| Event {
        time_unix_nano: event.unix_nano,
        name: event.name.clone(),
        attributes: key_values(&event.attributes),
        ..Event::default()
    };
    let link = |link: &trace::SpanLink| Link {
        trace_id: bytes(&link.trace_id),
        span_id: bytes(&link.span_id),
        attributes: key_values(&link.attributes),
        ..Link::default()
    };
    Span {
        trace_id: trace_id.to_vec(),
        span_id: bytes(&span.span_id),
        parent_span_id: span.parent_span_id.as_deref().map(bytes).unwrap_or_default(),
        trace_state: span.trace_state.clone(),
        name: span.name.clone(),
        kind: kind.into(),
        start_time_unix_nano: span.start_unix_nano,
        end_time_unix_nano: span.start_unix_nano.saturating_add(span.duration_nano),
        attributes: key_values(&span.attributes),
        events: span.events.iter().map(event).collect(),
        links: span.links.iter().map(link).collect(),
        status: Some(OtlpStatus { message: span.status_message.clone(), code: code.into() }),
        ..Span::default()
    }
}

fn key_values<'v>(attributes: impl IntoIterator<Item = (&'v String, &'v Value)>) -> Vec<KeyValue> {
    attributes.into_iter().map(|(key, value)| key_value(key, value)).collect()
}

fn key_value(key: &str, value: &Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(of_json(value)), ..KeyValue::default() }
}

/// An attribute's value as OTLP has it.
pub(super) fn of_json(value: &Value) -> AnyValue {
    let value = match value {
        Value::Null => None,
        Value::Bool(flag) => Some(any_value::Value::BoolValue(*flag)),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Some(any_value::Value::IntValue(whole)),
            (None, number) => number.map(any_value::Value::DoubleValue),
        },
        Value::String(text) => Some(any_value::Value::StringValue(text.clone())),
        Value::Array(values) => Some(any_value::Value::ArrayValue(ArrayValue { values: values.iter().map(of_json).collect() })),
        Value::Object(pairs) => Some(any_value::Value::KvlistValue(KeyValueList { values: key_values(pairs) })),
    };
    AnyValue { value }
}

/// What hex digits stand for; nothing where they are none.
fn bytes(hex: &str) -> Vec<u8> {
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    hex.as_bytes().chunks(2).map(pair).collect::<Option<_>>().unwrap_or_default()
}
