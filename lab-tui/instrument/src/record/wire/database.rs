//! What the database says of itself, as a line; and as a running lab answers who asks it.

use lab_facts::event::{DatabaseActivity, DatabaseSample, LockCount, Session, SessionState, Statement, TraceId, Wait};
use serde::{Deserialize, Serialize};

use super::{Damage, duration};

/// A [`DatabaseSample`] as JSON: times in seconds, states as PostgreSQL says them.
#[derive(Debug, Serialize, Deserialize)]
pub struct WireDatabase {
    sessions: Vec<WireSession>,
    more_sessions: u32,
    since: Option<WireActivity>,
    locks: Vec<WireLock>,
    statements: Option<Vec<WireStatement>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct WireSession {
    pid: u32,
    application: String,
    state: String,
    /// Type and event.
    wait: Option<(String, String)>,
    state_seconds: f64,
    transaction_seconds: Option<f64>,
    query: String,
    trace_id: Option<String>,
    blocked_by: Vec<u32>,
}

#[derive(Debug, Serialize, Deserialize)]
struct WireActivity {
    over_seconds: f64,
    commits: u64,
    rollbacks: u64,
    blocks_hit: u64,
    blocks_read: u64,
    deadlocks: u64,
    temp_bytes: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct WireLock {
    mode: String,
    granted: u32,
    waiting: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct WireStatement {
    query: String,
    calls: u64,
    total_seconds: f64,
    rows: u64,
}

impl From<&DatabaseSample> for WireDatabase {
    fn from(sample: &DatabaseSample) -> Self {
        let DatabaseSample { sessions, more_sessions, since, locks, statements } = sample;
        let lock = |LockCount { mode, granted, waiting }: &LockCount| WireLock { mode: mode.clone(), granted: *granted, waiting: *waiting };
        Self {
            sessions: sessions.iter().map(WireSession::from).collect(),
            more_sessions: *more_sessions,
            since: since.map(WireActivity::from),
            locks: locks.iter().map(lock).collect(),
            statements: statements.as_ref().map(|all| all.iter().map(WireStatement::from).collect()),
        }
    }
}

impl WireDatabase {
    /// Back to what it was.
    ///
    /// # Errors
    /// A time or a trace ID in it is none.
    pub fn into_sample(self) -> Result<DatabaseSample, &'static str> {
        let Self { sessions, more_sessions, since, locks, statements } = self;
        let lock = |WireLock { mode, granted, waiting }| LockCount { mode, granted, waiting };
        let statements = statements.map(|all| all.into_iter().map(WireStatement::into_statement).collect::<Result<_, Damage>>());
        Ok(DatabaseSample {
            sessions: sessions.into_iter().map(WireSession::into_session).collect::<Result<_, Damage>>()?,
            more_sessions,
            since: since.map(WireActivity::into_activity).transpose()?,
            locks: locks.into_iter().map(lock).collect(),
            statements: statements.transpose()?,
        })
    }
}

impl From<&Session> for WireSession {
    fn from(session: &Session) -> Self {
        let Session { pid, application, state, wait, in_state, transaction, query, trace_id, blocked_by } = session;
        Self {
            pid: *pid,
            application: application.to_string(),
            state: state.as_str().to_owned(),
            wait: wait.as_ref().map(|Wait { kind, event }| (kind.to_string(), event.to_string())),
            state_seconds: in_state.as_secs_f64(),
            transaction_seconds: transaction.map(|open| open.as_secs_f64()),
            query: query.to_string(),
            trace_id: trace_id.as_ref().map(TraceId::to_string),
            blocked_by: blocked_by.clone(),
        }
    }
}

impl WireSession {
    fn into_session(self) -> Result<Session, Damage> {
        let Self { pid, application, state, wait, state_seconds, transaction_seconds, query, trace_id, blocked_by } = self;
        Ok(Session {
            pid,
            application: application.into(),
            state: SessionState::of(&state),
            wait: wait.map(|(kind, event)| Wait { kind: kind.into(), event: event.into() }),
            in_state: duration(state_seconds)?,
            transaction: transaction_seconds.map(duration).transpose()?,
            query: query.into(),
            trace_id: trace_id.map(|id| TraceId::parse(&id).ok_or("a trace ID is none")).transpose()?,
            blocked_by,
        })
    }
}

impl From<DatabaseActivity> for WireActivity {
    fn from(activity: DatabaseActivity) -> Self {
        let DatabaseActivity { over, commits, rollbacks, blocks_hit, blocks_read, deadlocks, temp_bytes } = activity;
        Self { over_seconds: over.as_secs_f64(), commits, rollbacks, blocks_hit, blocks_read, deadlocks, temp_bytes }
    }
}

impl WireActivity {
    fn into_activity(self) -> Result<DatabaseActivity, Damage> {
        let Self { over_seconds, commits, rollbacks, blocks_hit, blocks_read, deadlocks, temp_bytes } = self;
        Ok(DatabaseActivity { over: duration(over_seconds)?, commits, rollbacks, blocks_hit, blocks_read, deadlocks, temp_bytes })
    }
}

impl From<&Statement> for WireStatement {
    fn from(statement: &Statement) -> Self {
        let Statement { query, calls, total, rows } = statement;
        Self { query: query.clone(), calls: *calls, total_seconds: total.as_secs_f64(), rows: *rows }
    }
}

impl WireStatement {
    fn into_statement(self) -> Result<Statement, Damage> {
        let Self { query, calls, total_seconds, rows } = self;
        Ok(Statement { query, calls, total: duration(total_seconds)?, rows })
    }
}
