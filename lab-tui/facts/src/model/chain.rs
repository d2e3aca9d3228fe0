//! Who calls whom, and how each hop does: learned from spans alone, whatever services send them.

use std::collections::{BTreeMap, BTreeSet};

use super::timeline::{OfSecond, Place, Timeline};
use crate::event::{EdgeCalls, HopSpans, Samples};

/// How many hops are kept; a service that names each of its instances differently must not fill the memory.
const HOPS: usize = 64;

/// How many edges.
const EDGES: usize = 256;

/// How many leading bits of a duration are kept of what is past: within two in a hundred.
const PRECISION: u32 = 6;

/// The hops of the system, as far as spans have told.
#[derive(Debug, Default)]
pub struct Chain {
    hops: BTreeMap<String, Hop>,
    edges: BTreeMap<(String, String), Edge>,
}

/// Calls from one service to a hop, over the whole run.
#[derive(Debug, Default)]
pub struct Edge {
    /// Spans with the status error, of the one that was called.
    pub errors: u64,
    /// From begin to end of its spans.
    pub durations: Samples,
}

/// One service, or one database.
#[derive(Debug, Default)]
pub struct Hop {
    callers: BTreeSet<String>,
    /// Its spans, by the second in which they began.
    pub seconds: Timeline<HopSecond>,
}

/// One second of a hop, or a piece of its past.
#[derive(Debug)]
pub struct HopSecond {
    place: Place,
    /// Spans with the status error.
    pub errors: u64,
    /// From begin to end.
    pub durations: Samples,
}

impl Chain {
    pub(super) fn add(&mut self, spans: &HopSpans) {
        let Some(hop) = self.hop(&spans.hop) else { return };
        let second = hop.seconds.at(spans.second);
        second.errors += u64::from(spans.errors);
        second.durations.merge(&spans.durations);
    }

    pub(super) fn connect(&mut self, from: &str, to: &str) {
        // Who calls itself is still called by somebody else first.
        if from != to
            && let Some(hop) = self.hop(to)
        {
            hop.callers.insert(from.to_owned());
        }
    }

    pub(super) fn add_calls(&mut self, calls: &EdgeCalls) {
        let key = (calls.from.clone(), calls.to.clone());
        if !self.edges.contains_key(&key) && self.edges.len() >= EDGES {
            return;
        }
        let edge = self.edges.entry(key).or_default();
        edge.errors += u64::from(calls.errors);
        edge.durations.merge(&calls.durations);
        edge.durations.coarsen(PRECISION);
    }

    /// The service map: who calls whom, how often, with how many errors and how long that took, as the one that was called tells.
    pub fn edges(&self) -> impl Iterator<Item = (&str, &str, &Edge)> {
        self.edges.iter().map(|((from, to), calls)| (from.as_str(), to.as_str(), calls))
    }

    fn hop(&mut self, name: &str) -> Option<&mut Hop> {
        if !self.hops.contains_key(name) && self.hops.len() >= HOPS {
            return None;
        }
        Some(self.hops.entry(name.to_owned()).or_default())
    }

    /// All hops, those nearest to the load first.
    pub fn in_order(&self) -> Vec<(&str, &Hop)> {
        let mut hops: Vec<(usize, &str, &Hop)> =
            self.hops.iter().map(|(name, hop)| (self.depth(name, self.hops.len()), name.as_str(), hop)).collect();
        hops.sort_by_key(|(depth, name, _)| (*depth, *name));
        hops.into_iter().map(|(_, name, hop)| (name, hop)).collect()
    }

    /// How many calls away it is at the most; services that call each other in a circle end the count.
    fn depth(&self, name: &str, patience: usize) -> usize {
        let Some(hop) = self.hops.get(name).filter(|_| patience > 0) else { return 0 };
        hop.callers.iter().map(|caller| 1 + self.depth(caller, patience.min(8) - 1)).max().unwrap_or_default()
    }
}

impl Hop {
    /// Errors and durations of the pieces that hold seconds from one up to and not including another.
    pub fn between(&self, from: u64, to: u64) -> (u64, Samples) {
        let errors = self.seconds.range(from, to).map(|second| second.errors).sum();
        (errors, Samples::merged(self.seconds.range(from, to).map(|second| &second.durations)))
    }

    /// The second in which its newest span began.
    pub fn newest(&self) -> Option<u64> {
        self.seconds.iter().next_back().map(|second| second.place.end().saturating_sub(1))
    }
}

impl OfSecond for HopSecond {
    fn new(place: Place) -> Self {
        Self { place, errors: 0, durations: Samples::default() }
    }

    fn place(&self) -> Place {
        self.place
    }

    fn merge(&mut self, other: Self) {
        self.errors += other.errors;
        self.durations.merge(&other.durations);
    }

    fn coarsen(&mut self) {
        self.durations.coarsen(PRECISION);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_is_in_order_of_its_calls() {
        let mut chain = Chain::default();
        for hop in ["database", "middle", "door", "alone"] {
            chain.add(&HopSpans { hop: hop.to_owned(), second: 3, errors: 1, durations: Samples::from_micros(vec![1000, 2000]) });
        }
        for (from, to) in [("middle", "database"), ("door", "middle"), ("lab", "door"), ("door", "door"), ("middle", "door")] {
            chain.connect(from, to);
        }
        // `middle` calls `door` back: a circle, which ends.
        let order: Vec<&str> = chain.in_order().iter().map(|(name, _)| *name).collect();
        assert_eq!(order[0], "alone");
        assert_eq!(order.len(), 4);
        let (errors, durations) = chain.in_order()[1].1.between(0, 10);
        assert_eq!((errors, durations.count()), (1, 2));
        assert_eq!(chain.in_order()[1].1.between(4, 10).1.count(), 0);
    }

    #[test]
    fn edges_have_their_calls_and_are_bounded() {
        let mut chain = Chain::default();
        for number in 0..1000 {
            let durations = Samples::from_micros(vec![1000, 3000]);
            let calls = EdgeCalls { from: "a".to_owned(), to: format!("b{}", number % 500), second: number, errors: 1, durations };
            chain.add_calls(&calls);
        }
        assert_eq!(chain.edges().count(), EDGES);
        let (from, to, calls) = chain.edges().next().unwrap();
        assert_eq!((from, to, calls.errors, calls.durations.count(), calls.durations.max()), ("a", "b0", 2, 4, 3000));
    }
}
