//! What the viewer has chosen: cursor, list, open trace. Facts are in the model; nothing here changes them.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::ask::{Answer, Question};
use super::callout;
use super::errand::Errand;
use super::finder::{self, Finder, What};
use super::glossary;
use super::palette::Palette;
use super::plot::TimeAxis;
use super::replay::Replay;
use super::room::{self, Room};
use super::trace::Open;
use crate::event::{Command, Exemplar, Pace, TraceId};
use crate::explain;
use crate::model::Model;
use crate::report::{TraceLink, format};

/// A scenario that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The name that it goes by.
    pub name: String,
    /// One line.
    pub title: String,
    /// What it shows.
    pub about: String,
    /// Its thresholds, as they are written.
    pub thresholds: Vec<String>,
}

/// What can stand in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// The worst requests of the second under the cursor.
    Moment,
    /// The slowest of the run.
    Slowest,
    /// The latest that failed.
    Failed,
    /// The latest.
    Newest,
    /// The scenario's thresholds.
    Thresholds,
    /// What happened.
    Events,
}

impl List {
    const ALL: [Self; 6] = [Self::Moment, Self::Slowest, Self::Failed, Self::Newest, Self::Thresholds, Self::Events];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Moment => "moment",
            Self::Slowest => "slowest",
            Self::Failed => "failed",
            Self::Newest => "newest",
            Self::Thresholds => "thresholds",
            Self::Events => "events",
        }
    }
}

/// What a click on a part of the screen does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Click {
    /// Leads to a room.
    Room(Room),
    /// Puts the cursor to the second of the column; the place is the axis's own.
    Time(TimeAxis),
    /// Chooses a row of what the room lists, the first that is shown being this one; a second click opens it.
    Rows(usize),
}

/// What lies over the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlay {
    /// The keys.
    Help,
    /// The scenarios, with the row that is chosen.
    Scenarios(usize),
    /// Why the second under the cursor was bad, or the run where there is no cursor; with the first line that is shown.
    Why(u16),
    /// The command palette.
    Finder,
    /// What the room's numbers mean, with the one that is chosen.
    Meaning(usize),
}

/// What a key asks of whoever runs the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Leave.
    Quit,
    /// Leave, as Ctrl-C does.
    Interrupt,
    /// Run the scenario of that index.
    Run(usize),
}

/// The state of the screen.
#[derive(Debug)]
pub struct Ui {
    /// The colours.
    pub palette: Palette,
    /// Where traces can be looked at outside of the terminal.
    pub link: Option<TraceLink>,
    /// What there is to run.
    pub scenarios: Vec<Listed>,
    /// Which of them runs.
    pub current: usize,
    /// The second that is read; live where there is none.
    pub cursor: Option<u64>,
    /// The open trace.
    pub open: Option<Open>,
    /// What lies over the screen.
    pub overlay: Option<Overlay>,
    /// Which side of the run is shown.
    pub room: Room,
    /// What the rooms keep for themselves.
    pub latency: room::latency::State,
    /// The same of the database's room.
    pub database: room::database::State,
    /// The same of the room of traces.
    pub traces: room::traces::State,
    /// The same of the room of log lines.
    pub logs: room::logs::State,
    /// Set by drawing: what a click does where. What was drawn last lies on top.
    pub clicks: Vec<(Rect, Click)>,
    /// Set by drawing: thresholds and events have panels of their own.
    pub wide: bool,
    /// Set by drawing: the first second in sight, while the viewer looks back.
    pub view: Option<u64>,
    /// A recorded run is shown; none where it is live.
    pub replay: Option<Replay>,
    /// The explanation that was asked for last.
    pub why: String,
    pub(super) finder: Finder,
    /// Whether the screen is to be kept as a picture when it is drawn next.
    pub(super) picture: bool,
    list: List,
    chosen: Option<TraceId>,
    /// The viewer has found the keys; nothing more is suggested.
    acted: bool,
    /// What the viewer wishes for, even before it is obeyed: two steps that are pressed at once are two steps.
    pace: Pace,
    asked: Option<Command>,
    errand: Option<Errand>,
    /// What came of the last errand, until the next key.
    pub note: Option<String>,
}

impl Ui {
    /// Nothing is chosen yet.
    pub fn new(palette: Palette, link: Option<TraceLink>, scenarios: Vec<Listed>) -> Self {
        Self {
            palette,
            link,
            scenarios,
            current: 0,
            cursor: None,
            open: None,
            overlay: None,
            room: Room::default(),
            latency: room::latency::State::default(),
            database: room::database::State::default(),
            traces: room::traces::State::default(),
            logs: room::logs::State::default(),
            clicks: Vec::new(),
            wide: false,
            view: None,
            replay: None,
            why: String::new(),
            finder: Finder::default(),
            picture: false,
            list: List::Slowest,
            chosen: None,
            acted: false,
            pace: Pace::default(),
            asked: None,
            errand: None,
            note: None,
        }
    }

    /// A scenario begins: what was chosen belongs to another run.
    pub fn begin(&mut self, scenario: usize) {
        self.current = scenario;
        self.cursor = None;
        self.open = None;
        self.overlay = None;
        self.latency = room::latency::State::default();
        self.database = room::database::State::default();
        self.traces.begin();
        self.logs.begin();
        self.list = List::Slowest;
        self.chosen = None;
        self.acted = false;
        self.pace = Pace::default();
        self.asked = None;
    }

    /// What the last key asks of the run itself, once.
    pub fn take_asked(&mut self) -> Option<Command> {
        self.asked.take()
    }

    /// What the last key asks for outside of the screen, once.
    pub fn take_errand(&mut self) -> Option<Errand> {
        self.errand.take()
    }

    /// The open trace at its chosen span, else the chosen request's: its ID and its address, where links lead anywhere.
    fn pointed_at(&self, model: &Model) -> Option<(String, Option<String>)> {
        let Some(open) = &self.open else {
            let id = match self.room {
                Room::Traces => self.traces.chosen()?,
                Room::Logs => self.logs.chosen()?,
                Room::Database => room::database::chosen_trace(self, model)?,
                Room::Run | Room::Latency => self.rows(model).get(self.chosen_row(model))?.trace_id,
            };
            let id = id.to_string();
            return Some((id.clone(), self.link.as_ref().map(|link| link.of(&id))));
        };
        let id = open.trace_id.to_string();
        let span = open.span().map(|span| span.span_id.as_str());
        let address = self.link.as_ref().map(|link| span.map_or_else(|| link.of(&id), |span| link.of_span(&id, span)));
        Some((id, address))
    }

    fn look_outside(&mut self, model: &Model) {
        match self.pointed_at(model) {
            Some((_, Some(address))) => self.errand = Some(Errand::Open(address)),
            Some((_, None)) => self.note = Some("there is nowhere to look: name a place with --grafana-url or --trace-url".to_owned()),
            None => {}
        }
    }

    /// What to tell the viewer, until they have acted.
    pub fn callout(&self, model: &Model) -> Option<String> {
        if self.acted { None } else { callout::text(model) }
    }

    /// The lists that there are now, in order.
    pub fn lists(&self) -> impl Iterator<Item = List> {
        let shown = |list: &List| match list {
            List::Moment => self.cursor.is_some(),
            List::Thresholds | List::Events => !self.wide,
            _ => true,
        };
        List::ALL.into_iter().filter(move |list| shown(list))
    }

    /// The list that is chosen.
    pub fn list(&self) -> List {
        if self.lists().any(|list| list == self.list) { self.list } else { List::Slowest }
    }

    /// The requests of the list that is chosen.
    pub fn rows(&self, model: &Model) -> Vec<Exemplar> {
        match self.list() {
            List::Moment => {
                let second = self.cursor.and_then(|second| model.seconds().get(second));
                second.map(|second| second.exemplars.clone()).unwrap_or_default()
            }
            List::Slowest => model.slowest().to_vec(),
            List::Failed => model.failed().copied().collect(),
            List::Newest => model.newest().copied().collect(),
            List::Thresholds | List::Events => Vec::new(),
        }
    }

    /// Which of the rows is chosen: the first, where the chosen one has gone.
    pub fn chosen_row(&self, model: &Model) -> usize {
        let chosen = |row: &Exemplar| Some(row.trace_id) == self.chosen;
        self.rows(model).iter().position(chosen).unwrap_or_default()
    }

    /// Takes in a key.
    pub fn on_key(&mut self, key: KeyEvent, model: &Model) -> Option<Wish> {
        self.note = None;
        if key.code == KeyCode::F(12) {
            self.picture = true;
            return None;
        }
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
        match self.overlay {
            Some(Overlay::Finder) => return self.on_key_in_finder(key.code, model),
            Some(overlay) => return self.on_key_over(key.code, overlay),
            None => {}
        }
        if self.is_writing() {
            self.write(key.code);
            return None;
        }
        match key.code {
            KeyCode::Char(digit) if let Some(room) = Room::of_key(digit) => self.enter(room),
            KeyCode::Char('q') => return Some(Wish::Quit),
            KeyCode::Char('?') => self.overlay = Some(Overlay::Help),
            KeyCode::Char(':') => self.find(),
            KeyCode::Char('e') => self.overlay = Some(Overlay::Meaning(0)),
            KeyCode::Char('s') => self.overlay = Some(Overlay::Scenarios(self.current)),
            KeyCode::Char('w') => {
                // Once, as of now: it looks at thousands of requests.
                let moment = self.cursor.map(Duration::from_secs);
                self.why = explain::text(&moment.map_or_else(|| explain::whole_run(model), |moment| explain::at(model, moment)));
                self.overlay = Some(Overlay::Why(0));
            }
            // A run that is over has no pace, and one of users alone has no rates. The equals sign is the plus of many keyboards.
            KeyCode::Char('o') => self.look_outside(model),
            KeyCode::Char('y') => self.errand = self.pointed_at(model).map(|(id, _)| Errand::Copy(id)),
            KeyCode::Char('+' | '=' | '-' | ' ') if model.finished().is_some() => {}
            KeyCode::Char('+' | '=' | '-') if !model.plan().has_rates() => {}
            KeyCode::Char('+' | '=') => self.step_pace(1.0),
            KeyCode::Char('-') => self.step_pace(-1.0),
            KeyCode::Char(' ') => self.ask(if self.pace.paused { Command::Resume } else { Command::Pause }),
            code if self.open.is_some() => self.on_key_in_trace(code, model),
            code => match self.room {
                Room::Run => self.on_key_in_run(code, model),
                Room::Latency => room::latency::on_key(self, code, model),
                Room::Database => room::database::on_key(self, code, model),
                Room::Traces => room::traces::on_key(self, code),
                Room::Logs => room::logs::on_key(self, code, model),
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
        self.asked = self.pace.obey(command).map(|_| command);
    }

    fn find(&mut self) {
        self.finder = Finder::default();
        self.overlay = Some(Overlay::Finder);
    }

    fn on_key_in_finder(&mut self, code: KeyCode, model: &Model) -> Option<Wish> {
        if code == KeyCode::Esc {
            self.overlay = None;
            return None;
        }
        let what = self.finder.on_key(code, &finder::entries(self))?;
        self.overlay = None;
        match what {
            What::Key(code) => self.on_key(code.into(), model),
            What::Room(room) => {
                self.enter(room);
                None
            }
            What::Run(index) => Some(Wish::Run(index)),
        }
    }

    fn on_key_over(&mut self, code: KeyCode, overlay: Overlay) -> Option<Wish> {
        let last = self.scenarios.len().saturating_sub(1);
        match (overlay, code) {
            (_, KeyCode::Char('q')) => return Some(Wish::Quit),
            (Overlay::Scenarios(row), KeyCode::Up | KeyCode::Char('k')) => self.overlay = Some(Overlay::Scenarios(row.saturating_sub(1))),
            (Overlay::Scenarios(row), KeyCode::Down | KeyCode::Char('j')) => self.overlay = Some(Overlay::Scenarios((row + 1).min(last))),
            (Overlay::Scenarios(_), KeyCode::Home | KeyCode::Char('g')) => self.overlay = Some(Overlay::Scenarios(0)),
            (Overlay::Scenarios(_), KeyCode::End | KeyCode::Char('G')) => self.overlay = Some(Overlay::Scenarios(last)),
            (Overlay::Scenarios(row), KeyCode::Enter) if row <= last && !self.scenarios.is_empty() => return Some(Wish::Run(row)),
            (Overlay::Meaning(row), KeyCode::Up | KeyCode::Char('k')) => self.overlay = Some(Overlay::Meaning(row.saturating_sub(1))),
            (Overlay::Meaning(row), KeyCode::Down | KeyCode::Char('j')) => {
                self.overlay = Some(Overlay::Meaning((row + 1).min(glossary::figures(self.room).len() - 1)));
            }
            (Overlay::Why(line), KeyCode::Up | KeyCode::Char('k')) => self.overlay = Some(Overlay::Why(line.saturating_sub(1))),
            (Overlay::Why(line), KeyCode::Down | KeyCode::Char('j')) => self.overlay = Some(Overlay::Why(line.saturating_add(1))),
            (Overlay::Why(_), KeyCode::Home | KeyCode::Char('g')) => self.overlay = Some(Overlay::Why(0)),
            (Overlay::Why(_), KeyCode::Char('w') | KeyCode::Esc)
            | (Overlay::Scenarios(_), KeyCode::Char('s') | KeyCode::Esc)
            | (Overlay::Meaning(_), KeyCode::Char('e') | KeyCode::Esc)
            | (Overlay::Help, _) => self.overlay = None,
            _ => {}
        }
        None
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
            Room::Latency | Room::Database | Room::Logs => {}
        }
    }

    /// The keys of the cursor, which all rooms with a time axis share; whether it was one of them.
    pub(super) fn on_key_of_time(&mut self, code: KeyCode, model: &Model) -> bool {
        let last = model.now().as_secs();
        let first = model.seconds().iter().next().map_or(0, |second| second.place.index);
        match code {
            KeyCode::Left | KeyCode::Char('h') => {
                self.look_at(self.cursor.map_or(last.saturating_sub(1), |at| at.saturating_sub(1)).max(first));
            }
            KeyCode::Right | KeyCode::Char('l') if self.cursor.is_some() => self.look_at(self.cursor.map_or(last, |at| at + 1).min(last)),
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

    fn look_at(&mut self, second: u64) {
        self.cursor = Some(second);
        self.list = List::Moment;
        self.chosen = None;
    }

    fn back_to_live(&mut self) {
        self.cursor = None;
        self.list = List::Slowest;
        self.chosen = None;
    }

    /// Opens the trace of the slowest request: of the second under the cursor, else of the run.
    pub(super) fn open_worst(&mut self, model: &Model) {
        self.open(self.rows(model).first().copied());
    }

    fn open(&mut self, request: Option<Exemplar>) {
        if let Some(request) = request {
            self.chosen = Some(request.trace_id);
            let took = format::milliseconds(Some(f64::from(request.micros) / 1000.0));
            self.open_trace(request.trace_id, format!("{}, {took} after it was due", request.outcome));
        }
    }

    /// Opens a trace, whoever found it.
    pub(super) fn open_trace(&mut self, trace_id: TraceId, told: String) {
        self.open = Some(Open::new(trace_id, told));
    }

    /// Follows the run; stands still while the viewer looks back, and moves just so far that the cursor stays in sight.
    pub(super) fn time_axis(&mut self, columns: u16, model: &Model) -> TimeAxis {
        let live = TimeAxis::ending_at(model.now().as_secs(), columns);
        let Some(cursor) = self.cursor else {
            self.view = None;
            return live;
        };
        let first = self.view.unwrap_or(live.first).min(cursor).max((cursor + 1).saturating_sub(u64::from(columns)));
        self.view = Some(first);
        TimeAxis::beginning_at(first, columns)
    }

    /// What is wanted from the store: the open trace, as its spans come in, and what the room that is shown looks for.
    pub fn questions(&self) -> Vec<Question> {
        let open = self.open.as_ref().map(|open| Question::Trace(open.trace_id));
        let of_room = match self.room {
            Room::Traces => self.traces.question(),
            Room::Logs if self.open.is_none() => Some(self.logs.question()),
            Room::Logs => None,
            Room::Run | Room::Latency | Room::Database => None,
        };
        open.into_iter().chain(of_room).collect()
    }

    /// What the store says.
    pub fn hear(&mut self, answer: Answer) {
        match answer {
            Answer::Trace(id, trace) => {
                if let Some(open) = self.open.as_mut().filter(|open| open.trace_id == id) {
                    open.hear(trace);
                }
            }
            Answer::Traces(question, found) => self.traces.hear(&question, found),
            Answer::Logs(mark, found) => self.logs.hear(mark, found),
        }
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
    pub(super) fn is_writing(&self) -> bool {
        self.overlay.is_none()
            && self.open.is_none()
            && match self.room {
                Room::Traces => self.traces.is_writing(),
                Room::Logs => self.logs.is_writing(),
                Room::Run | Room::Latency | Room::Database => false,
            }
    }

    fn write(&mut self, code: KeyCode) {
        match self.room {
            Room::Traces => self.traces.write(code),
            Room::Logs => self.logs.write(code),
            Room::Run | Room::Latency | Room::Database => {}
        }
    }

    /// A click does what is written at its place, the wheel what the arrow keys do.
    pub fn on_mouse(&mut self, mouse: MouseEvent, model: &Model) -> Option<Wish> {
        let key = match mouse.kind {
            MouseEventKind::ScrollUp => KeyCode::Up,
            MouseEventKind::ScrollDown => KeyCode::Down,
            MouseEventKind::Down(MouseButton::Left) if self.overlay.is_none() => {
                self.click(Position { x: mouse.column, y: mouse.row }, model);
                return None;
            }
            MouseEventKind::Down(MouseButton::Left) => KeyCode::Esc,
            _ => return None,
        };
        self.on_key(key.into(), model)
    }

    fn click(&mut self, at: Position, model: &Model) {
        let Some((place, click)) = self.clicks.iter().rev().find(|(place, _)| place.contains(at)).copied() else { return };
        let row = usize::from(at.y - place.y);
        match click {
            Click::Room(room) => self.enter(room),
            Click::Time(axis) => {
                let second = axis.first + u64::from(at.x - place.x);
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
        }
    }

    /// The first click chooses a row, the next one opens it.
    fn choose(&mut self, row: usize, model: &Model) {
        let again = match self.room {
            Room::Traces => self.traces.choose(row),
            Room::Logs => self.logs.choose(row),
            Room::Database => room::database::choose(self, row, model),
            Room::Latency => {
                self.latency.choose(row);
                false
            }
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

    fn enter(&mut self, room: Room) {
        (self.room, self.open, self.acted) = (room, None, true);
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

/// How long ago a moment was, for those who watch live.
pub(super) fn ago(model: &Model, second: u64) -> Duration {
    model.now().saturating_sub(Duration::from_secs(second))
}
