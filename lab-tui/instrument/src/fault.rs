//! Faults are brought about here, and undone.
//!
//! One file a kind; each gives an [`Injected`] that knows how to undo itself, and leaves nothing behind that only the lab's own life
//! could undo: a lock goes with its connection, what a service was asked for lapses, a changed row is in the [`ledger`].

mod database;
mod db_lock;
mod dice_error_rate;
mod ledger;
mod service_error;
mod service_latency;
mod services;

use std::fmt;
use std::time::Instant;

use anyhow::Context as _;
use database::Database;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, TryFutureExt as _};
use lab_facts::scenario::{Fault, FaultKind};

use crate::stack::Access;
pub use ledger::restore_left_behind;
use services::Services;

/// What faults work on.
pub struct Injector {
    services: Services,
    database: Database,
}

/// A fault that is there. Dropped, it goes away soon and unwatched, except for changed rows: [`Injector::clear`] sees to these.
pub struct Injected {
    /// From when on the system was disturbed: the moment just before, because requests meet a fault while it is still being set up.
    pub since: Instant,
    undo: BoxFuture<'static, Undone>,
}

/// How a fault ended, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// How it ended.
    pub end: End,
    /// How many requests met it, as its kind counts them; `None` where that is not known.
    pub touched: Option<u64>,
}

/// How a fault ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It was undone.
    Undone,
    /// It is gone, but was not there for the whole time; the text says why.
    Early(String),
    /// It could not be undone; the text says why.
    Stuck(String),
}

impl Injector {
    /// Nothing is asked yet.
    ///
    /// # Errors
    /// The database's URL cannot be used.
    pub fn new(access: &Access) -> anyhow::Result<Self> {
        Ok(Self { services: Services::new(access)?, database: Database::new(access.database.as_ref())? })
    }

    /// Does what takes time and disturbs nobody yet, so that the fault can begin at its moment. Whether that works shows then.
    pub async fn prepare(&self, fault: &Fault) {
        // Whatever is missing is made up for, or told, when the fault begins.
        let _ = match &fault.kind {
            FaultKind::DiceErrorRate(_) => self.database.prepare().and_then(|()| self.database.show_life()).await,
            FaultKind::DbLock(_) => self.database.prepare().await,
            FaultKind::ServiceError(_) | FaultKind::ServiceLatency(_) => Ok(()),
        };
    }

    /// Brings a fault about. It takes a few seconds at most. Where it strikes by chance, the same seed strikes the same requests again,
    /// in the order in which they reach the service.
    ///
    /// # Errors
    /// Why it could not be; the system is as it was then. After an error, or when the future is dropped, [`Injector::clear`] makes sure.
    pub async fn inject(&self, fault: &Fault, seed: u64) -> anyhow::Result<Injected> {
        match &fault.kind {
            FaultKind::DiceErrorRate(kind) => dice_error_rate::inject(kind, &self.database, &self.services).await,
            FaultKind::DbLock(kind) => db_lock::inject(kind, &self.database).await,
            FaultKind::ServiceError(kind) => service_error::inject(kind, &fault.name, seed, &self.services).await,
            FaultKind::ServiceLatency(kind) => service_latency::inject(kind, &fault.name, seed, &self.services).await,
        }
        .with_context(|| format!("`{}` could not be injected", fault.name))
    }

    /// Undoes whatever is still there of what this lab did, and returns when it is gone. Does nothing where there is nothing.
    ///
    /// # Errors
    /// What is left, and why.
    pub fn clear(&self) -> BoxFuture<'_, anyhow::Result<()>> {
        async move {
            self.services.clear().await;
            ledger::clear(&self.database).await
        }
        .boxed()
    }
}

impl Injected {
    fn new(since: Instant, undo: impl Future<Output = Undone> + Send + 'static) -> Self {
        Self { since, undo: Box::pin(undo) }
    }

    /// Undoes it, and returns when it is gone or cannot be made to go.
    pub async fn undo(self) -> Undone {
        self.undo.await
    }
}

impl fmt::Debug for Injector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Injector").finish_non_exhaustive()
    }
}

impl fmt::Debug for Injected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Injected").field("since", &self.since).finish_non_exhaustive()
    }
}
