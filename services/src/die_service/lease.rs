//! A connection in the hands of a request, and how it gets back.

use std::time::Instant;

use deadpool::managed::Object;
use sqlx::{Connection as _, PgConnection};

use super::dial::Dialer;
use super::pool::Connections;
use crate::tasks;

/// A connection in use. It goes back to the pool when dropped, unless it broke.
pub(super) struct Lease {
    object: Option<Object<Dialer>>,
    /// A statement is under way. Dropped like this, the connection first has to come to rest.
    busy: bool,
    connections: Connections,
}

impl Lease {
    pub(super) fn new(object: Object<Dialer>, connections: Connections) -> Self {
        Self { object: Some(object), busy: false, connections }
    }

    /// Takes the connection out of the lease, to close it.
    pub(super) fn take(&mut self) -> Option<Object<Dialer>> {
        self.object.take()
    }

    /// Runs one statement. A connection that breaks over it leaves the pool.
    pub(super) async fn run<T>(
        &mut self,
        statement: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        let Some(object) = self.object.as_mut() else {
            return Err(sqlx::Error::PoolClosed);
        };
        self.busy = true;
        object.used = Instant::now();
        let result = statement(&mut object.raw).await;
        self.busy = false;
        if let Err(error) = &result
            && broken(error)
        {
            if let Some(object) = self.object.take() {
                drop(Object::take(object));
            }
            self.connections.noticed_break();
        }
        result
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(mut object) = self.object.take() else {
            return;
        };
        if !self.busy {
            return;
        }
        // The client went away in the middle of a statement. PostgreSQL still works on it, so the connection counts as
        // used until the statement is over; only then may somebody else have it.
        let patience = self.connections.settle_timeout;
        tasks::spawn(async move {
            let settled = tokio::time::timeout(patience, object.raw.ping()).await;
            if !matches!(settled, Ok(Ok(()))) {
                drop(Object::take(object));
            }
        });
    }
}

/// Whether the connection is gone, rather than the statement refused.
pub(super) fn broken(error: &sqlx::Error) -> bool {
    match error {
        // Shutdown, crash, not yet up, and the whole class of connection exceptions.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("08") || code.starts_with("57P")),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::PoolClosed
        | sqlx::Error::PoolTimedOut => true,
        _ => false,
    }
}
