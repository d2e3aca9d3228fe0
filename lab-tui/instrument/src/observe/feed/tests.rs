//! Against real servers that answer as a Tempo 3 and a Loki 3 once did.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use lab_facts::event::ProcessChange;
use tokio::net::TcpListener;
use url::Url;

use super::*;
use crate::observe::store::DEFAULT_BYTES;

const TRACE: &str = "1641e6277f2019e5c46d4d3df5522334";
const LOGGED: &str = "7e3e29942c9f9e5b7160088756a9dba5";
const V2: &[u8] = include_bytes!("../backends/recorded/tempo-trace-v2-protobuf.pb");
const LINES: &str = include_str!("../backends/recorded/loki-query-range-trace.json");

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

async fn serve(router: Router) -> Url {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let all = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, all).await.unwrap_or_else(|_| panic!("waited for {what}"));
}

fn request(id: &str, outcome: Outcome) -> ClientSpan {
    let now = 1_795_456_000_000_000_000;
    ClientSpan {
        trace_id: TraceId::parse(id).unwrap(),
        span_id: [7; 8],
        load: "l".into(),
        method: "GET",
        url: "http://h/".to_owned(),
        server: None,
        intended_unix_nano: now,
        sent_unix_nano: now,
        ended_unix_nano: now + 1_000_000,
        outcome,
        expected: true,
        why: None,
    }
}

fn of_tempo(tempo: Url) -> Backends {
    let mut backends = Backends::default();
    backends.tempo = Some(tempo);
    backends
}

async fn recorded(Path(id): Path<String>) -> Response {
    let known = if id == TRACE { V2 } else { &[][..] };
    ([(header::CONTENT_TYPE, "application/protobuf")], known).into_response()
}

#[tokio::test]
async fn the_trace_of_a_request_is_asked_for_and_kept_beside_the_labs_span() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let answer = move |path: Path<String>| {
        counter.fetch_add(1, Ordering::Relaxed);
        recorded(path)
    };
    let url = serve(Router::new().route("/api/v2/traces/{id}", get(answer))).await;
    let store = Store::new(DEFAULT_BYTES);
    let (feed, _told) = Feed::start(&of_tempo(url), &store, &[]).unwrap();
    let unknown = "00000000000000000000000000000001";
    let nobody = "00000000000000000000000000000002";
    let requests =
        [request(TRACE, Outcome::Status(200)), request(unknown, Outcome::Status(500)), request(nobody, Outcome::ConnectionFailed)];
    store.add_client_spans("s", &requests);
    feed.hear_ended(&requests, &[requests[0].trace_id]);
    assert!(feed.gaps(&[]).traces.is_some(), "nothing has come yet");
    let spans = |id: &str| store.trace(TraceId::parse(id).unwrap()).unwrap().spans.len();
    until("the trace", || spans(TRACE) > 1).await;
    let trace = store.trace(requests[0].trace_id).unwrap();
    assert!(trace.spans.iter().any(|span| span.service == "die-service") && trace.spans.iter().any(|span| span.service == "lab"));
    let fed = store.counts("die-service");
    assert_eq!((fed.fed, fed.spans > 0), (fed.spans, true));
    // One that nobody knows is asked for again, and what is there already is not doubled.
    until("the next questions", || asked.load(Ordering::Relaxed) >= 4).await;
    assert_eq!((spans(TRACE), spans(unknown)), (trace.spans.len(), 1));
    assert_eq!(feed.gaps(&[]), Gaps { traces: Some(SAMPLE), lines: Some(NO_LOKI) }, "one has not come");
}

#[tokio::test]
async fn a_backend_that_is_gone_is_told_of_once_and_heals() {
    let healthy = Arc::new(AtomicBool::new(false));
    let is_healthy = Arc::clone(&healthy);
    let answer = move |path: Path<String>| {
        let is_healthy = is_healthy.load(Ordering::Relaxed);
        async move { if is_healthy { recorded(path).await } else { (StatusCode::BAD_GATEWAY, "no such host").into_response() } }
    };
    let url = serve(Router::new().route("/api/v2/traces/{id}", get(answer))).await;
    let store = Store::new(DEFAULT_BYTES);
    let (feed, mut told) = Feed::start(&of_tempo(url), &store, &[]).unwrap();
    let requests = [request(TRACE, Outcome::Status(200))];
    store.add_client_spans("s", &requests);
    feed.hear_ended(&requests, &[]);
    let heard = tokio::time::timeout(PATIENCE, told.recv()).await.unwrap().unwrap();
    assert_eq!(heard.to_string(), "Tempo cannot be asked: it answers 502 Bad Gateway: no such host");
    // Nobody waits for what cannot be asked.
    feed.settle().await;
    healthy.store(true, Ordering::Relaxed);
    feed.hear_ended(&[request(LOGGED, Outcome::Status(200))], &[]);
    let heard = tokio::time::timeout(PATIENCE, told.recv()).await.unwrap().unwrap();
    assert_eq!((heard.name.as_str(), heard.change), ("Tempo", ProcessChange::Found));
}

#[tokio::test]
async fn the_end_waits_for_a_trace_that_is_on_its_way() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let late = move |path: Path<String>| {
        let is_there = counter.fetch_add(1, Ordering::Relaxed) >= 2;
        async move { if is_there { recorded(path).await } else { StatusCode::NOT_FOUND.into_response() } }
    };
    let url = serve(Router::new().route("/api/v2/traces/{id}", get(late))).await;
    let store = Store::new(DEFAULT_BYTES);
    let (feed, _told) = Feed::start(&of_tempo(url), &store, &[]).unwrap();
    let requests = [request(TRACE, Outcome::Status(200))];
    store.add_client_spans("s", &requests);
    feed.hear_ended(&requests, &[]);
    feed.settle().await;
    assert!(store.trace(requests[0].trace_id).unwrap().spans.len() > 1);
    assert_eq!(feed.gaps(&[]).traces, None, "all there is came");
}

#[tokio::test]
async fn lines_of_ones_requests_are_followed_and_those_of_others_left() {
    let others =
        r#"{"status":"success","data":{"resultType":"streams","result":[{"stream":{"service_name":"payroll"},"values":[["9","x"]]}]}}"#;
    for (body, taken) in [(LINES, true), (others, false)] {
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let answer = move || {
            counter.fetch_add(1, Ordering::Relaxed);
            async move { body }
        };
        let mut backends = Backends::default();
        backends.loki = Some(serve(Router::new().route("/loki/api/v1/query_range", get(answer))).await);
        let store = Store::new(DEFAULT_BYTES);
        store.add_client_spans("s", &[request(LOGGED, Outcome::Status(200))]);
        let (feed, _told) = Feed::start(&backends, &store, &[]).unwrap();
        until("three readings", || asked.load(Ordering::Relaxed) >= 3).await;
        let lines = store.logs_from(0);
        let mut texts: Vec<_> = lines.iter().map(|line| (line.unix_nano, line.service.to_string(), line.text.to_string())).collect();
        texts.dedup();
        assert_eq!((!lines.is_empty(), texts.len()), (taken, lines.len()), "{lines:?}");
        assert!(lines.iter().all(|line| store.counts(&line.service).fed > 0));
        assert_eq!(store.trace(TraceId::parse(LOGGED).unwrap()).unwrap().logs.len(), lines.len());
        feed.settle().await;
    }
}

#[tokio::test]
async fn without_backends_only_what_is_sent_can_be_counted() {
    let (feed, _told) = Feed::start(&Backends::default(), &Store::new(1 << 20), &[]).unwrap();
    let silent = ServiceSignals::default();
    assert_eq!(feed.gaps(std::slice::from_ref(&silent)), Gaps { traces: Some(NO_TEMPO), lines: Some(NO_LOKI) });
    let sends = ServiceSignals { server_spans: 1, log_lines: 1, ..ServiceSignals::default() };
    assert_eq!(feed.gaps(&[silent.clone(), sends]), Gaps::default());
    assert_eq!(Feed::none().0.gaps(&[silent]), Gaps::default(), "the lab's own system owes all of it");
}
