//! What was done by hand in this run, with its times.

use std::time::Duration;

use lab_facts::model::{FaultState, Model};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use super::origin::cut_short;
use super::when::clock;
use crate::tui::palette::Palette;

/// Columns before what was done.
const WHEN: usize = 17;

/// Draws the newest of it, as much as there is room for.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, palette: &Palette) {
    let done = done(model, palette);
    if done.is_empty() {
        Line::styled("   nothing yet", palette.dim).render(area, buffer);
        return;
    }
    let first = done.len().saturating_sub(usize::from(area.height));
    for (y, (_, when, what, style)) in (area.y..area.bottom()).zip(done.into_iter().skip(first)) {
        let line = vec![Span::styled(format!("{when:>WHEN$}  "), palette.dim), Span::styled(what, style)];
        Line::from(line).render(Rect { y, height: 1, ..area }, buffer);
    }
}

/// Whether there is anything.
pub(super) fn is_any(model: &Model) -> bool {
    model.faults().iter().any(|state| state.by_hand || state.cut_short) || model.controls().obeyed().next().is_some()
}

/// In the order in which it began: when that was, in words too, and what it was.
fn done(model: &Model, palette: &Palette) -> Vec<(Duration, String, String, Style)> {
    let paces = model.controls().obeyed().map(|(at, control)| (at, clock(at), control.to_string(), palette.key));
    let faults = model.faults().iter().filter(|state| state.by_hand).map(|state| {
        let FaultState { fault, started, ended, failed, touched, .. } = state;
        let from = started.unwrap_or(fault.at);
        let when = match (started, ended) {
            (Some(from), Some(to)) => format!("{}–{}", clock(*from), clock(*to)),
            (Some(from), None) => format!("{}–", clock(*from)),
            (None, _) => clock(from),
        };
        let what = format!("{}: {fault}", fault.name);
        let (more, style) = match (failed, started, ended, touched) {
            (Some(why), ..) => (format!("; failed: {why}"), palette.bad),
            (_, None, ..) => (" begins …".to_owned(), palette.warn),
            (_, _, None, _) => (String::new(), palette.warn),
            (.., Some(0)) => (format!("; it touched nothing: {}", fault.kind.untouched()), palette.dim),
            (.., Some(touched)) => (format!("; {touched} met it"), Style::new()),
            (.., None) => (String::new(), Style::new()),
        };
        (from, when, what + &more, style)
    });
    let ended = cut_short(model).filter_map(|(index, _, at)| {
        let name = &model.faults().get(index)?.fault.name;
        Some((at, clock(at), format!("{name} ended before its time"), palette.key))
    });
    let mut done: Vec<_> = paces.chain(faults).chain(ended).collect();
    done.sort_by_key(|(at, ..)| *at);
    done
}
