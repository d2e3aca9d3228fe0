//! The scenario's phases, in a row of their own above the time.

use lab_facts::model::Model;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::palette::Palette;
use super::plot::{self, TimeAxis};

/// `├calm────┤├rush─────────┤`, those that are still to come as well.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, axis: TimeAxis, model: &Model, cursor: Option<u64>, palette: &Palette) {
    plot::label(buffer, area, 0, "phase", palette);
    let graph = plot::graph(area);
    for phase in &model.plan().phases {
        let (begin, end) = (phase.at.as_secs(), phase.end().as_secs_f64().ceil());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a week of seconds at most")]
        let columns = axis.columns_of(begin..(end as u64).max(begin + 1));
        let Some(width) = columns.len().checked_sub(1) else { continue };
        let band = if width > 0 { format!("├{}┤", "─".repeat(width - 1)) } else { "│".to_owned() };
        let room = usize::from(graph.width.saturating_sub(columns.start));
        buffer.set_stringn(graph.x + columns.start, graph.y, band, room, palette.dim);
        let name: String = phase.name.chars().take(width.saturating_sub(1)).collect();
        buffer.set_stringn(graph.x + columns.start + 1, graph.y, name, room.saturating_sub(1), Style::new());
    }
    if let Some(second) = cursor {
        plot::under(buffer, graph, axis.columns_of(axis.around(second)), palette.cursor);
    }
}
