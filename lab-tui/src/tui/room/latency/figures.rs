//! The figures of one second: of the one under the cursor, else of the last whole one.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use super::WIDE;
use crate::event::Samples;
use crate::model::{Model, Place, Second};
use crate::report::format;
use crate::tui::palette::Palette;
use crate::tui::plot::clock;

/// ` at 0:21   p50  1.48 s  p90 …  max 1.96 s  20 ended  20 failed`: always in the same columns, as many of them as there is room for.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, cursor: Option<u64>, palette: &Palette) {
    let second = cursor.unwrap_or(model.now().as_secs().saturating_sub(1));
    let piece = model.seconds().get(second);
    let response = piece.map_or_else(Samples::default, |piece| piece.response_so_far(model.now()));
    let max = (response.count() > 0).then(|| f64::from(response.max()) / 1000.0);
    let percentile = |percentile| response.percentile(percentile);
    let plain = Style::new();
    let width = if area.width >= WIDE { 16 } else { 12 };
    let mut spans = vec![Span::styled(format!(" {:<width$}", when(cursor, piece.map(|piece| piece.place))), palette.title)];
    let values = [
        ("p50", percentile(50.0), palette.p50),
        ("p90", percentile(90.0), plain),
        ("p95", percentile(95.0), palette.p95),
        ("p99", percentile(99.0), palette.p99),
        ("max", max, plain),
    ];
    for (name, value, style) in values.into_iter().filter(|(name, ..)| area.width >= 80 || !matches!(*name, "p90" | "p95")) {
        spans.push(Span::styled(name, style));
        spans.push(Span::raw(format!("{:>8}  ", format::milliseconds(value))));
    }
    if area.width >= WIDE {
        let count = |count: fn(&Second) -> u64| piece.map_or(0, count);
        let (ended, failed, in_flight) = (count(|piece| piece.ended), count(|piece| piece.failed), count(Second::in_flight));
        spans.push(Span::styled(format!("{ended:>7} ended"), palette.dim));
        spans.push(Span::styled(format!("{failed:>6} failed"), if failed > 0 { palette.bad } else { palette.dim }));
        if area.width >= 130 {
            spans.push(Span::styled(format!("{in_flight:>6} in flight"), if in_flight > 0 { palette.warn } else { palette.dim }));
        }
    }
    Line::from(spans).render(area, buffer);
}

/// A piece of the past may be longer than a second.
fn when(cursor: Option<u64>, place: Option<Place>) -> String {
    let at = |second| clock(Duration::from_secs(second));
    match (cursor, place) {
        (Some(_), Some(place)) if place.length > 1 => format!("{}–{}", at(place.index), at(place.end())),
        (Some(second), _) => format!("at {}", at(second)),
        (None, _) => "last second".to_owned(),
    }
}
