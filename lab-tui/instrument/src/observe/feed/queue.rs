//! Which trace is asked for next: the slowest and failed and the sample in turn, what is left of the others when nothing else is due.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use lab_facts::event::TraceId;

/// Services send their spans some tenths of a second after they end, or some seconds; how many is learned.
const SOONEST: Duration = Duration::from_secs(1);
const SLOWEST: Duration = Duration::from_secs(10);
/// How long to wait until a trace is asked for again; it doubles each time.
const AGAIN: Duration = Duration::from_secs(1);
const LATEST: Duration = Duration::from_secs(8);
/// What has not come by then does not come.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many of each rank are waited for, and how many that are done with are remembered.
const WAITING: usize = 1_000;
const DONE: usize = 8_000;

/// How much a trace is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// When there is time.
    Other,
    /// It stands for all others.
    Sampled,
    /// Its request took so many microseconds; the most of them if it failed.
    Slow(u32),
}

impl Rank {
    fn index(self) -> usize {
        match self {
            Self::Other => 0,
            Self::Sampled => 1,
            Self::Slow(_) => 2,
        }
    }
}

/// Traces that are to be asked for.
#[derive(Debug)]
pub(super) struct Queue {
    wanted: HashMap<TraceId, Wanted>,
    /// How many of each rank these are.
    counts: [usize; 3],
    done: VecDeque<TraceId>,
    is_done: HashSet<TraceId>,
    /// Whose turn was last: that of the slow ones, or of the sample.
    was_slow: bool,
    /// The load is over: nobody is waited for longer than need be.
    hurried: bool,
    missed: u64,
    /// There was no room for all.
    is_full: bool,
    /// How long traces take until they are there: asking sooner is in vain.
    lateness: Duration,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            wanted: HashMap::new(),
            counts: [0; 3],
            done: VecDeque::new(),
            is_done: HashSet::new(),
            was_slow: false,
            hurried: false,
            missed: 0,
            is_full: false,
            lateness: SOONEST,
        }
    }
}

#[derive(Debug)]
struct Wanted {
    rank: Rank,
    since: Instant,
    due: Instant,
    /// How often it was asked for.
    asked: u32,
    is_asked: bool,
    /// Spans that are known of it, the lab's own among them.
    spans: usize,
    /// The last answer had nothing new.
    stands_still: bool,
}

impl Wanted {
    fn has_some(&self) -> bool {
        self.spans > 1
    }
}

impl Queue {
    pub(super) fn want(&mut self, id: TraceId, rank: Rank, now: Instant) {
        if self.is_done.contains(&id) {
            return;
        }
        if let Some(known) = self.wanted.get_mut(&id) {
            if known.rank < rank {
                self.counts[known.rank.index()] -= 1;
                self.counts[rank.index()] += 1;
                known.rank = rank;
            }
            return;
        }
        if !self.has_room(rank) {
            self.missed += 1;
            self.is_full = true;
            return;
        }
        let due = now + self.lateness;
        self.counts[rank.index()] += 1;
        self.wanted.insert(id, Wanted { rank, since: now, due, asked: 0, is_asked: false, spans: 1, stands_still: false });
    }

    /// Whether one more of that rank can be waited for; the least slow one makes room for a slower one.
    fn has_room(&mut self, rank: Rank) -> bool {
        if self.counts[rank.index()] < WAITING {
            return true;
        }
        let Rank::Slow(_) = rank else { return false };
        let slow = self.wanted.iter().filter(|(_, one)| matches!(one.rank, Rank::Slow(_)) && !one.is_asked);
        let least = slow.min_by_key(|(_, one)| one.rank);
        match least.map(|(id, one)| (*id, one.rank)) {
            Some((id, least)) if least < rank => {
                self.finish(id);
                self.is_full = true;
                true
            }
            _ => false,
        }
    }

    /// The one to ask for now. Whoever takes it says what came of it.
    pub(super) fn next(&mut self, now: Instant) -> Option<TraceId> {
        let due = || self.wanted.iter().filter(|(_, one)| !one.is_asked && one.due <= now);
        let slow = || due().filter(|(_, one)| matches!(one.rank, Rank::Slow(_))).max_by_key(|(_, one)| one.rank);
        let sampled = || due().filter(|(_, one)| one.rank == Rank::Sampled).min_by_key(|(_, one)| one.due);
        let turns = if self.was_slow { sampled().or_else(slow) } else { slow().or_else(sampled) };
        let id = *turns.or_else(|| due().min_by_key(|(_, one)| one.due))?.0;
        let one = self.wanted.get_mut(&id)?;
        one.is_asked = true;
        self.was_slow = matches!(one.rank, Rank::Slow(_));
        Some(id)
    }

    /// So many spans of it are known by now.
    pub(super) fn answered(&mut self, id: TraceId, spans: usize, is_whole: bool, now: Instant) {
        let Some(one) = self.wanted.get_mut(&id) else { return };
        if spans > one.spans && !one.has_some() {
            // One that was there at once may have been there before; others came between this question and the one before.
            let age = if one.asked == 0 { self.lateness.mul_f64(0.8) } else { now - one.since };
            self.lateness = ((self.lateness * 3 + age) / 4).clamp(SOONEST, SLOWEST);
        }
        one.stands_still = spans <= one.spans;
        one.spans = one.spans.max(spans);
        one.asked += 1;
        if is_whole || now >= one.since + PATIENCE {
            self.finish(id);
            return;
        }
        let wait = if self.hurried { AGAIN } else { AGAIN.saturating_mul(1 << (one.asked - 1).min(5)).min(LATEST) };
        one.due = (now + wait).min(one.since + PATIENCE);
        one.is_asked = false;
    }

    /// Nobody could be asked.
    pub(super) fn failed(&mut self, id: TraceId, now: Instant) {
        match self.wanted.get_mut(&id) {
            Some(one) if now < one.since + PATIENCE => (one.due, one.is_asked) = (now + AGAIN, false),
            Some(_) => self.finish(id),
            None => {}
        }
    }

    fn finish(&mut self, id: TraceId) {
        let Some(one) = self.wanted.remove(&id) else { return };
        self.counts[one.rank.index()] -= 1;
        self.missed += u64::from(!one.has_some());
        if self.done.len() >= DONE
            && let Some(oldest) = self.done.pop_front()
        {
            self.is_done.remove(&oldest);
        }
        self.done.push_back(id);
        self.is_done.insert(id);
    }

    /// No more are to come.
    pub(super) fn hurry(&mut self) {
        self.hurried = true;
        let now = Instant::now();
        for one in self.wanted.values_mut() {
            one.due = one.due.min(now + AGAIN);
        }
    }

    /// Nothing is waited for any longer.
    pub(super) fn give_up(&mut self) {
        self.missed = self.missed();
        self.wanted.clear();
        self.counts = [0; 3];
    }

    /// Whether nothing more is to be expected of those that count: of all, where none was left out so far.
    pub(super) fn is_quiet(&self) -> bool {
        let counts = |one: &&Wanted| self.missed == 0 || one.rank > Rank::Other;
        self.wanted.values().filter(counts).all(|one| one.has_some() && one.stands_still)
    }

    /// Whether some were left out, because there are more than can be asked for.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// How many have not come, or were not asked for.
    pub(super) fn missed(&self) -> u64 {
        self.missed + self.wanted.values().filter(|one| !one.has_some()).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u32) -> TraceId {
        let mut id = [1; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        TraceId(id)
    }

    #[test]
    fn the_slowest_and_the_sample_take_turns_and_the_others_wait() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.want(id(1), Rank::Other, now);
        queue.want(id(2), Rank::Sampled, now);
        queue.want(id(3), Rank::Slow(10), now);
        queue.want(id(4), Rank::Slow(u32::MAX), now);
        // It was told as any other at first.
        queue.want(id(5), Rank::Other, now);
        queue.want(id(5), Rank::Slow(20), now);
        assert_eq!(queue.next(now), None, "nobody has sent anything yet");
        let later = now + SOONEST;
        let order: Vec<TraceId> = std::iter::from_fn(|| queue.next(later)).collect();
        assert_eq!(order, [id(4), id(2), id(5), id(3), id(1)]);
    }

    #[test]
    fn a_trace_is_asked_for_again_ever_more_rarely_until_it_is_whole() {
        let (mut queue, start) = (Queue::default(), Instant::now());
        queue.want(id(1), Rank::Sampled, start);
        queue.want(id(2), Rank::Sampled, start);
        let (mut asked, mut now) = (Vec::new(), start);
        while now < start + 2 * PATIENCE {
            while let Some(one) = queue.next(now) {
                if one == id(1) {
                    asked.push((now - start).as_secs());
                }
                // The second is whole at once, the first never.
                queue.answered(one, if one == id(2) { 7 } else { 1 }, one == id(2), now);
            }
            now += Duration::from_secs(1);
        }
        assert_eq!(asked, [1, 2, 4, 8, 16, 24, 30]);
        assert!(queue.wanted.is_empty() && queue.missed() == 1);
        queue.want(id(2), Rank::Slow(1), now);
        assert!(queue.wanted.is_empty(), "it is done with");
    }

    #[test]
    fn how_late_traces_are_is_learned() {
        let (mut queue, mut now) = (Queue::default(), Instant::now());
        // They are there after five seconds, and then at once.
        for (late, between) in [(5, 4..=9), (0, 1..=1)] {
            let mut last = Duration::ZERO;
            for number in 0..60 {
                let (id, since) = (id(1000 * late + number), now);
                queue.want(id, Rank::Other, now);
                let is_there = |now: Instant| now >= since + Duration::from_secs(late.into());
                let mut asked = Vec::new();
                while asked.is_empty() || !is_there(now) {
                    now += Duration::from_millis(50);
                    if queue.next(now).is_some() {
                        asked.push(now - since);
                        queue.answered(id, if is_there(now) { 2 } else { 1 }, is_there(now), now);
                    }
                }
                while queue.next(now + LATEST).is_some() {
                    queue.answered(id, 2, true, now);
                }
                last = asked[0];
            }
            assert!(between.contains(&last.as_secs()), "{late}: {last:?}");
        }
    }

    #[test]
    fn the_end_waits_for_those_that_still_grow() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.want(id(1), Rank::Slow(5), now);
        assert!(!queue.is_quiet());
        let mut now = now + SOONEST;
        for (spans, quiet) in [(3, false), (5, false), (5, true)] {
            assert_eq!(queue.next(now), Some(id(1)));
            queue.answered(id(1), spans, false, now);
            assert_eq!(queue.is_quiet(), quiet, "{spans}");
            now += LATEST;
        }
        queue.give_up();
        assert_eq!(queue.missed(), 0);
    }

    #[test]
    fn room_is_for_the_slower_ones_and_what_finds_none_is_counted() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        let most = u32::try_from(WAITING).unwrap();
        for number in 0..=most {
            queue.want(id(number), Rank::Slow(number), now);
            queue.want(id(most * 2 + number), Rank::Other, now);
        }
        assert_eq!((queue.wanted.len(), queue.missed), (2 * WAITING, 2));
        assert_eq!(queue.next(now + SOONEST), Some(id(most)), "the least slow one made room");
    }
}
