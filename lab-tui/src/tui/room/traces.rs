//! A search through the traces, in the words of `lab traces`.

mod line;
mod list;

use crossterm::event::KeyCode;
use lab_facts::event::TraceId;
use lab_facts::format;
use lab_facts::model::Model;
use lab_facts::query::Query;
use lab_instrument::observe::found::FoundTrace;
use line::Line;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::ask::Question;
use crate::tui::ui::Ui;
pub(in crate::tui::room) use list::{Columns, root};

/// How far a page key goes.
const PAGE: usize = 10;

/// Which of the found traces are listed, and in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Order {
    /// By their start, the latest first.
    #[default]
    Newest,
    /// By their duration, the longest first.
    Slowest,
    /// Those with a span that failed, the latest first.
    Failed,
}

impl Order {
    const ALL: [Self; 3] = [Self::Newest, Self::Slowest, Self::Failed];

    fn name(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Slowest => "slowest",
            Self::Failed => "failed",
        }
    }

    fn turned(self, by: usize) -> Self {
        let here = Self::ALL.iter().position(|order| *order == self).unwrap_or_default();
        Self::ALL[(here + by) % Self::ALL.len()]
    }
}

/// What the viewer has chosen here.
#[derive(Debug, Default)]
pub struct State {
    line: Line,
    /// What is looked for; anything, until something is written.
    query: Option<Query>,
    order: Order,
    /// What the store found last, the latest first; nothing before its first answer.
    found: Option<Vec<(TraceId, FoundTrace)>>,
    /// Whether that is what is looked for now.
    is_answered: bool,
    /// Why the last search found nothing out.
    failed: Option<String>,
    /// Those that are listed, in order, by their places among those that were found.
    rows: Vec<usize>,
    /// The first row, which is another one with every answer, until one is chosen.
    chosen: Option<TraceId>,
    /// Where that is, or was when it was there last.
    row: usize,
    /// Set by drawing: the first row in sight.
    first: usize,
}

/// Draws the room.
pub(in crate::tui) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, ui: &mut Ui) {
    let line = Rect { height: area.height.min(1), ..area };
    let below = Rect { y: area.y + line.height, height: area.height - line.height, ..area };
    list::draw(buffer, below, model, ui);
    // Above the list: what can be chosen while a query is written lies over it.
    ui.traces.line.draw(buffer, line, below, &ui.palette);
}

/// The keys that count here.
pub(in crate::tui) fn keys(ui: &Ui) -> &'static [(&'static str, &'static str)] {
    if ui.traces.line.is_written() {
        return &[("Enter", "search"), ("↑↓", "ready-made queries"), ("Esc", "leave")];
    }
    &[("/", "search"), ("↑↓", "pick"), ("Enter", "open"), ("Tab", "list"), ("o", "browser"), ("y", "copy ID"), ("?", "help"), ("q", "quit")]
}

/// Takes in a key.
pub(in crate::tui) fn on_key(ui: &mut Ui, code: KeyCode) {
    let state = &mut ui.traces;
    match code {
        KeyCode::Char('/') => state.line.begin(),
        KeyCode::Tab => state.turn(1),
        KeyCode::BackTab => state.turn(Order::ALL.len() - 1),
        KeyCode::Esc => state.forget_row(),
        KeyCode::Enter => open(ui),
        code => {
            if let Some(next) = stepped(code) {
                state.choose_row(next(state.row));
            }
        }
    }
}

/// The row that a key of movement leads to from another; a place beyond the last means the last.
pub(in crate::tui) fn stepped(code: KeyCode) -> Option<fn(usize) -> usize> {
    Some(match code {
        KeyCode::Up | KeyCode::Char('k') => |row| row.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => |row| row.saturating_add(1),
        KeyCode::PageUp => |row| row.saturating_sub(PAGE),
        KeyCode::PageDown => |row| row.saturating_add(PAGE),
        KeyCode::Home | KeyCode::Char('g') => |_| 0,
        KeyCode::End | KeyCode::Char('G') => |_| usize::MAX,
        _ => return None,
    })
}

/// Opens the next of the found traces, or the one before.
pub(in crate::tui) fn step(ui: &mut Ui, by: isize) {
    let row = ui.traces.row.saturating_add_signed(by);
    if row < ui.traces.rows.len() && row != ui.traces.row {
        ui.traces.choose_row(row);
        open(ui);
    }
}

fn open(ui: &mut Ui) {
    let state = &mut ui.traces;
    // From here on it is this one, whatever comes in.
    state.choose_row(state.row);
    let Some((id, found)) = state.at(state.row) else { return };
    let errors = if found.errors == 0 { String::new() } else { format!(", {}", format::count(found.errors, "error")) };
    let told = format!("{}{errors}", root(found));
    let id = *id;
    ui.open_trace(id, told);
}

impl State {
    /// Another run begins; what is looked for stays.
    pub(in crate::tui) fn begin(&mut self) {
        (self.found, self.is_answered, self.failed) = (None, false, None);
        self.forget_row();
        self.list();
    }

    /// What is wanted from the store while this room is shown.
    pub(in crate::tui) fn question(&self) -> Option<Question> {
        let query = match (&self.query, self.order) {
            (Some(query), _) => Ok(query.clone()),
            // Among the newest of all there may be none that failed.
            (None, Order::Failed) => Query::parse("{ status = error }"),
            (None, Order::Newest | Order::Slowest) => Query::parse("{ }"),
        };
        query.ok().map(Question::Traces)
    }

    /// What the store found. A row that is chosen stays where it is on the screen.
    pub(in crate::tui) fn hear(&mut self, question: &Query, found: Result<Vec<FoundTrace>, String>) {
        if self.question() != Some(Question::Traces(question.clone())) {
            return;
        }
        match found {
            Ok(found) => {
                let with_id = |one: FoundTrace| Some((TraceId::parse(&one.trace_id)?, one));
                self.found = Some(found.into_iter().filter_map(with_id).collect());
                self.failed = None;
                self.list();
            }
            Err(why) => self.failed = Some(why),
        }
        self.is_answered = true;
    }

    /// Whether keys are letters of a text.
    pub(in crate::tui) fn is_writing(&self) -> bool {
        self.line.is_written()
    }

    /// Takes in a key of the text.
    pub(in crate::tui) fn write(&mut self, code: KeyCode) {
        if let Some(query) = self.line.on_key(code) {
            self.is_answered &= self.query == query;
            self.query = query;
            self.forget_row();
        }
    }

    /// The trace of the row that is chosen.
    pub(in crate::tui) fn chosen(&self) -> Option<TraceId> {
        self.at(self.row).map(|(id, _)| *id)
    }

    /// Chooses a row; whether it was the chosen one already.
    pub(in crate::tui) fn choose(&mut self, row: usize) -> bool {
        if row >= self.rows.len() {
            return false;
        }
        let before = self.chosen;
        self.choose_row(row);
        before.is_some() && before == self.chosen
    }

    fn at(&self, row: usize) -> Option<&(TraceId, FoundTrace)> {
        self.found.as_ref()?.get(*self.rows.get(row)?)
    }

    fn choose_row(&mut self, row: usize) {
        self.row = row.min(self.rows.len().saturating_sub(1));
        self.chosen = self.chosen();
    }

    fn forget_row(&mut self) {
        (self.chosen, self.row, self.first) = (None, 0, 0);
    }

    fn turn(&mut self, by: usize) {
        let before = self.question();
        self.order = self.order.turned(by);
        self.is_answered &= before == self.question();
        self.forget_row();
        self.list();
    }

    /// Lists what was found, and finds the chosen row again.
    fn list(&mut self) {
        let found = self.found.as_deref().unwrap_or_default();
        self.rows = (0..found.len()).filter(|place| self.order != Order::Failed || found[*place].1.errors > 0).collect();
        if self.order == Order::Slowest {
            self.rows.sort_by_key(|place| std::cmp::Reverse(found[*place].1.duration_nano));
        }
        let row = self.rows.iter().position(|place| Some(found[*place].0) == self.chosen);
        let row = row.unwrap_or(self.row).min(self.rows.len().saturating_sub(1));
        if self.chosen.is_some() {
            self.first = (self.first + row).saturating_sub(self.row);
        }
        self.row = row;
        self.chosen = self.chosen.and(self.chosen());
    }
}
