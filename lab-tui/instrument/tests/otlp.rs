//! The OTLP receiver against real sockets: what it takes, what it refuses, and that no refusal harms it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

#[path = "otlp/metrics.rs"]
mod metrics;
#[path = "otlp/refused.rs"]
mod refused;

use std::io::Write as _;
use std::net::SocketAddr;

use flate2::Compression;
use flate2::write::GzEncoder;
use lab_facts::event::TraceId;
use lab_instrument::observe::otlp::{LARGEST_MESSAGE, serve_grpc, serve_http};
use lab_instrument::observe::store::{DEFAULT_BYTES, Store};
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::codec::CompressionEncoding;

const PROTOBUF: &str = "application/x-protobuf";

struct Receiver {
    store: Store,
    grpc: SocketAddr,
    http: SocketAddr,
    client: reqwest::Client,
    _stop: DropGuard,
}

async fn receiver() -> Receiver {
    let store = Store::new(DEFAULT_BYTES);
    let stop = CancellationToken::new();
    let grpc_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let http_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (grpc, http) = (grpc_listener.local_addr().unwrap(), http_listener.local_addr().unwrap());
    tokio::spawn(serve_grpc(grpc_listener, store.clone(), stop.clone()));
    tokio::spawn(serve_http(http_listener, store.clone(), stop.clone()));
    let client = lab_instrument::http::local().build().unwrap();
    Receiver { store, grpc, http, client, _stop: stop.drop_guard() }
}

impl Receiver {
    async fn post(&self, body: Vec<u8>, gzip: bool) -> reqwest::Response {
        let request = self.client.post(format!("http://{}/v1/traces", self.http)).header("content-type", PROTOBUF).body(body);
        let request = if gzip { request.header("content-encoding", "gzip") } else { request };
        request.send().await.unwrap()
    }

    async fn post_json(&self, body: &str) -> reqwest::Response {
        let request = self.client.post(format!("http://{}/v1/traces", self.http)).header("content-type", "application/json; charset=utf-8");
        request.body(body.to_owned()).send().await.unwrap()
    }

    /// Still takes a good span on both doors.
    async fn assert_works(&self, id: u8) {
        assert_eq!(self.post(request(id).encode_to_vec(), false).await.status(), 200);
        let mut grpc = TraceServiceClient::connect(format!("http://{}", self.grpc)).await.unwrap();
        grpc.export(request(id + 1)).await.unwrap();
        for id in [id, id + 1] {
            assert_eq!(self.store.trace(TraceId([id; 16])).unwrap().spans[0].service, "somebody");
        }
    }
}

fn request(id: u8) -> ExportTraceServiceRequest {
    let name = Some(AnyValue { value: Some(Value::StringValue("somebody".to_owned())) });
    let attributes = vec![KeyValue { key: "service.name".to_owned(), value: name, ..KeyValue::default() }];
    let span = Span { trace_id: vec![id; 16], span_id: vec![id; 8], name: "work".to_owned(), ..Span::default() };
    let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
    let resource = Some(Resource { attributes, ..Resource::default() });
    ExportTraceServiceRequest { resource_spans: vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }] }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn both_protocols_with_and_without_gzip() {
    let receiver = receiver().await;
    receiver.assert_works(1).await;
    assert_eq!(receiver.post(gzip(&request(3).encode_to_vec()), true).await.status(), 200);
    assert!(receiver.store.trace(TraceId([3; 16])).is_some());
    let grpc = TraceServiceClient::connect(format!("http://{}", receiver.grpc)).await.unwrap();
    grpc.send_compressed(CompressionEncoding::Gzip).export(request(4)).await.unwrap();
    assert!(receiver.store.trace(TraceId([4; 16])).is_some());
    assert_eq!(receiver.store.counts("somebody").spans, 4);
}

/// As browsers and small programs send it.
#[tokio::test]
async fn json_is_taken_and_answered_in_json() {
    let receiver = receiver().await;
    let message = |trace_id: &str| {
        let span = format!(r#"{{"traceId":"{trace_id}","spanId":"eee19b7ec3c1b174","name":"work","kind":2,"startTimeUnixNano":"5"}}"#);
        let resource = r#"{"attributes":[{"key":"service.name","value":{"stringValue":"somebody"}}]}"#;
        format!(r#"{{"resourceSpans":[{{"resource":{resource},"scopeSpans":[{{"spans":[{span}]}}]}}]}}"#)
    };
    let id = "0af7651916cd43dd8448eb211c80319c";
    let response = receiver.post_json(&message(id)).await;
    assert_eq!((response.status().as_u16(), response.headers()["content-type"].to_str().unwrap()), (200, "application/json"));
    assert_eq!(response.text().await.unwrap(), "{}");
    let trace = receiver.store.trace(TraceId::parse(id).unwrap()).unwrap();
    assert_eq!((trace.spans[0].service.as_str(), trace.spans[0].start_unix_nano), ("somebody", 5));
    let request = receiver.client.post(format!("http://{}/v1/traces", receiver.http)).header("content-type", "application/json");
    let zipped = request.header("content-encoding", "gzip").body(gzip(message(&id.replace('0', "1")).as_bytes()));
    assert_eq!(zipped.send().await.unwrap().status(), 200);
    assert_eq!(receiver.store.counts("somebody").server_spans, 2);
    let short: serde_json::Value = receiver.post_json(&message("0af7")).await.json().await.unwrap();
    assert_eq!(short["partialSuccess"]["rejectedSpans"], "1");
    receiver.assert_works(1).await;
}

#[tokio::test]
async fn spans_without_ids_are_refused_by_number() {
    let receiver = receiver().await;
    let mut broken = request(7);
    broken.resource_spans[0].scope_spans[0].spans[0].trace_id = vec![7; 3];
    let response = receiver.post(broken.encode_to_vec(), false).await;
    assert_eq!(response.headers()["content-type"], PROTOBUF);
    let answer = ExportTraceServiceResponse::decode(response.bytes().await.unwrap()).unwrap();
    assert_eq!(answer.partial_success.unwrap().rejected_spans, 1);
    receiver.assert_works(1).await;
}

#[tokio::test]
async fn bodies_that_are_no_protobuf_are_refused() {
    let receiver = receiver().await;
    let good = request(9).encode_to_vec();
    let truncated = good[..good.len() - 5].to_vec();
    // A fixed sequence of noise: the first byte is a wire type that does not exist.
    let noise: Vec<u8> = (0..4096_u32).map(|n| u8::try_from((n.wrapping_mul(2_654_435_761) >> 13) & 0xff).unwrap() | 7).collect();
    for (what, body, gzipped) in [
        ("truncated", truncated.clone(), false),
        ("noise", noise.clone(), false),
        ("noise as gzip", noise, true),
        ("truncated gzip", gzip(&good)[..20].to_vec(), true),
    ] {
        let status = receiver.post(body, gzipped).await.status();
        assert!(status.is_client_error(), "{what}: {status}");
    }
    let json = receiver
        .client
        .post(format!("http://{}/v1/traces", receiver.http))
        .header("content-type", "text/plain")
        .body("x")
        .send()
        .await
        .unwrap();
    assert_eq!(json.status(), 415);
    let json = receiver.post_json("{\"resourceSpans\":7}").await;
    assert_eq!((json.status().as_u16(), json.headers()["content-type"].to_str().unwrap()), (400, "application/json"));
    let status: serde_json::Value = json.json().await.unwrap();
    assert_eq!(status["message"], "no ExportTraceServiceRequest: `resourceSpans` is no list");
    // Noise and a broken preface on the gRPC door.
    for bytes in [&truncated[..], b"GET / HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff"] {
        let mut socket = TcpStream::connect(receiver.grpc).await.unwrap();
        socket.write_all(bytes).await.unwrap();
        socket.shutdown().await.unwrap();
        let mut rest = Vec::new();
        // Whatever it says, it ends the connection.
        let _ = socket.read_to_end(&mut rest).await;
    }
    receiver.assert_works(1).await;
    assert_eq!(receiver.store.counts("somebody").spans, 2);
}

#[tokio::test]
async fn a_hundred_megabytes_are_refused_plain_compressed_and_over_grpc() {
    let receiver = receiver().await;
    let huge = vec![0_u8; 100 << 20];
    // The refusal may come while the client still sends, and cut it off; both are a refusal.
    let sent = receiver
        .client
        .post(format!("http://{}/v1/traces", receiver.http))
        .header("content-type", PROTOBUF)
        .body(huge.clone())
        .send()
        .await;
    assert!(sent.is_err() || sent.is_ok_and(|response| response.status() == 413));
    let bomb = gzip(&huge);
    assert!(bomb.len() < LARGEST_MESSAGE);
    assert_eq!(receiver.post(bomb, true).await.status(), 413);
    let mut grpc = TraceServiceClient::connect(format!("http://{}", receiver.grpc)).await.unwrap().max_encoding_message_size(usize::MAX);
    let mut request_of_size = request(5);
    request_of_size.resource_spans[0].scope_spans[0].spans[0].name = "x".repeat(100 << 20);
    assert!(grpc.export(request_of_size).await.is_err());
    receiver.assert_works(1).await;
    assert!(receiver.store.bytes() < 10_000);
}

fn text(text: &str) -> Option<AnyValue> {
    Some(AnyValue { value: Some(Value::StringValue(text.to_owned())) })
}

/// Log records of `somebody` in the trace of that ID, with these bodies.
fn logs(id: u8, bodies: &[&str]) -> ExportLogsServiceRequest {
    let record = |body: &&str| LogRecord {
        time_unix_nano: 5,
        severity_number: 17,
        trace_id: vec![id; 16],
        body: text(body),
        ..LogRecord::default()
    };
    let resource = request(id).resource_spans.remove(0).resource;
    let log_records = bodies.iter().map(record).collect();
    let scope_logs = vec![ScopeLogs { log_records, ..ScopeLogs::default() }];
    ExportLogsServiceRequest { resource_logs: vec![ResourceLogs { resource, scope_logs, ..ResourceLogs::default() }] }
}

impl Receiver {
    async fn post_logs(&self, content_type: &str, body: Vec<u8>, gzipped: bool) -> reqwest::Response {
        let request = self.client.post(format!("http://{}/v1/logs", self.http)).header("content-type", content_type);
        let request = if gzipped { request.header("content-encoding", "gzip") } else { request };
        request.body(body).send().await.unwrap()
    }

    fn message(&self, id: u8) -> String {
        let trace = self.store.trace(TraceId([id; 16])).unwrap();
        let line = &trace.logs[0].line;
        assert_eq!((trace.logs[0].service.as_str(), line["level"].as_str(), trace.logs[0].unix_nano), ("somebody", Some("ERROR"), 5));
        line["message"].as_str().unwrap().to_owned()
    }
}

/// As every SDK sends them, in each of the ways.
#[tokio::test]
async fn logs_come_in_as_traces_do() {
    let receiver = receiver().await;
    assert_eq!(receiver.post_logs(PROTOBUF, logs(1, &["one"]).encode_to_vec(), false).await.status(), 200);
    assert_eq!(receiver.post_logs(PROTOBUF, gzip(&logs(2, &["two"]).encode_to_vec()), true).await.status(), 200);
    let grpc = LogsServiceClient::connect(format!("http://{}", receiver.grpc)).await.unwrap();
    grpc.send_compressed(CompressionEncoding::Gzip).export(logs(3, &["three"])).await.unwrap();
    let record = format!(r#"{{"timeUnixNano":"5","severityNumber":17,"traceId":"{}","body":{{"stringValue":"four"}}}}"#, TraceId([4; 16]));
    let resource = r#"{"attributes":[{"key":"service.name","value":{"stringValue":"somebody"}}]}"#;
    let json = format!(r#"{{"resourceLogs":[{{"resource":{resource},"scopeLogs":[{{"logRecords":[{record}]}}]}}]}}"#);
    let response = receiver.post_logs("application/json", gzip(json.as_bytes()), true).await;
    assert_eq!((response.status().as_u16(), response.text().await.unwrap().as_str()), (200, "{}"));
    assert_eq!([1, 2, 3, 4].map(|id| receiver.message(id)), ["one", "two", "three", "four"]);
    assert_eq!(receiver.store.counts("somebody").log_lines, 4);
}

#[tokio::test]
async fn logs_that_are_none_are_refused_and_harm_nobody() {
    let receiver = receiver().await;
    let large = "x".repeat(300 << 10);
    let both = receiver.post_logs(PROTOBUF, logs(1, &["good", &large]).encode_to_vec(), false).await;
    let answer = ExportLogsServiceResponse::decode(both.bytes().await.unwrap()).unwrap().partial_success.unwrap();
    assert_eq!((answer.rejected_log_records, answer.error_message.as_str()), (1, "a log record may have 256 KiB, written as JSON"));
    assert_eq!((receiver.message(1).as_str(), receiver.store.counts("somebody").log_lines), ("good", 1));
    let good = logs(1, &["good"]).encode_to_vec();
    for (content_type, body, gzipped, status) in [
        (PROTOBUF, good[..good.len() - 3].to_vec(), false, 400),
        (PROTOBUF, gzip(&good)[..20].to_vec(), true, 400),
        ("application/json", b"{\"resourceLogs\":7}".to_vec(), false, 400),
        ("text/plain", good.clone(), false, 415),
        (PROTOBUF, gzip(&vec![0; 100 << 20]), true, 413),
    ] {
        assert_eq!(receiver.post_logs(content_type, body, gzipped).await.status(), status, "{content_type}");
    }
    receiver.assert_works(2).await;
}
