//! Percentiles of the response time over time, on a logarithmic scale: calm and trouble are both readable.

use std::ops::Range;

use lab_facts::format;
use lab_facts::model::{Model, Second};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use ratatui::widgets::canvas::{Canvas, Line as Stroke, Points};

use super::columns;
use super::palette::Palette;
use super::percentiles::{DRAWN, Percentiles};
use super::plot::{self, TimeAxis};
use super::scale::Scale;
use super::ui::Ui;

/// Draws title and plot. The title reads the second under the cursor, else the last whole one.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, axis: TimeAxis, model: &Model, ui: &mut Ui) {
    let (cursor, palette) = (ui.cursor, &ui.palette);
    if area.height < 2 {
        return;
    }
    let title = Rect { height: 1, ..area };
    legend(model, axis, cursor, palette).render(title, buffer);
    let area = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let graph = plot::graph(area);
    let shown = ui.percentiles.of(model, axis);
    let Some(scale) = scale(&shown) else {
        plot::awaited(buffer, graph, "awaiting the first answers", palette);
        return;
    };
    plot::grid(buffer, area, scale, palette);
    let series = [palette.p50, palette.p95, palette.p99];
    Canvas::default()
        .marker(Marker::Braille)
        .x_bounds([0.0, f64::from(graph.width)])
        .y_bounds(scale.bounds())
        .paint(|context| {
            for (number, style) in series.into_iter().enumerate() {
                let colour = style.fg.unwrap_or(Color::Reset);
                let mut before: Option<(f64, f64, u64)> = None;
                for (columns, seconds, percentiles) in &shown {
                    let y = scale.height(percentiles.drawn[number]);
                    let [x, last] = [columns.start, columns.end - 1].map(|column| f64::from(column) + 0.5);
                    let stroke = |x1, y1, x2, y2| Stroke { x1, y1, x2, y2, color: colour };
                    match before {
                        Some((x1, y1, end)) if end >= seconds.start => context.draw(&stroke(x1, y1, x, y)),
                        _ => context.draw(&Points { coords: &[(x, y)], color: colour }),
                    }
                    // A piece of the past is as wide as it is long.
                    if last > x {
                        context.draw(&stroke(x, y, last, y));
                    }
                    if let Some(worst) = percentiles.worst.filter(|_| number + 1 == DRAWN.len()) {
                        context.draw(&stroke(x, y, x, scale.height(worst)));
                    }
                    before = Some((last, y, seconds.end));
                }
                // A layer of its own, so that the higher percentile covers the lower where both pass.
                context.layer();
            }
        })
        .render(graph, buffer);
    plot::marks(buffer, graph, axis, model, cursor, palette);
    name_bands(buffer, graph, axis, model, palette);
}

/// `latency  p50 4.21 ms  p95 8.10 ms  p99 12.4 ms`.
fn legend(model: &Model, axis: TimeAxis, cursor: Option<u64>, palette: &Palette) -> Line<'static> {
    let response = columns::read(model, axis, cursor).response();
    let value = |percentile| format::milliseconds(response.percentile(percentile));
    let mut spans = vec![Span::styled(" latency", palette.title)];
    for (name, percentile, style) in [("p50", 50.0, palette.p50), ("p95", 95.0, palette.p95), ("p99", 99.0, palette.p99)] {
        spans.push(Span::styled(format!("   {name} "), style));
        spans.push(Span::raw(value(percentile)));
    }
    let in_flight: u64 = model.seconds().iter().map(Second::in_flight).sum();
    if in_flight > 0 && cursor.is_none() {
        spans.push(Span::styled("   in flight ", palette.warn));
        spans.push(Span::raw(in_flight.to_string()));
    }
    Line::from(spans)
}

/// Writes each fault's name at the top of its band, so that colour is not the only sign.
pub(super) fn name_bands(buffer: &mut Buffer, graph: Rect, axis: TimeAxis, model: &Model, palette: &Palette) {
    let mut windows: Vec<_> = plot::fault_windows(model).collect();
    windows.sort_by_key(|(_, from, _)| *from);
    for (number, (index, from, to)) in windows.iter().copied().enumerate() {
        let next = windows.get(number + 1).and_then(|(_, next, _)| axis.column(*next)?.checked_sub(1)).unwrap_or(graph.width);
        let columns = axis.columns_of(from..to);
        if columns.is_empty() {
            continue;
        }
        let (column, width) = (columns.start, columns.len());
        let name = &model.faults()[index].fault.name;
        let room = usize::from(next.min(graph.width).saturating_sub(column));
        let cells =
            Rect { x: graph.x + column, width: u16::try_from(room.min(width.max(name.len()))).unwrap_or_default(), height: 1, ..graph };
        // At the top, or at the bottom where the top is full.
        let is_free = |y: &u16| Rect { y: *y, ..cells }.positions().all(|position| plot::is_ground(buffer[position].symbol()));
        let y = [graph.y, graph.bottom() - 1].into_iter().find(is_free).unwrap_or(graph.y);
        buffer.set_stringn(cells.x, y, "▔".repeat(width), room, palette.warn);
        buffer.set_stringn(cells.x, y, name, room, palette.warn);
    }
}

/// Holds the medians as well as the 99th percentiles, and the worst of these.
fn scale(shown: &[(Range<u16>, Range<u64>, Percentiles)]) -> Option<Scale> {
    let values = |percentiles: &Percentiles| [Some(percentiles.drawn[0]), Some(percentiles.drawn[2]), percentiles.worst];
    let values = shown.iter().flat_map(|(_, _, percentiles)| values(percentiles)).flatten();
    let (low, high) = values.fold((f64::MAX, 0.0_f64), |(low, high), ms| (low.min(ms), high.max(ms)));
    (!shown.is_empty()).then(|| Scale::holding(low, high))
}
