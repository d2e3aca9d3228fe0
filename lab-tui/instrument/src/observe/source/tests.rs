//! One contract, held against both sides: the store, filled with what a Tempo and a Loki once recorded, and these recordings behind an
//! HTTP server, in all the forms in which Tempo 2 and 3 answer. And against a Tempo and a Loki that really run, where
//! `LAB_TEST_TEMPO_URL` and `LAB_TEST_LOKI_URL` name them.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Query as UrlQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message as _;
use serde_json::Value;
use tokio::net::TcpListener;

use super::*;
use crate::observe::store::{DEFAULT_BYTES, now};

/// The trace that was recorded, the log lines' one, and one that nobody has.
const TRACE: &str = "1641e6277f2019e5c46d4d3df5522334";
const LOGGED: &str = "7e3e29942c9f9e5b7160088756a9dba5";
const UNKNOWN: &str = "00000000000000000000000000000001";

/// When that was.
const WINDOW: Range<u64> = 1_795_455_000_000_000_000..1_795_457_000_000_000_000;

const V1: &[u8] = include_bytes!("../backends/recorded/tempo-trace-v1-protobuf.pb");
const V2: &[u8] = include_bytes!("../backends/recorded/tempo-trace-v2-protobuf.pb");
const V1_JSON: &[u8] = include_bytes!("../backends/recorded/tempo-trace-v1-json.json");
const V2_JSON: &[u8] = include_bytes!("../backends/recorded/tempo-trace-v2-json.json");
const UNKNOWN_JSON: &[u8] = include_bytes!("../backends/recorded/tempo-trace-unknown.json");
const SEARCH: &str = include_str!("../backends/recorded/tempo-search.json");
const NO_TRACE: &str = include_str!("../backends/recorded/tempo-search-none.json");
const LINES: &str = include_str!("../backends/recorded/loki-query-range-trace.json");
const NO_LINE: &str = include_str!("../backends/recorded/loki-none.json");

/// How a Tempo answers who asks for a trace.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Tempo {
    Three,
    ThreeInJson,
    Two,
    TwoInJson,
}

fn id(text: &str) -> TraceId {
    TraceId::parse(text).unwrap()
}

fn embedded() -> Source {
    let store = Store::new(DEFAULT_BYTES);
    for batch in TracesData::decode(V1).unwrap().resource_spans {
        assert_eq!(store.add_spans(batch), 0);
    }
    let lines: Value = serde_json::from_str(LINES).unwrap();
    for stream in lines["data"]["result"].as_array().unwrap() {
        // Each was delivered twice.
        store.add_log(stream["stream"]["service"].as_str().unwrap(), stream["values"][0][1].as_str().unwrap());
    }
    Source::Store(store)
}

/// A Tempo and a Loki that give recorded answers.
async fn recorded(tempo: Tempo) -> Source {
    let router = Router::new()
        .route("/api/v2/traces/{id}", get(v2))
        .route("/api/traces/{id}", get(v1))
        .route("/api/search", get(search))
        .route("/loki/api/v1/query_range", get(lines))
        .with_state(tempo);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url: Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    backends(url.clone(), url)
}

fn backends(tempo: Url, loki: Url) -> Source {
    let mut backends = Backends::default();
    (backends.tempo, backends.loki) = (Some(tempo), Some(loki));
    Source::Backends(Box::new(backends))
}

async fn v2(State(tempo): State<Tempo>, Path(id): Path<String>) -> Response {
    let (kind, known, unknown) = match tempo {
        Tempo::Three => ("application/protobuf", V2, &[][..]),
        Tempo::ThreeInJson => ("application/json", V2_JSON, UNKNOWN_JSON),
        Tempo::Two | Tempo::TwoInJson => return (StatusCode::NOT_FOUND, "404 page not found\n").into_response(),
    };
    ([(header::CONTENT_TYPE, kind)], if id == TRACE { known } else { unknown }).into_response()
}

async fn v1(State(tempo): State<Tempo>, Path(id): Path<String>) -> Response {
    let (kind, known) = if tempo == Tempo::TwoInJson { ("application/json", V1_JSON) } else { ("application/protobuf", V1) };
    if id == TRACE { ([(header::CONTENT_TYPE, kind)], known).into_response() } else { StatusCode::NOT_FOUND.into_response() }
}

type Pairs = UrlQuery<Vec<(String, String)>>;

async fn search(UrlQuery(pairs): Pairs) -> &'static str {
    if pairs.iter().any(|(_, value)| value.contains("nobody")) { NO_TRACE } else { SEARCH }
}

async fn lines(UrlQuery(pairs): Pairs) -> &'static str {
    let is_known = |query: &str| query.contains(LOGGED) || !query.contains('|');
    if pairs.iter().any(|(key, value)| key == "query" && is_known(value)) { LINES } else { NO_LINE }
}

fn query(text: &str) -> Query {
    Query::parse(text).unwrap()
}

fn of_trace(trace: &str) -> LogQuestion {
    LogQuestion { trace: Some(trace.to_owned()), ..LogQuestion::default() }
}

/// What both sides owe whoever asks, whatever they hold.
async fn keeps_its_contract(source: &Source, window: Range<u64>) {
    keeps_its_contract_for_traces(source, window.clone()).await;
    keeps_its_contract_for_logs(source, window).await;
}

async fn keeps_its_contract_for_logs(source: &Source, window: Range<u64>) {
    assert_eq!(source.logs(&of_trace(UNKNOWN), window.clone()).await.unwrap(), []);
    let lines = source.logs(&LogQuestion::default(), window.clone()).await.unwrap();
    assert!(lines.is_sorted_by_key(|line| line.unix_nano) && lines.iter().all(|line| window.contains(&line.unix_nano)), "{lines:?}");
}

async fn keeps_its_contract_for_traces(source: &Source, window: Range<u64>) {
    let found = source.search(&query("{ }"), window.clone(), 5).await.unwrap();
    assert!(!found.is_empty() && found.len() <= 5);
    assert!(found.iter().all(|one| one.trace_id.len() == 32 && one.matched > 0 && window.contains(&one.start_unix_nano)), "{found:?}");
    assert!(found.is_sorted_by(|a, b| a.start_unix_nano >= b.start_unix_nano), "{found:?}");
    let trace = source.trace(id(&found[0].trace_id)).await.unwrap().unwrap();
    assert_eq!(trace.trace_id, found[0].trace_id);
    assert!(trace.spans.is_sorted_by_key(|span| span.start_unix_nano) && trace.spans.iter().all(|span| span.span_id.len() == 16));
    if let Some(root) = &found[0].root_service {
        let is_root = |span: &&lab_facts::trace::TraceSpan| span.parent_span_id.is_none();
        assert_eq!(&trace.spans.iter().find(is_root).unwrap().service, root);
    }
    assert_eq!(source.search(&query(r#"{ resource.service.name = "nobody" }"#), window, 5).await.unwrap(), []);
    assert_eq!(source.trace(id(UNKNOWN)).await.unwrap(), None);
}

#[tokio::test]
async fn both_sides_keep_the_contract_and_say_the_same() {
    let store = embedded();
    keeps_its_contract(&store, WINDOW).await;
    let [trace, logs] =
        [store.trace(id(TRACE)).await.unwrap().unwrap().spans.len(), store.logs(&of_trace(LOGGED), WINDOW).await.unwrap().len()];
    assert_eq!((trace, logs), (13, 3));
    for tempo in [Tempo::Three, Tempo::ThreeInJson, Tempo::Two, Tempo::TwoInJson] {
        let backends = recorded(tempo).await;
        keeps_its_contract(&backends, WINDOW).await;
        assert_eq!(backends.trace(id(TRACE)).await.unwrap(), store.trace(id(TRACE)).await.unwrap(), "{tempo:?}");
        for question in [
            of_trace(LOGGED),
            LogQuestion { services: vec!["die-service".to_owned()], ..of_trace(LOGGED) },
            LogQuestion { levels: vec!["ERROR".to_owned()], ..of_trace(LOGGED) },
            LogQuestion { matching: Some("Roll".to_owned()), ..of_trace(LOGGED) },
        ] {
            let [here, there] = [&store, &backends].map(async |side| side.logs(&question, WINDOW).await.unwrap());
            assert_eq!(here.await, there.await, "{tempo:?} {question:?}");
        }
        let frontend = query(r#"{ resource.service.name = "frontend" }"#);
        let [here, there] = [&store, &backends].map(async |side| side.search(&frontend, WINDOW, 20).await.unwrap());
        let (here, there) = (here.await, there.await);
        let there = there.iter().find(|one| one.trace_id == TRACE).unwrap();
        let told = |one: &FoundTrace| {
            (one.root_service.clone(), one.root_name.clone(), one.start_unix_nano, one.duration_nano / 1_000_000, one.matched, one.errors)
        };
        assert_eq!(told(there), told(&here[0]));
    }
}

/// A side on which the trace lacks its first service until it was asked for so often. The rest comes by itself on none of them.
async fn growing(asked: usize) -> [Source; 2] {
    let mut part = TracesData::decode(V1).unwrap();
    let frontend = part.resource_spans.remove(0);
    let store = Store::new(DEFAULT_BYTES);
    part.resource_spans.iter().for_each(|batch| assert_eq!(store.add_spans(batch.clone()), 0));
    let (late, wait) = (store.clone(), AGAIN * u32::try_from(asked).unwrap() - AGAIN / 2);
    tokio::spawn(async move {
        tokio::time::sleep(wait).await;
        late.add_spans(frontend)
    });
    let (times, part) = (Arc::new(AtomicUsize::new(0)), part.encode_to_vec());
    let answer = move || {
        let whole = times.fetch_add(1, Ordering::Relaxed) >= asked;
        let trace = if whole { V1.to_vec() } else { part.clone() };
        async move { ([(header::CONTENT_TYPE, "application/protobuf")], trace) }
    };
    let router = Router::new().route("/api/traces/{id}", get(answer)).route("/loki/api/v1/query_range", get(lines));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url: Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    [Source::Store(store), backends(url.clone(), url)]
}

#[tokio::test]
async fn a_trace_that_is_still_being_written_is_completed_as_it_grows() {
    for source in growing(3).await {
        let first = source.trace(id(TRACE)).await.unwrap().unwrap();
        assert_eq!(Missing::from(&first), [Missing::Root, Missing::Parents(1)], "{source:?}");
        let whole = source.complete_trace(id(TRACE)).await.unwrap().unwrap();
        assert_eq!((Missing::from(&whole), whole.spans.len()), (Vec::new(), 13), "{source:?}");
    }
    // Nobody waits for ever for one that stays as it is.
    for source in growing(1_000).await {
        let part = source.complete_trace(id(TRACE)).await.unwrap().unwrap();
        assert!(!Missing::from(&part).is_empty() && part.spans.len() < 13, "{source:?}");
    }
}

#[tokio::test]
async fn whoever_follows_gets_each_line_once_however_late_it_comes() {
    let store = Store::new(DEFAULT_BYTES);
    let source = Source::Store(store.clone());
    let line = |second: u32| store.add_log("s", &format!(r#"{{"timestamp":"1970-01-01T00:00:0{second}Z","message":"m"}}"#));
    let read = async |mark| {
        let page = source.logs_since(mark).await.unwrap();
        (page.lines.iter().map(|line| line.unix_nano / 1_000_000_000).collect::<Vec<_>>(), page.next, page.more)
    };
    [5, 9].into_iter().for_each(line);
    assert_eq!(read(LogMark::Start).await, (vec![5, 9], LogMark::Number(2), true));
    line(3);
    assert_eq!(read(LogMark::Number(2)).await, (vec![3], LogMark::Number(3), true));
    assert_eq!(read(LogMark::Number(3)).await, (vec![], LogMark::Number(3), false));
    // A Loki gives lines again; they are the same ones.
    let loki = recorded(Tempo::Three).await;
    let first = loki.logs_since(LogMark::Start).await.unwrap();
    let again = loki.logs_since(first.next).await.unwrap();
    assert!(first.lines.len() == 3 && matches!(first.next, LogMark::Moment(_)) && !first.more);
    assert_eq!(first.lines, again.lines);
}

#[tokio::test]
async fn a_backend_that_is_not_there_or_refuses_is_told_without_its_address() {
    let nobody = Source::Backends(Box::default());
    let why = async |source: &Source| format!("{:#}", source.trace(id(TRACE)).await.unwrap_err());
    assert_eq!(why(&nobody).await, "there is no Tempo to ask; name one with --tempo-url");
    assert!(format!("{:#}", nobody.logs(&of_trace(TRACE), WINDOW).await.unwrap_err()).contains("--loki-url"));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url: Url = format!("http://user:secret@{}/", listener.local_addr().unwrap()).parse().unwrap();
    let router = Router::new().fallback(|| async { (StatusCode::INTERNAL_SERVER_ERROR, "no blocks") });
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let broken = backends(url.clone(), url);
    assert_eq!(why(&broken).await, "Tempo could not be asked: it answers 500 Internal Server Error: no blocks");
    server.abort();
    let _ = server.await;
    let gone = why(&broken).await;
    assert!(gone.starts_with("Tempo could not be asked: ") && !gone.contains("secret"), "{gone}");
}

/// Against servers that really run and hold traces or log lines of the last hour; each by itself.
#[tokio::test]
async fn real_servers_keep_the_contract() {
    let url = |name: &str| std::env::var(name).ok().map(|url| url.parse::<Url>().unwrap());
    let (tempo, loki) = (url("LAB_TEST_TEMPO_URL"), url("LAB_TEST_LOKI_URL"));
    let hour = now() - u64::try_from(Duration::from_secs(3600).as_nanos()).unwrap()..now();
    match &tempo {
        Some(tempo) => keeps_its_contract_for_traces(&backends(tempo.clone(), tempo.clone()), hour.clone()).await,
        None => eprintln!("skipped: LAB_TEST_TEMPO_URL names no Tempo"),
    }
    match &loki {
        Some(loki) => keeps_its_contract_for_logs(&backends(loki.clone(), loki.clone()), hour).await,
        None => eprintln!("skipped: LAB_TEST_LOKI_URL names no Loki"),
    }
}
