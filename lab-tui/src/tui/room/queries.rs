//! Questions in PromQL, LogQL and TraceQL to the backends that there are: the lab's own, the scenario's, and one of each language that the
//! viewer writes. Answers stand on the time axis of the run.

mod answer;
mod catalog;
mod draw;
mod legend;
mod missing;
mod plot;
mod table;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crossterm::event::KeyCode;
use lab_facts::event::TraceId;
use lab_facts::format;
use lab_facts::model::Model;
use lab_facts::query::Query;
use lab_facts::scenario::Backend;
use lab_instrument::observe::backends::{Backends, LINES, RangeQuery, TRACES, Unanswered, scrape_config};
use url::Url;

use crate::tui::ask::Question;
use crate::tui::errand::Errand;
use crate::tui::input::Input;
use crate::tui::room::traces::stepped;
use crate::tui::ui::Ui;
pub(in crate::tui) use answer::Answered;
use catalog::{Entry, Key};
pub(in crate::tui) use draw::draw;

/// How often a run that goes on is asked about again, and a recorded one that has come further.
const AGAIN: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(1)];
/// What a click on the list of queries says, beside the rows of an answer.
const LIST: usize = 1 << 16;

/// What the viewer has chosen here, and the answer to it.
#[derive(Debug, Default)]
pub struct State {
    chosen: Key,
    /// What the viewer has written, one of each language.
    own: BTreeMap<&'static str, String>,
    /// While a query is being written.
    writing: Option<Writing>,
    /// Whether keys go to the answer's rows instead of the queries.
    in_answer: bool,
    /// Set by drawing and by keys: what is to be known.
    wanted: Option<RangeQuery>,
    heard: Option<Heard>,
    /// The row of the answer, and the first one in sight.
    row: usize,
    first: usize,
    /// The first row of the list in sight.
    first_of_list: usize,
    /// The second under the cursor that rows were looked up for.
    jumped: Option<u64>,
    /// The services' pages of metrics, as long as they are there.
    pages: BTreeMap<String, Url>,
    /// Whether what was does not change any more.
    is_recorded: bool,
}

/// A query as it is written.
#[derive(Debug)]
struct Writing {
    backend: Backend,
    input: Input,
    /// Why it was not understood, until it is changed.
    misread: Option<Unanswered>,
}

/// What was heard last.
#[derive(Debug)]
struct Heard {
    query: RangeQuery,
    answered: Result<Answered, Unanswered>,
    at: Instant,
}

impl State {
    /// Another run begins; what is asked stays. What is seen first is a query that somebody answers.
    pub(in crate::tui) fn begin(&mut self, backends: &Backends) {
        (self.wanted, self.heard, self.in_answer) = (None, None, false);
        self.forget_row();
        if matches!(self.chosen, Key::Expected(_)) || self.chosen == Key::default() {
            self.chosen = catalog::first(backends);
        }
    }

    /// Where the run's services tell their metrics.
    pub(in crate::tui) fn offer(&mut self, pages: BTreeMap<String, Url>) {
        self.pages = pages;
    }

    /// What is wanted of a backend while this room is shown: anew now and then as long as it may change.
    pub(in crate::tui) fn question(&self) -> Option<Question> {
        let wanted = self.wanted.as_ref()?;
        let is_known = |heard: &Heard| {
            let is_whole = self.is_recorded && heard.query.window.end >= wanted.window.end && heard.answered.is_ok();
            is_same(&heard.query, wanted) && (is_whole || heard.at.elapsed() < AGAIN[usize::from(self.is_recorded)])
        };
        (!self.heard.as_ref().is_some_and(is_known)).then(|| Question::Query(wanted.clone()))
    }

    /// What came of it.
    pub(in crate::tui) fn hear(&mut self, query: RangeQuery, answered: Result<Answered, Unanswered>) {
        if self.wanted.as_ref().is_some_and(|wanted| is_same(&query, wanted)) {
            self.heard = Some(Heard { query, answered, at: Instant::now() });
        }
    }

    /// The answer to what is chosen, or why there is none.
    fn answered(&self) -> Option<&Result<Answered, Unanswered>> {
        let (heard, wanted) = (self.heard.as_ref()?, self.wanted.as_ref()?);
        is_same(&heard.query, wanted).then_some(&heard.answered)
    }

    fn rows(&self) -> usize {
        self.answered().and_then(|answered| answered.as_ref().ok()).map_or(0, Answered::rows)
    }

    /// Whether keys are letters of a text.
    pub(in crate::tui) fn is_writing(&self) -> bool {
        self.writing.is_some()
    }

    /// Takes in a key of the text; a query that the lab itself is to answer is understood before it is run.
    pub(in crate::tui) fn write(&mut self, code: KeyCode, asks_the_lab: bool) {
        let Some(mut writing) = self.writing.take() else { return };
        match code {
            KeyCode::Esc => return,
            KeyCode::Enter => {
                let text = writing.input.text().trim().to_owned();
                match Query::parse(&text) {
                    Err(misread) if asks_the_lab && writing.backend == Backend::Tempo && !text.is_empty() => {
                        writing.misread = Some(misread.into());
                    }
                    _ => {
                        self.own.insert(writing.backend.key(), text);
                        self.choose(Key::Own(writing.backend));
                        return;
                    }
                }
            }
            code => {
                if writing.input.on_key(code) {
                    writing.misread = None;
                }
            }
        }
        self.writing = Some(writing);
    }

    fn choose(&mut self, key: Key) {
        if self.chosen != key {
            self.forget_row();
        }
        (self.chosen, self.in_answer) = (key, false);
    }

    fn forget_row(&mut self) {
        (self.row, self.first, self.jumped) = (0, 0, None);
    }

    /// The trace of the row that is chosen.
    pub(in crate::tui) fn chosen_trace(&self) -> Option<TraceId> {
        self.answered()?.as_ref().ok()?.trace(self.row)
    }
}

/// Whether only the time differs.
fn is_same(one: &RangeQuery, other: &RangeQuery) -> bool {
    (one.backend, &one.text) == (other.backend, &other.text)
}

/// The keys that count here.
pub(in crate::tui) fn keys(ui: &Ui) -> &'static [(&'static str, &'static str)] {
    let state = &ui.queries;
    if state.is_writing() {
        return &[("Enter", "run"), ("Esc", "leave")];
    }
    let has_traces = state.answered().is_some_and(|answered| answered.as_ref().is_ok_and(|answered| !answered.is_plot()));
    match (state.in_answer, has_traces) {
        (false, _) => &[
            ("↑↓", "query"),
            ("/", "edit"),
            ("Tab", "answer"),
            ("←→", "moment"),
            ("y", "copy"),
            ("e", "means"),
            ("?", "help"),
            ("q", "quit"),
        ],
        (true, true) => {
            &[("↑↓", "row"), ("Enter", "trace"), ("Esc", "queries"), ("/", "edit"), ("←→", "moment"), ("?", "help"), ("q", "quit")]
        }
        (true, false) => &[("↑↓", "series"), ("Esc", "queries"), ("/", "edit"), ("←→", "moment"), ("?", "help"), ("q", "quit")],
    }
}

/// Takes in a key.
pub(in crate::tui) fn on_key(ui: &mut Ui, code: KeyCode, model: &Model) {
    match code {
        KeyCode::Char('/') => begin_writing(ui, model),
        KeyCode::Tab | KeyCode::BackTab => ui.queries.in_answer = !ui.queries.in_answer && ui.queries.rows() > 0,
        KeyCode::Esc | KeyCode::Backspace if ui.queries.in_answer => ui.queries.in_answer = false,
        KeyCode::Enter if ui.queries.in_answer => open(ui),
        KeyCode::Enter => ui.queries.in_answer = ui.queries.rows() > 0,
        KeyCode::Up | KeyCode::Down | KeyCode::PageUp | KeyCode::PageDown | KeyCode::Char('j' | 'k') => {
            let Some(next) = stepped(code) else { return };
            let state = &mut ui.queries;
            if state.in_answer {
                state.row = next(state.row).min(state.rows().saturating_sub(1));
            } else {
                let keys = catalog::keys(model);
                let here = keys.iter().position(|key| *key == state.chosen).unwrap_or_default();
                if let Some(key) = keys.get(next(here).min(keys.len() - 1)) {
                    state.choose(*key);
                }
            }
        }
        code => {
            ui.on_key_of_time(code, model);
        }
    }
    want(ui, model);
}

/// Takes in a key of the query that is being written.
pub(in crate::tui) fn on_key_in_line(ui: &mut Ui, code: KeyCode, model: &Model) {
    ui.queries.write(code, ui.backends.tempo.is_none());
    want(ui, model);
}

fn begin_writing(ui: &mut Ui, model: &Model) {
    let Entry { backend, text, .. } = catalog::entry(&ui.queries, model);
    ui.queries.writing = Some(Writing { backend, input: Input::new(text), misread: None });
}

/// What is chosen, and the time that it is to be known of.
pub(super) fn want(ui: &mut Ui, model: &Model) {
    let entry = catalog::entry(&ui.queries, model);
    let is_answered = catalog::is_answered(entry.backend, &ui.backends);
    let window = answer::window(model, ui.replay.is_some());
    let wanted = window.filter(|_| is_answered && !entry.text.is_empty());
    let state = &mut ui.queries;
    state.is_recorded = ui.replay.is_some();
    state.wanted = wanted.map(|window| RangeQuery { backend: entry.backend, text: entry.text, window });
}

/// Chooses a row of the list or of the answer; whether it was the chosen one already.
pub(in crate::tui) fn choose(ui: &mut Ui, row: usize, model: &Model) -> bool {
    if let Some(row) = row.checked_sub(LIST) {
        if let Some(catalog::Row::Query(key)) = catalog::rows(model).get(row) {
            let before = ui.queries.chosen;
            ui.queries.choose(*key);
            want(ui, model);
            return before == *key && ui.queries.rows() > 0;
        }
        return false;
    }
    let state = &mut ui.queries;
    if row >= state.rows() {
        return false;
    }
    let again = state.in_answer && state.row == row;
    (state.row, state.in_answer) = (row, true);
    again
}

/// Opens the trace of the next row of the answer, or of the one before.
pub(in crate::tui) fn step(ui: &mut Ui, by: isize) {
    let row = ui.queries.row.saturating_add_signed(by);
    if row < ui.queries.rows() && row != ui.queries.row {
        ui.queries.row = row;
        open(ui);
    }
}

fn open(ui: &mut Ui) {
    let Some(Ok(answered)) = ui.queries.answered() else { return };
    match (answered.trace(ui.queries.row), answered) {
        (Some(id), answered) => {
            let told = answered.told(ui.queries.row);
            ui.open_trace(id, told);
        }
        (None, Answered::Lines(_)) => ui.note = Some("this line was written outside of any trace".to_owned()),
        (None, _) => {}
    }
}

/// What `y` copies: the trace of the chosen row, what is lacking of a Prometheus's configuration, or the query.
pub(in crate::tui) fn copied(ui: &Ui, model: &Model) -> Option<Errand> {
    if let Some(id) = ui.queries.chosen_trace().filter(|_| ui.queries.in_answer) {
        return Some(Errand::Copy(id.to_string()));
    }
    let entry = catalog::entry(&ui.queries, model);
    if entry.backend == Backend::Prometheus && ui.backends.prometheus.is_none() && !ui.queries.pages.is_empty() {
        return Some(Errand::Copy(scrape_config(&ui.queries.pages)));
    }
    (!entry.text.is_empty()).then_some(Errand::Copy(entry.text))
}

/// How many there are of what an answer has.
fn counted(answered: &Answered) -> String {
    match answered {
        Answered::Series { all, left_out: 0 } => format!("{} series", all.len()),
        Answered::Series { all, left_out } => format!("the {} highest of {} series", all.len(), all.len() + left_out),
        Answered::Lines(lines) if lines.len() >= LINES => format!("the newest {} lines", lines.len()),
        Answered::Lines(lines) => format::count(lines.len(), "line"),
        Answered::Traces(found) if found.len() >= TRACES => format!("the newest {} traces", found.len()),
        Answered::Traces(found) => format::count(found.len(), "trace"),
    }
}
