//! `db.lock`: a transaction that takes the table for itself and then does nothing.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use sqlx::AssertSqlSafe;

use super::database::{Database, LOCK_PATIENCE};
use super::{End, Injected};
use crate::scenario::DbLock;

/// The server ends a lock that outlives its time by this much, should it not notice that the lab is gone.
const MARGIN: Duration = Duration::from_secs(10);

pub(super) async fn inject(kind: &DbLock, duration: Duration, database: &Database) -> anyhow::Result<Injected> {
    let table = &kind.table;
    let mut connection = database.connect().await?;
    Database::begin(&mut connection, LOCK_PATIENCE).await?;
    let net = format!("SET LOCAL idle_in_transaction_session_timeout = {}", (duration + MARGIN).as_millis());
    sqlx::raw_sql(AssertSqlSafe(net)).execute(&mut connection).await?;
    // From here on others queue behind the request for the lock, even before it is granted.
    let since = Instant::now();
    // A plan's table names need no quoting, and the search path is the services' own.
    let lock = format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
    sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut connection).await.with_context(|| format!("cannot lock {table}"))?;
    let (table, database) = (table.clone(), database.clone());
    Ok(Injected::new(since, async move {
        match sqlx::raw_sql("ROLLBACK").execute(&mut connection).await {
            Ok(_) => {
                database.give_back(connection).await;
                End::Undone
            }
            Err(error) => End::Early(format!("the lock on {table} was lost before its time: {error}")),
        }
    }))
}
