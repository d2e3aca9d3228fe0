//! OTLP messages in JSON, in either of two ways. What is at its default is left out, and numbers of 64 bits are strings.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use serde_json::{Map, Value as Json, json};

/// Where the two ways differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// As OTLP wants it: IDs in hex, enumerations as numbers.
    Otlp,
    /// As Tempo answers, which is protobuf's own mapping: IDs in base64, enumerations by their names.
    Tempo,
}

/// Each batch.
pub(crate) fn list(batches: &[ResourceSpans], style: Style) -> Json {
    batches.iter().map(|batch| resource_spans(batch, style)).collect()
}

fn resource_spans(batch: &ResourceSpans, style: Style) -> Json {
    let mut out = Map::new();
    if let Some(resource) = &batch.resource {
        out.insert("resource".to_owned(), Json::Object(with_attributes(Map::new(), &resource.attributes)));
    }
    set_list(&mut out, "scopeSpans", &batch.scope_spans, |scope| scope_spans(scope, style));
    Json::Object(out)
}

fn scope_spans(from: &ScopeSpans, style: Style) -> Json {
    let mut out = Map::new();
    if let Some(from) = &from.scope {
        let mut scope = Map::new();
        set_text(&mut scope, "name", &from.name);
        set_text(&mut scope, "version", &from.version);
        out.insert("scope".to_owned(), Json::Object(with_attributes(scope, &from.attributes)));
    }
    set_list(&mut out, "spans", &from.spans, |one| span(one, style));
    Json::Object(out)
}

fn span(span: &Span, style: Style) -> Json {
    let mut out = Map::new();
    set_id(&mut out, "traceId", &span.trace_id, style);
    set_id(&mut out, "spanId", &span.span_id, style);
    set_id(&mut out, "parentSpanId", &span.parent_span_id, style);
    set_text(&mut out, "traceState", &span.trace_state);
    set_text(&mut out, "name", &span.name);
    set_enumeration(&mut out, "kind", span.kind, span.kind().as_str_name(), style);
    set_nanos(&mut out, "startTimeUnixNano", span.start_time_unix_nano);
    set_nanos(&mut out, "endTimeUnixNano", span.end_time_unix_nano);
    set_list(&mut out, "events", &span.events, |event| {
        let mut out = Map::new();
        set_nanos(&mut out, "timeUnixNano", event.time_unix_nano);
        set_text(&mut out, "name", &event.name);
        Json::Object(with_attributes(out, &event.attributes))
    });
    set_list(&mut out, "links", &span.links, |link| {
        let mut out = Map::new();
        set_id(&mut out, "traceId", &link.trace_id, style);
        set_id(&mut out, "spanId", &link.span_id, style);
        set_text(&mut out, "traceState", &link.trace_state);
        Json::Object(with_attributes(out, &link.attributes))
    });
    if let Some(from) = &span.status {
        let mut status = Map::new();
        set_text(&mut status, "message", &from.message);
        set_enumeration(&mut status, "code", from.code, from.code().as_str_name(), style);
        out.insert("status".to_owned(), Json::Object(status));
    }
    Json::Object(with_attributes(out, &span.attributes))
}

fn with_attributes(mut out: Map<String, Json>, attributes: &[KeyValue]) -> Map<String, Json> {
    set_list(&mut out, "attributes", attributes, key_value);
    out
}

fn key_value(pair: &KeyValue) -> Json {
    json!({ "key": pair.key, "value": pair.value.as_ref().map_or_else(|| json!({}), any_value) })
}

/// One value, which says its type. Alike in both ways, but for bytes, of which a trace of the lab has none.
pub(crate) fn any_value(value: &AnyValue) -> Json {
    match &value.value {
        Some(Value::StringValue(text)) => json!({ "stringValue": text }),
        Some(Value::BoolValue(flag)) => json!({ "boolValue": flag }),
        Some(Value::IntValue(number)) => json!({ "intValue": number.to_string() }),
        Some(Value::DoubleValue(number)) if number.is_finite() => json!({ "doubleValue": number }),
        Some(Value::DoubleValue(number)) => json!({ "doubleValue": not_finite(*number) }),
        Some(Value::ArrayValue(array)) => json!({ "arrayValue": { "values": array.values.iter().map(any_value).collect::<Json>() } }),
        Some(Value::KvlistValue(list)) => json!({ "kvlistValue": { "values": list.values.iter().map(key_value).collect::<Json>() } }),
        Some(Value::BytesValue(bytes)) => json!({ "bytesValue": BASE64.encode(bytes) }),
        _ => json!({}),
    }
}

/// Protobuf's words for what JSON has no number.
fn not_finite(number: f64) -> &'static str {
    match number {
        number if number.is_nan() => "NaN",
        number if number > 0.0 => "Infinity",
        _ => "-Infinity",
    }
}

fn set_text(out: &mut Map<String, Json>, key: &str, text: &str) {
    if !text.is_empty() {
        out.insert(key.to_owned(), text.into());
    }
}

fn set_id(out: &mut Map<String, Json>, key: &str, id: &[u8], style: Style) {
    set_text(
        out,
        key,
        &match style {
            Style::Otlp => id.iter().map(|byte| format!("{byte:02x}")).collect(),
            Style::Tempo => BASE64.encode(id),
        },
    );
}

fn set_enumeration(out: &mut Map<String, Json>, key: &str, number: i32, name: &str, style: Style) {
    if number != 0 {
        out.insert(key.to_owned(), if style == Style::Otlp { number.into() } else { name.into() });
    }
}

fn set_nanos(out: &mut Map<String, Json>, key: &str, nanos: u64) {
    if nanos != 0 {
        out.insert(key.to_owned(), nanos.to_string().into());
    }
}

fn set_list<T>(out: &mut Map<String, Json>, key: &str, list: &[T], one: impl Fn(&T) -> Json) {
    if !list.is_empty() {
        out.insert(key.to_owned(), list.iter().map(one).collect());
    }
}
