//! Traces and logs in memory, bounded by bytes: what does not fit pushes out whole traces, oldest first.

mod integrity;
mod logs;
mod search;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span, span::SpanKind, status::StatusCode};
use prost::Message as _;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use self::integrity::{Integrity, Seen};
use self::logs::Logs;
pub use self::logs::StoredLine;
use super::trace::{self, Trace};
use crate::event::TraceId;

/// 256 MiB.
pub const DEFAULT_BYTES: usize = 256 << 20;

/// What a span or a line costs beside its own bytes: ids, pointers, its place in the tables.
const OVERHEAD: usize = 96;

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
    logs: Logs,
    /// The watch over the run that goes on, where one does.
    integrity: Option<Box<Integrity>>,
    services: HashMap<Arc<str>, Counts>,
    /// What each service's last batch said of its resource: the next one says the same as a rule, and then shares it.
    resources: HashMap<Arc<str>, Arc<SharedResource>>,
    evicted_traces: u64,
    /// Of what was pushed out: the latest start of a span or moment of a line, in nanoseconds since 1970.
    evicted_until: u64,
    listener: Option<UnboundedSender<Heard>>,
}

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
    },
}

#[derive(Debug)]
enum Entry {
    Trace(TraceId),
    /// Its number.
    Log(u64),
}

/// A resource that many spans share. Its bytes are given back with the last of them.
#[derive(Debug)]
struct SharedResource {
    service: Arc<str>,
    attributes: trace::Resource,
    bytes: usize,
}

/// A trace as it is kept: spans stay encoded, a quarter of their size in pieces, and are taken apart when somebody looks.
#[derive(Debug, Default)]
struct Stored {
    spans: Vec<(Arc<SharedResource>, Box<[u8]>)>,
    /// The earliest and the latest start of a span or moment of a line, in nanoseconds since 1970.
    between: Option<(u64, u64)>,
    span_ids: HashMap<[u8; 8], Arc<str>>,
    /// Hops whose caller's span has not come in yet, by its ID: children often arrive before their parents.
    awaited: HashMap<[u8; 8], Vec<Arc<str>>>,
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
            logs: Logs::default(),
            integrity: None,
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
        for to in trace.awaited.remove(&span_id).into_iter().flatten() {
            heard.push(Heard::Edge { from: Arc::clone(service), to });
        }
        if let Some(hop) = hop(service, span) {
            if let Ok(parent) = <[u8; 8]>::try_from(&*span.parent_span_id) {
                match trace.span_ids.get(&parent) {
                    Some(from) => heard.push(Heard::Edge { from: Arc::clone(from), to: Arc::clone(&hop) }),
                    None => trace.awaited.entry(parent).or_default().push(Arc::clone(&hop)),
                }
            }
            heard.push(Heard::Hop {
                hop,
                start_unix_nano: span.start_time_unix_nano,
                duration_nano: span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano),
                error: span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error),
            });
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
        if let Some(integrity) = &mut self.integrity {
            let parent = <[u8; 8]>::try_from(&*span.parent_span_id).unwrap_or_default();
            let seen = Seen::of(TraceId(trace_id), span_id, parent, span);
            integrity.add_span(&seen, service);
            integrity.add_attributes(&seen, service, span);
        }
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
                Some(Entry::Log(number)) => {
                    let (bytes, unix_nano) = self.logs.evict(number);
                    self.bytes -= bytes;
                    self.evicted_until = self.evicted_until.max(unix_nano);
                }
                Some(Entry::Trace(id)) => {
                    self.logs.evict_trace(id);
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

pub(super) fn service_name(resource: Option<&Resource>) -> &str {
    let attribute = resource.and_then(|resource| resource.attributes.iter().find(|attribute| attribute.key == "service.name"));
    // The specification's word for a service that does not say its name.
    attribute.and_then(|attribute| text(attribute.value.as_ref())).unwrap_or("unknown_service")
}

#[cfg(test)]
mod tests;
