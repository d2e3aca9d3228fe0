//! Whose turn is next: what is scheduled from the beginning, what users have asked for since, and what a user made of the pace.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lab_facts::event::{Control, Pace};
use lab_facts::scenario::{Executor, Plan, Users};

use super::Turn;
use super::rate::Starts;

/// All turns of a plan, in the order in which they are due.
#[derive(Debug)]
pub(in crate::load) struct Agenda {
    /// The arrivals of a load, or the first turns of its users.
    loads: Vec<Scheduled>,
    asked: BinaryHeap<Reverse<Turn>>,
    /// Turns of users who wait for the pace to be resumed, each with what was left until it was due. It is due when its load ends,
    /// though: a user whose load is over has nothing to wait for.
    held: BinaryHeap<Reverse<(Turn, Duration)>>,
    /// When each load ends, from the start of the run.
    ends: Vec<Duration>,
    pace: Pace,
    /// Told to the work loop, which must not let a user go on that has just had its answer.
    paused: Arc<AtomicBool>,
    /// Until when there may be arrivals again although there are none now.
    open_until: Duration,
}

#[derive(Debug)]
enum Scheduled {
    Arrivals(Starts),
    Users(Coming),
}

/// Users who have not had their first turn.
#[derive(Debug)]
struct Coming {
    load: usize,
    /// When the load begins, from the start of the run.
    start: Duration,
    users: Users,
    numbers: Range<usize>,
    /// However early they are to come, they have no turn before.
    not_before: Duration,
}

impl Scheduled {
    fn peek(&self) -> Option<Turn> {
        match self {
            Self::Arrivals(starts) => starts.peek().map(|it| Turn { due: it.intended, load: it.load, number: it.index }),
            // The lower the number, the sooner a user comes.
            Self::Users(Coming { load, start, users, numbers, not_before }) => {
                let user = numbers.clone().next()?;
                let shift = users.shift(user, Duration::ZERO)?;
                Some(Turn { due: (*start + shift.start).max(*not_before), load: *load, number: user as u64 })
            }
        }
    }

    fn pop(&mut self) {
        match self {
            Self::Arrivals(starts) => drop(starts.next()),
            Self::Users(coming) => drop(coming.numbers.next()),
        }
    }
}

impl Agenda {
    pub(in crate::load) fn new(plan: &Plan) -> Self {
        let each = plan.loads.iter().enumerate().map(|(load, it)| match &it.executor {
            Executor::Arrivals(arrivals) => Scheduled::Arrivals(Starts::new(plan.seed, load, it.start, arrivals)),
            Executor::Users(users) => {
                let numbers = 0..users.most();
                Scheduled::Users(Coming { load, start: it.start, users: users.clone(), numbers, not_before: Duration::ZERO })
            }
        });
        Self {
            loads: each.collect(),
            asked: BinaryHeap::new(),
            held: BinaryHeap::new(),
            ends: plan.loads.iter().map(lab_facts::scenario::Load::end).collect(),
            pace: Pace::default(),
            paused: Arc::default(),
            open_until: Duration::ZERO,
        }
    }

    /// Whether the pace is paused, as of the last command that was obeyed.
    pub(in crate::load) fn paused(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.paused)
    }

    /// A user wants that turn, and says so `now`.
    pub(in crate::load) fn ask(&mut self, turn: Turn, now: Duration) {
        if self.pace.paused {
            self.hold(turn, now);
        } else {
            self.asked.push(Reverse(turn));
        }
    }

    fn hold(&mut self, turn: Turn, now: Duration) {
        let left = turn.due.saturating_sub(now);
        self.held.push(Reverse((Turn { due: self.ends[turn.load], ..turn }, left)));
    }

    /// The pace changes at that moment, from the start of the run. What is planned for a time stays at that time: ramps go on as they
    /// would, and only the rate is multiplied; what a pause left out does not come later.
    pub(in crate::load) fn obey(&mut self, control: Control, at: Duration) {
        self.pace.apply(control);
        self.paused.store(self.pace.paused, Ordering::Relaxed);
        for (load, scheduled) in self.loads.iter_mut().enumerate() {
            match scheduled {
                Scheduled::Arrivals(starts) => {
                    starts.change(at, self.pace.effective());
                    self.open_until = self.open_until.max(self.ends[load]);
                }
                Scheduled::Users(coming) if self.pace.paused => coming.not_before = self.ends[load],
                Scheduled::Users(coming) => coming.not_before = coming.not_before.min(at),
            }
        }
        if self.pace.paused {
            while let Some(Reverse(turn)) = self.asked.pop() {
                self.hold(turn, at);
            }
        } else {
            let resumed = self.held.drain().map(|Reverse((turn, left))| Reverse(Turn { due: at + left, ..turn }));
            self.asked.extend(resumed);
        }
    }

    /// Whether there may be arrivals later although there is no turn now.
    pub(in crate::load) fn is_open(&self, now: Duration) -> bool {
        now < self.open_until
    }

    /// The next turn, if there is one so far.
    pub(in crate::load) fn peek(&self) -> Option<Turn> {
        let scheduled = self.loads.iter().filter_map(Scheduled::peek);
        let users = self.asked.peek().map(|turn| turn.0).into_iter().chain(self.held.peek().map(|held| held.0.0));
        scheduled.chain(users).min()
    }

    pub(in crate::load) fn pop(&mut self) -> Option<Turn> {
        let next = self.peek()?;
        if self.asked.peek().is_some_and(|turn| turn.0 == next) {
            self.asked.pop();
        } else if self.held.peek().is_some_and(|held| held.0.0 == next) {
            self.held.pop();
        } else if let Some(scheduled) = self.loads.iter_mut().find(|scheduled| scheduled.peek() == Some(next)) {
            scheduled.pop();
        }
        Some(next)
    }
}
