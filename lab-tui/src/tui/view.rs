//! The whole screen: what stands where, for the size that there is. Drawing only looks.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::plot::{self, TimeAxis};
use super::replay::{self, Replay};
use super::ui::{List, Ui, ago};
use super::{callout, chain, errors, events, expectations, latency, lists, overlay, pool, trace};
use crate::model::Model;
use crate::report::format;
use crate::verdict::{Verdict, Word};

/// What the screen needs at the least.
const LEAST: (u16, u16) = (60, 20);
/// From this width on, lists stand beside the plots.
const WIDE: u16 = 110;

/// Draws everything.
pub fn draw(buffer: &mut Buffer, area: Rect, model: &Model, verdict: &Verdict, ui: &mut Ui) {
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let text = format!("lab needs {} columns and {} rows; here are {} and {}. q quits.", LEAST.0, LEAST.1, area.width, area.height);
        ratatui::widgets::Paragraph::new(text).wrap(ratatui::widgets::Wrap { trim: true }).render(area, buffer);
        return;
    }
    header(buffer, Rect { height: 1, ..area }, model, verdict, ui);
    let body = Rect { y: area.y + 1, height: area.height - 2, ..area };
    match ui.open.take() {
        Some(mut open) => {
            trace::draw(buffer, body, &mut open, ui);
            ui.open = Some(open);
        }
        None => run(buffer, body, model, verdict, ui),
    }
    keys(buffer, Rect { y: area.bottom() - 1, height: 1, ..area }, ui);
    if let Some(over) = ui.overlay {
        overlay::draw(buffer, area, over, ui);
    }
}

/// The run: the chain on top, the plots on one time axis, the lists beside or below them.
fn run(buffer: &mut Buffer, area: Rect, model: &Model, verdict: &Verdict, ui: &mut Ui) {
    ui.wide = area.width >= WIDE;
    let roomy = area.height >= 28;
    let chain_area = Rect { height: chain::HEIGHT + u16::from(roomy), ..area };
    chain::draw(buffer, chain_area, model, ui.cursor, &ui.palette);
    let mut rest = Rect { y: chain_area.bottom(), height: area.height - chain_area.height, ..area };
    let plots = if ui.wide {
        let side = (area.width * 2 / 5).clamp(46, 84);
        let plots = Rect { width: area.width - side, ..rest };
        beside(buffer, Rect { x: plots.right(), width: side, ..rest }, model, verdict, ui);
        plots
    } else {
        // One line for the latest event, above the keys.
        rest.height -= 1;
        let lists = (rest.height / 4).max(4);
        let last_line = Rect { y: rest.bottom(), height: 1, ..rest };
        match ui.callout(model).filter(|_| !roomy_enough_for_a_box(rest.height - lists)) {
            Some(text) => Line::styled(format!(" {text}"), ui.palette.key).render(last_line, buffer),
            None => events::draw(buffer, last_line, model, verdict, &ui.palette),
        }
        let plots = Rect { height: rest.height - lists, ..rest };
        lists::draw(buffer, Rect { y: plots.bottom(), height: lists, ..rest }, model, verdict, ui);
        plots
    };
    draw_plots(buffer, plots, model, ui);
}

fn draw_plots(buffer: &mut Buffer, area: Rect, model: &Model, ui: &mut Ui) {
    // The last column stays free, for a text that ends there would touch its neighbour.
    let area = Rect { width: area.width - 1, ..area };
    let axis = time_axis(plot::graph(area).width, model, ui);
    let ui = &*ui;
    let errors = if area.height >= 18 { 1 + area.height / 7 } else { 1 };
    let pool = (1 + area.height / 4).max(3);
    let latency = area.height - errors - pool - 1;
    let heights = [latency, pool, errors, 1];
    let mut y = area.y;
    let [latency, pool, errors, axis_area] = heights.map(|height| {
        let part = Rect { y, height, ..area };
        y += height;
        part
    });
    latency::draw(buffer, latency, axis, model, ui.cursor, &ui.palette);
    pool::draw(buffer, pool, axis, model, ui.cursor, &ui.palette);
    errors::draw(buffer, errors, axis, model, ui.cursor, &ui.palette);
    plot::time_axis(buffer, axis_area, axis, ui.cursor, &ui.palette);
    if let Some(text) = ui.callout(model).filter(|_| roomy_enough_for_a_box(area.height)) {
        let graph = plot::graph(latency);
        callout::draw(buffer, Rect { y: graph.y + 1, height: graph.height.saturating_sub(1), ..graph }, &text, &ui.palette);
    }
}

/// Follows the run; stands still while the viewer looks back, and moves just so far that the cursor stays in sight.
fn time_axis(columns: u16, model: &Model, ui: &mut Ui) -> TimeAxis {
    let live = TimeAxis::ending_at(model.now().as_secs(), columns);
    let Some(cursor) = ui.cursor else {
        ui.view = None;
        return live;
    };
    let first = ui.view.unwrap_or(live.first).min(cursor).max((cursor + 1).saturating_sub(u64::from(columns)));
    ui.view = Some(first);
    TimeAxis::beginning_at(first, columns)
}

/// Whether the plots leave room for a suggestion in a box; else it stands in the line of events.
fn roomy_enough_for_a_box(plots: u16) -> bool {
    plots >= 13
}

/// Lists, thresholds and events in a column of their own.
fn beside(buffer: &mut Buffer, area: Rect, model: &Model, verdict: &Verdict, ui: &Ui) {
    for y in area.y..area.bottom() {
        buffer.set_string(area.x, y, "│", ui.palette.idle);
    }
    let area = Rect { x: area.x + 1, width: area.width - 1, ..area };
    let promises = u16::try_from(expectations::promises(verdict)).unwrap_or(u16::MAX).clamp(1, area.height / 4) + 1;
    let told = (area.height / 4).max(3);
    let requests = area.height - promises - told - 2;
    lists::draw(buffer, Rect { height: requests, ..area }, model, verdict, ui);
    let promises = Rect { y: area.y + requests + 1, height: promises, ..area };
    Line::styled(format!(" {}", List::Thresholds.name()), ui.palette.title).render(promises, buffer);
    lists::thresholds(buffer, Rect { y: promises.y + 1, height: promises.height - 1, ..promises }, model, verdict, &ui.palette);
    let told = Rect { y: promises.bottom() + 1, height: told, ..area };
    Line::styled(format!(" {}", List::Events.name()), ui.palette.title).render(told, buffer);
    events::draw(buffer, Rect { y: told.y + 1, height: told.height - 1, ..told }, model, verdict, &ui.palette);
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
    let second = ui.cursor.or(now.checked_sub(1)).and_then(|second| model.seconds().get(second));
    let (word, style) = match (model.finished(), verdict.word) {
        (None, _) if ui.cursor.is_none() && callout::is_failing(model) => ("● failing", palette.bad),
        (None, _) if ui.cursor.is_some() && second.is_some_and(|second| second.failed > 0) => ("● failing", palette.bad),
        (None, _) => ("● running", palette.good),
        (Some(end), _) if end.interrupted => ("■ stopped", palette.warn),
        (Some(_), Word::Pass) => ("■ passed", palette.good),
        (Some(_), Word::Fail) => ("■ failed", palette.bad),
        (Some(_), Word::Inconclusive) => ("■ inconclusive", palette.warn),
    };
    let at = match (ui.cursor, model.finished()) {
        (Some(second), _) => Span::styled(
            format!("at {}, {} ago  ", plot::clock(std::time::Duration::from_secs(second)), plot::clock(ago(model, second))),
            palette.key,
        ),
        (None, Some(end)) => Span::raw(format!("{}  ", plot::clock(end.at))),
        (None, None) if model.plan().keep_going => Span::raw(format!("{}  ", plot::clock(model.now()))),
        (None, None) if model.plan().may_end_early() => {
            Span::raw(format!("{} of {} at most  ", plot::clock(model.now()), plot::clock(model.plan().duration())))
        }
        (None, None) => Span::raw(format!("{} of {}  ", plot::clock(model.now()), plot::clock(model.plan().duration()))),
    };
    let p99 = second.and_then(|second| second.response_so_far(model.now()).percentile(99.0));
    let right = Line::from(vec![
        at,
        Span::raw(format!("{}/s  ", second.map_or(0, |second| second.offered / second.place.length))),
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
    let keys: &[(&str, &str)] = if ui.open.is_some() {
        &[("↑↓", "span"), ("←→", "request"), ("o", "browser"), ("y", "copy ID"), ("Esc", "back"), ("?", "help"), ("q", "quit")]
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
        keys.retain(|(key, _)| *key != "s");
        keys.splice(..0, replay::KEYS);
    }
    let width = |keys: &[(&str, &str)]| 1 + keys.iter().map(|(key, what)| key.chars().count() + what.chars().count() + 3).sum::<usize>();
    // Where there is no room, those are left out that are found soonest; help has them all.
    for spare in ["p", "↑↓", "Tab", "s"] {
        if width(&keys) > usize::from(area.width) + 2 {
            keys.retain(|(key, _)| *key != spare);
        }
    }
    let mut spans = vec![Span::raw(" ")];
    for (key, what) in keys {
        spans.push(Span::styled(key, ui.palette.key));
        spans.push(Span::styled(format!(" {what}  "), ui.palette.dim));
    }
    Line::from(spans).render(area, buffer);
}
