//! What frontend answers to programs.

use std::sync::Arc;

use axum::extract;
use axum::response::Response;
use http::{HeaderMap, StatusCode, Uri};
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, KeyValue};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::State;
use super::backend::{BackendProblem, current_trace_id};
use super::page;
use crate::http::{Invalid, Query, json};

/// The largest batch.
const MOST_ROLLS: i64 = 20;

#[derive(OpenApi)]
#[openapi(
    info(title = "Frontend API", description = "The page that people use, and the API behind it."),
    paths(page::page, roll, roll_async)
)]
pub(super) struct Api;

#[derive(Deserialize)]
struct Rolled {
    roll: i64,
}

#[derive(Serialize, ToSchema)]
struct RolledAndTraced {
    #[schema(example = 5)]
    roll: i64,
    #[schema(example = "4bf92f3577b34da6a3ce929d0e0e4736")]
    trace_id: String,
}

#[derive(Deserialize)]
struct Batch {
    total: i64,
    rolls: Vec<i64>,
    count: u64,
}

#[derive(Serialize, ToSchema)]
struct BatchAndTraced {
    #[schema(example = 7)]
    total: i64,
    #[schema(example = json!([5, 2]))]
    rolls: Vec<i64>,
    #[schema(example = 2)]
    count: u64,
    #[schema(example = "4bf92f3577b34da6a3ce929d0e0e4736")]
    trace_id: String,
}

/// One roll
#[utoipa::path(
    get,
    path = "/roll",
    params(("die" = String, Query, description = "The die to roll", example = "fair")),
    responses(
        (status = 200, body = RolledAndTraced),
        (status = 422, description = "A parameter is missing", body = crate::http::ValidationProblems),
        (status = 500, description = "The die failed, as some dice do", body = BackendProblem),
        (status = 503, description = "A service behind is away, or there is no such die", body = BackendProblem),
        (status = 504, description = "dice-roller took too long", body = BackendProblem)
    )
)]
pub(super) async fn roll(extract::State(state): extract::State<Arc<State>>, headers: HeaderMap, uri: Uri) -> Result<Response, Invalid> {
    let mut query = Query::of(&uri);
    let die = query.required("die");
    query.finish()?;

    let session_id = page::session(&headers);
    tracing::info!(usage = true, event_type = "roll", session_id, die_type = die, "Roll requested");
    let cx = Context::current();
    let span = cx.span();
    span.set_attribute(KeyValue::new("die.type", die.clone()));
    let path = format!("/roll?die={}", encoded(&die));
    Ok(match state.ask::<Rolled>(&die, &path, state.config.backend_timeout).await {
        Ok(Rolled { roll }) => {
            span.set_attribute(KeyValue::new("roll.value", roll));
            json(StatusCode::OK, &RolledAndTraced { roll, trace_id: current_trace_id() })
        }
        Err(answer) => *answer,
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
        (status = 200, body = BatchAndTraced),
        (status = 422, description = "A parameter is missing or out of bounds", body = crate::http::ValidationProblems),
        (status = 500, description = "The die failed on one of the rolls", body = BackendProblem),
        (status = 503, description = "A service behind is away, or there is no such die", body = BackendProblem),
        (status = 504, description = "dice-roller took too long", body = BackendProblem)
    )
)]
pub(super) async fn roll_async(
    extract::State(state): extract::State<Arc<State>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Invalid> {
    let mut query = Query::of(&uri);
    let die = query.required("die");
    let times = query.required_number("times", 1, MOST_ROLLS);
    query.finish()?;

    let session_id = page::session(&headers);
    tracing::info!(usage = true, event_type = "roll_async", session_id, die_type = die, times, "Roll requested");
    state.async_requests.with(&[&times.to_string()]).increment(1);
    let cx = Context::current();
    let span = cx.span();
    span.set_attribute(KeyValue::new("die.type", die.clone()));
    span.set_attribute(KeyValue::new("async.batch_size", times));
    let path = format!("/roll-async?die={}&times={times}", encoded(&die));
    Ok(match state.ask::<Batch>(&die, &path, state.config.backend_async_timeout).await {
        Ok(Batch { total, rolls, count }) => json(StatusCode::OK, &BatchAndTraced { total, rolls, count, trace_id: current_trace_id() }),
        Err(answer) => *answer,
    })
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
