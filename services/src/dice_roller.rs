//! dice-roller: asks die-service what a die looks like, and rolls it.

mod roll;
mod routes;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use metrics::{Counter, Gauge, Histogram};
use utoipa::OpenApi;

use crate::config::DiceRollerConfig;
use crate::dice::KnownDice;
use crate::http::{Observe, Ready, Routes};
use crate::metrics::Family;
use crate::run::{self, Shared};

/// The service's name, in every signal.
pub(crate) const NAME: &str = "dice-roller";

/// How long a readiness check waits for die-service.
const READY_PATIENCE: Duration = Duration::from_secs(1);

/// dice-roller, ready to serve.
pub(crate) struct Service {
    state: Arc<State>,
}

/// What a request needs.
struct State {
    shared: Shared,
    config: DiceRollerConfig,
    known: KnownDice,
    rolls: Family<Counter>,
    values: Family<Histogram>,
    lookups: Family<Counter>,
    lookup_duration: Histogram,
    async_rolls: Family<Counter>,
    async_batch_size: Histogram,
    async_duration: Histogram,
    async_in_progress: Gauge,
}

impl Service {
    pub(crate) fn new(shared: Shared, config: DiceRollerConfig) -> Result<Self, String> {
        let metrics = shared.metrics.clone();
        let state = State {
            config,
            known: KnownDice::default(),
            rolls: metrics.counters("dice_rolls_total", "Dice rolled one by one.", &["die_type", "result"]),
            values: metrics.histograms("dice_roll_value", "What the dice showed.", &["die_type"]),
            lookups: metrics.counters("die_service_requests_total", "Questions to die-service.", &["identifier", "status"]),
            lookup_duration: metrics.histogram(
                "die_service_request_duration_seconds",
                "Time that die-service took, or that was waited in vain.",
                &[],
            ),
            async_rolls: metrics.counters("async_rolls_total", "Dice rolled in batches.", &["die_type", "result"]),
            async_batch_size: metrics.histogram("async_roll_batch_size", "Dice in a batch.", &[]),
            async_duration: metrics.histogram("async_roll_duration_seconds", "Time for a whole batch.", &[]),
            async_in_progress: metrics.gauge("async_rolls_in_progress", "Dice of batches being rolled now.", &[]),
            shared,
        };
        Ok(Self { state: Arc::new(state) })
    }

    fn ready(&self) -> Ready {
        let state = Arc::clone(&self.state);
        Arc::new(move || {
            let state = Arc::clone(&state);
            Box::pin(async move {
                let up = state.shared.client.probe(&state.config.die_service, "/health/ready", READY_PATIENCE).await;
                if up { Ok(()) } else { Err("die-service") }
            })
        })
    }
}

impl run::Service for Service {
    fn router(&self) -> Result<Router, String> {
        let shared = &self.state.shared;
        Routes::new()
            .get("/", &self.state, routes::index)
            .get("/roll", &self.state, routes::roll)
            .get("/roll-async", &self.state, routes::roll_async)
            .finish(Observe::new(shared), shared.metrics.clone(), shared.loss_counters(), self.ready(), routes::Api::openapi())
    }
}

#[cfg(test)]
mod tests;
