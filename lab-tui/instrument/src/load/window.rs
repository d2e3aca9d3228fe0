//! What has been measured and not yet told, by window of the intended start.

use std::collections::BTreeMap;
use std::time::Duration;

use lab_facts::event::{Cell, Exemplar, LoadWindow, Outcome, REASONS, Reason, Samples, WINDOW};

use super::pacer::Arrival;

/// How many slow requests, and how many failed ones, a part of a window names.
const SLOWEST: usize = 5;
const FAILED: usize = 3;

#[derive(Debug, Default)]
pub(super) struct Windows {
    open: BTreeMap<(usize, u64), Open>,
}

#[derive(Debug, Default)]
struct Open {
    offered: u32,
    dropped: u32,
    lag: Vec<u32>,
    cells: BTreeMap<(usize, Outcome), (Vec<u32>, Vec<u32>)>,
    reasons: BTreeMap<(usize, Outcome, String), u32>,
    slowest: Vec<Exemplar>,
    failed: Vec<Exemplar>,
    newest: Option<Exemplar>,
}

impl Windows {
    fn of(&mut self, arrival: Arrival) -> &mut Open {
        let index = u64::try_from(arrival.intended.as_nanos() / WINDOW.as_nanos()).unwrap_or(u64::MAX);
        self.open.entry((arrival.load, index)).or_default()
    }

    pub(super) fn offered(&mut self, arrival: Arrival) {
        self.of(arrival).offered += 1;
    }

    pub(super) fn dropped(&mut self, arrival: Arrival) {
        self.of(arrival).dropped += 1;
    }

    /// So many requests of a load were not sent, because there was no time for them before its end. Its last window has them.
    pub(super) fn undone(&mut self, load: usize, end: Duration, count: u64) {
        if count > 0 {
            let last = end.saturating_sub(Duration::from_nanos(1));
            let window = self.of(Arrival { load, index: 0, intended: last });
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            window.offered = window.offered.saturating_add(count);
            window.dropped = window.dropped.saturating_add(count);
        }
    }

    /// `why` is what was wrong with the connection, if anything.
    pub(super) fn ended(&mut self, arrival: Arrival, sent: Duration, ended: Duration, exemplar: Exemplar, why: Option<&str>) {
        let window = self.of(arrival);
        if let Some(why) = why {
            let reason = (exemplar.request, exemplar.outcome, Reason::words(why));
            if window.reasons.len() < REASONS || window.reasons.contains_key(&reason) {
                *window.reasons.entry(reason).or_default() += 1;
            }
        }
        window.lag.push(micros(sent.saturating_sub(arrival.intended)));
        let (responses, services) = window.cells.entry((exemplar.request, exemplar.outcome)).or_default();
        responses.push(exemplar.micros);
        services.push(micros(ended.saturating_sub(sent)));
        let newest = window.newest.get_or_insert(exemplar);
        if newest.at <= exemplar.at {
            *newest = exemplar;
        }
        keep_slowest(&mut window.slowest, exemplar, SLOWEST);
        if exemplar.failed {
            keep_slowest(&mut window.failed, exemplar, FAILED);
        }
    }

    /// Everything that became known since the last call.
    pub(super) fn take(&mut self) -> impl Iterator<Item = LoadWindow> + use<> {
        std::mem::take(&mut self.open).into_iter().map(|((load, index), open)| {
            let cells = open.cells.into_iter().map(|((request, outcome), (responses, services))| Cell {
                request,
                outcome,
                response_time: Samples::from_micros(responses),
                service_time: Samples::from_micros(services),
            });
            let reasons = open.reasons.into_iter().map(|((request, outcome, why), count)| Reason { request, outcome, why, count });
            let mut exemplars = open.slowest;
            for other in open.failed.into_iter().chain(open.newest) {
                if exemplars.iter().all(|known| known.trace_id != other.trace_id) {
                    exemplars.push(other);
                }
            }
            LoadWindow {
                load,
                index,
                offered: open.offered,
                dropped: open.dropped,
                lag: Samples::from_micros(open.lag),
                cells: cells.collect(),
                reasons: reasons.collect(),
                exemplars,
            }
        })
    }
}

fn keep_slowest(kept: &mut Vec<Exemplar>, one: Exemplar, limit: usize) {
    let place = kept.partition_point(|other| other.micros >= one.micros);
    if place < limit {
        kept.insert(place, one);
        kept.truncate(limit);
    }
}

/// Since the intended start, in microseconds.
pub(super) fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}
