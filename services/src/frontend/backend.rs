//! Passing a roll on to dice-roller, and its answer back.

use std::time::{Duration, Instant};

use axum::response::Response;
use http::StatusCode;
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, KeyValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::State;
use crate::client::{Answer, ClientError};
use crate::http::json;
use crate::logs::milliseconds;

/// What went wrong, with the trace that shows it.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct BackendProblem<'a> {
    #[schema(example = "Backend error: Die 'risky' failed!")]
    detail: &'a str,
    #[schema(example = "4bf92f3577b34da6a3ce929d0e0e4736")]
    trace_id: String,
}

/// The current trace, for people to look up.
pub(super) fn current_trace_id() -> String {
    Context::map_current(|cx| cx.span().span_context().trace_id().to_string())
}

impl State {
    /// Asks dice-roller about a die. The error is a finished answer.
    pub(super) async fn ask<T: DeserializeOwned>(&self, die: &str, path: &str, patience: Duration) -> Result<T, Box<Response>> {
        let outcome = Outcome::begin(self, die);
        let started = Instant::now();
        let answer = self.shared.client.get(&self.config.dice_roller, path, patience).await;
        let elapsed = started.elapsed();
        match answer {
            Ok(answer) => self.answered(outcome, &answer, elapsed),
            Err(error) => Err(Box::new(self.unanswered(outcome, &error, elapsed))),
        }
    }

    fn answered<T: DeserializeOwned>(&self, outcome: Outcome<'_>, answer: &Answer, elapsed: Duration) -> Result<T, Box<Response>> {
        let die = outcome.die;
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
        // dice-roller only rolls, or fails to roll, what die-service knows.
        if status.is_success() || status == StatusCode::INTERNAL_SERVER_ERROR {
            self.known.confirm(die);
        }
        self.count(die, status.as_str(), elapsed);
        Context::map_current(|cx| {
            cx.span().set_attribute(KeyValue::new("backend.status_code", i64::from(answer.status)));
        });
        tracing::info!(die_type = die, backend_status = answer.status, duration_ms = milliseconds(elapsed), "Backend response received");
        if !status.is_success() {
            let words = format!("Backend error: {}", detail_of(answer));
            tracing::error!(die_type = die, backend_status = answer.status, error = words, "Backend request failed");
            return Err(Box::new(problem(status, &words)));
        }
        match serde_json::from_slice(&answer.body) {
            Ok(value) => {
                outcome.is("success");
                Ok(value)
            }
            Err(error) => {
                tracing::error!(die_type = die, error = error.to_string(), "Backend answer not understood");
                Err(Box::new(problem(StatusCode::BAD_GATEWAY, "Backend error: answer not understood")))
            }
        }
    }

    fn unanswered(&self, outcome: Outcome<'_>, error: &ClientError, elapsed: Duration) -> Response {
        self.count(outcome.die, error.kind(), elapsed);
        tracing::error!(die_type = outcome.die, error = error.to_string(), duration_ms = milliseconds(elapsed), "Backend request failed");
        outcome.is(error.kind());
        match error {
            ClientError::Timeout => problem(StatusCode::GATEWAY_TIMEOUT, "Backend request timed out"),
            ClientError::Connection(_) => problem(StatusCode::SERVICE_UNAVAILABLE, "Backend service unavailable"),
        }
    }

    fn count(&self, die: &str, status: &str, elapsed: Duration) {
        let label = self.known.label(die);
        self.backend_requests.with(&[label, status]).increment(1);
        self.backend_duration.with(&[label]).record(elapsed.as_secs_f64());
    }
}

/// dice-roller's own words: the `detail` of its answer.
fn detail_of(answer: &Answer) -> String {
    match serde_json::from_slice::<Value>(&answer.body) {
        Ok(Value::Object(mut body)) => match body.remove("detail") {
            Some(Value::String(words)) => words,
            Some(other) => other.to_string(),
            None => format!("status {}", answer.status),
        },
        _ => format!("status {}", answer.status),
    }
}

fn problem(status: StatusCode, words: &str) -> Response {
    json(status, &BackendProblem { detail: words, trace_id: current_trace_id() })
}

/// Counts one request as received, and what became of it under the same label. While nobody has confirmed its die, both wait for
/// the answer, which may do that. A request that nobody waits for any more counts as an error.
struct Outcome<'a> {
    state: &'a State,
    die: &'a str,
    received: bool,
    status: &'static str,
}

impl<'a> Outcome<'a> {
    fn begin(state: &'a State, die: &'a str) -> Self {
        let received = state.known.has(die);
        if received {
            state.requests.with(&[die, "received"]).increment(1);
        }
        Self { state, die, received, status: "error" }
    }

    fn is(mut self, status: &'static str) {
        self.status = status;
    }
}

impl Drop for Outcome<'_> {
    fn drop(&mut self) {
        let label = self.state.known.label(self.die);
        if !self.received {
            self.state.requests.with(&[label, "received"]).increment(1);
        }
        self.state.requests.with(&[label, self.status]).increment(1);
    }
}
