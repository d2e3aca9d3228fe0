//! What all plots share: room for labels, the time below them, and the marks that lie across them.

use std::ops::Range;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

pub(super) use super::axis::TimeAxis;
use lab_facts::model::Model;

use super::palette::Palette;
use super::scale::Scale;

/// Columns left of every plot, for the labels of its values.
pub(super) const GUTTER: u16 = 8;

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
    grid_of(buffer, area, scale.labels(area.height), palette);
}

/// The same of any values, with their rows.
pub(super) fn grid_of(buffer: &mut Buffer, area: Rect, labels: Vec<(u16, String)>, palette: &Palette) {
    let graph = graph(area);
    for (row, text) in labels {
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
        let columns = axis.columns_of(from..to);
        under(buffer, graph, columns.clone(), palette.band);
        if palette.band.bg.is_none() {
            let ends = [(from, columns.start), (to - 1, columns.end.saturating_sub(1))];
            ends.into_iter().filter(|(second, _)| axis.column(*second).is_some()).for_each(|(_, column)| edge(buffer, graph, column));
        }
    }
    if let Some(second) = cursor {
        under(buffer, graph, axis.columns_of(axis.around(second)), palette.cursor);
    }
}

/// Where there are no colours, a line on either side of a band has to do; it gives way to whatever is there.
fn edge(buffer: &mut Buffer, graph: Rect, column: u16) {
    if column >= graph.width {
        return;
    }
    for y in graph.top()..graph.bottom() {
        let cell = &mut buffer[(graph.x + column, y)];
        if [" ", "┈", "\u{2800}"].contains(&cell.symbol()) {
            cell.set_symbol("┊");
        }
    }
}

/// Lays a colour under some columns.
pub(super) fn under(buffer: &mut Buffer, graph: Rect, columns: Range<u16>, style: Style) {
    let columns = columns.start.min(graph.width)..columns.end.min(graph.width);
    buffer.set_style(Rect { x: graph.x + columns.start, width: columns.end - columns.start, ..graph }, style);
}

/// Each fault that has begun: its index, its first second, and the one after its last; up to now while it lasts.
pub(super) fn fault_windows(model: &Model) -> impl Iterator<Item = (usize, u64, u64)> {
    model.faults().iter().enumerate().filter_map(|(index, fault)| {
        let started = fault.started?;
        let ended = fault.ended.unwrap_or(model.now());
        Some((index, started.as_secs(), ended.as_secs() + 1))
    })
}

/// The time axis itself: minutes and seconds beside their ticks, the cursor, and a sign where a threshold first broke. Left of them stands
/// how much a column shows, where that is more than a second.
pub(super) fn time_axis(buffer: &mut Buffer, area: Rect, axis: TimeAxis, model: &Model, cursor: Option<u64>, palette: &Palette) {
    let graph = graph(area);
    if axis.scale.step() > 1 {
        label(buffer, area, 0, &format!("{}/col", length(axis.scale.step())), palette);
    }
    let breaks: Vec<u16> = model.broke().iter().flatten().filter_map(|at| axis.column(at.as_secs())).collect();
    let ticks = axis.ticks().filter_map(|second| Some((axis.column(second)?, format!("╵{}", clock(Duration::from_secs(second))))));
    // What matters most is there first, and nothing is written over it.
    let mut taken: Vec<Range<u16>> = Vec::new();
    let mut write = |column: u16, text: &str, style| {
        let width = u16::try_from(text.chars().count()).unwrap_or(u16::MAX);
        let place = column..column.saturating_add(width);
        let apart = |other: &Range<u16>| place.end < other.start || place.start > other.end || width == 1 && !other.contains(&place.start);
        if place.end <= graph.width && taken.iter().all(apart) {
            buffer.set_string(graph.x + column, graph.y, text, style);
            taken.push(place);
        }
    };
    if let Some((second, column)) = cursor.and_then(|second| Some((second, axis.column(second)?))) {
        let at = clock(Duration::from_secs(second));
        let width = u16::try_from(at.len()).unwrap_or(u16::MAX);
        // The time stands right of its mark; left of it where the axis ends, or where a threshold broke.
        let is_free = column + width < graph.width && !breaks.iter().any(|other| (column + 1..=column + width).contains(other));
        match column.checked_sub(width).filter(|_| !is_free) {
            Some(before) => write(before, &format!("{at}▲"), palette.key),
            None => write(column, &format!("▲{at}"), palette.key),
        }
    }
    breaks.into_iter().for_each(|column| write(column, "✗", palette.bad));
    ticks.for_each(|(column, text)| write(column, &text, palette.dim));
}

/// `30s`, `2m`, `4h`: in the fewest letters.
fn length(seconds: u64) -> String {
    match seconds {
        seconds if seconds.is_multiple_of(3_600) => format!("{}h", seconds / 3_600),
        seconds if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

/// `0:07`, `12:34`.
pub(super) fn clock(at: Duration) -> String {
    format!("{}:{:02}", at.as_secs() / 60, at.as_secs() % 60)
}

/// `at 0:07`, or `10:20–10:30` where it is more than a second.
pub(super) fn span(seconds: &Range<u64>) -> String {
    let at = |second| clock(Duration::from_secs(second));
    if seconds.end - seconds.start > 1 {
        format!("{}–{}", at(seconds.start), at(seconds.end))
    } else {
        format!("at {}", at(seconds.start))
    }
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
