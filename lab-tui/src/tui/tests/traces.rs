//! The room of traces, and a trace in place.

use lab_facts::trace::{SpanEvent, SpanLink, Status};
use lab_instrument::observe::found::FoundTrace;

use super::*;
use crate::tui::ask::{Answer, Question};

/// 28 November 2026, 17:46:36 UTC.
const START: u64 = 1_795_455_996_000_000_000;
const SPAN: fn(&str) -> TraceSpan = |id| slow_trace().spans.into_iter().find(|span| span.span_id == id).unwrap();

/// The trace of that number: every fifth from the tenth on is slow and fails, as long as there is trouble.
fn found(number: u64, trouble: bool) -> FoundTrace {
    let is_slow = trouble && number >= 10 && number.is_multiple_of(5);
    let is_late = number == 27;
    FoundTrace {
        trace_id: format!("{:032x}", u128::from(number + 1) << 96 | 0xabc),
        root_service: (!is_late).then(|| "lab".to_owned()),
        root_name: (!is_late).then(|| if number.is_multiple_of(3) { "GET /roll?dice=2" } else { "GET" }.to_owned()),
        start_unix_nano: START + number * 51_000_000,
        duration_nano: if is_slow { 1_205_000_000 + number * 25_000_000 } else { 4_200_000 + number * 130_000 },
        spans: if is_slow { 12 } else { 7 },
        matched: if is_slow { 12 } else { 7 },
        errors: if is_slow { 3 } else { 0 },
    }
}

/// As many, the newest first, as the store tells them.
fn many(count: u64, trouble: bool) -> Vec<FoundTrace> {
    (0..count).rev().map(|number| found(number, trouble)).collect()
}

fn asked(ui: &Ui) -> Option<String> {
    query(ui).map(|query| query.as_str().to_owned())
}

fn query(ui: &Ui) -> Option<lab_facts::query::Query> {
    ui.questions().into_iter().find_map(|question| if let Question::Traces(query) = question { Some(query) } else { None })
}

/// The store has found so many for whatever is looked for.
pub(super) fn answer(ui: &mut Ui, count: u64) {
    hear(ui, many(count, true));
}

fn hear(ui: &mut Ui, found: Vec<FoundTrace>) {
    if let Some(query) = query(ui) {
        ui.hear(Answer::Traces(query, Ok(found)));
    }
}

fn in_room(model: &Model) -> Ui {
    let mut ui = ui();
    press(&mut ui, model, &[KeyCode::Char('4')]);
    ui
}

fn write(ui: &mut Ui, model: &Model, text: &str) {
    text.chars().for_each(|letter| press(ui, model, &[KeyCode::Char(letter)]));
}

#[test]
fn the_room_in_each_state_at_each_size() {
    let model = model(21);
    for size in SIZES {
        let mut ui = in_room(&model);
        let snap = |ui: &mut Ui, state: &str| {
            insta::assert_snapshot!(format!("traces_{state}_{}x{}", size.0, size.1), text(&drawn(&model, ui, size)));
        };
        snap(&mut ui, "searching");
        hear(&mut ui, Vec::new());
        snap(&mut ui, "empty");
        hear(&mut ui, many(28, false));
        snap(&mut ui, "calm");
        hear(&mut ui, many(70, true));
        press(&mut ui, &model, &[KeyCode::Tab, KeyCode::Down, KeyCode::Down]);
        snap(&mut ui, "trouble");
        press(&mut ui, &model, &[KeyCode::Char('/')]);
        write(&mut ui, &model, "{ statsu = error }");
        snap(&mut ui, "writing");
        press(&mut ui, &model, &[KeyCode::Enter]);
        snap(&mut ui, "misread");
    }
}

#[test]
fn a_query_is_run_by_enter_and_one_that_is_not_understood_changes_nothing() {
    let model = model(8);
    let mut ui = in_room(&model);
    assert_eq!(asked(&ui).as_deref(), Some("{ }"));
    answer(&mut ui, 20);
    press(&mut ui, &model, &[KeyCode::Char('/')]);
    // Digits and `q` are letters here.
    write(&mut ui, &model, "{ duration > 12qs }");
    press(&mut ui, &model, &[KeyCode::Enter]);
    let shown = text(&drawn(&model, &mut ui, (120, 36)));
    assert!(shown.contains("at character ") && shown.contains('^'), "{shown}");
    assert_eq!(asked(&ui).as_deref(), Some("{ }"), "what was looked for is looked for still");
    press(&mut ui, &model, &[KeyCode::Esc]);
    assert!(text(&drawn(&model, &mut ui, (120, 36))).contains("20 traces"), "the results are still there");
    press(&mut ui, &model, &[KeyCode::Char('/')]);
    write(&mut ui, &model, "{ duration > 12ms }");
    press(&mut ui, &model, &[KeyCode::Enter]);
    assert_eq!(asked(&ui).as_deref(), Some("{ duration > 12ms }"));
    assert!(text(&drawn(&model, &mut ui, (120, 36))).contains("searching"));
    // What was found for another query is not taken for this one's.
    let other = lab_facts::query::Query::parse("{ }").unwrap();
    ui.hear(Answer::Traces(other, Ok(Vec::new())));
    assert!(text(&drawn(&model, &mut ui, (120, 36))).contains("searching"));
    hear(&mut ui, Vec::new());
    assert!(text(&drawn(&model, &mut ui, (120, 36))).contains("no trace matches so far"));
    // Up is what was run last, down the first ready-made one.
    press(&mut ui, &model, &[KeyCode::Char('/'), KeyCode::Backspace, KeyCode::Up, KeyCode::Enter]);
    assert_eq!(asked(&ui).as_deref(), Some("{ duration > 12ms }"));
    press(&mut ui, &model, &[KeyCode::Char('/'), KeyCode::Down, KeyCode::Enter]);
    assert_eq!(asked(&ui).as_deref(), Some("{ status = error }"));
    ui.begin(0);
    assert_eq!(asked(&ui).as_deref(), Some("{ status = error }"), "the next run is searched for the same");
}

#[test]
fn a_chosen_row_stays_chosen_and_where_it_is() {
    let model = model(8);
    let mut ui = in_room(&model);
    let chosen_line = |ui: &mut Ui| {
        let shown = text(&drawn(&model, ui, (120, 36)));
        shown.lines().enumerate().find(|(_, line)| line.starts_with('▸')).map(|(number, line)| (number, line.to_owned())).unwrap()
    };
    hear(&mut ui, many(60, true));
    // Until one is chosen, the newest is.
    let (first, line) = chosen_line(&mut ui);
    hear(&mut ui, many(61, true));
    assert_ne!(chosen_line(&mut ui).1, line);
    press(&mut ui, &model, &[KeyCode::PageDown, KeyCode::PageDown, KeyCode::PageDown, KeyCode::PageDown, KeyCode::Char('k')]);
    let before = chosen_line(&mut ui);
    assert!(before.0 > first);
    hear(&mut ui, many(66, true));
    assert_eq!(chosen_line(&mut ui), before);
    press(&mut ui, &model, &[KeyCode::Tab]);
    let slowest = chosen_line(&mut ui).1;
    assert!(slowest.contains("2.83 s") && slowest.contains("✗ 3"), "{slowest}");
    press(&mut ui, &model, &[KeyCode::Tab]);
    assert_eq!(asked(&ui).as_deref(), Some("{ status = error }"));
    assert!(text(&drawn(&model, &mut ui, (120, 36))).contains("searching"));
    hear(&mut ui, many(66, true));
    let shown = text(&drawn(&model, &mut ui, (120, 36)));
    assert!(shown.contains("12 traces") && !shown.contains("4.20 ms"), "{shown}");
    press(&mut ui, &model, &[KeyCode::Esc, KeyCode::BackTab, KeyCode::BackTab, KeyCode::Char('G')]);
    assert!(chosen_line(&mut ui).1.contains("17:46:36.000"));
    press(&mut ui, &model, &[KeyCode::Char('g')]);
    assert_eq!(chosen_line(&mut ui).0, first);
    // Whoever looks for the slowest must know how far back the search has reached.
    hear(&mut ui, many(500, true));
    assert!(text(&drawn(&model, &mut ui, (120, 36))).contains("the newest 500; a narrower query reaches further back"));
    press(&mut ui, &model, &[KeyCode::BackTab]);
    hear(&mut ui, many(500, true));
    assert!(text(&drawn(&model, &mut ui, (60, 20))).contains(" 98 among the newest 500"));
}

#[test]
fn the_trace_of_a_row_opens_and_its_neighbours_are_those_of_the_list() {
    let model = model(30);
    let mut ui = in_room(&model);
    answer(&mut ui, 60);
    press(&mut ui, &model, &[KeyCode::Tab, KeyCode::Down, KeyCode::Enter]);
    let id = |ui: &Ui| ui.open.as_ref().unwrap().trace_id.to_string();
    let of = |number: u64| found(number, true).trace_id;
    assert_eq!((id(&ui), ui.open.as_ref().unwrap().told.as_str()), (of(50), "lab GET, 3 errors"));
    press(&mut ui, &model, &[KeyCode::Left]);
    assert_eq!(id(&ui), of(55));
    press(&mut ui, &model, &[KeyCode::Left, KeyCode::Right, KeyCode::Right]);
    assert_eq!(id(&ui), of(45));
    press(&mut ui, &model, &[KeyCode::Esc]);
    assert!(ui.open.is_none() && ui.room == Room::Traces);
    assert_eq!(ui.traces.chosen().unwrap().to_string(), of(45));
    // A click chooses, the next one opens.
    drawn(&model, &mut ui, (120, 36));
    let (rows, _) = ui.clicks.last().copied().unwrap();
    let click = MouseEvent { kind: MouseEventKind::Down(MouseButton::Left), column: 20, row: rows.y, modifiers: KeyModifiers::NONE };
    ui.on_mouse(click, &model);
    assert!(ui.open.is_none());
    ui.on_mouse(click, &model);
    assert_eq!(id(&ui), of(55));
}

/// As [`slow_trace`], with something that nobody waited for, an event, a link and a resource; its root is not there yet.
fn rich_trace() -> Trace {
    let mut trace = slow_trace();
    let resource = [("service.name", json!("die-service")), ("service.version", json!("0.1.0")), ("host.name", json!("bench-7"))];
    let resource = resource.map(|(key, value)| (key.to_owned(), value));
    let cache = TraceSpan { duration_nano: 400_000_000, name: "cache.refresh".to_owned(), kind: "internal".to_owned(), ..SPAN("c") };
    let cache = TraceSpan { span_id: "e".to_owned(), parent_span_id: Some("c".to_owned()), start_unix_nano: 10_000_000, ..cache };
    trace.spans.insert(3, cache);
    let select = &mut trace.spans[4];
    (select.error, select.status, select.status_message) = (true, Status::Error, "canceling statement due to lock timeout".to_owned());
    select.attributes.insert("db.query.text".to_owned(), json!("SELECT id, sides FROM die_specifications WHERE name = $1 ORDER BY id"));
    let stack = "SqlxError: lock timeout\n  at die_service::specifications\n  at tower::service";
    let attributes = [("exception.type".to_owned(), json!("sqlx::Error")), ("exception.stacktrace".to_owned(), json!(stack))].into();
    select.events.push(SpanEvent { unix_nano: 1_939_000_000, name: "exception".to_owned(), attributes });
    let link =
        SpanLink { trace_id: "0af7651916cd43dd8448eb211c80319c".to_owned(), span_id: "b7ad6b7169203331".to_owned(), ..SpanLink::default() };
    select.links.push(link);
    select.resource = std::collections::BTreeMap::from(resource).into();
    trace
}

fn opened(model: &Model, trace: Trace) -> Ui {
    let mut ui = in_room(model);
    answer(&mut ui, 3);
    press(&mut ui, model, &[KeyCode::Enter]);
    ui.open.as_mut().unwrap().trace = Some(trace);
    ui
}

#[test]
fn a_trace_tells_all_at_each_size() {
    let model = model(21);
    for size in SIZES {
        let mut ui = opened(&model, rich_trace());
        let snap = |ui: &mut Ui, state: &str| {
            insta::assert_snapshot!(format!("trace_{state}_{}x{}", size.0, size.1), text(&drawn(&model, ui, size)));
        };
        snap(&mut ui, "rich");
        press(&mut ui, &model, &[KeyCode::Tab]);
        snap(&mut ui, "details");
        press(&mut ui, &model, &[KeyCode::Tab, KeyCode::Home, KeyCode::Down, KeyCode::Down, KeyCode::Enter]);
        snap(&mut ui, "folded");
    }
}

#[test]
fn spans_fold_and_a_trace_that_grows_keeps_what_is_chosen() {
    let model = model(8);
    let mut whole = rich_trace();
    whole.spans[0].kind = "internal".to_owned();
    let mut partial = whole.clone();
    partial.spans.remove(0);
    let mut ui = opened(&model, partial);
    let shown = |ui: &mut Ui| text(&drawn(&model, ui, (120, 36)));
    assert!(shown(&mut ui).contains("incomplete: its root has not ended"));
    // The row of `cache.refresh`.
    press(&mut ui, &model, &[KeyCode::Home, KeyCode::Down, KeyCode::Down, KeyCode::Down]);
    let span = |ui: &Ui| ui.open.as_ref().unwrap().span().map(|span| span.span_id.clone());
    assert_eq!(span(&ui).as_deref(), Some("e"));
    ui.open.as_mut().unwrap().hear(Some(whole));
    assert!(shown(&mut ui).contains("complete") && !shown(&mut ui).contains("incomplete"));
    assert_eq!(span(&ui).as_deref(), Some("e"));
    ui.open.as_mut().unwrap().hear(None);
    assert!(shown(&mut ui).contains("cache.refresh"), "what the store has pushed out is still looked at");
    press(&mut ui, &model, &[KeyCode::Char('x')]);
    let folded = shown(&mut ui);
    assert!(folded.contains("▸ lab GET +4 spans") && !folded.contains("frontend"), "{folded}");
    assert_eq!(span(&ui).as_deref(), Some("a"), "where the chosen one is hidden");
    press(&mut ui, &model, &[KeyCode::Enter]);
    assert!(shown(&mut ui).contains("▸ frontend GET /roll +3 spans"));
    // What is looked for is not hidden.
    press(&mut ui, &model, &[KeyCode::Char('n'), KeyCode::Char('n')]);
    assert_eq!(span(&ui).as_deref(), Some("d"));
    assert!(shown(&mut ui).contains("▾ die-service GET /dice"));
    press(&mut ui, &model, &[KeyCode::Char('N')]);
    assert_eq!(span(&ui).as_deref(), Some("b"));
    // Scrolling beyond the end of the details is the end.
    press(&mut ui, &model, &[KeyCode::Char('n'), KeyCode::Tab, KeyCode::Char('G')]);
    shown(&mut ui);
    press(&mut ui, &model, &[KeyCode::Esc]);
    assert!(ui.open.is_some() && shown(&mut ui).contains("▾ die-service GET /dice"));
}

/// What is dear is worked out once; a frame costs what is in sight.
#[test]
fn a_trace_of_ten_thousand_spans_is_drawn_fast() {
    let span = |number: usize| TraceSpan {
        span_id: format!("{number:016x}"),
        parent_span_id: (number > 0).then(|| format!("{:016x}", (number - 1) / 3)),
        start_unix_nano: START + number as u64 * 1000,
        duration_nano: 50_000_000 - number as u64 * 4000,
        ..SPAN("c")
    };
    let trace = Trace { spans: (0..10_000).map(span).collect(), logs: Vec::new(), ..slow_trace() };
    let model = model(8);
    let mut ui = opened(&model, trace);
    let begun = std::time::Instant::now();
    drawn(&model, &mut ui, (200, 60));
    let first = begun.elapsed();
    for key in [KeyCode::End, KeyCode::Up, KeyCode::Home, KeyCode::PageDown] {
        press(&mut ui, &model, &[key]);
        drawn(&model, &mut ui, (200, 60));
    }
    let others = (begun.elapsed() - first) / 4;
    println!("the first frame took {first:?}, the others {others:?}");
    assert!(others < first, "the first frame took {first:?}, the others {others:?}");
}
