//! What the stack's database says of itself.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::TraceId;

/// Sessions that are told at most; how many more there are is a number.
pub const SESSIONS: usize = 200;
/// Statements that are told at most: those that took the most time.
pub const STATEMENTS: usize = 10;
/// Letters of a statement that are told at most.
pub const STATEMENT_LENGTH: usize = 300;

/// The stack's database at one moment: `pg_stat_activity`, `pg_locks`, `pg_stat_database` and `pg_stat_statements`, in which the lab's own
/// look at them does not count.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DatabaseSample {
    /// Those that do something first, and of these those that have for longest.
    pub sessions: Vec<Session>,
    /// How many sessions there are beyond [`SESSIONS`].
    pub more_sessions: u32,
    /// What happened since the sample before; nothing where there was none, or the server began anew in between.
    pub since: Option<DatabaseActivity>,
    /// Locks that sessions hold or wait for, by mode.
    pub locks: Vec<LockCount>,
    /// What took the most time since the lab began, most first; nothing where `pg_stat_statements` is not there.
    pub statements: Option<Vec<Statement>>,
}

/// One session.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Of the server's process.
    pub pid: u32,
    /// What the client calls itself.
    pub application: Arc<str>,
    /// What it is at.
    pub state: SessionState,
    /// What it waits for; nothing where it runs.
    pub wait: Option<Wait>,
    /// For how long it has been in this state.
    pub in_state: Duration,
    /// For how long its transaction has been open; nothing where there is none.
    pub transaction: Option<Duration>,
    /// The statement that runs, or the last that ran; in one line, without comments that carry a trace, cut to [`STATEMENT_LENGTH`].
    pub query: Arc<str>,
    /// The trace that a `traceparent` comment in the statement names, as sqlcommenter writes it.
    pub trace_id: Option<TraceId>,
    /// Whom it waits for: processes that hold a lock that it wants, or stand before it in the queue.
    pub blocked_by: Vec<u32>,
}

/// What a session is at. Displays as PostgreSQL says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SessionState {
    /// A statement runs, or waits for something.
    Active,
    /// In a transaction, and its client has not said what is next.
    IdleInTransaction,
    /// The same after an error.
    Aborted,
    /// Something that is none of the others.
    Other,
    /// It waits for its client, outside of any transaction.
    Idle,
}

impl SessionState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Active, Self::IdleInTransaction, Self::Aborted, Self::Other, Self::Idle];

    /// As PostgreSQL says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::IdleInTransaction => "idle in transaction",
            Self::Aborted => "idle in transaction (aborted)",
            Self::Other => "other",
            Self::Idle => "idle",
        }
    }

    /// The state that PostgreSQL calls so.
    pub fn of(text: &str) -> Self {
        Self::ALL.into_iter().find(|state| state.as_str() == text).unwrap_or(Self::Other)
    }
}

impl fmt::Display for SessionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A wait event. Displays as in `Lock:relation`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Wait {
    /// `wait_event_type`, such as `Lock`.
    pub kind: Arc<str>,
    /// `wait_event`, such as `relation`.
    pub event: Arc<str>,
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.event)
    }
}

/// What happened in the database in a while.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct DatabaseActivity {
    /// The while.
    pub over: Duration,
    /// Transactions that were committed.
    pub commits: u64,
    /// Transactions that were rolled back.
    pub rollbacks: u64,
    /// Blocks that were found in the server's own cache.
    pub blocks_hit: u64,
    /// Blocks that it had to read.
    pub blocks_read: u64,
    /// Deadlocks that it broke.
    pub deadlocks: u64,
    /// Bytes that went into temporary files.
    pub temp_bytes: u64,
}

impl DatabaseActivity {
    /// A count as so many a second.
    pub fn per_second(&self, count: u64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let count = count as f64;
        if self.over.is_zero() { 0.0 } else { count / self.over.as_secs_f64() }
    }

    /// The share of blocks that were found in the cache; nothing where none was looked for.
    pub fn cache_hits(&self) -> Option<f64> {
        let all = self.blocks_hit + self.blocks_read;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let share = self.blocks_hit as f64 / all as f64;
        (all > 0).then_some(share)
    }

    /// Both together.
    pub fn merge(&mut self, other: &Self) {
        self.over += other.over;
        self.commits += other.commits;
        self.rollbacks += other.rollbacks;
        self.blocks_hit += other.blocks_hit;
        self.blocks_read += other.blocks_read;
        self.deadlocks += other.deadlocks;
        self.temp_bytes += other.temp_bytes;
    }
}

/// Locks of one mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockCount {
    /// As in `pg_locks`, such as `AccessShareLock`.
    pub mode: String,
    /// How many are held.
    pub granted: u32,
    /// How many are waited for.
    pub waiting: u32,
}

/// What one statement took since the lab began.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// In one line, with placeholders for its values, cut to [`STATEMENT_LENGTH`].
    pub query: String,
    /// How often it ran.
    pub calls: u64,
    /// How long that took in all.
    pub total: Duration,
    /// How many rows it gave or touched.
    pub rows: u64,
}

impl Statement {
    /// How long it took each time, in milliseconds.
    pub fn mean_ms(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let calls = self.calls as f64;
        (self.calls > 0).then(|| self.total.as_secs_f64() * 1000.0 / calls)
    }
}

impl DatabaseSample {
    /// Sessions that wait for others, or for which others wait.
    pub fn is_blocked(&self) -> bool {
        self.sessions.iter().any(|session| !session.blocked_by.is_empty())
    }

    /// How many locks are waited for.
    pub fn locks_waiting(&self) -> u32 {
        self.locks.iter().map(|lock| lock.waiting).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_rates_are_of_what_there_was() {
        let mut activity =
            DatabaseActivity { over: Duration::from_secs(2), commits: 100, blocks_hit: 99, blocks_read: 1, ..Default::default() };
        assert_eq!((activity.per_second(activity.commits), activity.cache_hits()), (50.0, Some(0.99)));
        activity.merge(&activity.clone());
        assert_eq!((activity.per_second(activity.commits), activity.cache_hits()), (50.0, Some(0.99)));
        assert_eq!((DatabaseActivity::default().per_second(7), DatabaseActivity::default().cache_hits()), (0.0, None));
        assert_eq!(SessionState::of("idle in transaction (aborted)"), SessionState::Aborted);
        assert_eq!(SessionState::of("fastpath function call"), SessionState::Other);
    }
}
