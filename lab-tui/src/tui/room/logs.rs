//! What services say: their log lines as they come in, and those of like messages together.

mod draw;
mod groups;
mod histogram;
mod kept;
mod pattern;
mod record;
mod shown;
mod sieve;

use std::ops::Range;

use crossterm::event::KeyCode;

pub(in crate::tui::room) use draw::Columns;
pub(in crate::tui) use draw::draw;
pub(in crate::tui) use kept::Kept;
pub(in crate::tui) use record::Record;

use lab_facts::event::TraceId;
use lab_facts::model::Model;
use lab_instrument::observe::source::LogMark;
use record::Key;
use shown::{Group, GroupKey, Shown};
use sieve::{Sieve, Terms, View};

use crate::tui::ask::Question;
use crate::tui::input::Input;
use crate::tui::ui::Ui;

/// What the viewer has chosen here, and the lines that have come in.
#[derive(Debug, Default)]
pub struct State {
    kept: Kept,
    /// How far they have been read.
    mark: LogMark,
    /// Whether there has been an answer.
    heard: bool,
    /// Why there is none.
    problem: Option<String>,
    sieve: Sieve,
    /// The text that the terms were read from.
    input: Input,
    /// While it is being written: what it was before.
    before: Option<String>,
    /// Why the text is not in force.
    wrong: Option<String>,
    /// Filters have changed since lines were looked through.
    stale: bool,
    /// Lines have come in since.
    news: bool,
    /// Which part of time is shown, in nanoseconds since 1970.
    window: Range<u64>,
    shown: Shown,
    /// The chosen line; none while the newest are followed.
    at: Option<Key>,
    /// The first line in sight, while they are not.
    top: Option<Key>,
    group_at: Option<GroupKey>,
    /// Set by drawing: how many rows are in sight.
    height: usize,
    /// The cursor that the list has jumped to.
    jumped: Option<u64>,
}

/// Takes in a key.
pub(in crate::tui) fn on_key(ui: &mut Ui, code: KeyCode, model: &Model) {
    let page = ui.logs.height.max(2) - 1;
    match code {
        KeyCode::Left | KeyCode::Right | KeyCode::Char('p' | 'z' | 'Z') => {
            ui.on_key_of_time(code, model);
        }
        KeyCode::Up | KeyCode::Char('k') => ui.logs.step(|row| row.saturating_sub(1)),
        KeyCode::Down | KeyCode::Char('j') => ui.logs.step(|row| row.saturating_add(1)),
        KeyCode::PageUp => ui.logs.step(|row| row.saturating_sub(page)),
        KeyCode::PageDown => ui.logs.step(|row| row.saturating_add(page)),
        KeyCode::Home | KeyCode::Char('g') => ui.logs.step(|_| 0),
        KeyCode::End | KeyCode::Char('G') if ui.logs.sieve.view == View::Groups => ui.logs.step(|_| usize::MAX),
        KeyCode::End | KeyCode::Char('G') => follow(ui, model),
        KeyCode::Char('f') if ui.logs.sieve.view == View::Lines => {
            if ui.logs.at.is_some() {
                follow(ui, model);
            } else {
                ui.logs.at = ui.logs.shown.lines.last().copied();
            }
        }
        KeyCode::Char('/') => ui.logs.before = Some(ui.logs.input.text().to_owned()),
        KeyCode::Char('l') => ui.logs.change(Sieve::next_level),
        KeyCode::Char('v') => ui.logs.next_service(),
        KeyCode::Tab | KeyCode::BackTab => ui.logs.change(|sieve| {
            sieve.view = if sieve.view == View::Lines { View::Groups } else { View::Lines };
        }),
        KeyCode::Enter => enter(ui),
        KeyCode::Esc | KeyCode::Backspace => step_back(ui, model),
        _ => {}
    }
}

/// Back to now, and on with it.
fn follow(ui: &mut Ui, model: &Model) {
    ui.on_key_of_time(KeyCode::End, model);
    (ui.logs.at, ui.logs.jumped) = (None, None);
}

/// A group leads to its lines, a line to its trace.
fn enter(ui: &mut Ui) {
    let logs = &mut ui.logs;
    if logs.sieve.view == View::Groups {
        let Some(key) = logs.group().map(|group| group.key.clone()) else { return };
        logs.at = None;
        logs.change(|sieve| (sieve.view, sieve.only) = (View::Lines, Some(key)));
        return;
    }
    let Some(record) = logs.line() else {
        ui.note = Some("no line is chosen: ↑ chooses one".to_owned());
        return;
    };
    match record.trace {
        Some(trace) => {
            let told = format!("{} of {}: {}", record.level.name(), record.service, record::message(&record.line()));
            ui.open_trace(trace, told);
        }
        None => ui.note = Some("this line carries no trace's ID, so there is no trace to open".to_owned()),
    }
}

/// Takes away what was chosen last, one thing at a time.
fn step_back(ui: &mut Ui, model: &Model) {
    let in_groups = ui.logs.sieve.view == View::Groups;
    if ui.cursor.is_some() {
        follow(ui, model);
    } else if !in_groups && ui.logs.sieve.only.is_some() {
        ui.logs.change(|sieve| (sieve.view, sieve.only) = (View::Groups, None));
    } else if !ui.logs.input.text().is_empty() {
        ui.logs.input = Input::default();
        ui.logs.understand();
    } else if in_groups {
        ui.logs.change(|sieve| sieve.view = View::Lines);
    } else {
        ui.logs.at = None;
    }
}

impl State {
    /// Another run begins.
    pub(in crate::tui) fn begin(&mut self) {
        *self = Self::default();
    }

    /// What is wanted from the store while this room is shown.
    pub(in crate::tui) fn question(&self) -> Question {
        Question::Logs(self.mark)
    }

    /// What the store found. An answer to a question of the run before is none.
    pub(in crate::tui) fn hear(&mut self, asked: LogMark, found: Result<(Kept, LogMark), String>) {
        if asked != self.mark {
            return;
        }
        self.heard = true;
        match found {
            Ok((lines, mark)) => {
                (self.mark, self.problem) = (mark, None);
                self.news |= self.kept.absorb(lines, |record| self.sieve.fits(record));
            }
            Err(problem) => self.problem = Some(problem),
        }
    }

    /// Whether keys are letters of a text.
    pub(in crate::tui) fn is_writing(&self) -> bool {
        self.before.is_some()
    }

    /// Takes in a key of the text, which is in force at once.
    pub(in crate::tui) fn write(&mut self, code: KeyCode) {
        match code {
            KeyCode::Enter => self.before = None,
            KeyCode::Esc => {
                self.input = Input::new(self.before.take().unwrap_or_default());
                self.understand();
            }
            code => {
                let before = self.input.text().len();
                if self.input.on_key(code) && before != self.input.text().len() {
                    self.understand();
                }
            }
        }
    }

    /// A text that is not understood leaves in force what was.
    fn understand(&mut self) {
        match Terms::parse(self.input.text()) {
            Ok(terms) => {
                self.wrong = None;
                self.change(|sieve| sieve.terms = terms);
            }
            Err(why) => self.wrong = Some(why),
        }
    }

    fn change(&mut self, how: impl FnOnce(&mut Sieve)) {
        how(&mut self.sieve);
        self.stale = true;
    }

    /// All, then each of those that have been seen.
    fn next_service(&mut self) {
        let services = &self.shown.services;
        let next = match &self.sieve.service {
            None => services.first(),
            Some(service) => services.range(std::sync::Arc::clone(service)..).find(|other| *other != service),
        };
        let next = next.cloned();
        self.change(|sieve| sieve.service = next);
    }

    /// Looks through the lines again, where there is a reason.
    fn settle(&mut self, window: Range<u64>, began: Option<u64>) {
        if std::mem::take(&mut self.stale) {
            self.kept.sieve(|record| self.sieve.fits(record));
            self.news = true;
        }
        if std::mem::take(&mut self.news) || window != self.window {
            self.shown = Shown::new(&self.kept, &window, began);
            self.window = window;
        }
    }

    /// The place of the chosen row in the lines, or in the groups. The next one, where that has gone.
    fn row(&self) -> Option<usize> {
        let last = self.rows().checked_sub(1)?;
        match self.sieve.view {
            View::Lines => self.at.map(|at| self.place(at).min(last)),
            View::Groups => {
                let chosen = |group: &Group| Some(&group.key) == self.group_at.as_ref();
                Some(self.shown.groups.iter().position(chosen).unwrap_or_default())
            }
        }
    }

    fn rows(&self) -> usize {
        match self.sieve.view {
            View::Lines => self.shown.lines.len(),
            View::Groups => self.shown.groups.len(),
        }
    }

    /// Of a line, or of the first one after it.
    fn place(&self, key: Key) -> usize {
        self.shown.lines.partition_point(|other| *other < key)
    }

    fn group(&self) -> Option<&Group> {
        self.shown.groups.get(self.row()?).filter(|_| self.sieve.view == View::Groups)
    }

    /// The chosen line; of a group its example.
    fn line(&self) -> Option<&Record> {
        let key = match self.sieve.view {
            View::Lines => *self.shown.lines.get(self.row()?)?,
            View::Groups => self.group()?.example,
        };
        self.kept.get(key)
    }

    fn step(&mut self, next: impl FnOnce(usize) -> usize) {
        let Some(last) = self.rows().checked_sub(1) else { return };
        match self.row() {
            Some(row) => self.take(next(row).min(last)),
            // Who follows is below the newest line: the first step up chooses it, and none leads further down.
            None => Some(next(last + 1)).filter(|row| *row <= last).into_iter().for_each(|row| self.take(row)),
        }
    }

    fn take(&mut self, row: usize) {
        match self.sieve.view {
            View::Lines => self.at = self.shown.lines.get(row).copied(),
            View::Groups => self.group_at = self.shown.groups.get(row).map(|group| group.key.clone()),
        }
    }

    /// The trace of the row that is chosen.
    pub(in crate::tui) fn chosen(&self) -> Option<TraceId> {
        self.line()?.trace
    }

    /// Chooses a row; whether it was the chosen one already.
    pub(in crate::tui) fn choose(&mut self, row: usize) -> bool {
        if row >= self.rows() {
            return false;
        }
        let again = self.row() == Some(row);
        self.take(row);
        again
    }
}
