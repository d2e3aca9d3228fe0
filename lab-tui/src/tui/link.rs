//! Trace IDs that can be clicked.

use std::num::NonZeroU16;

use lab_instrument::report::TraceLink;
use ratatui::buffer::{Buffer, CellDiffOption};
use ratatui::layout::Rect;

/// Makes a row of cells a link to a trace. Each cell carries the whole sequence, so that drawing any part of the row again keeps it.
pub(super) fn apply(link: &TraceLink, buffer: &mut Buffer, cells: Rect, trace_id: &str) {
    let url = link.of(trace_id);
    for x in cells.left()..cells.right() {
        let Some(cell) = buffer.cell_mut((x, cells.y)) else { continue };
        let text = cell.symbol().to_owned();
        cell.set_symbol(&format!("\x1b]8;id={trace_id};{url}\x1b\\{text}\x1b]8;;\x1b\\"));
        cell.diff_option = CellDiffOption::ForcedWidth(NonZeroU16::MIN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_of_a_link_carries_it_whole() {
        let mut buffer = Buffer::with_lines(["xabcx"]);
        let link = TraceLink::template("http://t/{trace_id}").unwrap();
        apply(&link, &mut buffer, Rect::new(1, 0, 3, 1), "abc");
        assert_eq!(buffer[(2, 0)].symbol(), "\x1b]8;id=abc;http://t/abc\x1b\\b\x1b]8;;\x1b\\");
        assert_eq!((buffer[(0, 0)].symbol(), buffer[(4, 0)].symbol()), ("x", "x"));
    }
}
