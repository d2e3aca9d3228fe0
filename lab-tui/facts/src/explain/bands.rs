//! Where the milliseconds go: time per hop of the faster half of the requests, of most of the others, and of the slowest.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;

use super::side::ms;
use super::statistics::count;
use crate::event::{Breakdown, Chosen, Hop, Samples};
use crate::model::Model;

/// Requests between two percentiles of the response time.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Band {
    /// `to p50`, `p50 to p95`, `p95 to p99` or `from p99`.
    pub name: &'static str,
    /// The response time at its lower end, in milliseconds; of all requests, not only of those that were looked at.
    pub from_ms: f64,
    /// At its upper end; null for the last.
    pub to_ms: Option<f64>,
    /// How many of its requests were looked at.
    pub requests: usize,
    /// The response time of these on average, in milliseconds: the sum of the parts. Null without requests.
    pub mean_ms: Option<f64>,
    /// Where that goes, in the same order in every band.
    pub parts: Vec<BandPart>,
}

/// The time of one hop.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BandPart {
    /// `service` (own time), `pool`, `database`, `network`, `unseen` or `unsent`.
    pub kind: &'static str,
    /// Of whom.
    pub name: String,
    /// Both in a few words.
    pub hop: String,
    /// Milliseconds of a request on average.
    pub ms: f64,
}

const BANDS: [(&str, f64, f64); 4] =
    [("to p50", 0.0, 50.0), ("p50 to p95", 50.0, 95.0), ("p95 to p99", 95.0, 99.0), ("from p99", 99.0, 100.0)];

/// Of requests that were due in some seconds of a run; empty where none was looked at.
pub fn bands(model: &Model, seconds: Range<u64>) -> Vec<Band> {
    let mut all = Samples::default();
    model.seconds().range(seconds.start, seconds.end).for_each(|second| all.merge(&second.response));
    let due = |one: &&Breakdown| seconds.contains(&one.at.as_secs());
    let looked: Vec<&Breakdown> = model.breakdowns().iter().filter(due).collect();
    if looked.is_empty() {
        return Vec::new();
    }
    let hops = in_order(&looked);
    let at = |percentile: f64| if percentile > 0.0 { all.percentile(percentile).unwrap_or_default() } else { 0.0 };
    let band = |(name, from, to): (&'static str, f64, f64)| {
        let (from_ms, to_ms) = (at(from), (to < 100.0).then(|| at(to)));
        // Percentiles are rounded down, so a request that lies on the edge is above it. The slowest of their moments stand for none of
        // those that were not slow.
        let is_in = |one: &&&Breakdown| {
            let fits = ms(one.micros) >= from_ms && to_ms.is_none_or(|to| ms(one.micros) < to);
            fits && (one.chosen == Chosen::Sampled || one.chosen == Chosen::Slow && from >= 95.0)
        };
        let members: Vec<&&Breakdown> = looked.iter().filter(is_in).collect();
        let mean = |sum: f64| sum / count(members.len());
        let part = |hop: &&Hop| {
            let own =
                |one: &&&Breakdown| one.parts.iter().filter(|(known, _)| **known == **hop).map(|(_, micros)| ms(*micros)).sum::<f64>();
            BandPart { kind: hop.kind.as_str(), name: hop.name.to_string(), hop: hop.to_string(), ms: mean(members.iter().map(own).sum()) }
        };
        let some = !members.is_empty();
        Band {
            name,
            from_ms,
            to_ms,
            requests: members.len(),
            mean_ms: some.then(|| mean(members.iter().map(|one| ms(one.micros)).sum())),
            parts: if some { hops.iter().map(part).collect() } else { Vec::new() },
        }
    };
    BANDS.map(band).into()
}

/// Those with the most time first.
fn in_order<'m>(looked: &[&'m Breakdown]) -> Vec<&'m Hop> {
    let mut sums: BTreeMap<&Hop, u64> = BTreeMap::new();
    for (hop, micros) in looked.iter().flat_map(|one| &one.parts) {
        *sums.entry(hop).or_default() += u64::from(*micros);
    }
    let mut hops: Vec<(&Hop, u64)> = sums.into_iter().collect();
    hops.sort_by_key(|(_, sum)| std::cmp::Reverse(*sum));
    hops.into_iter().map(|(hop, _)| hop).collect()
}
