//! When requests are due: a schedule is an iterator of intended starts, whatever becomes of the requests.

mod agenda;
mod rate;

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

pub(super) use self::agenda::Agenda;
use lab_facts::event::Control;

use super::RunClock;

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

/// What the pacer is told while it paces.
#[derive(Debug, Clone, Copy)]
pub(super) enum Note {
    /// A user wants a turn.
    Turn(Turn),
    /// No user will want one any more.
    NobodyAsks,
    /// The pace changes at that moment, from the start of the run.
    Control(Control, Duration),
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
pub(super) fn pace(mut agenda: Agenda, notes: &Receiver<Note>, clock: RunClock, stop: &CancellationToken, turns: &UnboundedSender<Turn>) {
    let (mut before, mut asking) = (Duration::ZERO, true);
    while !stop.is_cancelled() {
        // Also where turns are due all the time.
        while let Ok(note) = notes.try_recv() {
            asking &= hear(&mut agenda, note, clock);
        }
        let sleep = match agenda.peek() {
            None if !asking && !agenda.is_open(clock.offset()) => return,
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
        // Woken by whoever has something to say, because that may be for sooner.
        match notes.recv_timeout(sleep) {
            Ok(note) => asking &= hear(&mut agenda, note, clock),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                asking = false;
                std::thread::sleep(sleep);
            }
        }
    }
}

/// Whether users may still ask for turns.
fn hear(agenda: &mut Agenda, note: Note, clock: RunClock) -> bool {
    match note {
        Note::Turn(turn) => agenda.ask(turn, clock.offset()),
        Note::NobodyAsks => return false,
        Note::Control(control, at) => agenda.obey(control, at),
    }
    true
}

#[cfg(test)]
mod tests {
    use lab_facts::scenario::Plan;

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
