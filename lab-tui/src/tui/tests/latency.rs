//! The room of latency: heat map, percentiles, hops.

use lab_facts::event::{Breakdown, Chosen, Hop, HopKind};

use super::*;
use crate::tui::ui::Click;

/// As far as that: two kinds of requests; calm, from 15 s to 25 s a lock in which they wait for a connection and even to be sent, and calm
/// again. In the lock, some of those that are sent are still in flight.
fn run(seconds: u64) -> Model {
    let plan = Plan::parse(shipped("first-minute").unwrap(), "first-minute", &["frontend"]).unwrap();
    let mut model = Model::new(Arc::new(plan.for_screen()));
    for second in 0..seconds {
        let mut apply = |millis: u64, fact| model.apply(Event { at: Duration::from_millis(second * 1000 + millis), fact });
        let locked = (15..25).contains(&second);
        let into = u32::try_from(second.saturating_sub(15)).unwrap();
        match second {
            15 => apply(4, Fact::Fault { index: 0, change: FaultChange::Started }),
            25 => apply(3, Fact::Fault { index: 0, change: FaultChange::Ended }),
            _ => {}
        }
        let service = |number: u32| match (locked, number) {
            (true, _) => 400_000 + (20 - into) * 60_000 + number * 9_000,
            // Now and then one is slow for no reason.
            (false, 19) if second % 3 == 0 => 31_000,
            (false, _) => 3_900 + (number * 7 % 16) * 170 + u32::try_from(second % 4).unwrap() * 90,
        };
        let unsent = if locked { 250_000 + into * 40_000 } else { 40 };
        let ended = if locked && second + 2 > seconds { 0..8 } else { 0..20 };
        let cell = |request: usize, which: &dyn Fn(&u32) -> bool| {
            let numbers: Vec<u32> = ended.clone().filter(which).collect();
            Cell {
                request,
                outcome: Outcome::Status(if locked { 503 } else { 200 }),
                response_time: Samples::from_micros(numbers.iter().map(|number| service(*number) + unsent).collect()),
                service_time: Samples::from_micros(numbers.iter().map(|number| service(*number)).collect()),
            }
        };
        let cells = vec![cell(0, &|number| number % 5 > 0), cell(1, &|number| number % 5 == 0)];
        let exemplars = ended.clone().rev().take(4).map(|number| Exemplar {
            load: 0,
            request: 0,
            at: Duration::from_millis(second * 1000 + u64::from(number) * 50),
            micros: service(number) + unsent,
            trace_id: id(second, number),
            outcome: Outcome::Status(if locked { 503 } else { 200 }),
            failed: locked,
        });
        let exemplars = exemplars.collect();
        apply(
            990,
            Fact::Window(LoadWindow {
                load: 0,
                index: second * 10,
                offered: 20,
                dropped: 0,
                lag: Samples::default(),
                cells,
                reasons: Vec::new(),
                exemplars,
            }),
        );
        let looked = ended.map(|number| breakdown(second, number, service(number), unsent, locked)).collect();
        apply(995, Fact::Breakdowns(looked));
        apply(999, Fact::Tick);
    }
    model
}

fn id(second: u64, number: u32) -> TraceId {
    TraceId((u128::from(second * 100 + u64::from(number) + 1) << 96 | 0xabc).to_be_bytes())
}

/// In the lock, what is more than usual is a wait for a connection.
fn breakdown(second: u64, number: u32, service: u32, unsent: u32, locked: bool) -> Breakdown {
    let usual = if locked { 5_000 } else { service };
    let hop = |kind, name: &str, micros| (Arc::new(Hop { kind, name: name.into() }), micros);
    let parts = vec![
        hop(HopKind::Service, "die-service", usual * 3 / 10),
        hop(HopKind::Database, "postgresql", usual * 2 / 10),
        hop(HopKind::Service, "dice-roller", usual / 10),
        hop(HopKind::Service, "frontend", usual / 10),
        hop(HopKind::Network, "frontend → dice-roller", usual / 10),
        hop(HopKind::Network, "dice-roller → die-service", usual / 10),
        hop(HopKind::Network, "lab → frontend", usual / 20),
        hop(HopKind::Pool, "die-service", usual / 20 + service - usual),
        hop(HopKind::Unsent, "", unsent),
    ];
    Breakdown {
        at: Duration::from_millis(second * 1000 + u64::from(number) * 50),
        load: 0,
        trace_id: id(second, number),
        outcome: Outcome::Status(if locked { 503 } else { 200 }),
        failed: Some(locked),
        chosen: Chosen::Sampled,
        whole: true,
        micros: service + unsent,
        parts,
        traits: Vec::new(),
    }
}

fn room() -> Ui {
    let mut ui = ui();
    ui.room = Room::Latency;
    ui
}

#[test]
fn each_state_at_each_size() {
    for size in SIZES {
        for (state, seconds) in [("empty", 0), ("calm", 12), ("trouble", 21), ("recovered", 58)] {
            let shown = text(&drawn(&run(seconds), &mut room(), size));
            insta::assert_snapshot!(format!("latency_{state}_{}x{}", size.0, size.1), shown);
        }
    }
}

#[test]
fn a_replay_is_read_at_a_moment() {
    let model = run(58);
    for size in SIZES {
        let mut ui = room();
        ui.replay = Some(Replay { speed: 1.0, paused: true });
        press(&mut ui, &model, &[KeyCode::Char('p'), KeyCode::Down, KeyCode::Down]);
        insta::assert_snapshot!(format!("latency_replay_{}x{}", size.0, size.1), text(&drawn(&model, &mut ui, size)));
    }
}

#[test]
fn the_hops_are_one_tab_away() {
    let model = run(40);
    for size in [(60, 20), (80, 24)] {
        let mut ui = room();
        press(&mut ui, &model, &[KeyCode::Tab]);
        insta::assert_snapshot!(format!("latency_hops_{}x{}", size.0, size.1), text(&drawn(&model, &mut ui, size)));
        press(&mut ui, &model, &[KeyCode::Char('p')]);
        assert!(text(&drawn(&model, &mut ui, size)).contains("0:14–0:17, 60 requests"));
        press(&mut ui, &model, &[KeyCode::Esc, KeyCode::BackTab]);
        assert!(text(&drawn(&model, &mut ui, size)).contains("p99.9"), "and back");
    }
}

#[test]
fn without_colours_shades_and_hops_are_patterns() {
    let model = run(30);
    let mut ui = room();
    ui.palette = Palette::new(Theme::Plain);
    let buffer = drawn(&model, &mut ui, (120, 36));
    assert!(buffer.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    insta::assert_snapshot!("latency_plain_120x36", text(&buffer));
}

#[test]
fn with_colours_more_requests_are_brighter_and_the_cursor_lies_below_them() {
    let model = run(12);
    let mut ui = room();
    press(&mut ui, &model, &[KeyCode::Left]);
    assert_eq!(ui.cursor, Some(10));
    let buffer = drawn(&model, &mut ui, (80, 24));
    let axis = ui.clicks.iter().find(|(_, click)| matches!(click, Click::Time(_))).unwrap().0;
    let shown = ui.axis.column(10).unwrap();
    let colours = |cell: &ratatui::buffer::Cell| [cell.fg, cell.bg];
    let column: Vec<_> = (axis.y..axis.bottom()).map(|y| &buffer[(axis.x + shown, y)]).collect();
    let Some(cursor) = ui.palette.cursor.bg else { panic!("no colour") };
    assert!(column.iter().any(|cell| cell.symbol() == " " && cell.bg == cursor));
    let used: std::collections::HashSet<_> = buffer.content.iter().flat_map(colours).collect();
    let [few, many] = [ui.palette.heat[0], *ui.palette.heat.last().unwrap()].map(|style| style.fg.unwrap());
    assert!(used.contains(&few) && used.contains(&many));
}

#[test]
fn keys_and_clicks_choose_a_kind_of_requests_and_open_the_worst() {
    let model = run(30);
    let mut ui = room();
    assert!(text(&drawn(&model, &mut ui, (80, 24))).contains("all requests  1 of 3"));
    press(&mut ui, &model, &[KeyCode::Down, KeyCode::Down, KeyCode::Down]);
    assert!(text(&drawn(&model, &mut ui, (80, 24))).contains("roll three at once  3 of 3"), "the last stays the last");
    press(&mut ui, &model, &[KeyCode::Up]);
    assert!(text(&drawn(&model, &mut ui, (80, 24))).contains("roll a fair die  2 of 3"));
    // A click on a row of the list does the same, one below its end nothing.
    drawn(&model, &mut ui, (200, 60));
    let rows = ui.clicks.iter().find(|(_, click)| matches!(click, Click::Rows(_))).unwrap().0;
    assert_eq!(rows.height, 3);
    let click = |ui: &mut Ui, column, row| {
        let kind = MouseEventKind::Down(MouseButton::Left);
        ui.on_mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }, &model);
    };
    click(&mut ui, rows.x, rows.y + 2);
    click(&mut ui, rows.x, rows.y + 3);
    assert!(text(&drawn(&model, &mut ui, (200, 60))).contains("roll three at once  3 of 3"));
    // A click on the map puts the cursor there; Enter opens the slowest of that second.
    let (place, axis) =
        ui.clicks.iter().find_map(|(place, click)| if let Click::Time(axis) = click { Some((*place, *axis)) } else { None }).unwrap();
    click(&mut ui, place.x + axis.column(17).unwrap(), place.y + 1);
    assert_eq!(ui.cursor, Some(17));
    let shown = text(&drawn(&model, &mut ui, (120, 36)));
    assert!(shown.contains("at 0:17  ") && shown.contains("20 ended    20 failed"), "{shown}");
    press(&mut ui, &model, &[KeyCode::Enter]);
    assert_eq!(ui.open.as_ref().map(|open| open.trace_id), Some(id(17, 19)));
}
