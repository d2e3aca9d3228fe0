//! The services' database, as the lab reaches it: with connections of its own, one for each thing it does at a time.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use tokio::sync::Mutex;

use crate::stack::Secret;

/// What the lab's connections are called.
pub(super) const APPLICATION: &str = "obslab faults";

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How long a fault waits for a lock that somebody else holds.
pub(super) const LOCK_PATIENCE: Duration = Duration::from_secs(2);

#[derive(Clone)]
pub(super) struct Database {
    /// Where there is a database.
    options: Option<Arc<PgConnectOptions>>,
    /// Under this number the lab's changes are in the ledger.
    pub(super) owner: i64,
    /// Holds an advisory lock of that number for as long as the lab lives; empty until something is changed.
    life: Arc<Mutex<Option<PgConnection>>>,
    spare: Arc<Mutex<Vec<PgConnection>>>,
}

impl Database {
    pub(super) fn new(url: Option<&Secret>) -> anyhow::Result<Self> {
        let options = url.map(|url| url.expose().parse::<PgConnectOptions>()).transpose().context("the database URL cannot be used")?;
        Ok(Self {
            options: options.map(|options| Arc::new(options.application_name(APPLICATION))),
            owner: rand::random(),
            life: Arc::default(),
            spare: Arc::default(),
        })
    }

    /// Makes a connection ready, so that what follows takes no time. A login costs tens of milliseconds.
    pub(super) async fn prepare(&self) -> anyhow::Result<()> {
        let connection = self.connect().await?;
        self.give_back(connection).await;
        Ok(())
    }

    /// Keeps a connection that is in no transaction for the next who needs one.
    pub(super) async fn give_back(&self, connection: PgConnection) {
        self.spare.lock().await.push(connection);
    }

    pub(super) async fn connect(&self) -> anyhow::Result<PgConnection> {
        let options = self.options.as_ref().context("the stack has no database")?;
        let spare = self.spare.lock().await.pop();
        if let Some(mut spare) = spare
            && tokio::time::timeout(CONNECT, spare.ping()).await.is_ok_and(|pong| pong.is_ok())
        {
            return Ok(spare);
        }
        let connected = tokio::time::timeout(CONNECT, options.connect()).await;
        connected.with_context(|| format!("the database did not answer within {} s", CONNECT.as_secs()))?.context("the database refused")
    }

    /// Begins a transaction that gives up on locks which others hold for longer than `patience`.
    pub(super) async fn begin(connection: &mut PgConnection, patience: Duration) -> sqlx::Result<()> {
        let begin = format!("BEGIN; SET LOCAL lock_timeout = {0}; SET LOCAL statement_timeout = 0", patience.as_millis().max(1));
        sqlx::raw_sql(AssertSqlSafe(begin)).execute(connection).await.map(drop)
    }

    /// Makes sure that others can see this lab live. Its end of the connection is closed by the kernel however it ends.
    pub(super) async fn show_life(&self) -> anyhow::Result<()> {
        let mut life = self.life.lock().await;
        if let Some(connection) = life.as_mut()
            && connection.ping().await.is_ok()
        {
            return Ok(());
        }
        let mut connection = self.connect().await?;
        sqlx::query("SELECT pg_advisory_lock($1)").bind(self.owner).execute(&mut connection).await?;
        *life = Some(connection);
        Ok(())
    }

    /// Whether anything was ever changed.
    pub(super) async fn has_shown_life(&self) -> bool {
        self.life.lock().await.is_some()
    }
}
