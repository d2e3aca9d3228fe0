//! What the tests of several modules need: a span exporter that keeps what it gets, and a server on a free port.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::faults::Faults;
use crate::run::Shared;
use crate::telemetry::Telemetry;

/// Keeps every span that ended.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spans(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Spans {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().extend(batch);
        Ok(())
    }
}

impl Spans {
    pub(crate) fn all(&self) -> Vec<SpanData> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn named(&self, name: &str) -> Vec<SpanData> {
        self.all().into_iter().filter(|span| span.name == name).collect()
    }
}

/// An attribute as text.
pub(crate) fn value(span: &SpanData, key: &str) -> Option<String> {
    span.attributes.iter().find(|attribute| attribute.key.as_str() == key).map(|attribute| attribute.value.to_string())
}

/// What the lab of a test asks for faults with.
pub(crate) const FAULT_TOKEN: &str = "of-a-test";

/// What a service shares, with its spans in memory.
pub(crate) fn shared() -> (Shared, Spans) {
    let spans = Spans::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(spans.clone()).build();
    let faults = Faults::for_token(Some(FAULT_TOKEN.to_owned()));
    (Shared::new(Telemetry::with_provider(provider), faults, None).unwrap(), spans)
}

/// Serves a router on a free port until the guard is dropped.
pub(crate) async fn serve(router: Router) -> (SocketAddr, DropGuard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    tokio::spawn(crate::serve::serve(listener, router, shutdown.clone()));
    (addr, shutdown.drop_guard())
}

/// One answer as status, headers and text.
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: String,
}

/// Asks a router without a socket.
pub(crate) async fn ask(router: &Router, method: &str, path: &str, headers: &[(&str, &str)]) -> Got {
    let mut request = http::Request::builder().method(method).uri(path).header("host", "localhost:8111");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(axum::body::Body::empty()).unwrap();
    let response = tower::ServiceExt::oneshot(router.clone(), request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    Got { status: head.status.as_u16(), headers: head.headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

pub(crate) async fn get(router: &Router, path: &str) -> Got {
    ask(router, "GET", path, &[]).await
}

/// Waits until something is so; fails the test when it never is.
pub(crate) async fn until(what: &str, mut so: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never: {what}");
}

/// The value of one metric with its labels, as it is rendered.
pub(crate) fn metric(shared: &Shared, line: &str) -> Option<f64> {
    let text = shared.metrics.render();
    text.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(' ')?.parse().ok())
}

/// Checks that a service's OpenAPI document is whole, and that each path in it is answered.
pub(crate) async fn check_document(router: &Router, statuses: &[(&str, &[&str])]) {
    let document: serde_json::Value = serde_json::from_str(&get(router, "/openapi.json").await.body).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let paths = document["paths"].as_object().unwrap();
    for path in paths.keys() {
        assert_ne!(get(router, path).await.status, 404, "{path} is documented and not there");
    }
    for (path, expected) in statuses {
        let answers = paths[*path]["get"]["responses"].as_object().unwrap();
        let documented: Vec<&str> = answers.keys().map(String::as_str).collect();
        assert_eq!(&documented, expected, "{path}");
    }
    for common in ["/metrics", "/health/live", "/health/ready", "/openapi.json", "/"] {
        assert!(paths.contains_key(common), "{common}");
    }
}
