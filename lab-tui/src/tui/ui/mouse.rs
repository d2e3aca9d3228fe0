//! What a click does: whatever was drawn at its place last says so.

use crossterm::event::{KeyCode, MouseButton, MouseEvent, MouseEventKind};
use lab_facts::model::Model;
use ratatui::layout::Position;

use super::{Click, Ui, Wish};
use crate::tui::room::{self, Room};

impl Ui {
    /// A click does what is written at its place, the wheel what the arrow keys do; over a plot it zooms.
    pub fn on_mouse(&mut self, mouse: MouseEvent, model: &Model) -> Option<Wish> {
        let at = Position { x: mouse.column, y: mouse.row };
        let key = match mouse.kind {
            // Over a plot it brings time nearer.
            MouseEventKind::ScrollUp if self.is_over_time(at) => KeyCode::Char('z'),
            MouseEventKind::ScrollDown if self.is_over_time(at) => KeyCode::Char('Z'),
            MouseEventKind::ScrollUp => KeyCode::Up,
            MouseEventKind::ScrollDown => KeyCode::Down,
            MouseEventKind::Down(MouseButton::Left) if self.overlay.is_none() => {
                return self.click(at, model);
            }
            MouseEventKind::Down(MouseButton::Left) => KeyCode::Esc,
            _ => return None,
        };
        self.note = None;
        self.act(key, model)
    }

    fn is_over_time(&self, at: Position) -> bool {
        let under = self.clicks.iter().rev().find(|(place, _)| place.contains(at));
        self.overlay.is_none() && self.open.is_none() && !self.is_writing() && matches!(under, Some((_, Click::Time(_))))
    }

    fn click(&mut self, at: Position, model: &Model) -> Option<Wish> {
        let (place, click) = self.clicks.iter().rev().find(|(place, _)| place.contains(at)).copied()?;
        let row = usize::from(at.y - place.y);
        match click {
            Click::Room(room) => self.enter(room),
            Click::Time(axis) => {
                let second = axis.seconds_of(at.x - place.x).start;
                if second <= model.now().as_secs() {
                    self.look_at(second);
                    self.acted = true;
                }
            }
            Click::Rows(first) if self.open.is_some() => {
                // As in lists: the first click chooses, the next one opens, or closes.
                if let Some(open) = &mut self.open
                    && open.choose(|_| first + row)
                {
                    open.fold();
                }
            }
            Click::Rows(first) => self.choose(first + row, model),
            Click::Row(pane, first) if room::scenarios::choose(self, pane, first + row) => {
                return self.on_key(KeyCode::Enter.into(), model);
            }
            Click::Row(..) => {}
        }
        None
    }

    /// The first click chooses a row, the next one opens it.
    fn choose(&mut self, row: usize, model: &Model) {
        let again = match self.room {
            Room::Traces => self.traces.choose(row),
            Room::Logs => self.logs.choose(row),
            Room::Database => room::database::choose(self, row, model),
            Room::Control => room::control::choose(self, row, model),
            Room::Queries => room::queries::choose(self, row, model),
            Room::Latency => {
                self.latency.choose(row);
                false
            }
            Room::Scenarios => false,
            Room::Run => {
                let before = self.chosen;
                self.chosen = self.rows(model).get(row).map(|request| request.trace_id);
                self.acted = true;
                before.is_some() && before == self.chosen
            }
        };
        if again {
            self.on_key(KeyCode::Enter.into(), model);
        }
    }
}
