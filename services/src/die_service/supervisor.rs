//! Keeps the database within reach: waits for it at start, brings the schema up to date, and notices when it goes and
//! comes back.

use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::Connection as _;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::complaint::complaint;
use super::migrations;
use super::pool::Connections;
use crate::config::DieServiceConfig;
use crate::tasks;

const FIRST_RETRY: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(1);

/// How often a database that seems well is looked at. A connection that breaks makes it sooner.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What others can know of the supervisor's view.
#[derive(Debug, Clone)]
pub(super) struct Outlook {
    /// The schema is there. Once true, always true.
    pub(super) prepared: watch::Receiver<bool>,
    /// The database answered when it was last asked.
    pub(super) reachable: watch::Receiver<bool>,
}

/// Starts watching. It ends when it is aborted, as it must be before the pool is closed, or with the runtime.
pub(super) fn start(connections: Connections, config: &DieServiceConfig) -> (Outlook, AbortHandle) {
    let (set_prepared, prepared) = watch::channel(false);
    let (set_reachable, reachable) = watch::channel(false);
    let supervisor = Supervisor {
        connections,
        minimum: config.pool_min,
        maximum: config.pool_max,
        migrate: config.migrate,
        prepared: set_prepared,
        reachable: set_reachable,
    };
    let watching = tasks::spawn(supervisor.run());
    (Outlook { prepared, reachable }, watching.abort_handle())
}

struct Supervisor {
    connections: Connections,
    minimum: usize,
    maximum: usize,
    migrate: bool,
    prepared: watch::Sender<bool>,
    reachable: watch::Sender<bool>,
}

impl Supervisor {
    async fn run(self) {
        let mut retry = FIRST_RETRY;
        loop {
            match self.attempt().await {
                Ok(()) => {
                    if !self.reachable.send_replace(true) {
                        tracing::info!(
                            min_size = self.minimum,
                            max_size = self.maximum,
                            size = self.connections.size(),
                            "Database connection pool established"
                        );
                    }
                    retry = FIRST_RETRY;
                    self.connections.broken(LOOK_AGAIN).await;
                }
                Err(error) => {
                    self.reachable.send_replace(false);
                    tracing::error!(error, retry_ms = u64::try_from(retry.as_millis()).unwrap_or(u64::MAX), "Database connection failed");
                    tokio::time::sleep(retry).await;
                    retry = (retry * 2).min(LONGEST_RETRY);
                }
            }
        }
    }

    async fn attempt(&self) -> Result<(), String> {
        if !*self.prepared.borrow() {
            if self.migrate {
                self.migrate().await?;
            }
            self.prepared.send_replace(true);
        }
        self.connections.maintain(self.minimum).await.map_err(|error| error.to_string())
    }

    /// Brings the schema up to date, on a connection of its own: it must not be cut off by the limit for statements, since
    /// it may wait for another service that migrates the same database (sqlx takes a lock for that).
    async fn migrate(&self) -> Result<(), String> {
        let options = self.connections.options().clone().options([("statement_timeout", "0")]);
        let dial = tokio::time::timeout(Duration::from_secs(5), options.connect());
        let mut connection = dial.await.map_err(|_| "timed out".to_owned())?.map_err(|error| complaint(&error))?;
        migrations::all().run_direct(None, &mut connection, false).await.map_err(|error| complaint(&error))?;
        let _ = connection.close().await;
        Ok(())
    }
}
