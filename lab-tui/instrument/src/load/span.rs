//! The root of each trace: the CLIENT span that the load generator leaves for a request.

use std::sync::Arc;
use std::time::Duration;

use lab_facts::event::{Outcome, TraceId};
use lab_facts::scenario::{Method, Plan};

use super::RunClock;
use super::sender::uri;
use crate::observe::store::ClientSpan;

/// Spans of requests that have ended, until they are handed over.
#[derive(Debug)]
pub(super) struct Spans {
    clock: RunClock,
    /// Names of the plan's loads.
    loads: Vec<Arc<str>>,
    ended: Vec<ClientSpan>,
    /// Requests go to few servers, and one after the other to the same: the last scheme and authority, and what they name.
    server: Option<(String, (Arc<str>, u16))>,
}

/// What a span tells of its request.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) trace_id: TraceId,
    pub(super) span_id: [u8; 8],
    /// Its index in the plan.
    pub(super) load: usize,
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) intended: Duration,
    pub(super) sent: Duration,
    pub(super) ended: Duration,
    pub(super) outcome: Outcome,
    /// Whether the plan expects that.
    pub(super) expected: bool,
    /// What was wrong with the connection, if anything.
    pub(super) why: Option<String>,
}

impl Spans {
    pub(super) fn new(plan: &Plan, clock: RunClock) -> Self {
        let loads = plan.loads.iter().map(|load| load.name.as_str().into()).collect();
        Self { clock, loads, ended: Vec::new(), server: None }
    }

    pub(super) fn push(&mut self, request: Ended) {
        let server = self.server(&request.url);
        self.ended.push(ClientSpan {
            trace_id: request.trace_id,
            span_id: request.span_id,
            load: Arc::clone(&self.loads[request.load]),
            method: request.method.as_str(),
            url: request.url,
            server,
            intended_unix_nano: self.clock.unix_nanos(request.intended),
            sent_unix_nano: self.clock.unix_nanos(request.sent),
            ended_unix_nano: self.clock.unix_nanos(request.ended),
            outcome: request.outcome,
            expected: request.expected,
            why: request.why,
        });
    }

    /// The host and the port that a URL names.
    fn server(&mut self, url: &str) -> Option<(Arc<str>, u16)> {
        let path = url.find("://").map_or(0, |scheme| scheme + 3);
        let place = &url[..url[path..].find(['/', '?', '#']).map_or(url.len(), |length| path + length)];
        if let Some((known, server)) = &self.server
            && known == place
        {
            return Some(server.clone());
        }
        let uri = uri(url)?;
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        let server: (Arc<str>, u16) = (uri.host().unwrap_or_default().into(), port);
        self.server = Some((place.to_owned(), server.clone()));
        Some(server)
    }

    /// All that have ended since the last call.
    pub(super) fn take(&mut self) -> Vec<ClientSpan> {
        std::mem::take(&mut self.ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server_of(spans: &mut Spans, url: &str) -> Option<(String, u16)> {
        let (method, outcome, why) = (Method::Get, Outcome::Status(204), None);
        let (intended, sent, ended) = (Duration::ZERO, Duration::from_millis(2), Duration::from_millis(12));
        let (trace_id, span_id, load, url) = (TraceId([1; 16]), [2; 8], 0, url.to_owned());
        spans.push(Ended { trace_id, span_id, load, method, url, intended, sent, ended, outcome, expected: true, why });
        let span = spans.take().remove(0);
        assert_eq!((span.sent_unix_nano - span.intended_unix_nano, span.ended_unix_nano - span.sent_unix_nano), (2_000_000, 10_000_000));
        span.server.map(|(address, port)| (address.to_string(), port))
    }

    #[test]
    fn a_span_knows_its_requests_server_whatever_came_before() {
        let text = "format = 1\ntitle = \"t\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-vus\"\nduration = \"1s\"\n";
        let plan = Plan::parse(&format!("{text}[[load.request]]\nget = \"http://a/\"\n"), "t", &[]).unwrap();
        let mut spans = Spans::new(&plan, RunClock::start_now());
        for (url, server) in [
            ("https://localhost/x?y=1", Some(("localhost", 443))),
            ("https://localhost/z", Some(("localhost", 443))),
            ("http://localhost/z", Some(("localhost", 80))),
            ("http://localhost:8080?a=http://b/", Some(("localhost", 8080))),
            ("http://localhost:808/", Some(("localhost", 808))),
            ("http://a.example/ü b", Some(("a.example", 80))),
            ("http://[::1]:9/", Some(("[::1]", 9))),
            ("http:///", None),
        ] {
            assert_eq!(server_of(&mut spans, url), server.map(|(address, port)| (address.to_owned(), port)), "{url}");
        }
    }
}
