//! What services say.

use crossterm::event::KeyCode;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::event::TraceId;
use crate::model::Model;
use crate::observe::logs::{LogQuestion, LogText};
use crate::tui::ask::Question;
use crate::tui::ui::Ui;

/// What the viewer has chosen here.
#[derive(Debug, Default)]
pub struct State {}

/// Draws the room.
pub(in crate::tui) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, ui: &mut Ui) {
    let _ = (buffer, area, model, ui);
}

/// Takes in a key.
pub(in crate::tui) fn on_key(ui: &mut Ui, code: KeyCode) {
    let _ = (ui, code);
}

impl State {
    /// Another run begins.
    pub(in crate::tui) fn begin(&mut self) {}

    /// What is wanted from the store while this room is shown.
    pub(in crate::tui) fn question(&self) -> Option<Question> {
        None
    }

    /// What the store found.
    pub(in crate::tui) fn hear(&mut self, _question: &LogQuestion, _found: Result<Vec<LogText>, String>) {}

    /// Whether keys are letters of a text.
    pub(in crate::tui) fn is_writing(&self) -> bool {
        false
    }

    /// Takes in a key of the text.
    pub(in crate::tui) fn write(&mut self, _code: KeyCode) {}

    /// The trace of the row that is chosen.
    pub(in crate::tui) fn chosen(&self) -> Option<TraceId> {
        None
    }

    /// Chooses a row; whether it was the chosen one already.
    pub(in crate::tui) fn choose(&mut self, _row: usize) -> bool {
        false
    }
}
