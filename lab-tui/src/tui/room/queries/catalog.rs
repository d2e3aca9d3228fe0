//! What can be asked, by language: what comes with the lab, what the scenario expects, what the viewer writes.

use std::borrow::Cow;

use lab_facts::format::Unit;
use lab_facts::model::Model;
use lab_facts::scenario::{Backend, Evidence, Expectation, Subject};
use lab_instrument::observe::backends::{Backends, SHIPPED};

use super::State;

pub(super) const LANGUAGES: [(Backend, &str); 3] = [(Backend::Prometheus, "PromQL"), (Backend::Loki, "LogQL"), (Backend::Tempo, "TraceQL")];

/// Which query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// By its place among those that come with the lab.
    Shipped(usize),
    /// By its expectation's place in the plan.
    Expected(usize),
    /// What the viewer writes in that language.
    Own(Backend),
}

impl Default for Key {
    fn default() -> Self {
        Self::Shipped(0)
    }
}

/// A row of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Row {
    /// The language of those below.
    Language(Backend, &'static str),
    Query(Key),
}

/// A query, and what is to be said of it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) backend: Backend,
    pub(super) title: String,
    pub(super) text: String,
    pub(super) unit: Unit,
    pub(super) meaning: Cow<'static, str>,
}

/// All rows, from top to bottom.
pub(super) fn rows(model: &Model) -> Vec<Row> {
    let of = |(backend, name)| {
        let shipped = SHIPPED.iter().enumerate().filter(move |(_, one)| one.backend == backend).map(|(place, _)| Key::Shipped(place));
        let expected = model.plan().expectations.iter().enumerate();
        let expected = expected.filter(move |(_, one)| asked(one).is_some_and(|(other, _)| other == backend));
        let expected = expected.map(|(place, _)| Key::Expected(place));
        [Row::Language(backend, name)].into_iter().chain(shipped.chain(expected).chain([Key::Own(backend)]).map(Row::Query))
    };
    LANGUAGES.into_iter().flat_map(of).collect()
}

/// The queries alone.
pub(super) fn keys(model: &Model) -> Vec<Key> {
    rows(model).into_iter().filter_map(|row| if let Row::Query(key) = row { Some(key) } else { None }).collect()
}

/// Whether there is anybody to ask: TraceQL is the lab's own language as well.
pub(super) fn is_answered(backend: Backend, backends: &Backends) -> bool {
    backend == Backend::Tempo || backends.named(backend).is_some()
}

/// The first of those that come with the lab that somebody answers.
pub(super) fn first(backends: &Backends) -> Key {
    SHIPPED.iter().position(|one| is_answered(one.backend, backends)).map(Key::Shipped).unwrap_or_default()
}

/// What is asked where a query is expected to give something.
fn asked(expectation: &Expectation) -> Option<(Backend, &str)> {
    match &expectation.subject {
        Subject::Counted { evidence: Evidence::Asked(backend, text), .. } => Some((*backend, text)),
        Subject::Counted { evidence: Evidence::Traces(query), .. } => Some((Backend::Tempo, query.as_str())),
        _ => None,
    }
}

/// The query that is chosen.
pub(super) fn entry(state: &State, model: &Model) -> Entry {
    of(state.chosen, state, model).unwrap_or_else(|| shipped(0))
}

/// A query; none where the plan does not have it.
pub(super) fn of(key: Key, state: &State, model: &Model) -> Option<Entry> {
    Some(match key {
        Key::Shipped(place) => shipped(place),
        Key::Expected(place) => {
            let expectation = model.plan().expectations.get(place)?;
            let (backend, text) = asked(expectation)?;
            let meaning = format!("The scenario expects {} of it in what it calls `{}`.", expectation.expected(), expectation.name);
            let (title, text) = (expectation.name.clone(), text.trim().to_owned());
            Entry { backend, title, text, unit: Unit::Number, meaning: meaning.into() }
        }
        Key::Own(backend) => {
            let text = state.own.get(backend.key()).cloned().unwrap_or_default();
            let meaning = if text.is_empty() { "Press / to write a query of your own." } else { "Written by you; / changes it." };
            Entry { backend, title: "your own".to_owned(), text, unit: Unit::Number, meaning: meaning.into() }
        }
    })
}

fn shipped(place: usize) -> Entry {
    let one = SHIPPED.get(place).unwrap_or(&SHIPPED[0]);
    Entry { backend: one.backend, title: one.title.to_owned(), text: one.text.to_owned(), unit: one.unit, meaning: one.meaning.into() }
}
