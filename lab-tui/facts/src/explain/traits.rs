//! What the spans of a trace say of themselves, as far as it can be counted over many traces.

use std::collections::HashSet;

use serde_json::Value;

use crate::event::Trait;
use crate::trace::{Status, TraceSpan};

/// How many traits of one trace are told. The lab's own seven spans have some seventy; of a trace that has as many as this, something may
/// have been left out.
pub(super) const MOST: usize = 120;
/// An attribute that has as many values in a run is a measurement or an identifier, and is not counted.
pub const VALUES: usize = 64;
/// A longer text is no name of anything.
const LONGEST: usize = 100;

/// What is told of all spans before anything else is, so that none of it is left out of any but a huge trace.
pub(super) const FIRST: [&str; 3] = ["status", "name", "lab.load"];

/// What a resource says of the instance that made a span, of which a service may have many.
const INSTANCE: [&str; 7] =
    ["service.instance.id", "service.version", "host.name", "container.id", "k8s.pod.name", "k8s.node.name", "cloud.availability_zone"];

/// Status, name and load of the spans, then their attributes: each time those of the deepest spans first, for what began there shows
/// further up as well. `depth` is each span's, as [`super::Parts`] has it. What is not countable is left out, and takes no other's place.
pub fn traits(spans: &[TraceSpan], depth: &[usize], mut is_countable: impl FnMut(&Trait) -> bool) -> Vec<Trait> {
    let mut order: Vec<(usize, &TraceSpan)> = depth.iter().copied().zip(spans).collect();
    order.sort_by_key(|(depth, _)| std::cmp::Reverse(*depth));
    let (mut seen, mut found) = (HashSet::new(), Vec::new());
    for is_first in [true, false] {
        for (_, span) in &order {
            for (key, value) in said(span).filter(|(key, _)| FIRST.contains(key) == is_first) {
                let one = Trait { service: span.service.as_str().into(), key: key.into(), value: value.into() };
                if found.len() < MOST && is_countable(&one) && seen.insert(one.clone()) {
                    found.push(one);
                }
            }
        }
    }
    found
}

fn said(span: &TraceSpan) -> impl Iterator<Item = (&str, String)> {
    let status = (span.status == Status::Error || span.error).then(|| ("status", "error".to_owned()));
    let is_entered = matches!(span.kind.as_str(), "server" | "consumer") && !span.name.is_empty();
    let name = is_entered.then(|| ("name", span.name.clone()));
    let attributes = span.attributes.iter().filter_map(|(key, value)| Some((key.as_str(), told(key, value)?)));
    let instance = INSTANCE.into_iter().filter_map(|key| Some((key, told(key, span.resource.get(key)?)?)));
    status.into_iter().chain(name).chain(attributes).chain(instance)
}

/// Its value as text, where it is one that several traces may share. Numbers with a point are measurements; so are the lab's own of when a
/// request was due.
fn told(key: &str, value: &Value) -> Option<String> {
    let of_the_lab = key.starts_with("lab.") && !matches!(key, "lab.load" | "lab.fault");
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) if number.is_i64() || number.is_u64() => number.to_string(),
        _ => return None,
    };
    (!of_the_lab && !text.is_empty() && text.chars().count() <= LONGEST && !text.contains(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_counted_takes_no_place_and_names_come_before_attributes() {
        let span = |name: &str, service: &str, keys: usize| TraceSpan {
            service: service.to_owned(),
            name: name.to_owned(),
            kind: "server".to_owned(),
            attributes: (0..keys).map(|key| (format!("key {key}"), "x".into())).collect(),
            ..TraceSpan::default()
        };
        let spans = [span("GET /", "door", 2), span("GET /deep", "deep", 2 * MOST)];
        let told =
            |countable: fn(&Trait) -> bool| -> Vec<String> { traits(&spans, &[0, 1], countable).iter().map(ToString::to_string).collect() };
        let all = told(|_| true);
        assert_eq!((all.len(), &all[0][..], &all[1][..]), (MOST, "deep name=GET /deep", "door name=GET /"));
        assert!(all[2..].iter().all(|one| one.starts_with("deep key ")), "{all:?}");
        assert_eq!(told(|one| &*one.service == "door"), ["door name=GET /", "door key 0=x", "door key 1=x"]);
    }
}
