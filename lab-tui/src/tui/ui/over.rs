//! Keys while something lies over the screen.

use crossterm::event::KeyCode;
use lab_facts::model::Model;

use super::{Overlay, Ui, Wish};
use crate::tui::finder::{self, Finder, What};
use crate::tui::glossary;
use crate::tui::room::{self, Room};

impl Ui {
    pub(super) fn find(&mut self) {
        self.finder = Finder::default();
        self.overlay = Some(Overlay::Finder);
    }

    pub(super) fn on_key_in_finder(&mut self, code: KeyCode, model: &Model) -> Option<Wish> {
        if code == KeyCode::Esc {
            self.overlay = None;
            return None;
        }
        let what = self.finder.on_key(code, &finder::entries(self))?;
        self.overlay = None;
        match what {
            What::Key(code) => self.act(code, model),
            What::Room(room) => {
                self.enter(room);
                None
            }
            What::Run(index) => self.wish_for(index, model),
            What::Fault(kind) => {
                self.enter(Room::Control);
                room::control::lead_to(self, kind, model);
                None
            }
            What::Save => {
                self.enter(Room::Control);
                self.act(KeyCode::Char('S'), model)
            }
        }
    }

    pub(super) fn on_key_over(&mut self, code: KeyCode, overlay: Overlay) -> Option<Wish> {
        match (overlay, code) {
            (_, KeyCode::Char('q')) => return Some(Wish::Quit),
            (Overlay::Meaning(row), KeyCode::Up | KeyCode::Char('k')) => self.overlay = Some(Overlay::Meaning(row.saturating_sub(1))),
            (Overlay::Meaning(row), KeyCode::Down | KeyCode::Char('j')) => {
                self.overlay = Some(Overlay::Meaning((row + 1).min(glossary::figures(self.room).len() - 1)));
            }
            (Overlay::Why(line), KeyCode::Up | KeyCode::Char('k')) => self.overlay = Some(Overlay::Why(line.saturating_sub(1))),
            (Overlay::Why(line), KeyCode::Down | KeyCode::Char('j')) => self.overlay = Some(Overlay::Why(line.saturating_add(1))),
            (Overlay::Why(_), KeyCode::Home | KeyCode::Char('g')) => self.overlay = Some(Overlay::Why(0)),
            (Overlay::Why(_), KeyCode::Char('w') | KeyCode::Esc)
            | (Overlay::Meaning(_), KeyCode::Char('e') | KeyCode::Esc)
            | (Overlay::Help, _) => self.overlay = None,
            _ => {}
        }
        None
    }
}
