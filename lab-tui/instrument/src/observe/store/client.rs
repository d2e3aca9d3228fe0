//! The lab's own CLIENT spans, one for each request of its load, put straight into the form in which they are kept: there may be as many
//! of them as of all others together.

use std::sync::Arc;
use std::time::Duration;

use lab_facts::event::{Outcome, TraceId};
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};

use super::bytes::put_number;
use super::integrity::Seen;
use super::packed::{Head, UNNAMED, part, put_double, put_inline, put_int, put_symbol, put_text, put_text_tag};
use super::texts::{Symbol, Texts};
use super::{Counts, Inner, Store};

/// The service that they are of.
const LAB: &str = "lab";

/// How many are taken in before somebody else has a turn.
const TURN: usize = 512;

/// A request of the load that has ended. It becomes the root of its trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSpan {
    /// Not zero.
    pub trace_id: TraceId,
    /// Not zero.
    pub span_id: [u8; 8],
    /// The load's name.
    pub load: Arc<str>,
    /// As HTTP writes it; the span's name as well.
    pub method: &'static str,
    /// In full.
    pub url: String,
    /// The host and the port that the URL names.
    pub server: Option<(Arc<str>, u16)>,
    /// Nanoseconds since 1970, as the next two.
    pub intended_unix_nano: u64,
    /// The span's start.
    pub sent_unix_nano: u64,
    /// The span's end.
    pub ended_unix_nano: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// Whether the scenario expects that.
    pub expected: bool,
    /// What was wrong with the connection, if anything.
    pub why: Option<String>,
}

impl ClientSpan {
    /// What is watched of it.
    fn seen(&self) -> Seen {
        Seen {
            trace: self.trace_id,
            span: self.span_id,
            parent: [0; 8],
            start_unix_nano: self.sent_unix_nano,
            is_server: false,
            is_answered_call: matches!(self.outcome, Outcome::Status(_)),
        }
    }
}

impl Store {
    /// Takes in what became of a scenario's requests.
    pub fn add_client_spans(&self, scenario: &str, spans: &[ClientSpan]) {
        let empty = lab();
        for turn in spans.chunks(TURN) {
            let mut inner = self.lock();
            inner.add_client_spans(&empty, scenario, turn);
            inner.make_room();
        }
    }
}

impl Inner {
    fn add_client_spans(&mut self, empty: &ResourceSpans, scenario: &str, spans: &[ClientSpan]) {
        let service = self.service(LAB);
        let origin = self.origins.take(empty, || Arc::clone(&service));
        let keys = Keys::take(&mut self.texts);
        let mut counts = Counts::default();
        let mut tail = std::mem::take(&mut self.scratch);
        for span in spans {
            if self.trace(span.trace_id).find(span.span_id).is_some() {
                continue;
            }
            if let Some(integrity) = &mut self.integrity {
                integrity.add_span(&span.seen(), &service);
            }
            tail.clear();
            let head = pack(span, scenario, origin, &keys, &mut self.texts, &mut tail);
            self.origins.again(origin);
            self.push(span.trace_id, head, &tail);
            counts.spans += 1;
        }
        self.scratch = tail;
        keys.give_back(&mut self.texts);
        self.origins.give_back(origin);
        self.count(&service, counts);
    }
}

/// What all of them say, looked up once for many.
struct Keys([(&'static str, Option<Symbol>); 11]);

const METHOD: usize = 0;
const URL: usize = 1;
const SCENARIO: usize = 2;
const LOAD: usize = 3;
const INTENDED: usize = 4;
const LATENESS: usize = 5;
const ADDRESS: usize = 6;
const PORT: usize = 7;
const STATUS: usize = 8;
const ERROR: usize = 9;
const MESSAGE: usize = 10;

impl Keys {
    fn take(texts: &mut Texts) -> Self {
        const KEYS: [&str; 11] = [
            "http.request.method",
            "url.full",
            "lab.scenario",
            "lab.load",
            "lab.intended_start_unix_nano",
            "lab.lateness_ms",
            "server.address",
            "server.port",
            "http.response.status_code",
            "error.type",
            "error.message",
        ];
        Self(KEYS.map(|key| (key, texts.keep(key))))
    }

    fn give_back(self, texts: &mut Texts) {
        self.0.iter().filter_map(|(_, symbol)| *symbol).for_each(|symbol| texts.give_back(symbol));
    }

    fn put(&self, key: usize, texts: &mut Texts, out: &mut Vec<u8>) {
        match self.0[key] {
            (_, Some(symbol)) => {
                texts.again(symbol);
                put_symbol(out, symbol);
            }
            (key, None) => put_inline(out, key),
        }
    }
}

/// A span's tail into `out`, and its head.
fn pack(span: &ClientSpan, scenario: &str, origin: u32, keys: &Keys, texts: &mut Texts, out: &mut Vec<u8>) -> Head {
    // For a client every status from 400 on is an error, unless it knows more: an answer that the scenario expects is none.
    let status;
    let error = match span.outcome {
        Outcome::Status(code) if code >= 400 && !span.expected => {
            status = code.to_string();
            Some(&*status)
        }
        Outcome::Status(_) => None,
        Outcome::Timeout => Some("timeout"),
        Outcome::ConnectionFailed | Outcome::ConnectionBroken => Some("connection_error"),
        Outcome::Outlasted => Some("outlasted"),
        Outcome::Interrupted => Some("cancelled"),
    };
    let why = span.why.as_deref();
    let mut parts = part::STATUS | part::FLAGS;
    let name = texts.keep(span.method).unwrap_or(UNNAMED);
    if name == UNNAMED {
        parts |= part::NAME;
        put_inline(out, span.method);
    }
    let answered = matches!(span.outcome, Outcome::Status(_));
    let count = 6 + 2 * u64::from(span.server.is_some()) + u64::from(answered) + u64::from(error.is_some()) + u64::from(why.is_some());
    put_number(out, count);
    let lateness = Duration::from_nanos(span.sent_unix_nano.saturating_sub(span.intended_unix_nano));
    let text = |key: usize, value: &str, texts: &mut Texts, out: &mut Vec<u8>| {
        keys.put(key, texts, out);
        put_text_tag(out);
        put_text(out, texts, value);
    };
    text(METHOD, span.method, texts, out);
    text(URL, &span.url, texts, out);
    text(SCENARIO, scenario, texts, out);
    text(LOAD, &span.load, texts, out);
    keys.put(INTENDED, texts, out);
    put_int(out, i64::try_from(span.intended_unix_nano).unwrap_or(i64::MAX));
    keys.put(LATENESS, texts, out);
    put_double(out, lateness.as_secs_f64() * 1000.0);
    if let Some((address, port)) = &span.server {
        text(ADDRESS, address, texts, out);
        keys.put(PORT, texts, out);
        put_int(out, i64::from(*port));
    }
    if let Outcome::Status(code) = span.outcome {
        keys.put(STATUS, texts, out);
        put_int(out, i64::from(code));
    }
    if let Some(error) = error {
        text(ERROR, error, texts, out);
    }
    if let Some(why) = why {
        text(MESSAGE, why, texts, out);
        if !why.is_empty() {
            parts |= part::MESSAGE;
            put_text(out, texts, why);
        }
    }
    // The trace is sampled, and its parent, which there is none of, is not on another machine.
    put_number(out, 0x101);
    Head {
        id: span.span_id,
        parent: [0; 8],
        start: span.sent_unix_nano,
        duration: span.ended_unix_nano.saturating_sub(span.sent_unix_nano),
        name,
        origin,
        tail: 0,
        kind: 3,
        status: if error.is_some() { 2 } else { 0 },
        parts,
    }
}

/// A batch without its spans.
fn lab() -> ResourceSpans {
    let attribute =
        |key: &str, value: Value| KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() };
    let attributes = vec![
        attribute("service.name", Value::StringValue(LAB.to_owned())),
        attribute("service.version", Value::StringValue(env!("CARGO_PKG_VERSION").to_owned())),
        attribute("process.pid", Value::IntValue(std::process::id().into())),
    ];
    let scope = InstrumentationScope { name: "lab.load".to_owned(), ..InstrumentationScope::default() };
    ResourceSpans {
        resource: Some(Resource { attributes, ..Resource::default() }),
        scope_spans: vec![ScopeSpans { scope: Some(scope), ..ScopeSpans::default() }],
        ..ResourceSpans::default()
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::trace::v1::{Span, Status, span::SpanKind, status::StatusCode};

    use super::*;

    fn request(id: u8, outcome: Outcome, why: Option<&str>) -> ClientSpan {
        ClientSpan {
            trace_id: TraceId([id; 16]),
            span_id: [id; 8],
            load: "a load".into(),
            method: "PATCH",
            url: "https://localhost/x?y=1".to_owned(),
            server: Some(("localhost".into(), 443)),
            intended_unix_nano: 1_700_000_000_000_000_000,
            sent_unix_nano: 1_700_000_000_002_000_000,
            ended_unix_nano: 1_700_000_000_012_000_000,
            outcome,
            expected: false,
            why: why.map(str::to_owned),
        }
    }

    /// The same as OTLP, put down field by field.
    fn expected(id: u8, error: Option<&str>, status: Option<i64>, why: Option<&str>) -> ResourceSpans {
        let any = |key: &str, value| KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() };
        let text = |key: &str, value: &str| any(key, Value::StringValue(value.to_owned()));
        let mut attributes = vec![
            text("http.request.method", "PATCH"),
            text("url.full", "https://localhost/x?y=1"),
            text("lab.scenario", "a scenario"),
            text("lab.load", "a load"),
            any("lab.intended_start_unix_nano", Value::IntValue(1_700_000_000_000_000_000)),
            any("lab.lateness_ms", Value::DoubleValue(2.0)),
            text("server.address", "localhost"),
            any("server.port", Value::IntValue(443)),
        ];
        attributes.extend(status.map(|status| any("http.response.status_code", Value::IntValue(status))));
        attributes.extend(error.map(|error| text("error.type", error)));
        attributes.extend(why.map(|why| text("error.message", why)));
        let code = if error.is_some() { StatusCode::Error } else { StatusCode::Unset };
        let mut batch = lab();
        batch.scope_spans[0].spans.push(Span {
            trace_id: vec![id; 16],
            span_id: vec![id; 8],
            name: "PATCH".to_owned(),
            kind: SpanKind::Client.into(),
            start_time_unix_nano: 1_700_000_000_002_000_000,
            end_time_unix_nano: 1_700_000_000_012_000_000,
            attributes,
            status: Some(Status { message: why.unwrap_or_default().to_owned(), code: code.into() }),
            flags: 0x101,
            ..Span::default()
        });
        batch
    }

    #[test]
    fn a_request_is_the_span_that_otlp_would_have_brought() {
        let why = "invalid peer certificate: UnknownIssuer";
        let cases = [
            (Outcome::Status(204), None, None, Some(204)),
            (Outcome::Status(404), None, Some("404"), Some(404)),
            (Outcome::Timeout, None, Some("timeout"), None),
            (Outcome::ConnectionFailed, Some(why), Some("connection_error"), None),
            (Outcome::ConnectionBroken, Some(""), Some("connection_error"), None),
            (Outcome::Outlasted, None, Some("outlasted"), None),
            (Outcome::Interrupted, None, Some("cancelled"), None),
        ];
        // The second round finds what the first one said among the texts that are kept, a store without room never does.
        for store in [Store::new(1 << 20), Store::new(100_000)] {
            for round in [0, 100] {
                for (id, (outcome, why, error, status)) in (round + 1..).zip(cases) {
                    store.add_client_spans("a scenario", &[request(id, outcome, why)]);
                    assert_eq!(store.resource_spans(TraceId([id; 16])), Some(vec![expected(id, error, status, why)]), "{outcome}");
                }
            }
            assert_eq!(store.counts("lab").spans, 14);
        }
        let expecting = Store::new(1 << 20);
        expecting.add_client_spans("a scenario", &[ClientSpan { expected: true, ..request(1, Outcome::Status(404), None) }]);
        assert_eq!(expecting.resource_spans(TraceId([1; 16])), Some(vec![expected(1, None, Some(404), None)]));
        let spans = Store::new(1 << 20);
        spans.add_client_spans("a scenario", &[request(1, Outcome::Timeout, None), request(1, Outcome::Timeout, None)]);
        assert_eq!(spans.counts("lab").spans, 1, "counted once");
    }
}
