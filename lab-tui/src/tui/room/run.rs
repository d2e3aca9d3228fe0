//! The run: what everything shares, on one time axis.

use lab_facts::model::Model;
use lab_facts::scenario::StackKind;
use lab_facts::verdict::Verdict;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Widget as _;

use crate::tui::plot;
use crate::tui::ui::{Click, List, Ui};
use crate::tui::{callout, chain, errors, events, expectations, latency, lists, moment, phases, pool, waits};

/// From this width on, lists stand beside the plots.
const WIDE: u16 = 110;
/// From this height on, the plots have rows for the database's sessions and for what a moment was part of.
const TOLD: u16 = 20;

/// The chain on top, the plots on one time axis, the lists beside or below them.
pub(in crate::tui) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, verdict: &Verdict, ui: &mut Ui) {
    ui.wide = area.width >= WIDE;
    let roomy = area.height >= 28;
    let chain_area = Rect { height: chain::HEIGHT + u16::from(roomy), ..area };
    let mut rest = Rect { y: chain_area.bottom(), height: area.height - chain_area.height, ..area };
    // The plots come first: what they show decides what the cursor reads.
    if ui.wide {
        let side = (area.width * 2 / 5).clamp(46, 84);
        let plots = Rect { width: area.width - side, ..rest };
        draw_plots(buffer, plots, model, ui);
        beside(buffer, Rect { x: plots.right(), width: side, ..rest }, model, verdict, ui);
    } else {
        // One line above the keys: for the moment under the cursor, else for the latest event.
        rest.height -= 1;
        let lists = (rest.height / 4).max(4);
        let plots = Rect { height: rest.height - lists, ..rest };
        draw_plots(buffer, plots, model, ui);
        let last_line = Rect { y: rest.bottom(), height: 1, ..rest };
        match ui.callout(model).filter(|_| !roomy_enough_for_a_box(rest.height - lists)) {
            Some(text) => Line::styled(format!(" {text}"), ui.palette.key).render(last_line, buffer),
            None if ui.cursor.is_some() && plots.height < TOLD => moment::draw(buffer, last_line, model, ui.moment(), &ui.palette),
            None => events::draw(buffer, last_line, model, verdict, &ui.palette),
        }
        lists::draw(buffer, Rect { y: plots.bottom(), height: lists, ..rest }, model, verdict, ui);
    }
    chain::draw(buffer, chain_area, model, ui.moment(), &ui.palette);
}

fn draw_plots(buffer: &mut Buffer, area: Rect, model: &Model, ui: &mut Ui) {
    // The last column stays free, for a text that ends there would touch its neighbour.
    let area = Rect { width: area.width - 1, ..area };
    let axis = ui.time_axis(plot::graph(area).width, model);
    ui.clicks.push((plot::graph(area), Click::Time(axis)));
    let has_database = model.plan().stack == StackKind::Embedded || model.database().newest().is_some();
    let errors = if area.height >= 18 { 1 + area.height / 7 } else { 1 };
    let pool = (1 + area.height / 4).max(3);
    let waits = if has_database && area.height >= TOLD { 1 + area.height / 8 } else { 0 };
    let phases = u16::from(!model.plan().phases.is_empty() && area.height >= 13);
    let told = u16::from(area.height >= TOLD);
    let latency = area.height - errors - pool - waits - phases - 1 - told;
    let mut y = area.y;
    let [latency, pool, waits, errors, phases, time, told] = [latency, pool, waits, errors, phases, 1, told].map(|height| {
        let part = Rect { y, height, ..area };
        y += height;
        part
    });
    latency::draw(buffer, latency, axis, model, ui);
    let ui = &*ui;
    pool::draw(buffer, pool, axis, model, ui.cursor, &ui.palette);
    waits::draw(buffer, waits, axis, model, ui.cursor, &ui.palette);
    errors::draw(buffer, errors, axis, model, ui.cursor, &ui.palette);
    if phases.height > 0 {
        phases::draw(buffer, phases, axis, model, ui.cursor, &ui.palette);
    }
    plot::time_axis(buffer, time, axis, model, ui.cursor, &ui.palette);
    if told.height > 0 {
        moment::draw(buffer, told, model, ui.moment(), &ui.palette);
    }
    if let Some(text) = ui.callout(model).filter(|_| roomy_enough_for_a_box(area.height)) {
        let graph = plot::graph(latency);
        callout::draw(buffer, Rect { y: graph.y + 1, height: graph.height.saturating_sub(1), ..graph }, &text, &ui.palette);
    }
}

/// Whether the plots leave room for a suggestion in a box; else it stands in the line of events.
fn roomy_enough_for_a_box(plots: u16) -> bool {
    plots >= 13
}

/// Lists, thresholds and events in a column of their own.
fn beside(buffer: &mut Buffer, area: Rect, model: &Model, verdict: &Verdict, ui: &mut Ui) {
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
