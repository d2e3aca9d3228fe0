//! What of the kept lines is shown: worked out when something has changed, and only looked at by drawing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use super::kept::Kept;
use super::record::{Key, Level, Record};

/// A level and the pattern of messages.
pub(super) type GroupKey = (Level, Box<str>);

/// Lines whose messages are alike.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) key: GroupKey,
    pub(super) services: BTreeSet<Arc<str>>,
    pub(super) count: u64,
    /// When the first and the last were written, in nanoseconds since 1970.
    pub(super) first: u64,
    pub(super) last: u64,
    /// The newest of them.
    pub(super) example: Key,
}

/// Lines of one second of the run: of ERROR and above, of WARNING, others.
pub(super) type Counts = [u32; 3];

/// The lines of a part of time that fit.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// By time.
    pub(super) lines: Vec<Key>,
    /// How many there are of that time, whether they fit or not.
    pub(super) of: usize,
    /// Who wrote those.
    pub(super) services: BTreeSet<Arc<str>>,
    /// By second of the run; empty where its start is not known.
    pub(super) seconds: BTreeMap<u64, Counts>,
    /// Worst level first, of one level the most frequent.
    pub(super) groups: Vec<Group>,
}

impl Shown {
    /// Of a window in nanoseconds since 1970; `began` is the run's start.
    pub(super) fn new(kept: &Kept, window: &Range<u64>, began: Option<u64>) -> Self {
        let records = kept.within(window);
        let mut shown = Self { of: records.len(), ..Self::default() };
        let mut groups: HashMap<(Level, &str), Group> = HashMap::new();
        for record in records {
            if !shown.services.contains(&record.service) {
                shown.services.insert(Arc::clone(&record.service));
            }
            if !record.fits {
                continue;
            }
            shown.lines.push(record.key);
            if let Some(since) = began.and_then(|began| record.key.0.checked_sub(began)) {
                let counts = shown.seconds.entry(since / 1_000_000_000).or_default();
                counts[class(record.level)] += 1;
            }
            groups.entry((record.level, &record.pattern)).or_insert_with(|| Group::new(record)).add(record);
        }
        shown.groups = groups.into_values().collect();
        shown.groups.sort_by(|one, other| {
            let rank = |group: &Group| (std::cmp::Reverse((group.key.0, group.count)), group.first);
            rank(one).cmp(&rank(other)).then_with(|| one.key.1.cmp(&other.key.1))
        });
        shown
    }
}

/// The place in [`Counts`].
fn class(level: Level) -> usize {
    if level >= Level::ERROR {
        0
    } else if level >= Level::WARNING {
        1
    } else {
        2
    }
}

impl Group {
    fn new(record: &Record) -> Self {
        let (key, first) = ((record.level, record.pattern.clone()), record.key.0);
        Self { key, services: BTreeSet::new(), count: 0, first, last: first, example: record.key }
    }

    /// Lines come by time.
    fn add(&mut self, record: &Record) {
        if !self.services.contains(&record.service) {
            self.services.insert(Arc::clone(&record.service));
        }
        self.count += 1;
        (self.last, self.example) = (record.key.0, record.key);
    }
}
