//! One trace as it is shown and sent: spans with their attributes, and the log lines that carry its ID.

mod parts;

use std::collections::BTreeMap;
use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value as OtlpValue};
use opentelemetry_proto::tonic::trace::v1::{Span, Status as OtlpStatus, span::SpanKind, status::StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use parts::{SpanEvent, SpanLink};

/// A trace, its spans by start time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// 32 hex digits.
    pub trace_id: String,
    /// By start time.
    pub spans: Vec<TraceSpan>,
    /// The services' own log lines, by their timestamps.
    pub logs: Vec<LogLine>,
}

/// One span.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TraceSpan {
    /// 16 hex digits.
    pub span_id: String,
    /// 16 hex digits; `None` for a root.
    pub parent_span_id: Option<String>,
    /// `service.name` of its resource.
    pub service: String,
    /// The span's name.
    pub name: String,
    /// `client`, `server`, `internal`, `producer`, `consumer`.
    pub kind: String,
    /// Nanoseconds since 1970.
    pub start_unix_nano: u64,
    /// Nanoseconds.
    pub duration_nano: u64,
    /// Whether its status is error.
    pub error: bool,
    /// Its status, which tells as well whether somebody called it ok.
    #[serde(default)]
    pub status: Status,
    /// What it says of that; often empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub status_message: String,
    /// By key.
    pub attributes: BTreeMap<String, Value>,
    /// As they were written down.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<SpanEvent>,
    /// To other spans, of this trace or another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<SpanLink>,
    /// `tracestate` of the W3C; often empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub trace_state: String,
    /// Of what made it, by key.
    #[serde(default)]
    pub resource: Resource,
}

/// What a span says of how it went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Nothing.
    #[default]
    Unset,
    /// Well.
    Ok,
    /// Not well.
    Error,
}

impl Status {
    /// `unset`, `ok` or `error`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::Ok => "ok",
            Self::Error => "error",
        }
    }

    fn of(span: &Span) -> Self {
        match span.status.as_ref().map(OtlpStatus::code) {
            Some(StatusCode::Ok) => Self::Ok,
            Some(StatusCode::Error) => Self::Error,
            Some(StatusCode::Unset) | None => Self::Unset,
        }
    }
}

/// The attributes of what makes spans, by key. Cheap to clone, since many spans share them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, Value>", into = "BTreeMap<String, Value>")]
pub struct Resource(Arc<BTreeMap<String, Value>>);

impl Resource {
    pub(super) fn new(pairs: Vec<KeyValue>) -> Self {
        Self(Arc::new(attributes(pairs)))
    }

    /// The value of an attribute.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// All of them, by key.
    pub fn attributes(&self) -> &BTreeMap<String, Value> {
        &self.0
    }
}

impl From<BTreeMap<String, Value>> for Resource {
    fn from(attributes: BTreeMap<String, Value>) -> Self {
        Self(Arc::new(attributes))
    }
}

impl From<Resource> for BTreeMap<String, Value> {
    fn from(Resource(attributes): Resource) -> Self {
        Arc::unwrap_or_clone(attributes)
    }
}

/// One log line that belongs to a trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// Nanoseconds since 1970.
    pub unix_nano: u64,
    /// The service that wrote it.
    pub service: String,
    /// The line as it was written.
    pub line: Value,
}

impl TraceSpan {
    /// From OTLP. Attribute values keep their JSON type.
    pub(super) fn new(service: &str, resource: Resource, span: Span) -> Self {
        let status = Status::of(&span);
        let kind = match span.kind() {
            SpanKind::Client => "client",
            SpanKind::Server => "server",
            SpanKind::Producer => "producer",
            SpanKind::Consumer => "consumer",
            SpanKind::Internal | SpanKind::Unspecified => "internal",
        };
        Self {
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
            events: span.events.into_iter().map(SpanEvent::new).collect(),
            links: span.links.into_iter().map(SpanLink::new).collect(),
            trace_state: span.trace_state,
            resource,
        }
    }
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
