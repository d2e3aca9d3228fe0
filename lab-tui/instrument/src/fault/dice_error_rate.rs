//! `dice.error_rate`: the die's row is changed, and its old rate kept in the ledger.

use std::time::Instant;

use anyhow::ensure;
use lab_facts::scenario::DiceErrorRate;
use sqlx::postgres::PgConnection;

use super::database::{Database, LOCK_PATIENCE};
use super::services::Services;
use super::{End, Injected, Undone, ledger};
use crate::out::sentence;

/// In the ledger.
pub(super) const NAME: &str = "dice.error_rate";

pub(super) async fn inject(kind: &DiceErrorRate, database: &Database, services: &Services) -> anyhow::Result<Injected> {
    let DiceErrorRate { die, rate } = kind;
    // Before the first change: an entry whose owner does not show its life is restored by the next lab that comes by.
    database.show_life().await?;
    let mut connection = database.connect().await?;
    ledger::open(&mut connection, LOCK_PATIENCE).await?;
    ledger::restore_dead(&mut connection).await?;
    ensure!(!ledger::has(&mut connection, NAME, die).await?, "another lab, or another fault, changes the error rate of `{die}` just now");
    // PostgreSQL writes a float so that it reads back as the very same.
    let keep = "INSERT INTO obslab_undo (kind, what, before, owner) \
                SELECT $1, identifier, error_rate::text, $3 FROM die_specifications WHERE identifier = $2";
    let kept = sqlx::query(keep).bind(NAME).bind(die).bind(database.owner).execute(&mut connection).await?;
    ensure!(kept.rows_affected() == 1, "there is no die `{die}`");
    let change = sqlx::query("UPDATE die_specifications SET error_rate = $2 WHERE identifier = $1").bind(die).bind(rate);
    change.execute(&mut connection).await?;
    let rolls = services.rolls(die).await;
    let since = Instant::now();
    sqlx::raw_sql("COMMIT").execute(&mut connection).await?;
    database.give_back(connection).await;
    let (database, services, die) = (database.clone(), services.clone(), die.clone());
    Ok(Injected::new(since, async move {
        let end = match ledger::undo(&database, NAME, &die).await {
            Ok(()) => End::Undone,
            Err(error) => End::Stuck(format!("the error rate of `{die}` is not restored: {}", sentence(&error))),
        };
        // Counters that went down began anew.
        let since = |before: u64, now: u64| now.checked_sub(before).unwrap_or(now);
        let touched = services.rolls(&die).await.and_then(|now| Some(since(rolls?, now)));
        Undone { end, touched }
    }))
}

/// A die that is gone needs no restoring.
pub(super) async fn restore(connection: &mut PgConnection, die: &str, before: &str) -> sqlx::Result<()> {
    let restore = sqlx::query("UPDATE die_specifications SET error_rate = $2::text::float8 WHERE identifier = $1").bind(die).bind(before);
    restore.execute(connection).await.map(drop)
}
