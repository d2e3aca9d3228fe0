//! The whole run on one time line: its last minutes second by second, what is older in ever coarser pieces.

use std::collections::VecDeque;
use std::time::Duration;

use crate::event::{Exemplar, Samples};

/// How many seconds of history are kept as such.
pub const SECONDS: u64 = 600;

/// What is older than the first becomes part of a piece of the second, in seconds. Each length is a multiple of the one before, so that
/// pieces become part of one another whole; a week is some 2,500 of them.
const AGES: [(u64, u64); 3] = [(SECONDS, 10), (3_600, 60), (36_000, 600)];

/// A second that is older than this, in seconds, is hardly added to any more, and is told less precisely from then on.
const FRESH: u64 = 20;

/// How many leading bits of a response time are kept of what is past: within one in a hundred.
const PRECISION: u32 = 7;

/// Requests in flight for less than this, in microseconds, are not late: their end may just not have been told yet.
const LATE: u32 = 700_000;

/// How many exemplars of one second are kept.
const EXEMPLARS: usize = 12;

/// Where a piece of the time line lies, in whole seconds from the start of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its first second; a multiple of the length.
    pub index: u64,
    /// How many seconds: 1, or more for what lies long back.
    pub length: u64,
}

/// Something that is known second by second, and of what is older, in sums.
pub trait OfSecond {
    /// Of which nothing is known yet.
    fn new(place: Place) -> Self;
    /// Where it lies.
    fn place(&self) -> Place;
    /// Adds another, whatever its place.
    fn merge(&mut self, other: Self);
    /// Gives up precision that nobody looks for in what is past.
    fn coarsen(&mut self);
}

/// Pieces of a run, the newest last.
#[derive(Debug)]
pub struct Timeline<T> {
    pieces: VecDeque<T>,
}

impl<T> Default for Timeline<T> {
    fn default() -> Self {
        Self { pieces: VecDeque::new() }
    }
}

impl<T: OfSecond> Timeline<T> {
    /// The piece that holds a second, made where it is new.
    pub(super) fn at(&mut self, index: u64) -> &mut T {
        let newest = self.pieces.back().map(|last| last.place().index);
        if newest.is_none_or(|newest| newest < index) {
            self.pieces.push_back(T::new(Place { index, length: 1 }));
            self.age(index);
        }
        let place = self.find(index).unwrap_or_else(|| {
            let place = self.pieces.partition_point(|piece| piece.place().index < index);
            // What comes this late is put into a piece like its neighbours.
            self.pieces.insert(place, T::new(place_of(index, newest.unwrap_or_default())));
            place
        });
        &mut self.pieces[place]
    }

    /// Makes older pieces coarser, now that `newest` has come.
    fn age(&mut self, newest: u64) {
        if let Some(place) = newest.checked_sub(FRESH).and_then(|index| self.find(index)) {
            self.pieces[place].coarsen();
        }
        for (age, length) in AGES {
            let end = self.pieces.partition_point(|piece| piece.place().index < aged(age, length, newest));
            // All but the last few have been made coarser before.
            let finer = self.pieces.range(..end).rev().take_while(|piece| piece.place().length < length).count();
            let mut place = end - finer;
            for piece in self.pieces.drain(place..end).collect::<Vec<_>>() {
                let home = Place { index: piece.place().index / length * length, length };
                let is_there = place > 0 && self.pieces[place - 1].place() == home;
                if !is_there {
                    self.pieces.insert(place, T::new(home));
                    place += 1;
                }
                self.pieces[place - 1].merge(piece);
                self.pieces[place - 1].coarsen();
            }
        }
    }

    fn find(&self, index: u64) -> Option<usize> {
        let place = self.pieces.partition_point(|piece| piece.place().index <= index).checked_sub(1)?;
        self.pieces[place].place().holds(index).then_some(place)
    }

    /// The piece that holds a second, where anything is known of it.
    pub fn get(&self, index: u64) -> Option<&T> {
        self.pieces.get(self.find(index)?)
    }

    /// The pieces that hold seconds from `from` up to and not including `to`.
    pub fn range(&self, from: u64, to: u64) -> impl Iterator<Item = &T> {
        let first = self.pieces.partition_point(|piece| piece.place().end() <= from);
        self.pieces.range(first..).take_while(move |piece| piece.place().index < to)
    }

    /// All of them, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.pieces.iter()
    }
}

impl Place {
    /// The second after its last.
    pub fn end(self) -> u64 {
        self.index + self.length
    }

    fn holds(self, index: u64) -> bool {
        (self.index..self.end()).contains(&index)
    }
}

/// The first second that is not so old that it is part of a piece of that length. A piece ages as a whole, when its last second does.
fn aged(age: u64, length: u64, newest: u64) -> u64 {
    (newest + 1).saturating_sub(age) / length * length
}

/// The piece that a second belongs to when `newest` is the newest.
fn place_of(index: u64, newest: u64) -> Place {
    let length = AGES.iter().rev().find(|(age, length)| index < aged(*age, *length, newest)).map_or(1, |(_, length)| *length);
    Place { index: index / length * length, length }
}

/// One second of the run, or a piece of its past, over all loads; a request counts where its intended start lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Second {
    /// Which second, or seconds.
    pub place: Place,
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
        let age = now.saturating_sub(
            Duration::from_secs(self.place.index) + Duration::from_millis(500) * u32::try_from(self.place.length).unwrap_or(1),
        );
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
    fn new(place: Place) -> Self {
        let (response, exemplars) = (Samples::default(), Vec::new());
        Self { place, offered: 0, dropped: 0, ended: 0, failed: 0, response, exemplars }
    }

    fn place(&self) -> Place {
        self.place
    }

    fn merge(&mut self, other: Self) {
        self.offered += other.offered;
        self.dropped += other.dropped;
        self.ended += other.ended;
        self.failed += other.failed;
        self.response.merge(&other.response);
        other.exemplars.into_iter().for_each(|exemplar| self.keep(exemplar));
    }

    fn coarsen(&mut self) {
        self.response.coarsen(PRECISION);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(index: u64) -> Second {
        let response = Samples::from_micros(vec![u32::try_from(index + 1).unwrap() * 1000]);
        Second { offered: 1, ended: 1, response, ..Second::new(Place { index, length: 1 }) }
    }

    fn lengths(line: &Timeline<Second>) -> Vec<(u64, u64)> {
        let mut runs: Vec<(u64, u64)> = Vec::new();
        for piece in line.iter() {
            match runs.last_mut() {
                Some((length, count)) if *length == piece.place.length => *count += 1,
                _ => runs.push((piece.place.length, 1)),
            }
        }
        runs
    }

    #[test]
    fn the_whole_run_stays_in_ever_coarser_pieces() {
        let mut line: Timeline<Second> = Timeline::default();
        for index in 0..40_000 {
            line.at(index).merge(second(index));
        }
        assert_eq!(lengths(&line), [(600, 6), (60, 546), (10, 304), (1, 600)]);
        let (mut end, mut requests) = (0, 0);
        for piece in line.iter() {
            assert_eq!((piece.place.index, piece.offered), (end, piece.place.length), "no gap, nothing twice");
            end = piece.place.end();
            requests += piece.response.count();
        }
        assert_eq!((end, requests), (40_000, 40_000));
        assert_eq!(line.get(3_599).map(|piece| (piece.place.index, piece.response.max())), Some((3_000, 3_600_000)));
        let places: Vec<u64> = line.range(3_590, 3_602).map(|piece| piece.place.index).collect();
        assert_eq!(places, [3_000, 3_600], "a range holds what overlaps it");
    }

    #[test]
    fn what_comes_late_or_after_a_gap_finds_its_place() {
        let mut line: Timeline<Second> = Timeline::default();
        for index in [5, 7, 3, 5_000, 1_203, 1_204] {
            line.at(index).offered += 1;
        }
        let pieces: Vec<_> = line.iter().map(|piece| (piece.place.index, piece.place.length, piece.offered)).collect();
        assert_eq!(pieces, [(0, 60, 3), (1_200, 60, 2), (5_000, 1, 1)]);
        assert!(line.get(100).is_none() && line.get(4_999).is_none() && line.get(59).is_some());
        line.at(5_000 + SECONDS + 20);
        assert_eq!(line.get(5_009).map(|piece| piece.place), Some(Place { index: 5_000, length: 10 }));
    }
}
