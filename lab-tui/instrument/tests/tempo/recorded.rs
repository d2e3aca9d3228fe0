//! The recorded answers of a Tempo 3.0.3, and the lab's own.

use std::collections::BTreeSet;

use lab_facts::event::TraceId;
use lab_instrument::observe::export;
use lab_instrument::observe::otlp;
use lab_instrument::observe::store::{DEFAULT_BYTES, Store};
use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message as _;
use prost::encoding::decode_varint;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{Lab, lab};

/// The trace that was recorded in every shape.
const ID: &str = "1641e6277f2019e5c46d4d3df5522334";

macro_rules! recorded {
    ($name:literal) => {
        include_bytes!(concat!("../recorded/tempo-", $name)).as_slice()
    };
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

async fn lab_with_the_trace() -> Lab {
    lab_with_what_was_sent_by(&["frontend", "dice-roller", "die-service"]).await
}

async fn lab_with_what_was_sent_by(services: &[&str]) -> Lab {
    let lab = lab().await;
    for batch in TracesData::decode(recorded!("trace-v1-protobuf.pb")).unwrap().resource_spans {
        let resource = format!("{:?}", batch.resource);
        if services.iter().any(|service| resource.contains(&format!("\"{service}\""))) {
            assert_eq!(lab.store.add_spans(batch), 0);
        }
    }
    lab
}

fn sorted(mut list: Vec<Value>) -> Vec<Value> {
    list.sort_by_key(Value::to_string);
    list
}

/// Each span with its resource, in an order of its own; scopes are what the store does not keep.
fn spans(batches: &Value) -> Vec<Value> {
    let attributes = |of: &Value| Value::from(sorted(of["attributes"].as_array().unwrap().clone()));
    let mut spans = Vec::new();
    for batch in batches.as_array().unwrap() {
        for scope in batch["scopeSpans"].as_array().unwrap() {
            assert!(scope["scope"].is_object());
            for span in scope["spans"].as_array().unwrap() {
                let mut span = span.clone();
                span["attributes"] = attributes(&span);
                spans.push(json!([attributes(&batch["resource"]), span]));
            }
        }
    }
    sorted(spans)
}

/// Each field with the type of what it holds. Maps by names of services are alike for all of them.
fn shape(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let key = if at.ends_with("serviceStats") { "*" } else { key };
                shape(value, &format!("{at}.{key}"), found);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| shape(value, &format!("{at}[]"), found)),
        Value::String(_) => drop(found.insert(format!("{at}: string"))),
        Value::Number(_) => drop(found.insert(format!("{at}: number"))),
        Value::Bool(_) => drop(found.insert(format!("{at}: bool"))),
        Value::Null => drop(found.insert(format!("{at}: null"))),
    }
}

/// The same fields of the same types, but for those that are named.
fn assert_alike(ours: &Value, theirs: &[u8], but: &[&str]) {
    let of = |value: &Value| {
        let mut found = BTreeSet::new();
        shape(value, "", &mut found);
        found.retain(|field| !but.iter().any(|but| field.starts_with(but)));
        found
    };
    assert_eq!(of(ours), of(&json(theirs)), "{ours:#}");
}

#[tokio::test]
async fn a_trace_is_told_field_by_field_as_tempo_tells_it() {
    let lab = lab_with_the_trace().await;
    for accept in [None, Some("application/json"), Some("*/*")] {
        let first = lab.get_as(&format!("/api/traces/{ID}"), accept).await.json();
        assert_eq!(spans(&first["batches"]), spans(&json(recorded!("trace-v1-json.json"))["batches"]));
        let second = lab.get_as(&format!("/api/v2/traces/{ID}"), accept).await.json();
        assert_eq!(spans(&second["trace"]["resourceSpans"]), spans(&json(recorded!("trace-v2-json.json"))["trace"]["resourceSpans"]));
        assert!(second["metrics"]["inspectedBytes"].as_str().unwrap().parse::<u64>().unwrap() > 1000);
    }
    // A short ID has lost its zeros, and one in capitals is the same.
    assert_eq!(lab.get(&format!("/api/traces/{}", ID.to_uppercase())).await.status, 200);

    let spans = |bytes: &[u8]| {
        let mut spans: Vec<_> = TracesData::decode(bytes).unwrap().resource_spans.into_iter().flat_map(|batch| batch.scope_spans).collect();
        let mut spans: Vec<_> = spans.iter_mut().flat_map(|scope| std::mem::take(&mut scope.spans)).collect();
        spans.iter_mut().for_each(|span| span.attributes.sort_by(|one, other| one.key.cmp(&other.key)));
        spans.sort_by(|one, other| one.span_id.cmp(&other.span_id));
        // What is at its default may be said or not.
        spans.iter_mut().for_each(|span| span.status = Some(span.status.take().unwrap_or_default()));
        spans
    };
    let protobuf = lab.get_as(&format!("/api/traces/{ID}"), Some("application/protobuf")).await;
    assert_eq!((protobuf.status, protobuf.media_type.as_str()), (200, "application/protobuf"));
    assert_eq!(spans(&protobuf.body), spans(recorded!("trace-v1-protobuf.pb")));
    let protobuf = lab.get_as(&format!("/api/v2/traces/{ID}"), Some("application/protobuf")).await;
    let (ours, our_metrics) = by_id_response(&protobuf.body);
    let (theirs, their_metrics) = by_id_response(recorded!("trace-v2-protobuf.pb"));
    assert_eq!(spans(ours), spans(theirs));
    // A number in field 1.
    assert_eq!((our_metrics[0], their_metrics[0]), (8, 8));
}

/// Trace and metrics of a `TraceByIDResponse`.
fn by_id_response(bytes: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = Vec::new();
    let mut rest = bytes;
    for tag in [0x0a, 0x12] {
        assert_eq!(rest[0], tag);
        rest = &rest[1..];
        let length = usize::try_from(decode_varint(&mut rest).unwrap()).unwrap();
        parts.push(&rest[..length]);
        rest = &rest[length..];
    }
    assert!(rest.is_empty());
    (parts[0], parts[1])
}

#[tokio::test]
async fn unknown_and_bad_ids_are_answered_as_tempo_answers_them() {
    let lab = lab_with_the_trace().await;
    let unknown = "00000000000000000000000000000001";
    let first = lab.get(&format!("/api/traces/{unknown}")).await;
    assert_eq!((first.status, first.body.len()), (404, 0));
    assert_eq!(lab.get(&format!("/api/v2/traces/{unknown}")).await.json(), json(recorded!("trace-unknown.json")));
    let protobuf = lab.get_as(&format!("/api/v2/traces/{unknown}"), Some("application/protobuf")).await;
    assert_eq!(by_id_response(&protobuf.body), (&[][..], &[][..]));
    for way in ["/api/traces", "/api/v2/traces"] {
        let bad = lab.get(&format!("{way}/xyz")).await;
        assert_eq!((bad.status, bad.media_type.as_str()), (400, "text/plain; charset=utf-8"));
        assert_eq!(bad.body, recorded!("trace-bad-id.txt"));
        assert_eq!(lab.get(&format!("{way}/{ID}0")).await.text(), "trace IDs can't be larger than 128 bits");
    }
}

#[tokio::test]
async fn what_is_asked_before_anything_else_is_answered() {
    let lab = lab().await;
    for (path, expected) in [("/api/echo", recorded!("echo.txt")), ("/ready", recorded!("ready.txt"))] {
        let answer = lab.get(path).await;
        assert_eq!((answer.status, answer.media_type.as_str(), answer.body.as_slice()), (200, "text/plain; charset=utf-8", expected));
    }
    for path in ["/api/status/buildinfo", "/status/buildinfo"] {
        assert_alike(&lab.get(path).await.json(), recorded!("buildinfo.json"), &[]);
    }
}

#[tokio::test]
async fn searches_are_told_field_by_field_as_tempo_tells_them() {
    // When Tempo was asked, the spans of the third service had not come in.
    let lab = lab_with_what_was_sent_by(&["frontend", "dice-roller"]).await;
    let found = lab.find(r#"{ resource.service.name = "frontend" }"#, "&limit=3").await;
    assert_alike(&found, recorded!("search.json"), &[]);
    // The first of those that Tempo found is this very trace; of its spans Tempo tells any three.
    let (mut ours, mut theirs) = (found["traces"][0].clone(), json(recorded!("search.json"))["traces"][0].clone());
    for one in [&mut ours, &mut theirs] {
        assert_eq!(one["spanSets"][0], one["spanSet"]);
        assert_eq!(one["spanSet"]["spans"].as_array().unwrap().len(), 3);
        assert_eq!(one["spanSet"]["matched"], 4);
        one.as_object_mut().unwrap().retain(|key, _| !key.starts_with("spanSet"));
    }
    assert_eq!(ours, theirs);
    let selected = lab.find("{ span.http.route = \"/roll\" } | select(span.http.status_code)", "&limit=2&spss=3").await;
    assert_alike(
        &selected,
        recorded!("search-select.json"),
        &[".traces[].spanSet.spans[].attributes", ".traces[].spanSets[].spans[].attributes"],
    );
    let attributes: Vec<&str> = selected["traces"][0]["spanSet"]["spans"][0]["attributes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["key"].as_str().unwrap())
        .collect();
    assert_eq!(attributes, ["http.route", "http.status_code"]);
    let tags = lab.get("/api/search?tags=service.name%3Ddice-roller&minDuration=1ms&limit=2").await.json();
    assert_alike(&tags, recorded!("search-tags-logfmt.json"), &[".metrics"]);
    let none = lab.find(r#"{ resource.service.name = "nobody" }"#, "").await;
    assert_alike(&none, recorded!("search-none.json"), &[]);
    assert_eq!(none["traces"], json!([]));
    let unsupported = lab.find(r#"{ span.nothing.of.the.kind > "a" }"#, "").await;
    assert_alike(&unsupported, recorded!("search-unsupported-type.json"), &[]);
    let bad = lab.get("/api/search?q=%7B+resource.service.name+%3D+").await;
    assert_eq!((bad.status, bad.media_type.as_str()), (400, "text/plain; charset=utf-8"));
    let recorded = std::str::from_utf8(recorded!("search-bad-query.txt")).unwrap();
    let place = recorded.split("syntax error").next().unwrap();
    assert!(bad.text().starts_with(place), "{} begins with {place}", bad.text());
}

/// A status is a text among the attributes, and services count their errors.
#[tokio::test]
async fn errors_are_told_as_tempo_tells_them() {
    let lab = lab().await;
    let mut batches = TracesData::decode(recorded!("trace-v1-protobuf.pb")).unwrap().resource_spans;
    let spans = batches.iter_mut().flat_map(|batch| &mut batch.scope_spans).flat_map(|scope| &mut scope.spans);
    spans.for_each(|span| span.status.get_or_insert_default().code = 2);
    batches.into_iter().for_each(|batch| assert_eq!(lab.store.add_spans(batch), 0));
    let found = lab.find("{ status = error && duration > 1ms }", "&limit=2").await;
    assert_alike(&found, recorded!("search-status-error.json"), &[]);
    let attributes = &found["traces"][0]["spanSet"]["spans"][0]["attributes"];
    assert_eq!(*attributes, json!([{ "key": "status", "value": { "stringValue": "error" } }]));
    let told = lab.get(&format!("/api/traces/{ID}")).await.text();
    assert!(told.contains(r#""status":{"code":"STATUS_CODE_ERROR"}"#), "{told}");
}

#[tokio::test]
async fn tags_and_their_values_have_tempos_shapes() {
    let lab = lab_with_the_trace().await;
    let first = lab.get("/api/search/tags").await.json();
    assert_alike(&first, recorded!("tags-v1.json"), &[]);
    let names =
        |value: &Value| -> BTreeSet<String> { value.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect() };
    let theirs = names(&json(recorded!("tags-v1.json"))["tagNames"]);
    let ours = names(&first["tagNames"]);
    assert!(ours.is_subset(&theirs) && ours.contains("http.route") && ours.contains("service.name"), "{ours:?}");
    let second = lab.get("/api/v2/search/tags").await.json();
    assert_alike(&second, recorded!("tags-v2.json"), &[]);
    let scopes: Vec<&str> = second["scopes"].as_array().unwrap().iter().map(|scope| scope["name"].as_str().unwrap()).collect();
    assert_eq!(scopes, ["span", "intrinsic", "resource"]);
    let resource = lab.get("/api/v2/search/tags?scope=resource&start=1&end=2000000000&limit=5000").await.json();
    assert_eq!(resource["scopes"].as_array().unwrap().len(), 1);
    assert_eq!(names(&resource["scopes"][0]["tags"]), names(&json(recorded!("tags-v2.json"))["scopes"][2]["tags"]));
    assert_eq!(lab.get("/api/v2/search/tags?scope=event").await.json()["scopes"], json!([]));
    let bad = lab.get("/api/v2/search/tags?scope=galaxy").await;
    assert_eq!((bad.status, bad.text()), (400, "invalid scope: galaxy".to_owned()));
    // Nothing that is offered is refused in a query.
    for name in names(&second["scopes"][1]["tags"]) {
        let answer = lab.get(&format!("/api/search?q=%7B+{name}+!%3D+nil+%7D")).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
    }

    let values = lab.get("/api/search/tag/service.name/values").await.json();
    assert_alike(&values, recorded!("tag-values-v1.json"), &[]);
    assert_eq!(values["tagValues"], json!(["dice-roller", "die-service", "frontend"]));
    let values = lab.get("/api/v2/search/tag/resource.service.name/values").await.json();
    assert_alike(&values, recorded!("tag-values-v2.json"), &[]);
    let expected = |values: &[(&str, &str)]| values.iter().map(|(kind, value)| json!({ "type": kind, "value": value })).collect::<Value>();
    for (tag, query, values) in [
        ("span.http.status_code", "", &[("int", "200")][..]),
        (".http.route", "", &[("string", "/dice"), ("string", "/roll")]),
        (
            "kind",
            "",
            &[("keyword", "client"), ("keyword", "consumer"), ("keyword", "internal"), ("keyword", "producer"), ("keyword", "server")],
        ),
        ("status", "", &[("keyword", "error"), ("keyword", "ok"), ("keyword", "unset")]),
        ("rootServiceName", "", &[("string", "frontend")]),
        ("trace:rootName", "", &[("string", "GET /roll")]),
        ("trace:id", "", &[]),
        ("span.absent", "", &[]),
        // A query narrows them; one that is still being written does not.
        ("name", "?q=%7B+kind+%3D+client+%7D", &[("string", "GET"), ("string", "SELECT")]),
        (
            "resource.service.name",
            "?q=%7B+resource.service.name+%3D",
            &[("string", "dice-roller"), ("string", "die-service"), ("string", "frontend")],
        ),
        ("resource.service.name", "?start=1&end=2", &[]),
    ] {
        let answer = lab.get(&format!("/api/v2/search/tag/{tag}/values{query}")).await.json();
        assert_eq!(answer["tagValues"], expected(values), "{tag}{query}");
    }
    let bad = lab.get("/api/v2/search/tag/service.name/values").await;
    assert_eq!((bad.status, bad.text()), (400, "tag name is not valid intrinsic or scoped attribute: service.name".to_owned()));
}

/// What one lab tells of a trace, another one takes: by OTLP, as JSON and as protobuf.
#[tokio::test]
async fn a_trace_of_one_lab_can_be_sent_to_another() {
    let lab = lab_with_the_trace().await;
    let id = TraceId::parse(ID).unwrap();
    lab.store
        .add_log("frontend", &format!(r#"{{"level":"INFO","message":"hello","trace_id":"{ID}","span_id":"aa8af5839703 0b09","n":1}}"#));
    let trace = lab.store.trace(id).unwrap();
    let told = export::otlp_json(&trace);
    assert_eq!(told["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["severityNumber"], 9);
    let protobuf = lab.get_as(&format!("/api/traces/{ID}"), Some("application/protobuf")).await.body;
    for (media_type, body) in [("application/json", told.to_string().into_bytes()), ("application/x-protobuf", protobuf)] {
        let other = Store::new(DEFAULT_BYTES);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(otlp::serve_http(listener, other.clone(), stop.clone()));
        let sent = lab.client.post(format!("http://{address}/v1/traces")).header("content-type", media_type).body(body).send();
        assert_eq!(sent.await.unwrap().status(), 200);
        assert_eq!(other.trace(id).unwrap().spans, trace.spans, "{media_type}");
        stop.cancel();
    }
}
