//! The room of log lines: what is shown at each size, its filters, and the ways from a group to its lines, and from a line to its trace.

use lab_instrument::observe::source::LogMark;
use lab_instrument::observe::store::StoredLine;

use super::*;
use crate::tui::ask::{Answer, Question};
use crate::tui::room::logs::{Kept, Record};

const BEGAN: u64 = 1_795_455_000_000_000_000;

fn began(seconds: u64) -> Model {
    let mut model = model(seconds);
    model.apply(Event { at: Duration::ZERO, fact: Fact::Began { unix_nano: BEGAN } });
    model
}

/// The text of a line: its level, its message, fields of its own, and whether it is in a trace.
fn line(number: u64, millis: u64, service: &str, told: (&str, &str), fields: serde_json::Value, traced: bool) -> StoredLine {
    let mut line = fields;
    (line["level"], line["message"], line["service"]) = (told.0.into(), told.1.into(), service.into());
    let trace = traced.then(|| TraceId((u128::from(number + 1) << 96 | 0xabc).to_be_bytes()));
    if let Some(trace) = trace {
        (line["trace_id"], line["span_id"]) = (trace.to_string().into(), "00000000000000aa".into());
    }
    StoredLine { number, unix_nano: BEGAN + millis * 1_000_000, service: service.into(), text: line.to_string().into(), trace }
}

/// As three services write: calm, from 15 s to 25 s without a connection to be had.
fn lines(seconds: u64) -> Vec<StoredLine> {
    let mut lines = vec![line(0, 40, "die-service", ("INFO", "Database connection pool opened"), json!({"max": 10}), false)];
    for second in 0..seconds {
        let locked = (15..25).contains(&second);
        for request in 0..20 {
            let millis = second * 1000 + request * 50;
            let next = |lines: &[StoredLine]| lines.len() as u64;
            if locked && request % 2 == 0 {
                let (waited, pending) = (1000 + request, request + 3);
                let told = ("ERROR", format!("No connection within {waited} ms"));
                lines.push(line(next(&lines), millis + 3, "die-service", (told.0, &told.1), json!({"pending": pending}), true));
            }
            if locked && request % 5 == 0 {
                let told = ("WARNING", "Die service refused");
                lines.push(line(next(&lines), millis + 4, "dice-roller", told, json!({"die_type": "d20", "status": 503}), true));
            }
            let (status, ms) = if locked { (503, 1005.5) } else { (200, 4.25) };
            for (offset, service, route) in [(5, "die-service", "/dice"), (6, "dice-roller", "/roll"), (7, "frontend", "/")] {
                let fields = json!({"method": "GET", "route": route, "status": status, "duration_ms": ms});
                lines.push(line(next(&lines), millis + offset, service, ("INFO", "Request completed"), fields, true));
            }
        }
    }
    lines
}

fn hear(ui: &mut Ui, lines: &[StoredLine], asked: LogMark, next: u64) {
    let mut kept = Kept::default();
    lines.iter().for_each(|line| kept.add(Record::read(line)));
    ui.hear(Answer::Logs(asked, Ok((kept, LogMark::Number(next)))));
}

/// In the room, with what was written so far.
fn in_room(seconds: u64) -> (Model, Ui) {
    let (model, mut ui) = (began(seconds), ui());
    press(&mut ui, &model, &[KeyCode::Char('5')]);
    hear(&mut ui, &lines(seconds), LogMark::Start, 10_000);
    drawn(&model, &mut ui, (120, 36));
    (model, ui)
}

fn write(ui: &mut Ui, model: &Model, text: &str) -> String {
    press(ui, model, &[KeyCode::Char('/')]);
    press(ui, model, &text.chars().map(KeyCode::Char).collect::<Vec<_>>());
    text_of(ui, model)
}

fn text_of(ui: &mut Ui, model: &Model) -> String {
    text(&drawn(model, ui, (120, 36)))
}

fn last_line(shown: &str) -> &str {
    shown.lines().rev().nth(1).unwrap_or_default()
}

#[test]
fn each_state_at_each_size() {
    for size in SIZES {
        let name = |state: &str| format!("logs_{state}_{}x{}", size.0, size.1);
        let mut empty = ui();
        let model = began(0);
        press(&mut empty, &model, &[KeyCode::Char('5')]);
        insta::assert_snapshot!(name("empty"), text(&drawn(&model, &mut empty, size)));
        let (model, mut ui) = in_room(8);
        insta::assert_snapshot!(name("calm"), text(&drawn(&model, &mut ui, size)));
        let (model, mut ui) = in_room(21);
        insta::assert_snapshot!(name("trouble"), text(&drawn(&model, &mut ui, size)));
        press(&mut ui, &model, &[KeyCode::Tab]);
        insta::assert_snapshot!(name("groups"), text(&drawn(&model, &mut ui, size)));
        press(&mut ui, &model, &[KeyCode::Tab, KeyCode::Char('p')]);
        drawn(&model, &mut ui, size);
        press(&mut ui, &model, &[KeyCode::Down]);
        insta::assert_snapshot!(name("cursor"), text(&drawn(&model, &mut ui, size)));
    }
}

#[test]
fn the_newest_are_followed_until_the_viewer_scrolls_up() {
    let (model, mut ui) = in_room(8);
    assert!(last_line(&text_of(&mut ui, &model)).contains("0:07.957 INFO     frontend"));
    let newer = |number: u64, message| line(number, 7_960 + number % 10, "frontend", ("INFO", message), json!({}), false);
    hear(&mut ui, &[newer(10_000, "one more")], LogMark::Number(10_000), 10_001);
    assert!(last_line(&text_of(&mut ui, &model)).contains("one more"));
    press(&mut ui, &model, &[KeyCode::Down]);
    assert!(text_of(&mut ui, &model).contains("▼ following"), "there is nothing below the newest");
    press(&mut ui, &model, &[KeyCode::Up, KeyCode::Up]);
    let before = text_of(&mut ui, &model);
    assert!(before.contains("▸ 0:07.957") && before.contains("‖ G follows"), "{before}");
    hear(&mut ui, &[newer(10_001, "and one")], LogMark::Number(10_001), 10_002);
    assert!(!text_of(&mut ui, &model).contains("and one"), "the list stands still");
    for follow in [KeyCode::Char('G'), KeyCode::End, KeyCode::Char('f'), KeyCode::Esc] {
        press(&mut ui, &model, &[KeyCode::Up, follow]);
        let shown = text_of(&mut ui, &model);
        assert!(shown.contains("▼ following") && last_line(&shown).contains("and one"), "{follow:?}\n{shown}");
    }
    press(&mut ui, &model, &[KeyCode::Char('f')]);
    assert!(text_of(&mut ui, &model).contains("‖ G follows"));
    press(&mut ui, &model, &[KeyCode::Home]);
    assert!(text_of(&mut ui, &model).contains("▸ 0:00.005"), "late lines stand where their time is");
}

#[test]
fn a_line_that_comes_late_stands_at_its_time_and_one_that_comes_twice_once() {
    let (model, mut ui) = in_room(8);
    let late = line(10_000, 20, "frontend", ("INFO", "late"), json!({}), false);
    let again = lines(1).remove(3);
    hear(&mut ui, &[late, again], LogMark::Number(10_000), 10_001);
    // An answer to what was asked before is none.
    hear(&mut ui, &lines(21), LogMark::Number(10_000), 10_002);
    press(&mut ui, &model, &[KeyCode::Home]);
    let shown = text_of(&mut ui, &model);
    assert!(shown.contains("482 of 482 lines"), "{shown}");
    assert!(shown.lines().any(|line| line.contains("0:00.020 INFO     frontend    late")), "{shown}");
}

#[test]
fn what_is_written_is_in_force_at_once() {
    let (model, mut ui) = in_room(21);
    let all = lines(21).len();
    let of = |count: usize| format!("{count:>6} of {all} lines");
    assert!(text_of(&mut ui, &model).contains(&of(all)));
    assert!(write(&mut ui, &model, "status=503 refused").contains(&of(24)));
    // Esc brings back what was; the lines of a text that is not understood are those of what was understood last.
    press(&mut ui, &model, &[KeyCode::Esc]);
    assert!(text_of(&mut ui, &model).contains(&of(all)));
    let shown = write(&mut ui, &model, "/within 10(01|2/");
    assert!(shown.contains("is no regular expression"), "{shown}");
    press(&mut ui, &model, &[KeyCode::Backspace]);
    let shown = text_of(&mut ui, &model);
    assert!(!shown.contains("is no regular expression") && shown.contains(&of(0)) && shown.contains("no line fits"), "{shown}");
    press(&mut ui, &model, &[KeyCode::Esc]);
    let shown = write(&mut ui, &model, "/within 10(00|02) ms/");
    assert!(shown.contains(&of(12)), "{shown}");
    // Digits and q were letters; now they are keys again.
    press(&mut ui, &model, &[KeyCode::Enter, KeyCode::Char('l'), KeyCode::Char('v')]);
    let shown = text_of(&mut ui, &model);
    assert!(shown.contains("≥ INFO") && shown.contains("v dice-roller") && shown.contains(&of(0)), "{shown}");
    press(&mut ui, &model, &[KeyCode::Char('v')]);
    assert!(text_of(&mut ui, &model).contains(&of(12)));
    press(&mut ui, &model, &[KeyCode::Esc, KeyCode::Char('l')]);
    assert!(text_of(&mut ui, &model).contains(&of(60)), "WARNING or worse of die-service");
    press(&mut ui, &model, &[KeyCode::Char('v'), KeyCode::Char('l')]);
    assert!(text_of(&mut ui, &model).contains("≥ ERROR"));
    press(&mut ui, &model, &[KeyCode::Char('v'), KeyCode::Char('l')]);
    assert!(text_of(&mut ui, &model).contains(&of(all)));
}

#[test]
fn a_line_leads_to_its_trace_and_back() {
    let (model, mut ui) = in_room(8);
    press(&mut ui, &model, &[KeyCode::Enter]);
    assert!(ui.note.as_ref().unwrap().contains("no line is chosen"));
    press(&mut ui, &model, &[KeyCode::Home, KeyCode::Enter]);
    let open = ui.open.as_ref().unwrap();
    assert_eq!((open.trace_id.0[3], open.told.as_str()), (2, "INFO of die-service: Request completed"));
    assert!(!ui.questions().iter().any(|question| matches!(question, Question::Logs(_))), "what is not shown is not asked for");
    press(&mut ui, &model, &[KeyCode::Esc]);
    assert!(ui.open.is_none());
    let at_line = text_of(&mut ui, &model);
    assert!(at_line.contains("▸ 0:00.005"), "{at_line}");
    assert!(ui.questions().iter().any(|question| matches!(question, Question::Logs(_))));
    write(&mut ui, &model, "pool opened");
    press(&mut ui, &model, &[KeyCode::Enter, KeyCode::Home, KeyCode::Enter]);
    assert!(ui.open.is_none() && ui.note.as_ref().unwrap().contains("no trace"));
    press(&mut ui, &model, &[KeyCode::Char('1')]);
    assert_eq!(ui.questions(), [], "no work for a room that is not shown");
}

#[test]
fn a_second_click_opens_and_one_on_the_histogram_moves_the_cursor() {
    let (model, mut ui) = in_room(21);
    let shown = text_of(&mut ui, &model);
    let row = u16::try_from(shown.lines().position(|line| line.contains("Die service refused")).unwrap()).unwrap();
    let click = |ui: &mut Ui, column, row| {
        let kind = MouseEventKind::Down(MouseButton::Left);
        ui.on_mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }, &model);
        drawn(&model, ui, (120, 36));
    };
    click(&mut ui, 40, row);
    assert!(
        ui.open.is_none() && text_of(&mut ui, &model).lines().any(|line| line.starts_with('▸') && line.contains("Die service refused"))
    );
    let row = u16::try_from(text_of(&mut ui, &model).lines().position(|line| line.starts_with('▸')).unwrap()).unwrap();
    click(&mut ui, 40, row);
    assert!(ui.open.as_ref().unwrap().told.starts_with("WARNING of dice-roller"));
    press(&mut ui, &model, &[KeyCode::Esc]);
    drawn(&model, &mut ui, (120, 36));
    let column = ui.axis.column(9).unwrap();
    click(&mut ui, plot::GUTTER + column, 4);
    assert_eq!(ui.cursor, Some(9));
    assert!(text_of(&mut ui, &model).contains("▸ 0:09.005"));
    press(&mut ui, &model, &[KeyCode::Right]);
    assert!(text_of(&mut ui, &model).contains("▸ 0:10.005"));
    press(&mut ui, &model, &[KeyCode::Esc]);
    assert_eq!(ui.cursor, None);
    assert!(text_of(&mut ui, &model).contains("▼ following"));
}

#[test]
fn like_messages_are_a_group_that_leads_to_its_lines() {
    let (model, mut ui) = in_room(21);
    press(&mut ui, &model, &[KeyCode::Tab]);
    let shown = text_of(&mut ui, &model);
    assert!(shown.contains("▸ERROR        60  0:15.003  0:20.903 die-service No connection within … ms"), "{shown}");
    assert!(shown.contains("≥ WARNING") && !shown.contains("Request completed"), "{shown}");
    press(&mut ui, &model, &[KeyCode::Down]);
    assert!(text_of(&mut ui, &model).contains("▸WARNING      24"));
    press(&mut ui, &model, &[KeyCode::Enter]);
    let shown = text_of(&mut ui, &model);
    assert!(shown.contains("    24 of ") && shown.contains("one group (Esc): Die service refused"), "{shown}");
    press(&mut ui, &model, &[KeyCode::Esc]);
    assert!(text_of(&mut ui, &model).contains("▸WARNING      24"), "back where it was");
    press(&mut ui, &model, &[KeyCode::Char('l'), KeyCode::Char('l')]);
    assert!(text_of(&mut ui, &model).contains("Request completed"), "all levels");
    press(&mut ui, &model, &[KeyCode::Esc]);
    assert!(text_of(&mut ui, &model).contains("▼ following"));
}

#[test]
fn a_replay_knows_no_lines_of_later() {
    let (model, mut ui) = in_room(8);
    ui.begin(0);
    ui.replay = Some(Replay { speed: 1.0, paused: false });
    hear(&mut ui, &lines(21), LogMark::Start, 0);
    let shown = text_of(&mut ui, &model);
    assert!(shown.contains("of 481 lines") && last_line(&shown).contains("0:07.957"), "{shown}");
    // A recording of an older lab does not tell when the run began.
    let older = super::model(8);
    let shown = text_of(&mut ui, &older);
    assert!(shown.contains("does not tell when its run began") && shown.contains(&format!("of {} lines", lines(21).len())), "{shown}");
    assert!(last_line(&shown).contains(":20.957 INFO"), "{shown}");
}

#[test]
fn what_cannot_be_had_is_told() {
    let (model, mut ui) = (began(3), ui());
    press(&mut ui, &model, &[KeyCode::Char('5')]);
    assert!(text_of(&mut ui, &model).contains("asking for log lines"));
    ui.hear(Answer::Logs(LogMark::Start, Err("Loki could not be asked".to_owned())));
    assert!(text_of(&mut ui, &model).contains("there are no log lines: Loki could not be asked"));
    hear(&mut ui, &[], LogMark::Start, 0);
    assert!(text_of(&mut ui, &model).contains("awaiting the first log lines"));
}

#[test]
fn random_keys_do_no_harm_here() {
    let seed = rand::random();
    println!("seed {seed}");
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let (model, mut ui) = in_room(21);
    let keys = "/lvfGgkjp=5\"ß(5".chars().map(KeyCode::Char);
    let others =
        [KeyCode::Tab, KeyCode::Enter, KeyCode::Esc, KeyCode::Up, KeyCode::PageUp, KeyCode::PageDown, KeyCode::Left, KeyCode::Home];
    let keys: Vec<KeyCode> = keys.chain(others).collect();
    let some = lines(3);
    for number in 0..300 {
        press(&mut ui, &model, &[keys[random.random_range(0..keys.len())]]);
        if number % 50 == 0 {
            ui.palette = Palette::new(if number % 100 == 0 { Theme::Plain } else { Theme::Light });
            hear(&mut ui, &some, LogMark::Number(10_000), 10_000);
        }
        drawn(&model, &mut ui, (random.random_range(0..230), random.random_range(0..70)));
    }
}
