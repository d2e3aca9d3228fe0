//! die-service: which dice there are, and what they look like. Its answers come from PostgreSQL, one query each.

mod complaint;
mod database;
mod dial;
mod lease;
mod migrations;
mod pool;
mod routes;
mod supervisor;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use metrics::{Counter, Gauge};
use tokio::task::AbortHandle;
use utoipa::OpenApi;

use crate::config::DieServiceConfig;
use crate::dice::KnownDice;
use crate::http::{Observe, Ready, Routes};
use crate::metrics::Family;
use crate::run::{self, Shared};
use database::Database;
use pool::Connections;
use supervisor::Outlook;

/// The service's name, in every signal.
pub(crate) const NAME: &str = "die-service";

/// How long a readiness check waits for the database.
const READY_PATIENCE: Duration = Duration::from_millis(500);

/// die-service, ready to serve.
pub(crate) struct Service {
    shared: Shared,
    connections: Connections,
    outlook: Outlook,
    supervisor: AbortHandle,
    state: Arc<State>,
}

/// What a request needs.
struct State {
    database: Database,
    known: KnownDice,
    requested: Family<Counter>,
    listed: Counter,
    loaded: Gauge,
}

impl Service {
    /// Needs no database to be there: it is looked for in the background.
    pub(crate) fn new(shared: Shared, config: &DieServiceConfig) -> Result<Self, String> {
        let connections = Connections::new(&shared, config)?;
        let (outlook, supervisor) = supervisor::start(connections.clone(), config);
        let metrics = &shared.metrics;
        let state = State {
            database: Database::new(&shared, config, connections.clone(), outlook.prepared.clone()),
            known: KnownDice::default(),
            requested: metrics.counters("die_specifications_requested_total", "Dice asked for and found.", &["identifier"]),
            listed: metrics.counter("die_list_requests_total", "Requests for the list of dice.", &[]),
            loaded: metrics.gauge("die_specifications_loaded", "Dice in the database when last counted.", &[]),
        };
        Ok(Self { shared, connections, outlook, supervisor, state: Arc::new(state) })
    }

    fn ready(&self) -> Ready {
        let (connections, outlook) = (self.connections.clone(), self.outlook.clone());
        Arc::new(move || {
            let (connections, outlook) = (connections.clone(), outlook.clone());
            Box::pin(async move {
                if !*outlook.prepared.borrow() {
                    return Err("database");
                }
                match connections.acquire_quietly(READY_PATIENCE).await {
                    Ok(mut lease) => lease.run(async |connection| sqlx::Connection::ping(connection).await).await.map_err(|_| "database"),
                    // Busy with requests is ready, as long as the database itself is well.
                    Err(pool::AcquireError::Exhausted) if *outlook.reachable.borrow() => Ok(()),
                    Err(_) => Err("database"),
                }
            })
        })
    }
}

impl run::Service for Service {
    fn router(&self) -> Result<Router, String> {
        let losses = self.shared.loss_counters();
        let connections = self.connections.clone();
        let before_render = move || {
            losses();
            connections.measure();
        };
        let observe = Observe::new(&self.shared);
        Routes::new().get("/", &self.state, routes::index).get("/dice", &self.state, routes::dice).finish(
            observe,
            self.shared.metrics.clone(),
            before_render,
            self.ready(),
            routes::Api::openapi(),
        )
    }

    async fn close(self) {
        // First, or a closed pool would look to it like a database that is away.
        self.supervisor.abort();
        self.connections.close().await;
        tracing::info!("Database connection pool closed");
    }
}

#[cfg(test)]
mod tests;
