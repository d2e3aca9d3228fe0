//! `db.lock`: a transaction that takes the table for itself and then does nothing but look who waits.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use lab_facts::scenario::DbLock;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;

use super::database::{APPLICATION, Database, LOCK_PATIENCE};
use super::{End, Injected, Undone};
use crate::out::sentence;
use crate::tasks;

/// The server ends the lock of a lab that says nothing for so long, should it not notice that the lab is gone. One that is there looks
/// who waits all the time.
const SILENCE: Duration = Duration::from_secs(10);
/// How often it is looked who waits. Whoever gives up sooner than that may be missed, until the next one comes.
const LOOK: Duration = Duration::from_millis(200);

pub(super) async fn inject(kind: &DbLock, database: &Database) -> anyhow::Result<Injected> {
    let table = &kind.table;
    let mut connection = database.connect().await?;
    Database::begin(&mut connection, LOCK_PATIENCE).await?;
    let net = format!("SET LOCAL idle_in_transaction_session_timeout = {}", SILENCE.as_millis());
    sqlx::raw_sql(AssertSqlSafe(net)).execute(&mut connection).await?;
    // From here on others queue behind the request for the lock, even before it is granted.
    let since = Instant::now();
    // A plan's table names need no quoting, and the search path is the services' own.
    let lock = format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
    sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut connection).await.with_context(|| format!("cannot lock {table}"))?;
    let (table, database) = (table.clone(), database.clone());
    let (over, is_over) = oneshot::channel();
    let holder = tasks::spawn(hold(connection, table.clone(), is_over));
    Ok(Injected::new(since, async move {
        // A holder that is gone has said why.
        let _ = over.send(());
        let held = holder.await.unwrap_or_else(|error| (HashSet::new(), Err(sqlx::Error::Protocol(error.to_string()))));
        let (waited, connection) = held;
        let end = match connection {
            Ok(connection) => {
                database.give_back(connection).await;
                End::Undone
            }
            Err(error) => End::Early(format!("the lock on {table} was lost before its time: {}", sentence(&error.into()))),
        };
        Undone { end, touched: u64::try_from(waited.len()).ok() }
    }))
}

/// Holds the lock until it is over, or nobody wants it any more, and looks who waits for it: the server's processes, of which each
/// serves one connection. Gives back the connection when it has no lock any more.
async fn hold(
    mut connection: PgConnection,
    table: String,
    mut is_over: oneshot::Receiver<()>,
) -> (HashSet<i32>, sqlx::Result<PgConnection>) {
    let mut waited = HashSet::new();
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let over = tokio::select! {
            over = &mut is_over => Some(over),
            _ = look.tick() => None,
        };
        if let Some(Err(_)) = over {
            // Dropped with the connection, the lock goes at once.
            return (waited, Err(sqlx::Error::WorkerCrashed));
        }
        match waiting(&mut connection, &table).await {
            Ok(pids) => waited.extend(pids),
            Err(error) => return (waited, Err(error)),
        }
        if over.is_some() {
            let rolled_back = sqlx::raw_sql("ROLLBACK").execute(&mut connection).await;
            return (waited, rolled_back.map(|_| connection));
        }
    }
}

/// Others than the lab's own faults.
async fn waiting(connection: &mut PgConnection, table: &str) -> sqlx::Result<Vec<i32>> {
    let query = "SELECT pid FROM pg_locks JOIN pg_stat_activity USING (pid) \
                 WHERE NOT granted AND relation = $1::regclass AND application_name <> $2 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    sqlx::query_scalar(query).bind(table).bind(APPLICATION).fetch_all(connection).await
}
