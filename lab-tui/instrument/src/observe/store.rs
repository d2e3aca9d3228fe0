//! Traces and logs in memory, bounded by bytes: what does not fit pushes out whole traces, oldest first.
//!
//! A trace is a row of fixed heads and one run of bytes behind them (`packed`); what spans share stands once for all of them (`texts`,
//! `origins`). Looking for something (`search`) reads the heads and passes over the rest where it can.

mod borrowed;
mod bytes;
mod client;
mod copy;
mod fed;
mod integrity;
mod logs;
mod marks;
mod origins;
mod packed;
mod room;
mod search;
mod texts;
mod traces;
mod unpacked;
mod wire;

use std::collections::{HashMap, VecDeque};
use std::ops::AddAssign;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use prost::Message as _;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

pub(in crate::observe) use self::borrowed::SpanRef;
pub use self::client::ClientSpan;
use self::fed::Way;
use self::integrity::{Integrity, Seen};
use self::logs::Logs;
pub use self::logs::StoredLine;
use lab_facts::event::{Drops, TraceId};
use lab_facts::trace::Trace;

use self::origins::Origins;
use self::packed::{DATABASE, Head, Kept, attribute, attributes, pack, part};
use self::room::Pins;
use self::texts::Texts;
use self::traces::{COST, Stored, Traces, is_call};
use self::unpacked::Words as _;
use super::pushed::Pushed;

/// 256 MiB.
pub const DEFAULT_BYTES: usize = 256 << 20;

/// What a line costs beside its own bytes: pointers, its place in the tables.
const OVERHEAD: usize = 96;

/// From so many services on, another one is not counted by its name.
const MOST_SERVICES: usize = 10_000;

/// The store. Cheap to share; every call holds its lock for a moment only.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Mutex<Inner>>,
    pushed: Pushed,
}

#[derive(Debug)]
struct Inner {
    limit: usize,
    /// Of traces and lines; what these share is counted where it is kept.
    bytes: usize,
    traces: Traces,
    /// Oldest first: traces, and log lines that belong to none.
    order: VecDeque<Entry>,
    texts: Texts,
    origins: Origins,
    pins: Pins,
    logs: Logs,
    /// The watch over the run that goes on, where one does.
    integrity: Option<Box<Integrity>>,
    services: HashMap<Arc<str>, Counts>,
    drops: Drops,
    /// Of what was pushed out: the latest start of a span or moment of a line, in nanoseconds since 1970.
    evicted_until: u64,
    listener: Option<UnboundedSender<Heard>>,
    /// A span's tail while it is made.
    scratch: Vec<u8>,
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
    /// Its number.
    Log(u64),
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
    /// Spans and lines that the lab asked for elsewhere.
    pub fed: u64,
}

impl Store {
    /// An empty store that keeps up to `limit` bytes.
    pub fn new(limit: usize) -> Self {
        let inner = Inner {
            limit,
            bytes: 0,
            traces: Traces::default(),
            order: VecDeque::new(),
            texts: Texts::new(limit),
            origins: Origins::default(),
            pins: Pins::default(),
            logs: Logs::default(),
            integrity: None,
            services: HashMap::new(),
            drops: Drops::default(),
            evicted_until: 0,
            listener: None,
            scratch: Vec::new(),
        };
        Self { inner: Arc::new(Mutex::new(inner)), pushed: Pushed::new() }
    }

    /// The metrics that services send; they have a bound of their own.
    pub fn pushed(&self) -> &Pushed {
        &self.pushed
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here panics half-way; a poisoned store is still a whole one.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in spans. Returns how many were refused.
    pub fn add_spans(&self, batch: ResourceSpans) -> u64 {
        self.take_spans(batch).count()
    }

    /// Takes in spans, and tells which were refused.
    fn take_spans(&self, mut batch: ResourceSpans) -> RefusedSpans {
        let scopes = std::mem::take(&mut batch.scope_spans);
        let mut inner = self.lock();
        let mut refused = RefusedSpans::default();
        for mut scope in scopes {
            let spans = std::mem::take(&mut scope.spans);
            batch.scope_spans = vec![scope];
            refused += inner.add_scope(&batch, spans.iter().map(SpanRef::from), Way::Sent);
        }
        inner.make_room();
        refused
    }

    /// Takes in an `ExportTraceServiceRequest` as it was sent, and tells which spans were refused.
    ///
    /// # Errors
    /// When it is none; nothing of it has been taken in then.
    pub fn take_message(&self, message: &[u8]) -> Result<RefusedSpans, prost::DecodeError> {
        let mut refused = RefusedSpans::default();
        match wire::read(message) {
            Some(batches) => {
                for batch in batches {
                    let mut inner = self.lock();
                    refused += inner.add_scope(&batch.empty, batch.spans.into_iter(), Way::Sent);
                    inner.make_room();
                }
            }
            None => {
                for batch in ExportTraceServiceRequest::decode(message)?.resource_spans {
                    refused += self.take_spans(batch);
                }
            }
        }
        Ok(refused)
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
        self.drops().evicted_traces
    }

    /// What did not get in, or not to stay.
    pub fn drops(&self) -> Drops {
        Drops { refused_data_points: self.pushed.refused(), ..self.lock().drops }
    }

    /// Counts log records that did not get here.
    pub(super) fn count_refused_log_records(&self, refused: u64) {
        self.lock().drops.refused_log_records += refused;
    }

    /// Bytes in use.
    pub fn bytes(&self) -> usize {
        self.lock().used()
    }

    /// The trace of that ID, as far as it has come in.
    pub fn trace(&self, id: TraceId) -> Option<Trace> {
        let mut trace = self.spans_of(id)?;
        trace.logs = self.logs_of(id);
        trace.logs.sort_by_key(|log| log.unix_nano);
        Some(trace)
    }
}

/// Spans that were refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RefusedSpans {
    /// For a trace, span or parent ID that is none.
    pub ids: u64,
    /// Because their trace is too large already.
    pub too_large: u64,
}

impl RefusedSpans {
    /// All of them.
    pub fn count(self) -> u64 {
        self.ids + self.too_large
    }
}

impl AddAssign for RefusedSpans {
    fn add_assign(&mut self, more: Self) {
        self.ids += more.ids;
        self.too_large += more.too_large;
    }
}

/// What became of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    New,
    /// An exporter that heard no answer sends a batch again.
    Known,
    /// Its IDs are none.
    Unfit,
    /// Its trace is too large already.
    TooLarge,
}

impl Inner {
    /// One allocation for each name, however often it comes in.
    fn service(&mut self, name: &str) -> Arc<str> {
        if let Some((known, _)) = self.services.get_key_value(name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        if self.services.len() < MOST_SERVICES {
            self.bytes += name.len() + OVERHEAD;
            self.services.insert(Arc::clone(&name), Counts::default());
        }
        name
    }

    /// Bytes in use.
    fn used(&self) -> usize {
        self.bytes + self.texts.bytes() + self.origins.bytes() + self.pins.bytes()
    }

    /// The trace of that ID, a new one if need be.
    fn trace(&mut self, id: TraceId) -> &mut Stored {
        let (trace, is_new) = self.traces.get_or_insert(id);
        if is_new {
            self.order.push_back(Entry::Trace(id));
            self.bytes += COST;
            trace.pinned = self.pins.awaited(id);
        }
        trace
    }

    /// Spans of one scope, which `empty` tells. Returns which were refused.
    fn add_scope<'s>(&mut self, empty: &ResourceSpans, spans: impl Iterator<Item = SpanRef<'s>>, way: Way) -> RefusedSpans {
        let service = self.service(service_name(empty.resource.as_ref()));
        let origin = self.origins.take(empty, || Arc::clone(&service));
        let (mut counts, mut refused) = (Counts::default(), RefusedSpans::default());
        for span in spans {
            let is_server = span.kind == 2;
            match self.add_span(origin, span, way) {
                Taken::New => {
                    counts.spans += 1;
                    counts.server_spans += u64::from(is_server);
                    counts.fed += u64::from(way == Way::Fed);
                }
                Taken::Known => {}
                Taken::Unfit => refused.ids += 1,
                Taken::TooLarge => refused.too_large += 1,
            }
        }
        self.origins.give_back(origin);
        self.count(&service, counts);
        self.drops.refused_ids += refused.ids;
        self.drops.refused_too_large += refused.too_large;
        refused
    }

    fn count(&mut self, service: &str, more: Counts) {
        if let Some(counts) = self.services.get_mut(service) {
            counts.spans += more.spans;
            counts.server_spans += more.server_spans;
            counts.fed += more.fed;
        }
    }

    fn add_span(&mut self, origin: u32, span: SpanRef<'_>, way: Way) -> Taken {
        let Some((trace_id, id, parent)) = ids(&span) else {
            return Taken::Unfit;
        };
        let most = self.most_of_one();
        let trace = self.trace(trace_id);
        if trace.find(id).is_some() {
            return Taken::Known;
        }
        if trace.bytes > most {
            return Taken::TooLarge;
        }
        if let Some(integrity) = &mut self.integrity
            && let Some(origin) = self.origins.get(origin)
        {
            let seen = Seen::of(trace_id, id, parent, &span);
            // Of a sample nothing can be missing; but whoever waits for one of its spans has it now.
            let seen = if way == Way::Fed { Seen { start_unix_nano: 0, ..seen } } else { seen };
            integrity.add_span(&seen, &origin.service);
            integrity.add_attributes(&seen, &origin.service, &span);
        }
        let mut tail = std::mem::take(&mut self.scratch);
        tail.clear();
        let head = pack(span, (id, parent), origin, &mut self.texts, &mut tail);
        self.origins.again(origin);
        self.push(trace_id, head, &tail);
        self.scratch = tail;
        Taken::New
    }

    /// Puts a span into its trace, which is there, and tells of it.
    fn push(&mut self, trace_id: TraceId, head: Head, tail: &[u8]) {
        let Some(trace) = self.traces.get_mut(&trace_id) else { return };
        if let Some(origin) = self.origins.get(head.origin) {
            trace.marks.add(&head, tail, &origin.service, &self.texts);
        }
        let (more, head) = trace.push(head, tail);
        let is_held = trace.held;
        self.bytes += more;
        if is_held {
            self.pins.grew(more);
        }
        self.tell(trace_id, &head);
    }

    /// No trace may take more: whoever sends one without end pushes out nobody else's.
    fn most_of_one(&self) -> usize {
        (self.limit / 8).clamp(1 << 20, 1 << 30)
    }

    /// Tells the listener what a new span says of hops and of who calls whom.
    fn tell(&mut self, id: TraceId, head: &Head) {
        let Some(listener) = &self.listener else { return };
        let Some(trace) = self.traces.get(&id) else { return };
        let service = |head: &Head| self.origins.get(head.origin).map(|origin| Arc::clone(&origin.service));
        let mut heard = Vec::new();
        let call = |head: &Head| (head.start, head.duration, head.status == 2);
        for child in trace.calls_by(head.id) {
            heard.extend(service(head).zip(self.hop(trace, child)).map(|(from, to)| Heard::Edge { from, to, call: call(child) }));
        }
        if let Some(hop) = self.hop(trace, head) {
            let from = trace.find(head.parent).and_then(service);
            heard.extend(from.map(|from| Heard::Edge { from, to: Arc::clone(&hop), call: call(head) }));
            heard.push(Heard::Hop { hop, start_unix_nano: head.start, duration_nano: head.duration, error: head.status == 2 });
        }
        if heard.into_iter().any(|heard| listener.send(heard).is_err()) {
            self.listener = None;
        }
    }

    /// The hop that a span is a call of, if it is one.
    fn hop(&self, trace: &Stored, head: &Head) -> Option<Arc<str>> {
        if head.parts & part::DATABASE == 0 {
            return self.origins.get(head.origin).filter(|_| is_call(head)).map(|origin| Arc::clone(&origin.service));
        }
        let mut tail = bytes::Reader::new(trace.tail(head));
        for _ in 0..attributes(head, &mut tail) {
            if let (key, Kept::Text(name)) = attribute(&mut tail)
                && self.texts.read(key) == DATABASE
            {
                return Some(self.texts.read(name).into());
            }
        }
        None
    }
}

/// Trace, span and parent; all zero for none. `None` where one is none, which [OTLP] forbids.
///
/// [OTLP]: https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
fn ids(span: &SpanRef<'_>) -> Option<(TraceId, [u8; 8], [u8; 8])> {
    let trace: [u8; 16] = span.trace_id.try_into().ok().filter(|id| *id != [0; 16])?;
    let id: [u8; 8] = span.span_id.try_into().ok().filter(|id| *id != [0; 8])?;
    let parent = if span.parent_span_id.is_empty() { [0; 8] } else { span.parent_span_id.try_into().ok()? };
    Some((TraceId(trace), id, parent))
}

/// Nanoseconds since 1970.
pub(super) fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}

pub(super) fn text(value: Option<&AnyValue>) -> Option<&str> {
    match value?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

pub(super) fn service_name(resource: Option<&Resource>) -> &str {
    let attribute = resource.and_then(|resource| resource.attributes.iter().find(|attribute| attribute.key == "service.name"));
    let name = attribute.and_then(|attribute| text(attribute.value.as_ref())).filter(|name| !name.is_empty());
    // The specification's word for a service that does not say its name; it takes an empty value for none.
    name.unwrap_or("unknown_service")
}

#[cfg(test)]
mod tests;
