//! Lines whose messages are alike, as one row each.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use super::State;
use super::draw::Columns;
use super::shown::Group;
use crate::tui::ui::{Click, Ui};

/// Below this width a row tells less.
const WIDE: u16 = 80;

/// A row of what stands in the columns, then one group a row, the chosen one in sight.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, state: &mut State, began: Option<u64>, ui: &mut Ui) {
    if area.height < 2 {
        return;
    }
    let columns = Columns::new(state, area.width, began);
    let clock = columns.clock(0).chars().count();
    let level = if columns.is_roomy { 8 } else { 5 };
    let width = columns.service;
    let is_wide = area.width >= WIDE;
    let first = if is_wide { format!("{:>clock$} ", "first") } else { String::new() };
    let services = if is_wide { format!("{:<width$} ", "services") } else { String::new() };
    let head = format!(" {:<level$} {:>6} {first}{:>clock$} {services}message", "level", "count", "last");
    buffer.set_stringn(area.x, area.y, head, usize::from(area.width), ui.palette.dim);
    let list = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let height = usize::from(list.height);
    let chosen = state.row().unwrap_or_default();
    let top = (chosen + 1).saturating_sub(height);
    state.height = height;
    for (y, (row, group)) in (list.y..list.bottom()).zip(state.shown.groups.iter().enumerate().skip(top)) {
        let Group { key: (group_level, pattern), services, count, first, last, example: _ } = group;
        let mut spans = vec![
            Span::raw(if row == chosen { "▸" } else { " " }),
            columns.level(*group_level, &ui.palette),
            Span::styled(format!(" {count:>6} "), ui.palette.title),
        ];
        if is_wide {
            spans.push(Span::styled(format!("{} ", columns.clock(*first)), ui.palette.dim));
        }
        spans.push(Span::styled(format!("{} ", columns.clock(*last)), ui.palette.dim));
        if is_wide {
            let mut names = services.iter().map(|service| &**service).collect::<Vec<_>>().join(", ");
            if names.chars().count() > width {
                names = format!("{} services", services.len());
            }
            spans.push(Span::styled(format!("{} ", columns.service(&names)), Style::new()));
        }
        spans.push(Span::raw(pattern.trim_end().replace('\n', "⏎")));
        let place = Rect { y, height: 1, ..list };
        Line::from(spans).render(Rect { width: place.width.saturating_sub(1), ..place }, buffer);
        if row == chosen {
            buffer.set_style(place, ui.palette.chosen);
        }
    }
    ui.clicks.push((list, Click::Rows(top)));
}
