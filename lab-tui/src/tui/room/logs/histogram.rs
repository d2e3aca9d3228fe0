//! Lines of each second, or column of seconds, by level, on the time axis that all rooms share.

use std::ops::Range;

use lab_facts::model::Model;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use super::shown::{Counts, Shown};
use crate::tui::plot::{self, TimeAxis};
use crate::tui::ui::Ui;
use crate::tui::{latency, stacked};

/// Draws title, bars and axis. `whole_from` is the first second all of whose lines are kept.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, axis: TimeAxis, shown: &Shown, whole_from: u64, model: &Model, ui: &Ui) {
    let palette = &ui.palette;
    let names = [("errors", palette.bad), ("warnings", palette.warn), ("others", palette.dim)];
    legend(&names, shown, model, ui).render(Rect { height: 1, ..area }, buffer);
    let bars = Rect { y: area.y + 1, height: area.height.saturating_sub(2), ..area };
    let graph = plot::graph(bars);
    if model.began_unix_nano().is_none() {
        let text = if ui.replay.is_some() { "the recording does not tell when its run began" } else { "awaiting the start of the run" };
        plot::awaited(buffer, graph, text, palette);
        return;
    }
    let known = model.now().as_secs() + 1;
    let columns: Vec<(u64, Counts)> = (0..axis.columns)
        .map(|column| axis.seconds_of(column))
        .filter(|seconds| seconds.start < known)
        .map(|seconds| (seconds.start, sum(shown, seconds)))
        .collect();
    let most = columns.iter().map(|(_, counts)| counts.iter().sum()).max().unwrap_or_default();
    let top = round_up(most);
    plot::label(buffer, bars, 0, &if axis.scale.step() > 1 { top.to_string() } else { format!("{top}/s") }, palette);
    plot::label(buffer, bars, bars.height.saturating_sub(1), "0", palette);
    plot::marks(buffer, graph, axis, model, ui.cursor, palette);
    // Without colours the parts differ in their patterns.
    let patterns = if palette.bad.fg.is_some() { ["█"; 3] } else { ["█", "▒", "░"] };
    for (x, (first, counts)) in (graph.left()..graph.right()).zip(columns) {
        let column = Rect { x, width: 1, ..graph };
        let base = if first < whole_from { "·" } else { "▁" };
        buffer.set_string(column.x, column.bottom() - 1, base, palette.idle);
        let part = |class: usize| (counts[class], names[class].1, patterns[class]);
        stacked::column(buffer, column, top, &[0, 1, 2].map(part));
    }
    latency::name_bands(buffer, Rect { height: 1, ..graph }, axis, model, palette);
    plot::time_axis(buffer, Rect { y: bars.bottom(), height: 1, ..area }, axis, model, ui.cursor, palette);
}

/// Reads the seconds under the cursor, else the last whole one.
fn legend(names: &[(&str, Style); 3], shown: &Shown, model: &Model, ui: &Ui) -> Line<'static> {
    let last = model.now().as_secs().saturating_sub(1);
    let seconds = ui.moment().unwrap_or(last..last + 1);
    let title = if seconds.end - seconds.start > 1 { format!(" lines {}", plot::span(&seconds)) } else { " lines a second".to_owned() };
    let counts = sum(shown, seconds);
    let mut spans = vec![Span::styled(title, ui.palette.title)];
    for ((name, style), count) in names.iter().zip(counts) {
        spans.push(Span::styled(format!("   {name} "), *style));
        spans.push(Span::raw(format!("{count:<4}")));
    }
    Line::from(spans)
}

/// The lines of some seconds.
fn sum(shown: &Shown, seconds: Range<u64>) -> Counts {
    let each = shown.seconds.range(seconds).map(|(_, counts)| *counts);
    each.fold(Counts::default(), |sum, counts| [0, 1, 2].map(|class| sum[class] + counts[class]))
}

/// To 1, 2 or 5 times a power of ten, from 5 on.
fn round_up(most: u32) -> u32 {
    let powers = std::iter::successors(Some(1_u32), |power| power.checked_mul(10));
    let mut steps = powers.flat_map(|power| [1, 2, 5].into_iter().filter_map(move |step| power.checked_mul(step)));
    steps.find(|step| *step >= most.max(5)).unwrap_or(most)
}

#[cfg(test)]
mod tests {
    use super::round_up;

    #[test]
    fn the_top_is_round() {
        assert_eq!([0, 5, 6, 11, 21, 51, 120, 999].map(round_up), [5, 5, 10, 20, 50, 100, 200, 1000]);
        assert_eq!(round_up(u32::MAX), u32::MAX);
    }
}
