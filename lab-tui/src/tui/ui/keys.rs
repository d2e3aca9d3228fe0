//! What a key does, wherever the viewer is.

use std::ops::Range;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use lab_facts::event::Command;
use lab_facts::explain;
use lab_facts::model::Model;

use super::{List, Overlay, Ui, Wish};
use crate::tui::axis::TimeAxis;
use crate::tui::callout;
use crate::tui::columns;
use crate::tui::errand::Errand;
use crate::tui::room::{self, Room};
use crate::tui::zoom::Zoom;

impl Ui {
    fn look_outside(&mut self, model: &Model) {
        match self.pointed_at(model) {
            Some((_, Some(address))) => self.errand = Some(Errand::Open(address)),
            Some((_, None)) => self.note = Some("there is nowhere to look: name a place with --grafana-url or --trace-url".to_owned()),
            None => {}
        }
    }

    /// Takes in a key.
    pub fn on_key(&mut self, key: KeyEvent, model: &Model) -> Option<Wish> {
        self.note = None;
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return match key.code {
                KeyCode::Char('c') => Some(Wish::Interrupt),
                // An Enter that was pressed before the screen took the terminal over: its carriage return has become a line feed.
                KeyCode::Char('j') => self.on_key(KeyCode::Enter.into(), model),
                KeyCode::Char('p') => {
                    self.find();
                    None
                }
                _ => None,
            };
        }
        // Where a text is written, a letter is a letter.
        let is_text = self.overlay == Some(Overlay::Finder) || self.is_writing();
        let code = if is_text { key.code } else { self.bindings.meant(key.code)? };
        self.act(code, model)
    }

    /// What a key does that means what it usually means.
    pub(super) fn act(&mut self, code: KeyCode, model: &Model) -> Option<Wish> {
        if code == KeyCode::F(12) {
            self.picture = true;
            return None;
        }
        match self.overlay {
            Some(Overlay::Finder) => return self.on_key_in_finder(code, model),
            Some(overlay) => return self.on_key_over(code, overlay),
            None => {}
        }
        if self.is_writing() {
            match self.room {
                Room::Control => room::control::on_key_in_form(self, code, model),
                Room::Queries => room::queries::on_key_in_line(self, code, model),
                _ => self.write(code),
            }
            return None;
        }
        match code {
            KeyCode::Char(digit) if let Some(room) = Room::of_key(digit) => self.enter(room),
            KeyCode::Char('q') => return Some(Wish::Quit),
            KeyCode::Char('?') => self.overlay = Some(Overlay::Help),
            KeyCode::Char(':') => self.find(),
            KeyCode::Char('e') => self.overlay = Some(Overlay::Meaning(0)),
            KeyCode::Char('s') => self.enter(Room::Scenarios),
            KeyCode::Char('w') => {
                // Once, as of now: it looks at thousands of requests.
                let worst = |seconds: Range<u64>| columns::moment(model, seconds.clone()).worst_second().unwrap_or(seconds.start);
                let moment = self.moment().map(worst).map(Duration::from_secs);
                self.why = explain::text(&moment.map_or_else(|| explain::whole_run(model), |moment| explain::at(model, moment)));
                self.overlay = Some(Overlay::Why(0));
            }
            // A run that is over has no pace, and one of users alone has no rates. The equals sign is the plus of many keyboards.
            KeyCode::Char('o') => self.look_outside(model),
            KeyCode::Char('y') if self.room == Room::Queries && self.open.is_none() => self.errand = room::queries::copied(self, model),
            KeyCode::Char('y') => self.errand = self.pointed_at(model).map(|(id, _)| Errand::Copy(id)),
            KeyCode::Char('+' | '=' | '-' | ' ') if model.finished().is_some() => {}
            KeyCode::Char('+' | '=' | '-') if !model.plan().has_rates() => {}
            KeyCode::Char('+' | '=') => self.step_pace(1.0),
            KeyCode::Char('-') => self.step_pace(-1.0),
            KeyCode::Char(' ') => self.ask(if self.pace.paused { Command::Resume } else { Command::Pause }),
            code if self.open.is_some() => self.on_key_in_trace(code, model),
            code if self.room == Room::Scenarios => return room::scenarios::on_key(self, code, model),
            code => match self.room {
                Room::Run => self.on_key_in_run(code, model),
                Room::Latency => room::latency::on_key(self, code, model),
                Room::Database => room::database::on_key(self, code, model),
                Room::Traces => room::traces::on_key(self, code),
                Room::Logs => room::logs::on_key(self, code, model),
                Room::Control => room::control::on_key(self, code, model),
                Room::Queries => room::queries::on_key(self, code, model),
                Room::Scenarios => {}
            },
        }
        None
    }

    /// By a tenth of what is planned.
    fn step_pace(&mut self, by: f64) {
        let tenths = (self.pace.factor * 10.0).round() + by;
        self.ask(Command::Rate(tenths / 10.0));
    }

    fn ask(&mut self, command: Command) {
        self.asked = self.pace.obey(&command).map(|_| command);
    }

    fn on_key_in_trace(&mut self, code: KeyCode, model: &Model) {
        let Some(open) = &mut self.open else { return };
        match code {
            KeyCode::Tab | KeyCode::Esc | KeyCode::Backspace if open.details.is_some() => open.details = None,
            KeyCode::Esc | KeyCode::Backspace => self.open = None,
            KeyCode::Tab => open.details = Some(0),
            KeyCode::Enter => open.fold(),
            KeyCode::Char('x') => open.fold_all(),
            KeyCode::Char('n') => open.next_error(false),
            KeyCode::Char('N') => open.next_error(true),
            KeyCode::Left | KeyCode::Char('h') => self.step_trace(model, -1),
            KeyCode::Right | KeyCode::Char('l') => self.step_trace(model, 1),
            _ => {
                if let Some(next) = room::traces::stepped(code) {
                    open.choose(next);
                }
            }
        }
    }

    /// The trace of the next row, or of the one before it, in the room that the open one came from.
    fn step_trace(&mut self, model: &Model, by: isize) {
        match self.room {
            Room::Run => self.step(model, by, true),
            Room::Traces => room::traces::step(self, by),
            Room::Queries => room::queries::step(self, by),
            Room::Latency | Room::Database | Room::Logs | Room::Scenarios | Room::Control => {}
        }
    }

    /// The keys of the cursor, which all rooms with a time axis share; whether it was one of them.
    pub(in crate::tui) fn on_key_of_time(&mut self, code: KeyCode, model: &Model) -> bool {
        let last = model.now().as_secs();
        let first = model.seconds().iter().next().map_or(0, |second| second.place.index);
        match code {
            KeyCode::Left | KeyCode::Char('h') => {
                let here = self.moment().map_or(last, |seconds| seconds.start);
                self.look_at(self.axis.around(here.saturating_sub(1)).start.max(first));
            }
            KeyCode::Right | KeyCode::Char('l') if let Some(seconds) = self.moment() => self.look_at(seconds.end.min(last)),
            KeyCode::Char('z') => self.zoom(Zoom::nearer(self.axis.scale), model),
            KeyCode::Char('Z') => self.zoom(Zoom::further(self.axis.scale, self.axis.columns, model), model),
            KeyCode::Esc if self.cursor.is_none() => self.zoom(Zoom::Automatic, model),
            KeyCode::Home | KeyCode::Char('g') => self.look_at(first),
            KeyCode::End | KeyCode::Char('G') | KeyCode::Esc => self.back_to_live(),
            KeyCode::Char('p') => {
                if let Some((peak, _)) = callout::peak(model) {
                    self.look_at(peak);
                }
            }
            _ => return false,
        }
        self.acted = true;
        true
    }

    /// The cursor stays where it is on the screen.
    fn zoom(&mut self, zoom: Zoom, model: &Model) {
        let (before, columns) = (self.axis, self.axis.columns);
        let scale = zoom.following(columns, model).scale;
        self.zoom = zoom;
        if let Some((cursor, column)) = self.cursor.and_then(|cursor| Some((cursor, before.column(cursor)?))) {
            let left = u64::from(column) * scale.seconds / scale.columns;
            self.axis = TimeAxis::beginning_at(cursor.saturating_sub(left), columns, scale);
        }
        self.time_axis(columns, model);
    }

    fn on_key_in_run(&mut self, code: KeyCode, model: &Model) {
        match code {
            _ if self.on_key_of_time(code, model) => {}
            KeyCode::Up | KeyCode::Char('k') => self.step(model, -1, false),
            KeyCode::Down | KeyCode::Char('j') => self.step(model, 1, false),
            KeyCode::Tab => self.turn(1),
            KeyCode::BackTab => self.turn(self.lists().count() - 1),
            KeyCode::Enter => {
                // Whoever follows the suggestion lands on the peak that it speaks of.
                if let (Some(_), None, Some((peak, _))) = (self.callout(model), self.cursor, callout::peak(model)) {
                    self.look_at(peak);
                }
                self.open(self.rows(model).get(self.chosen_row(model)).copied());
            }
            _ => return,
        }
        self.acted = true;
    }

    /// Text that is pasted goes where text is being written, and nowhere else.
    pub fn on_paste(&mut self, text: &str) {
        for letter in text.chars().filter(|letter| !letter.is_control()) {
            if self.overlay == Some(Overlay::Finder) {
                self.finder.on_key(KeyCode::Char(letter), &[]);
            } else if self.is_writing() {
                self.write(KeyCode::Char(letter));
            }
        }
    }

    /// Whether keys are letters of a text.
    pub(in crate::tui) fn is_writing(&self) -> bool {
        self.overlay.is_none()
            && self.open.is_none()
            && match self.room {
                Room::Traces => self.traces.is_writing(),
                Room::Logs => self.logs.is_writing(),
                Room::Control => self.control.is_writing(),
                Room::Queries => self.queries.is_writing(),
                Room::Run | Room::Latency | Room::Database | Room::Scenarios => false,
            }
    }

    pub(super) fn write(&mut self, code: KeyCode) {
        match self.room {
            Room::Traces => self.traces.write(code),
            Room::Logs => self.logs.write(code),
            Room::Control => self.control.write(code),
            Room::Queries => self.queries.write(code, self.backends.tempo.is_none()),
            Room::Run | Room::Latency | Room::Database | Room::Scenarios => {}
        }
    }

    /// The next request of the list, or the one before it.
    fn step(&mut self, model: &Model, by: isize, open: bool) {
        let rows = self.rows(model);
        let row = self.chosen_row(model).saturating_add_signed(by).min(rows.len().saturating_sub(1));
        self.chosen = rows.get(row).map(|request| request.trace_id);
        if open {
            self.open(rows.get(row).copied());
        }
    }

    fn turn(&mut self, by: usize) {
        let lists: Vec<List> = self.lists().collect();
        let current = lists.iter().position(|list| *list == self.list()).unwrap_or_default();
        self.list = lists[(current + by) % lists.len()];
        self.chosen = None;
    }
}
