//! The hops that requests take, with rate, errors and p95 of each.

use std::ops::Range;

use lab_facts::event::Samples;
use lab_facts::format;
use lab_facts::model::Model;
use lab_facts::scenario::StackKind;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::columns;
use super::palette::Palette;

/// How many seconds the live figures are taken over.
const LIVE: u64 = 5;

/// Rows that it takes.
pub(super) const HEIGHT: u16 = 3;

struct Figures<'m> {
    name: &'m str,
    rate: f64,
    errors: f64,
    p95: Option<f64>,
}

/// Draws one column a hop: name and arrow, rate and errors, p95; of the seconds under the cursor, else of the last seconds.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, read: Option<Range<u64>>, palette: &Palette) {
    let hops = figures(model, read);
    let Ok(count) = u16::try_from(hops.len()) else { return };
    if count == 0 {
        let text = if model.finished().is_some() { "no spans came in" } else { "awaiting the first spans" };
        buffer.set_stringn(area.x + 1, area.y + 1, text, usize::from(area.width), palette.dim);
        return;
    }
    // The load comes first and is narrow; names decide how many columns a hop needs.
    let width = (area.width.saturating_sub(1) / count).clamp(11, 28);
    for (number, hop) in (0..count).zip(&hops) {
        let x = area.x + 1 + number * width;
        if x + width > area.right() + 1 {
            break;
        }
        let room = usize::from(width.min(area.right() - x));
        let name: String = hop.name.chars().take(room.saturating_sub(1)).collect();
        buffer.set_stringn(x, area.y, &name, room, palette.title);
        let arrow = usize::from(width).saturating_sub(name.chars().count() + 2);
        if number + 1 < count && arrow >= 2 {
            let column = x + u16::try_from(name.chars().count()).unwrap_or_default() + 1;
            buffer.set_string(column, area.y, format!("{}▶", "─".repeat(arrow - 1)), palette.dim);
        }
        // Of a sample, no more is known of how many there are.
        let least = if number > 0 && model.has_sampled_traces() { "≥" } else { "" };
        let rate = format!("{least}{}/s ", rate(hop.rate));
        buffer.set_stringn(x, area.y + 1, &rate, room, Style::new());
        let errors = if hop.errors < 0.1 { format!("{:.1} %", hop.errors * 100.0) } else { format!("{:.0} %", hop.errors * 100.0) };
        let style = if hop.errors > 0.0 { palette.bad } else { palette.dim };
        let column = u16::try_from(rate.chars().count()).unwrap_or_default();
        buffer.set_stringn(x + column, area.y + 1, errors, room.saturating_sub(usize::from(column)), style);
        buffer.set_stringn(x, area.y + 2, "p95 ", room, palette.dim);
        buffer.set_stringn(x + 4, area.y + 2, format::milliseconds(hop.p95), room.saturating_sub(4), Style::new());
    }
}

fn figures(model: &Model, read: Option<Range<u64>>) -> Vec<Figures<'_>> {
    let hops = model.chain().in_order();
    // Spans come in up to a second late, so the very last second is not asked for. From elsewhere they may come much later.
    let is_fed = model.plan().stack == StackKind::Attach;
    let known = hops.iter().filter_map(|(_, hop)| hop.newest()).max().filter(|_| is_fed);
    let now = known.map_or(model.now().as_secs(), |newest| model.now().as_secs().min(newest + 1));
    // Of the past, a second may be known only together with its neighbours.
    let known = read.map(|seconds| match columns::moment(model, seconds.clone()).seconds() {
        none if none.is_empty() => seconds,
        known => known,
    });
    let Range { start: from, end: to } = known.unwrap_or(now.saturating_sub(LIVE + 1)..now.saturating_sub(1));
    if hops.is_empty() {
        return Vec::new();
    }
    let shown = columns::moment(model, from..to);
    let (sent, ended, failed) =
        (shown.sum(|second| second.offered - second.dropped), shown.sum(|second| second.ended), shown.sum(|second| second.failed));
    let seconds = to.saturating_sub(from).max(1);
    let figures = |name, begun, ended, errors, durations: &Samples| Figures {
        name,
        rate: number(begun) / number(seconds),
        errors: if ended == 0 { 0.0 } else { number(errors) / number(ended) },
        p95: durations.percentile(95.0),
    };
    let mut all = vec![figures("lab", sent, ended, failed, &shown.response())];
    all.extend(hops.into_iter().map(|(name, hop)| {
        let (errors, durations) = hop.between(from, to);
        figures(name, durations.count(), durations.count(), errors, &durations)
    }));
    all
}

/// Three digits at most.
pub(super) fn rate(rate: f64) -> String {
    if rate < 9.95 { format!("{rate:.1}") } else { format!("{rate:.0}") }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
fn number(count: u64) -> f64 {
    count as f64
}
