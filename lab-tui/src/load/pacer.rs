//! When requests are due: a schedule is an iterator of intended starts, whatever becomes of the requests.

mod rate;

use std::iter::Peekable;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::rate::Starts;
use super::RunClock;
use crate::scenario::{Executor, Plan};

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
    loads: Vec<Peekable<Starts>>,
}

impl Schedule {
    pub(super) fn new(plan: &Plan) -> Self {
        let each = plan.loads.iter().enumerate().map(|(index, load)| match &load.executor {
            Executor::Arrivals(arrivals) => Starts::new(plan.seed, index, load.start, arrivals),
        });
        Self { loads: each.map(Iterator::peekable).collect() }
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

    #[test]
    fn several_loads_are_merged_in_order_each_with_its_own_start() {
        let load = |name: &str, keys: &str| {
            format!("[[load]]\nname = \"{name}\"\nexecutor = \"constant-arrival-rate\"\n{keys}\n[[load.request]]\nget = \"http://a/b\"\n")
        };
        let two = load("a", "rate = 2\nduration = \"2s\"") + &load("b", "rate = 1\nduration = \"3s\"\nstart = \"500ms\"");
        let plan = Plan::parse(&format!("format = 1\ntitle = \"t\"\n{two}"), "t", &[]).unwrap();
        let order: Vec<(u128, usize, u64)> = Schedule::new(&plan).map(|a| (a.intended.as_millis(), a.load, a.index)).collect();
        assert_eq!(order, [(0, 0, 0), (500, 0, 1), (500, 1, 0), (1000, 0, 2), (1500, 0, 3), (1500, 1, 1), (2500, 1, 2)]);
        assert_eq!(plan.duration(), Duration::from_millis(3500));
    }
}
