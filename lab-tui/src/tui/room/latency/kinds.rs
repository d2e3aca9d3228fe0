//! The kinds of requests that a scenario sends: all of them, then each by its load and name.

use lab_facts::model::{Distribution, Model};

/// One kind, and how long its requests took.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) name: String,
    /// How many have ended.
    pub(super) requests: u64,
    /// From the intended start, in milliseconds.
    pub(super) p99: Option<f64>,
}

/// How many there are to choose from; one request alone is all.
pub(super) fn count(model: &Model) -> usize {
    match names(model).len() {
        1 => 1,
        several => several + 1,
    }
}

/// Both latencies of one kind, by its place in the list; and the list.
pub(super) fn of(model: &Model, chosen: usize) -> (Vec<Kind>, [Distribution; 2]) {
    let mut all = [Distribution::default(), Distribution::default()];
    let mut of_chosen = [Distribution::default(), Distribution::default()];
    let mut kinds = Vec::new();
    for (number, (load, request, name)) in (1..).zip(names(model)) {
        let mut own = [Distribution::default(), Distribution::default()];
        for (_, latency) in model.loads()[load].cells.iter().filter(|((known, _), _)| *known == request) {
            own[0].merge(&latency.response);
            own[1].merge(&latency.service);
        }
        all.iter_mut().zip(&own).for_each(|(all, own)| all.merge(own));
        kinds.push(kind(name, &own[0]));
        if number == chosen {
            of_chosen = own;
        }
    }
    if kinds.len() != 1 {
        kinds.insert(0, kind("all requests".to_owned(), &all[0]));
    }
    (kinds, if chosen == 0 { all } else { of_chosen })
}

fn kind(name: String, response: &Distribution) -> Kind {
    Kind { name, requests: response.count(), p99: response.percentile(99.0) }
}

/// In the plan's order; the load is named where there are several.
fn names(model: &Model) -> Vec<(usize, usize, String)> {
    let loads = &model.plan().loads;
    let name = |load: &str, request: &str| if loads.len() > 1 { format!("{load}/{request}") } else { request.to_owned() };
    let of_load = |(index, load): (usize, &lab_facts::scenario::Load)| {
        let requests = load.requests.iter().enumerate();
        requests.map(|(request, it)| (index, request, name(&load.name, &it.name))).collect::<Vec<_>>()
    };
    loads.iter().enumerate().flat_map(of_load).collect()
}
