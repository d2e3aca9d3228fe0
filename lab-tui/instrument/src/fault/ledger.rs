//! What the lab has changed in the database and must restore: a table beside the data, written in the transaction that changes it.
//!
//! Each entry has an owner, a lab that holds an advisory lock of its number for as long as it lives. What a lab that is gone left
//! behind, the next one restores. The table itself is dropped with its last entry, so that nothing stays in somebody's database.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sqlx::postgres::PgConnection;

use super::database::Database;
use super::dice_error_rate;
use crate::stack::Access;

/// All work on the ledger takes turns under this number, so that the table can come and go.
const TURN: i64 = 0x6f62_736c_6162; // "obslab"

/// How long restoring may take. Somebody may hold the table; a lock of our own is on its way out.
const RESTORE: Duration = Duration::from_secs(10);

/// How long a start waits for the database to notice that an owner is gone.
const NOTICE: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(100);

/// One change that can be restored.
#[derive(Debug)]
struct Entry {
    /// Of the fault.
    kind: String,
    /// What was changed, in the kind's own words.
    what: String,
    /// What it was.
    before: String,
    owner: i64,
}

/// Whose entries are meant.
#[derive(Debug, Clone, Copy)]
enum Whose<'a> {
    /// One of ours.
    Own { owner: i64, kind: &'a str, what: &'a str },
    /// All of ours.
    AllOwn(i64),
    /// Of labs that are gone.
    Dead,
}

/// Begins a transaction in which the ledger is there and nobody else uses it.
pub(super) async fn open(connection: &mut PgConnection, patience: Duration) -> anyhow::Result<()> {
    Database::begin(connection, patience).await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(TURN).execute(&mut *connection).await?;
    let create = "CREATE TABLE IF NOT EXISTS obslab_undo \
                  (kind TEXT NOT NULL, what TEXT NOT NULL, before TEXT NOT NULL, owner BIGINT NOT NULL, PRIMARY KEY (kind, what))";
    sqlx::raw_sql(create).execute(&mut *connection).await?;
    Ok(())
}

/// Restores what labs that are gone left behind, within an open ledger.
pub(super) async fn restore_dead(connection: &mut PgConnection) -> anyhow::Result<()> {
    restore(connection, Whose::Dead).await.map(drop)
}

/// Whether somebody who lives has changed this already.
pub(super) async fn has(connection: &mut PgConnection, kind: &str, what: &str) -> sqlx::Result<bool> {
    let query = "SELECT count(*) > 0 FROM obslab_undo WHERE kind = $1 AND what = $2";
    sqlx::query_scalar(query).bind(kind).bind(what).fetch_one(connection).await
}

/// Restores one change of this lab.
pub(super) async fn undo(database: &Database, kind: &str, what: &str) -> anyhow::Result<()> {
    close(database, Whose::Own { owner: database.owner, kind, what }).await.map(drop)
}

/// Restores every change of this lab.
pub(super) async fn clear(database: &Database) -> anyhow::Result<()> {
    if !database.has_shown_life().await {
        return Ok(());
    }
    let cleared = close(database, Whose::AllOwn(database.owner)).await;
    cleared.map(drop).context("what the lab changed in the database is not restored; the next start of a lab on it will try again")
}

/// Restores what labs that are gone left behind in this database, and says what that was.
///
/// # Errors
/// When something is left that cannot be restored.
pub fn restore_left_behind(access: &Access) -> BoxFuture<'_, anyhow::Result<Vec<String>>> {
    async move {
        let database = Database::new(access.database.as_ref())?;
        let restored = async {
            let mut restored = Vec::new();
            let started = Instant::now();
            loop {
                restored.extend(close(&database, Whose::Dead).await?);
                // What is left belongs to the living, or to one that died a moment ago.
                let mut connection = database.connect().await?;
                if started.elapsed() > NOTICE || !exists(&mut connection).await? {
                    return anyhow::Ok(restored);
                }
                database.give_back(connection).await;
                tokio::time::sleep(POLL).await;
            }
        };
        restored.await.context("an earlier lab was killed on this database, and what it changed cannot be restored")
    }
    .boxed()
}

async fn exists(connection: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT to_regclass('obslab_undo') IS NOT NULL").fetch_one(connection).await
}

/// Restores on a connection of its own, and drops the ledger when it has no entry any more.
async fn close(database: &Database, whose: Whose<'_>) -> anyhow::Result<Vec<String>> {
    let work = async {
        let mut connection = database.connect().await?;
        if !exists(&mut connection).await? {
            database.give_back(connection).await;
            return Ok(Vec::new());
        }
        open(&mut connection, RESTORE).await?;
        let restored = restore(&mut connection, whose).await?;
        let empty: bool = sqlx::query_scalar("SELECT count(*) = 0 FROM obslab_undo").fetch_one(&mut connection).await?;
        if empty {
            sqlx::raw_sql("DROP TABLE obslab_undo").execute(&mut connection).await?;
        }
        sqlx::raw_sql("COMMIT").execute(&mut connection).await?;
        database.give_back(connection).await;
        Ok(restored)
    };
    tokio::time::timeout(RESTORE, work).await.with_context(|| format!("the database took longer than {} s", RESTORE.as_secs()))?
}

async fn restore(connection: &mut PgConnection, whose: Whose<'_>) -> anyhow::Result<Vec<String>> {
    let entries = sqlx::query_as("SELECT kind, what, before, owner FROM obslab_undo").fetch_all(&mut *connection).await?;
    let mut restored = Vec::new();
    for (kind, what, before, owner) in entries {
        let entry = Entry { kind, what, before, owner };
        let meant = match whose {
            Whose::Own { owner, kind, what } => (entry.owner, entry.kind.as_str(), entry.what.as_str()) == (owner, kind, what),
            Whose::AllOwn(owner) => entry.owner == owner,
            Whose::Dead => {
                let free = sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1)").bind(entry.owner);
                free.fetch_one(&mut *connection).await?
            }
        };
        if !meant {
            continue;
        }
        match entry.kind.as_str() {
            dice_error_rate::NAME => dice_error_rate::restore(connection, &entry.what, &entry.before).await?,
            unknown => bail!("a newer lab left a change of the kind `{unknown}`; start that lab once on this database"),
        }
        let delete = sqlx::query("DELETE FROM obslab_undo WHERE kind = $1 AND what = $2").bind(&entry.kind).bind(&entry.what);
        delete.execute(&mut *connection).await?;
        restored.push(format!("{} of {}", entry.kind, entry.what));
    }
    Ok(restored)
}
