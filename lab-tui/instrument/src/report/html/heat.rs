//! How many requests took how long, over time: the whole distribution, where percentiles are three points of it.

use maud::{Markup, html};

use super::axis::{HEIGHT, Scale, place};
use super::columns::{Column, Columns};
use super::panel::{Frame, Panel};
use crate::report::shades::Shades;

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
    let key = Shades::new(most, SHADES);
    let mut paths = vec![String::new(); SHADES as usize];
    for (group, counts) in groups.iter().zip(&counts) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let (left, right) = (frame.span.x(first.from), frame.span.x(last.to));
        for (stripe, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let (top, bottom) = (scale.y(bounds[stripe + 1]), scale.y(bounds[stripe]));
            paths[key.of(*count)] += &format!("M{} {}H{}V{}H{}z", place(left), place(bottom), place(right), place(top), place(left));
        }
    }
    let panel = Panel {
        title: "Response times of all requests",
        says: format!("Heat map of response times over time, on the logarithm of the plot above; the fullest cell has {most} requests."),
        keys: Vec::new(),
        scale,
        class: "high",
        picture: html! { g.heat { @for (shade, path) in paths.iter().enumerate() { @if !path.is_empty() { path.{ "shade-" (shade) } d=(path) {} } } } },
    };
    html! { (panel.draw(frame)) (told(key)) }
}

/// Requests by stripe of response time, lowest first.
fn counts(group: &[Column], bounds: &[f64]) -> Vec<u64> {
    let mut counts = vec![0; bounds.len() - 1];
    for column in group {
        counts.iter_mut().zip(column.response.counts(bounds)).for_each(|(sum, count)| *sum += count);
    }
    counts
}

/// What the shades stand for; those that stand for nothing are left out.
fn told(key: Shades) -> Markup {
    html! {
        p.shades {
            "requests in a cell: "
            @for (shade, text) in key.key() {
                span.key { svg viewBox="0 0 14 10" width="14" height="10" aria-hidden="true" { path.{ "shade-" (shade) } d={ "M0 0H14V" (HEIGHT) "H0z" } {} } (text) }
            }
        }
    }
}
