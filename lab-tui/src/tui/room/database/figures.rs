//! What the database counts: transactions, cache hits, locks.

use lab_facts::model::{Model, Moment};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use crate::tui::plot;
use crate::tui::ui::Ui;

/// How many rows the list has.
pub(super) const ROWS: u16 = 6;

/// A figure: its name, its short name, its value in eight columns, its unit and how that is to be seen.
struct Figure {
    name: &'static str,
    short: &'static str,
    value: String,
    unit: &'static str,
    style: Style,
}

/// Up to the second under the cursor, else the newest; rates are a mean of five seconds. Deadlocks and temporary files are those of the whole run.
fn figures(model: &Model, ui: &Ui) -> [Figure; 6] {
    let database = model.database();
    let last = ui.moment().map_or_else(|| model.now().as_secs(), |seconds| seconds.end - 1);
    let moment = match ui.moment() {
        Some(seconds) => database.moment(seconds),
        None => database.moments().next_back(),
    };
    let since = database.activity(last);
    let rate = |count: Option<f64>| count.map_or("-".to_owned(), |rate| format!("{rate:.0}"));
    let commits = since.map(|since| since.per_second(since.commits + since.rollbacks));
    let rollbacks = since.map(|since| since.per_second(since.rollbacks));
    let hits = since.and_then(|since| since.cache_hits()).map_or("-".to_owned(), |share| format!("{:.1}", share * 100.0));
    let waiting = moment.map(|moment: &Moment| moment.locks_waiting);
    let (deadlocks, temp) = database.moments().filter_map(|moment| moment.since).fold((0_u64, 0_u64), |(deadlocks, temp), since| {
        (deadlocks.saturating_add(since.deadlocks), temp.saturating_add(since.temp_bytes))
    });
    let worry = |is_worrying: bool, style: Style| if is_worrying { style } else { Style::new() };
    // What is not known has no unit.
    let figure = |name, short, value: String, unit, style| Figure { name, short, unit: if value == "-" { "" } else { unit }, value, style };
    let palette = &ui.palette;
    [
        figure("transactions", "tx", rate(commits), "/s", Style::new()),
        figure("rollbacks", "rollbacks", rate(rollbacks), "/s", worry(rollbacks.is_some_and(|rate| rate >= 0.5), palette.bad)),
        figure("cache hits", "cache hits", hits, " %", Style::new()),
        figure(
            "locks waiting",
            "locks waiting",
            waiting.map_or("-".to_owned(), |waiting| waiting.to_string()),
            "",
            worry(waiting.is_some_and(|waiting| waiting > 0), palette.warn),
        ),
        figure("deadlocks, in the run", "deadlocks", deadlocks.to_string(), "", worry(deadlocks > 0, palette.bad)),
        figure("temporary files, in the run", "temp files", (temp >> 10).to_string(), " KiB", Style::new()),
    ]
}

/// One a row.
pub(super) fn list(buffer: &mut Buffer, area: Rect, model: &Model, ui: &Ui) {
    for (y, figure) in (area.y..area.bottom()).zip(figures(model, ui)) {
        let line = Line::from(vec![
            Span::styled(format!("   {:<27}", figure.name), ui.palette.dim),
            Span::styled(format!("{:>8}{}", figure.value, figure.unit), figure.style),
        ]);
        line.render(Rect { y, height: 1, ..area }, buffer);
    }
}

/// All in one row, as far as there is room.
pub(super) fn line(buffer: &mut Buffer, area: Rect, model: &Model, ui: &Ui) {
    let piece = |figure: Figure| {
        vec![
            Span::styled(format!("{} ", figure.short), ui.palette.dim),
            Span::styled(format!("{:>4}{}", figure.value, figure.unit), figure.style),
        ]
    };
    plot::pieces(buffer, area, figures(model, ui).map(piece));
}
