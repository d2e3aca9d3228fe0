//! The time axis: zoom, the cursor on it, phases, and thresholds that broke.

use super::*;
use crate::tui::ui::Click;

/// Ten requests a second, of which one fails at 1:40; slow from 2:00 to 2:10. There are phases, and a threshold that broke.
fn run(seconds: u64) -> Model {
    let text = "format = 1\ntitle = \"t\"\nstack = \"none\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-arrival-rate\"\nrate = 10\n\
        duration = \"1h\"\n[[load.request]]\nget = \"http://x/\"\n[[phase]]\nname = \"warm-up\"\nat = \"0s\"\nduration = \"90s\"\n\
        [[phase]]\nname = \"rush\"\nat = \"90s\"\nduration = \"2m\"\n[thresholds]\nhttp_req_duration = [\"p(95)<50\"]\n";
    let mut model = Model::new(Arc::new(Plan::parse(text, "t", &[]).unwrap()));
    for second in 0..seconds {
        let mut apply = |fact| model.apply(Event { at: Duration::from_millis(second * 1000 + 999), fact });
        let micros = if (120..130).contains(&second) { 400_000 } else { 4_000 + u32::try_from(second % 7).unwrap() * 300 };
        let cell = |status, count| {
            let times = Samples::from_micros(vec![micros; count]);
            Cell { request: 0, outcome: Outcome::Status(status), response_time: times.clone(), service_time: times }
        };
        let cells = if second == 100 { vec![cell(200, 9), cell(500, 1)] } else { vec![cell(200, 10)] };
        let exemplar = Exemplar {
            load: 0,
            request: 0,
            at: Duration::from_secs(second),
            micros,
            trace_id: TraceId(u128::from(second + 1).to_be_bytes()),
            outcome: Outcome::Status(200),
            failed: false,
        };
        let exemplars = vec![exemplar];
        apply(Fact::Window(LoadWindow {
            load: 0,
            index: second * 10,
            offered: 10,
            dropped: 0,
            lag: Samples::default(),
            cells,
            reasons: Vec::new(),
            exemplars,
        }));
        if second == 122 {
            apply(Fact::Broke { threshold: 0 });
        }
        apply(Fact::Tick);
    }
    model
}

#[test]
fn phases_and_what_broke_are_on_the_axis_and_read_by_the_cursor() {
    let model = run(180);
    for size in SIZES {
        let mut ui = ui();
        insta::assert_snapshot!(format!("time_{}x{}", size.0, size.1), text(&drawn(&model, &mut ui, size)));
        press(&mut ui, &model, &[KeyCode::Char('p')]);
        let axis = ui.axis;
        assert_eq!(ui.cursor, Some(120));
        drawn(&model, &mut ui, size);
        // To the column in which the threshold broke.
        while !ui.moment().unwrap().contains(&122) {
            press(&mut ui, &model, &[KeyCode::Right]);
        }
        assert_eq!(ui.axis, axis, "all of it was in sight");
        insta::assert_snapshot!(format!("time_read_{}x{}", size.0, size.1), text(&drawn(&model, &mut ui, size)));
    }
}

#[test]
fn zoom_keeps_the_cursor_where_it_is_and_steps_by_columns() {
    let model = run(180);
    let mut ui = ui();
    drawn(&model, &mut ui, (120, 36));
    // Three minutes of five, in 63 columns.
    assert_eq!((ui.axis.first, ui.axis.scale.step()), (0, 5));
    press(&mut ui, &model, &[KeyCode::Char('p')]);
    let column = ui.axis.column(120);
    assert_eq!((column, ui.moment()), (Some(24), Some(120..125)));
    press(&mut ui, &model, &[KeyCode::Left]);
    assert_eq!(ui.moment(), Some(115..120));
    press(&mut ui, &model, &[KeyCode::Right, KeyCode::Char('z')]);
    assert_eq!((ui.axis.scale.step(), ui.axis.column(120), ui.moment()), (2, Some(24), Some(120..122)));
    press(&mut ui, &model, &[KeyCode::Char('z'), KeyCode::Char('z'), KeyCode::Char('z'), KeyCode::Char('z')]);
    assert_eq!((ui.axis.columns_of(120..121), ui.moment()), (24..28, Some(120..121)), "four columns, one second");
    press(&mut ui, &model, &[KeyCode::Right]);
    assert_eq!(ui.moment(), Some(121..122));
    let shown = text(&drawn(&model, &mut ui, (120, 36)));
    assert!(shown.contains("2:01▲   ✗"), "the time gives way to where a threshold broke: {shown}");
    press(&mut ui, &model, &[KeyCode::Char('Z'); 9]);
    assert_eq!((ui.axis.first, ui.axis.scale.step()), (0, 5), "no further than the whole run");
    press(&mut ui, &model, &[KeyCode::Char('z'), KeyCode::Esc]);
    assert_eq!((ui.cursor, ui.axis.scale.step()), (None, 2), "now, as near as before");
    press(&mut ui, &model, &[KeyCode::Esc]);
    assert_eq!(ui.axis.scale.step(), 5, "and as it was");
}

#[test]
fn what_shares_a_column_is_read_together_and_nothing_bad_is_averaged_away() {
    let model = run(180);
    let mut ui = ui();
    drawn(&model, &mut ui, (120, 36));
    let (place, axis) =
        ui.clicks.iter().find_map(|(place, click)| if let Click::Time(axis) = click { Some((*place, *axis)) } else { None }).unwrap();
    let click = MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        column: place.x + axis.column(100).unwrap(),
        row: place.y + 2,
        modifiers: KeyModifiers::NONE,
    };
    ui.on_mouse(click, &model);
    assert_eq!(ui.moment(), Some(100..105));
    let shown = text(&drawn(&model, &mut ui, (120, 36)));
    for told in ["1:40–1:45, 1:19 ago  10/s", "10.0 % at worst   1 of 50 that ended", "worst 1:40–1:45", "phase rush"] {
        assert!(shown.contains(told), "{told} in {shown}");
    }
    assert_eq!(ui.rows(&model).len(), 5, "one request of each second is known");
    ui.on_mouse(MouseEvent { kind: MouseEventKind::ScrollUp, ..click }, &model);
    assert_eq!(ui.axis.scale.step(), 2, "the wheel over a plot zooms");
}

#[test]
fn a_spike_stands_on_the_line_that_it_is_merged_into() {
    let model = run(180);
    // In five seconds of fifty requests each, nine in ten are quick: the 95th percentile of all is, and so is not one second's.
    let column = columns::moment(&model, 115..125);
    let merged = |percentile| column.response().percentile(percentile).unwrap();
    assert!(merged(49.0) < 6.0 && merged(51.0) > 300.0, "half of them were slow");
    assert_eq!(columns::moment(&model, 100..130).worst_second(), Some(120));
    assert_eq!(columns::moment(&model, 100..101).worst_percentile(99.0), None, "a second alone has no stem");
}

#[test]
fn with_sixteen_colours_there_are_no_others_and_shades_are_patterns() {
    let model = database::with_database(40);
    for room in Room::ALL {
        let mut ui = ui();
        ui.palette = Palette::new(Theme::Sixteen);
        ui.room = room;
        press(&mut ui, &model, &[KeyCode::Char('p')]);
        let buffer = drawn(&model, &mut ui, (120, 36));
        let few = |colour| matches!(colour, Color::Reset | Color::Indexed(0..16));
        assert!(buffer.content.iter().all(|cell| few(cell.fg) && few(cell.bg)), "{room:?}");
    }
}
