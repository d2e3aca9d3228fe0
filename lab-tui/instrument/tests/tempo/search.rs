//! Searches by everything that they can be narrowed by, and what is refused.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value as Any};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use serde_json::{Value, json};

use crate::{Lab, lab};

/// A second of the year 2026, in seconds since 1970.
const BEGIN: u64 = 1_790_000_000;

fn attribute(key: &str, value: &str) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(Any::StringValue(value.to_owned())) }), ..KeyValue::default() }
}

/// Trace number `id` begins that many seconds after [`BEGIN`] and takes that many milliseconds; its root is of `service`, and has a child
/// of the service `store` with half of the time.
fn add(lab: &Lab, id: u8, service: &str, millis: u64, failed: bool, with_root: bool) {
    let start = (BEGIN + u64::from(id)) * 1_000_000_000;
    let span = |number: u8, name: &str, millis: u64| Span {
        trace_id: vec![id; 16],
        span_id: vec![number; 8],
        parent_span_id: if number == 1 { Vec::new() } else { vec![1; 8] },
        name: name.to_owned(),
        kind: 2,
        start_time_unix_nano: start,
        end_time_unix_nano: start + millis * 1_000_000,
        attributes: vec![attribute("http.route", &format!("/{name}")), attribute("shop", "Corner Shop")],
        status: failed.then(|| Status { code: 2, ..Status::default() }),
        ..Span::default()
    };
    for (service, span) in [(service, span(1, "order", millis)), ("store", span(2, "fetch", millis / 2))] {
        if span.parent_span_id.is_empty() && !with_root {
            continue;
        }
        let resource = Some(Resource { attributes: vec![attribute("service.name", service)], ..Resource::default() });
        let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
        assert_eq!(lab.store.add_spans(ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }), 0);
    }
}

/// Eight traces: of the odd ones `web` is the root, of the even ones `app`; number 4 failed, and the root of number 8 has not come in.
async fn lab_with_traces() -> Lab {
    let lab = lab().await;
    for id in 1..=8 {
        add(&lab, id, if id % 2 == 1 { "web" } else { "app" }, u64::from(id) * 100, id == 4, id != 8);
    }
    lab
}

/// The numbers of the traces that were found, in the order in which they were told.
fn numbers(found: &Value) -> String {
    let ids = found["traces"].as_array().unwrap().iter().map(|trace| trace["traceID"].as_str().unwrap());
    ids.map(|id| id.chars().nth(1).unwrap()).collect()
}

#[tokio::test]
async fn traces_are_found_by_all_that_can_be_asked_for() {
    let lab = lab_with_traces().await;
    let second = |number: u64| BEGIN + number;
    for (query, expected) in [
        (String::new(), "87654321"),
        ("q=%7B%7D".to_owned(), "87654321"),
        ("q=%7B+rootServiceName+%3D+%22web%22+%7D".to_owned(), "7531"),
        ("q=%7B+status+%3D+error+%7D".to_owned(), "4"),
        ("q=%7B+name+%3D~+%22or.*%22+%26%26+duration+%3E%3D+600ms+%7D".to_owned(), "76"),
        ("q=%7B+resource.service.name+%3D+%22web%22+%7D+%3E+%7B+duration+%3C+100ms+%7D".to_owned(), "1"),
        ("limit=2".to_owned(), "87"),
        ("q=%7B%7D&limit=262144".to_owned(), "87654321"),
        ("q=%7B+status+%3D+error+%7D&limit=1".to_owned(), "4"),
        (format!("start={}&end={}", second(3), second(5)), "43"),
        (format!("q=%7B%7D&start={}", second(7)), "87"),
        (format!("end={}", second(2)), "1"),
        ("start=1&end=2".to_owned(), ""),
        ("minDuration=500ms".to_owned(), "765"),
        ("minDuration=200ms&maxDuration=0.4s".to_owned(), "8432"),
        ("q=%7B+rootServiceName+%3D+%22web%22+%7D&maxDuration=300ms".to_owned(), "31"),
        ("tags=service.name%3Dweb".to_owned(), "7531"),
        // Parts of values, in either case; all of the tags, each somewhere in the trace.
        ("tags=shop%3D%22corner+sh%22+service.name%3DAPP".to_owned(), "642"),
        ("tags=service.name%3Dapp+name%3Dfetch+error%3Dtrue".to_owned(), "4"),
        ("tags=status.code%3Derror".to_owned(), "4"),
        ("tags=root.service.name%3Dapp".to_owned(), "642"),
        ("tags=root.name%3Dfetch".to_owned(), ""),
        ("tags=nothing%3Dx".to_owned(), ""),
        ("tags=http.route%3D%2Forder&minDuration=700ms".to_owned(), "7"),
    ] {
        let found = lab.get(&format!("/api/search?{query}")).await.json();
        assert_eq!(numbers(&found), expected, "{query}");
    }
}

#[tokio::test]
async fn a_set_of_spans_is_cut_and_counted() {
    let lab = lab_with_traces().await;
    let found = lab.find("{ kind = server && name != nil }", "&limit=1&spss=1").await;
    let set = &found["traces"][0]["spanSet"];
    assert_eq!((set["spans"].as_array().unwrap().len(), &set["matched"]), (1, &json!(1)));
    let found = lab.find("{ kind = server && name != nil }", &format!("&spss=1&end={}", BEGIN + 2)).await;
    let trace = &found["traces"][0];
    assert_eq!((trace["spanSet"]["spans"].as_array().unwrap().len(), &trace["spanSet"]["matched"]), (1, &json!(2)));
    assert_eq!(trace["spanSet"]["spans"][0]["name"], "order");
    assert_eq!(trace["spanSet"]["spans"][0]["attributes"], json!([{ "key": "kind", "value": { "stringValue": "server" } }]));
    assert_eq!((&trace["rootServiceName"], &trace["rootTraceName"], &trace["durationMs"]), (&json!("web"), &json!("order"), &json!(100)));
    assert_eq!(trace["serviceStats"], json!({ "web": { "spanCount": 1 }, "store": { "spanCount": 1 } }));
    let rootless = &lab.find("{ }", "&limit=1").await["traces"][0];
    assert_eq!((&rootless["rootServiceName"], &rootless["rootTraceName"]), (&json!("<root span not yet received>"), &Value::Null));
}

#[tokio::test]
async fn what_is_wrong_or_not_supported_is_refused_by_name() {
    let lab = lab_with_traces().await;
    for (path, why) in [
        ("search?q=x", "invalid TraceQL query: parse error at line 1, col 1: a query does not begin with `x`"),
        ("search?q=%7B%7D+%7C+rate()", "invalid TraceQL query: parse error at line 1, col 6: `rate` after a pipe is not supported"),
        ("search?q=%7B+event.x+%3D+1+%7D", "invalid TraceQL query: parse error at line 1, col 3: `event.` is not supported"),
        ("search?limit=0", "invalid limit: must be a positive number"),
        ("search?limit=262145", "limit 262145 exceeds max limit 262144"),
        ("search?limit=18446744073709551616", "limit 18446744073709551616 exceeds max limit 262144"),
        ("search?limit=1e9", "invalid limit: must be a positive number"),
        ("search?spss=-1", "invalid spss: must be a positive number"),
        ("search?start=yesterday", "invalid start: `yesterday` is no number of seconds since 1970"),
        ("search?start=5&end=5", "http parameter start must be before end. received start=5 end=5"),
        ("search?minDuration=soon", "invalid minDuration: time: invalid duration \"soon\""),
        ("search?minDuration=2s&maxDuration=2s", "invalid maxDuration: must be greater than minDuration"),
        ("search?tags=%22", "invalid tags: `\"` does not begin with a name"),
        ("search/tags?end=x", "invalid end: `x` is no number of seconds since 1970"),
        (
            "metrics/query_range?q=%7B%7D+%7C+rate()",
            "metrics over traces (rate, quantile_over_time and the like) are not supported by the lab",
        ),
    ] {
        let answer = lab.get(&format!("/api/{path}")).await;
        assert_eq!((answer.status, answer.media_type.as_str()), (400, "text/plain; charset=utf-8"), "{path}");
        assert!(answer.text().starts_with(why), "{path}: {}", answer.text());
    }
    assert_eq!(lab.get("/api/nothing").await.status, 404);
}

/// A page of a stranger may reach 127.0.0.1 by a name of its own; it is told nothing.
#[tokio::test]
async fn who_asks_for_another_host_is_refused() {
    let lab = lab_with_traces().await;
    for (host, status) in [("evil.example", 403), ("localhost:3200", 200), ("host.docker.internal:3200", 200)] {
        let request = lab.client.get(format!("http://{}/api/search", lab.address)).header("host", host);
        assert_eq!(request.send().await.unwrap().status(), status, "{host}");
    }
}
