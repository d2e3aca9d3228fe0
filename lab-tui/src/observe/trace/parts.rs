//! What stands inside a span: events and links.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{attributes, hex};

/// Something that happened while a span went on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SpanEvent {
    /// Nanoseconds since 1970.
    pub unix_nano: u64,
    /// Such as `exception`.
    pub name: String,
    /// By key.
    pub attributes: BTreeMap<String, Value>,
}

impl SpanEvent {
    pub(super) fn new(event: Event) -> Self {
        Self { unix_nano: event.time_unix_nano, name: event.name, attributes: attributes(event.attributes) }
    }
}

/// A span that another one has to do with, and is no child of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SpanLink {
    /// 32 hex digits, if whoever wrote it kept to the rules.
    pub trace_id: String,
    /// 16 hex digits, likewise.
    pub span_id: String,
    /// By key.
    pub attributes: BTreeMap<String, Value>,
}

impl SpanLink {
    pub(super) fn new(link: Link) -> Self {
        Self { trace_id: hex(&link.trace_id), span_id: hex(&link.span_id), attributes: attributes(link.attributes) }
    }
}
