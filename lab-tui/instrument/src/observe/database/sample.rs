//! One sample: a few questions one after the other, without a transaction of their own, whose `BEGIN` would count among the statements.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use lab_facts::event::{DatabaseActivity, DatabaseSample, LockCount, SESSIONS, STATEMENTS, Session, SessionState, Statement, Wait};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, FromRow, Row as _};

use super::statement;

/// Who blocks whom is asked of those only that wait for a lock: it stops the server's lock manager for a moment.
const ACTIVITY: &str = "\
SELECT pid, coalesce(application_name, '') AS application, coalesce(state, '') AS state, wait_event_type, wait_event,
       extract(epoch FROM clock_timestamp() - coalesce(state_change, backend_start))::float8 AS in_state,
       extract(epoch FROM clock_timestamp() - xact_start)::float8 AS transaction, coalesce(query, '') AS query,
       CASE WHEN wait_event_type = 'Lock' THEN pg_blocking_pids(pid) ELSE '{}' END AS blocked_by, count(*) OVER () AS sessions
FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
ORDER BY coalesce(state, '') = 'idle', xact_start NULLS LAST, pid LIMIT $1";

/// Every transaction locks its own number; that says nothing.
const LOCKS: &str = "\
SELECT mode, count(*) FILTER (WHERE granted) AS granted, count(*) FILTER (WHERE NOT granted) AS waiting
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE datname = current_database() AND pid <> pg_backend_pid() AND locktype <> 'virtualxid' GROUP BY mode ORDER BY mode";

const COUNTERS: &str = "\
SELECT xact_commit, xact_rollback, blks_hit, blks_read, deadlocks, temp_bytes FROM pg_stat_database WHERE datname = current_database()";

/// Where the extension is, as a name that needs no quoting any more.
const EXTENSION: &str = "\
SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'pg_stat_statements'";

/// As JSON, because columns have other names in other versions. Statements that look at the server itself are the lab's, or a watcher's.
const STATEMENTS_OF: &str = "\
SELECT j->>'queryid' AS id, left(j->>'query', 1000) AS query, (j->>'calls')::int8 AS calls, (j->>'rows')::int8 AS rows,
       coalesce(j->>'total_exec_time', j->>'total_time')::float8 AS total_ms
FROM (SELECT to_jsonb(s) AS j FROM SCHEMA.pg_stat_statements AS s
      WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND query !~ 'pg_(stat|locks|catalog|database|extension|advisory|blocking)') AS all_of_them";

/// How many are told that one session waits for.
const BLOCKERS: usize = 100;

/// Nothing is told to have lasted longer; somebody else's database may have sessions of years.
const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);

/// What the sample before knew, to tell what happened since.
#[derive(Debug, Default)]
pub(super) struct Before {
    counters: Option<(Instant, Counters)>,
    /// Calls, rows and milliseconds of each statement when the lab began.
    statements: Option<HashMap<String, (u64, u64, f64)>>,
}

impl Before {
    /// The server did not answer: counters may have begun anew.
    pub(super) fn forget(&mut self) {
        self.counters = None;
    }
}

#[derive(Debug, Clone, Copy)]
struct Counters([u64; 6]);

impl FromRow<'_, PgRow> for Counters {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let mut counters = [0; 6];
        for (index, counter) in counters.iter_mut().enumerate() {
            *counter = u64::try_from(row.try_get::<i64, _>(index)?).unwrap_or_default();
        }
        Ok(Self(counters))
    }
}

pub(super) async fn read(connection: &mut PgConnection, before: &mut Before) -> sqlx::Result<DatabaseSample> {
    let most = i64::try_from(SESSIONS).unwrap_or(i64::MAX);
    let rows = sqlx::query(ACTIVITY).bind(most).fetch_all(&mut *connection).await?;
    let locks = sqlx::query(LOCKS).fetch_all(&mut *connection).await?;
    let counters: Counters = sqlx::query_as(COUNTERS).fetch_one(&mut *connection).await?;
    let schema: Option<String> = sqlx::query_scalar(EXTENSION).fetch_optional(&mut *connection).await?;
    let now = Instant::now();
    // What this look itself commits.
    let own = 4 + u64::from(schema.is_some());
    let since = before.counters.replace((now, counters)).and_then(|(at, before)| activity(now - at, before, counters, own));
    let told: i64 = rows.first().map_or(Ok(0), |row| row.try_get("sessions"))?;
    let sessions = rows.iter().map(session).collect::<sqlx::Result<Vec<_>>>()?;
    let more_sessions = u32::try_from(told).unwrap_or_default().saturating_sub(u32::try_from(sessions.len()).unwrap_or(u32::MAX));
    let locks = locks.iter().map(lock).collect::<sqlx::Result<Vec<_>>>()?;
    let statements = match schema {
        Some(schema) => statements(connection, &schema, &mut before.statements).await?,
        None => None,
    };
    Ok(DatabaseSample { sessions, more_sessions, since, locks, statements })
}

/// What grew, without the lab's own transactions; nothing where a counter is smaller than it was.
fn activity(over: Duration, before: Counters, now: Counters, own: u64) -> Option<DatabaseActivity> {
    let mut grown = [0; 6];
    for (grown, (before, now)) in grown.iter_mut().zip(before.0.into_iter().zip(now.0)) {
        *grown = now.checked_sub(before)?;
    }
    let [commits, rollbacks, blocks_hit, blocks_read, deadlocks, temp_bytes] = grown;
    Some(DatabaseActivity { over, commits: commits.saturating_sub(own), rollbacks, blocks_hit, blocks_read, deadlocks, temp_bytes })
}

fn session(row: &PgRow) -> sqlx::Result<Session> {
    let text = |column| row.try_get::<String, _>(column);
    let (kind, event): (Option<String>, Option<String>) = (row.try_get("wait_event_type")?, row.try_get("wait_event")?);
    let (query, trace_id) = statement::told(&text("query")?);
    let blocked_by: Vec<i32> = row.try_get("blocked_by")?;
    let mut blocked_by: Vec<u32> = blocked_by.into_iter().filter_map(|pid| u32::try_from(pid).ok()).collect();
    // Who is in the way twice is told once.
    blocked_by.sort_unstable();
    blocked_by.dedup();
    blocked_by.truncate(BLOCKERS);
    Ok(Session {
        pid: u32::try_from(row.try_get::<i32, _>("pid")?).unwrap_or_default(),
        application: statement::one_line(&text("application")?).into(),
        state: SessionState::of(&text("state")?),
        wait: kind.zip(event).map(|(kind, event)| Wait { kind: kind.into(), event: event.into() }),
        in_state: seconds(row.try_get("in_state")?),
        transaction: row.try_get::<Option<f64>, _>("transaction")?.map(seconds),
        query: query.into(),
        trace_id,
        blocked_by,
    })
}

fn lock(row: &PgRow) -> sqlx::Result<LockCount> {
    let count = |column| Ok::<_, sqlx::Error>(u32::try_from(row.try_get::<i64, _>(column)?).unwrap_or(u32::MAX));
    Ok(LockCount { mode: row.try_get("mode")?, granted: count("granted")?, waiting: count("waiting")? })
}

/// Those that took the most time since the first look. Nothing where the server does not count them after all, because the extension is
/// there but not loaded.
async fn statements(
    connection: &mut PgConnection,
    schema: &str,
    first: &mut Option<HashMap<String, (u64, u64, f64)>>,
) -> sqlx::Result<Option<Vec<Statement>>> {
    let query = STATEMENTS_OF.replace("SCHEMA", schema);
    let rows = match sqlx::query(AssertSqlSafe(query)).fetch_all(connection).await {
        Ok(rows) => rows,
        Err(sqlx::Error::Database(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut all = Vec::with_capacity(rows.len());
    for row in &rows {
        let id: Option<String> = row.try_get("id")?;
        let count = |column| Ok::<_, sqlx::Error>(u64::try_from(row.try_get::<i64, _>(column)?).unwrap_or_default());
        let query: Option<String> = row.try_get("query")?;
        all.push((
            id.unwrap_or_default(),
            query.unwrap_or_default(),
            (count("calls")?, count("rows")?, row.try_get::<f64, _>("total_ms")?),
        ));
    }
    let first = first.get_or_insert_with(|| all.iter().map(|(id, _, counts)| (id.clone(), *counts)).collect());
    let since = all.into_iter().filter_map(|(id, query, counts)| {
        let (calls, rows, total) = grown(first.get(&id).copied().unwrap_or_default(), counts);
        (calls > 0).then(|| Statement { query: statement::told(&query).0, calls, total: seconds(total / 1000.0), rows })
    });
    let mut since: Vec<Statement> = since.collect();
    since.sort_by(|one, other| other.total.cmp(&one.total).then_with(|| one.query.cmp(&other.query)));
    since.truncate(STATEMENTS);
    Ok(Some(since))
}

/// Counters that are smaller than they were have begun anew.
fn grown(before: (u64, u64, f64), now: (u64, u64, f64)) -> (u64, u64, f64) {
    if now.0 < before.0 { now } else { (now.0 - before.0, now.1.saturating_sub(before.1), (now.2 - before.2).max(0.0)) }
}

/// Clocks that went backwards count as no time at all.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default().min(MONTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_told_as_what_grew_without_the_labs_own() {
        let second = Duration::from_secs(1);
        let grown = activity(second, Counters([10, 1, 100, 10, 0, 0]), Counters([62, 3, 199, 11, 1, 8192]), 2).unwrap();
        let expected =
            DatabaseActivity { over: second, commits: 50, rollbacks: 2, blocks_hit: 99, blocks_read: 1, deadlocks: 1, temp_bytes: 8192 };
        assert_eq!(grown, expected);
        assert_eq!(activity(second, Counters([10; 6]), Counters([9; 6]), 2), None, "the server began anew");
        assert_eq!(super::grown((10, 10, 5.0), (12, 14, 9.0)), (2, 4, 4.0));
        assert_eq!(super::grown((10, 10, 5.0), (2, 2, 1.0)), (2, 2, 1.0));
        assert_eq!(seconds(-3.0), Duration::ZERO);
    }
}
