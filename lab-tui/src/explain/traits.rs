//! What the spans of a trace say of themselves, as far as it can be counted over many traces.

use std::collections::HashSet;

use serde_json::Value;

use crate::event::Trait;
use crate::observe::trace::{Status, TraceSpan};

/// How many traits of one trace are told. The lab's own seven spans have some forty.
const MOST: usize = 60;
/// A longer text is no name of anything.
const LONGEST: usize = 100;

/// What a resource says of the instance that made a span, of which a service may have many.
const INSTANCE: [&str; 7] =
    ["service.instance.id", "service.version", "host.name", "container.id", "k8s.pod.name", "k8s.node.name", "cloud.availability_zone"];

/// Attributes, status and name of the spans, those of the deepest spans first: what began there shows further up as well. `depth` is each
/// span's, as [`super::Parts`] has it.
pub fn traits(spans: &[TraceSpan], depth: &[usize]) -> Vec<Trait> {
    let mut order: Vec<(usize, &TraceSpan)> = depth.iter().copied().zip(spans).collect();
    order.sort_by_key(|(depth, _)| std::cmp::Reverse(*depth));
    let (mut seen, mut found) = (HashSet::new(), Vec::new());
    for (_, span) in order {
        let status = (span.status == Status::Error || span.error).then(|| ("status".to_owned(), "error".to_owned()));
        let name = matches!(span.kind.as_str(), "server" | "consumer").then(|| ("name".to_owned(), span.name.clone()));
        let attributes = span.attributes.iter().filter_map(|(key, value)| Some((key.clone(), told(key, value)?)));
        let instance = INSTANCE.iter().filter_map(|key| Some(((*key).to_owned(), told(key, span.resource.get(key)?)?)));
        for (key, value) in status.into_iter().chain(attributes).chain(name).chain(instance) {
            let one = Trait { service: span.service.as_str().into(), key: key.into(), value: value.into() };
            if found.len() < MOST && seen.insert(one.clone()) {
                found.push(one);
            }
        }
    }
    found
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
