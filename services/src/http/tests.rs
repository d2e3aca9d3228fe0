//! Counts, spans and log lines agree, whatever becomes of a request.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::StatusCode;
use opentelemetry::trace::{SpanKind, Status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use utoipa::OpenApi;

use super::{Observe, Routes, detail};
use crate::logs::testing::Lines;
use crate::run::Shared;
use crate::testing::{self, Spans, metric, until, value};

#[derive(OpenApi)]
struct Api;

/// A service with routes for every fate.
fn router(shared: &Shared, entered: &Arc<Notify>) -> axum::Router {
    let mut document = Api::openapi();
    for path in ["/ok", "/fail", "/panic", "/hang", "/slow"] {
        document.paths.add_path_operation(path, vec![utoipa::openapi::HttpMethod::Get], utoipa::openapi::path::Operation::new());
    }
    Routes::new()
        .get("/ok", &(), async || "fine")
        .get("/fail", &(), async || detail(StatusCode::SERVICE_UNAVAILABLE, "away"))
        .get("/panic", &(), async || -> &'static str { panic!("on purpose") })
        .get("/slow", entered, async |entered: axum::extract::State<Arc<Notify>>| {
            entered.notify_one();
            tokio::time::sleep(Duration::from_millis(200)).await;
            "late"
        })
        .get("/hang", entered, async |entered: axum::extract::State<Arc<Notify>>| -> &'static str {
            entered.notify_one();
            std::future::pending().await
        })
        .finish(
            Observe::new(Arc::clone(&shared.telemetry), shared.metrics.clone()),
            shared.metrics.clone(),
            || {},
            Arc::new(|| Box::pin(async { Ok(()) })),
            document,
        )
        .unwrap()
}

fn counted(shared: &Shared) -> usize {
    let text = shared.metrics.render();
    let lines = text.lines().filter(|line| line.starts_with("http_requests_total{"));
    let lines = lines.filter(|line| !line.contains("\"/metrics\"") && !line.contains("\"/health/"));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap()).sum()
}

fn server_spans(spans: &Spans) -> usize {
    spans.all().iter().filter(|span| span.span_kind == SpanKind::Server).count()
}

#[tokio::test]
async fn every_fate_leaves_one_count_one_span_and_one_line() {
    let (lines, _guard) = Lines::capture();
    let (shared, spans) = testing::shared();
    let router = router(&shared, &Arc::default());
    for (method, path, status) in [
        ("GET", "/ok", 200),
        ("GET", "/fail", 503),
        ("GET", "/panic", 500),
        ("GET", "/nowhere", 404),
        ("GET", "/nowhere/else", 404),
        ("DELETE", "/ok", 405),
        ("HEAD", "/ok", 405),
        ("BREW", "/ok", 405),
        ("GET", "/openapi.json", 200),
        ("GET", "/metrics", 200),
        ("GET", "/health/live", 200),
        ("GET", "/health/ready", 200),
    ] {
        let got = testing::ask(&router, method, path, &[]).await;
        assert_eq!(got.status, status, "{method} {path}");
        let quiet = path == "/metrics" || path.starts_with("/health");
        assert_eq!(got.headers.contains_key("traceparent"), !quiet);
        assert_eq!(got.headers.contains_key("x-trace-id"), !quiet);
        if path == "/panic" {
            assert_eq!(got.body, r#"{"detail":"Internal Server Error"}"#);
        }
    }
    assert_eq!(counted(&shared), 9);
    assert_eq!(server_spans(&spans), 9);
    assert_eq!(lines.with_message("Request completed").len(), 9);
    let unmatched = r#"http_requests_total{handler="unmatched",status="4xx",method="GET"}"#;
    assert_eq!(metric(&shared, unmatched), Some(2.0));
    assert_eq!(metric(&shared, "http_requests_in_progress"), Some(0.0));

    let ok = spans.named("GET /ok").remove(0);
    for (key, expected) in [
        ("http.request.method", "GET"),
        ("http.route", "/ok"),
        ("http.response.status_code", "200"),
        ("url.path", "/ok"),
        ("url.scheme", "http"),
        ("server.address", "localhost"),
        ("server.port", "8111"),
        ("network.protocol.version", "1.1"),
    ] {
        assert_eq!(value(&ok, key).as_deref(), Some(expected), "{key}");
    }
    assert_eq!(ok.status, Status::Unset);
    let failed = spans.named("GET /fail").remove(0);
    assert_eq!(value(&failed, "error.type").as_deref(), Some("503"));
    assert!(matches!(failed.status, Status::Error { .. }));
    let lost = spans.named("GET").remove(0);
    assert_eq!((value(&lost, "http.route"), lost.status), (None, Status::Unset));
    let brewed = spans.named("HTTP /ok").remove(0);
    assert_eq!(value(&brewed, "http.request.method").as_deref(), Some("_OTHER"));
    assert_eq!(value(&brewed, "http.request.method_original").as_deref(), Some("BREW"));
}

#[tokio::test]
async fn a_client_that_goes_away_is_a_499_in_every_signal() {
    let (lines, _guard) = Lines::capture();
    let (shared, spans) = testing::shared();
    let entered = Arc::new(Notify::new());
    let (addr, _server) = testing::serve(router(&shared, &entered)).await;
    let mut client = TcpStream::connect(addr).await.unwrap();
    client.write_all(b"GET /hang HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    entered.notified().await;
    assert_eq!(metric(&shared, "http_requests_in_progress"), Some(1.0));
    drop(client);
    until("the request is recorded", || server_spans(&spans) == 1).await;
    let span = spans.named("GET /hang").remove(0);
    assert_eq!(value(&span, "error.type").as_deref(), Some("client_closed"));
    assert_eq!(value(&span, "http.response.status_code").as_deref(), Some("499"));
    let line = lines.with_message("Request completed").remove(0);
    assert_eq!(line["status"], 499);
    assert_eq!(line["trace_id"], span.span_context.trace_id().to_string());
    assert_eq!(metric(&shared, r#"http_requests_total{handler="/hang",status="4xx",method="GET"}"#), Some(1.0));
    assert_eq!(metric(&shared, "http_requests_in_progress"), Some(0.0));
}

#[tokio::test]
async fn shutting_down_waits_for_work_and_not_for_idle_or_endless_clients() {
    let (shared, spans) = testing::shared();
    let entered = Arc::new(Notify::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let served = tokio::spawn(crate::serve::serve(listener, router(&shared, &entered), shutdown.clone()));

    let mut idle = TcpStream::connect(addr).await.unwrap();
    idle.write_all(b"GET /ok HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut some = [0; 16];
    idle.read_exact(&mut some).await.unwrap();
    let mut working = TcpStream::connect(addr).await.unwrap();
    working.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    entered.notified().await;
    let mut endless = TcpStream::connect(addr).await.unwrap();
    endless.write_all(b"GET /hang HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    entered.notified().await;

    let asked = Instant::now();
    shutdown.cancel();
    let mut answer = String::new();
    working.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("late"), "work in flight is finished: {answer}");
    served.await.unwrap();
    assert!(asked.elapsed() < Duration::from_millis(1800));
    assert_eq!(server_spans(&spans), 3, "the endless one is recorded as well");
}
