//! Queries in TraceQL's words: refused with a place in them, or asked of a trace; and the store, which looks at as little of a trace as it
//! can, finds what the whole trace says.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::LazyLock;

use lab_facts::event::TraceId;
use lab_facts::query::Query;
use lab_facts::scenario::SHIPPED;
use lab_facts::trace::Trace;
use lab_instrument::observe::store::Store;
use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message as _;
use regex_lite::Regex;

/// A trace as a Tempo once recorded it.
static STORE: LazyLock<(Store, Trace)> = LazyLock::new(|| {
    let recorded = TracesData::decode(include_bytes!("../../instrument/tests/recorded/tempo-trace-v1-protobuf.pb").as_slice()).unwrap();
    let id = TraceId(recorded.resource_spans[0].scope_spans[0].spans[0].trace_id.clone().try_into().unwrap());
    let store = Store::new(1 << 20);
    recorded.resource_spans.into_iter().for_each(|batch| assert_eq!(store.add_spans(batch), 0));
    let trace = store.trace(id).unwrap();
    (store, trace)
});

/// Those of the tests, of the README and of the scenarios.
pub(crate) fn corpus() -> Vec<Vec<u8>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests = fs::read_to_string(here.join("facts/src/query/tests.rs")).unwrap();
    let told = fs::read_to_string(here.join("../README.md")).unwrap();
    let scenarios = SHIPPED.iter().map(|(_, text)| *text);
    let quoted = Regex::new(r"'+\s*(\{[^']*)'").unwrap();
    let found = scenarios.chain([told.as_str()]).flat_map(|text| quoted.captures_iter(text)).map(|found| found[1].to_owned());
    let literal = Regex::new(r#""((?:[^"\\]|\\.)*)""#).unwrap();
    let literals = literal.captures_iter(&tests).map(|found| found[1].replace("\\\"", "\"").replace("\\\\", "\\"));
    let queries: Vec<Vec<u8>> = found.chain(literals.filter(|text| text.contains('{'))).map(String::into_bytes).collect();
    assert!(queries.len() > 50, "{}", queries.len());
    queries
}

pub(crate) fn read(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let query = match Query::parse(&text) {
        Ok(query) => query,
        Err(misread) => return assert!(misread.at <= text.len() && !misread.what.trim().is_empty(), "{misread}"),
    };
    let (store, trace) = &*STORE;
    let matched = query.matches(trace);
    assert!(matched.iter().all(|index| *index < trace.spans.len()), "{matched:?}");
    let always: Range<u64> = 0..u64::MAX;
    let mut found = Vec::new();
    store.search(&query, &[always], |_, spans| found.extend_from_slice(spans));
    assert_eq!(found, matched, "{text}");
}
