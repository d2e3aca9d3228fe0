//! frontend: the page that people use, and the API behind it.

mod backend;
mod page;
mod routes;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use metrics::{Counter, Histogram};
use utoipa::OpenApi;

use crate::config::FrontendConfig;
use crate::dice::KnownDice;
use crate::http::{Observe, Ready, Routes};
use crate::metrics::Family;
use crate::run::{self, Shared};

/// The service's name, in every signal.
pub(crate) const NAME: &str = "frontend";

/// How long a readiness check waits for each of the services behind.
const READY_PATIENCE: Duration = Duration::from_secs(1);

/// frontend, ready to serve.
pub(crate) struct Service {
    state: Arc<State>,
}

/// What a request needs.
struct State {
    shared: Shared,
    config: FrontendConfig,
    known: KnownDice,
    requests: Family<Counter>,
    backend_requests: Family<Counter>,
    backend_duration: Family<Histogram>,
    async_requests: Family<Counter>,
}

impl Service {
    pub(crate) fn new(shared: Shared, config: FrontendConfig) -> Result<Self, String> {
        let metrics = shared.metrics.clone();
        let state = State {
            config,
            known: KnownDice::default(),
            requests: metrics.counters(
                "frontend_requests_total",
                "Rolls asked for (received), and what became of them.",
                &["die_type", "status"],
            ),
            backend_requests: metrics.counters(
                "backend_requests_total",
                "Questions to dice-roller by what came back.",
                &["die_type", "status_code"],
            ),
            backend_duration: metrics.histograms(
                "backend_request_duration_seconds",
                "Time that dice-roller took, or that was waited in vain.",
                &["die_type"],
            ),
            async_requests: metrics.counters("async_roll_requests_total", "Batches asked for.", &["batch_size"]),
            shared,
        };
        Ok(Self { state: Arc::new(state) })
    }

    fn ready(&self) -> Ready {
        let state = Arc::clone(&self.state);
        Arc::new(move || {
            let state = Arc::clone(&state);
            Box::pin(async move {
                let client = &state.shared.client;
                let (roller, dice) = tokio::join!(
                    client.probe(&state.config.dice_roller, "/health/ready", READY_PATIENCE),
                    client.probe(&state.config.die_service, "/health/ready", READY_PATIENCE),
                );
                match (roller, dice) {
                    (_, false) => Err("die-service"),
                    (false, _) => Err("dice-roller"),
                    _ => Ok(()),
                }
            })
        })
    }
}

impl run::Service for Service {
    fn router(&self) -> Result<Router, String> {
        let shared = &self.state.shared;
        Routes::new()
            .get("/", &self.state, page::page)
            .get("/roll", &self.state, routes::roll)
            .get("/roll-async", &self.state, routes::roll_async)
            .finish(Observe::new(shared), shared.metrics.clone(), shared.loss_counters(), self.ready(), routes::Api::openapi())
    }
}

#[cfg(test)]
mod tests;
