use std::net::Ipv4Addr;
use std::slice::from_ref;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use tokio::net::TcpListener;

use super::*;

const NOW: u64 = 1_795_456_000 * SECOND;

/// Answers in turn, the last one for ever; remembers what it was asked.
#[derive(Clone)]
pub(super) struct Fake {
    answers: Arc<Mutex<Vec<(u16, &'static str)>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    /// A backend that gives these answers, and its address.
    pub(super) async fn start(answers: &[(u16, &'static str)]) -> (Self, Url) {
        let fake = Self { answers: Arc::new(Mutex::new(answers.to_vec())), asked: Arc::default() };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/base/", listener.local_addr().unwrap()).parse().unwrap();
        let router = Router::new().fallback(answer).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (fake, url)
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(State(fake): State<Fake>, uri: Uri) -> (StatusCode, &'static str) {
    fake.asked.lock().unwrap().push(uri.to_string());
    let mut answers = fake.answers.lock().unwrap();
    let (status, body) = if answers.len() > 1 { answers.remove(0) } else { answers[0] };
    (StatusCode::from_u16(status).unwrap(), body)
}

pub(super) fn backends(backend: Backend, url: Url) -> Backends {
    let mut backends = Backends { patience: Some(Duration::ZERO), ..Backends::default() };
    *match backend {
        Backend::Prometheus => &mut backends.prometheus,
        Backend::Loki => &mut backends.loki,
        Backend::Tempo => &mut backends.tempo,
    } = Some(url);
    backends
}

fn question<'q>(backend: Backend, query: &'q str, count: &str, windows: &'q [Range<u64>]) -> Question<'q> {
    Question { backend, query, count: Count::parse(count).unwrap(), windows }
}

const TEMPO: &str = include_str!("recorded/tempo-search.json");
const NO_TRACE: &str = include_str!("recorded/tempo-search-none.json");
const LINES: &str = include_str!("recorded/loki-query-range-streams.json");
const LOKI_SERIES: &str = include_str!("recorded/loki-query-range-metric.json");
const SERIES: &str = include_str!("recorded/prometheus-query-vector.json");

/// Two stretches of time, of which the second has no end.
fn windows() -> [Range<u64>; 2] {
    [NOW - 20 * SECOND..NOW - 15 * SECOND - 1, NOW - 10 * SECOND..u64::MAX]
}

#[tokio::test]
async fn recorded_answers_are_counted() {
    let window = NOW - SECOND..NOW;
    let cases = [
        (Backend::Tempo, "{ }", TEMPO, 3, 3),
        (Backend::Tempo, "{ }", NO_TRACE, 0, 0),
        (Backend::Loki, "{job=\"x\"}", LINES, 3, 3),
        (Backend::Loki, "sum(count_over_time({job=\"x\"}[1m]))", LOKI_SERIES, 3, 0),
        (Backend::Prometheus, "up", SERIES, 4, 0),
        (Backend::Prometheus, "scalar(up)", r#"{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}"#, 1, 0),
    ];
    for (backend, query, body, count, examples) in cases {
        let (_, url) = Fake::start(&[(200, body)]).await;
        let found = backends(backend, url).ask(&question(backend, query, ">=1", from_ref(&window))).await;
        let Found::Counted { count: counted, examples: traces } = found else { panic!("{query}: {found:?}") };
        assert_eq!((counted, traces.len()), (count, examples), "{query}");
    }
    let short = answer::read(Backend::Tempo, br#"{"traces":[{"traceID":"641e6277f2019e5c46d4d3df5522334"}]}"#).unwrap();
    assert_eq!(short.examples[0].to_string(), "0641e6277f2019e5c46d4d3df5522334");
}

#[test]
fn each_backend_is_asked_for_the_time_in_question() {
    let windows = windows();
    let asked = |backend, query| {
        let requests = requests(&question(backend, query, ">=1", &windows), NOW);
        requests.into_iter().map(|(path, pairs)| (path, pairs.into_iter().map(|(key, value)| format!("{key}={value}")).collect())).collect()
    };
    let expected = |requests: &[(&'static str, &[&str])]| -> Vec<(&str, Vec<String>)> {
        requests.iter().map(|(path, pairs)| (*path, pairs.iter().map(|pair| (*pair).to_owned()).collect())).collect()
    };
    let cases = [
        (Backend::Prometheus, " up ", expected(&[("/api/v1/query", &["query=up", "time=1795456000.000"])])),
        (Backend::Loki, "rate({a=\"b\"}[1m])", expected(&[("/loki/api/v1/query", &["query=rate({a=\"b\"}[1m])", "time=1795456000.000"])])),
        (
            Backend::Loki,
            "{a=\"b\"}",
            expected(&[
                ("/loki/api/v1/query_range", &["query={a=\"b\"}", "start=1795455980000000000", "end=1795455984999999999", "limit=5000"]),
                ("/loki/api/v1/query_range", &["query={a=\"b\"}", "start=1795455990000000000", "end=1795456000000000000", "limit=5000"]),
            ]),
        ),
        (
            Backend::Tempo,
            "{ }",
            expected(&[
                ("/api/search", &["q={ }", "start=1795455980", "end=1795455985", "limit=5000"]),
                ("/api/search", &["q={ }", "start=1795455990", "end=1795456000", "limit=5000"]),
            ]),
        ),
    ];
    for (backend, query, expected) in cases {
        let requests: Vec<(&str, Vec<String>)> = asked(backend, query);
        assert_eq!(requests, expected, "{backend:?}");
    }
    let later = NOW + 1..u64::MAX;
    assert!(requests(&question(Backend::Tempo, "{ }", ">=1", from_ref(&later)), NOW).is_empty(), "what has not begun has nothing to show");
}

/// Telemetry comes in late: an answer that may still change is asked for again, one that cannot is not.
#[tokio::test]
async fn what_may_still_come_in_is_awaited() {
    let window = NOW - SECOND..NOW;
    let (fake, url) = Fake::start(&[(200, NO_TRACE), (503, "starting"), (200, TEMPO)]).await;
    let mut backends = backends(Backend::Tempo, url);
    backends.patience = Some(Duration::from_secs(60));
    let found = backends.ask(&question(Backend::Tempo, "{ }", ">=2", from_ref(&window))).await;
    assert!(matches!(found, Found::Counted { count: 3, .. }), "{found:?}");
    assert_eq!(fake.asked().len(), 3);
    assert!(fake.asked()[0].starts_with("/base/api/search?q=%7B+%7D&start="), "{:?}", fake.asked());
    let broken = backends.ask(&question(Backend::Tempo, "{ }", "==0", from_ref(&window))).await;
    assert!(matches!(broken, Found::Counted { count: 3, .. }), "it is broken at once: {broken:?}");
    assert_eq!(fake.asked().len(), 4);
}

#[tokio::test]
async fn a_backend_that_refuses_or_is_gone_makes_it_unclear() {
    let window = NOW - SECOND..NOW;
    let cases = [
        (Backend::Prometheus, 400, include_str!("recorded/prometheus-query-bad.json"), "unclosed left parenthesis"),
        (Backend::Loki, 400, include_str!("recorded/loki-query-bad.txt"), "parse error at line 1, col 18"),
        (Backend::Tempo, 400, include_str!("recorded/tempo-search-bad-query.txt"), "invalid TraceQL query"),
        (Backend::Tempo, 200, "<html>", "its answer is not understood"),
    ];
    for (backend, status, body, said) in cases {
        let (_, url) = Fake::start(&[(status, body)]).await;
        let found = backends(backend, url).ask(&question(backend, "{", ">=1", from_ref(&window))).await;
        let Found::Unclear(why) = found else { panic!("{found:?}") };
        assert!(why.contains(said) && why.contains(backend.name()), "{why}");
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url: Url = format!("http://user:secret@{}/", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let found = backends(Backend::Loki, url).ask(&question(Backend::Loki, "{a=\"b\"}", ">=1", from_ref(&window))).await;
    let Found::Unclear(why) = found else { panic!("{found:?}") };
    assert!(why.contains("Loki could not be asked") && !why.contains("secret"), "{why}");
}

/// Nobody waits three quarters of a minute for an address where nothing listens.
#[tokio::test(start_paused = true)]
async fn where_nobody_listens_nobody_is_awaited() {
    let window = NOW - SECOND..NOW;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let backends = Backends { patience: Some(Duration::from_secs(60)), ..backends(Backend::Tempo, url) };
    let began = tokio::time::Instant::now();
    let found = backends.ask(&question(Backend::Tempo, "{ }", ">=1", from_ref(&window))).await;
    assert!(matches!(&found, Found::Unclear(why) if why.contains("Tempo could not be asked")), "{found:?}");
    assert_eq!(began.elapsed().as_secs(), u64::from(GIVEN_UP - 1), "on a clock that only waits move");
}

#[tokio::test]
async fn a_backend_that_nobody_named_is_missed_or_skipped() {
    let question = question(Backend::Prometheus, "up", ">=1", &[]);
    let missing = "there is no Prometheus to ask; name one with --prometheus-url".to_owned();
    assert_eq!(Backends::default().ask(&question).await, Found::Unclear(missing.clone()));
    let lenient = Backends { allow_skips: true, ..Backends::default() };
    assert_eq!(lenient.ask(&question).await, Found::Skipped(missing));
}
