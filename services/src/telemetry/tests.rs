//! Export against real receivers, one for each protocol, and against one that never answers.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opentelemetry::Context;
use opentelemetry::trace::{SpanKind, TraceContextExt};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use prost::Message;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::exporter::{Protocol, Settings};
use super::*;
use crate::faults::Faults;
use crate::logs::testing::Lines;
use crate::run::{self, Shared};

#[derive(Clone, Default)]
struct Received(Arc<Mutex<Vec<ExportTraceServiceRequest>>>);

#[tonic::async_trait]
impl TraceService for Received {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        self.0.lock().unwrap().push(request.into_inner());
        Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Received {
    fn spans(&self) -> usize {
        let requests = self.0.lock().unwrap();
        requests.iter().flat_map(|r| &r.resource_spans).flat_map(|r| &r.scope_spans).map(|s| s.spans.len()).sum()
    }

    fn resource(&self, key: &str) -> Option<String> {
        let requests = self.0.lock().unwrap();
        let resource = requests.first()?.resource_spans.first()?.resource.as_ref()?;
        let attribute = resource.attributes.iter().find(|attribute| attribute.key == key)?;
        Some(format!("{:?}", attribute.value))
    }
}

fn exporting(protocol: Protocol, endpoint: String, queue: usize) -> Telemetry {
    let mut telemetry = Telemetry::disabled();
    // A delay that never passes: what arrives was flushed.
    let delay = Some(Duration::from_secs(3600));
    telemetry.export("die-service", Settings { protocol, endpoint: Some(endpoint), queue, delay }).unwrap();
    telemetry
}

fn make_spans(telemetry: &Telemetry, count: usize) {
    for _ in 0..count {
        telemetry.start("GET /dice", SpanKind::Server, &Context::new(), Vec::new).span().end();
    }
}

#[tokio::test]
async fn spans_arrive_over_grpc_and_none_is_lost_at_shutdown() {
    let received = Received::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let router = tonic::service::Routes::new(TraceServiceServer::new(received.clone())).into_axum_router();
    tokio::spawn(async move { axum::serve(listener, router).await });

    let telemetry = exporting(Protocol::Grpc, endpoint, 8192);
    make_spans(&telemetry, 3000);
    telemetry.shutdown(Duration::from_secs(10)).await;
    assert_eq!(received.spans(), 3000);
    assert_eq!(telemetry.spans_lost(), 0);
    assert!(received.resource("service.name").unwrap().contains("die-service"));
    for key in ["service.version", "service.instance.id", "process.pid", "telemetry.sdk.language"] {
        assert!(received.resource(key).is_some(), "{key}");
    }
}

#[tokio::test]
async fn spans_arrive_over_http_and_none_is_lost_at_shutdown() {
    let received = Received::default();
    let theirs = received.clone();
    let router = axum::Router::new().route(
        "/v1/traces",
        axum::routing::post(async move |headers: HeaderMap, body: axum::body::Bytes| {
            assert_eq!(headers["content-type"], "application/x-protobuf");
            theirs.0.lock().unwrap().push(ExportTraceServiceRequest::decode(body).unwrap());
        }),
    );
    let (addr, _guard) = crate::testing::serve(router).await;
    let telemetry = exporting(Protocol::Http, format!("http://{addr}/v1/traces"), 8192);
    make_spans(&telemetry, 3000);
    telemetry.shutdown(Duration::from_secs(10)).await;
    assert_eq!(received.spans(), 3000);
    assert_eq!(telemetry.spans_lost(), 0);
}

#[tokio::test]
async fn a_receiver_that_never_answers_does_not_hold_the_end_back_and_a_full_queue_is_counted() {
    for protocol in [Protocol::Grpc, Protocol::Http] {
        let blackhole = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let telemetry = exporting(protocol, format!("http://{}", blackhole.local_addr().unwrap()), 100);
        make_spans(&telemetry, 250);
        assert_eq!(telemetry.spans_lost(), 150, "{protocol:?}");
        let started = Instant::now();
        telemetry.shutdown(Duration::from_millis(200)).await;
        assert!(started.elapsed() < Duration::from_secs(2), "{protocol:?}");
    }
}

/// A service without routes.
struct Idle;

impl run::Service for Idle {
    fn router(&self) -> Result<axum::Router, String> {
        Ok(axum::Router::new())
    }
}

/// How long a service with this telemetry takes from the request to stop to its end.
async fn stopped(telemetry: Telemetry) -> Duration {
    let shared = Shared::new(telemetry, Faults::for_token(None), None).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (shutdown, asked) = (CancellationToken::new(), Instant::now());
    shutdown.cancel();
    run::run(listener, Idle, shared, shutdown).await.unwrap();
    asked.elapsed()
}

#[tokio::test]
async fn a_slow_receiver_gets_every_span_of_a_service_that_stops() {
    let (lines, _guard) = Lines::capture();
    let received = Received::default();
    let theirs = received.clone();
    let take = axum::routing::post(async move |body: axum::body::Bytes| {
        tokio::time::sleep(Duration::from_millis(900)).await;
        theirs.0.lock().unwrap().push(ExportTraceServiceRequest::decode(body).unwrap());
    });
    let (addr, _server) = crate::testing::serve(axum::Router::new().route("/v1/traces", take)).await;
    let telemetry = exporting(Protocol::Http, format!("http://{addr}/v1/traces"), 100);
    make_spans(&telemetry, 7);
    stopped(telemetry).await;
    assert_eq!(received.spans(), 7);
    assert_eq!(lines.with_message("Spans were left undelivered"), Vec::<serde_json::Value>::new());
}

#[tokio::test]
async fn a_service_with_a_dead_receiver_stops_within_two_seconds() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused = gone.local_addr().unwrap();
    drop(gone);
    let blackhole = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = blackhole.local_addr().unwrap();
    let cases = [(Protocol::Grpc, refused), (Protocol::Http, refused), (Protocol::Grpc, silent), (Protocol::Http, silent)];
    let stopped = cases.map(async |(protocol, addr)| {
        let telemetry = exporting(protocol, format!("http://{addr}/v1/traces"), 100);
        make_spans(&telemetry, 7);
        (protocol, addr, stopped(telemetry).await)
    });
    for (protocol, addr, took) in futures_util::future::join_all(stopped).await {
        assert!(took < Duration::from_secs(2), "{protocol:?} {addr} (silent: {}) {took:?}", addr == silent);
    }
}

#[tokio::test]
async fn what_cannot_be_delivered_is_counted() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let telemetry = exporting(Protocol::Http, endpoint, 1000);
    make_spans(&telemetry, 7);
    telemetry.shutdown(Duration::from_secs(15)).await;
    assert_eq!(telemetry.spans_lost(), 7);
}

#[test]
fn without_an_sdk_the_trace_goes_on_and_a_new_one_is_not_sampled() {
    let telemetry = Telemetry::disabled();
    let mut headers = HeaderMap::new();
    let fresh = telemetry.start("GET /", SpanKind::Server, &telemetry.extract(&headers), Vec::new);
    assert!(fresh.span().span_context().is_valid());
    assert!(!fresh.span().span_context().is_sampled());

    let sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    headers.insert("traceparent", sent.parse().unwrap());
    headers.insert("tracestate", "vendor=1".parse().unwrap());
    headers.insert("baggage", "tenant=a".parse().unwrap());
    let cx = telemetry.start("GET /", SpanKind::Server, &telemetry.extract(&headers), Vec::new);
    let mut passed = HeaderMap::new();
    telemetry.inject(&cx, &mut passed);
    assert_eq!(passed["traceparent"], sent);
    assert_eq!(passed["tracestate"], "vendor=1");
    assert_eq!(passed["baggage"], "tenant=a");
}

#[test]
fn propagators_are_the_users() {
    let mut telemetry = Telemetry::disabled();
    telemetry.read_propagators(Some("none"));
    let cx = telemetry.start("GET /", SpanKind::Server, &Context::new(), Vec::new);
    let mut headers = HeaderMap::new();
    telemetry.inject(&cx, &mut headers);
    assert!(headers.is_empty());
    telemetry.read_propagators(Some("baggage, tracecontext"));
    telemetry.inject(&cx, &mut headers);
    assert!(headers.contains_key("traceparent"));
}

#[test]
fn an_instance_has_a_uuid() {
    let id = instance_id();
    assert_eq!(id.len(), 36);
    assert_eq!(&id[14..15], "4");
    assert!("89ab".contains(&id[19..20]), "{id}");
    assert_ne!(id, instance_id());
}
