//! Looking a die up, and rolling it.

use std::time::{Duration, Instant};

use http::StatusCode;
use metrics::Gauge;
use opentelemetry::trace::{FutureExt, SpanKind, Status, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use opentelemetry_semantic_conventions::attribute;
use rand::RngExt;
use serde::Deserialize;

use super::State;
use crate::telemetry::CancelGuard;

/// A die as die-service describes it.
#[derive(Debug, Deserialize)]
pub(super) struct Die {
    faces: Vec<i64>,
    error_rate: f64,
}

#[derive(Deserialize)]
struct Lookup {
    specification: Die,
}

/// The die's own error struck.
#[derive(Debug)]
pub(super) struct DieFailed;

impl State {
    /// Asks die-service for a die. `None` when it cannot be had, for whatever reason: the log and the metrics know which.
    pub(super) async fn look_up(&self, name: &str) -> Option<Die> {
        let query: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let path = format!("/dice?identifier={query}");
        let started = Instant::now();
        let counting = CountLookup {
            state: self,
            name,
            status: Some("cancelled"),
        };
        let answer = self
            .shared
            .client
            .get(
                &self.config.die_service,
                &path,
                self.config.die_service_timeout,
            )
            .await;
        self.lookup_duration.record(started.elapsed().as_secs_f64());
        match answer {
            Ok(answer) if answer.status == StatusCode::OK => {
                if let Ok(Lookup { specification }) = serde_json::from_slice(&answer.body)
                    && !specification.faces.is_empty()
                {
                    self.known.confirm(name);
                    counting.done("success");
                    return Some(specification);
                }
                counting.done("error_200");
                tracing::error!(die_type = name, "Die service answered what is no die");
            }
            Ok(answer) => {
                counting.done(&format!("error_{}", answer.status));
                tracing::warn!(
                    die_type = name,
                    status = answer.status,
                    "Die service refused"
                );
            }
            Err(error) => {
                counting.done(error.kind());
                tracing::error!(
                    die_type = name,
                    error = error.to_string(),
                    "Die service unavailable"
                );
            }
        }
        None
    }

    /// Rolls once: waits for as long as a roll takes, then lets the die fail by its own chance, else draws a face.
    pub(super) async fn roll(&self, die: &Die) -> Result<i64, DieFailed> {
        let (low, high) = self.config.roll_delay_ms;
        if high > 0 {
            let delay = rand::rng().random_range(low..=high);
            tokio::time::sleep(Duration::from_millis(delay)).await;
        }
        let mut random = rand::rng();
        if random.random::<f64>() < die.error_rate {
            return Err(DieFailed);
        }
        // A die without faces was refused when it was looked up.
        die.faces
            .get(random.random_range(0..die.faces.len()))
            .copied()
            .ok_or(DieFailed)
    }

    /// One roll of a batch, below its own span.
    pub(super) async fn roll_in_batch(
        &self,
        name: &str,
        die: &Die,
        index: usize,
    ) -> Result<i64, usize> {
        let telemetry = &self.shared.telemetry;
        let position = i64::try_from(index).unwrap_or(i64::MAX);
        let cx = telemetry.start(
            "async_roll",
            SpanKind::Internal,
            &Context::current(),
            || {
                vec![
                    KeyValue::new("async.roll_index", position),
                    KeyValue::new("die.type", name.to_owned()),
                ]
            },
        );
        let cancelled = CancelGuard::new(&cx);
        let rolling = InProgress::new(&self.async_in_progress);
        let label = self.known.label(name);
        let work = async {
            let result = self.roll(die).await;
            let span = cx.span();
            match &result {
                Ok(value) => {
                    self.async_rolls.with(&[label, "success"]).increment(1);
                    self.values.with(&[label]).record(*value as f64);
                    span.set_attribute(KeyValue::new("roll.value", *value));
                    span.set_attribute(KeyValue::new("die.result", "success"));
                    tracing::info!(
                        die_type = name,
                        roll_index = index,
                        roll_value = value,
                        "Async roll completed"
                    );
                }
                Err(DieFailed) => {
                    self.async_rolls.with(&[label, "error"]).increment(1);
                    span.set_attribute(KeyValue::new("die.result", "error"));
                    span.set_attribute(KeyValue::new(attribute::ERROR_TYPE, "die_failed"));
                    span.set_status(Status::error(format!("Die '{name}' failed")));
                    tracing::error!(
                        die_type = name,
                        roll_index = index,
                        "Die triggered error condition"
                    );
                }
            }
            span.end();
            result
        };
        let result = work.with_context(cx.clone()).await;
        drop(rolling);
        cancelled.disarm();
        result.map_err(|DieFailed| index)
    }
}

/// Counts one question to die-service, also one that nobody waits for any more.
struct CountLookup<'a> {
    state: &'a State,
    name: &'a str,
    status: Option<&'static str>,
}

impl CountLookup<'_> {
    fn done(mut self, status: &str) {
        self.status = None;
        self.state
            .lookups
            .with(&[self.state.known.label(self.name), status])
            .increment(1);
    }
}

impl Drop for CountLookup<'_> {
    fn drop(&mut self) {
        if let Some(status) = self.status {
            self.state
                .lookups
                .with(&[self.state.known.label(self.name), status])
                .increment(1);
        }
    }
}

/// Keeps the gauge of rolls in progress true, also when the batch is given up.
struct InProgress<'a>(&'a Gauge);

impl<'a> InProgress<'a> {
    fn new(gauge: &'a Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for InProgress<'_> {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
