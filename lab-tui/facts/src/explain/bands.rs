//! Where the milliseconds go: time per hop of the faster half of the requests, of most of the others, and of the slowest.

use std::cmp::Reverse;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

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

/// What the requests of a band add up to.
#[derive(Debug)]
struct Sum {
    name: &'static str,
    /// The percentile at its lower end.
    from: f64,
    from_ms: f64,
    to_ms: Option<f64>,
    requests: usize,
    micros: u64,
    /// By the place of the hop.
    parts: Vec<u64>,
}

/// Of requests that were due in some seconds of a run; empty where none was looked at.
pub fn bands(model: &Model, seconds: Range<u64>) -> Vec<Band> {
    let all = Samples::merged(model.seconds().range(seconds.start, seconds.end).map(|second| &second.response));
    let at = |percentile: f64| if percentile > 0.0 { all.percentile(percentile).unwrap_or_default() } else { 0.0 };
    let mut sums = BANDS.map(|(name, from, to)| Sum {
        name,
        from,
        from_ms: at(from),
        to_ms: (to < 100.0).then(|| at(to)),
        requests: 0,
        micros: 0,
        parts: Vec::new(),
    });
    let (mut hops, mut places, mut any) = (Hops::default(), Vec::new(), false);
    for one in model.breakdowns().iter().filter(|one| seconds.contains(&one.at.as_secs())) {
        any = true;
        places.clear();
        places.extend(one.parts.iter().map(|(hop, micros)| hops.place(hop, *micros)));
        for sum in sums.iter_mut().filter(|sum| sum.takes(one)) {
            sum.requests += 1;
            sum.micros += u64::from(one.micros);
            sum.parts.resize(hops.known.len(), 0);
            places.iter().zip(&one.parts).for_each(|(place, (_, micros))| sum.parts[*place] += u64::from(*micros));
        }
    }
    if !any {
        return Vec::new();
    }
    let order = hops.in_order();
    let band = |sum: Sum| {
        let mean = |micros| Duration::from_micros(micros).as_secs_f64() * 1000.0 / count(sum.requests);
        let part = |(place, hop): &(usize, &Arc<Hop>)| {
            let ms = mean(sum.parts.get(*place).copied().unwrap_or_default());
            BandPart { kind: hop.kind.as_str(), name: hop.name.to_string(), hop: hop.to_string(), ms }
        };
        let some = sum.requests > 0;
        Band {
            name: sum.name,
            from_ms: sum.from_ms,
            to_ms: sum.to_ms,
            requests: sum.requests,
            mean_ms: some.then(|| mean(sum.micros)),
            parts: if some { order.iter().map(part).collect() } else { Vec::new() },
        }
    };
    sums.map(band).into()
}

impl Sum {
    /// Percentiles are rounded down, so a request that lies on the edge is above it. The slowest of their moments stand for none of those
    /// that were not slow.
    fn takes(&self, one: &Breakdown) -> bool {
        let fits = ms(one.micros) >= self.from_ms && self.to_ms.is_none_or(|to| ms(one.micros) < to);
        fits && (one.chosen == Chosen::Sampled || one.chosen == Chosen::Slow && self.from >= 95.0)
    }
}

/// Hops as they are met, with the microseconds of each.
#[derive(Debug, Default)]
struct Hops<'m> {
    known: Vec<(&'m Arc<Hop>, u64)>,
}

impl<'m> Hops<'m> {
    /// Where it stands, whose time is added. What the model keeps once is seen at a glance.
    fn place(&mut self, hop: &'m Arc<Hop>, micros: u32) -> usize {
        let known = self.known.iter().position(|(known, _)| Arc::ptr_eq(known, hop));
        let place = known.or_else(|| self.known.iter().position(|(known, _)| *known == hop)).unwrap_or_else(|| {
            self.known.push((hop, 0));
            self.known.len() - 1
        });
        self.known[place].1 += u64::from(micros);
        place
    }

    /// With their places, those with the most time first.
    fn in_order(&self) -> Vec<(usize, &'m Arc<Hop>)> {
        let mut order: Vec<_> = self.known.iter().enumerate().collect();
        order.sort_by_key(|(_, (hop, sum))| (Reverse(*sum), *hop));
        order.into_iter().map(|(place, (hop, _))| (place, *hop)).collect()
    }
}
