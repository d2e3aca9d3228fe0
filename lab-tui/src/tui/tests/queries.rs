//! The room of queries, asked of servers that answer as Prometheus, Loki and Tempo once did.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use lab_facts::scenario::Backend;
use lab_instrument::observe::backends::{QueryResult, SHIPPED, Series, Unanswered};
use lab_instrument::observe::found::FoundTrace;
use lab_instrument::observe::logs::LogText;
use tokio::net::TcpListener;
use url::Url;

use super::*;
use crate::tui::ask::{Answer, Question};
use crate::tui::errand::Errand;
use crate::tui::room::queries::Answered;

/// Shortly before the recorded answers begin.
const BEGAN: u64 = 1_795_455_930_000_000_000;

macro_rules! recorded {
    ($name:literal) => {
        include_bytes!(concat!("../../../instrument/src/observe/backends/recorded/", $name))
    };
}

async fn recorded(uri: Uri) -> Response {
    let asked = uri.to_string();
    let refused = asked.contains("wrong");
    match uri.path() {
        "/api/v1/query_range" if refused => (StatusCode::BAD_REQUEST, recorded!("prometheus-query-bad.json")).into_response(),
        "/api/v1/query_range" => recorded!("prometheus-query-range.json").into_response(),
        "/loki/api/v1/query_range" if refused => (StatusCode::BAD_REQUEST, recorded!("loki-query-bad.txt")).into_response(),
        "/loki/api/v1/query_range" if asked.contains("rate") => recorded!("loki-query-range-metric.json").into_response(),
        "/loki/api/v1/query_range" => recorded!("loki-query-range-trace.json").into_response(),
        "/api/search" if refused => (StatusCode::BAD_REQUEST, recorded!("tempo-search-bad-query.txt")).into_response(),
        "/api/search" => recorded!("tempo-search.json").into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn server() -> Url {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(recorded)).await });
    url
}

pub(super) fn name_backends(ui: &mut Ui, url: &Url) {
    (ui.backends.prometheus, ui.backends.loki) = (Some(url.clone()), Some(url.clone()));
}

fn began() -> Model {
    let mut model = model(90);
    model.apply(Event { at: Duration::ZERO, fact: Fact::Began { unix_nano: BEGAN } });
    model
}

fn in_room(model: &Model) -> Ui {
    let mut ui = ui();
    press(&mut ui, model, &[KeyCode::Char('8')]);
    ui
}

/// Chooses a query by its name.
fn choose(ui: &mut Ui, model: &Model, name: &str) {
    press(ui, model, &[KeyCode::Tab, KeyCode::Esc, KeyCode::PageUp, KeyCode::PageUp, KeyCode::PageUp]);
    let place = SHIPPED.iter().position(|one| one.name == name).unwrap();
    let own = [Backend::Prometheus, Backend::Loki].iter().filter(|backend| **backend as u8 != SHIPPED[place].backend as u8);
    let before = own.filter(|backend| (**backend as u8) < SHIPPED[place].backend as u8).count();
    press(ui, model, &vec![KeyCode::Down; place + before]);
}

fn write(ui: &mut Ui, model: &Model, text: &str) {
    press(ui, model, &[KeyCode::Char('/')]);
    press(ui, model, &[KeyCode::Backspace; 150]);
    ui.on_paste(text);
    press(ui, model, &[KeyCode::Enter]);
}

/// The address of the backends that the screen shows: that of the server is another one every time.
fn shown_url() -> Url {
    "http://127.0.0.1:59090".parse().unwrap()
}

/// All that is wanted is answered, by the server in place of those that are named.
async fn settle(ui: &mut Ui, model: &Model, url: &Url) {
    let mut backends = ui.backends.clone();
    for named in [&mut backends.prometheus, &mut backends.loki, &mut backends.tempo] {
        *named = named.as_ref().map(|_| url.clone());
    }
    let mut asker = Asker::live(Store::new(1 << 20), backends, Shelf::default());
    drawn(model, ui, (120, 36));
    for question in ui.questions() {
        asker.ask(question);
        ui.hear(asker.answer().await);
    }
}

/// Numbers as three services have them; lines and traces as they come.
fn some(kind: u64, rows: u64) -> QueryResult {
    let at = |row: u64| BEGAN + row * 700_000_000;
    let trace = |row: u64| format!("{:032x}", u128::from(row + 1) << 96 | 0xabc);
    match kind % 3 {
        0 => {
            let value = |row: u64| if row.is_multiple_of(7) { f64::NAN } else { (row % 11) as f64 / 3.0 };
            let one = |number: u64| Series {
                labels: BTreeMap::from([("job".to_owned(), format!("job-{number}"))]),
                points: (0..rows).map(|row| (at(row), value(row + number))).collect(),
            };
            QueryResult::Series { series: (0..rows % 8).map(one).collect(), left_out: 0 }
        }
        1 => {
            let text = |row| json!({"level": "ERROR", "message": "No connection", "trace_id": trace(row)}).to_string();
            QueryResult::Lines((0..rows).map(|row| LogText { unix_nano: at(row), service: "door".to_owned(), text: text(row) }).collect())
        }
        _ => {
            let one = |row| FoundTrace {
                trace_id: trace(row),
                root_service: Some("lab".to_owned()),
                root_name: Some("GET".to_owned()),
                start_unix_nano: at(row),
                duration_nano: 4_200_000 + row * 130_000,
                spans: 7,
                matched: 1,
                errors: 0,
            };
            QueryResult::Traces((0..rows).rev().map(one).collect())
        }
    }
}

/// Some backend has answered whatever is asked, or has not.
pub(super) fn answer(ui: &mut Ui, rows: u64) {
    let asked = ui.questions().into_iter().find_map(|question| if let Question::Query(query) = question { Some(query) } else { None });
    if let Some(query) = asked {
        let refused = Unanswered { why: "Prometheus refuses the query: parse error 漢".to_owned(), at: Some(rows as usize) };
        let result = if rows.is_multiple_of(5) { Err(refused) } else { Ok(Answered::from(some(rows, rows))) };
        ui.hear(Answer::Query(query, result));
    }
}

#[tokio::test]
async fn the_room_in_each_state_at_each_size() {
    let (url, model) = (server().await, began());
    for size in SIZES {
        let mut ui = in_room(&model);
        let snap = |ui: &mut Ui, state: &str| {
            insta::assert_snapshot!(format!("queries_{state}_{}x{}", size.0, size.1), text(&drawn(&model, ui, size)));
        };
        let pages = ["die-service", "dice-roller", "frontend"].iter().zip(8109..);
        let pages = pages.map(|(name, port)| ((*name).to_owned(), format!("http://127.0.0.1:{port}/metrics").parse().unwrap()));
        ui.queries.offer(pages.collect());
        snap(&mut ui, "missing");
        choose(&mut ui, &model, "error-lines");
        snap(&mut ui, "missing_loki");
        name_backends(&mut ui, &shown_url());
        choose(&mut ui, &model, "request-rate");
        snap(&mut ui, "asking");
        settle(&mut ui, &model, &url).await;
        snap(&mut ui, "plot");
        press(&mut ui, &model, &[KeyCode::Tab, KeyCode::Down, KeyCode::Left, KeyCode::Left, KeyCode::Left, KeyCode::Left, KeyCode::Left]);
        snap(&mut ui, "series");
        press(&mut ui, &model, &[KeyCode::Esc, KeyCode::Esc]);
        write(&mut ui, &model, "wrong(sum(");
        settle(&mut ui, &model, &url).await;
        snap(&mut ui, "refused");
        choose(&mut ui, &model, "error-lines");
        settle(&mut ui, &model, &url).await;
        press(&mut ui, &model, &[KeyCode::Tab]);
        snap(&mut ui, "lines");
        choose(&mut ui, &model, "slow-traces");
        ui.backends.tempo = Some(shown_url());
        settle(&mut ui, &model, &url).await;
        snap(&mut ui, "traces");
    }
}

#[test]
fn what_is_seen_first_is_a_query_that_somebody_answers() {
    let model = began();
    let first = |named: bool| {
        let mut ui = ui();
        if named {
            name_backends(&mut ui, &shown_url());
        }
        ui.begin(0);
        press(&mut ui, &model, &[KeyCode::Char('8')]);
        shown(&mut ui, &model);
        asked(&ui)
    };
    assert_eq!(first(false), [SHIPPED.iter().find(|one| one.backend == Backend::Tempo).unwrap().text]);
    assert_eq!(first(true), [SHIPPED[0].text]);
}

fn asked(ui: &Ui) -> Vec<String> {
    let text = |question| if let Question::Query(query) = question { Some(query.text) } else { None };
    ui.questions().into_iter().filter_map(text).collect()
}

fn shown(ui: &mut Ui, model: &Model) -> String {
    text(&drawn(model, ui, (120, 36)))
}

#[tokio::test]
async fn a_query_is_asked_while_it_is_seen_and_of_somebody_who_is_there() {
    let (url, model) = (server().await, began());
    let mut ui = in_room(&model);
    shown(&mut ui, &model);
    assert!(asked(&ui).is_empty(), "there is no Prometheus");
    name_backends(&mut ui, &shown_url());
    shown(&mut ui, &model);
    assert_eq!(asked(&ui), [SHIPPED[0].text]);
    press(&mut ui, &model, &[KeyCode::Down]);
    assert_eq!(asked(&ui), [SHIPPED[1].text], "another one is asked at once");
    settle(&mut ui, &model, &url).await;
    assert!(asked(&ui).is_empty(), "and not again at once");
    press(&mut ui, &model, &[KeyCode::Down, KeyCode::Char('4')]);
    assert!(asked(&ui).is_empty(), "nobody sees it");
    press(&mut ui, &model, &[KeyCode::Char('8')]);
    assert_eq!(asked(&ui), [SHIPPED[2].text]);
    // An answer that comes late is not taken for that of another query.
    let Some(Question::Query(query)) = ui.questions().pop() else { panic!() };
    press(&mut ui, &model, &[KeyCode::Up]);
    ui.hear(Answer::Query(query, Ok(Answered::from(some(0, 7)))));
    assert!(!shown(&mut ui, &model).contains("job-1"));
}

#[tokio::test]
async fn what_is_written_is_asked_in_the_language_that_it_is_in() {
    let (url, model) = (server().await, began());
    let mut ui = in_room(&model);
    name_backends(&mut ui, &shown_url());
    // Digits and `q` are letters here, and what the lab itself is to answer is understood first.
    choose(&mut ui, &model, "error-traces");
    write(&mut ui, &model, "{ duration > 8qs }");
    let misread = shown(&mut ui, &model);
    assert!(misread.contains("at character 14") && misread.contains('^') && ui.queries.is_writing(), "{misread}");
    press(&mut ui, &model, &[KeyCode::Esc]);
    assert_eq!(asked(&ui), ["{ status = error }"]);
    write(&mut ui, &model, "{ duration > 8ms }");
    assert_eq!(asked(&ui), ["{ duration > 8ms }"]);
    assert!(shown(&mut ui, &model).contains("▸ your own"));
    // One of each language.
    choose(&mut ui, &model, "pool-used");
    write(&mut ui, &model, "up");
    shown(&mut ui, &model);
    assert_eq!(asked(&ui), ["up"]);
    write(&mut ui, &model, "wrong(");
    settle(&mut ui, &model, &url).await;
    let refused = shown(&mut ui, &model);
    assert!(refused.contains("Prometheus refuses the query: invalid parameter \"query\": 1:5: parse error"), "{refused}");
    ui.begin(0);
    shown(&mut ui, &model);
    assert_eq!(asked(&ui), ["wrong("], "the next run is asked the same");
}

#[tokio::test]
async fn rows_lead_to_their_traces_and_the_cursor_to_rows() {
    let (url, model) = (server().await, began());
    let mut ui = in_room(&model);
    name_backends(&mut ui, &shown_url());
    choose(&mut ui, &model, "error-lines");
    settle(&mut ui, &model, &url).await;
    press(&mut ui, &model, &[KeyCode::Enter, KeyCode::Down, KeyCode::Enter]);
    let open = ui.open.as_ref().unwrap();
    assert_eq!((open.trace_id.to_string().as_str(), open.told.as_str()), ("7e3e29942c9f9e5b7160088756a9dba5", "a line of dice-roller"));
    press(&mut ui, &model, &[KeyCode::Esc]);
    assert!(ui.open.is_none() && shown(&mut ui, &model).contains("▸ 1:22.849 INFO  dice-roller"));
    // The row under the cursor: there is nothing before.
    press(&mut ui, &model, &[KeyCode::Home]);
    assert!(shown(&mut ui, &model).contains("▸ 1:22.848 INFO  die-service"));
    press(&mut ui, &model, &[KeyCode::Char('y')]);
    assert_eq!(ui.take_errand(), Some(Errand::Copy("7e3e29942c9f9e5b7160088756a9dba5".to_owned())));
    press(&mut ui, &model, &[KeyCode::Esc, KeyCode::Char('y')]);
    assert_eq!(ui.take_errand(), Some(Errand::Copy("{service_name=~\".+\"} | json | level=\"ERROR\"".to_owned())));

    ui.backends.tempo = Some(shown_url());
    choose(&mut ui, &model, "slow-traces");
    settle(&mut ui, &model, &url).await;
    // A click chooses, the next one opens.
    let drawn = shown(&mut ui, &model);
    let row = drawn.lines().position(|line| line.contains("17:46:33")).unwrap();
    let click = |row, column| MouseEvent { kind: MouseEventKind::Down(MouseButton::Left), column, row, modifiers: KeyModifiers::NONE };
    for opened in [false, true] {
        ui.on_mouse(click(u16::try_from(row).unwrap(), 60), &model);
        assert_eq!(ui.open.is_some(), opened);
    }
    press(&mut ui, &model, &[KeyCode::Right]);
    assert_eq!(ui.open.as_ref().unwrap().told, "frontend GET /roll");
    press(&mut ui, &model, &[KeyCode::Esc]);
    let row = drawn.lines().position(|line| line.contains("  pool used")).unwrap();
    ui.on_mouse(click(u16::try_from(row).unwrap(), 5), &model);
    assert!(shown(&mut ui, &model).contains("▸ pool used"));
}

#[test]
fn the_scenarios_own_queries_are_there_under_their_names() {
    let text = "\n[[expect]]\nname = \"rolls are counted\"\npromql = \"sum(dice_rolls_total) > 0\"\ncount = \">=1\"\n\
                [[expect]]\nname = \"the lock shows\"\ntraces = \"{ status = error }\"\n";
    let text = shipped("first-minute").unwrap().to_owned() + text;
    let plan = Plan::parse(&text, "mine", &["frontend", "dice-roller", "die-service"]).unwrap();
    let mut model = Model::new(Arc::new(plan.for_screen()));
    model.apply(Event { at: Duration::ZERO, fact: Fact::Began { unix_nano: BEGAN } });
    let mut ui = in_room(&model);
    let first = shown(&mut ui, &model);
    let is_listed = |name: &str| first.lines().any(|line| line.starts_with(&format!("   {name} ")) && line.contains(" expected │"));
    assert!(is_listed("rolls are counted") && is_listed("the lock shows"), "{first}");
    press(&mut ui, &model, &[KeyCode::Down; 7]);
    ui.backends.prometheus = Some("http://127.0.0.1:9".parse().unwrap());
    let chosen = shown(&mut ui, &model);
    assert!(chosen.contains("The scenario expects >=1 of it in what it calls `rolls are counted`."), "{chosen}");
    assert_eq!(asked(&ui), ["sum(dice_rolls_total) > 0"]);
}

#[test]
fn a_recorded_run_is_asked_about_its_own_time() {
    let mut model = began();
    let mut ui = in_room(&model);
    ui.replay = Some(Replay { speed: 1.0, paused: true });
    name_backends(&mut ui, &"http://127.0.0.1:9".parse().unwrap());
    let window = |ui: &Ui| {
        ui.questions().into_iter().find_map(|question| if let Question::Query(query) = question { Some(query.window) } else { None })
    };
    shown(&mut ui, &model);
    assert_eq!(window(&ui), Some(BEGAN..BEGAN + 90_000_000_000));
    answer(&mut ui, 7);
    assert_eq!(window(&ui), None, "it does not change any more");
    model.apply(Event { at: Duration::from_secs(120), fact: Fact::Tick });
    ui.begin(0);
    shown(&mut ui, &model);
    assert_eq!(window(&ui), Some(BEGAN..BEGAN + 121_000_000_000));
    // A recording of an older lab.
    model = self::model(20);
    ui.begin(0);
    assert!(shown(&mut ui, &model).contains("the recording does not tell when its run began"));
    assert_eq!(window(&ui), None);
}

#[test]
fn without_colours_lines_have_letters() {
    let model = began();
    let mut ui = in_room(&model);
    ui.palette = Palette::new(Theme::Plain);
    name_backends(&mut ui, &"http://127.0.0.1:9".parse().unwrap());
    shown(&mut ui, &model);
    answer(&mut ui, 78);
    let plain = shown(&mut ui, &model);
    assert!(plain.contains(" a job=job-") && plain.contains(" b job=job-"), "{plain}");
}
