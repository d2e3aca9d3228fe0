//! What die-service answers.

use std::sync::Arc;

use axum::extract;
use axum::response::Response;
use http::{StatusCode, Uri};
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Array, Context, KeyValue, Value};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::State;
use super::database::{DatabaseError, Specification};
use crate::http::{Problem, Query, detail, json};
use crate::logs::milliseconds;

#[derive(OpenApi)]
#[openapi(info(title = "Die Service API", description = "The dice and their faces, read from PostgreSQL."), paths(index, dice))]
pub(super) struct Api;

#[derive(Serialize, ToSchema)]
struct Index {
    #[schema(example = "Die Service API")]
    service: &'static str,
    version: &'static str,
    endpoints: [&'static str; 3],
    /// Missing while the database cannot be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    loaded_specifications: Option<usize>,
    #[schema(example = "PostgreSQL")]
    database: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

#[derive(Serialize, ToSchema)]
struct List {
    #[schema(example = json!(["extreme", "fair", "risky"]))]
    identifiers: Vec<String>,
}

#[derive(Serialize, ToSchema)]
struct Found {
    #[schema(example = "fair")]
    identifier: String,
    specification: Specification,
}

/// A list without `identifier`, a die with it.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum Dice {
    List(List),
    Found(Found),
}

/// What this service is; also answers while the database is away
#[utoipa::path(get, path = "/", responses((status = 200, body = Index)))]
pub(super) async fn index(extract::State(state): extract::State<Arc<State>>) -> Response {
    let counted = count(&state).await;
    let (database, error) = match &counted {
        Ok(_) => ("PostgreSQL", None),
        Err(error) => ("PostgreSQL (error)", Some(words(*error).1)),
    };
    json(
        StatusCode::OK,
        &Index {
            service: "Die Service API",
            version: env!("CARGO_PKG_VERSION"),
            endpoints: ["/dice", "/dice?identifier={identifier}", "/metrics"],
            loaded_specifications: counted.ok(),
            database,
            error,
        },
    )
}

async fn count(state: &State) -> Result<usize, DatabaseError> {
    let mut lease = state.database.acquire().await?;
    let names = state.database.list(&mut lease).await?;
    state.loaded.set(names.len() as f64);
    Ok(names.len())
}

/// The names of all dice, or one die
#[utoipa::path(
    get,
    path = "/dice",
    params(("identifier" = Option<String>, Query, description = "The die; all names without it", example = "fair")),
    responses(
        (status = 200, body = Dice),
        (status = 404, description = "No die of that name", body = Problem),
        (status = 500, description = "The database refused or gave up", body = Problem),
        (status = 503, description = "The database is out of reach or all connections are busy", body = Problem)
    )
)]
pub(super) async fn dice(extract::State(state): extract::State<Arc<State>>, uri: Uri) -> Response {
    let answer = match Query::of(&uri).text("identifier") {
        Some(identifier) => one(&state, identifier).await,
        None => all(&state).await,
    };
    answer.unwrap_or_else(|error| {
        let (status, words) = words(error);
        detail(status, words)
    })
}

async fn all(state: &State) -> Result<Response, DatabaseError> {
    state.listed.increment(1);
    let mut lease = state.database.acquire().await?;
    let identifiers = state.database.list(&mut lease).await?;
    state.loaded.set(identifiers.len() as f64);
    tracing::info!(count = identifiers.len(), "Die identifiers listed");
    Ok(json(StatusCode::OK, &Dice::List(List { identifiers })))
}

async fn one(state: &State, identifier: String) -> Result<Response, DatabaseError> {
    let cx = Context::current();
    let span = cx.span();
    span.set_attribute(KeyValue::new("die.identifier", identifier.clone()));
    let mut lease = state.database.acquire().await?;
    let (found, took) = state.database.get(&mut lease, &identifier).await?;
    span.set_attribute(KeyValue::new("die.found", found.is_some()));
    let Some(specification) = found else {
        let available = state.database.list(&mut lease).await?;
        drop(lease);
        tracing::warn!(identifier, "Unknown die identifier requested");
        let available: Vec<String> = available.iter().map(|name| format!("'{name}'")).collect();
        let words = format!("Die identifier '{identifier}' not found. Available: [{}]", available.join(", "));
        return Ok(detail(StatusCode::NOT_FOUND, &words));
    };
    // Given back before the answer is written: whoever waits for a connection need not wait for that.
    drop(lease);
    state.known.confirm(&identifier);
    state.requested.with(&[state.known.label(&identifier)]).increment(1);
    let faces: Vec<i64> = specification.faces.iter().copied().map(i64::from).collect();
    tracing::info!(
        identifier,
        json.faces = serde_json::to_string(&faces).unwrap_or_default(),
        error_rate = specification.error_rate,
        db_query_duration_ms = milliseconds(took),
        "Die specification found"
    );
    span.set_attribute(KeyValue::new("die.faces", Value::Array(Array::I64(faces))));
    span.set_attribute(KeyValue::new("die.error_rate", specification.error_rate));
    Ok(json(StatusCode::OK, &Dice::Found(Found { identifier, specification })))
}

/// Whose fault it was, as a status, and nothing about why: that is in the log.
fn words(error: DatabaseError) -> (StatusCode, &'static str) {
    match error {
        DatabaseError::Failed => (StatusCode::INTERNAL_SERVER_ERROR, "Database query failed"),
        DatabaseError::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "Database query failed"),
    }
}
