//! What can be begun and what can be ended, one below the other.

use lab_facts::model::{FaultState, Model};
use lab_facts::scenario::Fault;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use super::State;
use super::when::clock;
use crate::tui::palette::Palette;

/// One line that can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Row {
    /// A kind of fault, by its place: one of it can be begun.
    Kind(usize),
    /// A fault that is there, by its index: it can be ended.
    Fault(usize),
}

/// Those that are there, then all kinds.
pub(super) fn rows(state: &State, model: &Model) -> Vec<Row> {
    let on = model.faults().iter().enumerate().filter(|(_, fault)| fault.is_on()).map(|(index, _)| Row::Fault(index));
    on.chain((0..state.forms.len()).map(Row::Kind)).collect()
}

/// The row that is chosen. One that has just been begun is not there yet, and one that has ended no more: then it is its kind's.
pub(super) fn chosen(state: &State, model: &Model) -> Row {
    match state.chosen {
        Row::Fault(index) if model.faults().get(index).is_some_and(FaultState::is_on) => state.chosen,
        _ => Row::Kind(state.kind),
    }
}

/// How many there are now, or else which one of the plan comes next.
pub(super) fn title(buffer: &mut Buffer, area: Rect, model: &Model, palette: &Palette) {
    let on = model.faults().iter().filter(|state| state.is_on()).count();
    let to_come = model.faults().iter().filter(|state| !state.by_hand && state.started.is_none() && state.failed.is_none());
    let next = to_come.filter(|state| state.fault.at > model.now()).min_by_key(|state| state.fault.at);
    let told = match next.filter(|_| model.finished().is_none()) {
        _ if on > 0 => Span::styled(format!("   {on} on"), palette.warn),
        Some(next) => Span::styled(format!("  at {} {}", clock(next.fault.at), next.fault.name), palette.dim),
        None => Span::default(),
    };
    Line::from(vec![Span::styled(" faults", palette.title), told]).render(area, buffer);
}

/// Draws the list. The first row that is shown, where it is cut off, is so that the chosen one is in sight.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, state: &State, model: &Model, is_possible: bool, palette: &Palette) -> usize {
    let (rows, chosen) = (rows(state, model), chosen(state, model));
    let place = rows.iter().position(|row| *row == chosen).unwrap_or_default();
    let first = (place + 1).saturating_sub(usize::from(area.height));
    for (y, row) in (area.y..area.bottom()).zip(rows.iter().skip(first)) {
        let line = Rect { y, height: 1, ..area };
        match row {
            Row::Fault(index) => model.faults().get(*index).map(|fault| on(fault, usize::from(area.width), palette)).unwrap_or_default(),
            Row::Kind(kind) => {
                let name = state.forms.get(*kind).map_or("", |form| form.kind.kind);
                Line::styled(format!("   {name}"), if is_possible { palette.title } else { palette.dim })
            }
        }
        .render(line, buffer);
        if *row == chosen {
            buffer.set_style(line, palette.chosen);
            buffer.set_string(area.x + 1, y, "▸", palette.key.patch(palette.chosen));
        }
    }
    first
}

/// A fault that is there; and from when to when, where there is room for it: what is chosen says so beside the list.
fn on(state: &FaultState, width: usize, palette: &Palette) -> Line<'static> {
    let since = state.started.unwrap_or_default();
    let until = if state.fault.duration < Fault::UNTIL_ENDED { clock(since + state.fault.duration) } else { String::new() };
    let named = Line::from(vec![Span::styled("   ● ", palette.warn), Span::styled(state.fault.name.clone(), palette.title)]);
    let when = format!("  {}→{until}", clock(since));
    let fits = named.width() + when.chars().count() < width;
    if fits { named + Span::styled(when, palette.dim) } else { named }
}
