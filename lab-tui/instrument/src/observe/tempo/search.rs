//! `/api/search`: the newest traces that match, newest first.

use std::collections::BTreeMap;
use std::ops::Range;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use lab_facts::event::TraceId;
use lab_facts::query::Query;
use lab_facts::trace::{Trace, TraceSpan};
use serde_json::{Value, json};

use super::Served;
use super::parameters::{Parameters, Wanted, anything};
use super::refused::Refused;
use crate::observe::export::{any_value, of_json};
use crate::observe::found::FoundTrace;
use crate::observe::store::Store;

/// Tempo's words for a trace whose root is still under way.
const NO_ROOT: &str = "<root span not yet received>";

pub(super) async fn search(State(served): State<Served>, RawQuery(query): RawQuery) -> Result<Response, Refused> {
    let wanted = Parameters::read(query.as_deref()).search()?;
    let found = served.look(move |store| look(store, &wanted)).await??;
    Ok(Json(found).into_response())
}

fn look(store: &Store, wanted: &Wanted) -> Result<Value, Refused> {
    let anything = anything()?;
    let query = wanted.query.as_ref().unwrap_or(&anything);
    // What will be told of a trace is worked out for those that are told alone.
    let mut found: Vec<(u64, TraceId)> = Vec::new();
    store.search(query, std::slice::from_ref(&wanted.window), |trace, _| {
        let one = FoundTrace::new(trace, 0);
        if let Some(id) = TraceId::parse(&trace.trace_id).filter(|_| wanted.takes(trace, &one)) {
            found.push((one.start_unix_nano, id));
        }
    });
    found.sort_unstable_by_key(|(start, id)| (std::cmp::Reverse(*start), id.0));
    found.truncate(wanted.limit);
    let traces: Vec<Value> = found.into_iter().filter_map(|(_, id)| Some(tell(&store.trace(id)?, wanted))).collect();
    let metrics = json!({ "inspectedBytes": store.bytes().to_string(), "completedJobs": 1, "totalJobs": 1 });
    Ok(json!({ "traces": traces, "metrics": metrics }))
}

impl Wanted {
    /// What the query does not say.
    fn takes(&self, trace: &Trace, found: &FoundTrace) -> bool {
        let nanos = u128::from(found.duration_nano);
        self.min.is_none_or(|min| nanos >= min.as_nanos())
            && self.max.is_none_or(|max| nanos <= max.as_nanos())
            && self.tags.iter().all(|(key, value)| has_tag(trace, found, key, &value.to_lowercase()))
    }
}

/// Whether the tag is somewhere in the trace, as a part of the value, in either case.
fn has_tag(trace: &Trace, found: &FoundTrace, key: &str, lowercase: &str) -> bool {
    let is = |text: &str| text.to_lowercase().contains(lowercase);
    let attribute = |span: &TraceSpan| {
        let values = [span.attributes.get(key), span.resource.get(key)];
        values.into_iter().flatten().any(|value| value.as_str().map_or_else(|| is(&value.to_string()), is))
    };
    match key {
        "root.service.name" => found.root_service.as_deref().is_some_and(is),
        "root.name" => found.root_name.as_deref().is_some_and(is),
        "name" => trace.spans.iter().any(|span| is(&span.name)),
        "status" | "status.code" => trace.spans.iter().any(|span| is(span.status.as_str())),
        "error" => trace.spans.iter().any(|span| span.error.to_string() == lowercase) || trace.spans.iter().any(attribute),
        _ => trace.spans.iter().any(attribute),
    }
}

/// A trace in a list, as `TraceSearchMetadata`: what is at its default is left out.
fn tell(trace: &Trace, wanted: &Wanted) -> Value {
    let found = FoundTrace::new(trace, 0);
    let mut told = json!({
        "traceID": found.trace_id,
        "rootServiceName": found.root_service.as_deref().unwrap_or(NO_ROOT),
        "startTimeUnixNano": found.start_unix_nano.to_string(),
    });
    if let Some(name) = found.root_name.filter(|name| !name.is_empty()) {
        told["rootTraceName"] = name.into();
    }
    let millis = found.duration_nano / 1_000_000;
    if millis > 0 {
        told["durationMs"] = millis.into();
    }
    if let Some(query) = &wanted.query {
        let set = span_set(trace, query, &wanted.window, wanted.spans);
        told["spanSets"] = json!([&set]);
        told["spanSet"] = set;
        told["serviceStats"] = service_stats(trace);
    }
    told
}

/// The first spans that match, with what the query speaks of, and how many match at all.
fn span_set(trace: &Trace, query: &Query, window: &Range<u64>, most: usize) -> Value {
    let mut matched = query.matches(trace);
    matched.retain(|index| window.contains(&trace.spans[*index].start_unix_nano));
    let count = matched.len();
    matched.truncate(most);
    let told = query.told(trace, &matched);
    let spans = matched.into_iter().zip(told).map(|(index, told)| span(&trace.spans[index], told));
    json!({ "spans": spans.collect::<Value>(), "matched": count })
}

fn span(span: &TraceSpan, told: Vec<(String, Value)>) -> Value {
    let mut out = json!({
        "spanID": span.span_id,
        "startTimeUnixNano": span.start_unix_nano.to_string(),
        "durationNanos": span.duration_nano.to_string(),
    });
    let mut attributes = Vec::new();
    for (key, value) in told {
        match key.as_str() {
            // It has places of its own.
            "duration" | "traceDuration" => {}
            "name" if value == span.name => out["name"] = value,
            _ => attributes.push(json!({ "key": key, "value": any_value(&of_json(&value)) })),
        }
    }
    if !attributes.is_empty() {
        out["attributes"] = attributes.into();
    }
    out
}

/// How many spans each service has in the trace, and how many of them failed.
fn service_stats(trace: &Trace) -> Value {
    let mut counts: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for span in &trace.spans {
        let (spans, errors) = counts.entry(&span.service).or_default();
        *spans += 1;
        *errors += u64::from(span.error);
    }
    let stats = |(service, (spans, errors)): (&str, (u64, u64))| {
        let stats = if errors > 0 { json!({ "spanCount": spans, "errorCount": errors }) } else { json!({ "spanCount": spans }) };
        (service.to_owned(), stats)
    };
    counts.into_iter().map(stats).collect()
}
