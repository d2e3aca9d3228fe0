//! The room of the database.

use lab_facts::event::{
    Breakdown, Chosen, DatabaseActivity, DatabaseSample, Hop, HopKind, LockCount, Session, SessionState, Statement, Wait,
};

use super::*;
use crate::tui::Room;

fn wait(kind: &str, event: &str) -> Option<Wait> {
    Some(Wait { kind: kind.into(), event: event.into() })
}

fn session(pid: u32, state: SessionState, wait: Option<Wait>, millis: u64, query: &str) -> Session {
    Session {
        pid,
        application: "die-service".into(),
        state,
        wait,
        in_state: Duration::from_millis(millis),
        transaction: (state != SessionState::Idle).then(|| Duration::from_millis(millis)),
        query: query.into(),
        trace_id: None,
        blocked_by: Vec::new(),
    }
}

const GET: &str = "SELECT faces, error_rate FROM die_specifications WHERE identifier = $1";

/// As calm as [`model`] is, and locked when that is: ten wait, of which one is behind another.
fn sample(second: u64) -> DatabaseSample {
    let locked = (15..25).contains(&second);
    let mut sessions = Vec::new();
    if locked {
        let holds = session(
            4711,
            SessionState::IdleInTransaction,
            wait("Client", "ClientRead"),
            (second - 15) * 1000 + 120,
            "LOCK TABLE die_specifications IN ACCESS EXCLUSIVE MODE",
        );
        sessions.push(Session { application: "obslab faults".into(), ..holds });
        for number in 0..10 {
            let waits =
                session(4720 + number, SessionState::Active, wait("Lock", "relation"), (second - 15) * 1000 + 80 - u64::from(number), GET);
            let (blocked_by, trace_id) = match number {
                0 => (vec![4711], Some(TraceId([7; 16]))),
                9 => (vec![4711, 4720], None),
                _ => (vec![4711], None),
            };
            sessions.push(Session { blocked_by, trace_id, ..waits });
        }
    } else {
        if second % 3 != 1 {
            sessions.push(session(4720, SessionState::Active, None, 0, GET));
        }
        if second % 5 == 2 {
            sessions.push(session(4721, SessionState::Active, wait("IO", "DataFileRead"), 1, GET));
        }
        sessions.extend((4722..4725).map(|pid| session(pid, SessionState::Idle, wait("Client", "ClientRead"), 80, GET)));
    }
    let commits = if locked { 0 } else { 52 };
    let since = DatabaseActivity {
        over: Duration::from_secs(1),
        commits,
        blocks_hit: commits * 9,
        blocks_read: commits / 50,
        ..DatabaseActivity::default()
    };
    let lock = |mode: &str, granted, waiting| LockCount { mode: mode.to_owned(), granted, waiting };
    let statement =
        |query: &str, calls, micros| Statement { query: query.to_owned(), calls, total: Duration::from_micros(micros), rows: calls };
    DatabaseSample {
        sessions,
        more_sessions: 0,
        since: (second > 0).then_some(since),
        locks: if locked { vec![lock("AccessExclusiveLock", 1, 0), lock("AccessShareLock", 0, 10)] } else { Vec::new() },
        statements: Some(vec![
            statement(GET, 1 + second * 40, 2_000 + second * 2_600),
            statement("SELECT identifier FROM die_specifications ORDER BY identifier", 1 + second * 4, 900 + second * 310),
        ]),
    }
}

/// As [`model`], with a database, and requests that were looked at.
pub(super) fn with_database(seconds: u64) -> Model {
    let mut model = model(seconds);
    let hop = |kind, name: &str| Arc::new(Hop { kind, name: name.into() });
    for second in 0..seconds {
        let locked = (15..25).contains(&second);
        let one = |number: u64| {
            let parts: &[(HopKind, &str, u32)] = match (locked, number) {
                (true, 3..) => &[(HopKind::Service, "die-service", 900), (HopKind::Pool, "die-service", 1_000_000)],
                (true, _) => &[
                    (HopKind::Service, "die-service", 900),
                    (HopKind::Pool, "die-service", 20),
                    (HopKind::Database, "postgresql", 8_000_000),
                ],
                _ => {
                    &[(HopKind::Service, "die-service", 900), (HopKind::Pool, "die-service", 30), (HopKind::Database, "postgresql", 3_100)]
                }
            };
            Breakdown {
                at: Duration::from_millis(second * 1000 + number * 50),
                load: 0,
                trace_id: TraceId((u128::from(second * 100 + number + 1) << 96 | 0xabc).to_be_bytes()),
                outcome: Outcome::Status(200),
                failed: Some(false),
                chosen: Chosen::Sampled,
                whole: true,
                micros: parts.iter().map(|(_, _, micros)| micros).sum(),
                parts: parts.iter().map(|(kind, name, micros)| (hop(*kind, name), *micros)).collect(),
                traits: Vec::new(),
            }
        };
        let mut apply = |millis: u64, fact| model.apply(Event { at: Duration::from_millis(second * 1000 + millis), fact });
        apply(600, Fact::Database(sample(second)));
        apply(900, Fact::Breakdowns((0..10).map(one).collect()));
    }
    model
}

fn in_room() -> Ui {
    let mut ui = ui();
    ui.room = Room::Database;
    ui
}

#[test]
fn each_state_at_each_size() {
    for size in SIZES {
        for (state, model) in
            [("empty", model(0)), ("calm", with_database(13)), ("trouble", with_database(21)), ("recovered", with_database(34))]
        {
            insta::assert_snapshot!(format!("database_{state}_{}x{}", size.0, size.1), text(&drawn(&model, &mut in_room(), size)));
        }
    }
}

#[test]
fn tab_turns_to_who_blocks_whom_and_enter_opens_the_trace() {
    let (model, mut ui) = (with_database(21), in_room());
    press(&mut ui, &model, &[KeyCode::Enter]);
    assert!(ui.open.is_none());
    assert!(ui.note.take().unwrap().contains("4711 names no trace"));
    press(&mut ui, &model, &[KeyCode::Tab]);
    for size in [(60, 20), (80, 24)] {
        insta::assert_snapshot!(format!("database_blocking_{}x{}", size.0, size.1), text(&drawn(&model, &mut ui, size)));
    }
    press(&mut ui, &model, &[KeyCode::Down, KeyCode::Enter]);
    assert_eq!(ui.open.as_ref().unwrap().trace_id, TraceId([7; 16]));
    assert_eq!(ui.open.as_ref().unwrap().told, "session 4720 of die-service");
    press(&mut ui, &model, &[KeyCode::Esc, KeyCode::Tab, KeyCode::Down]);
    insta::assert_snapshot!("database_statements_80x24", text(&drawn(&model, &mut ui, (80, 24))));
    press(&mut ui, &model, &[KeyCode::BackTab]);
    assert!(text(&drawn(&model, &mut ui, (80, 24))).contains("└─ 4729"));
}

#[test]
fn the_cursor_reads_a_second_that_is_gone() {
    let (model, mut ui) = (with_database(40), in_room());
    drawn(&model, &mut ui, (120, 36));
    press(&mut ui, &model, &[KeyCode::Char('p')]);
    let shown = text(&drawn(&model, &mut ui, (120, 36)));
    assert!(shown.contains("at 0:15") && shown.contains("11 busy") && shown.contains("blocking 10 wait"), "{shown}");
    press(&mut ui, &model, &[KeyCode::Esc]);
    assert!(text(&drawn(&model, &mut ui, (120, 36))).contains("nobody waits for anybody's lock"));
}

#[test]
fn a_click_chooses_and_the_next_one_opens() {
    let (model, mut ui) = (with_database(21), in_room());
    let shown = text(&drawn(&model, &mut ui, (200, 60)));
    let (row, line) = shown.lines().enumerate().find(|(_, line)| line.contains("├─ 4720")).unwrap();
    let column = line.chars().position(|letter| letter == '├').unwrap();
    let click = MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        column: u16::try_from(column).unwrap(),
        row: u16::try_from(row).unwrap(),
        modifiers: KeyModifiers::NONE,
    };
    ui.on_mouse(click, &model);
    assert!(ui.open.is_none());
    drawn(&model, &mut ui, (200, 60));
    ui.on_mouse(click, &model);
    assert_eq!(ui.open.unwrap().trace_id, TraceId([7; 16]));
}

#[test]
fn what_is_missing_is_said() {
    let mut told = with_database(8);
    let sample = DatabaseSample { statements: None, ..sample(7) };
    told.apply(Event { at: Duration::from_secs(8), fact: Fact::Database(sample) });
    assert!(text(&drawn(&told, &mut in_room(), (120, 36))).contains("pg_stat_statements is not there"));
    told.apply(Event { at: Duration::from_secs(12), fact: Fact::Tick });
    assert!(text(&drawn(&told, &mut in_room(), (80, 24))).contains("no answer since 0:08"));
    let plan = "format = 1\ntitle = \"t\"\nstack = \"none\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-arrival-rate\"\nrate = 1\nduration = \"1s\"\n\
                [[load.request]]\nget = \"http://x/\"\n";
    let none = Model::new(Arc::new(Plan::parse(plan, "t", &[]).unwrap()));
    assert!(text(&drawn(&none, &mut in_room(), (80, 24))).contains("its stack is none"));
    let attached = Model::new(Arc::new(Plan::parse(&plan.replace("none", "attach"), "t", &[]).unwrap()));
    assert!(text(&drawn(&attached, &mut in_room(), (80, 24))).contains("--database-url names the one that is attached"));
    let mut plain = in_room();
    plain.palette = Palette::new(Theme::Plain);
    let buffer = drawn(&with_database(21), &mut plain, (120, 36));
    assert!(buffer.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    assert!(text(&buffer).contains("▒ Lock:relation"));
}
