//! What every request leaves behind, made in one place so that it always agrees with itself: for each request answered
//! there is one count, one SERVER span and one `Request completed` line.
//!
//! That holds as well when nobody waits for the answer any more: hyper then drops the work, and the observation, dropped
//! with it, records the status 499. Metrics and health checks are counted only.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context as TaskContext, Poll};
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use metrics::{Counter, Gauge, Histogram};
use opentelemetry::trace::{FutureExt, SpanKind, Status, TraceContextExt};
use opentelemetry::{Context, KeyValue, StringValue};
use opentelemetry_semantic_conventions::attribute;
use tower::{Layer, Service};

use super::detail;
use crate::faults::{Faults, Strike};
use crate::logs::milliseconds;
use crate::metrics::Metrics;
use crate::run;
use crate::telemetry::{Telemetry, trace_id, traceparent};

/// The status of a request whose client went away, as nginx made it known.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// The span attribute that names the faults which a request met.
const FAULT: &str = "lab.fault";

/// The `handler` of requests that no route matches. A path that a client invents must never become a label.
const UNMATCHED: &str = "unmatched";

/// Wraps every route of a service.
#[derive(Clone)]
pub(crate) struct Observe {
    shared: Arc<Shared>,
}

struct Shared {
    telemetry: Arc<Telemetry>,
    metrics: Metrics,
    faults: Faults,
    in_progress: Gauge,
    /// Answered, but not traced: the caller or the sampler decided so. Whoever counts spans can then tell them from lost ones.
    unsampled: Counter,
    routes: RwLock<Vec<Arc<Route>>>,
}

/// What is known about one route and method: labels, and the handles of its metrics.
struct Route {
    handler: Arc<str>,
    method: &'static str,
    span_name: String,
    /// Metrics and health checks: counted, but neither traced nor logged.
    quiet: bool,
    /// By class of the status: good, refused, failed. There are no redirects.
    requests: [Counter; 3],
    duration: Histogram,
}

impl Observe {
    pub(crate) fn new(service: &run::Shared) -> Self {
        let (telemetry, metrics, faults) = (Arc::clone(&service.telemetry), service.metrics.clone(), service.faults.clone());
        let in_progress = metrics.gauge("http_requests_in_progress", "Requests being answered now, health and metrics left out.", &[]);
        let unsampled = metrics.counter("http_requests_unsampled_total", "Requests answered whose trace is not sampled.", &[]);
        Self { shared: Arc::new(Shared { telemetry, metrics, faults, in_progress, unsampled, routes: RwLock::default() }) }
    }

    pub(super) fn faults(&self) -> Faults {
        self.shared.faults.clone()
    }
}

impl Shared {
    fn route(&self, matched: Option<&MatchedPath>, method: &Method) -> Arc<Route> {
        let handler = matched.map_or(UNMATCHED, MatchedPath::as_str);
        let method = known_method(method);
        let find = |routes: &[Arc<Route>]| routes.iter().find(|route| route.method == method && *route.handler == *handler).cloned();
        if let Some(route) = find(&self.routes.read().unwrap_or_else(PoisonError::into_inner)) {
            return route;
        }
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(route) = find(&routes) {
            return route;
        }
        let requests = ["2xx", "4xx", "5xx"].map(|status| {
            let labels = [("handler", handler), ("status", status), ("method", method)];
            self.metrics.counter("http_requests_total", "Requests answered.", &labels)
        });
        let labels = [("handler", handler), ("method", method)];
        let verb = if method == "_OTHER" { "HTTP" } else { method };
        let route = Arc::new(Route {
            handler: handler.into(),
            method,
            span_name: if matched.is_some() { format!("{verb} {handler}") } else { verb.to_owned() },
            quiet: handler == "/metrics" || handler.starts_with("/health/"),
            requests,
            duration: self.metrics.histogram("http_request_duration_seconds", "Time to answer a request.", &labels),
        });
        routes.push(Arc::clone(&route));
        route
    }
}

/// Methods are a closed set too.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::OPTIONS => "OPTIONS",
        Method::TRACE => "TRACE",
        Method::CONNECT => "CONNECT",
        _ => "_OTHER",
    }
}

impl<S> Layer<S> for Observe {
    type Service = Observed<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Observed { inner, shared: Arc::clone(&self.shared) }
    }
}

/// A service under observation.
#[derive(Clone)]
pub(crate) struct Observed<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> Service<Request> for Observed<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let matched = request.extensions().get::<MatchedPath>();
        let known_path = matched.is_some();
        let mut observation = Observation::begin(&self.shared, matched, &request);
        let cx = observation.cx.clone();
        // A HEAD would be answered like a GET by the router; these routes are for GET alone.
        let work = if request.method() == Method::HEAD && known_path { None } else { Some(self.inner.call(request)) };
        let strike = observation.strike();
        let work = async move {
            let injected = match &strike {
                Some(strike) => inject(strike).await,
                None => None,
            };
            let answered = match (injected, work) {
                (Some(response), _) => Ok(Ok(response)),
                (None, Some(work)) => AssertUnwindSafe(work).catch_unwind().await,
                (None, None) => Ok(Ok(method_not_allowed())),
            };
            let mut response = match answered {
                Ok(Ok(response)) => response,
                Ok(Err(never)) => match never {},
                Err(_) => {
                    tracing::error!("Request handler panicked");
                    detail(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
                }
            };
            observation.tell_trace(response.headers_mut());
            observation.finish(response.status().as_u16());
            Ok(response)
        };
        Box::pin(work.with_context(cx))
    }
}

/// What a route answers to any method but GET.
pub(super) fn method_not_allowed() -> Response {
    let mut response = detail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET"));
    response
}

/// What a fault does to a request before its handler sees it; an answer where the handler is not to see it at all.
async fn inject(strike: &Strike) -> Option<Response> {
    if !strike.latency.is_zero() {
        tokio::time::sleep(strike.latency).await;
    }
    let status = StatusCode::from_u16(strike.status?).ok()?;
    // A failure that is real says more in the log than its access line as well.
    tracing::error!(fault = strike.names.join(", "), status = status.as_u16(), "Fault injected");
    Some(detail(status, status.canonical_reason().unwrap_or("Error")))
}

/// One request under way.
struct Observation {
    shared: Arc<Shared>,
    route: Arc<Route>,
    /// Holds the SERVER span, except for quiet routes.
    cx: Context,
    started: Instant,
    finished: bool,
}

impl Observation {
    fn begin(shared: &Arc<Shared>, matched: Option<&MatchedPath>, request: &Request) -> Self {
        let started = Instant::now();
        let route = shared.route(matched, request.method());
        let cx = if route.quiet {
            Context::new()
        } else {
            shared.in_progress.increment(1.0);
            let parent = shared.telemetry.extract(request.headers());
            shared
                .telemetry
                .start(route.span_name.clone(), SpanKind::Server, &parent, || span_attributes(&route, known_path(matched), request))
        };
        Self { shared: Arc::clone(shared), route, cx, started, finished: false }
    }

    /// What the lab wants this request to meet, if anything; the span names it. Quiet routes are left alone.
    fn strike(&self) -> Option<Strike> {
        let strike = if self.route.quiet { None } else { self.shared.faults.strike(&self.route.handler) }?;
        self.cx.span().set_attribute(KeyValue::new(FAULT, strike.names.join(", ")));
        Some(strike)
    }

    /// The answer names its trace.
    fn tell_trace(&self, headers: &mut HeaderMap) {
        let span = self.cx.span();
        if let (Some(parent), Some(id)) = (traceparent(span.span_context()), trace_id(span.span_context())) {
            headers.insert("traceparent", parent);
            headers.insert("x-trace-id", id);
        }
    }

    fn finish(&mut self, status: u16) {
        self.finished = true;
        let elapsed = self.started.elapsed();
        if !self.route.quiet {
            // Attached, because a request that is dropped has no current span any more.
            let _attached = self.cx.clone().attach();
            tracing::info!(
                method = self.route.method,
                route = &*self.route.handler,
                status,
                duration_ms = milliseconds(elapsed),
                "Request completed"
            );
            self.shared.in_progress.decrement(1.0);
            let span = self.cx.span();
            if !span.is_recording() {
                self.shared.unsampled.increment(1);
            }
            span.set_attribute(KeyValue::new(attribute::HTTP_RESPONSE_STATUS_CODE, i64::from(status)));
            if status >= 500 {
                span.set_attribute(KeyValue::new(attribute::ERROR_TYPE, status.to_string()));
                span.set_status(Status::error(""));
            } else if status == CLIENT_CLOSED_REQUEST {
                span.set_attribute(KeyValue::new(attribute::ERROR_TYPE, "client_closed"));
            }
            span.end();
        }
        let class = match status {
            0..400 => 0,
            400..500 => 1,
            _ => 2,
        };
        self.route.requests[class].increment(1);
        self.route.duration.record(elapsed.as_secs_f64());
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        if !self.finished {
            self.finish(CLIENT_CLOSED_REQUEST);
        }
    }
}

fn known_path(matched: Option<&MatchedPath>) -> bool {
    matched.is_some()
}

fn span_attributes(route: &Route, known_path: bool, request: &Request) -> Vec<KeyValue> {
    let mut attributes = Vec::with_capacity(14);
    attributes.push(KeyValue::new(attribute::HTTP_REQUEST_METHOD, route.method));
    if route.method == "_OTHER" {
        attributes.push(KeyValue::new(attribute::HTTP_REQUEST_METHOD_ORIGINAL, request.method().to_string()));
    }
    if known_path {
        attributes.push(KeyValue::new(attribute::HTTP_ROUTE, StringValue::from(Arc::clone(&route.handler))));
    }
    attributes.push(KeyValue::new(attribute::URL_SCHEME, "http"));
    attributes.push(KeyValue::new(attribute::URL_PATH, request.uri().path().to_owned()));
    if let Some(query) = request.uri().query() {
        attributes.push(KeyValue::new(attribute::URL_QUERY, query.to_owned()));
    }
    let version = if request.version() == Version::HTTP_10 { "1.0" } else { "1.1" };
    attributes.push(KeyValue::new(attribute::NETWORK_PROTOCOL_VERSION, version));
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    if let Some(authority) = text(header::HOST).and_then(|host| host.parse::<http::uri::Authority>().ok()) {
        attributes.push(KeyValue::new(attribute::SERVER_ADDRESS, authority.host().to_owned()));
        attributes.push(KeyValue::new(attribute::SERVER_PORT, i64::from(authority.port_u16().unwrap_or(80))));
    }
    if let Some(agent) = text(header::USER_AGENT) {
        attributes.push(KeyValue::new(attribute::USER_AGENT_ORIGINAL, agent.to_owned()));
    }
    if let Some(peer) = request.extensions().get::<SocketAddr>() {
        attributes.push(KeyValue::new(attribute::CLIENT_ADDRESS, peer.ip().to_string()));
    }
    attributes
}
