//! The roller before a die-service that says what the test wants.

use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode, Uri};
use opentelemetry::trace::SpanKind;
use tokio_util::sync::DropGuard;

use super::Service;
use crate::client::Upstream;
use crate::config::DiceRollerConfig;
use crate::logs::testing::Lines;
use crate::run::{Service as _, Shared};
use crate::testing::{self, Spans, ask, metric, value};

/// A roller, and the die-service that it asks.
struct Lab {
    router: Router,
    shared: Shared,
    spans: Spans,
    _die_service: DropGuard,
}

async fn dice(headers: HeaderMap, uri: Uri) -> Response {
    assert!(headers.contains_key("traceparent"));
    match uri.query().unwrap_or_default() {
        "identifier=fair" => die("fair", "[1,2,3,4,5,6]", "0.0"),
        "identifier=broken" => die("broken", "[1]", "1.0"),
        "identifier=empty" => die("empty", "[]", "0.0"),
        "identifier=slow" => std::future::pending().await,
        "identifier=odd+%26+name" => die("odd & name", "[7]", "0.0"),
        _ => (StatusCode::NOT_FOUND, r#"{"detail":"no"}"#).into_response(),
    }
}

fn die(name: &str, faces: &str, error_rate: &str) -> Response {
    format!(r#"{{"identifier":"{name}","specification":{{"faces":{faces},"error_rate":{error_rate}}}}}"#).into_response()
}

async fn lab() -> Lab {
    let (addr, guard) = testing::serve(Router::new().route("/dice", get(dice))).await;
    let (shared, spans) = testing::shared();
    let config = DiceRollerConfig {
        die_service: Upstream::parse("--die-service-url", &format!("http://{addr}")).unwrap(),
        die_service_timeout: Duration::from_millis(100),
        roll_delay_ms: (0, 0),
    };
    let router = Service::new(shared.clone(), config).unwrap().router().unwrap();
    Lab { router, shared, spans, _die_service: guard }
}

#[tokio::test]
async fn a_roll_shows_a_face_and_leaves_one_of_each_signal() {
    let (lines, _guard) = Lines::capture();
    let lab = lab().await;
    let got = testing::get(&lab.router, "/roll?die=fair").await;
    assert_eq!(got.status, 200);
    let body: serde_json::Value = serde_json::from_str(&got.body).unwrap();
    assert!((1..=6).contains(&body["roll"].as_i64().unwrap()), "{}", got.body);

    let server = lab.spans.named("GET /roll").remove(0);
    let client = lab.spans.named("GET").remove(0);
    assert_eq!(client.span_kind, SpanKind::Client);
    assert_eq!(client.parent_span_id, server.span_context.span_id());
    assert!(value(&client, "url.full").unwrap().ends_with("/dice?identifier=fair"));
    assert_eq!(value(&server, "die.result").as_deref(), Some("success"));
    assert_eq!(lines.with_message("Roll completed")[0]["roll_value"], body["roll"]);
    assert_eq!(metric(&lab.shared, r#"dice_rolls_total{die_type="fair",result="success"}"#), Some(1.0));
    assert_eq!(metric(&lab.shared, r#"die_service_requests_total{identifier="fair",status="success"}"#), Some(1.0));
    assert_eq!(testing::get(&lab.router, "/roll?die=odd+%26+name").await.body, r#"{"roll":7}"#);
}

#[tokio::test]
async fn failures_have_their_own_status_and_words() {
    let lab = lab().await;
    let broken = testing::get(&lab.router, "/roll?die=broken").await;
    assert_eq!((broken.status, broken.body.as_str()), (500, r#"{"detail":"Die 'broken' failed!"}"#));
    for name in ["nope", "slow", "empty"] {
        let got = testing::get(&lab.router, &format!("/roll?die={name}")).await;
        let words = format!(r#"{{"detail":"Die service unavailable or die '{name}' not found"}}"#);
        assert_eq!((got.status, got.body), (503, words));
    }
    let lookups = |status: &str| metric(&lab.shared, &format!(r#"die_service_requests_total{{identifier="unknown",status="{status}"}}"#));
    assert_eq!(lookups("error_404"), Some(1.0));
    assert_eq!(lookups("timeout"), Some(1.0));
    assert_eq!(metric(&lab.shared, r#"dice_rolls_total{die_type="broken",result="error"}"#), Some(1.0));
}

#[tokio::test]
async fn a_batch_is_one_lookup_and_a_span_for_each_roll() {
    let lab = lab().await;
    let got = testing::get(&lab.router, "/roll-async?die=fair&times=10").await;
    let body: serde_json::Value = serde_json::from_str(&got.body).unwrap();
    let rolls: Vec<i64> = body["rolls"].as_array().unwrap().iter().map(|roll| roll.as_i64().unwrap()).collect();
    assert_eq!(body["count"], 10);
    assert_eq!(body["total"], rolls.iter().sum::<i64>());
    assert!(got.body.starts_with(r#"{"total":"#));
    assert_eq!(lab.spans.named("GET").len(), 1);
    let server = lab.spans.named("GET /roll-async").remove(0);
    let mut indices = Vec::new();
    for span in lab.spans.named("async_roll") {
        assert_eq!(span.parent_span_id, server.span_context.span_id());
        indices.push(value(&span, "async.roll_index").unwrap().parse::<i64>().unwrap());
    }
    indices.sort_unstable();
    assert_eq!(indices, (0..10).collect::<Vec<_>>());
    assert_eq!(metric(&lab.shared, r#"async_rolls_total{die_type="fair",result="success"}"#), Some(10.0));
    assert_eq!(metric(&lab.shared, "async_rolls_in_progress"), Some(0.0));

    let failed = testing::get(&lab.router, "/roll-async?die=broken&times=2").await;
    let words = r#"{"detail":"Async roll batch failed: Die 'broken' failed on roll 0"}"#;
    assert_eq!((failed.status, failed.body.as_str()), (500, words));
}

#[tokio::test]
async fn routes_methods_and_parameters_are_checked() {
    let lab = lab().await;
    assert_eq!(testing::get(&lab.router, "/roll").await.status, 422);
    assert_eq!(testing::get(&lab.router, "/roll-async?die=fair&times=21").await.status, 422);
    let unknown = testing::get(&lab.router, "/nope").await;
    assert_eq!((unknown.status, unknown.body.as_str()), (404, r#"{"detail":"Not Found"}"#));
    for method in ["POST", "HEAD", "OPTIONS"] {
        let wrong = ask(&lab.router, method, "/roll", &[]).await;
        assert_eq!(wrong.status, 405, "{method}");
        assert_eq!(wrong.headers["allow"], "GET");
        let words = if method == "HEAD" { "" } else { r#"{"detail":"Method Not Allowed"}"# };
        assert_eq!(wrong.body, words);
    }
    testing::check_document(&lab.router, &[("/roll", &["200", "422", "500", "503"]), ("/roll-async", &["200", "422", "500", "503"])]).await;
}
