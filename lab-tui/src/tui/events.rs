//! What happened, in order: faults, broken thresholds, processes, changes of the pace, the end.

use std::time::Duration;

use lab_facts::event::ProcessChange;
use lab_facts::format::count;
use lab_facts::model::Model;
use lab_facts::verdict::Verdict;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::palette::Palette;
use super::plot::clock;
use super::wrap::wrap;

/// Columns before the text of an event.
const INDENT: usize = 8;

/// Draws the last events, the newest at the bottom; long ones in several lines where there is more than one.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, verdict: &Verdict, palette: &Palette) {
    let width = usize::from(area.width).saturating_sub(INDENT);
    let mut lines: Vec<Line<'_>> = Vec::new();
    for (at, text, style) in events(model, verdict, palette) {
        let wrapped = if area.height > 1 { wrap(&text, width) } else { vec![text] };
        for (number, text) in wrapped.into_iter().enumerate() {
            let time = if number == 0 { format!(" {:>5}  ", clock(at)) } else { " ".repeat(INDENT) };
            lines.push(Line::from(vec![Span::styled(time, palette.dim), Span::styled(text, style)]));
        }
    }
    if lines.is_empty() && area.height > 0 {
        lines.push(Line::styled(" nothing has happened yet", palette.dim));
    }
    let first = lines.len().saturating_sub(usize::from(area.height));
    for (y, line) in (area.y..area.bottom()).zip(lines.split_off(first)) {
        line.render(Rect { y, height: 1, ..area }, buffer);
    }
}

fn events(model: &Model, verdict: &Verdict, palette: &Palette) -> Vec<(Duration, String, Style)> {
    let mut events = Vec::new();
    for state in model.faults() {
        let fault = &state.fault;
        if let Some(started) = state.started {
            events.push((started, format!("{}: {fault}", fault.name), palette.warn));
        }
        if let Some(ended) = state.ended {
            let how = if state.cut_short { " by hand" } else { "" };
            events.push((ended, format!("{} ended{how}", fault.name), palette.good));
        }
        if let Some(why) = &state.failed {
            events.push((state.started.unwrap_or(fault.at), format!("{} failed: {why}", fault.name), palette.bad));
        }
    }
    for (threshold, at) in model.plan().thresholds.iter().zip(model.broke()) {
        events.extend(at.map(|at| (at, format!("broken: {}", threshold.words(model.plan())), palette.bad)));
    }
    for (at, name, change) in model.processes() {
        let style = match change {
            ProcessChange::Exited(_) => palette.bad,
            ProcessChange::Restarted | ProcessChange::Found => palette.good,
            ProcessChange::Lost(_) | ProcessChange::Sampled => palette.warn,
        };
        events.push((*at, change.told_of(name), style));
    }
    events.extend(model.controls().obeyed().map(|(at, control)| (at, control.to_string(), palette.key)));
    if let Some(finished) = model.finished() {
        let by_hand = model.faults().iter().filter(|state| state.by_hand && state.started.is_some()).count();
        let by_hand = if by_hand > 0 { format!(", with {} by hand", count(by_hand, "fault")) } else { String::new() };
        events.push((finished.at, format!("the run is over{by_hand}"), palette.title));
        events.extend(verdict.inconclusive.iter().map(|why| (finished.at, format!("inconclusive: {why}"), palette.warn)));
    }
    events.sort_by_key(|(at, ..)| *at);
    events
}
