//! What stands inside a span: events and links.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
