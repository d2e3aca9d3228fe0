//! When requests are due: a schedule is an iterator of intended starts, whatever becomes of the requests.

mod rate;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::iter::Peekable;
use std::ops::Range;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use self::rate::Starts;
use super::RunClock;
use crate::scenario::{Executor, Plan, Users};

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

/// Somebody's turn, as the pacer knows it. In the order in which they are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    /// From the start of the run.
    pub(super) due: Duration,
    /// Index of the load in the plan.
    pub(super) load: usize,
    /// In a load of arrivals the arrival's index, in a load of users the user's number.
    pub(super) number: u64,
}

/// The arrivals of all loads of a plan and the first turns of all users, in the order in which they are due.
#[derive(Debug)]
pub(super) struct Schedule {
    loads: Vec<Peekable<Turns>>,
}

/// Of one load.
#[derive(Debug)]
enum Turns {
    Arrivals(Starts),
    /// The load's index and start, its users, and the numbers of those who have not had their first turn.
    Users(usize, Duration, Users, Range<usize>),
}

impl Iterator for Turns {
    type Item = Turn;

    fn next(&mut self) -> Option<Turn> {
        match self {
            Self::Arrivals(starts) => starts.next().map(|it| Turn { due: it.intended, load: it.load, number: it.index }),
            // The lower the number, the sooner a user comes.
            Self::Users(load, start, users, numbers) => {
                let user = numbers.next()?;
                let shift = users.shift(user, Duration::ZERO)?;
                Some(Turn { due: *start + shift.start, load: *load, number: user as u64 })
            }
        }
    }
}

impl Schedule {
    pub(super) fn new(plan: &Plan) -> Self {
        let each = plan.loads.iter().enumerate().map(|(index, load)| match &load.executor {
            Executor::Arrivals(arrivals) => Turns::Arrivals(Starts::new(plan.seed, index, load.start, arrivals)),
            Executor::Users(users) => Turns::Users(index, load.start, users.clone(), 0..users.most()),
        });
        Self { loads: each.map(Iterator::peekable).collect() }
    }

    fn earliest(&mut self) -> Option<&mut Peekable<Turns>> {
        let each = self.loads.iter_mut().filter_map(|load| load.peek().copied().map(|turn| (turn, load)));
        each.min_by_key(|(turn, _)| *turn).map(|(_, load)| load)
    }
}

/// What is scheduled from the beginning, and what users have asked for since.
#[derive(Debug)]
pub(super) struct Agenda {
    schedule: Schedule,
    asked: BinaryHeap<Reverse<Turn>>,
}

impl Agenda {
    pub(super) fn new(plan: &Plan) -> Self {
        Self { schedule: Schedule::new(plan), asked: BinaryHeap::new() }
    }

    pub(super) fn ask(&mut self, turn: Turn) {
        self.asked.push(Reverse(turn));
    }

    /// The next turn, if there is one so far.
    pub(super) fn peek(&mut self) -> Option<Turn> {
        let scheduled = self.schedule.earliest().and_then(|load| load.peek().copied());
        scheduled.into_iter().chain(self.asked.peek().map(|turn| turn.0)).min()
    }

    pub(super) fn pop(&mut self) -> Option<Turn> {
        let next = self.peek()?;
        if self.asked.peek().is_some_and(|turn| turn.0 == next) {
            return self.asked.pop().map(|turn| turn.0);
        }
        self.schedule.earliest().and_then(Iterator::next)
    }
}

/// How long one sleep may last, so that a stop is noticed soon.
const LONGEST_SLEEP: Duration = Duration::from_millis(50);

/// How early an arrival is handed over at the most. A thread that sleeps wakes some tenths of a millisecond late, and so does
/// the one that it wakes: the work loop, awake by then, sees the rest of the time pass.
pub(super) const EARLIEST: Duration = Duration::from_micros(600);

/// One over the share of a core that the work loop may spend on waiting awake.
const AWAKE: u32 = 20;

/// Sleeps until shortly before each turn is due and hands it over, until there is none left and nobody is left to ask for one, or
/// until it is stopped.
pub(super) fn pace(mut agenda: Agenda, asked: &Receiver<Turn>, clock: RunClock, stop: &CancellationToken, turns: &UnboundedSender<Turn>) {
    let (mut before, mut asking) = (Duration::ZERO, true);
    while !stop.is_cancelled() {
        // Also where turns are due all the time.
        loop {
            match asked.try_recv() {
                Ok(turn) => agenda.ask(turn),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    asking = false;
                    break;
                }
            }
        }
        let sleep = match agenda.peek() {
            None if !asking => return,
            None => LONGEST_SLEEP,
            Some(next) => {
                let early = EARLIEST.min(next.due.saturating_sub(before) / AWAKE);
                let left = next.due.saturating_sub(clock.offset() + early);
                if left.is_zero() {
                    before = next.due;
                    if agenda.pop().is_some_and(|turn| turns.send(turn).is_err()) {
                        return;
                    }
                    continue;
                }
                left.min(LONGEST_SLEEP)
            }
        };
        if asking {
            // Woken by whoever asks, because that may be for sooner.
            if let Ok(turn) = asked.recv_timeout(sleep) {
                agenda.ask(turn);
            }
        } else {
            std::thread::sleep(sleep);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(mut agenda: Agenda) -> impl Iterator<Item = Turn> {
        std::iter::from_fn(move || agenda.pop())
    }

    #[test]
    fn several_loads_are_merged_in_order_each_with_its_own_start() {
        let load = |name: &str, keys: &str| {
            format!("[[load]]\nname = \"{name}\"\nexecutor = \"constant-arrival-rate\"\n{keys}\n[[load.request]]\nget = \"http://a/b\"\n")
        };
        let two = load("a", "rate = 2\nduration = \"2s\"") + &load("b", "rate = 1\nduration = \"3s\"\nstart = \"500ms\"");
        let plan = Plan::parse(&format!("format = 1\ntitle = \"t\"\n{two}"), "t", &[]).unwrap();
        let order: Vec<(u128, usize, u64)> = drain(Agenda::new(&plan)).map(|turn| (turn.due.as_millis(), turn.load, turn.number)).collect();
        assert_eq!(order, [(0, 0, 0), (500, 0, 1), (500, 1, 0), (1000, 0, 2), (1500, 0, 3), (1500, 1, 1), (2500, 1, 2)]);
        assert_eq!(plan.duration(), Duration::from_millis(3500));
    }
}
