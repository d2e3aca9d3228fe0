//! `lab query`: of backends that answer as they once did, and of a running lab.

use std::net::Ipv4Addr;

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::common::{PATIENCE, Place, get, until};

macro_rules! recorded {
    ($name:literal) => {
        include_bytes!(concat!("../../instrument/src/observe/backends/recorded/", $name))
    };
}

async fn answer(uri: Uri) -> Response {
    let asked = uri.to_string();
    match uri.path() {
        "/api/v1/query_range" if asked.contains("query=sum%28&") => {
            (StatusCode::BAD_REQUEST, recorded!("prometheus-query-bad.json")).into_response()
        }
        "/api/v1/query_range" => recorded!("prometheus-query-range.json").into_response(),
        "/loki/api/v1/query_range" if asked.contains("nobody") => recorded!("loki-none.json").into_response(),
        "/loki/api/v1/query_range" => recorded!("loki-query-range-trace.json").into_response(),
        "/api/search" => recorded!("tempo-search.json").into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

#[tokio::test]
async fn backends_are_asked_by_name_and_by_text() {
    let place = Place::new();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = &format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });

    let listed = place.run(&["query"]).await;
    assert_eq!((listed.code, listed.stdout.lines().count()), (Some(0), 15), "{}", listed.stdout);
    let series = place.run(&["query", "request-rate", "--prometheus-url", url]).await;
    assert_eq!(series.code, Some(0), "{}", series.stderr);
    let first = series.stdout.lines().nth(1).unwrap();
    assert!(first.contains("6.07/s") && first.contains('█') && first.ends_with("service=die-service"), "{first}");
    let json = place.run(&["query", "up", "--promql", "--prometheus-url", url, "--since", "5m", "--json"]).await;
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&json["query"], &json["language"], &json["asked"]), (&"up".into(), &"promql".into(), &"Prometheus".into()));
    assert_eq!(json["series"][0]["points"][0], serde_json::json!([1_795_455_938_000_000_000_u64, 0.0]));
    let lines = place.run(&["query", "error-lines", "--loki-url", url]).await;
    assert!(lines.stdout.lines().count() == 3 && lines.stdout.contains("Roll served"), "{}", lines.stdout);
    let traces = place.run(&["query", "{ }", "--traceql", "--tempo-url", url]).await;
    assert!(traces.stdout.lines().count() == 4 && traces.stdout.contains("frontend GET /roll"), "{}", traces.stdout);
    let none = place.run(&["query", "{a=\"nobody\"}", "--logql", "--loki-url", url]).await;
    assert_eq!((none.code, none.stdout.as_str(), none.stderr.as_str()), (Some(0), "", "Loki has nothing that fits\n"));

    for (arguments, code, said) in [
        (
            &["query", "sum(", "--promql", "--prometheus-url", url][..],
            100,
            "Prometheus refuses the query: invalid parameter \"query\": 1:5",
        ),
        (&["query", "up", "--promql"], 104, "there is no Prometheus to ask; name one with --prometheus-url"),
        (&["query", "db-p59"], 104, "no query is named `db-p59` (did you mean `db-p95`?; a query of your own needs its language"),
        (&["query", "{ statsu = 1 }", "--traceql"], 104, "at character 3: `statsu` is no field"),
        (&["query", "up", "--promql", "--logql"], 104, "cannot be used with"),
        (&["query", "error-traces"], 100, "no lab"),
    ] {
        let refused = place.run(arguments).await;
        assert_eq!(refused.code, Some(code), "{arguments:?}: {}", refused.stderr);
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
    }
    place.assert_empty();
}

#[tokio::test]
async fn the_running_lab_answers_traceql_and_says_what_is_to_be_scraped() {
    let place = Place::new();
    let up = place.up(&[]).await;
    assert_eq!(get(&format!("{}/roll?die=fair", up.url("frontend"))).await.0, 200);
    let place = &place;
    until("the trace", PATIENCE, || async move {
        let found = place.run(&["query", "db-traces", "--json"]).await;
        let found: Value = serde_json::from_str(&found.stdout).unwrap();
        assert_eq!(found["asked"], "the lab");
        found["traces"].as_array().unwrap().len() == 1
    })
    .await;
    let config = place.run(&["query", "--scrape-config"]).await.stdout;
    let address = up.url("die-service");
    let target =
        format!("  - job_name: \"die-service\"\n    static_configs: [{{ targets: [\"{}\"] }}]\n", address.split("//").nth(1).unwrap());
    assert!(config.contains(&target) && config.matches("job_name").count() == 3, "{config}\n{target}");
    up.stop().await;
    place.assert_empty();
}
