//! The last minutes, second by second.

use std::collections::VecDeque;
use std::time::Duration;

use crate::event::{Exemplar, Samples};

/// How many seconds of history are kept.
pub const SECONDS: usize = 600;

/// Requests in flight for less than this, in microseconds, are not late: their end may just not have been told yet.
const LATE: u32 = 700_000;

/// How many exemplars of one second are kept.
const EXEMPLARS: usize = 12;

/// Something that is known second by second.
pub trait OfSecond: Default {
    /// Which second, counted from the start of the run.
    fn index(&self) -> u64;
    /// Sets it, once, when the second is made.
    fn set_index(&mut self, index: u64);
}

/// Consecutive seconds, the newest last; what is older than [`SECONDS`] is forgotten.
#[derive(Debug)]
pub struct Timeline<T> {
    seconds: VecDeque<T>,
}

impl<T> Default for Timeline<T> {
    fn default() -> Self {
        Self { seconds: VecDeque::new() }
    }
}

impl<T: OfSecond> Timeline<T> {
    /// The second of that index, made where it is new; `None` when it has been forgotten already.
    pub(super) fn at(&mut self, index: u64) -> Option<&mut T> {
        while self.seconds.back().is_none_or(|last| last.index() < index) {
            let mut next = T::default();
            next.set_index(self.seconds.back().map_or(index, |last| last.index() + 1));
            self.seconds.push_back(next);
            if self.seconds.len() > SECONDS {
                self.seconds.pop_front();
            }
        }
        let first = self.seconds.front()?.index();
        self.seconds.get_mut(usize::try_from(index.checked_sub(first)?).ok()?)
    }

    /// The second of that index, where it is known.
    pub fn get(&self, index: u64) -> Option<&T> {
        let first = self.seconds.front()?.index();
        self.seconds.get(usize::try_from(index.checked_sub(first)?).ok()?)
    }

    /// The seconds from `from` up to and not including `to`, as far as they are known.
    pub fn range(&self, from: u64, to: u64) -> impl Iterator<Item = &T> {
        self.seconds.iter().skip_while(move |second| second.index() < from).take_while(move |second| second.index() < to)
    }

    /// All of them, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.seconds.iter()
    }
}

/// One second of the run, over all loads; a request counts where its intended start lies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Second {
    /// Counted from the start of the run.
    pub index: u64,
    /// Arrivals that were due.
    pub offered: u64,
    /// Arrivals that were not sent.
    pub dropped: u64,
    /// Requests that have ended.
    pub ended: u64,
    /// Of these, with an answer that the scenario does not expect.
    pub failed: u64,
    /// From the intended start to the last byte.
    pub response: Samples,
    /// Some of the requests, slowest first.
    pub exemplars: Vec<Exemplar>,
}

impl Second {
    /// Requests that were sent and have not ended.
    pub fn in_flight(&self) -> u64 {
        self.offered.saturating_sub(self.dropped + self.ended)
    }

    /// Response times as they are known by now: those of requests in flight are at least their age. Without these, a second in which
    /// all but one request hang would look as fast as that one.
    pub fn response_so_far(&self, now: Duration) -> Samples {
        let mut response = self.response.clone();
        // Their moments within the second are not known; the middle of it is as good as any.
        let age = now.saturating_sub(Duration::from_secs(self.index) + Duration::from_millis(500));
        let age = u32::try_from(age.as_micros()).unwrap_or(u32::MAX);
        if self.in_flight() > 0 && age > LATE {
            response.merge(&Samples::repeated(age, u32::try_from(self.in_flight()).unwrap_or(u32::MAX)));
        }
        response
    }

    pub(super) fn keep(&mut self, exemplar: Exemplar) {
        let place = self.exemplars.partition_point(|other| other.micros >= exemplar.micros);
        if place < EXEMPLARS {
            self.exemplars.insert(place, exemplar);
            self.exemplars.truncate(EXEMPLARS);
        }
    }
}

impl OfSecond for Second {
    fn index(&self) -> u64 {
        self.index
    }

    fn set_index(&mut self, index: u64) {
        self.index = index;
    }
}
