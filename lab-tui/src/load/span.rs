//! The root of each trace: the CLIENT span that the load generator leaves for a request.

use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span::SpanKind, status::StatusCode};

use super::RunClock;
use super::sender::uri;
use crate::event::{Outcome, TraceId};
use crate::scenario::Method;

/// Spans of requests that have ended, until they are handed over.
#[derive(Debug)]
pub(super) struct Spans {
    scenario: String,
    clock: RunClock,
    ended: Vec<Span>,
}

/// What a span tells of its request.
#[derive(Debug)]
pub(super) struct Ended<'a> {
    pub(super) trace_id: TraceId,
    pub(super) span_id: [u8; 8],
    pub(super) load: &'a str,
    pub(super) method: Method,
    pub(super) url: &'a str,
    pub(super) intended: Duration,
    pub(super) sent: Duration,
    pub(super) ended: Duration,
    pub(super) outcome: Outcome,
    /// What was wrong with the connection, if anything.
    pub(super) why: Option<&'a str>,
}

impl Spans {
    pub(super) fn new(scenario: &str, clock: RunClock) -> Self {
        Self { scenario: scenario.to_owned(), clock, ended: Vec::new() }
    }

    pub(super) fn push(&mut self, request: &Ended<'_>) {
        let lateness = request.sent.saturating_sub(request.intended);
        let mut attributes = vec![
            text("http.request.method", request.method.as_str()),
            text("url.full", request.url),
            text("lab.scenario", &self.scenario),
            text("lab.load", request.load),
            number("lab.intended_start_unix_nano", i64::try_from(self.clock.unix_nanos(request.intended)).unwrap_or(i64::MAX)),
            attribute("lab.lateness_ms", Value::DoubleValue(lateness.as_secs_f64() * 1000.0)),
        ];
        if let Some(uri) = uri(request.url) {
            let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
            attributes.push(text("server.address", uri.host().unwrap_or_default()));
            attributes.push(number("server.port", i64::from(port)));
        }
        // For a client every status from 400 on is an error, expected by the scenario or not.
        let error = match request.outcome {
            Outcome::Status(status) => {
                attributes.push(number("http.response.status_code", i64::from(status)));
                (status >= 400).then(|| status.to_string())
            }
            Outcome::Timeout => Some("timeout".to_owned()),
            Outcome::ConnectionFailed | Outcome::ConnectionBroken => Some("connection_error".to_owned()),
            Outcome::Outlasted => Some("outlasted".to_owned()),
            Outcome::Interrupted => Some("cancelled".to_owned()),
        };
        if let Some(kind) = &error {
            attributes.push(text("error.type", kind));
        }
        if let Some(why) = request.why {
            attributes.push(text("error.message", why));
        }
        let code = if error.is_some() { StatusCode::Error } else { StatusCode::Unset };
        self.ended.push(Span {
            trace_id: request.trace_id.0.to_vec(),
            span_id: request.span_id.to_vec(),
            name: request.method.to_string(),
            kind: SpanKind::Client.into(),
            start_time_unix_nano: self.clock.unix_nanos(request.sent),
            end_time_unix_nano: self.clock.unix_nanos(request.ended),
            attributes,
            status: Some(Status { message: request.why.unwrap_or_default().to_owned(), code: code.into() }),
            flags: 0x101,
            ..Span::default()
        });
    }

    /// All that have ended since the last call.
    pub(super) fn take(&mut self) -> Option<ResourceSpans> {
        if self.ended.is_empty() {
            return None;
        }
        let resource = Resource {
            attributes: vec![
                text("service.name", "lab"),
                text("service.version", env!("CARGO_PKG_VERSION")),
                number("process.pid", i64::from(std::process::id())),
            ],
            ..Resource::default()
        };
        let scope = InstrumentationScope { name: "lab.load".to_owned(), ..InstrumentationScope::default() };
        let spans = ScopeSpans { scope: Some(scope), spans: std::mem::take(&mut self.ended), ..ScopeSpans::default() };
        Some(ResourceSpans { resource: Some(resource), scope_spans: vec![spans], ..ResourceSpans::default() })
    }
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

fn number(key: &str, value: i64) -> KeyValue {
    attribute(key, Value::IntValue(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(method: Method, outcome: Outcome, why: Option<&str>) -> Span {
        let mut spans = Spans::new("s", RunClock::start_now());
        let (intended, sent, ended) = (Duration::ZERO, Duration::from_millis(2), Duration::from_millis(12));
        let url = "https://localhost/x?y=1";
        spans.push(&Ended { trace_id: TraceId([1; 16]), span_id: [2; 8], load: "l", method, url, intended, sent, ended, outcome, why });
        spans.take().unwrap().scope_spans.remove(0).spans.remove(0)
    }

    fn value(span: &Span, key: &str) -> Option<Value> {
        span.attributes.iter().find(|attribute| attribute.key == key)?.value.clone()?.value
    }

    fn string(span: &Span, key: &str) -> Option<String> {
        value(span, key).map(|value| if let Value::StringValue(text) = value { text } else { panic!("{value:?}") })
    }

    #[test]
    fn a_span_has_its_requests_method_and_place() {
        let span = span(Method::Patch, Outcome::Status(204), None);
        assert_eq!((span.name.as_str(), string(&span, "http.request.method").as_deref()), ("PATCH", Some("PATCH")));
        assert_eq!(
            (string(&span, "server.address").as_deref(), value(&span, "server.port")),
            (Some("localhost"), Some(Value::IntValue(443)))
        );
        assert_eq!(span.end_time_unix_nano - span.start_time_unix_nano, 10_000_000);
        assert_eq!((string(&span, "error.type"), span.status.unwrap().code), (None, StatusCode::Unset.into()));
    }

    #[test]
    fn a_span_says_how_its_request_failed() {
        let why = "invalid peer certificate: UnknownIssuer";
        for (outcome, why, kind) in [
            (Outcome::Status(404), None, "404"),
            (Outcome::Timeout, None, "timeout"),
            (Outcome::ConnectionFailed, Some(why), "connection_error"),
            (Outcome::Outlasted, None, "outlasted"),
            (Outcome::Interrupted, None, "cancelled"),
        ] {
            let span = span(Method::Get, outcome, why);
            assert_eq!((string(&span, "error.type").as_deref(), string(&span, "error.message").as_deref()), (Some(kind), why));
            let status = span.status.unwrap();
            assert_eq!((status.code, status.message.as_str()), (StatusCode::Error.into(), why.unwrap_or_default()));
        }
    }
}
