//! The whole screen: what stands where, for the size that there is. Drawing only looks.

use lab_facts::format;
use lab_facts::model::Model;
use lab_facts::verdict::{Verdict, Word};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::plot;
use super::replay::{self, Replay};
use super::room::{self, Room};
use super::ui::{Ui, ago};
use super::{callout, columns, overlay, trace};

/// What the screen needs at the least.
const LEAST: (u16, u16) = (60, 20);
/// From this height on, the rooms have a row of tabs.
const TABS: u16 = 24;

/// Draws everything.
pub fn draw(buffer: &mut Buffer, area: Rect, model: &Model, verdict: &Verdict, ui: &mut Ui) {
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let text = format!("lab needs {} columns and {} rows; here are {} and {}. q quits.", LEAST.0, LEAST.1, area.width, area.height);
        ratatui::widgets::Paragraph::new(text).wrap(ratatui::widgets::Wrap { trim: true }).render(area, buffer);
        return;
    }
    ui.clicks.clear();
    let above = 1 + u16::from(area.height >= TABS);
    if above > 1 {
        room::tabs(buffer, Rect { y: area.y + 1, height: 1, ..area }, ui);
    }
    let body = Rect { y: area.y + above, height: area.height - above - 1, ..area };
    match (ui.open.take(), ui.room) {
        (Some(mut open), _) => {
            trace::draw(buffer, body, &mut open, ui);
            ui.open = Some(open);
        }
        (None, Room::Run) => room::run::draw(buffer, body, model, verdict, ui),
        (None, Room::Latency) => room::latency::draw(buffer, body, model, ui),
        (None, Room::Database) => room::database::draw(buffer, body, model, ui),
        (None, Room::Traces) => room::traces::draw(buffer, body, model, ui),
        (None, Room::Logs) => room::logs::draw(buffer, body, model, ui),
        (None, Room::Scenarios) => room::scenarios::draw(buffer, body, model, verdict, ui),
        (None, Room::Control) => room::control::draw(buffer, body, model, ui),
        (None, Room::Queries) => room::queries::draw(buffer, body, model, ui),
    }
    // After the room, which decides what the cursor reads.
    header(buffer, Rect { height: 1, ..area }, model, verdict, ui);
    keys(buffer, Rect { y: area.bottom() - 1, height: 1, ..area }, ui);
    if let Some(over) = ui.overlay {
        overlay::draw(buffer, area, over, ui);
    }
}

/// What runs, since when, and how it goes; what matters least gives way first.
fn header(buffer: &mut Buffer, area: Rect, model: &Model, verdict: &Verdict, ui: &Ui) {
    let palette = &ui.palette;
    let name = ui.scenarios.get(ui.current).map_or("", |listed| listed.name.as_str());
    let mut left = vec![
        Span::styled(
            if ui.replay.is_some() { " replay " } else { " lab " },
            palette.key.patch(Style::new().add_modifier(ratatui::style::Modifier::REVERSED)),
        ),
        Span::styled(format!(" {name}"), palette.title),
    ];
    let now = model.now().as_secs();
    let shown = columns::moment(model, ui.moment().unwrap_or(now.saturating_sub(1)..now));
    let failed = shown.sum(|second| second.failed);
    let (word, style) = match (model.finished(), verdict.word) {
        (None, _) if ui.cursor.is_none() && callout::is_failing(model) => ("● errors", palette.bad),
        (None, _) if ui.cursor.is_some() && failed > 0 => ("● errors", palette.bad),
        (None, _) => ("● running", palette.good),
        (Some(end), _) if end.interrupted => ("■ stopped", palette.warn),
        (Some(_), Word::Pass) => ("■ passed", palette.good),
        (Some(_), Word::Fail) => ("■ failed", palette.bad),
        (Some(_), Word::Inconclusive) => ("■ inconclusive", palette.warn),
    };
    let at = match (ui.moment(), model.finished()) {
        (Some(seconds), _) => {
            Span::styled(format!("{}, {} ago  ", plot::span(&seconds), plot::clock(ago(model, seconds.start))), palette.key)
        }
        (None, Some(end)) => Span::raw(format!("{}  ", plot::clock(end.at))),
        (None, None) if model.plan().keep_going => Span::raw(format!("{}  ", plot::clock(model.now()))),
        (None, None) if model.plan().may_end_early() => {
            Span::raw(format!("{} of {} at most  ", plot::clock(model.now()), plot::clock(model.plan().duration())))
        }
        (None, None) => Span::raw(format!("{} of {}  ", plot::clock(model.now()), plot::clock(model.plan().duration()))),
    };
    let p99 = shown.response().percentile(99.0);
    let rate = shown.sum(|second| second.offered) / shown.known().max(1);
    let right = Line::from(vec![
        at,
        Span::raw(format!("{rate}/s  ")),
        Span::styled(pace(model), palette.warn),
        Span::styled("p99 ", palette.p99),
        Span::raw(format!("{}  ", format::milliseconds(p99))),
        Span::styled(format!("{word} "), style),
    ]);
    let mut right = right;
    if let Some(Replay { speed, paused }) = ui.replay {
        let shown = if paused { "‖ paused  ".to_owned() } else { format!("▶ {}×  ", format::number(speed)) };
        right.spans.insert(0, Span::styled(shown, palette.key));
    }
    let width = u16::try_from(right.width()).unwrap_or(area.width).min(area.width);
    let room = usize::from(area.width - width);
    if name.chars().count() + model.plan().title.chars().count() + 10 <= room {
        left.push(Span::styled(format!("  {}", model.plan().title), palette.dim));
    }
    // One column stays free, so that a name that is cut off does not run into the time.
    Line::from(left).render(Rect { width: (area.width - width).saturating_sub(1), ..area }, buffer);
    right.render(Rect { x: area.right() - width, width, ..area }, buffer);
}

/// What the viewer made of the pace, if anything.
fn pace(model: &Model) -> String {
    let notice = model.controls().pace().notice();
    if notice.is_empty() { notice } else { notice + "  " }
}

/// The keys that count here.
fn keys(buffer: &mut Buffer, area: Rect, ui: &Ui) {
    if let Some(note) = &ui.note {
        Line::styled(format!(" {note}"), ui.palette.key).render(area, buffer);
        return;
    }
    let keys: &[(&str, &str)] = if let Some(open) = &ui.open {
        trace::keys(open)
    } else if ui.room == Room::Latency {
        &room::latency::keys(ui)
    } else if ui.room == Room::Database {
        room::database::KEYS
    } else if ui.room == Room::Control {
        room::control::keys(ui)
    } else if ui.room == Room::Traces {
        room::traces::keys(ui)
    } else if ui.room == Room::Scenarios {
        room::scenarios::keys(ui)
    } else if ui.room == Room::Queries {
        room::queries::keys(ui)
    } else if ui.room == Room::Logs {
        &[
            ("↑↓", "line"),
            ("Enter", "trace"),
            ("Tab", "lines/groups"),
            ("/", "filter"),
            ("l", "level"),
            ("v", "service"),
            ("G", "follow"),
            ("?", "help"),
            ("q", "quit"),
        ]
    } else if ui.cursor.is_some() {
        &[
            ("←→", "moment"),
            ("↑↓", "pick"),
            ("Enter", "trace"),
            ("Esc", "now"),
            ("Tab", "list"),
            ("p", "peak"),
            ("s", "scenarios"),
            ("?", "help"),
            ("q", "quit"),
        ]
    } else {
        &[
            ("←", "earlier"),
            ("p", "peak"),
            ("↑↓", "pick"),
            ("Enter", "trace"),
            ("Tab", "list"),
            ("s", "scenarios"),
            ("?", "help"),
            ("q", "quit"),
        ]
    };
    let mut keys = keys.to_vec();
    if ui.replay.is_some() && ui.open.is_none() {
        keys.splice(..0, replay::KEYS);
    }
    let width = |keys: &[(&str, &str)]| 1 + keys.iter().map(|(key, what)| key.chars().count() + what.chars().count() + 3).sum::<usize>();
    // Where there is no room, those are left out that are found soonest; help has them all.
    for spare in ["p", "↑↓", "n", "o", "y", "Tab", "s"] {
        if width(&keys) > usize::from(area.width) + 2 {
            keys.retain(|(key, _)| *key != spare);
        }
    }
    let mut spans = vec![Span::raw(" ")];
    for (key, what) in keys {
        spans.push(Span::styled(ui.bindings.written(key), ui.palette.key));
        spans.push(Span::styled(format!(" {what}  "), ui.palette.dim));
    }
    Line::from(spans).render(area, buffer);
}
