//! What the database's sessions did over the whole run: the older, the fewer.

mod blocking;

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::breakdowns::shared;
use crate::event::{DatabaseActivity, DatabaseSample, Session, SessionState, Wait};

pub use blocking::{Branch, blocking};

/// How many moments are kept: ten minutes of them as they came.
const LIMIT: usize = 600;
/// How many sessions of each moment, of those that are not idle.
const BUSY: usize = 24;
/// How much time rates are a mean of.
const SMOOTHED: Duration = Duration::from_secs(5);
/// How many different statements, names and wait events; many moments share them.
const TEXTS: usize = 1_000;

/// What the stack's database said, oldest first. Empty where there is none.
#[derive(Debug, Default)]
pub struct Database {
    moments: VecDeque<Moment>,
    newest: Option<(Duration, DatabaseSample)>,
    texts: HashSet<Arc<str>>,
}

/// One look at the database, or several of the past of which the busiest stands for all.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// When it was.
    pub at: Duration,
    /// Sessions that are not idle, by what they wait for; nothing for those that run.
    pub waits: BTreeMap<Option<Wait>, u32>,
    /// The sessions themselves, as far as they are kept: those with the oldest transactions first.
    pub sessions: Vec<Session>,
    /// What happened since the moment before.
    pub since: Option<DatabaseActivity>,
    /// How many locks were waited for.
    pub locks_waiting: u32,
}

impl Moment {
    /// How many sessions are not idle.
    pub fn busy(&self) -> u32 {
        self.waits.values().sum()
    }

    /// From when on it stands for what was.
    fn from(&self) -> Duration {
        self.at.saturating_sub(self.since.map_or(Duration::from_secs(1), |since| since.over))
    }

    fn weight(&self) -> (u32, u32) {
        (self.locks_waiting, self.busy())
    }
}

impl Database {
    pub(super) fn push(&mut self, at: Duration, sample: DatabaseSample) {
        let busy = || sample.sessions.iter().filter(|session| session.state != SessionState::Idle);
        let sessions: Vec<Session> = busy().take(BUSY).cloned().map(|session| self.slim(session)).collect();
        let mut waits: BTreeMap<Option<Wait>, u32> = BTreeMap::new();
        for session in busy() {
            let wait = session.wait.clone().map(|wait| self.slim_wait(wait));
            *waits.entry(wait).or_default() += 1;
        }
        if self.moments.len() == LIMIT {
            self.thin();
        }
        self.moments.push_back(Moment { at, waits, sessions, since: sample.since, locks_waiting: sample.locks_waiting() });
        self.newest = Some((at, sample));
    }

    /// What it shares with others is kept once.
    fn slim(&mut self, session: Session) -> Session {
        let (application, query) = (self.text(session.application), self.text(session.query));
        let wait = session.wait.map(|wait| self.slim_wait(wait));
        Session { application, query, wait, ..session }
    }

    fn slim_wait(&mut self, wait: Wait) -> Wait {
        Wait { kind: self.text(wait.kind), event: self.text(wait.event) }
    }

    fn text(&mut self, text: Arc<str>) -> Arc<str> {
        shared(&mut self.texts, &text, TEXTS).unwrap_or(text)
    }

    /// Of the older half, the busier one of each two stays, for both of them.
    fn thin(&mut self) {
        let newer = self.moments.split_off(LIMIT / 2);
        let mut older = std::mem::take(&mut self.moments).into_iter();
        let mut kept = VecDeque::with_capacity(LIMIT);
        while let Some(first) = older.next() {
            kept.push_back(match older.next() {
                Some(second) => both(first, second),
                None => first,
            });
        }
        kept.extend(newer);
        self.moments = kept;
    }

    /// All moments that are kept.
    pub fn moments(&self) -> impl DoubleEndedIterator<Item = &Moment> {
        self.moments.iter()
    }

    /// The newest sample with all of its sessions, and when it was taken.
    pub fn newest(&self) -> Option<&(Duration, DatabaseSample)> {
        self.newest.as_ref()
    }

    /// What happened in the seconds before the end of one, some of which may lack: servers tell their counts late, so that a single
    /// second says little.
    pub fn activity(&self, second: u64) -> Option<DatabaseActivity> {
        let end = Duration::from_secs(second + 1);
        let until = self.moments.partition_point(|moment| moment.at < end);
        let within = self.moments.range(..until).rev().take_while(|moment| moment.at + SMOOTHED >= end);
        within.filter_map(|moment| moment.since).reduce(|mut all, one| {
            all.merge(&one);
            all
        })
    }

    /// The busiest moment of some seconds; where they have none, the next one that stands for them.
    pub fn moment(&self, seconds: Range<u64>) -> Option<&Moment> {
        let (begin, end) = (Duration::from_secs(seconds.start), Duration::from_secs(seconds.end));
        let first = self.moments.partition_point(|moment| moment.at < begin);
        let within = self.moments.range(first..).take_while(|moment| moment.at < end);
        let busiest = within.max_by_key(|moment| moment.weight());
        busiest.or_else(|| self.moments.get(first).filter(|moment| moment.from() < end))
    }
}

/// The busier one of two neighbours, at the later one's time.
fn both(first: Moment, second: Moment) -> Moment {
    let at = second.at;
    let since = match (first.since, second.since) {
        (Some(mut since), Some(other)) => {
            since.merge(&other);
            Some(since)
        }
        (one, other) => one.or(other),
    };
    let busier = if first.weight() > second.weight() { first } else { second };
    Moment { at, since, ..busier }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::LockCount;

    fn sample(waiting: u32) -> DatabaseSample {
        let session = |pid: u32| Session {
            pid,
            application: "app".into(),
            state: if pid == 99 { SessionState::Idle } else { SessionState::Active },
            wait: (pid < waiting).then(|| Wait { kind: "Lock".into(), event: "relation".into() }),
            in_state: Duration::from_secs(1),
            transaction: None,
            query: format!("SELECT {pid}").into(),
            trace_id: None,
            blocked_by: Vec::new(),
        };
        DatabaseSample {
            sessions: (0..100).map(session).collect(),
            since: Some(DatabaseActivity { over: Duration::from_secs(1), commits: 50, ..DatabaseActivity::default() }),
            locks: vec![LockCount { mode: "AccessShareLock".to_owned(), granted: 1, waiting }],
            ..DatabaseSample::default()
        }
    }

    #[test]
    fn a_lock_stays_in_sight_however_long_ago_within_bounds() {
        let mut database = Database::default();
        for second in 0..20_000 {
            database.push(Duration::from_millis(second * 1000 + 20), sample(if second == 777 { 9 } else { 1 }));
        }
        let moments: Vec<&Moment> = database.moments().collect();
        assert!(moments.len() <= LIMIT && moments.len() > LIMIT / 2, "{}", moments.len());
        assert_eq!(moments.iter().filter(|moment| moment.locks_waiting == 9).count(), 1);
        assert!(moments.iter().all(|moment| moment.sessions.len() == BUSY && moment.busy() == 99), "idle ones are none of them");
        assert!(moments.is_sorted_by_key(|moment| moment.at));
        let commits: u64 = moments.iter().filter_map(|moment| moment.since).map(|since| since.commits).sum();
        assert_eq!(commits, 50 * 20_000, "thinned, never forgotten");
        let query = |moment: &Moment| Arc::clone(&moment.sessions[5].query);
        assert!(Arc::ptr_eq(&query(moments[0]), &query(moments[10])), "one statement is kept once");
        assert_eq!(database.newest().unwrap().1.sessions.len(), 100);
        let recent = database.activity(19_999).unwrap();
        assert_eq!((recent.commits, recent.over), (250, Duration::from_secs(5)));
        let of_lock = database.moment(777..778).unwrap();
        assert_eq!(of_lock.waits.values().copied().collect::<Vec<_>>(), [90, 9]);
    }

    #[test]
    fn a_second_is_told_by_the_look_that_covers_it() {
        let mut database = Database::default();
        for millis in [1_020, 2_020, 2_990, 4_010, 9_000] {
            database.push(Duration::from_millis(millis), sample(u32::from(millis == 2_020)));
        }
        let at = |second| database.moment(second..second + 1).map(|moment| moment.at.as_millis());
        assert_eq!((at(0), at(1), at(2), at(4)), (Some(1_020), Some(1_020), Some(2_020), Some(4_010)));
        assert_eq!(
            (at(3), at(5), at(6), at(9), at(10)),
            (Some(4_010), None, None, Some(9_000), None),
            "where it was not asked, nothing is known"
        );
    }
}
