//! The pool and what the sessions of the database do.

use crossterm::event::KeyCode;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::model::Model;
use crate::tui::ui::Ui;

/// What the viewer has chosen here.
#[derive(Debug, Default)]
pub struct State {}

/// Draws the room.
pub(in crate::tui) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, ui: &mut Ui) {
    let _ = (buffer, area, model, ui);
}

/// Takes in a key.
pub(in crate::tui) fn on_key(ui: &mut Ui, code: KeyCode, model: &Model) {
    ui.on_key_of_time(code, model);
}
