//! What is drawn. Draws are keyed by seed, load and arrival, so that the same seed gives the same sequence.

use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::pacer::Arrival;
use crate::scenario::{Load, Target, ThinkTime};

/// A request with its variables filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Drawn {
    /// Index of the request in its load.
    pub(super) request: usize,
    /// A path, or a whole URL for an absolute target.
    pub(super) url: String,
}

/// Draws for one purpose do not change those for another.
#[derive(Debug, Clone, Copy)]
enum Purpose {
    Request = 0,
    Gap = 1,
    Think = 2,
}

fn keyed(seed: u32, load: usize, index: u64, purpose: Purpose) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..4].copy_from_slice(&seed.to_le_bytes());
    key[4..8].copy_from_slice(&u32::try_from(load).unwrap_or(u32::MAX).to_le_bytes());
    key[8..16].copy_from_slice(&index.to_le_bytes());
    key[16] = purpose as u8;
    ChaCha8Rng::from_seed(key)
}

/// The gap before an arrival of a Poisson process, in mean gaps: exponential, with mean and deviation 1.
pub(super) fn gap(seed: u32, load: usize, index: u64) -> f64 {
    // From 0 up to but not 1, so the logarithm is finite.
    let share: f64 = keyed(seed, load, index, Purpose::Gap).random();
    -(1.0 - share).ln()
}

/// How long the user thinks who sent the request of that index.
pub(super) fn think(seed: u32, time: ThinkTime, load: usize, index: u64) -> Duration {
    let share: f64 = keyed(seed, load, index, Purpose::Think).random();
    time.min + (time.max - time.min).mul_f64(share)
}

/// Draws the request of an arrival.
pub(super) fn draw(seed: u32, load: &Load, arrival: Arrival) -> Drawn {
    let mut random = keyed(seed, arrival.load, arrival.index, Purpose::Request);
    let total: u64 = load.requests.iter().map(|request| u64::from(request.weight)).sum();
    let mut ticket = random.random_range(0..total.max(1));
    let mut chosen = 0;
    for (index, request) in load.requests.iter().enumerate() {
        let weight = u64::from(request.weight);
        if ticket < weight {
            chosen = index;
            break;
        }
        ticket -= weight;
    }
    // Every variable is drawn, used or not, in the order of the names: adding one to a URL does not change the others' draws.
    let values: Vec<(&str, &str)> = load
        .vars
        .iter()
        .map(|(name, values)| (name.as_str(), values.get(random.random_range(0..values.len().max(1))).map_or("", String::as_str)))
        .collect();
    let (Target::Service { path: template, .. } | Target::Absolute(template)) = &load.requests[chosen].target;
    let url = template.render(|name| values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value));
    Drawn { request: chosen, url }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::scenario::{Plan, shipped};

    #[test]
    fn draws_follow_the_weights_and_the_seed() {
        let plan = Plan::parse(shipped("db-load").unwrap(), "db-load", &["die-service"]).unwrap();
        let sequence = |seed| -> Vec<Drawn> {
            (0..4000).map(|index| draw(seed, &plan.loads[0], Arrival { load: 0, index, intended: Duration::ZERO })).collect()
        };
        let drawn = sequence(42);
        assert_eq!(drawn, sequence(42));
        assert_ne!(drawn, sequence(43));
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for one in &drawn {
            *counts.entry(&one.url).or_default() += 1;
        }
        // 4 : 9 : 9 : 9 : 9 of 40, each within four standard deviations of its share of 4000.
        assert!(counts["/dice"].abs_diff(400) < 76, "{counts:?}");
        for die in ["fair", "risky", "extreme", "unknown"] {
            assert!(counts[format!("/dice?identifier={die}").as_str()].abs_diff(900) < 106, "{counts:?}");
        }
    }
}
