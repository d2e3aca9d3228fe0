//! What there is to run, how the run that is on stands, and what ran before.

mod draw;
mod files;
mod preview;
mod runs;
mod standing;
mod timeline;

use std::path::{Path, PathBuf};

use crossterm::event::KeyCode;
use lab_facts::event::Command;
use lab_facts::model::Model;

use crate::tui::room::Room;
use crate::tui::shelf::{Had, Listed, PastRun, Wanted};
use crate::tui::ui::{Ui, Wish};
pub(in crate::tui) use draw::draw;
use runs::Comparison;

/// How far a page key goes, in lines of the preview.
const PAGE: u16 = 5;

/// The lists that share the room; `Tab` turns between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pane {
    /// What can be run, with the plan of the chosen one.
    #[default]
    Files,
    /// How the promises of the run that is on stand.
    Standing,
    /// What was recorded.
    Runs,
}

impl Pane {
    const ALL: [Self; 3] = [Self::Files, Self::Standing, Self::Runs];

    fn name(self) -> &'static str {
        match self {
            Self::Files => "scenarios",
            Self::Standing => "verdict",
            Self::Runs => "runs",
        }
    }

    fn turned(self, by: usize) -> Self {
        let here = Self::ALL.iter().position(|pane| *pane == self).unwrap_or_default();
        Self::ALL[(here + by) % Self::ALL.len()]
    }
}

/// What the viewer has chosen here, and what the disk said.
#[derive(Debug, Default)]
pub struct State {
    pane: Pane,
    /// Rows of either list.
    file: usize,
    run: usize,
    /// The first line of what is told of the plan.
    line: u16,
    /// Nothing before the first answer.
    runs: Option<Result<Vec<PastRun>, String>>,
    comparison: Option<Comparison>,
    /// Whether the disk may have changed since it was looked at.
    files_are_stale: bool,
    runs_are_stale: bool,
    /// What was edited, until its check is shown.
    edited: Option<PathBuf>,
}

impl State {
    /// The viewer comes here; the disk is looked at again, and what runs is chosen.
    pub(in crate::tui) fn enter(&mut self, current: usize) {
        (self.pane, self.file, self.line) = (Pane::Files, current, 0);
        (self.files_are_stale, self.runs_are_stale) = (true, true);
    }

    /// A run begins, so the one before is in the history.
    pub(in crate::tui) fn begin(&mut self) {
        self.runs_are_stale = true;
        self.pane = Pane::Standing;
    }

    /// The editor has ended.
    pub(in crate::tui) fn edited(&mut self, path: PathBuf) {
        self.edited = Some(path);
        self.files_are_stale = true;
    }

    /// What is wanted of the disk: the comparison first, for which somebody waits.
    pub(in crate::tui) fn question(&self, scenarios: &[Listed], has_scenarios: bool) -> Option<Wanted> {
        let known = |listed: &Listed| Some((listed.file.clone()?, listed.planned.as_ref().and_then(|planned| planned.time_scale)));
        if let Some(comparison) = self.comparison.as_ref().filter(|comparison| comparison.told.is_none()) {
            return Some(Wanted::Comparison(comparison.baseline.clone(), comparison.current.clone()));
        }
        if self.files_are_stale && has_scenarios {
            let known: Vec<_> = scenarios.iter().filter_map(known).collect();
            return Some(Wanted::Scenarios { known, edited: self.edited.clone() });
        }
        self.runs_are_stale.then_some(Wanted::Runs)
    }
}

/// What the disk says. Rows keep their places, for whoever has chosen one.
pub(in crate::tui) fn hear(ui: &mut Ui, wanted: &Wanted, had: Had) {
    let state = &mut ui.scenario_room;
    match had {
        Had::Scenarios(listed) => {
            // What was edited since it was asked for is asked for again.
            let is_fresh = matches!(wanted, Wanted::Scenarios { edited, .. } if *edited == state.edited);
            state.files_are_stale = !is_fresh;
            let edited = state.edited.take_if(|_| is_fresh);
            listed.into_iter().for_each(|listed| put(&mut ui.scenarios, listed));
            if let Some(edited) = edited {
                show_checked(ui, &edited);
            }
        }
        Had::Runs(found) => {
            state.runs_are_stale = false;
            state.run = state.run.min(found.as_ref().map_or(0, |runs| runs.len().saturating_sub(1)));
            state.runs = Some(found);
        }
        Had::Comparison(told) => {
            let asked =
                |comparison: &&mut Comparison| *wanted == Wanted::Comparison(comparison.baseline.clone(), comparison.current.clone());
            if let Some(comparison) = state.comparison.as_mut().filter(asked) {
                comparison.told = Some(told);
            }
        }
    }
}

/// A file that is known stays in its row, and keeps what was understood of it last.
fn put(scenarios: &mut Vec<Listed>, found: Listed) {
    match scenarios.iter_mut().find(|listed| listed.file.is_some() && listed.file == found.file) {
        Some(listed) => *listed = Listed { planned: found.planned.or(listed.planned.take()), ..found },
        None => scenarios.push(found),
    }
}

/// The checker's answer about what was edited.
fn show_checked(ui: &mut Ui, edited: &Path) {
    let Some(row) = ui.scenarios.iter().position(|listed| listed.file.as_deref() == Some(edited)) else { return };
    let state = &mut ui.scenario_room;
    (state.pane, state.file, state.line) = (Pane::Files, row, 0);
    // What the editor itself said of its end matters more.
    if ui.note.is_none() {
        let name = edited.display();
        ui.note = Some(match ui.scenarios[row].problems.len() {
            0 => format!("{name} is understood: Enter runs it"),
            1 => format!("{name} has a problem: E edits it again"),
            count => format!("{name} has {count} problems: E edits it again"),
        });
    }
}

/// The keys that count here.
pub(in crate::tui) fn keys(ui: &Ui) -> &'static [(&'static str, &'static str)] {
    match ui.scenario_room.pane {
        _ if ui.replay.is_some() => {
            &[("↑↓", "pick"), ("Tab", "scenario/verdict/runs"), ("Enter", "compare"), ("r", "again"), ("?", "help"), ("q", "quit")]
        }
        Pane::Runs => {
            &[("↑↓", "run"), ("Enter", "compare"), ("Tab", "scenarios"), ("x", "stop"), ("r", "restart"), ("?", "help"), ("q", "quit")]
        }
        Pane::Files | Pane::Standing => &[
            ("↑↓", "scenario"),
            ("Enter", "run"),
            ("E", "edit"),
            ("x", "stop"),
            ("r", "restart"),
            ("Tab", "verdict, runs"),
            ("?", "help"),
            ("q", "quit"),
        ],
    }
}

/// Takes in a key.
pub(in crate::tui) fn on_key(ui: &mut Ui, code: KeyCode, model: &Model) -> Option<Wish> {
    if let Some(comparison) = &mut ui.scenario_room.comparison {
        if !comparison.on_key(code) {
            ui.scenario_room.comparison = None;
        }
        return None;
    }
    let (files, state) = (ui.scenarios.len(), &mut ui.scenario_room);
    match code {
        KeyCode::Tab => state.pane = state.pane.turned(1),
        KeyCode::BackTab => state.pane = state.pane.turned(Pane::ALL.len() - 1),
        KeyCode::PageUp => state.line = state.line.saturating_sub(PAGE),
        KeyCode::PageDown => state.line = state.line.saturating_add(PAGE),
        KeyCode::Esc => ui.enter(Room::Run),
        KeyCode::Char('x') => stop(ui, model),
        KeyCode::Char('r') => return if ui.replay.is_some() { Some(Wish::Run(ui.current)) } else { ui.wish_for(ui.current, model) },
        KeyCode::Char('E') if ui.replay.is_some() => ui.note = Some("a replay edits nothing; `lab` without it does".to_owned()),
        KeyCode::Char('E') => return Some(Wish::Edit(state.file)).filter(|_| state.file < files),
        KeyCode::Enter => match state.pane {
            Pane::Files => {
                let row = state.file;
                return ui.wish_for(row, model);
            }
            Pane::Runs => ui.note = state.compare().err().map(str::to_owned),
            Pane::Standing => {}
        },
        code => {
            if let Some(next) = super::traces::stepped(code) {
                state.step(next, files);
            }
        }
    }
    None
}

impl State {
    fn step(&mut self, next: impl Fn(usize) -> usize, files: usize) {
        let runs = self.runs.as_ref().and_then(|runs| runs.as_ref().ok()).map_or(0, Vec::len);
        match self.pane {
            Pane::Files => (self.file, self.line) = (next(self.file).min(files.saturating_sub(1)), 0),
            Pane::Runs => self.run = next(self.run).min(runs.saturating_sub(1)),
            Pane::Standing => self.line = u16::try_from(next(usize::from(self.line))).unwrap_or(u16::MAX),
        }
    }
}

/// A click on a row: whether it was chosen before.
pub(in crate::tui) fn choose(ui: &mut Ui, pane: Pane, row: usize) -> bool {
    let (files, state) = (ui.scenarios.len(), &mut ui.scenario_room);
    let before = (state.pane, state.file, state.run);
    state.pane = pane;
    state.step(|_| row, files);
    before == (state.pane, state.file, state.run)
}

fn stop(ui: &mut Ui, model: &Model) {
    ui.note = Some(match (ui.replay.is_some(), model.finished().is_some()) {
        (true, _) => "a replay has nothing to stop".to_owned(),
        (_, true) => "the run is over: r begins it again".to_owned(),
        _ => {
            ui.asked = Some(Command::Stop);
            ui.scenario_room.pane = Pane::Standing;
            "stopping: requests in flight end first".to_owned()
        }
    });
}

impl Ui {
    /// The wish for a scenario, where it can be run; else why not.
    pub(in crate::tui) fn wish_for(&mut self, index: usize, model: &Model) -> Option<Wish> {
        let listed = self.scenarios.get(index)?;
        let name = &listed.name;
        if self.replay.is_some() {
            self.note = Some(format!("a replay runs nothing: `lab run {name}` does"));
        } else if !listed.problems.is_empty() || listed.planned.is_none() {
            self.note = Some(format!("{name} is not understood as it is: E edits it"));
        } else {
            if model.finished().is_none() {
                self.note = Some(format!("ending the run that is on, then {name} begins"));
            }
            return Some(Wish::Run(index));
        }
        None
    }
}
