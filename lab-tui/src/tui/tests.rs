//! The screen, drawn from scripted events at the sizes that people have.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use lab_facts::event::{Cell, Exemplar, Fact, FaultChange, HopSpans, LoadWindow, Outcome, Pool, ProcessChange, Samples, TraceId};
use lab_facts::scenario::{Plan, shipped};
use lab_facts::trace::{LogLine, Trace, TraceSpan};
use rand::{RngExt as _, SeedableRng as _};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;
use serde_json::json;

use super::*;

const SIZES: [(u16, u16); 4] = [(60, 20), (80, 24), (120, 36), (200, 60)];

/// A run that has come that far: calm, from 15 s to 25 s a lock, then calm again.
fn model(seconds: u64) -> Model {
    let plan = Plan::parse(shipped("first-minute").unwrap(), "first-minute", &["frontend"]).unwrap();
    let mut model = Model::new(Arc::new(plan.for_screen()));
    let mut apply = |millis: u64, fact| model.apply(Event { at: Duration::from_millis(millis), fact });
    for second in 0..seconds {
        let locked = (15..25).contains(&second);
        if second == 0 {
            for (from, to) in
                [("lab", "frontend"), ("frontend", "dice-roller"), ("dice-roller", "die-service"), ("die-service", "postgresql")]
            {
                apply(900, Fact::Edge { from: from.into(), to: to.into() });
            }
        }
        if second == 15 {
            apply(15_004, Fact::Fault { index: 0, change: FaultChange::Started });
        }
        if second == 25 {
            apply(25_003, Fact::Fault { index: 0, change: FaultChange::Ended });
        }
        let micros: Vec<u32> = (0..20).map(|request| if locked { 1_005_000 + request * 50_000 } else { 4_200 + request * 130 }).collect();
        let (status, failed) = if locked { (503, true) } else { (200, false) };
        let exemplar = |(number, micros): (u64, &u32)| Exemplar {
            load: 0,
            request: 0,
            at: Duration::from_millis(second * 1000 + number * 50),
            micros: *micros,
            trace_id: TraceId((u128::from(second * 100 + number + 1) << 96 | 0xabc).to_be_bytes()),
            outcome: Outcome::Status(status),
            failed,
        };
        let exemplars = (0..).zip(&micros).map(exemplar).collect();
        let times = Samples::from_micros(micros.clone());
        let cell = Cell { request: 0, outcome: Outcome::Status(status), response_time: times.clone(), service_time: times };
        let window = LoadWindow {
            load: 0,
            index: second * 10,
            offered: 20,
            dropped: 0,
            lag: Samples::default(),
            cells: vec![cell],
            reasons: Vec::new(),
            exemplars,
        };
        apply(second * 1000 + 990, Fact::Window(window));
        for (hop, share) in [("frontend", 9), ("dice-roller", 8), ("die-service", 6), ("postgresql", 3)] {
            let durations = Samples::from_micros(micros.iter().map(|micros| micros * share / 10).collect());
            let errors = if locked && hop != "postgresql" { 20 } else { 0 };
            apply(second * 1000 + 995, Fact::Hop(HopSpans { hop: hop.to_owned(), second, errors, durations }));
        }
        let (used, idle, pending) = if locked { (10, 0, 18) } else { (1, 2, 0) };
        apply(second * 1000 + 500, Fact::Pool(Pool { service: "die-service".to_owned(), used, idle, pending, max: 10 }));
        apply(second * 1000 + 999, Fact::Tick);
    }
    model
}

fn planned(name: &str, file: Option<&str>, text: &str, plan: Plan) -> Planned {
    let (name, file, text) = (name.to_owned(), file.map(str::to_owned), text.to_owned());
    Planned { name, file, folder: std::path::PathBuf::new(), plan: Arc::new(plan), text, beside: None, time_scale: None }
}

fn ui() -> Ui {
    let listed = |(name, text): &(&str, &str)| {
        let plan = Plan::parse(text, name, &["frontend", "dice-roller", "die-service"]).unwrap();
        Listed::from(planned(name, None, text, plan))
    };
    // The first two only: a snapshot should not change with every scenario that is shipped.
    Ui::new(Palette::new(Theme::Dark), None, lab_facts::scenario::SHIPPED.iter().take(2).map(listed).collect())
}

fn drawn(model: &Model, ui: &mut Ui, (width, height): (u16, u16)) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    let verdict = verdict::judge(model.plan(), model);
    draw(&mut buffer, Rect::new(0, 0, width, height), model, &verdict, ui);
    buffer
}

fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width);
    let rows = buffer.content.chunks(width).map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>());
    rows.map(|row| format!("{}\n", row.trim_end())).collect()
}

fn press(ui: &mut Ui, model: &Model, keys: &[KeyCode]) {
    for key in keys {
        ui.on_key(KeyEvent::new(*key, KeyModifiers::NONE), model);
    }
}

/// A trace of three services in which the database takes the time.
fn slow_trace() -> Trace {
    let span = |id: &str, parent: Option<&str>, service: &str, name: &str, start: u64, millis: u64, error: bool| TraceSpan {
        span_id: id.to_owned(),
        parent_span_id: parent.map(str::to_owned),
        service: service.to_owned(),
        name: name.to_owned(),
        kind: "server".to_owned(),
        start_unix_nano: start * 1_000_000,
        duration_nano: millis * 1_000_000,
        error,
        attributes: [("http.route".to_owned(), json!("/dice")), ("http.response.status_code".to_owned(), json!(503))].into(),
        ..TraceSpan::default()
    };
    let line = json!({"level": "WARNING", "message": "Database connection pool exhausted", "span_id": "c", "pending": 18});
    Trace {
        trace_id: "00000640000000000000000000000abc".to_owned(),
        spans: vec![
            span("a", None, "lab", "GET", 0, 2000, true),
            span("b", Some("a"), "frontend", "GET /roll", 1, 1990, true),
            span("c", Some("b"), "die-service", "GET /dice", 2, 1980, false),
            span("d", Some("c"), "die-service", "SELECT die_specifications", 40, 1900, false),
        ],
        logs: vec![LogLine { unix_nano: 3_000_000, service: "die-service".to_owned(), line }],
    }
}

#[test]
fn each_state_at_each_size() {
    for size in SIZES {
        for (state, seconds) in [("empty", 0), ("calm", 8), ("trouble", 21), ("recovered", 34)] {
            let shown = text(&drawn(&model(seconds), &mut ui(), size));
            insta::assert_snapshot!(format!("{state}_{}x{}", size.0, size.1), shown);
        }
    }
}

/// What a Tempo is asked for comes late, and may be a sample: hops are shown as of when they are known, and as no more than is known.
#[test]
fn hops_of_what_is_attached_are_those_that_have_come() {
    let plan = "format = 1\ntitle = \"t\"\nstack = \"attach\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-arrival-rate\"\nrate = 1\n\
                duration = \"60s\"\n[[load.request]]\nget = \"http://x/\"\n";
    let mut model = Model::new(Arc::new(Plan::parse(plan, "t", &[]).unwrap()));
    let mut apply = |second, fact| model.apply(Event { at: Duration::from_secs(second), fact });
    apply(1, Fact::Edge { from: "lab".into(), to: "shop".into() });
    for second in 0..12 {
        let durations = Samples::from_micros(vec![2_000; 10]);
        apply(second + 8, Fact::Hop(HopSpans { hop: "shop".to_owned(), second, errors: 0, durations }));
    }
    apply(20, Fact::Process { name: "Tempo".to_owned(), change: ProcessChange::Sampled });
    apply(21, Fact::Tick);
    let shown = text(&drawn(&model, &mut ui(), (200, 60)));
    assert!(shown.contains("≥10/s") && shown.contains("Tempo is asked for a sample of the traces"), "{shown}");
}

#[test]
fn failing_processes_and_the_end_are_told() {
    let mut model = model(28);
    let mut apply = |second, fact| model.apply(Event { at: Duration::from_secs(second), fact });
    apply(26, Fact::Process { name: "postgres".to_owned(), change: ProcessChange::Exited("signal 9".to_owned()) });
    apply(27, Fact::Process { name: "postgres".to_owned(), change: ProcessChange::Restarted });
    apply(28, Fact::Finished { interrupted: false });
    for size in SIZES {
        insta::assert_snapshot!(format!("failing_{}x{}", size.0, size.1), text(&drawn(&model, &mut ui(), size)));
    }
    let mut ui = ui();
    // At 80 columns thresholds and events are lists like the others.
    drawn(&model, &mut ui, (80, 24));
    press(&mut ui, &model, &[KeyCode::Tab, KeyCode::Tab, KeyCode::Tab]);
    insta::assert_snapshot!("thresholds_80x24", text(&drawn(&model, &mut ui, (80, 24))));
    press(&mut ui, &model, &[KeyCode::Tab]);
    insta::assert_snapshot!("events_80x24", text(&drawn(&model, &mut ui, (80, 24))));
}

#[test]
fn the_suggestion_leads_to_the_peak_and_its_trace() {
    let model = model(30);
    let mut ui = ui();
    drawn(&model, &mut ui, (120, 36));
    assert!(ui.callout(&model).unwrap().contains("press Enter on the peak"));
    press(&mut ui, &model, &[KeyCode::Enter]);
    assert_eq!(ui.cursor, Some(15), "the first of the seconds with the highest p99");
    let open = ui.open.as_mut().unwrap();
    assert_eq!(open.told, "503, 1.96 s after it was due");
    assert!(text(&drawn(&model, &mut ui, (120, 36))).contains("have not come in"));
    ui.open.as_mut().unwrap().trace = Some(slow_trace());
    for size in SIZES {
        insta::assert_snapshot!(format!("trace_{}x{}", size.0, size.1), text(&drawn(&model, &mut ui, size)));
    }
    press(&mut ui, &model, &[KeyCode::Esc]);
    assert!(ui.open.is_none() && ui.callout(&model).is_none(), "whoever has acted is left alone");
    insta::assert_snapshot!("cursor_80x24", text(&drawn(&model, &mut ui, (80, 24))));
    press(&mut ui, &model, &[KeyCode::Esc]);
    assert_eq!(ui.cursor, None);
}

#[test]
fn help_lies_over_the_screen() {
    let model = model(8);
    let mut ui = ui();
    press(&mut ui, &model, &[KeyCode::Char('?')]);
    insta::assert_snapshot!("help_80x24", text(&drawn(&model, &mut ui, (80, 24))));
    press(&mut ui, &model, &[KeyCode::Esc]);
    assert_eq!(ui.overlay, None);
}

#[test]
fn a_replay_says_that_it_is_one() {
    let model = model(21);
    let mut ui = ui();
    ui.replay = Some(Replay { speed: 4.0, paused: false });
    for size in SIZES {
        insta::assert_snapshot!(format!("replay_{}x{}", size.0, size.1), text(&drawn(&model, &mut ui, size)));
    }
    ui.replay = Some(Replay { speed: 4.0, paused: true });
    press(&mut ui, &model, &[KeyCode::Char('?')]);
    insta::assert_snapshot!("replay_help_80x24", text(&drawn(&model, &mut ui, (80, 24))));
}

#[test]
fn without_colours_nothing_is_coloured_and_faults_are_still_named() {
    let model = model(21);
    let mut ui = ui();
    ui.palette = Palette::new(Theme::Plain);
    let buffer = drawn(&model, &mut ui, (120, 36));
    let coloured = |colour| colour != Color::Reset;
    assert!(buffer.content.iter().all(|cell| !coloured(cell.fg) && !coloured(cell.bg)));
    assert!(text(&buffer).contains("table"));
}

#[test]
fn a_link_is_one_click_from_every_trace_id() {
    let model = model(21);
    let link = lab_instrument::report::TraceLink::template("http://tempo/{trace_id}").unwrap();
    let mut ui = ui();
    ui.link = Some(link);
    let shown = text(&drawn(&model, &mut ui, (200, 60)));
    assert!(shown.contains("http://tempo/000005"), "{shown}");
}

#[test]
fn the_palette_does_what_is_found() {
    let model = model(30);
    let mut ui = ui();
    press(&mut ui, &model, &[KeyCode::Char(':')]);
    ui.on_paste("peak\u{1b}");
    insta::assert_snapshot!("palette_80x24", text(&drawn(&model, &mut ui, (80, 24))));
    press(&mut ui, &model, &[KeyCode::Enter]);
    assert_eq!((ui.cursor, ui.overlay), (Some(15), None));
    ui.on_key(KeyEvent::new(KeyCode::Char('p'), KeyModifiers::CONTROL), &model);
    ui.on_paste(&format!("run {}", ui.scenarios[1].name.clone()));
    assert_eq!(ui.on_key(KeyCode::Enter.into(), &model), Some(Wish::Run(1)));
    press(&mut ui, &model, &[KeyCode::Char(':'), KeyCode::Char('x'), KeyCode::Esc]);
    assert_eq!(ui.overlay, None);
}

#[test]
fn numbers_are_explained_where_they_stand() {
    let model = model(21);
    let mut ui = ui();
    press(&mut ui, &model, &[KeyCode::Char('e'), KeyCode::Down]);
    for size in [(80, 24), (120, 36)] {
        insta::assert_snapshot!(format!("meaning_{}x{}", size.0, size.1), text(&drawn(&model, &mut ui, size)));
    }
    press(&mut ui, &model, &[KeyCode::Down; 50]);
    assert!(text(&drawn(&model, &mut ui, (80, 24))).contains("▸ schedule lag"));
    press(&mut ui, &model, &[KeyCode::Esc]);
    assert_eq!(ui.overlay, None);
}

#[test]
fn a_click_leads_to_a_room_a_second_or_a_trace() {
    let model = model(30);
    let mut ui = ui();
    let mouse = |kind, (column, row)| MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
    let click = |at| mouse(MouseEventKind::Down(MouseButton::Left), at);
    let shown = text(&drawn(&model, &mut ui, (120, 36)));
    let place = |what: &str| {
        let (row, line) = shown.lines().enumerate().find(|(_, line)| line.contains(what)).unwrap();
        let column = line.split(what).next().unwrap().chars().count();
        (u16::try_from(column).unwrap(), u16::try_from(row).unwrap())
    };
    let (column, row) = place("╵0:10");
    ui.on_mouse(click((column + 7, row - 6)), &model);
    assert_eq!(ui.cursor, Some(17), "ten seconds in, and seven columns more");
    drawn(&model, &mut ui, (120, 36));
    let (column, row) = place("▸");
    for opened in [false, true] {
        ui.on_mouse(click((column + 3, row + 1)), &model);
        assert_eq!(ui.open.is_some(), opened);
    }
    let (column, row) = place("2 Latency");
    ui.on_mouse(click((column, row)), &model);
    assert_eq!((ui.room, ui.open.is_some()), (Room::Latency, false));
    ui.on_mouse(click((119, 35)), &model);
    ui.on_mouse(mouse(MouseEventKind::Moved, (3, 3)), &model);
    assert_eq!(ui.room, Room::Latency, "nothing is there");
}

mod control;
mod database;
mod latency;
mod logs;
mod pace;
mod palette;
mod queries;
mod random;
mod scenarios;
mod time;
mod traces;
mod why;
