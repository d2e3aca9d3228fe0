//! What has been measured and not yet told, by window of the intended start.

use std::collections::BTreeMap;
use std::time::Duration;

use super::pacer::Arrival;
use crate::event::{Cell, LoadWindow, Outcome, Samples, SlowRequest, TraceId, WINDOW};

/// How many slow requests a part of a window names.
const SLOWEST: usize = 5;

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
    slowest: Vec<SlowRequest>,
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

    pub(super) fn ended(&mut self, arrival: Arrival, request: usize, sent: Duration, ended: Duration, outcome: Outcome, trace_id: TraceId) {
        let response = micros(ended.saturating_sub(arrival.intended));
        let window = self.of(arrival);
        window.lag.push(micros(sent.saturating_sub(arrival.intended)));
        let (responses, services) = window.cells.entry((request, outcome)).or_default();
        responses.push(response);
        services.push(micros(ended.saturating_sub(sent)));
        window.slowest.push(SlowRequest { micros: response, trace_id, outcome });
        if window.slowest.len() > 4 * SLOWEST {
            keep_slowest(&mut window.slowest);
        }
    }

    /// Everything that became known since the last call.
    pub(super) fn take(&mut self) -> impl Iterator<Item = LoadWindow> + use<> {
        std::mem::take(&mut self.open).into_iter().map(|((load, index), mut open)| {
            keep_slowest(&mut open.slowest);
            let cells = open.cells.into_iter().map(|((request, outcome), (responses, services))| Cell {
                request,
                outcome,
                response_time: Samples::from_micros(responses),
                service_time: Samples::from_micros(services),
            });
            LoadWindow {
                load,
                index,
                offered: open.offered,
                dropped: open.dropped,
                lag: Samples::from_micros(open.lag),
                cells: cells.collect(),
                slowest: open.slowest,
            }
        })
    }
}

fn keep_slowest(slowest: &mut Vec<SlowRequest>) {
    slowest.sort_by_key(|request| std::cmp::Reverse(request.micros));
    slowest.truncate(SLOWEST);
}

fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}
