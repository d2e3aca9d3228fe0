//! The lines that the room keeps, by time: a bounded number of the newest.

use std::collections::BTreeMap;

use super::record::{Key, Level, Record};

/// How many lines below WARNING are kept, and how many from there on. They are bounded apart, for the few that matter would be pushed
/// out by the many that do not.
const MOST: usize = 20_000;

/// Log lines by time.
#[derive(Debug, Default)]
pub struct Kept {
    quiet: BTreeMap<Key, Record>,
    loud: BTreeMap<Key, Record>,
    /// The moment of the newest line that was let go, in nanoseconds since 1970; 0 while all are here.
    gone: u64,
}

impl Kept {
    /// Takes a line in, at its place; one that is here already changes nothing.
    pub fn add(&mut self, record: Record) {
        let lines = if record.level < Level::WARNING { &mut self.quiet } else { &mut self.loud };
        lines.entry(record.key).or_insert(record);
        if lines.len() > MOST
            && let Some(((moment, _), _)) = lines.pop_first()
        {
            self.gone = self.gone.max(moment);
        }
    }

    /// Takes the lines of another in; whether there were any.
    pub(super) fn absorb(&mut self, other: Self, fits: impl Fn(&Record) -> bool) -> bool {
        self.gone = self.gone.max(other.gone);
        let is_news = !other.quiet.is_empty() || !other.loud.is_empty();
        for (_, mut record) in other.quiet.into_iter().chain(other.loud) {
            record.fits = fits(&record);
            self.add(record);
        }
        is_news
    }

    /// Looks at each line anew.
    pub(super) fn sieve(&mut self, fits: impl Fn(&Record) -> bool) {
        for record in self.quiet.values_mut().chain(self.loud.values_mut()) {
            record.fits = fits(record);
        }
    }

    pub(super) fn get(&self, key: Key) -> Option<&Record> {
        self.quiet.get(&key).or_else(|| self.loud.get(&key))
    }

    /// From a moment to another, in nanoseconds since 1970.
    pub(super) fn within(&self, window: &std::ops::Range<u64>) -> Vec<&Record> {
        let keys = (window.start, 0)..(window.end.max(window.start), 0);
        let mut records: Vec<&Record> = self.quiet.range(keys.clone()).chain(self.loud.range(keys)).map(|(_, record)| record).collect();
        // Two rows that are in order already: sorting them is putting one into the other.
        records.sort_by_key(|record| record.key);
        records
    }

    /// As the field says.
    pub(super) fn gone(&self) -> u64 {
        self.gone
    }
}

#[cfg(test)]
mod tests {
    use lab_instrument::observe::store::StoredLine;

    use super::*;

    fn record(moment: u64, number: u64, level: &str) -> Record {
        let text = format!(r#"{{"level":"{level}","message":"m"}}"#);
        Record::read(&StoredLine { number, unix_nano: moment, service: "s".into(), text: text.into(), trace: None })
    }

    fn numbers(kept: &Kept) -> Vec<u64> {
        kept.within(&(0..u64::MAX)).iter().map(|record| record.key.1).collect()
    }

    #[test]
    fn late_lines_find_their_place_and_none_is_there_twice() {
        let mut kept = Kept::default();
        for (moment, number, level) in [(10, 0, "INFO"), (30, 1, "ERROR"), (20, 2, "WARNING"), (5, 3, "INFO"), (30, 1, "ERROR")] {
            let mut page = Kept::default();
            page.add(record(moment, number, level));
            assert!(kept.absorb(page, |_| true));
        }
        assert_eq!(numbers(&kept), [3, 0, 2, 1]);
        assert!(!kept.absorb(Kept::default(), |_| true));
    }

    #[test]
    fn what_matters_outlives_what_does_not() {
        let mut kept = Kept::default();
        kept.add(record(1, 0, "ERROR"));
        for number in 1..=MOST as u64 + 5 {
            kept.add(record(number + 1, number, "INFO"));
        }
        assert_eq!(kept.gone(), 6);
        assert_eq!(numbers(&kept)[..2], [0, 6]);
        assert_eq!(numbers(&kept).len(), MOST + 1);
    }
}
