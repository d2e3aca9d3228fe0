//! The figures of one moment: of the seconds under the cursor, else of the last whole one.

use std::ops::Range;

use lab_facts::format;
use lab_facts::model::{Model, Second};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use super::WIDE;
use crate::tui::columns;
use crate::tui::palette::Palette;
use crate::tui::plot;

/// ` at 0:21   p50  1.48 s  p90 …  max 1.96 s  20 ended  20 failed`: always in the same columns, as many of them as there is room for.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, read: Option<Range<u64>>, palette: &Palette) {
    let last = model.now().as_secs().saturating_sub(1);
    let shown = columns::moment(model, read.clone().unwrap_or(last..last + 1));
    let response = shown.response();
    let max = (response.count() > 0).then(|| f64::from(response.max()) / 1000.0);
    let percentile = |percentile| response.percentile(percentile);
    let plain = Style::new();
    let width = if area.width >= WIDE { 16 } else { 12 };
    let mut spans = vec![Span::styled(format!(" {:<width$}", when(read, &shown.seconds())), palette.title)];
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
        let (ended, failed, in_flight) =
            (shown.sum(|second| second.ended), shown.sum(|second| second.failed), shown.sum(Second::in_flight));
        spans.push(Span::styled(format!("{ended:>7} ended"), palette.dim));
        spans.push(Span::styled(format!("{failed:>6} failed"), if failed > 0 { palette.bad } else { palette.dim }));
        if area.width >= 130 {
            spans.push(Span::styled(format!("{in_flight:>6} in flight"), if in_flight > 0 { palette.warn } else { palette.dim }));
        }
    }
    Line::from(spans).render(area, buffer);
}

/// What is known of the past may be known together with its neighbours.
fn when(read: Option<Range<u64>>, known: &Range<u64>) -> String {
    match read {
        Some(_) if !known.is_empty() => plot::span(known),
        Some(seconds) => plot::span(&seconds),
        None => "last second".to_owned(),
    }
}
