//! One trace as it is shown and sent: spans with their attributes, and the log lines that carry its ID.

mod parts;

use std::collections::BTreeMap;
use std::sync::Arc;

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
}

/// The attributes of what makes spans, by key. Cheap to clone, since many spans share them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, Value>", into = "BTreeMap<String, Value>")]
pub struct Resource(Arc<BTreeMap<String, Value>>);

impl Resource {
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
