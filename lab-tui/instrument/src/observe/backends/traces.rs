//! Traces from a Tempo: by their ID, and by what their spans are. Version 3 and its `/api/v2`, else version 2 and its `/api`.

use std::ops::Range;
use std::sync::OnceLock;

use anyhow::{Context as _, anyhow, bail};
use lab_facts::event::TraceId;
use lab_facts::query::Query;
use lab_facts::trace::Trace;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, TracesData};
use prost::Message;
use reqwest::{StatusCode, header};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::{Refused, SECOND, answer, below, body, client, get};
use crate::observe::found::FoundTrace;
use crate::observe::import;
use crate::observe::otlp::json;
use crate::observe::store::service_name;

const PROTOBUF: &str = "application/protobuf";

/// What Tempo calls the root of a trace whose root it does not have.
const NO_ROOT: &str = "<root span not yet received>";

/// Version 3's answer; version 2's is what is in it.
#[derive(Clone, PartialEq, Message)]
struct ById {
    #[prost(message, optional, tag = "1")]
    trace: Option<TracesData>,
}

/// A Tempo that is asked for one trace after the other.
#[derive(Debug)]
pub(in crate::observe) struct TempoClient {
    client: reqwest::Client,
    base: Url,
    /// Whether it is one of version 3, once that is known.
    is_three: OnceLock<bool>,
}

impl TempoClient {
    pub(in crate::observe) fn new(base: &Url) -> anyhow::Result<Self> {
        Ok(Self { client: client(base)?, base: base.clone(), is_three: OnceLock::new() })
    }

    /// The spans of that trace, as far as they have come in.
    ///
    /// # Errors
    /// When Tempo does not answer, or not as Tempo does. No error names the address, which may have a password in it.
    pub(in crate::observe) async fn spans(&self, id: TraceId) -> anyhow::Result<Vec<ResourceSpans>> {
        let paths = [(format!("/api/v2/traces/{id}"), true), (format!("/api/traces/{id}"), false)];
        let known = self.is_three.get().copied();
        for (path, is_wrapped) in paths.into_iter().filter(|(_, is_wrapped)| known.is_none_or(|known| known == *is_wrapped)) {
            let request = self.client.get(below(&self.base, &path)).header(header::ACCEPT, PROTOBUF);
            let response = request.send().await.map_err(reqwest::Error::without_url)?;
            let status = response.status();
            let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
            let body = body(response).await?;
            match status {
                // The path is not known to version 2, and what it does not have it does not find.
                StatusCode::NOT_FOUND => {}
                StatusCode::OK => {
                    let spans = read(&body, is_json, is_wrapped).context("its answer is not understood")?;
                    self.is_three.get_or_init(|| is_wrapped);
                    return Ok(spans);
                }
                _ => bail!("it answers {status}: {}", answer::refusal(&body)),
            }
        }
        Ok(Vec::new())
    }
}

/// The trace of that ID without log lines, as far as it has come in.
///
/// # Errors
/// As [`TempoClient::spans`].
pub(in crate::observe) async fn by_id(tempo: &Url, id: TraceId) -> anyhow::Result<Option<Trace>> {
    Ok(trace(id, TempoClient::new(tempo)?.spans(id).await?))
}

fn read(body: &[u8], is_json: bool, is_wrapped: bool) -> anyhow::Result<Vec<ResourceSpans>> {
    if is_json {
        return in_json(body);
    }
    Ok(if is_wrapped { ById::decode(body)?.trace.unwrap_or_default() } else { TracesData::decode(body)? }.resource_spans)
}

/// Nothing is what version 3 says of a trace that it does not have.
fn trace(id: TraceId, batches: Vec<ResourceSpans>) -> Option<Trace> {
    let mut spans = Vec::new();
    for batch in batches {
        let service = service_name(batch.resource.as_ref()).to_owned();
        let resource = import::resource(batch.resource.map(|resource| resource.attributes).unwrap_or_default());
        let all = batch.scope_spans.into_iter().flat_map(|scope| scope.spans);
        spans.extend(all.map(|span| import::span(&service, resource.clone(), span)));
    }
    spans.sort_by_key(|span| span.start_unix_nano);
    (!spans.is_empty()).then(|| Trace { trace_id: id.to_string(), spans, logs: Vec::new() })
}

/// Tempo's JSON is OTLP's but for IDs in base64, kinds and statuses by name, and `batches` in version 2.
fn in_json(body: &[u8]) -> anyhow::Result<Vec<ResourceSpans>> {
    let mut answer: Value = serde_json::from_slice(body)?;
    let mut trace = match answer.get_mut("trace") {
        Some(trace) => trace.take(),
        None => answer,
    };
    as_otlp(&mut trace);
    let message = trace.as_object().ok_or_else(|| anyhow!("it is no object"))?;
    json::read_spans(message).map_err(anyhow::Error::msg)
}

fn as_otlp(value: &mut Value) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(as_otlp),
        Value::Object(fields) => {
            if let Some(batches) = fields.remove("batches") {
                fields.insert("resourceSpans".to_owned(), batches);
            }
            for (key, value) in fields {
                match (key.as_str(), value.as_str()) {
                    ("traceId" | "spanId" | "parentSpanId", Some(id)) => *value = hex(id).into(),
                    ("kind", Some(name)) => *value = place(name, &KINDS).into(),
                    ("code", Some(name)) => *value = place(name, &CODES).into(),
                    // What attributes say is theirs.
                    ("attributes", _) => {}
                    _ => as_otlp(value),
                }
            }
        }
        _ => {}
    }
}

const KINDS: [&str; 6] =
    ["SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT", "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER"];
const CODES: [&str; 3] = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];

fn place(name: &str, names: &[&str]) -> usize {
    names.iter().position(|known| *known == name).unwrap_or_default()
}

/// An ID as OTLP's JSON has it: 16 or 8 bytes have 24 or 12 letters in base64, and 32 or 16 in hex.
fn hex(id: &str) -> String {
    let bytes = if matches!(id.len(), 24 | 12) { json::base64(id) } else { None };
    bytes.map_or_else(|| id.to_owned(), |bytes| import::hex(&bytes))
}

#[derive(Debug, Deserialize)]
struct Searched {
    #[serde(default)]
    traces: Vec<Found>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Found {
    #[serde(rename = "traceID")]
    trace_id: String,
    root_service_name: String,
    root_trace_name: String,
    start_time_unix_nano: String,
    duration_ms: u64,
    span_sets: Vec<SpanSet>,
    span_set: Option<SpanSet>,
    service_stats: std::collections::BTreeMap<String, Stats>,
}

impl Default for Found {
    fn default() -> Self {
        let (text, nothing) = (String::new, Vec::new());
        Self {
            trace_id: text(),
            root_service_name: text(),
            root_trace_name: text(),
            start_time_unix_nano: text(),
            duration_ms: 0,
            span_sets: nothing,
            span_set: None,
            service_stats: std::collections::BTreeMap::new(),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SpanSet {
    matched: usize,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Stats {
    span_count: usize,
    error_count: usize,
}

/// The traces with a span that matches and that began within the window, in nanoseconds since 1970; newest first, at most `limit`.
///
/// # Errors
/// When Tempo refuses the query or does not answer, or not as Tempo does.
pub(in crate::observe) async fn search(tempo: &Url, query: &Query, window: Range<u64>, limit: usize) -> anyhow::Result<Vec<FoundTrace>> {
    let found = search_text(tempo, query.as_str(), window, limit).await?;
    found.map_err(|Refused(why)| anyhow!("it refuses the query: {why}"))
}

/// The same of a query that only Tempo needs to understand.
pub(super) async fn search_text(
    tempo: &Url,
    query: &str,
    window: Range<u64>,
    limit: usize,
) -> anyhow::Result<Result<Vec<FoundTrace>, Refused>> {
    // Tempo knows whole seconds only.
    let [start, end] = [window.start / SECOND, window.end.div_ceil(SECOND)].map(|second| second.to_string());
    let parameters = [("q", query.to_owned()), ("start", start), ("end", end), ("limit", limit.to_string())];
    let body = match get(&client(tempo)?, tempo, "/api/search", &parameters).await? {
        Ok(body) => body,
        Err(refused) => return Ok(Err(refused)),
    };
    let searched: Searched = serde_json::from_slice(&body).context("its answer is not understood")?;
    let mut found: Vec<FoundTrace> = searched.traces.into_iter().map(FoundTrace::from).collect();
    found.sort_by_key(|one| std::cmp::Reverse(one.start_unix_nano));
    Ok(Ok(found))
}

impl From<Found> for FoundTrace {
    fn from(found: Found) -> Self {
        let named = |name: String| Some(name).filter(|name| !name.is_empty() && name != NO_ROOT);
        let sets = found.span_sets.iter().map(|set| set.matched).max();
        let root_service = named(found.root_service_name);
        Self {
            // Tempo leaves zeros at the beginning of an ID out.
            trace_id: format!("{:0>32}", found.trace_id),
            root_name: named(found.root_trace_name).filter(|_| root_service.is_some()),
            root_service,
            start_unix_nano: found.start_time_unix_nano.parse().unwrap_or_default(),
            duration_nano: found.duration_ms.saturating_mul(1_000_000),
            spans: found.service_stats.values().map(|stats| stats.span_count).sum(),
            errors: found.service_stats.values().map(|stats| stats.error_count).sum(),
            matched: sets.or(found.span_set.map(|set| set.matched)).unwrap_or_default(),
        }
    }
}
