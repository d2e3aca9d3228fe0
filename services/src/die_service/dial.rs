//! How connections are opened, and whether one that was used before is still good.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use deadpool::managed::{Manager, Metrics as Usage, RecycleError, RecycleResult};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use tokio::sync::{Notify, Semaphore, oneshot};

use crate::tasks;

/// A connection that was used this recently is taken on trust; an older one proves first that it lives.
const TRUST: Duration = Duration::from_millis(500);

/// How many connections are dialled at a time. A database that has just come back would be kept from answering anybody by a
/// login for each request that waits.
const DIALS: usize = 2;

/// How long a dial may take, whoever waits for it.
const DIAL_PATIENCE: Duration = Duration::from_secs(10);

/// Opens connections, and decides whether one that was used before is still good.
pub(super) struct Dialer {
    pub(super) options: PgConnectOptions,
    /// How often a connection has broken. A connection from before the last break must prove that it lives, so that one
    /// crash of the database costs one request and not one for each idle connection.
    breaks: AtomicU64,
    /// Told when a connection breaks.
    broke: Notify,
    dials: Arc<Semaphore>,
    /// Connections whose request had given up by the time they were open. Were the dial given up with the request, a slow
    /// database would never see one through.
    spare: Arc<Mutex<Vec<Connection>>>,
}

/// An open connection.
pub(super) struct Connection {
    pub(super) raw: PgConnection,
    breaks: u64,
    /// When a request last used it; looking after it does not count.
    pub(super) used: Instant,
}

impl Dialer {
    pub(super) fn new(options: PgConnectOptions) -> Self {
        Self { options, breaks: AtomicU64::new(0), broke: Notify::new(), dials: Arc::new(Semaphore::new(DIALS)), spare: Arc::default() }
    }

    /// A connection broke: all others must prove that they live.
    pub(super) fn noticed_break(&self) {
        self.breaks.fetch_add(1, Ordering::Relaxed);
        self.broke.notify_one();
    }

    /// Until a connection breaks.
    pub(super) async fn broken(&self) {
        self.broke.notified().await;
    }

    /// A spare connection that still lives.
    async fn spare(&self) -> Option<Connection> {
        loop {
            let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if spare.raw.ping().await.is_ok() {
                return Some(spare);
            }
        }
    }
}

impl Manager for Dialer {
    type Type = Connection;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<Connection, sqlx::Error> {
        let turn = Arc::clone(&self.dials).acquire_owned().await.map_err(|_| sqlx::Error::PoolClosed)?;
        if let Some(spare) = self.spare().await {
            return Ok(spare);
        }
        let (options, breaks, spare) = (self.options.clone(), self.breaks.load(Ordering::Relaxed), Arc::clone(&self.spare));
        let (opened, dialled) = oneshot::channel();
        tasks::spawn(async move {
            let _turn = turn;
            let result = tokio::time::timeout(DIAL_PATIENCE, options.connect()).await.unwrap_or(Err(sqlx::Error::PoolTimedOut));
            let result = result.map(|raw| Connection { raw, breaks, used: Instant::now() });
            if let Err(Ok(connection)) = opened.send(result) {
                spare.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            }
        });
        dialled.await.unwrap_or(Err(sqlx::Error::PoolClosed))
    }

    async fn recycle(&self, connection: &mut Connection, usage: &Usage) -> RecycleResult<sqlx::Error> {
        let breaks = self.breaks.load(Ordering::Relaxed);
        if connection.breaks != breaks || usage.last_used() > TRUST {
            connection.raw.ping().await.map_err(RecycleError::Backend)?;
            connection.breaks = breaks;
        }
        Ok(())
    }
}
