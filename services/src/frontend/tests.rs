//! The frontend before services that say what the test wants.

use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, Uri};
use tokio_util::sync::DropGuard;

use super::Service;
use crate::client::Upstream;
use crate::config::FrontendConfig;
use crate::logs::testing::Lines;
use crate::run::{Service as _, Shared};
use crate::testing::{self, Spans, ask, metric};

async fn roll(uri: Uri) -> Response {
    match uri.query().unwrap_or_default() {
        "die=fair" => r#"{"roll":5}"#.into_response(),
        "die=risky" => (StatusCode::INTERNAL_SERVER_ERROR, r#"{"detail":"Die 'risky' failed!"}"#).into_response(),
        "die=slow" => std::future::pending().await,
        "die=garbled" => "{".into_response(),
        _ => (StatusCode::SERVICE_UNAVAILABLE, r#"{"detail":"not found"}"#).into_response(),
    }
}

fn backend() -> Router {
    Router::new()
        .route("/roll", get(roll))
        .route("/roll-async", get(async || r#"{"total":7,"rolls":[5,2],"count":2}"#))
        .route("/dice", get(async || r#"{"identifiers":["extreme","<b>"]}"#))
}

async fn lab() -> (Router, Shared, Spans, DropGuard) {
    let (addr, guard) = testing::serve(backend()).await;
    let (router, shared, spans) = frontend(&format!("http://{addr}"));
    (router, shared, spans, guard)
}

fn frontend(url: &str) -> (Router, Shared, Spans) {
    let (shared, spans) = testing::shared();
    let config = FrontendConfig {
        dice_roller: Upstream::parse("--dice-roller-url", url).unwrap(),
        die_service: Upstream::parse("--die-service-url", url).unwrap(),
        backend_timeout: Duration::from_millis(100),
        backend_async_timeout: Duration::from_millis(100),
        trace_url_template: Some("http://127.0.0.1:3000/trace/{trace_id}".to_owned()),
    };
    (Service::new(shared.clone(), config).unwrap().router().unwrap(), shared, spans)
}

#[tokio::test]
async fn a_roll_comes_back_with_its_trace() {
    let (lines, _guard) = Lines::capture();
    let (router, shared, spans, _backend) = lab().await;
    let sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let got = ask(&router, "GET", "/roll?die=fair", &[("traceparent", sent)]).await;
    assert_eq!(got.body, r#"{"roll":5,"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}"#);
    assert_eq!(got.headers["x-trace-id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    let server = spans.named("GET /roll").remove(0);
    assert_eq!(server.parent_span_id.to_string(), "00f067aa0ba902b7");
    let parent = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{}-01", server.span_context.span_id());
    assert_eq!(got.headers["traceparent"], parent);

    let received = lines.with_message("Backend response received").remove(0);
    assert_eq!(received["backend_status"], 200);
    assert!(received["duration_ms"].is_f64());
    let usage = lines.with_message("Roll requested").remove(0);
    assert_eq!((usage["usage"].clone(), usage["event_type"].clone()), (true.into(), "roll".into()));
    assert_eq!(lines.with_message("Request completed")[0]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");

    let batch = testing::get(&router, "/roll-async?die=fair&times=2").await;
    assert!(batch.body.starts_with(r#"{"total":7,"rolls":[5,2],"count":2,"trace_id":""#), "{}", batch.body);
    assert_eq!(metric(&shared, r#"frontend_requests_total{die_type="fair",status="success"}"#), Some(2.0));
    assert_eq!(metric(&shared, r#"backend_requests_total{die_type="fair",status_code="200"}"#), Some(2.0));
    assert_eq!(metric(&shared, r#"async_roll_requests_total{batch_size="2"}"#), Some(1.0));
}

#[tokio::test]
async fn the_backends_status_passes_through() {
    let (router, shared, _, _backend) = lab().await;
    for (die, status, words) in [
        ("risky", 500, "Backend error: Die 'risky' failed!"),
        ("invented", 503, "Backend error: not found"),
        ("slow", 504, "Backend request timed out"),
        ("garbled", 502, "Backend error: answer not understood"),
    ] {
        let got = testing::get(&router, &format!("/roll?die={die}")).await;
        assert_eq!(got.status, status, "{die}");
        assert!(got.body.starts_with(&format!(r#"{{"detail":"{words}","trace_id":""#)), "{}", got.body);
        assert!(got.body.contains(got.headers["x-trace-id"].to_str().unwrap()));
    }
    let requests = |die: &str, status: &str| metric(&shared, &format!(r#"frontend_requests_total{{die_type="{die}",status="{status}"}}"#));
    for (die, fates) in [("unknown", ["error", "timeout"]), ("risky", ["error", "none"]), ("garbled", ["error", "none"])] {
        let ended: f64 = fates.iter().filter_map(|fate| requests(die, fate)).sum();
        assert_eq!(requests(die, "received"), Some(ended), "{die}");
    }
    assert_eq!(requests("risky", "error"), Some(1.0));
    assert_eq!(requests("unknown", "timeout"), Some(1.0));
    assert_eq!(requests("invented", "error"), None, "a name that nobody confirmed is no label");

    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let (router, shared, _) = frontend(&url);
    assert_eq!(testing::get(&router, "/roll?die=fair").await.status, 503);
    let refused = r#"frontend_requests_total{die_type="unknown",status="connection_error"}"#;
    assert_eq!(metric(&shared, refused), Some(1.0));
    let ready = testing::get(&router, "/health/ready").await;
    assert_eq!((ready.status, ready.body.as_str()), (503, r#"{"status":"unavailable","detail":"die-service"}"#));
    let page = testing::get(&router, "/").await;
    assert_eq!(page.status, 200, "the page comes without dice");
    assert!(page.body.contains("list of dice is not available"));
}

#[tokio::test]
async fn the_page_lists_the_dice_and_remembers_who_comes_back() {
    let (lines, _guard) = Lines::capture();
    let (router, _, _, _backend) = lab().await;
    let first = testing::get(&router, "/").await;
    assert!(first.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(first.body.contains("<option value=\"extreme\">extreme</option>"));
    assert!(first.body.contains("&lt;b&gt;"));
    let cookie = first.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let again = ask(&router, "GET", "/", &[("cookie", &cookie)]).await;
    assert!(!again.headers.contains_key("set-cookie"));
    ask(&router, "GET", "/roll?die=fair", &[("cookie", &cookie)]).await;
    let session = cookie.split('=').nth(1).unwrap();
    let usage: Vec<_> = lines.all().into_iter().filter(|line| line["usage"] == true).collect();
    assert_eq!(usage.len(), 3);
    assert!(usage.iter().all(|line| line["session_id"] == session));
    assert_eq!(usage[0]["event_type"], "page_load");
}

#[tokio::test]
async fn the_document_knows_every_answer() {
    let (router, ..) = lab().await;
    let answers: &[&str] = &["200", "422", "500", "503", "504"];
    testing::check_document(&router, &[("/roll", answers), ("/roll-async", answers)]).await;
}
