//! Who is in whose way: the one that holds a lock on top, those that want it below.

use lab_facts::model;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use super::Panel;
use super::rows::{self, Shown, age, short};
use crate::tui::ui::{Click, Ui};

/// Columns of the tree itself: a number of seven digits, two levels down.
const TREE: usize = 13;
/// From this width on there is room for the clients' names.
const NAMED: u16 = 75;

pub(super) fn pids(shown: &Shown<'_>) -> Vec<u32> {
    model::blocking(shown.sessions()).iter().map(|row| row.pid).collect()
}

/// One session a row; the chosen one in sight.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, shown: &Shown<'_>, ui: &mut Ui) {
    if area.height == 0 {
        return;
    }
    let tree = model::blocking(shown.sessions());
    if tree.is_empty() {
        let text = if shown.is_known() { "nobody waits for anybody's lock" } else { shown.why_nothing() };
        return rows::instead(buffer, area, text, &ui.palette);
    }
    let pids: Vec<u32> = tree.iter().map(|row| row.pid).collect();
    let chosen = rows::chosen(&pids, ui.database.pid);
    let first = (chosen + 1).saturating_sub(usize::from(area.height));
    ui.clicks.push((area, Click::Rows(ui.database.clickable.len())));
    for (y, (number, row)) in (area.y..area.bottom()).zip(tree.iter().enumerate().skip(first)) {
        ui.database.clickable.push((Panel::Blocking, row.pid));
        let palette = &ui.palette;
        let is_chosen = number == chosen && ui.database.panel == Panel::Blocking;
        let place = format!("{}{}", row.lead, row.pid);
        let mut spans = vec![
            Span::raw(if is_chosen { " ▸ " } else { "   " }),
            Span::styled(format!("{place:<TREE$}"), if row.depth == 0 { palette.warn } else { Style::new() }),
        ];
        match row.session {
            None => spans.push(Span::styled("  holds it, and is not among the sessions that are known", palette.dim)),
            Some(session) => {
                let (told, style) = if row.depth == 0 {
                    // What counts is for how long its locks are there, not what it was at last.
                    let open = session.transaction.unwrap_or(session.in_state);
                    (format!("{:<10} {}  {:>2} wait for it", short(session.state), age(open), row.waiting), palette.warn)
                } else {
                    (format!("{:<10} {}", "waits", age(session.in_state)), Style::new())
                };
                spans.push(Span::styled(format!("  {told}"), style));
                if area.width >= NAMED {
                    spans.push(Span::styled(format!("  {}", session.application), palette.dim));
                }
                spans
                    .push(Span::styled(format!("  {}", session.query), if session.trace_id.is_some() { palette.key } else { palette.dim }));
            }
        }
        let place = Rect { y, height: 1, ..area };
        Line::from(spans).render(place, buffer);
        if is_chosen {
            buffer.set_style(place, palette.chosen);
        }
    }
}
