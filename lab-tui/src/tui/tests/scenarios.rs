//! The room of scenarios: what can be run, how the run that is on stands, what ran before.

use std::path::PathBuf;

use lab_facts::event::Command;
use lab_facts::verdict::Word;
use lab_instrument::record::End;

use super::*;
use crate::tui::ask::{Answer, Question};
use crate::tui::shelf::{Had, PastRun, Wanted};

/// A plan with everything that a time line can show.
const RICH: &str = r#"format = 1
title = "A sale begins while the table is locked"
about = "Visitors come at a rate that rises; buyers are few, and each waits for its answer."
[[load]]
name = "visitors"
service = "frontend"
executor = "ramping-arrival-rate"
start_rate = 20
stages = [{ target = 20, duration = "20s" }, { target = 200, duration = "10s" }, { target = 50, duration = "30s" }]
[[load.request]]
get = "/roll"
[[load.request]]
get = "/"
[[load]]
name = "buyers"
service = "frontend"
executor = "constant-vus"
vus = 12
duration = "20s"
start = "30s"
[[load.request]]
get = "/roll?dice=2"
[[fault]]
name = "table locked"
kind = "db.lock"
table = "die_specifications"
at = "35s"
duration = "10s"
[[phase]]
name = "sale"
at = "20s"
duration = "35s"
[thresholds]
"http_req_duration{load:visitors}" = [{ threshold = "p(95)<300", outside = "table locked" }]
http_req_failed = ["rate<0.01"]
[[expect]]
name = "errors are logged"
logs = { level = "ERROR" }
during = "table locked"
count = ">=1"
"#;

fn asked(ui: &Ui) -> Option<Wanted> {
    ui.questions().into_iter().find_map(|question| if let Question::Shelf(wanted) = question { Some(wanted) } else { None })
}

fn past(number: u64) -> PastRun {
    let is_bad = number.is_multiple_of(3);
    let end = End {
        verdict: if is_bad { Word::Fail } else { Word::Pass },
        interrupted: number.is_multiple_of(5),
        requests: 1_200 + number,
        failed: if is_bad { 180 } else { 0 },
        p99_ms: Some(if is_bad { 1_912.0 } else { 11.2 }),
        duration_seconds: 60.0,
    };
    let scenario = if number.is_multiple_of(2) { "first-minute" } else { "traffic" };
    PastRun { id: format!("20261128-0{number:05}"), scenario: scenario.to_owned(), ago: format!("{} min ago", 90 - number), end }
}

/// The disk has so many runs, and whatever else is asked for.
pub(super) fn answer(ui: &mut Ui, runs: u64) {
    let Some(wanted) = asked(ui) else { return };
    let had = match &wanted {
        Wanted::Scenarios { .. } => Had::Scenarios(Vec::new()),
        Wanted::Runs => Had::Runs(Ok((0..runs).rev().map(past).collect())),
        Wanted::Comparison(..) => Had::Comparison(Ok(COMPARED.to_owned())),
    };
    ui.hear(Answer::Shelf(wanted, had));
}

const COMPARED: &str = "\
baseline  20261128-000002  first-minute of 2026-11-28T01:00:00Z, lab 0.1.0
current   20261128-000004  first-minute of 2026-11-28T02:00:00Z, lab 0.1.0

                           baseline    current   typical second                p
load dice
  p50                       5.20 ms    5.31 ms         +0.11 ms   +2.1 %    0.210
  p99                       11.2 ms     1.91 s          +1.90 s           <0.001  WORSE

1 figure worse, 0 better; the slowdown begins at postgresql
(a change counts when p < 0.01 and it is more than 5 % of the baseline)
";

fn file(name: &str, text: &str) -> Listed {
    let plan = Plan::parse(text, &format!("{name}.toml"), &["frontend", "dice-roller", "die-service"]);
    let path = format!("{name}.toml");
    match plan {
        Ok(plan) => Listed::from(planned(name, Some(&path), text, plan)),
        Err(refusals) => Listed {
            name: name.to_owned(),
            file: Some(PathBuf::from(path)),
            planned: None,
            problems: refusals.to_string().lines().map(str::to_owned).collect(),
        },
    }
}

fn hear_files(ui: &mut Ui, files: Vec<Listed>) {
    let wanted = asked(ui).unwrap();
    assert!(matches!(wanted, Wanted::Scenarios { .. }), "{wanted:?}");
    ui.hear(Answer::Shelf(wanted, Had::Scenarios(files)));
}

/// A room whose files can be read, as a live run has it.
fn in_room(model: &Model) -> Ui {
    let mut ui = ui();
    ui.shelf = Shelf::reading(Arc::new(|_: &std::path::Path, _| Err("nobody asks".to_owned())));
    press(&mut ui, model, &[KeyCode::Char('s')]);
    ui
}

/// The run is over, with some failures after the fault and some arrivals that were dropped.
fn finished(seconds: u64) -> Model {
    let mut model = model(seconds);
    let times = Samples::from_micros(vec![5_000; 12]);
    let cell = Cell { request: 0, outcome: Outcome::Status(500), response_time: times.clone(), service_time: times };
    let (lag, cells) = (Samples::default(), vec![cell]);
    let window =
        LoadWindow { load: 0, index: seconds * 10 - 5, offered: 19, dropped: 7, lag, cells, reasons: Vec::new(), exemplars: Vec::new() };
    model.apply(Event { at: Duration::from_secs(seconds), fact: Fact::Window(window) });
    model.apply(Event { at: Duration::from_secs(seconds), fact: Fact::Finished { interrupted: false } });
    model
}

fn snap(model: &Model, ui: &mut Ui, state: &str, size: (u16, u16)) {
    insta::assert_snapshot!(format!("scenarios_{state}_{}x{}", size.0, size.1), text(&drawn(model, ui, size)));
}

#[test]
fn the_room_in_each_state_at_each_size() {
    for size in SIZES {
        let idle = model(0);
        snap(&idle, &mut in_room(&idle), "idle", size);
        let running = model(21);
        let mut ui = in_room(&running);
        hear_files(&mut ui, vec![file("sale", RICH), file("broken", &RICH.replace("vus = 12", "vuss = 12").replace("rate<", "rat<"))]);
        answer(&mut ui, 9);
        snap(&running, &mut ui, "running", size);
        press(&mut ui, &running, &[KeyCode::Down, KeyCode::Down]);
        snap(&running, &mut ui, "plan", size);
        press(&mut ui, &running, &[KeyCode::Down]);
        snap(&running, &mut ui, "broken", size);
        press(&mut ui, &running, &[KeyCode::Tab]);
        snap(&finished(30), &mut ui, "failed", size);
        press(&mut ui, &running, &[KeyCode::Tab, KeyCode::Down]);
        snap(&running, &mut ui, "history", size);
    }
}

#[test]
fn a_run_is_chosen_stopped_and_begun_again() {
    let model = model(8);
    let mut ui = in_room(&model);
    let key = |ui: &mut Ui, code: KeyCode| ui.on_key(code.into(), &model);
    press(&mut ui, &model, &[KeyCode::Down]);
    // The latter is what is left of an Enter that came before the screen.
    for enter in [KeyEvent::from(KeyCode::Enter), KeyEvent::new(KeyCode::Char('j'), KeyModifiers::CONTROL)] {
        assert_eq!(ui.on_key(enter, &model), Some(Wish::Run(1)));
    }
    assert_eq!(ui.note.as_deref(), Some("ending the run that is on, then traffic begins"));
    assert_eq!(key(&mut ui, KeyCode::Char('r')), Some(Wish::Run(0)));
    assert_eq!(key(&mut ui, KeyCode::Char('E')), Some(Wish::Edit(1)));
    assert_eq!(key(&mut ui, KeyCode::Char('x')), None);
    assert_eq!(ui.take_asked(), Some(Command::Stop));
    let over = finished(8);
    press(&mut ui, &over, &[KeyCode::Char('x')]);
    assert_eq!((ui.take_asked(), ui.note.as_deref()), (None, Some("the run is over: r begins it again")));
}

#[test]
fn what_was_edited_is_checked_shown_and_can_be_run_when_it_is_mended() {
    let model = model(8);
    let mut ui = in_room(&model);
    // What is under way was asked for before the edit, so its answer is none about it.
    let before = asked(&ui).unwrap();
    ui.scenario_room.edited(PathBuf::from("sale.toml"));
    ui.hear(Answer::Shelf(before, Had::Scenarios(Vec::new())));
    let broken = RICH.replace("vus = 12", "vuss = 12");
    hear_files(&mut ui, vec![file("sale", &broken)]);
    assert_eq!(ui.note.as_deref(), Some("sale.toml has a problem: E edits it again"));
    let shown = text(&drawn(&model, &mut ui, (120, 36)));
    assert!(shown.contains("unknown key `vuss`") && shown.contains("did you mean `vus`?"), "{shown}");
    assert_eq!(ui.on_key(KeyCode::Enter.into(), &model), None);
    assert_eq!(ui.note.as_deref(), Some("sale is not understood as it is: E edits it"));
    ui.note = None;
    ui.scenario_room.edited(PathBuf::from("sale.toml"));
    hear_files(&mut ui, vec![file("sale", RICH)]);
    assert_eq!(ui.note.as_deref(), Some("sale.toml is understood: Enter runs it"));
    assert_eq!(ui.on_key(KeyCode::Enter.into(), &model), Some(Wish::Run(2)), "in its own row, below those that were there");
    assert!(ui.scenarios[2].planned.is_some());
}

#[test]
fn two_runs_of_a_scenario_are_compared() {
    let model = model(8);
    let mut ui = in_room(&model);
    hear_files(&mut ui, Vec::new());
    answer(&mut ui, 9);
    assert_eq!(asked(&ui), None, "the disk is left alone when nothing has changed");
    press(&mut ui, &model, &[KeyCode::Tab, KeyCode::Tab]);
    let compared = |ui: &mut Ui, row: usize| {
        press(ui, &model, &[KeyCode::Home]);
        press(ui, &model, &vec![KeyCode::Down; row]);
        press(ui, &model, &[KeyCode::Enter]);
        let wanted = asked(ui).unwrap();
        press(ui, &model, &[KeyCode::Esc]);
        wanted
    };
    let both = |baseline: &str, current: &str| Wanted::Comparison(baseline.to_owned(), current.to_owned());
    assert_eq!(compared(&mut ui, 2), both("20261128-000006", "20261128-000008"), "with the newest of first-minute");
    assert_eq!(compared(&mut ui, 0), both("20261128-000006", "20261128-000008"), "the newest one with the one before");
    assert_eq!(compared(&mut ui, 1), both("20261128-000005", "20261128-000007"));
    press(&mut ui, &model, &[KeyCode::Enter]);
    snap(&model, &mut ui, "reading", (80, 24));
    answer(&mut ui, 9);
    for size in [(80, 24), (120, 36)] {
        snap(&model, &mut ui, "compared", size);
    }
    press(&mut ui, &model, &[KeyCode::Esc]);
    assert!(!text(&drawn(&model, &mut ui, (120, 36))).contains("typical second"));
}

#[test]
fn one_run_alone_is_compared_with_nothing() {
    let model = model(8);
    let mut ui = in_room(&model);
    hear_files(&mut ui, Vec::new());
    press(&mut ui, &model, &[KeyCode::Tab, KeyCode::Tab, KeyCode::Enter]);
    assert_eq!(ui.note.as_deref(), Some("the runs have not been read yet"));
    answer(&mut ui, 1);
    press(&mut ui, &model, &[KeyCode::Enter]);
    assert_eq!(ui.note.as_deref(), Some("there is no other run of this scenario to compare it with"));
}

#[test]
fn a_replay_shows_its_plan_and_says_what_it_cannot_do() {
    let model = model(21);
    for size in SIZES {
        let mut ui = ui();
        ui.scenarios.truncate(1);
        ui.replay = Some(Replay { speed: 1.0, paused: true });
        press(&mut ui, &model, &[KeyCode::Char('s')]);
        answer(&mut ui, 3);
        snap(&model, &mut ui, "replay", size);
        for (key, note) in [
            (KeyCode::Enter, "a replay runs nothing: `lab run first-minute` does"),
            (KeyCode::Char('x'), "a replay has nothing to stop"),
            (KeyCode::Char('E'), "a replay edits nothing; `lab` without it does"),
        ] {
            assert_eq!(ui.on_key(key.into(), &model), None);
            assert_eq!(ui.note.as_deref(), Some(note));
        }
        assert_eq!(ui.on_key(KeyCode::Char('r').into(), &model), Some(Wish::Run(0)), "from its start");
    }
}

#[test]
fn a_click_chooses_and_the_next_one_runs() {
    let model = model(8);
    let mut ui = in_room(&model);
    let shown = text(&drawn(&model, &mut ui, (120, 36)));
    let row = u16::try_from(shown.lines().position(|line| line.contains("  traffic")).unwrap()).unwrap();
    let kind = MouseEventKind::Down(MouseButton::Left);
    let click = MouseEvent { kind, column: 4, row, modifiers: KeyModifiers::NONE };
    assert_eq!([ui.on_mouse(click, &model), ui.on_mouse(click, &model)], [None, Some(Wish::Run(1))]);
}
