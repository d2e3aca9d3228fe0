//! What happened, in order: faults, processes, the end.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::palette::Palette;
use super::plot::clock;
use crate::event::ProcessChange;
use crate::model::Model;

/// Draws the last events, the newest at the bottom.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, palette: &Palette) {
    let events = events(model, palette);
    let height = usize::from(area.height);
    let shown = &events[events.len().saturating_sub(height)..];
    if shown.is_empty() && area.height > 0 {
        Line::styled(" nothing has happened yet", palette.dim).render(area, buffer);
    }
    for (row, (at, text, style)) in (area.y..area.bottom()).zip(shown) {
        let line = Line::from(vec![Span::styled(format!(" {:>5}  ", clock(*at)), palette.dim), Span::styled(text.clone(), *style)]);
        line.render(Rect { y: row, height: 1, ..area }, buffer);
    }
}

fn events(model: &Model, palette: &Palette) -> Vec<(Duration, String, Style)> {
    let mut events = Vec::new();
    for (fault, state) in model.plan().faults.iter().zip(model.faults()) {
        if let Some(started) = state.started {
            events.push((started, format!("{}: {fault}", fault.name), palette.warn));
        }
        if let Some(ended) = state.ended {
            events.push((ended, format!("{} ended", fault.name), palette.good));
        }
        if let Some(why) = &state.failed {
            events.push((state.started.unwrap_or(fault.at), format!("{} failed: {why}", fault.name), palette.bad));
        }
    }
    for (at, name, change) in model.processes() {
        events.push(match change {
            ProcessChange::Exited(how) => (*at, format!("{name} ended: {how}"), palette.bad),
            ProcessChange::Restarted => (*at, format!("{name} runs again"), palette.good),
        });
    }
    if let Some(finished) = model.finished() {
        events.push((finished.at, "the run is over".to_owned(), palette.title));
    }
    events.sort_by_key(|(at, ..)| *at);
    events
}
