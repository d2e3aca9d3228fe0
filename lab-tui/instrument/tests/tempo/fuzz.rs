//! Questions that nobody would ask. Whatever they are, they are answered, and never by a 500.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::{Lab, lab};

/// What questions are made of.
const PATHS: [&str; 18] = [
    "/",
    "/api/echo",
    "/ready",
    "/api/traces/",
    "/api/v2/traces/",
    "/trace/",
    "/api/search",
    "/api/search/tags",
    "/api/v2/search/tags",
    "/api/search/tag/",
    "/api/v2/search/tag/",
    "/values",
    "/api/metrics/query",
    "/api/status/buildinfo",
    "resource.service.name",
    "name",
    "1641e6277f2019e5c46d4d3df5522334",
    "span.http.route",
];
const NAMES: [&str; 12] = ["q", "tags", "limit", "start", "end", "spss", "minDuration", "maxDuration", "scope", "x", "", "Q"];
const PIECES: [&str; 40] = [
    "{",
    "}",
    "(",
    ")",
    "&&",
    "||",
    ">>",
    "<",
    "~",
    "|",
    "=",
    "!=",
    "=~",
    "!~",
    "name",
    "status",
    "error",
    "duration",
    "resource.service.name",
    "span.http.route",
    "\"",
    "`",
    "\\",
    "frontend",
    ".*",
    "(a|b)*",
    "1ms",
    "-1",
    "0",
    "99999999999999999999",
    "1.5s",
    "count()",
    "select(",
    "nil",
    "é",
    "\u{0}",
    "%",
    "+",
    " ",
    "\u{1f600}",
];

fn text(random: &mut StdRng) -> String {
    (0..random.random_range(0..12)).map(|_| PIECES[random.random_range(0..PIECES.len())]).collect()
}

/// Percent signs where they belong, and now and then where they do not.
fn encoded(random: &mut StdRng, text: &str) -> String {
    let spoils = random.random_range(0..8) == 0;
    let each = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'/' | b'-' => char::from(byte).to_string(),
        _ if spoils => "%f".to_owned(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(each).collect()
}

fn question(random: &mut StdRng) -> String {
    let mut path: String = (0..random.random_range(1..4)).map(|_| PATHS[random.random_range(0..PATHS.len())]).collect();
    if random.random_range(0..3) == 0 {
        let more = text(random);
        path += &encoded(random, &more);
    }
    if !path.starts_with('/') {
        path.insert(0, '/');
    }
    let parameters: Vec<String> = (0..random.random_range(0..4))
        .map(|_| {
            let value = text(random);
            format!("{}={}", NAMES[random.random_range(0..NAMES.len())], encoded(random, &value))
        })
        .collect();
    if parameters.is_empty() { path } else { format!("{path}?{}", parameters.join("&")) }
}

/// The status of the answer, over a socket that says anything.
async fn ask(socket: &mut TcpStream, question: &str) -> u16 {
    let request = format!("GET {question} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let mut bytes = [0; 16384];
    loop {
        let read = tokio::time::timeout(Duration::from_secs(60), socket.read(&mut bytes)).await;
        let count = read.unwrap_or_else(|_| panic!("no answer to {question}")).unwrap();
        assert!(count > 0, "the door was shut after {question}: {}", String::from_utf8_lossy(&answer));
        answer.extend(&bytes[..count]);
        let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse::<usize>().ok());
        if answer.len() >= end + 4 + length.unwrap_or_else(|| panic!("no length in the answer to {question}: {head}")) {
            return head.split(' ').nth(1).unwrap().parse().unwrap();
        }
    }
}

async fn lab_with_a_trace() -> Lab {
    let lab = lab().await;
    let trace = include_bytes!("../recorded/tempo-trace-v1-protobuf.pb").as_slice();
    let trace: opentelemetry_proto::tonic::trace::v1::TracesData = prost::Message::decode(trace).unwrap();
    trace.resource_spans.into_iter().for_each(|batch| assert_eq!(lab.store.add_spans(batch), 0));
    lab
}

#[tokio::test]
async fn no_question_is_answered_by_a_500() {
    let lab = lab_with_a_trace().await;
    let mut random = StdRng::seed_from_u64(3200);
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    let mut socket = TcpStream::connect(lab.address).await.unwrap();
    for _ in 0..4_000 {
        let question = question(&mut random);
        let status = ask(&mut socket, &question).await;
        assert!([200, 400, 404].contains(&status), "{status} for {question}");
        *statuses.entry(status).or_default() += 1;
    }
    // The questions reach both what is answered and what is refused.
    assert!([200, 400, 404].iter().all(|status| statuses.get(status).is_some_and(|count| *count > 100)), "{statuses:?}");
    assert_eq!(lab.get("/api/echo").await.text(), "echo\n");
}

/// What is no HTTP at all ends its own connection and nobody else's.
#[tokio::test]
async fn noise_on_the_socket_harms_nobody() {
    let lab = lab_with_a_trace().await;
    let mut random = StdRng::seed_from_u64(1);
    for _ in 0..200 {
        let mut noise = vec![0; random.random_range(1..300)];
        random.fill(&mut noise[..]);
        let mut socket = TcpStream::connect(lab.address).await.unwrap();
        // It may hang up while it is still being talked to.
        let _ = socket.write_all(&noise).await;
        let _ = socket.shutdown().await;
        let mut rest = Vec::new();
        let _ = socket.read_to_end(&mut rest).await;
    }
    let mut socket = TcpStream::connect(lab.address).await.unwrap();
    assert_eq!(ask(&mut socket, &format!("/api/search?q={}", "%7B".repeat(10_000))).await, 400);
    assert_eq!(ask(&mut socket, &format!("/api/search?q={}", "a".repeat(200_000))).await, 414);
    assert_eq!(lab.get("/api/echo").await.text(), "echo\n");
}
