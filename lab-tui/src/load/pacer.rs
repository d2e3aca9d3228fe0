//! When requests are due: a schedule is an iterator of intended starts, whatever becomes of the requests.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::RunClock;
use crate::scenario::Plan;

/// A request is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrival {
    /// Index of the load in the plan.
    pub(super) load: usize,
    /// Counted from 0 within its load; keys every draw, so that concurrency cannot reorder them.
    pub(super) index: u64,
    /// From the start of the run.
    pub(super) intended: Duration,
}

/// The arrivals of all loads of a plan, in the order in which they are due.
#[derive(Debug)]
pub(super) struct Schedule {
    loads: Vec<std::iter::Peekable<ConstantRate>>,
}

impl Schedule {
    pub(super) fn new(plan: &Plan) -> Self {
        let each = plan.loads.iter().enumerate();
        Self { loads: each.map(|(load, it)| ConstantRate { load, rate: it.rate, duration: it.duration, next: 0 }.peekable()).collect() }
    }
}

impl Iterator for Schedule {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let (_, earliest) = self
            .loads
            .iter_mut()
            .filter_map(|load| load.peek().map(|arrival| arrival.intended).map(|due| (due, load)))
            .min_by_key(|(due, _)| *due)?;
        earliest.next()
    }
}

/// Evenly spaced: the k-th arrival is due at k / rate.
#[derive(Debug)]
struct ConstantRate {
    load: usize,
    rate: f64,
    duration: Duration,
    next: u64,
}

impl Iterator for ConstantRate {
    type Item = Arrival;

    #[expect(clippy::cast_precision_loss, reason = "arrival counts stay far below 2^52")]
    fn next(&mut self) -> Option<Arrival> {
        // Each start is computed from its own index, so no rounding error adds up.
        let intended = Duration::from_secs_f64(self.next as f64 / self.rate);
        if intended >= self.duration {
            return None;
        }
        let arrival = Arrival { load: self.load, index: self.next, intended };
        self.next += 1;
        Some(arrival)
    }
}

/// How long one sleep may last, so that a stop is noticed soon.
const LONGEST_SLEEP: Duration = Duration::from_millis(50);

/// How early an arrival is handed over at the most. A thread that sleeps wakes some tenths of a millisecond late, and so does
/// the one that it wakes: the work loop, awake by then, sees the rest of the time pass.
const EARLIEST: Duration = Duration::from_micros(600);

/// One over the share of a core that the work loop may spend on waiting awake.
const AWAKE: u32 = 20;

/// Sleeps until shortly before each arrival is due and hands it over, until the schedule ends or is stopped.
pub(super) fn pace(schedule: Schedule, clock: RunClock, stop: &CancellationToken, arrivals: &mpsc::UnboundedSender<Arrival>) {
    let mut before = Duration::ZERO;
    for arrival in schedule {
        let early = EARLIEST.min((arrival.intended - before) / AWAKE);
        before = arrival.intended;
        loop {
            if stop.is_cancelled() {
                return;
            }
            let left = arrival.intended.saturating_sub(clock.offset() + early);
            if left.is_zero() {
                break;
            }
            std::thread::sleep(left.min(LONGEST_SLEEP));
        }
        if arrivals.send(arrival).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn constant(rate: f64, seconds: u64) -> ConstantRate {
        ConstantRate { load: 0, rate, duration: Duration::from_secs(seconds), next: 0 }
    }

    #[test]
    fn a_constant_rate_is_even_and_does_not_drift() {
        let starts: Vec<Duration> = constant(3.0, 1000).map(|arrival| arrival.intended).collect();
        assert_eq!(starts.len(), 3000);
        assert_eq!(starts[3], Duration::from_secs(1));
        assert_eq!(starts[2999], Duration::from_secs_f64(2999.0 / 3.0));
    }

    #[test]
    fn several_loads_are_merged_in_order() {
        let schedule = Schedule { loads: vec![constant(2.0, 2).peekable(), ConstantRate { load: 1, ..constant(1.0, 3) }.peekable()] };
        let order: Vec<(u64, usize, u64)> = schedule.map(|a| (u64::try_from(a.intended.as_millis()).unwrap(), a.load, a.index)).collect();
        assert_eq!(order, [(0, 0, 0), (0, 1, 0), (500, 0, 1), (1000, 0, 2), (1000, 1, 1), (1500, 0, 3), (2000, 1, 2)]);
    }
}
