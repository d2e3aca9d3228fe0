//! What telemetry says while a run goes on, as facts: hops and who calls whom, from spans as they come in; pools and series, from
//! scrapes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use lab_facts::event::{EdgeCalls, Fact, HopSpans, Samples};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::sampler::Sampler;
use super::scraper::Scraper;
use super::store::{Heard, Store};

/// How often facts are told.
const PERIOD: Duration = Duration::from_millis(500);

/// How many have the status error, and how long each of all took, in microseconds.
type Seen = (u32, Vec<u32>);

/// Listens until the run is `over`, and tells then what came in last. `start_unix` is the start of the run since 1970.
/// `sampler` says which requests are looked at.
pub async fn listen(
    store: Store,
    scraper: &Scraper,
    sampler: &Sampler,
    start_unix: Duration,
    over: CancellationToken,
    mut tell: impl FnMut(Fact),
) {
    let mut heard = store.listen();
    let mut edges = HashSet::new();
    let mut period = tokio::time::interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let last = tokio::select! {
            _ = period.tick() => false,
            () = over.cancelled() => true,
        };
        digest(&mut heard, start_unix, &mut edges, &mut tell);
        sampler.look(&store, last).into_iter().for_each(&mut tell);
        if last {
            return;
        }
        scraper.read().await.into_iter().for_each(&mut tell);
    }
}

/// Sums up what was heard since the last time, by hop and second.
fn digest(
    heard: &mut UnboundedReceiver<Heard>,
    start_unix: Duration,
    edges: &mut HashSet<(Arc<str>, Arc<str>)>,
    tell: &mut impl FnMut(Fact),
) {
    let mut hops: HashMap<(Arc<str>, u64), Seen> = HashMap::new();
    let mut calls: HashMap<(Arc<str>, Arc<str>, u64), Seen> = HashMap::new();
    // What began before the run belongs to an earlier one.
    let second = |start_unix_nano: u64| Duration::from_nanos(start_unix_nano).checked_sub(start_unix).map(|since| since.as_secs());
    let micros = |nanos: u64| u32::try_from(nanos / 1000).unwrap_or(u32::MAX);
    while let Ok(one) = heard.try_recv() {
        match one {
            Heard::Hop { hop, start_unix_nano, duration_nano, error } => {
                let Some(second) = second(start_unix_nano) else { continue };
                let (errors, durations) = hops.entry((hop, second)).or_default();
                *errors += u32::from(error);
                durations.push(micros(duration_nano));
            }
            Heard::Edge { from, to, call: (start_unix_nano, duration_nano, error) } => {
                if let Some(second) = second(start_unix_nano) {
                    let (errors, durations) = calls.entry((Arc::clone(&from), Arc::clone(&to), second)).or_default();
                    *errors += u32::from(error);
                    durations.push(micros(duration_nano));
                }
                if edges.insert((Arc::clone(&from), Arc::clone(&to))) {
                    tell(Fact::Edge { from, to });
                }
            }
        }
    }
    for ((hop, second), (errors, durations)) in hops {
        tell(Fact::Hop(HopSpans { hop: hop.to_string(), second, errors, durations: Samples::from_micros(durations) }));
    }
    for ((from, to, second), (errors, durations)) in calls {
        let (from, to, durations) = (from.to_string(), to.to_string(), Samples::from_micros(durations));
        tell(Fact::Calls(EdgeCalls { from, to, second, errors, durations }));
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
    use opentelemetry_proto::tonic::resource::v1::Resource;
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, span::SpanKind};

    use super::*;

    fn pair(key: &str, value: &str) -> KeyValue {
        let value = Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) });
        KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
    }

    fn span(service: &str, kind: SpanKind, id: u8, parent: u8, attributes: Vec<KeyValue>) -> ResourceSpans {
        let span = Span {
            trace_id: vec![1; 16],
            span_id: vec![id; 8],
            parent_span_id: if parent == 0 { Vec::new() } else { vec![parent; 8] },
            kind: kind.into(),
            start_time_unix_nano: 12_500_000_000,
            end_time_unix_nano: 12_502_000_000,
            attributes,
            ..Span::default()
        };
        let resource = Some(Resource { attributes: vec![pair("service.name", service)], ..Resource::default() });
        ResourceSpans { resource, scope_spans: vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }], ..ResourceSpans::default() }
    }

    #[test]
    fn hops_and_callers_are_found_whichever_span_comes_first() {
        let store = Store::new(1 << 20);
        let mut heard = store.listen();
        // The innermost first, as it happens; then the root; then what lies between.
        store.add_spans(span("die", SpanKind::Internal, 6, 4, vec![pair("pool", "main")]));
        store.add_spans(span("die", SpanKind::Client, 5, 4, vec![pair("db.system.name", "postgresql")]));
        store.add_spans(span("lab", SpanKind::Client, 1, 0, Vec::new()));
        store.add_spans(span("door", SpanKind::Server, 2, 1, Vec::new()));
        store.add_spans(span("die", SpanKind::Server, 4, 3, Vec::new()));
        store.add_spans(span("door", SpanKind::Client, 3, 2, Vec::new()));
        let (mut facts, mut edges) = (Vec::new(), HashSet::new());
        digest(&mut heard, Duration::from_secs(10), &mut edges, &mut |fact| facts.push(fact));
        let told: Vec<(&str, &str)> =
            facts.iter().filter_map(|fact| if let Fact::Edge { from, to } = fact { Some((&**from, &**to)) } else { None }).collect();
        assert_eq!(told, [("lab", "door"), ("die", "postgresql"), ("door", "die")]);
        let mut hops: Vec<&HopSpans> = facts.iter().filter_map(|fact| if let Fact::Hop(hop) = fact { Some(hop) } else { None }).collect();
        hops.sort_by_key(|hop| &hop.hop);
        let names: Vec<(&str, u64, u64)> = hops.iter().map(|hop| (hop.hop.as_str(), hop.second, hop.durations.sum())).collect();
        assert_eq!(names, [("die", 2, 2000), ("door", 2, 2000), ("postgresql", 2, 2000)]);
        let mut calls: Vec<&EdgeCalls> =
            facts.iter().filter_map(|fact| if let Fact::Calls(calls) = fact { Some(calls) } else { None }).collect();
        calls.sort_by_key(|calls| &calls.from);
        let map: Vec<_> = calls.iter().map(|one| (one.from.as_str(), one.to.as_str(), one.second, one.durations.sum())).collect();
        assert_eq!(map, [("die", "postgresql", 2, 2000), ("door", "die", 2, 2000), ("lab", "door", 2, 2000)]);
    }
}
