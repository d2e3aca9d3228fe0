//! A Tempo and a Loki are asked in place of a running lab.

use std::net::Ipv4Addr;

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::common::Place;

/// As these servers once answered.
macro_rules! recorded {
    ($name:literal) => {
        include_bytes!(concat!("../../instrument/src/observe/backends/recorded/", $name))
    };
}

const TRACE: &str = "1641e6277f2019e5c46d4d3df5522334";
const LOGGED: &str = "7e3e29942c9f9e5b7160088756a9dba5";
const UNKNOWN: &str = "00000000000000000000000000000001";

async fn answer(uri: Uri) -> Response {
    let asked = uri.to_string();
    match uri.path() {
        path if path == format!("/api/v2/traces/{TRACE}") => recorded!("tempo-trace-v2-protobuf.pb").into_response(),
        path if path.starts_with("/api/v2/traces/") => ().into_response(),
        "/api/search" if asked.contains("nobody") => recorded!("tempo-search-none.json").into_response(),
        "/api/search" if asked.contains("arithmetic") => (StatusCode::BAD_REQUEST, "invalid TraceQL query").into_response(),
        "/api/search" => recorded!("tempo-search.json").into_response(),
        "/loki/api/v1/query_range" if asked.contains(LOGGED) => recorded!("loki-query-range-trace.json").into_response(),
        "/loki/api/v1/query_range" => recorded!("loki-none.json").into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

#[tokio::test]
async fn tempo_and_loki_are_asked_without_a_running_lab() {
    let place = Place::new();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = &format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });

    let shown = place.run(&["trace", TRACE, "--tempo-url", url, "--loki-url", url]).await;
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    assert!(shown.stdout.contains("13 spans of 3 services") && shown.stdout.contains("frontend GET /roll"), "{}", shown.stdout);
    let unknown = place.run(&["trace", UNKNOWN, "--tempo-url", url]).await;
    assert_eq!((unknown.code, unknown.stderr), (Some(104), format!("lab: Tempo has no trace {UNKNOWN}\n")));

    let found = place.run(&["traces", "{ status = error }", "--tempo-url", url, "--since", "2h", "--json"]).await;
    let found: Value = serde_json::from_str(&found.stdout).unwrap();
    assert_eq!((found.as_array().unwrap().len(), &found[0]["root_name"]), (3, &"GET /roll".into()));
    let none = place.run(&["traces", "{ .who = \"nobody\" }", "--tempo-url", url]).await;
    assert_eq!((none.code, none.stdout.as_str(), none.stderr.as_str()), (Some(0), "", "no trace of that time matches\n"));
    let refused = place.run(&["traces", "{ .what = \"arithmetic\" }", "--tempo-url", url]).await;
    assert_eq!(refused.code, Some(100));
    assert!(refused.stderr.contains("Tempo could not be asked: it refuses the query: invalid TraceQL query"), "{}", refused.stderr);

    let lines = place.run(&["logs", "--trace", LOGGED, "--loki-url", url]).await;
    assert_eq!(lines.stdout.lines().count(), 3, "{}", lines.stdout);
    let first = "2026-11-23T17:46:52.848Z  die-service    INFO     Database query executed ";
    assert!(lines.stdout.starts_with(first) && lines.stdout.contains("  frontend       INFO     Roll served"), "{}", lines.stdout);
    let one = place.run(&["logs", "--trace", LOGGED, "--service", "frontend", "--json", "--loki-url", url]).await;
    assert_eq!(serde_json::from_str::<Value>(&one.stdout).unwrap()["message"], "Roll served");

    // What goes with a running lab alone.
    for flags in
        [&["logs", "--loki-url", url, "--follow"][..], &["traces", "--tempo-url", url, "--lab", "1"], &["trace", TRACE, "--loki-url", url]]
    {
        assert_eq!(place.run(flags).await.code, Some(104), "{flags:?}");
    }
    place.assert_empty();
}
