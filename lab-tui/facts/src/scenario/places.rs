//! Where in its file a scenario's promises and services stand, for remarks beside the code.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::refusal::line_and_column;

/// Line and column, counted from 1; the column in characters.
pub type Place = (usize, usize);

/// Read from the text and not kept in the plan: a scenario that was only moved about on its page is the same plan.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// In the plan's order.
    pub thresholds: Vec<Place>,
    /// By name.
    pub expectations: BTreeMap<String, Place>,
    /// By name.
    pub services: BTreeMap<String, Place>,
}

impl Places {
    /// Of a text that was understood as a plan; nothing is known of any other.
    pub fn of(text: &str) -> Self {
        let Ok(document) = DeTable::parse(text) else { return Self::default() };
        let document = document.get_ref();
        let mut selectors: Vec<_> = document.get("thresholds").and_then(|all| all.get_ref().as_table()).into_iter().flatten().collect();
        selectors.sort_by_key(|(selector, _)| selector.span().start);
        let promises = selectors.into_iter().filter_map(|(_, promises)| promises.get_ref().as_array()).flatten();
        Self {
            thresholds: promises.map(|promise| line_and_column(text, promise_of(promise).span().start)).collect(),
            expectations: named(document, "expect", text),
            services: named(document, "service", text),
        }
    }
}

/// The promise itself, where a table has one.
fn promise_of<'p, 't>(promise: &'p Spanned<DeValue<'t>>) -> &'p Spanned<DeValue<'t>> {
    promise.get_ref().as_table().and_then(|table| table.get("threshold")).unwrap_or(promise)
}

fn named(document: &DeTable<'_>, key: &str, text: &str) -> BTreeMap<String, Place> {
    let tables = document.get(key).and_then(|tables| tables.get_ref().as_array()).into_iter().flatten();
    let names = tables.filter_map(|table| table.get_ref().as_table()?.get("name"));
    names.filter_map(|name| Some((name.get_ref().as_str()?.to_owned(), line_and_column(text, name.span().start)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Plan;

    #[test]
    fn each_threshold_has_the_place_of_the_one_in_the_plan() {
        let text = "format = 1\ntitle = \"t\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-vus\"\nduration = \"1s\"\n[[load.request]]\n\
            get = \"http://x/\"\n[[phase]]\nname = \"p\"\nat = \"0s\"\nduration = \"1s\"\n[thresholds]\nhttp_reqs = [\n  \"count>1\",\n  \
            { threshold = \"count>2\", during = \"p\" },\n]\nhttp_req_duration = [\"max<3\", \"avg<4\"]\n[[expect]]\nname = \"e\"\ntraces = '{ }'\n\
            [[service]]\nname = \"s\"\ncommand = \"x\"\n";
        let (places, plan) = (Places::of(text), Plan::parse(text, "t", &[]).unwrap());
        let promises: Vec<&str> = plan.thresholds.iter().map(|threshold| threshold.expression.as_str()).collect();
        assert_eq!(promises, ["count>1", "count>2", "max<3", "avg<4"]);
        assert_eq!(places.thresholds, [(15, 3), (16, 17), (18, 22), (18, 31)]);
        assert_eq!(places.expectations, BTreeMap::from([("e".to_owned(), (20, 8))]));
        assert_eq!(places.services, BTreeMap::from([("s".to_owned(), (23, 8))]));
        assert_eq!(Places::of("="), Places::default());
    }
}
