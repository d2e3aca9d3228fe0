//! How many requests took how long, over time: the whole distribution, where percentiles are three points of it.

use maud::{Markup, html};

use super::axis::{HEIGHT, Scale, place};
use super::columns::{Column, Columns};
use super::panel::{Frame, Panel};

/// Cells from left to right, at most.
const ACROSS: usize = 120;
/// Cells from bottom to top.
const UP: u32 = 24;
/// How many shades there are.
const SHADES: u32 = 6;

/// The plot, on the scale of the percentiles above it.
pub(super) fn heat(columns: &Columns, frame: &Frame, scale: &Scale) -> Markup {
    let bounds = scale.stripes(UP);
    let groups: Vec<&[Column]> = columns.list.chunks(columns.list.len().div_ceil(ACROSS).max(1)).collect();
    let counts: Vec<Vec<u64>> = groups.iter().map(|group| counts(group, &bounds)).collect();
    let most = counts.iter().flatten().copied().max().unwrap_or_default().max(1);
    let mut shades = vec![String::new(); SHADES as usize];
    for (group, counts) in groups.iter().zip(&counts) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let (left, right) = (frame.span.x(first.from), frame.span.x(last.to));
        for (stripe, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let (top, bottom) = (scale.y(bounds[stripe + 1]), scale.y(bounds[stripe]));
            shades[shade(*count, most)] += &format!("M{} {}H{}V{}H{}z", place(left), place(bottom), place(right), place(top), place(left));
        }
    }
    let panel = Panel {
        title: "Response times of all requests",
        says: format!("Heat map of response times over time, on the logarithm of the plot above; the fullest cell has {most} requests."),
        keys: Vec::new(),
        scale,
        class: "high",
        picture: html! { g.heat { @for (shade, path) in shades.iter().enumerate() { @if !path.is_empty() { path.{ "shade-" (shade) } d=(path) {} } } } },
    };
    html! { (panel.draw(frame)) (key(most)) }
}

/// Requests by stripe of response time, lowest first.
fn counts(group: &[Column], bounds: &[f64]) -> Vec<u64> {
    let mut counts = vec![0; bounds.len() - 1];
    for (micros, count) in group.iter().flat_map(|column| column.response.pairs()) {
        let above = bounds.partition_point(|bound| *bound <= f64::from(*micros) / 1000.0);
        let stripe = above.saturating_sub(1).min(counts.len() - 1);
        counts[stripe] += u64::from(*count);
    }
    counts
}

/// By the logarithm, so that a single slow request is seen beside a thousand fast ones.
fn shade(count: u64, most: u64) -> usize {
    let shade = (1..SHADES).find(|shade| count <= upper(*shade, most)).unwrap_or(SHADES);
    (shade - 1) as usize
}

/// The most requests that a shade, counted from 1, stands for.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts stay far below 2^52")]
fn upper(shade: u32, most: u64) -> u64 {
    (most as f64).powf(f64::from(shade) / f64::from(SHADES)).round() as u64
}

/// What the shades stand for; those that stand for nothing are left out.
fn key(most: u64) -> Markup {
    let mut from = 1;
    let mut entries = Vec::new();
    for shade in 1..=SHADES {
        let to = if shade == SHADES { most } else { upper(shade, most) };
        if to >= from {
            entries.push((shade - 1, if from == to { from.to_string() } else { format!("{from}–{to}") }));
            from = to + 1;
        }
    }
    html! {
        p.shades {
            "requests in a cell: "
            @for (shade, text) in entries {
                span.key { svg viewBox="0 0 14 10" width="14" height="10" aria-hidden="true" { path.{ "shade-" (shade) } d={ "M0 0H14V" (HEIGHT) "H0z" } {} } (text) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_requests_are_seen_beside_many() {
        assert_eq!([1, 3, 10, 31, 32, 100, 101, 317, 1000].map(|count| shade(count, 1000)), [0, 0, 1, 2, 2, 3, 4, 5, 5]);
        assert_eq!(shade(1, 1), 0);
        let text = key(1000).into_string();
        let shown: Vec<&str> = text.split("</svg>").skip(1).map(|part| part.split('<').next().unwrap()).collect();
        assert_eq!(shown, ["1–3", "4–10", "11–32", "33–100", "101–316", "317–1000"]);
    }
}
