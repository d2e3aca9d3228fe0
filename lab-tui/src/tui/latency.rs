//! Percentiles of the response time over time, on a logarithmic scale: calm and trouble are both readable.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use ratatui::widgets::canvas::{Canvas, Line as Stroke, Points};

use super::palette::Palette;
use super::plot::{self, TimeAxis};
use crate::event::Samples;
use crate::model::{Model, Place, Second};
use crate::report::format;

/// Draws title and plot. The title reads the second under the cursor, else the last whole one.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, axis: TimeAxis, model: &Model, cursor: Option<u64>, palette: &Palette) {
    if area.height < 2 {
        return;
    }
    let title = Rect { height: 1, ..area };
    legend(model, cursor, palette).render(title, buffer);
    let area = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let graph = plot::graph(area);
    let so_far = model.seconds().range(axis.first, axis.end()).map(|second| (second.place, second.response_so_far(model.now())));
    let shown: Vec<(Place, Samples)> = so_far.filter(|(_, response)| response.count() > 0).collect();
    let Some(scale) = Scale::of(&shown) else {
        plot::awaited(buffer, graph, "awaiting the first answers", palette);
        return;
    };
    for (row, label) in scale.labels(graph.height) {
        plot::label(buffer, area, row, &label, palette);
        for x in graph.left()..graph.right() {
            buffer.set_string(x, graph.y + row, "┈", palette.idle);
        }
    }
    let series = [(50.0, palette.p50), (95.0, palette.p95), (99.0, palette.p99)];
    Canvas::default()
        .marker(Marker::Braille)
        .x_bounds([0.0, f64::from(graph.width)])
        .y_bounds([scale.low.log10(), scale.high.log10()])
        .paint(|context| {
            for (percentile, style) in series {
                let colour = style.fg.unwrap_or(Color::Reset);
                let mut before: Option<(f64, f64, u64)> = None;
                for (place, response) in &shown {
                    let mut columns = axis.columns_of(*place);
                    let Some(column) = columns.next() else { continue };
                    let Some(ms) = response.percentile(percentile) else { continue };
                    let (x, y) = (f64::from(column) + 0.5, ms.max(scale.low).log10());
                    match before {
                        Some((x1, y1, end)) if end == place.index => context.draw(&Stroke { x1, y1, x2: x, y2: y, color: colour }),
                        _ => context.draw(&Points { coords: &[(x, y)], color: colour }),
                    }
                    // A piece of the past is as wide as it is long.
                    let last = columns.last().map_or(x, |column| f64::from(column) + 0.5);
                    if last > x {
                        context.draw(&Stroke { x1: x, y1: y, x2: last, y2: y, color: colour });
                    }
                    before = Some((last, y, place.end()));
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
fn legend(model: &Model, cursor: Option<u64>, palette: &Palette) -> Line<'static> {
    let now = model.now().as_secs();
    let second = cursor.map_or_else(|| model.seconds().get(now.saturating_sub(1)), |second| model.seconds().get(second));
    let response = second.map(|second| second.response_so_far(model.now())).unwrap_or_default();
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
        let (from, to) = (from.max(axis.first), to.min(axis.end()));
        let (Some(column), true) = (axis.column(from), to > from) else { continue };
        let width = usize::try_from(to - from).unwrap_or_default();
        let name = &model.plan().faults[index].name;
        let room = usize::from(next.min(graph.width).saturating_sub(column));
        let cells =
            Rect { x: graph.x + column, width: u16::try_from(room.min(width.max(name.len()))).unwrap_or_default(), height: 1, ..graph };
        // At the top, or at the bottom where the curves are at the top.
        let is_free = |y: &u16| Rect { y: *y, ..cells }.positions().all(|position| !is_curve(buffer[position].symbol()));
        let y = [graph.y, graph.bottom() - 1].into_iter().find(is_free).unwrap_or(graph.y);
        buffer.set_stringn(cells.x, y, "▔".repeat(width), room, palette.warn);
        buffer.set_stringn(cells.x, y, name, room, palette.warn);
    }
}

/// Braille is what curves are made of.
fn is_curve(symbol: &str) -> bool {
    symbol.chars().all(|c| ('\u{2801}'..='\u{28ff}').contains(&c))
}

/// The range of milliseconds shown: both ends are 1, 2 or 5 times a power of ten.
#[derive(Debug, PartialEq)]
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    fn of(shown: &[(Place, Samples)]) -> Option<Self> {
        let values = shown.iter().flat_map(|(_, response)| [response.percentile(50.0), response.percentile(99.0)]).flatten();
        let (low, high) = values.fold((f64::MAX, 0.0_f64), |(low, high), ms| (low.min(ms), high.max(ms)));
        let steps = steps();
        let low = steps.clone().filter(|step| *step <= low * 0.9).last().unwrap_or(0.01);
        let high = steps.clone().find(|step| *step >= high * 1.15).unwrap_or(1e6);
        // At least a decade, so that noise does not look like trouble.
        let high = steps.into_iter().find(|step| *step >= high.max(low * 9.9)).unwrap_or(1e6);
        (!shown.is_empty()).then_some(Self { low, high })
    }

    /// Round values and the rows that they stand in, at least two rows apart.
    fn labels(&self, height: u16) -> Vec<(u16, String)> {
        let (low, high) = (self.low.log10(), self.high.log10());
        let row = |ms: f64| {
            let share = (high - ms.log10()) / (high - low);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a row of the plot")]
            let row = (share * f64::from(height)).floor().clamp(0.0, f64::from(height.saturating_sub(1))) as u16;
            row
        };
        let mut labels: Vec<(u16, String)> = Vec::new();
        let decades = |ms: &f64| (ms.log10() - ms.log10().round()).abs() < 1e-9;
        let within: Vec<f64> = steps().filter(|ms| (self.low..=self.high).contains(ms)).collect();
        for ms in within.iter().filter(|ms| decades(ms)).chain(within.iter().filter(|ms| !decades(ms))) {
            let row = row(*ms);
            if labels.iter().all(|(other, _)| other.abs_diff(row) >= 2) {
                labels.push((row, round(*ms)));
            }
        }
        labels
    }
}

/// 10 µs to 1000 s in steps of 1, 2, 5.
fn steps() -> impl Iterator<Item = f64> + Clone {
    (-2..=6).flat_map(|power| [1.0, 2.0, 5.0].map(|step| step * 10_f64.powi(power)))
}

/// `20 µs`, `5 ms`, `2 s`.
fn round(ms: f64) -> String {
    match ms {
        ms if ms < 0.99 => format!("{:.0} µs", ms * 1000.0),
        ms if ms < 999.0 => format!("{ms:.0} ms"),
        ms => format!("{:.0} s", ms / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_apart() {
        let first = Place { index: 0, length: 1 };
        let scale = Scale::of(&[(first, Samples::from_micros(vec![4_000, 5_000, 1_900_000]))]).unwrap();
        assert_eq!(scale, Scale { low: 2.0, high: 5000.0 });
        let labels: Vec<String> = scale.labels(8).into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["10 ms", "100 ms", "1 s"]);
        assert!(scale.labels(20).len() > 6, "more room, more ticks");
        assert_eq!(Scale::of(&[(first, Samples::from_micros(vec![4_000, 5_000]))]), Some(Scale { low: 2.0, high: 20.0 }));
        assert_eq!(Scale::of(&[]), None);
    }
}
