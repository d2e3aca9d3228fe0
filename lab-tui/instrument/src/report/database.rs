//! What a running lab's database does, as text.

use std::fmt::Write as _;

use anyhow::anyhow;
use lab_facts::event::{DatabaseSample, Session};
use lab_facts::format;
use lab_facts::model::blocking;

use crate::control::{DatabaseNow, PoolNow};

/// A sample that is older says so: the database has not answered since.
const STALE: f64 = 3.0;

/// Idle sessions say little, and are counted only.
const IDLE: &str = "idle";

/// Pools, sessions, who blocks whom, figures, locks and statements.
///
/// # Errors
/// The lab answered with something that is no sample.
pub fn text(now: DatabaseNow) -> anyhow::Result<String> {
    let DatabaseNow { age_seconds, pools, sample } = now;
    let sample = sample.into_sample().map_err(|damage| anyhow!("the lab's answer cannot be read: {damage}"))?;
    let mut out = String::new();
    if age_seconds > STALE {
        out += &format!("the database does not answer; this is {age_seconds:.0} s old\n\n");
    }
    pools.iter().for_each(|one| pool(&mut out, one));
    figures(&mut out, &sample);
    sessions(&mut out, &sample);
    trees(&mut out, &sample.sessions);
    locks(&mut out, &sample);
    statements(&mut out, &sample);
    Ok(out)
}

// Writing to a String cannot fail, here and below.

fn pool(out: &mut String, pool: &PoolNow) {
    let PoolNow { service, used, idle, pending, max } = pool;
    let _ = writeln!(out, "pool of {service}: {used} used, {idle} idle, {pending} pending, max {max}");
}

fn figures(out: &mut String, sample: &DatabaseSample) {
    let Some(since) = sample.since else { return };
    let hits = since.cache_hits().map_or("-".to_owned(), |share| format!("{:.1} %", share * 100.0));
    let _ = writeln!(
        out,
        "transactions {:.0}/s, rollbacks {:.0}/s, cache hits {hits}, locks waiting {}, deadlocks {}, temporary files {} B",
        since.per_second(since.commits + since.rollbacks),
        since.per_second(since.rollbacks),
        sample.locks_waiting(),
        since.deadlocks,
        since.temp_bytes
    );
}

fn sessions(out: &mut String, sample: &DatabaseSample) {
    let (idle, busy): (Vec<&Session>, Vec<&Session>) = sample.sessions.iter().partition(|session| session.state.as_str() == IDLE);
    let more = if sample.more_sessions > 0 { format!(", {} more", sample.more_sessions) } else { String::new() };
    let _ = writeln!(out, "\nsessions: {} busy, {} idle{more}", busy.len(), idle.len());
    if busy.is_empty() {
        return;
    }
    let _ = writeln!(out, "  {:>7}  {:<19}  {:<20}  {:>9}  {:<16}  query", "pid", "state", "wait", "age", "application");
    for session in busy {
        let Session { pid, state, application, query, .. } = session;
        let wait = session.wait.as_ref().map_or("none (CPU)".to_owned(), ToString::to_string);
        let age = format::milliseconds(Some(session.in_state.as_secs_f64() * 1000.0));
        let _ = writeln!(out, "  {pid:>7}  {state:<19}  {wait:<20}  {age:>9}  {application:<16}  {query}", state = state.as_str());
    }
}

fn trees(out: &mut String, sessions: &[Session]) {
    let rows = blocking(sessions);
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(out, "\nblocking");
    for row in rows {
        let (lead, pid) = (&row.lead, row.pid);
        let told = row.session.map_or("a session that is not known".to_owned(), |session| {
            let age = format::milliseconds(Some(session.in_state.as_secs_f64() * 1000.0));
            let open = session.transaction.unwrap_or(session.in_state);
            let open = format::milliseconds(Some(open.as_secs_f64() * 1000.0));
            let what = match row.depth {
                0 => format!("{} wait for it, {} for {open}", row.waiting, session.state),
                _ => format!("waits {age}"),
            };
            format!("{}: {what}: {}", session.application, session.query)
        });
        let _ = writeln!(out, "  {lead}{pid} {told}");
    }
}

fn locks(out: &mut String, sample: &DatabaseSample) {
    if sample.locks.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{:<26}  {:>7}  {:>7}", "locks", "granted", "waiting");
    for lock in &sample.locks {
        let _ = writeln!(out, "  {:<24}  {:>7}  {:>7}", lock.mode, lock.granted, lock.waiting);
    }
}

fn statements(out: &mut String, sample: &DatabaseSample) {
    let Some(statements) = &sample.statements else {
        let _ = writeln!(out, "\nstatements: not counted, because pg_stat_statements is not there");
        return;
    };
    let _ = writeln!(out, "\n{:<9}  {:>9}  {:>9}  {:>9}  since the lab began", "top", "total", "calls", "mean");
    for one in statements {
        let total = format::milliseconds(Some(one.total.as_secs_f64() * 1000.0));
        let _ = writeln!(out, "  {:<7}  {total:>9}  {:>9}  {:>9}  {}", "", one.calls, format::milliseconds(one.mean_ms()), one.query);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lab_facts::event::{DatabaseActivity, LockCount, SessionState, Statement, Wait};

    use super::*;
    use crate::record::WireDatabase;

    #[test]
    fn a_lock_is_told_with_who_waits() {
        let session = |pid: u32, blocked_by: Vec<u32>| Session {
            pid,
            application: "shop".into(),
            state: if blocked_by.is_empty() { SessionState::IdleInTransaction } else { SessionState::Active },
            wait: Some(Wait { kind: "Lock".into(), event: "relation".into() }),
            in_state: Duration::from_millis(1_500),
            transaction: None,
            query: "SELECT 1".into(),
            trace_id: None,
            blocked_by,
        };
        let sample = DatabaseSample {
            sessions: vec![session(7, Vec::new()), session(8, vec![7])],
            more_sessions: 0,
            since: Some(DatabaseActivity { over: Duration::from_secs(1), commits: 50, ..DatabaseActivity::default() }),
            locks: vec![LockCount { mode: "AccessShareLock".to_owned(), granted: 1, waiting: 1 }],
            statements: Some(vec![Statement { query: "SELECT $1".to_owned(), calls: 4, total: Duration::from_millis(8), rows: 4 }]),
        };
        let told = |sample: &DatabaseSample, age_seconds| {
            let pools = vec![PoolNow { service: "shop".to_owned(), used: 1, idle: 0, pending: 2, max: 1 }];
            text(DatabaseNow { age_seconds, pools, sample: WireDatabase::from(sample) }).unwrap()
        };
        insta::assert_snapshot!(told(&sample, 0.4));
        let none = told(&DatabaseSample::default(), 9.0);
        assert!(none.contains("this is 9 s old") && none.contains("pg_stat_statements is not there"), "{none}");
    }
}
