//! What all plots share: one time axis, of one column a second, and the marks that lie across them.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use super::palette::{Palette, Theme};
use super::scale::Scale;
use crate::model::{Model, Place};

/// Columns left of every plot, for the labels of its values.
pub(super) const GUTTER: u16 = 8;

/// Which seconds the columns show: as many of the latest as there is room for, one each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeAxis {
    /// The second in the first column.
    pub(super) first: u64,
    /// How many columns.
    pub(super) columns: u16,
}

impl TimeAxis {
    /// Begins at a second that the viewer looks back to.
    pub(super) fn beginning_at(first: u64, columns: u16) -> Self {
        Self { first, columns }
    }

    /// Ends at `last`; begins at the start of the run while that is in sight.
    pub(super) fn ending_at(last: u64, columns: u16) -> Self {
        Self { first: (last + 1).saturating_sub(u64::from(columns)), columns }
    }

    /// The second after the last column's.
    pub(super) fn end(&self) -> u64 {
        self.first + u64::from(self.columns)
    }

    /// The column of a second, if it is in sight.
    pub(super) fn column(&self, second: u64) -> Option<u16> {
        let column = u16::try_from(second.checked_sub(self.first)?).ok()?;
        (column < self.columns).then_some(column)
    }

    /// Those columns in sight that show a piece of the run.
    pub(super) fn columns_of(&self, piece: Place) -> impl Iterator<Item = u16> + use<> {
        let axis = *self;
        (piece.index.max(self.first)..piece.end().min(self.end())).filter_map(move |second| axis.column(second))
    }
}

/// Cuts the gutter off a plot's area.
pub(super) fn graph(area: Rect) -> Rect {
    let gutter = GUTTER.min(area.width);
    Rect { x: area.x + gutter, width: area.width - gutter, ..area }
}

/// Writes a value's label into the gutter of a row.
pub(super) fn label(buffer: &mut Buffer, area: Rect, row: u16, text: &str, palette: &Palette) {
    let width = usize::from(GUTTER) - 1;
    buffer.set_stringn(area.x, area.y + row, format!("{text:>width$}"), width, palette.dim);
}

/// What the lines of a grid are made of.
const GRID: &str = "┈";

/// Labels the round values of a plot of latencies, and draws a line at each.
pub(super) fn grid(buffer: &mut Buffer, area: Rect, scale: Scale, palette: &Palette) {
    let graph = graph(area);
    for (row, text) in scale.labels(graph.height) {
        label(buffer, area, row, &text, palette);
        for x in graph.left()..graph.right() {
            buffer.set_string(x, graph.y + row, GRID, palette.idle);
        }
    }
}

/// Whether nothing is drawn in a cell but what plots stand on.
pub(super) fn is_ground(symbol: &str) -> bool {
    matches!(symbol, " " | GRID)
}

/// Lays fault windows and the cursor under a graph. Its left column is the axis's first second.
pub(super) fn marks(buffer: &mut Buffer, graph: Rect, axis: TimeAxis, model: &Model, cursor: Option<u64>, palette: &Palette) {
    for (_, from, to) in fault_windows(model) {
        for second in from.max(axis.first)..to.min(axis.end()) {
            under(buffer, graph, axis, second, palette.band);
        }
        if palette.theme == Theme::Plain {
            [from, to - 1].into_iter().for_each(|second| edge(buffer, graph, axis, second));
        }
    }
    if let Some(second) = cursor {
        under(buffer, graph, axis, second, palette.cursor);
    }
}

/// Where there are no colours, a line on either side of a band has to do; it gives way to whatever is there.
fn edge(buffer: &mut Buffer, graph: Rect, axis: TimeAxis, second: u64) {
    let Some(column) = axis.column(second).filter(|column| *column < graph.width) else { return };
    for y in graph.top()..graph.bottom() {
        let cell = &mut buffer[(graph.x + column, y)];
        if [" ", "┈", "\u{2800}"].contains(&cell.symbol()) {
            cell.set_symbol("┊");
        }
    }
}

fn under(buffer: &mut Buffer, graph: Rect, axis: TimeAxis, second: u64, style: Style) {
    if let Some(column) = axis.column(second).filter(|column| *column < graph.width) {
        buffer.set_style(Rect { x: graph.x + column, width: 1, ..graph }, style);
    }
}

/// Each fault that has begun: its index, its first second, and the one after its last; up to now while it lasts.
pub(super) fn fault_windows(model: &Model) -> impl Iterator<Item = (usize, u64, u64)> {
    model.faults().iter().enumerate().filter_map(|(index, fault)| {
        let started = fault.started?;
        let ended = fault.ended.unwrap_or(model.now());
        Some((index, started.as_secs(), ended.as_secs() + 1))
    })
}

/// The time axis itself: a tick every ten seconds, with the minutes and seconds beside it.
pub(super) fn time_axis(buffer: &mut Buffer, area: Rect, axis: TimeAxis, cursor: Option<u64>, palette: &Palette) {
    let graph = graph(area);
    let mark = cursor.and_then(|second| Some((format!("▲{}", clock(Duration::from_secs(second))), axis.column(second)?)));
    let mark = mark.map(|(text, column)| {
        let width = u16::try_from(text.chars().count()).unwrap_or(0);
        (text, column.min(graph.width.saturating_sub(width)), width)
    });
    let step = if axis.columns > 150 { 20 } else { 10 };
    let mut free = 0;
    for second in axis.first..axis.end() {
        let Some(column) = axis.column(second) else { continue };
        if second % step == 0 && column >= free {
            let text = format!("╵{}", clock(Duration::from_secs(second)));
            let room = graph.width.saturating_sub(column);
            let is_free = mark.as_ref().is_none_or(|(_, place, width)| column + 6 < *place || column > place + width);
            if usize::from(room) >= text.chars().count() && is_free {
                buffer.set_string(graph.x + column, graph.y, &text, palette.dim);
                free = column + 7;
            }
        }
    }
    if let Some((text, column, _)) = mark {
        buffer.set_string(graph.x + column, graph.y, &text, palette.key);
    }
}

/// `0:07`, `12:34`.
pub(super) fn clock(at: Duration) -> String {
    format!("{}:{:02}", at.as_secs() / 60, at.as_secs() % 60)
}

/// What stands in the middle of a plot that has nothing to show yet.
pub(super) fn awaited(buffer: &mut Buffer, graph: Rect, what: &str, palette: &Palette) {
    if graph.height == 0 {
        return;
    }
    let row = Rect { y: graph.y + graph.height / 2, height: 1, ..graph };
    Line::styled(what.to_owned(), palette.dim).centered().render(row, buffer);
}

/// Pieces of text in one row, as many of the first as there is room for: none is cut but one that is alone.
pub(super) fn pieces<'s>(buffer: &mut Buffer, area: Rect, pieces: impl IntoIterator<Item = Vec<Span<'s>>>) {
    let mut line = Line::default();
    for piece in pieces {
        let gap = if line.spans.is_empty() { " " } else { "   " };
        let width = piece.iter().map(Span::width).sum::<usize>() + gap.len();
        if !line.spans.is_empty() && line.width() + width > usize::from(area.width) {
            break;
        }
        line.spans.push(Span::raw(gap));
        line.spans.extend(piece);
    }
    line.render(area, buffer);
}

/// One row of column bars in eighths: the share of `full` that each second's value is.
pub(super) fn eighths(share: f64) -> &'static str {
    const BARS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=8")]
    let step = (share * 8.0).ceil().clamp(0.0, 8.0) as usize;
    BARS[step]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_grows_from_the_left_and_then_moves() {
        let axis = TimeAxis::ending_at(4, 10);
        assert_eq!((axis.first, axis.column(0), axis.column(4), axis.column(10)), (0, Some(0), Some(4), None));
        let axis = TimeAxis::ending_at(24, 10);
        assert_eq!((axis.first, axis.column(24), axis.column(14), axis.end()), (15, Some(9), None, 25));
        let columns = |index, length| axis.columns_of(Place { index, length }).collect::<Vec<_>>();
        assert_eq!((columns(10, 10), columns(24, 1), columns(30, 10)), (vec![0, 1, 2, 3, 4], vec![9], vec![]));
    }
}
