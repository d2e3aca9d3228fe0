use std::time::Duration;

use super::*;
use crate::event::{Breakdown, Chosen, Event, Fact, Outcome, TraceId};
use crate::explain::traits;
use crate::scenario::Plan;
use crate::trace::TraceSpan;

fn plan() -> Arc<Plan> {
    let load = "[[load]]\nname = \"l\"\nexecutor = \"constant-vus\"\nduration = \"1s\"\n[[load.request]]\nget = \"http://x/\"\n";
    Arc::new(Plan::parse(&format!("format = 1\ntitle = \"t\"\n{load}"), "t", &[]).unwrap())
}

/// Each span is called by the one before; so many attributes have each of them.
fn says(spans: &[(&str, usize)]) -> Vec<Arc<Trait>> {
    let span = |(service, keys): &(&str, usize)| TraceSpan {
        service: (*service).to_owned(),
        name: format!("GET /{service}"),
        kind: "server".to_owned(),
        attributes: (0..*keys).map(|key| (format!("key {key}"), "x".into())).collect(),
        ..TraceSpan::default()
    };
    let depth: Vec<usize> = (0..spans.len()).collect();
    traits(&spans.iter().map(span).collect::<Vec<_>>(), &depth, |_| true).into_iter().map(Arc::new).collect()
}

/// What is over-represented among the first so many requests.
fn found(first: usize, all: Vec<Vec<Arc<Trait>>>) -> Vec<Overrepresented> {
    let mut model = Model::new(plan());
    let one = |(number, traits): (u128, Vec<Arc<Trait>>)| Breakdown {
        at: Duration::ZERO,
        load: 0,
        trace_id: TraceId((number + 1).to_be_bytes()),
        outcome: Outcome::Status(200),
        failed: Some(false),
        chosen: Chosen::Sampled,
        whole: true,
        micros: 0,
        parts: Vec::new(),
        traits,
    };
    model.apply(Event { at: Duration::ZERO, fact: Fact::Breakdowns((0..).zip(all).map(one).collect()) });
    let requests: Vec<&Breakdown> = model.breakdowns().iter().collect();
    let (subject, baseline) = requests.split_at(first);
    let subject = Side::of_requests("some".to_owned(), &model, subject.to_vec());
    over_represented(&subject, &Side::of_others("others".to_owned(), &model, baseline.to_vec()), false)
}

#[test]
fn what_a_long_trace_leaves_out_is_not_said_of_the_short_ones_that_ended_before() {
    // The door says the same of all of them; behind it is so much that the door's attributes find no place.
    let short = says(&[("door", 20), ("hall", 20)]);
    let long = says(&[("door", 20), ("hall", 20), ("room", 60), ("chest", 60)]);
    assert!(!long.iter().any(|one| &*one.service == "door" && one.key.starts_with("key")), "there must be something to leave out");
    let named = found(30, [vec![short; 30], vec![long; 300]].concat());
    assert_eq!(named, []);
}

#[test]
fn what_is_known_of_all_is_still_named() {
    let mut failed = says(&[("door", 20)]);
    failed.insert(0, Arc::new(Trait { service: "door".into(), key: "status".into(), value: "error".into() }));
    let long = says(&[("door", 20), ("room", 200)]);
    let named = found(30, [vec![failed; 30], vec![long; 300]].concat());
    let named: Vec<String> = named.iter().map(|one| format!("{} {}/{}", one.key, one.subject, one.baseline)).collect();
    assert_eq!(named, ["status 30/0"]);
}

#[test]
fn an_attribute_that_was_given_up_for_its_many_values_is_not_named() {
    let user = |name: String| vec![Arc::new(Trait { service: "s".into(), key: "user".into(), value: name.into() })];
    let early = |number: usize| user(if number.is_multiple_of(2) { "most".to_owned() } else { number.to_string() });
    let given_up: Vec<_> = (0..2 * VALUES).map(early).chain(vec![Vec::new(); 300]).collect();
    assert_eq!(found(2 * VALUES, given_up), []);
    let known: Vec<_> = (0..VALUES).map(early).chain(vec![Vec::new(); 300]).collect();
    assert_eq!(found(VALUES, known).first().map(|one| one.value.as_str()), Some("most"));
}
