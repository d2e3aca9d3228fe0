//! How the receiver refuses: in the sender's own encoding, with the reason, and before its patience ends.

use std::time::Duration;

use lab_instrument::observe::otlp::LARGEST_MESSAGE;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::{PROTOBUF, gzip, receiver, request};

/// `google.rpc.Status`, as whoever sends OTLP knows it.
#[derive(Clone, PartialEq, prost::Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

#[tokio::test]
async fn refusals_speak_the_senders_encoding() {
    let receiver = receiver().await;
    let bomb = gzip(&vec![0; LARGEST_MESSAGE + 1]);
    for (path, message) in [("traces", "Trace"), ("logs", "Logs"), ("metrics", "Metrics")] {
        for (body, gzipped, status, code, why) in [
            (vec![255; 9], false, 400, 3, format!("no Export{message}ServiceRequest: ")),
            (gzip(b"short")[..12].to_vec(), true, 400, 3, String::new()),
            (bomb.clone(), true, 413, 8, "limit".to_owned()),
        ] {
            for content_type in [PROTOBUF, "application/json"] {
                let request = receiver.client.post(format!("http://{}/v1/{path}", receiver.http)).header("content-type", content_type);
                let request = if gzipped { request.header("content-encoding", "gzip") } else { request };
                let response = request.body(body.clone()).send().await.unwrap();
                assert_eq!((response.status().as_u16(), response.headers()["content-type"].to_str().unwrap()), (status, content_type));
                let bytes = response.bytes().await.unwrap();
                let told = if content_type == PROTOBUF {
                    Status::decode(bytes).unwrap()
                } else {
                    let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
                    let code = i32::try_from(json["code"].as_i64().unwrap()).unwrap();
                    Status { code, message: json["message"].as_str().unwrap().to_owned() }
                };
                assert!(told.code == code && !told.message.is_empty() && told.message.contains(&why), "{path} {content_type}: {told:?}");
            }
        }
    }
    receiver.assert_works(1).await;
}

/// Each by its own reason: IDs that are none, and a trace that is too large.
#[tokio::test]
async fn spans_are_refused_with_their_reason() {
    let receiver = receiver().await;
    let mut large = request(7);
    let spans = &mut large.resource_spans[0].scope_spans[0].spans;
    let span = |id: u64| Span { trace_id: vec![7; 16], span_id: id.to_be_bytes().to_vec(), name: "x".repeat(1 << 20), ..Span::default() };
    *spans = (1..13).map(span).collect();
    let mut refused = 0;
    let mut told = String::new();
    for turn in 0..4_u64 {
        for span in &mut large.resource_spans[0].scope_spans[0].spans {
            span.span_id[0] = u8::try_from(turn).unwrap();
        }
        let response = receiver.post(large.encode_to_vec(), false).await;
        let answer = ExportTraceServiceResponse::decode(response.bytes().await.unwrap()).unwrap();
        if let Some(partial) = answer.partial_success {
            refused += partial.rejected_spans;
            told = partial.error_message;
        }
    }
    assert_eq!(told, "a trace may take an eighth of the lab's store, and this one has");
    assert_eq!(receiver.store.drops().refused_too_large, u64::try_from(refused).unwrap());
    let mut broken = request(8);
    broken.resource_spans[0].scope_spans[0].spans[0].trace_id = vec![8; 3];
    let answer = receiver.post(broken.encode_to_vec(), false).await.bytes().await.unwrap();
    let partial = ExportTraceServiceResponse::decode(answer).unwrap().partial_success.unwrap();
    assert!(partial.error_message.starts_with("a trace ID has 16 bytes"), "{}", partial.error_message);
}

#[tokio::test]
async fn half_a_request_is_not_waited_for() {
    let receiver = receiver().await;
    let mut sockets = Vec::new();
    for path in ["traces", "logs", "metrics"] {
        for _ in 0..20 {
            let mut socket = TcpStream::connect(receiver.http).await.unwrap();
            let head = format!("POST /v1/{path} HTTP/1.1\r\nHost: x\r\nContent-Type: {PROTOBUF}\r\nContent-Length: 100\r\n\r\nhalf");
            socket.write_all(head.as_bytes()).await.unwrap();
            sockets.push(socket);
        }
    }
    let begun = Instant::now();
    receiver.assert_works(1).await;
    for mut socket in sockets {
        let mut answer = Vec::new();
        // Its end is the end of the connection.
        timeout(Duration::from_secs(30), socket.read_to_end(&mut answer)).await.expect("it is held on to").unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&answer));
    }
    assert!(begun.elapsed() > Duration::from_secs(9), "whoever is slow has some time");
}
