//! Requests that were looked at, over the whole run: the older, the fewer.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;
use std::sync::Arc;

use crate::event::{Breakdown, Hop, Trait};

/// How many requests are kept. At thirty a second, some seven minutes of them are kept as they came.
const LIMIT: usize = 12_000;
/// How many different hops and traits; whoever puts a number into a name must not fill the memory.
const HOPS: usize = 256;
const TRAITS: usize = 4_096;

/// Requests that were looked at, in the order in which they became known.
#[derive(Debug, Default)]
pub struct Breakdowns {
    kept: VecDeque<Breakdown>,
    /// What many of them share is kept once.
    hops: HashSet<Arc<Hop>>,
    traits: HashSet<Arc<Trait>>,
}

impl Breakdowns {
    pub(super) fn extend(&mut self, all: Vec<Breakdown>) {
        for mut one in all {
            one.parts.iter_mut().for_each(|(hop, _)| *hop = shared(&mut self.hops, hop, HOPS).unwrap_or_else(|| Arc::clone(hop)));
            one.traits = one.traits.iter().filter_map(|one| shared(&mut self.traits, one, TRAITS)).collect();
            one.traits.shrink_to_fit();
            one.parts.shrink_to_fit();
            if self.kept.len() >= LIMIT {
                self.thin();
            }
            self.kept.push_back(one);
        }
    }

    /// Of the older half, every second one stays: those that were left out are like those that stay.
    fn thin(&mut self) {
        let newer = self.kept.split_off(LIMIT / 2);
        self.kept = std::mem::take(&mut self.kept).into_iter().step_by(2).chain(newer).collect();
    }

    /// All that are kept.
    pub fn iter(&self) -> impl Iterator<Item = &Breakdown> {
        self.kept.iter()
    }

    /// Everything that spans of any of them have said.
    pub fn traits(&self) -> impl Iterator<Item = &Trait> {
        self.traits.iter().map(Arc::as_ref)
    }
}

/// The one that is known already; `None` where there are as many as may be.
pub(super) fn shared<T: Eq + Hash + ?Sized>(known: &mut HashSet<Arc<T>>, one: &Arc<T>, most: usize) -> Option<Arc<T>> {
    if let Some(known) = known.get(one) {
        return Some(Arc::clone(known));
    }
    let is_new = known.len() < most && known.insert(Arc::clone(one));
    is_new.then(|| Arc::clone(one))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::event::{Chosen, HopKind, Outcome, TraceId};

    fn one(number: u32) -> Breakdown {
        let hop = Hop { kind: HopKind::Service, name: "s".into() };
        let one = |value: String| Arc::new(Trait { service: "s".into(), key: "k".into(), value: value.into() });
        Breakdown {
            at: Duration::from_millis(100) * number,
            load: 0,
            trace_id: TraceId(u128::from(number + 1).to_be_bytes()),
            outcome: Outcome::Status(200),
            failed: Some(false),
            chosen: Chosen::Sampled,
            whole: true,
            micros: 5,
            parts: vec![(Arc::new(hop), 5)],
            traits: vec![one("same".to_owned()), one(number.to_string())],
        }
    }

    #[test]
    fn the_whole_run_stays_in_sight_within_bounds() {
        let mut all = Breakdowns::default();
        for number in 0..100_000 {
            all.extend(vec![one(number)]);
        }
        let kept: Vec<&Breakdown> = all.iter().collect();
        assert!(kept.len() <= LIMIT && kept.len() > LIMIT / 2, "{}", kept.len());
        assert!(kept[0].at < Duration::from_secs(100), "{:?} of ten thousand seconds", kept[0].at);
        assert!(kept.is_sorted_by_key(|one| one.at));
        assert!(kept.iter().all(|one| Arc::ptr_eq(&one.parts[0].0, &kept[0].parts[0].0)), "one hop is kept once");
        assert!(kept.iter().all(|one| one.traits[0].value.as_ref() == "same" && Arc::ptr_eq(&one.traits[0], &kept[0].traits[0])));
        assert_eq!((all.traits.len(), kept.last().unwrap().traits.len()), (TRAITS, 1));
    }
}
