//! The pool and what the sessions of the database do.

mod blocking;
mod demand;
mod figures;
mod pool;
mod rows;
mod sessions;
mod statements;

use crossterm::event::KeyCode;
use lab_facts::event::TraceId;
use lab_facts::model::Model;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;
use rows::Shown;

use crate::tui::plot;
use crate::tui::ui::{Click, Ui};
use crate::tui::waits;

/// From this size on, everything is shown at once.
const WIDE: (u16, u16) = (110, 26);

/// The keys that count here.
pub(in crate::tui) const KEYS: &[(&str, &str)] =
    &[("←→", "moment"), ("p", "peak"), ("Tab", "list"), ("↑↓", "pick"), ("Enter", "trace"), ("Esc", "now"), ("?", "help"), ("q", "quit")];

/// What can be chosen from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::tui) enum Panel {
    /// Every session.
    #[default]
    Sessions,
    /// Those that are in each other's way.
    Blocking,
    /// What took the most time.
    Statements,
}

impl Panel {
    const ALL: [Self; 3] = [Self::Sessions, Self::Blocking, Self::Statements];

    fn name(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Blocking => "blocking",
            Self::Statements => "statements",
        }
    }

    fn turned(self, by: usize) -> Self {
        let place = Self::ALL.iter().position(|panel| *panel == self).unwrap_or_default();
        Self::ALL[(place + by) % Self::ALL.len()]
    }
}

/// What the viewer has chosen here.
#[derive(Debug, Default)]
pub struct State {
    panel: Panel,
    /// The session that is chosen: by its process, because rows come and go.
    pid: Option<u32>,
    /// The row of the statement that is chosen.
    statement: usize,
    /// Set by drawing: which session each row of a click is.
    clickable: Vec<(Panel, u32)>,
}

/// Draws the room.
pub(in crate::tui) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, ui: &mut Ui) {
    ui.database.clickable.clear();
    let is_wide = area.width >= WIDE.0 && area.height >= WIDE.1;
    // What is in sight decides what the cursor reads, in lists as well.
    ui.time_axis(plots(area, is_wide).width - plot::GUTTER - 1, model);
    let shown = Shown::of(model, ui.moment());
    if is_wide {
        wide(buffer, area, model, &shown, ui);
    } else {
        narrow(buffer, area, model, &shown, ui);
    }
}

/// How many columns the lists beside the plots have.
fn side(area: Rect) -> u16 {
    (area.width * 2 / 5).clamp(46, 90)
}

/// Where the plots are.
fn plots(area: Rect, is_wide: bool) -> Rect {
    if is_wide {
        Rect { width: area.width - side(area) - 1, height: area.height * 11 / 20, ..area }
    } else {
        Rect { height: (area.height / 2).max(9), ..area }
    }
}

/// Plots, figures and below them one of the panels.
fn narrow(buffer: &mut Buffer, area: Rect, model: &Model, shown: &Shown<'_>, ui: &mut Ui) {
    let plots = plots(area, false);
    let [_, figures, panel] = cut(area, [plots.height, 1, area.height - plots.height - 1]);
    draw_plots(buffer, plots, model, ui);
    figures::line(buffer, figures, model, ui);
    let [tabs, list] = cut(panel, [1, panel.height - 1]);
    let mut spans = vec![Span::raw(" ")];
    for (number, panel) in Panel::ALL.into_iter().enumerate() {
        if number > 0 {
            spans.push(Span::styled(" │ ", ui.palette.dim));
        }
        let style = if panel == ui.database.panel { ui.palette.title.patch(ui.palette.chosen) } else { ui.palette.dim };
        spans.push(Span::styled(panel_name(panel, &format!("{:>2} busy", shown.busy()), shown), style));
    }
    spans.push(Span::styled(format!("   {}", shown.when()), if shown.is_stale() { ui.palette.warn } else { ui.palette.dim }));
    Line::from(spans).render(tabs, buffer);
    match ui.database.panel {
        Panel::Sessions => sessions::draw(buffer, list, shown, ui),
        Panel::Blocking => blocking::draw(buffer, list, shown, ui),
        Panel::Statements => statements::draw(buffer, list, shown, ui),
    }
}

/// Plots and figures above, sessions and who blocks whom beside each other below.
fn wide(buffer: &mut Buffer, area: Rect, model: &Model, shown: &Shown<'_>, ui: &mut Ui) {
    let (plots, side) = (plots(area, true), side(area));
    let [above, below] = cut(area, [plots.height, area.height - plots.height]);
    draw_plots(buffer, plots, model, ui);
    rule(buffer, Rect { x: plots.right(), width: 1, ..above }, ui);
    let right = Rect { x: plots.right() + 1, width: side, ..above };
    let locks = shown.locks();
    let locks_height = u16::try_from(locks.len()).unwrap_or(u16::MAX).clamp(1, (right.height / 4).max(1)) + 1;
    let [head, figures, locks, statements] = cut(right, [1, figures::ROWS, locks_height, right.height]);
    title(buffer, head, "activity", &shown.when(), shown.is_stale(), ui);
    figures::list(buffer, figures, model, ui);
    statements::locks(buffer, locks, shown, ui);
    panel(buffer, statements, Panel::Statements, shown, ui);
    let half = below.width / 2;
    panel(buffer, Rect { width: half, ..below }, Panel::Sessions, shown, ui);
    rule(buffer, Rect { x: below.x + half, width: 1, ..below }, ui);
    panel(buffer, Rect { x: below.x + half + 1, width: below.width - half - 1, ..below }, Panel::Blocking, shown, ui);
}

/// A list with its name above it, which stands out where keys go there.
fn panel(buffer: &mut Buffer, area: Rect, panel: Panel, shown: &Shown<'_>, ui: &mut Ui) {
    let [head, list] = cut(area, [1.min(area.height), area.height.saturating_sub(1)]);
    let style = if panel == ui.database.panel { ui.palette.title.patch(ui.palette.chosen) } else { ui.palette.title };
    Line::from(vec![Span::raw(" "), Span::styled(panel_name(panel, &shown.counts(), shown), style)]).render(head, buffer);
    match panel {
        Panel::Sessions => sessions::draw(buffer, list, shown, ui),
        Panel::Blocking => blocking::draw(buffer, list, shown, ui),
        Panel::Statements => statements::draw(buffer, list, shown, ui),
    }
}

fn panel_name(panel: Panel, sessions: &str, shown: &Shown<'_>) -> String {
    match panel {
        Panel::Sessions => format!("{} {sessions}", panel.name()),
        Panel::Blocking => format!("{} {:>2} wait", panel.name(), shown.blocked()),
        Panel::Statements => panel.name().to_owned(),
    }
}

fn title(buffer: &mut Buffer, area: Rect, name: &str, more: &str, is_warning: bool, ui: &Ui) {
    let style = if is_warning { ui.palette.warn } else { ui.palette.dim };
    Line::from(vec![Span::styled(format!(" {name}"), ui.palette.title), Span::styled(format!("   {more}"), style)]).render(area, buffer);
}

/// The pool and the sessions' history, on one time axis.
fn draw_plots(buffer: &mut Buffer, area: Rect, model: &Model, ui: &mut Ui) {
    // The last column stays free, for a text that ends there would touch its neighbour.
    let area = Rect { width: area.width - 1, ..area };
    let axis = ui.time_axis(plot::graph(area).width, model);
    ui.clicks.push((plot::graph(area), Click::Time(axis)));
    let told = pool::HEIGHT;
    let pool_height = (area.height.saturating_sub(told + 1) * 2 / 5).max(3);
    let history_height = area.height.saturating_sub(pool_height + told + 1);
    let [pool_area, told, history, time] = cut(area, [pool_height, told, history_height, 1]);
    crate::tui::pool::draw(buffer, pool_area, axis, model, ui.cursor, &ui.palette);
    pool::draw(buffer, told, model, ui);
    waits::draw(buffer, history, axis, model, ui.cursor, &ui.palette);
    plot::time_axis(buffer, time, axis, model, ui.cursor, &ui.palette);
}

/// One below the other, as far as there is room.
fn cut<const N: usize>(area: Rect, heights: [u16; N]) -> [Rect; N] {
    let mut y = area.y;
    heights.map(|height| {
        let part = Rect { y, height: height.min(area.bottom().saturating_sub(y)), ..area };
        y = part.bottom();
        part
    })
}

fn rule(buffer: &mut Buffer, area: Rect, ui: &Ui) {
    for y in area.y..area.bottom() {
        buffer.set_string(area.x, y, "│", ui.palette.idle);
    }
}

/// Takes in a key.
pub(in crate::tui) fn on_key(ui: &mut Ui, code: KeyCode, model: &Model) {
    match code {
        KeyCode::Tab => ui.database.panel = ui.database.panel.turned(1),
        KeyCode::BackTab => ui.database.panel = ui.database.panel.turned(Panel::ALL.len() - 1),
        KeyCode::Up | KeyCode::Char('k') => step(ui, model, |row| row.saturating_sub(1)),
        KeyCode::Down | KeyCode::Char('j') => step(ui, model, |row| row.saturating_add(1)),
        KeyCode::PageUp => step(ui, model, |row| row.saturating_sub(10)),
        KeyCode::PageDown => step(ui, model, |row| row.saturating_add(10)),
        KeyCode::Enter => open(ui, model),
        code => {
            ui.on_key_of_time(code, model);
        }
    }
}

/// Chooses another row of the panel.
fn step(ui: &mut Ui, model: &Model, next: impl Fn(usize) -> usize) {
    let shown = Shown::of(model, ui.moment());
    let pids = match ui.database.panel {
        Panel::Sessions => sessions::pids(&shown),
        Panel::Blocking => blocking::pids(&shown),
        Panel::Statements => {
            let last = shown.statements().unwrap_or_default().len().saturating_sub(1);
            ui.database.statement = next(ui.database.statement.min(last)).min(last);
            return;
        }
    };
    let row = rows::chosen(&pids, ui.database.pid);
    ui.database.pid = pids.get(next(row).min(pids.len().saturating_sub(1))).copied();
}

/// Opens the trace of the session that is chosen, or says why there is none.
fn open(ui: &mut Ui, model: &Model) {
    if ui.database.panel == Panel::Statements {
        ui.note = Some("a statement stands for many traces; those of a session are one Tab away".to_owned());
        return;
    }
    let shown = Shown::of(model, ui.moment());
    let Some(session) = shown.session(chosen_pid(ui, &shown)) else { return };
    match session.trace_id {
        Some(id) => ui.open_trace(id, format!("session {} of {}", session.pid, session.application)),
        None => {
            ui.note =
                Some(format!("the statement of {} names no trace: with a sqlcommenter it would carry a traceparent comment", session.pid));
        }
    }
}

fn chosen_pid(ui: &Ui, shown: &Shown<'_>) -> Option<u32> {
    let pids = if ui.database.panel == Panel::Blocking { blocking::pids(shown) } else { sessions::pids(shown) };
    pids.get(rows::chosen(&pids, ui.database.pid)).copied()
}

/// The trace of the session that is chosen.
pub(in crate::tui) fn chosen_trace(ui: &Ui, model: &Model) -> Option<TraceId> {
    let shown = Shown::of(model, ui.moment());
    shown.session(chosen_pid(ui, &shown))?.trace_id
}

/// Chooses what was clicked; whether it was chosen already.
pub(in crate::tui) fn choose(ui: &mut Ui, row: usize, model: &Model) -> bool {
    let Some((panel, pid)) = ui.database.clickable.get(row).copied() else { return false };
    let before = (ui.database.panel, chosen_pid(ui, &Shown::of(model, ui.moment())));
    (ui.database.panel, ui.database.pid) = (panel, Some(pid));
    before == (panel, Some(pid))
}
