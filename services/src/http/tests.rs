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
        .finish(Observe::new(shared), shared.metrics.clone(), || {}, Arc::new(|| Box::pin(async { Ok(()) })), document)
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

/// Faults, asked for as a lab does: over a real connection.
mod faults {
    use super::*;
    use crate::testing::FAULT_TOKEN;

    /// Status and body of one request on a connection of its own.
    async fn send(addr: std::net::SocketAddr, method: &str, path: &str, token: Option<&str>, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let token = token.map_or(String::new(), |token| format!("authorization: Bearer {token}\r\n"));
        let length = body.len();
        let text = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{token}content-length: {length}\r\n\r\n{body}");
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
    }

    fn wanted(lease_ms: u32, faults: &str) -> String {
        format!(r#"{{"lease_ms":{lease_ms},"faults":[{faults}]}}"#)
    }

    const BROKEN: &str = r#"{"name":"broken","route":"/ok","probability":1.0,"seed":1,"effect":{"error":{"status":502}}}"#;
    const SLOW: &str = r#"{"name":"slow","probability":1.0,"seed":1,"effect":{"latency":{"ms":120}}}"#;

    #[tokio::test]
    async fn an_injected_error_is_one_in_every_signal_and_asking_for_it_is_none() {
        let (lines, _guard) = Lines::capture();
        let (shared, spans) = testing::shared();
        let (addr, _server) = testing::serve(router(&shared, &Arc::default())).await;
        let asked = send(addr, "PUT", "/lab/faults", Some(FAULT_TOKEN), &wanted(3000, &format!("{BROKEN},{SLOW}"))).await;
        assert_eq!(asked, (200, r#"{"struck":{}}"#.to_owned()));
        assert_eq!((counted(&shared), server_spans(&spans), lines.with_message("Request completed").len()), (0, 0, 0));

        let (status, body) = send(addr, "GET", "/ok", None, "").await;
        assert_eq!((status, body.as_str()), (502, r#"{"detail":"Bad Gateway"}"#));
        let span = spans.named("GET /ok").remove(0);
        for (key, expected) in [("http.response.status_code", "502"), ("error.type", "502"), ("lab.fault", "broken, slow")] {
            assert_eq!(value(&span, key).as_deref(), Some(expected), "{key}");
        }
        assert!(matches!(span.status, Status::Error { .. }));
        let took = span.end_time.duration_since(span.start_time).unwrap();
        assert!(took >= Duration::from_millis(120), "the wait lies inside of the span: {took:?}");
        assert_eq!(metric(&shared, r#"http_requests_total{handler="/ok",status="5xx",method="GET"}"#), Some(1.0));
        for message in ["Request completed", "Fault injected"] {
            let line = lines.with_message(message).remove(0);
            assert_eq!((&line["status"], &line["trace_id"]), (&502.into(), &span.span_context.trace_id().to_string().into()));
        }
        // Another route meets the fault without a route alone, and what keeps the service running meets nothing.
        assert_eq!(send(addr, "GET", "/fail", None, "").await.0, 503);
        assert_eq!(value(&spans.named("GET /fail").remove(0), "lab.fault").as_deref(), Some("slow"));
        let started = Instant::now();
        for quiet in ["/metrics", "/health/live", "/health/ready"] {
            assert_eq!(send(addr, "GET", quiet, None, "").await.0, 200, "{quiet}");
        }
        assert!(started.elapsed() < Duration::from_millis(120));

        assert_eq!(
            send(addr, "PUT", "/lab/faults", Some(FAULT_TOKEN), &wanted(3000, "")).await,
            (200, r#"{"struck":{"broken":1,"slow":2}}"#.to_owned())
        );
        assert_eq!(send(addr, "GET", "/ok", None, "").await.0, 200);
        assert_eq!(value(&spans.named("GET /ok").remove(1), "lab.fault"), None);
        assert_eq!((counted(&shared), server_spans(&spans), lines.with_message("Request completed").len()), (3, 3, 3));
    }

    #[tokio::test]
    async fn what_nobody_renews_lapses() {
        let (shared, _spans) = testing::shared();
        let (addr, _server) = testing::serve(router(&shared, &Arc::default())).await;
        for _ in 0..3 {
            assert_eq!(send(addr, "PUT", "/lab/faults", Some(FAULT_TOKEN), &wanted(600, BROKEN)).await.0, 200);
            assert_eq!(send(addr, "GET", "/ok", None, "").await.0, 502);
        }
        let renewed = Instant::now();
        while send(addr, "GET", "/ok", None, "").await.0 == 502 {
            assert!(renewed.elapsed() < Duration::from_secs(10), "never lapsed");
        }
        assert!(renewed.elapsed() < Duration::from_millis(1600));
    }

    /// Who has no business there sees an unknown path, in every signal.
    #[tokio::test]
    async fn the_control_route_is_hidden_from_all_but_the_lab() {
        let (lines, _guard) = Lines::capture();
        let (shared, spans) = testing::shared();
        let (addr, _server) = testing::serve(router(&shared, &Arc::default())).await;
        let body = wanted(3000, BROKEN);
        let not_found = (404, r#"{"detail":"Not Found"}"#.to_owned());
        for (method, token) in
            [("PUT", None), ("PUT", Some("of-a-tesT")), ("PUT", Some("")), ("GET", Some(FAULT_TOKEN)), ("POST", Some(FAULT_TOKEN))]
        {
            assert_eq!(send(addr, method, "/lab/faults", token, &body).await, not_found, "{method} {token:?}");
        }
        // From elsewhere: the peer's address is what the listener says.
        for (peer, status) in [("192.0.2.1:5", 404), ("[::ffff:127.0.0.1]:5", 200)] {
            let request = http::Request::put("/lab/faults").header("authorization", format!("Bearer {FAULT_TOKEN}"));
            let mut request = request.body(axum::body::Body::from(wanted(1, ""))).unwrap();
            request.extensions_mut().insert(peer.parse::<std::net::SocketAddr>().unwrap());
            let answer = tower::ServiceExt::oneshot(router(&shared, &Arc::default()), request).await.unwrap();
            assert_eq!(answer.status().as_u16(), status, "{peer}");
        }
        assert_eq!(send(addr, "GET", "/ok", None, "").await.0, 200, "nothing was injected");
        assert_eq!((counted(&shared), server_spans(&spans), lines.with_message("Request completed").len()), (7, 7, 7));
        assert!(!shared.metrics.render().contains("/lab/faults"), "a hidden path became a label");

        // A service that was given no token has no such path.
        let without = {
            let mut shared = shared;
            shared.faults = crate::faults::Faults::for_token(None);
            shared
        };
        let (addr, _server) = testing::serve(router(&without, &Arc::default())).await;
        for token in [None, Some(""), Some(FAULT_TOKEN)] {
            assert_eq!(send(addr, "PUT", "/lab/faults", token, &body).await, not_found);
        }
    }

    #[tokio::test]
    async fn what_cannot_be_is_refused_in_one_sentence_and_changes_nothing() {
        let (shared, _spans) = testing::shared();
        let (addr, _server) = testing::serve(router(&shared, &Arc::default())).await;
        let put = async |body: String| send(addr, "PUT", "/lab/faults", Some(FAULT_TOKEN), &body).await;
        assert_eq!(put(wanted(3000, BROKEN)).await.0, 200);
        for (body, sentence) in [
            (wanted(3001, ""), "a lease lasts 1 to 3000 ms, not 3001"),
            (wanted(0, ""), "a lease lasts 1 to 3000 ms, not 0"),
            (wanted(9, &BROKEN.replace("/ok", "/oh")), "there is no route /oh that could be disturbed; there are /ok, /fail"),
            (wanted(9, &BROKEN.replace("/ok", "/metrics")), "there is no route /metrics that could be disturbed"),
            (wanted(9, &BROKEN.replace("1.0", "0.0")), "a probability is above 0 and up to 1, not 0"),
            (wanted(9, &BROKEN.replace("502", "200")), "an error status is 400 to 599, not 200"),
            (wanted(9, &BROKEN.replace("effect", "efect")), "unknown field `efect`"),
            ("nonsense".to_owned(), "expected"),
        ] {
            let (status, said) = put(body).await;
            assert!(status == 422 && said.contains(sentence), "{status} {said}");
        }
        assert_eq!(put(" ".repeat(70_000)).await.0, 413);
        assert_eq!(send(addr, "GET", "/ok", None, "").await.0, 502, "what was there before still is");
    }
}
