//! How many requests took how long, second by second: the whole distribution, where percentiles are points of it.

use std::borrow::Cow;

use lab_facts::event::Samples;
use lab_facts::model::Model;
use lab_instrument::report::shades::Shades;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use crate::tui::columns::{self, Column};
use crate::tui::latency;
use crate::tui::palette::{HEAT, Palette};
use crate::tui::plot::{self, TimeAxis};
use crate::tui::scale::Scale;

/// Shades where there are no colours.
const PATTERNS: [&str; 4] = ["░", "▒", "▓", "█"];

/// Draws the title with the key of the shades, and the map. With colours a cell has two stripes of latencies, without them one.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, axis: TimeAxis, model: &Model, cursor: Option<u64>, palette: &Palette) {
    let title = Rect { height: 1, ..area };
    buffer.set_stringn(title.x, title.y, " response times", usize::from(title.width), palette.title);
    let area = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let graph = plot::graph(area);
    let so_far = columns::columns(model, axis).into_iter().map(|column| (column.response(), column));
    let shown: Vec<(Cow<'_, Samples>, Column<'_>)> = so_far.filter(|(response, _)| response.count() > 0).collect();
    let (Some(scale), 1..) = (scale(&shown), graph.height) else {
        let text = if model.finished().is_some() { "no request was answered" } else { "awaiting the first answers" };
        plot::awaited(buffer, graph, text, palette);
        return;
    };
    let coloured = is_coloured(palette);
    let bounds = scale.stripes(graph.height * if coloured { 2 } else { 1 });
    // Several seconds count as one of them, so that they are not darker for being more; what there is once in all of them is seen.
    let counted = shown.iter().map(|(response, column)| {
        let counts = response.counts(&bounds).into_iter().map(|count| count.div_ceil(column.known().max(1))).collect();
        (column.columns.clone(), counts)
    });
    let counted: Vec<(_, Vec<u64>)> = counted.collect();
    let most = counted.iter().flat_map(|(_, counts)| counts).copied().max().unwrap_or_default();
    let shades = Shades::new(round_up(most), u32::try_from(if coloured { HEAT } else { PATTERNS.len() }).unwrap_or(1));
    key(buffer, title, shades, palette);
    plot::grid(buffer, area, scale, palette);
    plot::marks(buffer, graph, axis, model, cursor, palette);
    for (columns, counts) in counted {
        for column in columns.filter(|column| *column < graph.width) {
            draw_column(buffer, Rect { x: graph.x + column, width: 1, ..graph }, &counts, shades, palette);
        }
    }
    latency::name_bands(buffer, graph, axis, model, palette);
}

/// From the fastest to the slowest of all that are in sight.
fn scale(shown: &[(Cow<'_, Samples>, Column<'_>)]) -> Option<Scale> {
    let lowest = shown.iter().filter_map(|(response, _)| response.pairs().first()).map(|(micros, _)| *micros).min()?;
    let highest = shown.iter().map(|(response, _)| response.max()).max()?;
    Some(Scale::holding(f64::from(lowest) / 1000.0, f64::from(highest) / 1000.0))
}

/// One second, from the bottom up.
fn draw_column(buffer: &mut Buffer, column: Rect, counts: &[u64], shades: Shades, palette: &Palette) {
    let shade = |stripe: Option<&u64>| stripe.filter(|count| **count > 0).map(|count| shades.of(*count));
    let stripes = counts.chunks(if is_coloured(palette) { 2 } else { 1 });
    for (y, stripes) in (column.y..column.bottom()).rev().zip(stripes) {
        let lower = shade(stripes.first());
        if !is_coloured(palette) {
            if let Some(pattern) = lower.and_then(|shade| PATTERNS.get(shade)) {
                buffer.set_string(column.x, y, pattern, Style::new());
            }
            continue;
        }
        let colour = |shade: usize| palette.heat.get(shade).and_then(|style| style.fg).unwrap_or(Color::Reset);
        let (symbol, style) = match (shade(stripes.get(1)), lower) {
            (None, None) => continue,
            (None, Some(lower)) => ("▄", Style::new().fg(colour(lower))),
            (Some(upper), None) => ("▀", Style::new().fg(colour(upper))),
            (Some(upper), Some(lower)) if upper == lower => ("█", Style::new().fg(colour(upper))),
            (Some(upper), Some(lower)) => ("▀", Style::new().fg(colour(upper)).bg(colour(lower))),
        };
        buffer.set_string(column.x, y, symbol, style);
    }
}

/// What the shades stand for, at the right end of the title.
fn key(buffer: &mut Buffer, area: Rect, shades: Shades, palette: &Palette) {
    let mut spans = Vec::new();
    if area.width >= 76 {
        spans.push(Span::styled("requests in a cell", palette.dim));
    }
    for (shade, counts) in shades.key() {
        let (symbol, style) =
            if is_coloured(palette) { ("█", palette.heat[shade.min(HEAT - 1)]) } else { (PATTERNS[shade.min(3)], Style::new()) };
        spans.push(Span::raw("  "));
        spans.push(Span::styled(symbol, style));
        spans.push(Span::styled(format!(" {counts}"), palette.dim));
    }
    let line = Line::from(spans);
    // The title has the first columns.
    let width = u16::try_from(line.width()).unwrap_or(u16::MAX).min(area.width.saturating_sub(16));
    line.render(Rect { x: area.right() - width, width, ..area }, buffer);
}

fn is_coloured(palette: &Palette) -> bool {
    palette.heat[0].fg.is_some()
}

/// 1, 2 or 5 times a power of ten, so that the key does not change with every request.
fn round_up(count: u64) -> u64 {
    let mut power: u64 = 1;
    loop {
        if let Some(round) = [1, 2, 5].into_iter().filter_map(|digit| power.checked_mul(digit)).find(|round| *round >= count) {
            return round;
        }
        let Some(next) = power.checked_mul(10) else { return count };
        power = next;
    }
}

#[cfg(test)]
mod tests {
    use super::round_up;

    #[test]
    fn the_key_ends_in_a_round_number() {
        assert_eq!([0, 1, 3, 17, 20, 501, u64::MAX].map(round_up), [1, 1, 5, 20, 20, 1000, u64::MAX]);
    }
}
