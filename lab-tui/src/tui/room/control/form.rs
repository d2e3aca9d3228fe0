//! What is typed about one kind of fault, and what the reader of scenarios says to it.

use std::time::Duration;

use lab_facts::model::{FaultState, Model};
use lab_facts::scenario::{Fault, FaultForm, FaultKey, FaultKind, Mistyped, stepped_time, typed_duration};

use super::when::clock;
use crate::tui::input::Input;

/// How long a fault lasts where nobody says anything else: it ends by itself, should it be forgotten.
const LASTS: &str = "10s";

/// The fields of a fault: its keys, and how long it is to last.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) kind: FaultForm,
    pub(super) keys: Vec<FaultKey>,
    fields: Vec<Input>,
}

impl Form {
    pub(super) fn new(kind: FaultForm, services: &[&str]) -> Self {
        let keys = kind.keys(services);
        let fields = keys.iter().map(|key| key.first.as_str()).chain([LASTS]).map(Input::new).collect();
        Self { kind, keys, fields }
    }

    /// Each with its name, and what holds while it is empty.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&'static str, String, &Input)> {
        let keys =
            self.keys.iter().map(|key| (key.name, key.default.as_ref().map_or("any".to_owned(), |default| format!("{default} (default)"))));
        keys.chain([("for", "until you end it".to_owned())]).zip(&self.fields).map(|((name, empty), input)| (name, empty, input))
    }

    /// What a field says, in a sentence.
    pub(super) fn about(&self, field: usize) -> &'static str {
        self.keys.get(field).map_or("After which it is undone. Empty: until you end it, or leave.", |key| key.about)
    }

    /// The field whose key comes last is how long it lasts.
    pub(super) fn last(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn field(&mut self, field: usize) -> Option<&mut Input> {
        self.fields.get_mut(field)
    }

    /// A little more, or less.
    pub(super) fn step(&mut self, field: usize, up: bool, services: &[&str]) {
        let Some(input) = self.fields.get_mut(field) else { return };
        let next = match self.keys.get(field) {
            Some(key) => self.kind.stepped(key, input.text(), up, services),
            None => stepped_time(input.text(), up),
        };
        *input = Input::new(next);
    }

    /// The fault, now; or why not, in the words of the reader of scenarios.
    pub(super) fn wanted(&self, services: &[&str], model: &Model) -> Result<(FaultKind, Duration), Mistyped> {
        let typed: Vec<String> = self.fields.iter().take(self.keys.len()).map(|input| input.text().to_owned()).collect();
        let kind = self.kind.read(&typed, services)?;
        let lasts = self.fields.last().map_or("", Input::text);
        let duration = typed_duration(lasts).map_err(|why| Mistyped { key: Some(self.last()), why })?;
        match in_the_way(&kind, duration, model) {
            None => Ok((kind, duration)),
            Some(why) => Err(Mistyped { key: None, why }),
        }
    }
}

/// Which other fault disturbs the same, so that the two could not be undone apart.
fn in_the_way(kind: &FaultKind, duration: Duration, model: &Model) -> Option<String> {
    let now = model.now();
    let wanted = Fault { name: String::new(), at: now, duration, kind: kind.clone() };
    let meets = |state: &FaultState| {
        let FaultState { fault, started, ended, failed, .. } = state;
        let (from, to) = (started.unwrap_or(fault.at), started.unwrap_or(fault.at).saturating_add(fault.duration));
        let is_there = ended.is_none() && (failed.is_none() || started.is_some());
        // One that is late in ending still disturbs.
        (is_there && from < wanted.end() && (started.is_some() || now < to)).then_some(from)
    };
    let mut others = model.faults().iter().filter_map(|state| Some((state, meets(state)?, wanted.exclusive_with(&state.fault)?)));
    let (other, from, what) = others.next()?;
    let name = &other.fault.name;
    Some(if other.is_on() {
        format!("`{name}` disturbs {what} already (end it first)")
    } else {
        format!("`{name}` is to disturb {what} from {} on (let this one end before)", clock(from))
    })
}
