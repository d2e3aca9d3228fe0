//! What the viewer has chosen: cursor, list, open trace. Facts are in the model; nothing here changes them.

mod keys;
mod mouse;
mod over;

use std::ops::Range;
use std::time::Duration;

use lab_facts::event::{Command, Exemplar, Pace, TraceId};
use lab_facts::format;
use lab_facts::model::Model;
use lab_instrument::observe::backends::Backends;
use lab_instrument::report::TraceLink;
use ratatui::layout::Rect;

use super::actions::Bindings;
use super::ask::{Answer, Question};
use super::axis::TimeScale;
use super::callout;
use super::columns;
use super::errand::Errand;
use super::finder::Finder;
use super::palette::Palette;
use super::percentiles::Known;
use super::plot::TimeAxis;
use super::replay::Replay;
use super::room::{self, Room};
use super::shelf::{Listed, Shelf};
use super::trace::Open;
use super::zoom::Zoom;

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
    /// The same in a room of several lists.
    Row(room::scenarios::Pane, usize),
}

/// What lies over the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlay {
    /// The keys.
    Help,
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
    /// Edit it.
    Edit(usize),
}

/// The state of the screen.
#[derive(Debug)]
pub struct Ui {
    /// The colours.
    pub palette: Palette,
    /// The keys that the viewer wants.
    pub bindings: Bindings,
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
    /// The same of the room of control.
    pub control: room::control::State,
    /// The same of the room of scenarios.
    pub scenario_room: room::scenarios::State,
    /// The same of the room of queries.
    pub queries: room::queries::State,
    /// The backends that the user named.
    pub backends: Backends,
    /// Where scenarios and recorded runs are found.
    pub shelf: Shelf,
    /// Set by drawing: what a click does where. What was drawn last lies on top.
    pub clicks: Vec<(Rect, Click)>,
    /// Set by drawing: thresholds and events have panels of their own.
    pub wide: bool,
    /// Set by drawing: which seconds are in sight.
    pub(super) axis: TimeAxis,
    /// What has been worked out of the columns in sight.
    pub(super) percentiles: Known,
    /// How much of the run that is to be.
    pub(super) zoom: Zoom,
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
    pub(super) asked: Option<Command>,
    errand: Option<Errand>,
    /// What came of the last errand, until the next key.
    pub note: Option<String>,
}

impl Ui {
    /// Nothing is chosen yet.
    pub fn new(palette: Palette, link: Option<TraceLink>, scenarios: Vec<Listed>) -> Self {
        Self {
            palette,
            bindings: Bindings::default(),
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
            control: room::control::State::default(),
            scenario_room: room::scenarios::State::default(),
            queries: room::queries::State::default(),
            backends: Backends::default(),
            shelf: Shelf::default(),
            clicks: Vec::new(),
            wide: false,
            axis: TimeAxis::beginning_at(0, 1, TimeScale::PLAIN),
            percentiles: Known::default(),
            zoom: Zoom::default(),
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
        self.zoom = Zoom::default();
        self.percentiles = Known::default();
        self.open = None;
        self.overlay = None;
        self.latency = room::latency::State::default();
        self.database = room::database::State::default();
        self.traces.begin();
        self.logs.begin();
        self.control.begin();
        self.scenario_room.begin();
        self.queries.begin(&self.backends);
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

    /// Asks something of the run itself.
    pub(super) fn wish(&mut self, command: Command) {
        self.asked = Some(command);
    }

    /// Asks for something outside of the screen.
    pub(super) fn run(&mut self, errand: Errand) {
        self.errand = Some(errand);
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
                Room::Queries => self.queries.chosen_trace()?,
                Room::Scenarios | Room::Control => return None,
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
            List::Moment => self.moment().map(|seconds| columns::moment(model, seconds).requests()).unwrap_or_default(),
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
        let following = self.zoom.following(columns, model);
        self.axis = match self.cursor {
            Some(cursor) if following.first > 0 => {
                let least = TimeAxis::ending_at(cursor, columns, following.scale).first;
                let first = if self.axis.scale == following.scale { self.axis.first } else { following.first };
                TimeAxis::beginning_at(first.min(cursor).max(least), columns, following.scale)
            }
            _ => following,
        };
        self.axis
    }

    /// What the cursor reads: a second, or those that share its column.
    pub(super) fn moment(&self) -> Option<Range<u64>> {
        self.cursor.map(|second| self.axis.around(second))
    }

    /// What is wanted from the store: the open trace, as its spans come in, and what the room that is shown looks for.
    pub fn questions(&self) -> Vec<Question> {
        let open = self.open.as_ref().map(|open| Question::Trace(open.trace_id));
        let of_room = match self.room {
            Room::Traces => self.traces.question(),
            Room::Logs if self.open.is_none() => Some(self.logs.question()),
            Room::Logs => None,
            Room::Scenarios => self.scenario_room.question(&self.scenarios, self.shelf.has_scenarios()).map(Question::Shelf),
            Room::Queries if self.open.is_none() => self.queries.question(),
            Room::Run | Room::Latency | Room::Database | Room::Control | Room::Queries => None,
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
            Answer::Query(query, answered) => self.queries.hear(query, answered),
            Answer::Shelf(wanted, had) => room::scenarios::hear(self, &wanted, had),
        }
    }

    pub(super) fn enter(&mut self, room: Room) {
        (self.room, self.open, self.acted) = (room, None, true);
        if room == Room::Scenarios {
            self.scenario_room.enter(self.current);
        }
    }
}

/// How long ago a moment was, for those who watch live.
pub(super) fn ago(model: &Model, second: u64) -> Duration {
    model.now().saturating_sub(Duration::from_secs(second))
}
