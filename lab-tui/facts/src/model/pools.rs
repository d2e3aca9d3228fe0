//! States of connection pools over the whole run: the older, the fewer.

use std::collections::VecDeque;
use std::time::Duration;

use crate::event::Pool;

/// How many states are kept. With two a second, some twenty minutes of them are kept as they came.
const LIMIT: usize = 4_800;

/// States of connection pools, oldest first.
#[derive(Debug, Default)]
pub struct Pools(VecDeque<(Duration, Pool)>);

impl Pools {
    pub(super) fn push(&mut self, at: Duration, pool: Pool) {
        if self.0.len() == LIMIT {
            self.thin();
        }
        self.0.push_back((at, pool));
    }

    /// Of the older half, keeps of each two states of a service the busier one: what is to be seen in the past is that a pool was full.
    fn thin(&mut self) {
        let mut waiting: Vec<(Duration, Pool)> = Vec::new();
        let mut kept: Vec<(Duration, Pool)> = Vec::with_capacity(LIMIT);
        for state in self.0.drain(..LIMIT / 2) {
            match waiting.iter().position(|(_, other)| other.service == state.1.service) {
                None => waiting.push(state),
                Some(other) => {
                    let other = waiting.swap_remove(other);
                    kept.push(if busy(&other.1) >= busy(&state.1) { other } else { state });
                }
            }
        }
        kept.extend(waiting);
        kept.sort_by_key(|(at, _)| *at);
        kept.extend(self.0.drain(..));
        self.0 = kept.into();
    }

    /// All that are kept.
    pub fn iter(&self) -> impl Iterator<Item = &(Duration, Pool)> {
        self.0.iter()
    }

    /// The oldest.
    pub fn first(&self) -> Option<&Pool> {
        self.0.front().map(|(_, pool)| pool)
    }

    /// The newest, and when it was.
    pub fn last(&self) -> Option<&(Duration, Pool)> {
        self.0.back()
    }
}

fn busy(pool: &Pool) -> (u32, u32) {
    (pool.pending, pool.used)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_pool_stays_in_sight_however_long_ago() {
        let mut pools = Pools::default();
        for number in 0..40_000_u32 {
            for service in ["a", "b"] {
                let pending = if service == "b" && number == 777 { 9 } else { 0 };
                let pool = Pool { service: service.to_owned(), used: 1, idle: 1, pending, max: 2 };
                pools.push(Duration::from_millis(500) * number, pool);
            }
        }
        assert!(pools.iter().count() <= LIMIT);
        let full: Vec<_> =
            pools.iter().filter(|(_, pool)| pool.pending > 0).map(|(at, pool)| (at.as_millis(), pool.service.as_str())).collect();
        assert_eq!(full, [(388_500, "b")]);
        assert!(pools.iter().zip(pools.iter().skip(1)).all(|(before, after)| before.0 <= after.0), "in order");
        let oldest = pools.iter().next().unwrap().0;
        assert!(oldest < Duration::from_secs(3_600), "{oldest:?} of five hours and a half");
    }
}
