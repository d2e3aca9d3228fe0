//! The users of one load: whose turn it is, and what is left to do.

use std::time::Duration;

use lab_facts::scenario::{Executor, Iterations, Load, Plan, Users};

use crate::load::pacer::{Arrival, Turn};

/// What a user does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Sends a request, which is given up at the second moment.
    Send(Arrival, Duration),
    /// Waits for its turn.
    Wait(Turn),
    /// Goes, and does not come back. The last one leaves so many requests that there was no time for.
    Leave(u64),
}

/// The users of all loads, and what they have done so far.
#[derive(Debug)]
pub(super) struct Crew {
    loads: Vec<Work>,
}

#[derive(Debug, Default)]
struct Work {
    /// Requests sent. The next one's index, whoever sends it: the sequence of a load does not depend on who is free first.
    sent: u64,
    /// Where each has its own number of iterations: requests sent by each.
    by_user: Vec<u64>,
    /// Users who have not left.
    here: usize,
}

impl Crew {
    pub(super) fn new(plan: &Plan) -> Self {
        let work = |load: &Load| match &load.executor {
            Executor::Arrivals(_) => Work::default(),
            Executor::Users(users) => {
                let coming = (0..users.most()).take_while(|user| users.shift(*user, Duration::ZERO).is_some()).count();
                let by_user = if matches!(users.iterations, Iterations::Each(_)) { vec![0; coming] } else { Vec::new() };
                Work { sent: 0, by_user, here: coming }
            }
        };
        Self { loads: plan.loads.iter().map(work).collect() }
    }

    /// Nobody will ask for a turn any more.
    pub(super) fn is_gone(&self) -> bool {
        self.loads.iter().all(|work| work.here == 0)
    }

    /// The user is ready at that moment.
    pub(super) fn ready(&mut self, plan: &Plan, users: &Users, turn: Turn) -> Next {
        let (load, work) = (&plan.loads[turn.load], &mut self.loads[turn.load]);
        let user = usize::try_from(turn.number).unwrap_or(usize::MAX);
        let left = match users.iterations {
            Iterations::Unlimited => true,
            Iterations::Shared(all) => work.sent < all,
            Iterations::Each(all) => work.by_user.get(user).is_some_and(|sent| *sent < all),
        };
        let shift = users.shift(user, turn.due.saturating_sub(load.start)).filter(|_| left);
        let Some(shift) = shift.map(|shift| load.start + shift.start..load.start + shift.end) else {
            work.here = work.here.saturating_sub(1);
            return Next::Leave(if work.here == 0 { work.undone(users) } else { 0 });
        };
        if shift.start > turn.due {
            return Next::Wait(Turn { due: shift.start, ..turn });
        }
        let arrival = Arrival { load: turn.load, index: work.sent, intended: turn.due };
        work.sent += 1;
        if let Some(sent) = work.by_user.get_mut(user) {
            *sent += 1;
        }
        let last = load.end() + load.graceful_stop;
        let given_up = if shift.end < load.end() { last.min(shift.end + users.graceful_ramp_down) } else { last };
        Next::Send(arrival, given_up)
    }
}

impl Work {
    fn undone(&self, users: &Users) -> u64 {
        match users.iterations {
            Iterations::Unlimited => 0,
            Iterations::Shared(all) => all - self.sent,
            Iterations::Each(all) => all * self.by_user.len() as u64 - self.sent,
        }
    }
}
