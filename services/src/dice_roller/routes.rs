//! What dice-roller answers.

use std::sync::Arc;
use std::time::Instant;

use axum::extract;
use axum::response::{IntoResponse, Response};
use futures_util::future::try_join_all;
use http::{StatusCode, Uri};
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, KeyValue};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::State;
use super::roll::{Die, DieFailed};
use crate::http::{Invalid, Problem, Query, detail, json};
use crate::logs::milliseconds;

/// The largest batch.
const MOST_ROLLS: i64 = 20;

#[derive(OpenApi)]
#[openapi(info(title = "Dice Roller API", description = "Rolls dice that it asks die-service for."), paths(index, roll, roll_async))]
pub(super) struct Api;

#[derive(Serialize, ToSchema)]
struct Index {
    #[schema(example = "Dice Roller API")]
    service: &'static str,
    version: &'static str,
    endpoints: [&'static str; 3],
}

#[derive(Serialize, ToSchema)]
struct Rolled {
    #[schema(example = 5)]
    roll: i64,
}

#[derive(Serialize, ToSchema)]
struct Batch {
    #[schema(example = 7)]
    total: i64,
    #[schema(example = json!([5, 2]))]
    rolls: Vec<i64>,
    #[schema(example = 2)]
    count: usize,
}

/// What this service is
#[utoipa::path(get, path = "/", responses((status = 200, body = Index)))]
pub(super) async fn index() -> Response {
    let endpoints = ["/roll?die={die}", "/roll-async?die={die}&times={times}", "/metrics"];
    json(StatusCode::OK, &Index { service: "Dice Roller API", version: env!("CARGO_PKG_VERSION"), endpoints })
}

/// One roll
#[utoipa::path(
    get,
    path = "/roll",
    params(("die" = String, Query, description = "The die to roll", example = "fair")),
    responses(
        (status = 200, body = Rolled),
        (status = 422, description = "A parameter is missing", body = crate::http::ValidationProblems),
        (status = 500, description = "The die failed, as some dice do", body = Problem),
        (status = 503, description = "die-service is away or slow, or has no such die", body = Problem)
    )
)]
pub(super) async fn roll(extract::State(state): extract::State<Arc<State>>, uri: Uri) -> Result<Response, Invalid> {
    let mut query = Query::of(&uri);
    let name = query.required("die");
    query.finish()?;

    let cx = Context::current();
    let span = cx.span();
    span.set_attribute(KeyValue::new("die.type", name.clone()));
    let Some(die) = state.look_up(&name).await else {
        return Ok(unavailable(&name));
    };
    let label = state.known.label(&name);
    Ok(match state.roll(&die).await {
        Ok(value) => {
            state.rolls.with(&[label, "success"]).increment(1);
            state.values.with(&[label]).record(value as f64);
            span.set_attribute(KeyValue::new("roll.value", value));
            span.set_attribute(KeyValue::new("die.result", "success"));
            tracing::info!(die_type = name, roll_value = value, "Roll completed");
            json(StatusCode::OK, &Rolled { roll: value })
        }
        Err(DieFailed) => {
            state.rolls.with(&[label, "error"]).increment(1);
            span.set_attribute(KeyValue::new("die.result", "error"));
            tracing::error!(die_type = name, "Die triggered error condition");
            detail(StatusCode::INTERNAL_SERVER_ERROR, &format!("Die '{name}' failed!"))
        }
    })
}

/// Several rolls at once; the first that fails, fails them all
#[utoipa::path(
    get,
    path = "/roll-async",
    params(
        ("die" = String, Query, description = "The die to roll", example = "fair"),
        ("times" = i64, Query, description = "How often, 1 to 20", minimum = 1, maximum = 20, example = 10)
    ),
    responses(
        (status = 200, body = Batch),
        (status = 422, description = "A parameter is missing or out of bounds", body = crate::http::ValidationProblems),
        (status = 500, description = "The die failed on one of the rolls", body = Problem),
        (status = 503, description = "die-service is away or slow, or has no such die", body = Problem)
    )
)]
pub(super) async fn roll_async(extract::State(state): extract::State<Arc<State>>, uri: Uri) -> Result<Response, Invalid> {
    let mut query = Query::of(&uri);
    let name = query.required("die");
    let times = query.required_number("times", 1, MOST_ROLLS);
    query.finish()?;

    let cx = Context::current();
    let span = cx.span();
    span.set_attribute(KeyValue::new("die.type", name.clone()));
    span.set_attribute(KeyValue::new("async.batch_size", times));
    let Some(die) = state.look_up(&name).await else {
        return Ok(unavailable(&name));
    };
    Ok(batch(&state, &name, &die, times).await)
}

async fn batch(state: &State, name: &str, die: &Die, times: i64) -> Response {
    let cx = Context::current();
    let span = cx.span();
    tracing::info!(die_type = name, times, "Async roll batch started");
    state.async_batch_size.record(times as f64);
    let started = Instant::now();
    let count = usize::try_from(times).unwrap_or(1);
    let result = try_join_all((0..count).map(|index| state.roll_in_batch(name, die, index))).await;
    let elapsed = started.elapsed();
    state.async_duration.record(elapsed.as_secs_f64());
    match result {
        Ok(rolls) => {
            let total = rolls.iter().sum();
            span.set_attribute(KeyValue::new("die.result", "success"));
            tracing::info!(
                die_type = name,
                total,
                json.rolls = serde_json::to_string(&rolls).unwrap_or_default(),
                duration_ms = milliseconds(elapsed),
                "Async roll batch completed"
            );
            json(StatusCode::OK, &Batch { total, count: rolls.len(), rolls })
        }
        Err(index) => {
            let cause = format!("Die '{name}' failed on roll {index}");
            span.set_attribute(KeyValue::new("die.result", "error"));
            tracing::error!(die_type = name, times, error = cause, "Async roll batch failed");
            detail(StatusCode::INTERNAL_SERVER_ERROR, &format!("Async roll batch failed: {cause}"))
        }
    }
}

fn unavailable(name: &str) -> Response {
    let words = format!("Die service unavailable or die '{name}' not found");
    detail(StatusCode::SERVICE_UNAVAILABLE, &words).into_response()
}
