use super::*;
use crate::event::{Cell, Command, Control, Pace, TraceId};

fn model(loads: &str) -> Model {
    Model::new(Arc::new(Plan::parse(&format!("format = 1\ntitle = \"t\"\n{loads}"), "t", &[]).unwrap()))
}

fn load(name: &str, executor: &str, keys: &str) -> String {
    format!("[[load]]\nname = \"{name}\"\nexecutor = \"{executor}\"\n{keys}\n[[load.request]]\nget = \"http://a/\"\n")
}

/// A request that was due then and ended so long after.
fn answer(load: usize, at: u64, millis: u32, outcome: Outcome, failed: bool) -> Event {
    let (at, micros) = (Duration::from_millis(at), millis * 1000);
    let times = Samples::from_micros(vec![micros]);
    let cell = Cell { request: 0, outcome, response_time: times.clone(), service_time: times };
    let exemplar = Exemplar { load, request: 0, at, micros, trace_id: TraceId([1; 16]), outcome, failed };
    let index = u64::try_from(at.as_millis() / WINDOW.as_millis()).unwrap();
    let window = LoadWindow { load, index, offered: 1, cells: vec![cell], exemplars: vec![exemplar], ..LoadWindow::default() };
    Event { at, fact: Fact::Window(window) }
}

#[test]
fn a_load_is_due_until_its_end_or_until_all_is_done() {
    let mut model = model(
        &[
            load("rate", "constant-arrival-rate", "rate = 1\nduration = \"3s\"\nstart = \"1s\""),
            load("users", "constant-vus", "duration = \"2s\""),
            load("shared", "shared-iterations", "max_duration = \"1m\"\nstart = \"2s\""),
            load("each", "per-vu-iterations", "max_duration = \"5s\""),
        ]
        .concat(),
    );
    let due = |model: &Model| [0, 1, 2, 3].map(|load| model.due(load).as_millis());
    // Loads that end when all is done are due for as long as anything was answered.
    assert_eq!(due(&model), [4000, 2000, 0, 0]);
    for load in 0..4 {
        model.apply(answer(load, 3000, 250, Outcome::Status(200), false));
    }
    assert_eq!(due(&model), [4000, 2000, 3250, 3250]);
    assert_eq!(model.due_of_all(), Duration::from_secs(4));
    // An earlier request that is told later changes nothing; an answer behind the end does not prolong the load.
    model.apply(answer(2, 2100, 100, Outcome::Status(200), false));
    model.apply(answer(3, 4900, 9000, Outcome::Timeout, true));
    assert_eq!(due(&model), [4000, 2000, 3250, 5000]);
    assert_eq!(model.due_of_all(), Duration::from_secs(5));
}

#[test]
fn a_request_that_outlasts_its_grace_has_failed() {
    let mut model = model(&load("l", "constant-arrival-rate", "rate = 1\nduration = \"1s\"\ngraceful_stop = \"0s\""));
    assert!(!model.is_expected(0, 0, Outcome::Outlasted));
    model.apply(answer(0, 500, 500, Outcome::Outlasted, true));
    let second = model.seconds().get(0).unwrap();
    assert_eq!((second.ended, second.failed, model.failed().count()), (1, 1, 1));
    // The wait for it is not part of the time in which requests were due.
    assert_eq!((model.due(0), model.loads()[0].answered), (Duration::from_secs(1), Duration::from_secs(1)));
}

#[test]
fn the_pace_is_what_was_obeyed_last_and_what_is_kept_is_bounded() {
    let mut model = model(&load("l", "constant-arrival-rate", "rate = 1\nduration = \"1s\""));
    assert_eq!((model.controls().pace(), model.controls().obeyed().count()), (Pace::default(), 0));
    let mut pace = Pace::default();
    for at in 0..3000_u32 {
        let change = pace.obey(if at % 2 == 0 { &Command::Pause } else { &Command::Resume }).unwrap();
        model.apply(Event { at: Duration::from_secs(at.into()), fact: Fact::Control { change } });
    }
    model.apply(Event { at: Duration::from_secs(3000), fact: Fact::Control { change: Control::Rate(1.3) } });
    let controls = model.controls();
    assert_eq!((controls.pace().notice().as_str(), controls.obeyed().count()), ("×1.3", 1000));
    assert_eq!(controls.obeyed().last(), Some((Duration::from_secs(3000), Control::Rate(1.3))));
}
