//! Traces and logs in memory, bounded by bytes: what does not fit pushes out whole traces, oldest first.

mod search;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span, span::SpanKind, status::StatusCode};
use prost::Message as _;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::trace::{self, LogLine, Trace};
use crate::event::TraceId;

/// 256 MiB.
pub const DEFAULT_BYTES: usize = 256 << 20;

/// What a span or a line costs beside its own bytes: ids, pointers, its place in the tables.
const OVERHEAD: usize = 96;

/// The message of an access log line, written once for each request that a service answers.
const ACCESS_LOG: &str = "Request completed";

/// The store. Cheap to share; every call holds its lock for a moment only.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    limit: usize,
    bytes: usize,
    traces: HashMap<TraceId, Stored>,
    /// Oldest first: traces, and log lines that belong to none.
    order: VecDeque<Entry>,
    services: HashMap<Arc<str>, Counts>,
    /// What each service's last batch said of its resource: the next one says the same as a rule, and then shares it.
    resources: HashMap<Arc<str>, Arc<SharedResource>>,
    evicted_traces: u64,
    /// Of what was pushed out: the latest start of a span or moment of a line, in nanoseconds since 1970.
    evicted_until: u64,
    listener: Option<UnboundedSender<Heard>>,
}

/// When a call began, in nanoseconds since 1970, how many it took, and whether its status is error.
type Call = (u64, u64, bool);

/// What a span tells beside its own trace, as soon as it comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// One call of a hop: a service's SERVER span, or a CLIENT span of a call to a database.
    Hop {
        /// `service.name`, or `db.system.name`.
        hop: Arc<str>,
        /// Nanoseconds since 1970.
        start_unix_nano: u64,
        /// Nanoseconds.
        duration_nano: u64,
        /// Whether its status is error.
        error: bool,
    },
    /// A service calls a hop; told each time that it is seen.
    Edge {
        /// `service.name` of the caller.
        from: Arc<str>,
        /// The hop.
        to: Arc<str>,
        /// The span of the hop.
        call: Call,
    },
}

#[derive(Debug)]
enum Entry {
    Trace(TraceId),
    Log(Line),
}

/// A resource that many spans share. Its bytes are given back with the last of them.
#[derive(Debug)]
struct SharedResource {
    service: Arc<str>,
    attributes: trace::Resource,
    bytes: usize,
}

/// Unix nanoseconds, the service, the text as it was written.
type Line = (u64, Arc<str>, Box<str>);

/// A trace as it is kept: spans stay encoded, a quarter of their size in pieces, and are taken apart when somebody looks.
#[derive(Debug, Default)]
struct Stored {
    spans: Vec<(Arc<SharedResource>, Box<[u8]>)>,
    /// The earliest and the latest start of a span or moment of a line, in nanoseconds since 1970.
    between: Option<(u64, u64)>,
    span_ids: HashMap<[u8; 8], Arc<str>>,
    /// Hops whose caller's span has not come in yet, by its ID: children often arrive before their parents.
    awaited: HashMap<[u8; 8], Vec<(Arc<str>, Call)>>,
    logs: Vec<Line>,
    bytes: usize,
}

/// What came in from one service, ever; nothing that is evicted is taken off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Spans received for the first time.
    pub spans: u64,
    /// Of these, SERVER spans.
    pub server_spans: u64,
    /// Log lines.
    pub log_lines: u64,
    /// Of these, access log lines.
    pub access_log_lines: u64,
}

impl Store {
    /// An empty store that keeps up to `limit` bytes.
    pub fn new(limit: usize) -> Self {
        let inner = Inner {
            limit,
            bytes: 0,
            traces: HashMap::new(),
            order: VecDeque::new(),
            services: HashMap::new(),
            resources: HashMap::new(),
            evicted_traces: 0,
            evicted_until: 0,
            listener: None,
        };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here panics half-way; a poisoned store is still a whole one.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in spans. Returns how many were refused, for a trace or span ID that is none.
    pub fn add_spans(&self, batch: ResourceSpans) -> u64 {
        let mut inner = self.lock();
        let resource = inner.resource(batch.resource);
        let mut refused = 0;
        for span in batch.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            refused += u64::from(!inner.add_span(&resource, &span));
        }
        inner.release(resource);
        inner.make_room();
        refused
    }

    /// What spans tell from now on, to whoever asked last.
    pub fn listen(&self) -> UnboundedReceiver<Heard> {
        let (teller, listener) = mpsc::unbounded_channel();
        self.lock().listener = Some(teller);
        listener
    }

    /// Takes in one line that a service wrote, JSON or not.
    pub fn add_log(&self, service: &str, line: &str) {
        let facts = Facts::read(line);
        // A line that does not say when it was written was written just now.
        let unix_nano = facts.unix_nano.unwrap_or_else(now);
        let mut inner = self.lock();
        let service = inner.service(service);
        let size = line.len() + OVERHEAD;
        inner.bytes += size;
        let counts = inner.services.entry(Arc::clone(&service)).or_default();
        counts.log_lines += 1;
        counts.access_log_lines += u64::from(facts.is_access_log);
        let kept: Line = (unix_nano, service, line.into());
        match facts.trace_id {
            Some(id) => {
                let trace = inner.trace(id);
                trace.logs.push(kept);
                trace.reaches(unix_nano);
                trace.bytes += size;
            }
            None => inner.order.push_back(Entry::Log(kept)),
        }
        inner.make_room();
    }

    /// What came in from a service so far.
    pub fn counts(&self, service: &str) -> Counts {
        self.lock().services.get(service).copied().unwrap_or_default()
    }

    /// How many traces were pushed out.
    pub fn evicted_traces(&self) -> u64 {
        self.lock().evicted_traces
    }

    /// Bytes in use.
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// The trace of that ID, as far as it has come in.
    pub fn trace(&self, id: TraceId) -> Option<Trace> {
        let mut trace = self.spans_of(id)?;
        trace.logs = self.logs_of(id);
        trace.logs.sort_by_key(|log| log.unix_nano);
        Some(trace)
    }
}

impl Inner {
    /// One allocation for each name, however often it comes in.
    fn service(&mut self, name: &str) -> Arc<str> {
        if let Some((known, _)) = self.services.get_key_value(name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        self.services.insert(Arc::clone(&name), Counts::default());
        name
    }

    /// The resource of a batch. Who is done with it gives it to [`Self::release`].
    fn resource(&mut self, resource: Option<Resource>) -> Arc<SharedResource> {
        let service = self.service(service_name(resource.as_ref()));
        let bytes = resource.as_ref().map_or(0, prost::Message::encoded_len) + OVERHEAD;
        let attributes = trace::Resource::new(resource.map(|resource| resource.attributes).unwrap_or_default());
        if let Some(known) = self.resources.get(&service)
            && known.attributes == attributes
        {
            return Arc::clone(known);
        }
        self.bytes += bytes;
        let resource = Arc::new(SharedResource { service: Arc::clone(&service), attributes, bytes });
        if let Some(old) = self.resources.insert(service, Arc::clone(&resource)) {
            self.release(old);
        }
        resource
    }

    fn release(&mut self, resource: Arc<SharedResource>) {
        if let Some(resource) = Arc::into_inner(resource) {
            self.bytes -= resource.bytes;
        }
    }

    fn trace(&mut self, id: TraceId) -> &mut Stored {
        let order = &mut self.order;
        self.traces.entry(id).or_insert_with(|| {
            order.push_back(Entry::Trace(id));
            Stored::default()
        })
    }

    fn add_span(&mut self, resource: &Arc<SharedResource>, span: &Span) -> bool {
        let service = &resource.service;
        let (Ok(trace_id), Ok(span_id)) = (<[u8; 16]>::try_from(&*span.trace_id), <[u8; 8]>::try_from(&*span.span_id)) else {
            return false;
        };
        if trace_id == [0; 16] || span_id == [0; 8] {
            return false;
        }
        let trace = self.trace(TraceId(trace_id));
        if trace.span_ids.contains_key(&span_id) {
            // An exporter that heard no answer sends a batch again.
            return true;
        }
        trace.span_ids.insert(span_id, Arc::clone(service));
        let mut heard: Vec<Heard> = Vec::new();
        for (to, call) in trace.awaited.remove(&span_id).into_iter().flatten() {
            heard.push(Heard::Edge { from: Arc::clone(service), to, call });
        }
        if let Some(hop) = hop(service, span) {
            let duration_nano = span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano);
            let error = span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error);
            let call = (span.start_time_unix_nano, duration_nano, error);
            if let Ok(parent) = <[u8; 8]>::try_from(&*span.parent_span_id) {
                match trace.span_ids.get(&parent) {
                    Some(from) => heard.push(Heard::Edge { from: Arc::clone(from), to: Arc::clone(&hop), call }),
                    None => trace.awaited.entry(parent).or_default().push((Arc::clone(&hop), call)),
                }
            }
            heard.push(Heard::Hop { hop, start_unix_nano: span.start_time_unix_nano, duration_nano, error });
        }
        let encoded = span.encode_to_vec().into_boxed_slice();
        let size = encoded.len() + OVERHEAD;
        trace.spans.push((Arc::clone(resource), encoded));
        trace.reaches(span.start_time_unix_nano);
        trace.bytes += size;
        self.bytes += size;
        let counts = self.services.entry(Arc::clone(service)).or_default();
        counts.spans += 1;
        counts.server_spans += u64::from(span.kind() == SpanKind::Server);
        self.tell(heard);
        true
    }

    fn tell(&mut self, heard: Vec<Heard>) {
        if let Some(listener) = &self.listener
            && heard.into_iter().any(|heard| listener.send(heard).is_err())
        {
            self.listener = None;
        }
    }

    fn make_room(&mut self) {
        while self.bytes > self.limit {
            match self.order.pop_front() {
                Some(Entry::Log((unix_nano, _, text))) => {
                    self.bytes -= text.len() + OVERHEAD;
                    self.evicted_until = self.evicted_until.max(unix_nano);
                }
                Some(Entry::Trace(id)) => {
                    if let Some(trace) = self.traces.remove(&id) {
                        self.bytes -= trace.bytes;
                        self.evicted_traces += 1;
                        self.evicted_until = self.evicted_until.max(trace.between.map_or(0, |(_, latest)| latest));
                        trace.spans.into_iter().for_each(|(resource, _)| self.release(resource));
                    }
                }
                None => return,
            }
        }
    }
}

impl Stored {
    fn reaches(&mut self, unix_nano: u64) {
        let (earliest, latest) = self.between.unwrap_or((unix_nano, unix_nano));
        self.between = Some((earliest.min(unix_nano), latest.max(unix_nano)));
    }
}

/// Nanoseconds since 1970.
pub(super) fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}

/// The hop that a span is a call of, if it is one.
fn hop(service: &Arc<str>, span: &Span) -> Option<Arc<str>> {
    match span.kind() {
        SpanKind::Server => Some(Arc::clone(service)),
        SpanKind::Client => {
            let system = span.attributes.iter().find(|attribute| attribute.key == "db.system.name")?;
            text(system.value.as_ref()).map(Arc::from)
        }
        _ => None,
    }
}

fn text(value: Option<&AnyValue>) -> Option<&str> {
    match value?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

fn service_name(resource: Option<&Resource>) -> &str {
    let attribute = resource.and_then(|resource| resource.attributes.iter().find(|attribute| attribute.key == "service.name"));
    // The specification's word for a service that does not say its name.
    attribute.and_then(|attribute| text(attribute.value.as_ref())).unwrap_or("unknown_service")
}

fn log_line((unix_nano, service, line): &Line) -> LogLine {
    let line = serde_json::from_str(line).unwrap_or_else(|_| line.to_string().into());
    LogLine { unix_nano: *unix_nano, service: service.to_string(), line }
}

/// Nanoseconds since 1970.
/// What the store needs to know of a log line.
#[derive(Debug, Default, PartialEq)]
struct Facts {
    unix_nano: Option<u64>,
    trace_id: Option<TraceId>,
    is_access_log: bool,
}

impl Facts {
    fn read(line: &str) -> Self {
        #[derive(serde::Deserialize)]
        struct Line<'a> {
            #[serde(borrow)]
            timestamp: Option<std::borrow::Cow<'a, str>>,
            #[serde(borrow)]
            message: Option<std::borrow::Cow<'a, str>>,
            #[serde(borrow)]
            trace_id: Option<std::borrow::Cow<'a, str>>,
        }
        let Ok(line) = serde_json::from_str::<Line<'_>>(line) else { return Self::of_any(line) };
        let moment = line.timestamp.and_then(|text| OffsetDateTime::parse(&text, &Rfc3339).ok());
        Self {
            unix_nano: moment.and_then(|moment| u64::try_from(moment.unix_timestamp_nanos()).ok()),
            trace_id: line.trace_id.and_then(|text| TraceId::parse(&text)),
            is_access_log: line.message.is_some_and(|message| message == ACCESS_LOG),
        }
    }

    /// Of a line that is no JSON, or in which something is written in another way: a time as a number, say.
    fn of_any(line: &str) -> Self {
        let line: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
        Self { unix_nano: None, trace_id: line["trace_id"].as_str().and_then(TraceId::parse), is_access_log: line["message"] == ACCESS_LOG }
    }
}

#[cfg(test)]
mod tests;
