//! What the run on the screen came from, and how it is saved with what was done by hand.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lab_facts::model::{FaultState, Model};
use lab_facts::scenario::{Deeds, Fault, Plan, with_deeds};
use url::Url;

use crate::tui::errand::Errand;

/// What the run on the screen came from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The scenario's name.
    pub name: String,
    /// Its text; `None` where it was not a file's alone, but flags' as well.
    pub text: Option<String>,
    /// What was made of that, without what is done for a screen.
    pub plan: Arc<Plan>,
    /// `--time-scale`; 1 without.
    pub time_scale: f64,
    /// Where the files lie that the scenario names, if it names any; else the file can lie anywhere.
    pub folder: Option<PathBuf>,
    /// The services that faults can reach.
    pub services: Vec<String>,
    /// Where services tell their metrics, by name; empty where they have gone.
    pub pages: BTreeMap<String, Url>,
}

impl Origin {
    /// Saves it; or says why that cannot be.
    pub(super) fn save(&self, model: &Model) -> Result<Errand, String> {
        let deeds = deeds(model);
        if deeds.is_empty() {
            return Err("nothing was done by hand yet, so there is nothing to save".to_owned());
        }
        let text =
            self.text.as_ref().ok_or("what was started with --exec is in no file; write one with `lab new`, and change that by hand")?;
        let text = with_deeds(&self.name, text, &self.plan, self.time_scale, &deeds)?;
        Ok(Errand::Keep { stem: format!("{}-by-hand", self.name), folder: self.folder.clone().unwrap_or_default(), text })
    }
}

/// What was done by hand, as far as it did anything.
fn deeds(model: &Model) -> Deeds {
    let now = model.finished().map_or(model.now(), |end| end.at.min(model.now()));
    // What is still there has lasted until now.
    let was = |state: &FaultState| Some((state.started?, state.ended.unwrap_or(now).max(state.started?)));
    let by_hand = model.faults().iter().filter(|state| state.by_hand).filter_map(|state| {
        let (from, to) = was(state)?;
        Some(Fault { at: from, duration: to - from, ..state.fault.clone() })
    });
    Deeds {
        paces: model.controls().obeyed().collect(),
        faults: by_hand.collect(),
        cut_short: cut_short(model).map(|(index, from, to)| (index, to - from)).collect(),
        until: now,
    }
}

/// Faults of the plan that ended before their time although nothing ended them but a hand: the index, and from when to when they were there.
pub(super) fn cut_short(model: &Model) -> impl Iterator<Item = (usize, Duration, Duration)> {
    let planned = model.faults().iter().enumerate().filter(|(_, state)| !state.by_hand && state.cut_short);
    planned.filter_map(|(index, state)| Some((index, state.started?, state.ended?)))
}
