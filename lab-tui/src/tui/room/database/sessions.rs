//! Every session: who it is, what it is at, and for how long.

use lab_facts::event::{Session, SessionState};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use super::Panel;
use super::rows::{self, Shown, age, short};
use crate::tui::ui::{Click, Ui};
use crate::tui::waits::Class;

/// From this width on there is room for the clients' names.
const NAMED: u16 = 90;

/// Who is in somebody's way, or waits, comes first; then who else is busy; then those that are idle. Within these by number, so that
/// rows stay where they are.
fn in_order<'m>(shown: &Shown<'m>) -> Vec<&'m Session> {
    let waiting = shown.waiting();
    let mut sessions: Vec<&Session> = shown.sessions().iter().collect();
    let rank = |session: &Session| match session {
        session if waiting.contains_key(&session.pid) && session.blocked_by.is_empty() => 0,
        session if !session.blocked_by.is_empty() => 1,
        session if session.state != SessionState::Idle => 2,
        _ => 3,
    };
    sessions.sort_by_key(|session| (rank(session), session.pid));
    sessions
}

pub(super) fn pids(shown: &Shown<'_>) -> Vec<u32> {
    in_order(shown).iter().map(|session| session.pid).collect()
}

/// A heading, and one session a row; the chosen one in sight.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, shown: &Shown<'_>, ui: &mut Ui) {
    let sessions = in_order(shown);
    if area.height == 0 {
        return;
    }
    if sessions.is_empty() {
        let text = if shown.is_known() && ui.cursor.is_some() {
            "no session was busy, or the database was not asked"
        } else {
            shown.why_nothing()
        };
        return rows::instead(buffer, area, text, &ui.palette);
    }
    let named = area.width >= NAMED;
    let application = |name: &str| if named { format!("  {:<14}", name.chars().take(14).collect::<String>()) } else { String::new() };
    let head = format!("   {:>7}{}  {:<10}  {:<17} {:>8}  query", "pid", application("client"), "state", "waits for", "for");
    Line::styled(head, ui.palette.dim).render(area, buffer);
    let list = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let waiting = shown.waiting();
    let chosen = rows::chosen(&sessions.iter().map(|session| session.pid).collect::<Vec<_>>(), ui.database.pid);
    let first = (chosen + 1).saturating_sub(usize::from(list.height));
    ui.clicks.push((list, Click::Rows(ui.database.clickable.len())));
    for (y, (number, session)) in (list.y..list.bottom()).zip(sessions.iter().enumerate().skip(first)) {
        ui.database.clickable.push((Panel::Sessions, session.pid));
        let is_chosen = number == chosen && ui.database.panel == Panel::Sessions;
        let palette = &ui.palette;
        let (waits, style) = match (waiting.get(&session.pid), &session.wait) {
            (Some(others), _) if session.blocked_by.is_empty() => (format!("{others} wait for it"), palette.warn),
            (_, Some(wait)) if session.state == SessionState::Idle => (wait.to_string(), palette.dim),
            (_, Some(wait)) => (wait.to_string(), Class::of(Some(wait)).style(palette)),
            (_, None) if session.state == SessionState::Idle => (String::new(), palette.dim),
            (_, None) => ("CPU/none".to_owned(), palette.used),
        };
        let quiet = if session.state == SessionState::Idle { palette.dim } else { ratatui::style::Style::new() };
        let line = Line::from(vec![
            Span::styled(format!(" {} {:>7}", if is_chosen { "▸" } else { " " }, session.pid), quiet),
            Span::styled(application(&session.application), palette.dim),
            Span::styled(format!("  {:<10}", short(session.state)), quiet),
            Span::styled(format!("  {:<17}", waits.chars().take(17).collect::<String>()), style),
            Span::styled(format!(" {}", age(session.in_state)), quiet),
            Span::styled(format!("  {}", session.query), if session.trace_id.is_some() { palette.key } else { palette.dim }),
        ]);
        let row = Rect { y, height: 1, ..area };
        line.render(row, buffer);
        if is_chosen {
            buffer.set_style(row, palette.chosen);
        }
    }
}
