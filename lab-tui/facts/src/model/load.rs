//! What became of the requests of one load.

use std::collections::BTreeMap;
use std::time::Duration;

use super::distribution::Distribution;
use crate::event::{LoadWindow, Outcome, REASONS};

/// When requests leave this long after they were due, a slow lab can no longer be told from a slow system.
pub const LATE: Duration = Duration::from_millis(100);

/// Totals of one load since the run began.
#[derive(Debug, Default)]
pub struct LoadState {
    /// Arrivals that were due.
    pub offered: u64,
    /// Arrivals that were not sent.
    pub dropped: u64,
    /// From the intended to the actual send.
    pub lag: Distribution,
    /// Tenths of a second of which a request was sent later than [`LATE`].
    pub late_windows: u64,
    /// When its last answer came, to a tenth of a second; from the start of the run.
    pub answered: Duration,
    /// Requests that have ended, by index of the request in its load and by outcome.
    pub cells: BTreeMap<(usize, Outcome), Latency>,
    /// Why some of them got no answer, and how often; the first so many reasons of each kind of end.
    pub reasons: BTreeMap<(usize, Outcome), BTreeMap<String, u64>>,
}

/// Both latencies of the same requests.
#[derive(Debug, Default)]
pub struct Latency {
    /// From the intended start to the last byte.
    pub response: Distribution,
    /// From the actual send to the last byte.
    pub service: Distribution,
}

impl LoadState {
    pub(super) fn add(&mut self, window: &LoadWindow) {
        self.offered += u64::from(window.offered);
        self.dropped += u64::from(window.dropped);
        self.lag.add(&window.lag);
        self.late_windows += u64::from(u128::from(window.lag.max()) > LATE.as_micros());
        // The exemplars are of requests that ended within a tenth of a second of one another.
        let ends = window.exemplars.iter().map(|one| one.at + Duration::from_micros(u64::from(one.micros)));
        self.answered = ends.fold(self.answered, Duration::max);
        for cell in &window.cells {
            let latency = self.cells.entry((cell.request, cell.outcome)).or_default();
            latency.response.add(&cell.response_time);
            latency.service.add(&cell.service_time);
        }
        for reason in &window.reasons {
            let known = self.reasons.entry((reason.request, reason.outcome)).or_default();
            if known.len() < REASONS || known.contains_key(&reason.why) {
                *known.entry(reason.why.clone()).or_default() += u64::from(reason.count);
            }
        }
    }
}
