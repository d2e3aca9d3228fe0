//! What users of the standard services rely on, asked from outside: the whole of it on one stack.

use serde_json::{Value, json};

use crate::common::{PATIENCE, Place, Up, attributes_of, client, get, metric, otlp_spans, until};

#[tokio::test]
async fn the_services_keep_their_contract() {
    let place = Place::new();
    let up = place.up(&[]).await;
    die_service(&up).await;
    dice_roller(&up).await;
    frontend(&up).await;
    validation(&up).await;
    every_service(&up).await;
    spans(&place, &up).await;
    up.stop().await;
    place.assert_empty();
}

async fn die_service(up: &Up) {
    let base = up.url("die-service");
    let (status, info) = get(&format!("{base}/")).await;
    assert_eq!(status, 200);
    assert_eq!(
        (&info["service"], &info["loaded_specifications"], &info["database"]),
        (&json!("Die Service API"), &json!(3), &json!("PostgreSQL"))
    );
    let list = client().get(format!("{base}/dice")).send().await.unwrap().text().await.unwrap();
    assert_eq!(list, r#"{"identifiers":["extreme","fair","risky"]}"#);
    let fair = client().get(format!("{base}/dice?identifier=fair")).send().await.unwrap().text().await.unwrap();
    assert_eq!(fair, r#"{"identifier":"fair","specification":{"faces":[1,2,3,4,5,6],"error_rate":0.0}}"#);
    let (_, extreme) = get(&format!("{base}/dice?identifier=extreme")).await;
    assert_eq!(extreme["specification"], json!({"faces": [0, 0, 6, 6, 6, 6], "error_rate": 0.5}));
    for unknown in ["nobody", ""] {
        let (status, body) = get(&format!("{base}/dice?identifier={unknown}")).await;
        let detail = format!("Die identifier '{unknown}' not found. Available: ['extreme', 'fair', 'risky']");
        assert_eq!((status, body), (404, json!({ "detail": detail })));
    }
    assert_eq!(metric(&base, "database_queries_total", &[("query_type", "get"), ("result", "success")]).await, Some(4.0));
    assert_eq!(metric(&base, "die_specifications_requested_total", &[("identifier", "fair")]).await, Some(1.0));
    assert_eq!(metric(&base, "die_specifications_requested_total", &[("identifier", "nobody")]).await, None);
    assert_eq!(metric(&base, "die_list_requests_total", &[]).await, Some(1.0));
    assert_eq!(metric(&base, "die_specifications_loaded", &[]).await, Some(3.0));
    assert_eq!(metric(&base, "database_connection_pool_max", &[]).await, Some(10.0));
    for bucket in ["0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"] {
        assert!(
            metric(&base, "database_query_duration_seconds_bucket", &[("query_type", "get"), ("le", bucket)]).await.is_some(),
            "le={bucket}"
        );
    }
}

async fn dice_roller(up: &Up) {
    let base = up.url("dice-roller");
    let (status, body) = get(&format!("{base}/roll?die=fair")).await;
    assert_eq!(status, 200);
    assert!((1..=6).contains(&body["roll"].as_u64().unwrap()), "{body}");
    let (status, body) = get(&format!("{base}/roll?die=nobody")).await;
    assert_eq!((status, body), (503, json!({"detail": "Die service unavailable or die 'nobody' not found"})));
    // The die's own error rate of one half strikes within 50 rolls, or the dice are loaded (1 in 2^50).
    let mut failed = None;
    for _ in 0..50 {
        let (status, body) = get(&format!("{base}/roll?die=extreme")).await;
        if status == 500 {
            failed = Some(body);
            break;
        }
        assert!([0, 6].contains(&body["roll"].as_u64().unwrap()), "{body}");
    }
    assert_eq!(failed.unwrap(), json!({"detail": "Die 'extreme' failed!"}));
    let (status, body) = get(&format!("{base}/roll-async?die=fair&times=10")).await;
    let rolls = body["rolls"].as_array().unwrap();
    assert_eq!((status, rolls.len(), &body["count"]), (200, 10, &json!(10)));
    assert_eq!(body["total"].as_u64().unwrap(), rolls.iter().map(|roll| roll.as_u64().unwrap()).sum::<u64>());
    let (status, body) = get(&format!("{base}/roll-async?die=extreme&times=20")).await;
    let detail = body["detail"].as_str().unwrap_or_default();
    assert!(status == 200 || detail.starts_with("Async roll batch failed: Die 'extreme' failed on roll "), "{body}");
    assert!(metric(&base, "dice_rolls_total", &[("die_type", "fair"), ("result", "success")]).await.unwrap() >= 1.0);
    assert_eq!(metric(&base, "die_service_requests_total", &[("identifier", "nobody")]).await, None);
    assert_eq!(metric(&base, "die_service_requests_total", &[("identifier", "unknown"), ("status", "error_404")]).await, Some(1.0));
    for face in 0..=8 {
        assert!(metric(&base, "dice_roll_value_bucket", &[("die_type", "fair"), ("le", &face.to_string())]).await.is_some(), "le={face}");
    }
    for size in [1, 2, 3, 5, 10, 15, 20] {
        assert!(metric(&base, "async_roll_batch_size_bucket", &[("le", &size.to_string())]).await.is_some(), "le={size}");
    }
}

async fn frontend(up: &Up) {
    let base = up.url("frontend");
    let response = client().get(format!("{base}/roll?die=fair")).send().await.unwrap();
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    let (traceparent, trace_id) = (header("traceparent"), header("x-trace-id"));
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["trace_id"], trace_id.as_str());
    assert!(
        (1..=6).contains(&body["roll"].as_u64().unwrap()) && traceparent.starts_with(&format!("00-{trace_id}-")),
        "{body} {traceparent}"
    );
    let (status, body) = get(&format!("{base}/roll-async?die=fair&times=3")).await;
    let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(status, 200);
    for key in ["total", "rolls", "count", "trace_id"] {
        assert!(keys.iter().any(|known| *known == key), "{body}");
    }
    // The backend's status passes through.
    let (status, body) = get(&format!("{base}/roll?die=nobody")).await;
    assert_eq!(status, 503);
    assert!(body["detail"].as_str().unwrap().starts_with("Backend error: "), "{body}");
    assert_eq!(body["trace_id"].as_str().unwrap().len(), 32);
    // A caller's trace goes on.
    let theirs = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{theirs}-00f067aa0ba902b7-01");
    let response = client().get(format!("{base}/roll?die=fair")).header("traceparent", parent).send().await.unwrap();
    assert_eq!(response.json::<Value>().await.unwrap()["trace_id"], theirs);
    let page = client().get(format!("{base}/")).send().await.unwrap();
    assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    let page = page.text().await.unwrap();
    for die in ["fair", "risky", "extreme"] {
        assert!(page.contains(die), "{page}");
    }
    // The lab's own page for a trace is the only address in it.
    let addresses = page.replace("http://127.0.0.1:", "").matches("http").count();
    assert!(page.contains("/trace/{trace_id}") && addresses == 0, "an outside resource in {page}");
    let counted = async |status| metric(&base, "frontend_requests_total", &[("status", status)]).await;
    let [received, success, error] = [counted("received").await, counted("success").await, counted("error").await].map(Option::unwrap);
    assert!((received - success - error).abs() < 0.5 && error >= 1.0, "{received} = {success} + {error}");
    assert!(metric(&base, "backend_requests_total", &[("die_type", "unknown"), ("status_code", "503")]).await.unwrap() >= 1.0);
}

async fn validation(up: &Up) {
    let missing = |loc: &str| json!({"type": "missing", "loc": ["query", loc], "msg": "Field required", "input": null});
    for base in [up.url("dice-roller"), up.url("frontend")] {
        assert_eq!(get(&format!("{base}/roll")).await, (422, json!({"detail": [missing("die")]})));
        assert_eq!(get(&format!("{base}/roll-async")).await, (422, json!({"detail": [missing("die"), missing("times")]})));
        for (times, kind) in [("0", "greater_than_equal"), ("21", "less_than_equal"), ("many", "int_parsing"), ("1.5", "int_parsing")] {
            let (status, body) = get(&format!("{base}/roll-async?die=fair&times={times}")).await;
            assert_eq!(
                (status, &body["detail"][0]["type"], &body["detail"][0]["loc"]),
                (422, &json!(kind), &json!(["query", "times"])),
                "{body}"
            );
        }
    }
}

async fn every_service(up: &Up) {
    for service in ["die-service", "dice-roller", "frontend"] {
        let base = up.url(service);
        for path in ["/health/live", "/health/ready", "/metrics", "/"] {
            assert_eq!(get(&format!("{base}{path}")).await.0, 200, "{service}{path}");
        }
        assert_eq!(get(&format!("{base}/nowhere")).await, (404, json!({"detail": "Not Found"})), "{service}");
        let response = client().post(format!("{base}/")).send().await.unwrap();
        assert_eq!(response.status(), 405, "{service}");
        assert!(response.headers().contains_key("traceparent"), "{service}");
        let (_, document) = get(&format!("{base}/openapi.json")).await;
        assert!(document["openapi"].as_str().unwrap().starts_with("3."), "{service}");
        assert!(document["paths"].as_object().unwrap().contains_key("/health/ready"), "{service}: {document}");
        for name in ["process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"] {
            assert!(metric(&base, name, &[]).await.is_some_and(|value| value >= 0.0), "{service} {name}");
        }
        assert!(metric(&base, "http_requests_total", &[("status", "2xx"), ("method", "GET")]).await.unwrap() >= 1.0, "{service}");
        assert!(metric(&base, "http_request_duration_seconds_bucket", &[("le", "0.0025")]).await.is_some(), "{service}");
        assert!(metric(&base, "http_requests_in_progress", &[]).await.is_some(), "{service}");
    }
}

/// One roll's trace: names, kinds, parents and the attributes that queries of others rely on.
async fn spans(place: &Place, up: &Up) {
    let (_, body) = get(&format!("{}/roll?die=risky", up.url("frontend"))).await;
    let id = body["trace_id"].as_str().unwrap();
    until(
        "the whole trace",
        PATIENCE,
        || async move { place.run(&["trace", id, "--json"]).await.stdout.matches("\"kind\": 2,").count() == 3 },
    )
    .await;
    let trace: Value = serde_json::from_str(&place.run(&["trace", id, "--json"]).await.stdout).unwrap();
    let spans = &otlp_spans(&trace);
    let of = |service: &str, kind: &str| {
        let found = spans.iter().find(|span| span["service"] == service && span["kind"] == kind);
        found.unwrap_or_else(|| panic!("no {kind} span of {service} in {trace:#}"))
    };
    let chain = [
        ("frontend", "server"),
        ("frontend", "client"),
        ("dice-roller", "server"),
        ("dice-roller", "client"),
        ("die-service", "server"),
        ("die-service", "client"),
    ];
    for pair in chain.windows(2) {
        let (parent, child) = (of(pair[0].0, pair[0].1), of(pair[1].0, pair[1].1));
        assert_eq!(child["parent_span_id"], parent["span_id"], "{pair:?} in {trace:#}");
    }
    let server = of("die-service", "server");
    assert_eq!(server["name"], "GET /dice");
    let attributes = &server["attributes"];
    assert_eq!(
        (&attributes["http.request.method"], &attributes["http.route"], &attributes["url.path"]),
        (&json!("GET"), &json!("/dice"), &json!("/dice"))
    );
    assert_eq!(attributes["http.response.status_code"], 200);
    assert_eq!(of("frontend", "client")["name"], "GET");
    let database = of("die-service", "client");
    assert_eq!(database["name"], "SELECT die_specifications");
    let attributes = &database["attributes"];
    let expected = json!({
        "db.system.name": "postgresql", "db.system": "postgresql", "db.namespace": "dicedb", "db.operation.name": "SELECT",
        "db.collection.name": "die_specifications", "db.query.summary": "SELECT die_specifications", "server.address": "127.0.0.1",
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&attributes[key], value, "{key} in {attributes:#}");
    }
    assert!(attributes["db.query.text"].as_str().unwrap().contains("$1"), "{attributes:#}");
    assert_eq!(attributes["db.statement"], attributes["db.query.text"]);
    let pool = spans.iter().find(|span| span["service"] == "die-service" && span["kind"] == "internal");
    assert!(pool.is_some(), "a span for the wait on the pool in {trace:#}");
    let logs: Vec<&Value> = trace["resourceLogs"].as_array().unwrap().iter().flat_map(records).collect();
    for log in &logs {
        for key in ["timeUnixNano", "severityText", "severityNumber", "body", "traceId", "spanId"] {
            assert!(!log[key].is_null(), "{log}");
        }
        assert!(attributes_of(&log["attributes"])["logger"].is_string(), "{log}");
    }
    let messages: Vec<&str> = logs.iter().filter_map(|log| log["body"]["stringValue"].as_str()).collect();
    for message in ["Die specification found", "Backend response received", "Request completed"] {
        assert!(messages.contains(&message), "{messages:?}");
    }
    assert!(messages.contains(&"Roll completed") || messages.contains(&"Die triggered error condition"), "{messages:?}");
}

fn records(batch: &Value) -> impl Iterator<Item = &Value> {
    batch["scopeLogs"].as_array().unwrap().iter().flat_map(|scope| scope["logRecords"].as_array().unwrap())
}
