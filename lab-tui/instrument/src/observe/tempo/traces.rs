//! One trace by its ID, in the shapes of Tempo's first and second way of answering, as protobuf or as JSON.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use lab_facts::trace::Trace;
use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint};
use serde_json::{Value, json};

use super::refused::Refused;
use super::{Served, id, wants_protobuf};
use crate::observe::export::{self, Style};

const PROTOBUF: &str = "application/protobuf";

/// `batches`, or a protobuf `Trace`, which is as `TracesData`. A trace that is not here is a 404 without a word.
pub(super) async fn first(State(served): State<Served>, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Refused> {
    let id = id::read(&id)?;
    let Some(trace) = served.store.trace(id) else { return Ok(StatusCode::NOT_FOUND.into_response()) };
    let batches = export::resource_spans(&trace);
    if wants_protobuf(&headers) {
        return Ok(protobuf(TracesData { resource_spans: batches }.encode_to_vec()));
    }
    Ok(Json(json!({ "batches": export::list(&batches, Style::Tempo) })).into_response())
}

/// A `TraceByIDResponse`: the trace, and how much was looked at for it. A trace that is not here is one without spans.
pub(super) async fn second(State(served): State<Served>, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Refused> {
    let id = id::read(&id)?;
    let trace = served.store.trace(id);
    let batches = trace.as_ref().map(export::resource_spans).unwrap_or_default();
    let inspected = TracesData { resource_spans: batches.clone() }.encoded_len() as u64;
    if wants_protobuf(&headers) {
        return Ok(protobuf(by_id_response(&TracesData { resource_spans: batches }, inspected)));
    }
    let spans = if batches.is_empty() { json!({}) } else { json!({ "resourceSpans": export::list(&batches, Style::Tempo) }) };
    let metrics = trace.as_ref().map_or_else(|| json!({}), |_: &Trace| json!({ "inspectedBytes": inspected.to_string() }));
    Ok(Json(Value::from_iter([("trace", spans), ("metrics", metrics)])).into_response())
}

fn protobuf(bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, PROTOBUF)], bytes).into_response()
}

/// `TraceByIDResponse { Trace trace = 1; TraceByIDMetrics { uint64 inspectedBytes = 1; } metrics = 2; }`
fn by_id_response(trace: &TracesData, inspected: u64) -> Vec<u8> {
    let mut metrics = Vec::new();
    if inspected > 0 {
        encode_key(1, WireType::Varint, &mut metrics);
        encode_varint(inspected, &mut metrics);
    }
    let mut out = Vec::new();
    for (tag, part) in [(1, trace.encode_to_vec()), (2, metrics)] {
        encode_key(tag, WireType::LengthDelimited, &mut out);
        encode_varint(part.len() as u64, &mut out);
        out.extend(part);
    }
    out
}
