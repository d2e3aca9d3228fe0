//! Columns of parts on top of each other.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::plot;

/// One column of parts on top of each other, in eighths of a cell.
pub(super) fn column(buffer: &mut Buffer, area: Rect, top: u32, parts: &[(u32, Style, &'static str)]) {
    let eighths = f64::from(area.height) * 8.0;
    let mut edges = Vec::new();
    let mut sum = 0;
    for (count, style, pattern) in parts.iter().filter(|(count, ..)| *count > 0) {
        sum += count;
        edges.push((f64::from(sum) / f64::from(top) * eighths, *style, *pattern));
    }
    for row in 0..area.height {
        let bottom = f64::from(area.height - 1 - row) * 8.0;
        let Some(position) = edges.iter().position(|(edge, ..)| *edge > bottom + 0.01) else { continue };
        let (edge, style, pattern) = edges[position];
        let share = ((edge - bottom) / 8.0).min(1.0);
        // Where the next part begins within the cell it is the background, if there are colours to tell the two apart.
        let above = edges.get(position + 1).filter(|_| share < 1.0).and_then(|(_, style, _)| style.fg);
        let style = above.map_or(style, |above| style.bg(above));
        buffer.set_string(area.x, area.y + row, if share < 1.0 { plot::eighths(share) } else { pattern }, style);
    }
}
