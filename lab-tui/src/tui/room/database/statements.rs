//! What took the most time, and locks by mode.

use lab_facts::format;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use super::Panel;
use super::rows::{self, Shown};
use crate::tui::ui::Ui;

/// A heading, and one statement a row.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, shown: &Shown<'_>, ui: &Ui) {
    if area.height == 0 {
        return;
    }
    let palette = &ui.palette;
    let Some(statements) = shown.statements() else {
        let text = if shown.is_known() { "pg_stat_statements is not there, so nothing counts statements" } else { shown.why_nothing() };
        return rows::instead(buffer, area, text, palette);
    };
    if statements.is_empty() {
        return rows::instead(buffer, area, "no statement has run since the lab began", palette);
    }
    let head = format!("   {:>8}  {:>7}  {:>8}  statement, since the lab began", "total", "calls", "mean");
    Line::styled(head, palette.dim).render(area, buffer);
    let list = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let chosen = ui.database.statement.min(statements.len() - 1);
    let first = (chosen + 1).saturating_sub(usize::from(list.height));
    for (y, (number, one)) in (list.y..list.bottom()).zip(statements.iter().enumerate().skip(first)) {
        let is_chosen = number == chosen && ui.database.panel == Panel::Statements;
        let total = format::milliseconds(Some(one.total.as_secs_f64() * 1000.0));
        let line = Line::from(vec![
            Span::raw(format!(" {} {total:>8}", if is_chosen { "▸" } else { " " })),
            Span::raw(format!("  {:>7}  {:>8}", one.calls, format::milliseconds(one.mean_ms()))),
            Span::styled(format!("  {}", one.query), palette.dim),
        ]);
        let row = Rect { y, height: 1, ..area };
        line.render(row, buffer);
        if is_chosen {
            buffer.set_style(row, palette.chosen);
        }
    }
}

/// Locks by mode, those that are waited for first.
pub(super) fn locks(buffer: &mut Buffer, area: Rect, shown: &Shown<'_>, ui: &Ui) {
    if area.height == 0 {
        return;
    }
    let palette = &ui.palette;
    let now = if ui.cursor.is_some() { "locks now" } else { "locks" };
    let head =
        vec![Span::styled(format!(" {now:<26}"), palette.title), Span::styled(format!("{:>8}  {:>8}", "granted", "waiting"), palette.dim)];
    Line::from(head).render(area, buffer);
    let mut locks: Vec<_> = shown.locks().iter().collect();
    locks.sort_by(|one, other| other.waiting.cmp(&one.waiting).then_with(|| one.mode.cmp(&other.mode)));
    let list = Rect { y: area.y + 1, height: area.height - 1, ..area };
    if locks.is_empty() {
        let text = if shown.is_known() { "no session holds a lock" } else { shown.why_nothing() };
        return rows::instead(buffer, list, text, palette);
    }
    for (y, lock) in (list.y..list.bottom()).zip(locks) {
        let style = if lock.waiting > 0 { palette.warn } else { Style::new() };
        let mode = lock.mode.trim_end_matches("Lock");
        let line = Line::from(vec![
            Span::styled(format!("   {mode:<24}"), palette.dim),
            Span::raw(format!("{:>8}", lock.granted)),
            Span::styled(format!("  {:>8}", lock.waiting), style),
        ]);
        line.render(Rect { y, height: 1, ..area }, buffer);
    }
}
