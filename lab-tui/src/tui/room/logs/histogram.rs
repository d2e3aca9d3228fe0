//! Lines of each second by level, on the time axis that all rooms share.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use super::shown::{Counts, Shown};
use crate::model::Model;
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
    let most = shown.seconds.range(axis.first..axis.end()).map(|(_, counts)| counts.iter().sum()).max().unwrap_or_default();
    let top = round_up(most);
    plot::label(buffer, bars, 0, &format!("{top}/s"), palette);
    plot::label(buffer, bars, bars.height.saturating_sub(1), "0", palette);
    plot::marks(buffer, graph, axis, model, ui.cursor, palette);
    // Without colours the parts differ in their patterns.
    let patterns = if palette.bad.fg.is_some() { ["█"; 3] } else { ["█", "▒", "░"] };
    for second in axis.first..axis.end().min(model.now().as_secs() + 1) {
        let Some(column) = axis.column(second) else { continue };
        let column = Rect { x: graph.x + column, width: 1, ..graph };
        let counts = shown.seconds.get(&second).copied().unwrap_or_default();
        let base = if second < whole_from { "·" } else { "▁" };
        buffer.set_string(column.x, column.bottom() - 1, base, palette.idle);
        let part = |class: usize| (counts[class], names[class].1, patterns[class]);
        stacked::column(buffer, column, top, &[0, 1, 2].map(part));
    }
    latency::name_bands(buffer, Rect { height: 1, ..graph }, axis, model, palette);
    plot::time_axis(buffer, Rect { y: bars.bottom(), height: 1, ..area }, axis, ui.cursor, palette);
}

/// Reads the second under the cursor, else the last whole one.
fn legend(names: &[(&str, Style); 3], shown: &Shown, model: &Model, ui: &Ui) -> Line<'static> {
    let second = ui.cursor.unwrap_or(model.now().as_secs().saturating_sub(1));
    let counts: Counts = shown.seconds.get(&second).copied().unwrap_or_default();
    let mut spans = vec![Span::styled(" lines a second", ui.palette.title)];
    for ((name, style), count) in names.iter().zip(counts) {
        spans.push(Span::styled(format!("   {name} "), *style));
        spans.push(Span::raw(format!("{count:<4}")));
    }
    Line::from(spans)
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
