//! The store, asked with Tempo's own paths, so that a Grafana can use the lab as a Tempo data source; and a page for one trace, for
//! whoever has no Grafana.
//!
//! Answers have the shapes of Tempo 3, errors included: a status and a text. What the lab does not have of Tempo (metrics over traces,
//! what of TraceQL `query` leaves out) is refused by name.

mod host;
mod id;
mod page;
mod parameters;
mod refused;
mod search;
mod tags;
mod traces;

use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router, extract::Request};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::store::Store;
use crate::http::serve::{self, Listener, Protocol};
use refused::Refused;

/// How many may look through the whole store at once: a dashboard must not take the machine away from what is measured.
const SEARCHES: usize = 2;

/// What the routes share.
#[derive(Debug, Clone)]
struct Served {
    store: Store,
    searches: Arc<Semaphore>,
}

impl Served {
    /// Looks through the store on a thread that may take its time, when it is its turn.
    async fn look<T: Send + 'static>(&self, look: impl FnOnce(&Store) -> T + Send + 'static) -> Result<T, Refused> {
        let gone = |_| Refused::new(StatusCode::SERVICE_UNAVAILABLE, "the lab is about to end");
        let _turn = self.searches.acquire().await.map_err(|error| gone(error.to_string()))?;
        let store = self.store.clone();
        tokio::task::spawn_blocking(move || look(&store)).await.map_err(|error| gone(error.to_string()))
    }
}

/// Answers until `stop`.
pub fn serve(listener: TcpListener, store: Store, stop: CancellationToken) -> BoxFuture<'static, ()> {
    serve::serve(Listener::Tcp(listener), Protocol::Http1, router(store), stop).boxed()
}

fn router(store: Store) -> Router {
    Router::new()
        .route("/api/echo", get(async || "echo\n"))
        .route("/ready", get(async || "ready\n"))
        .route("/status/buildinfo", get(build))
        .route("/api/status/buildinfo", get(build))
        .route("/api/traces/{id}", get(traces::first))
        .route("/api/v2/traces/{id}", get(traces::second))
        .route("/api/search", get(search::search))
        .route("/api/search/tags", get(tags::first))
        .route("/api/v2/search/tags", get(tags::second))
        .route("/api/search/tag/{tag}/values", get(tags::first_values))
        .route("/api/v2/search/tag/{tag}/values", get(tags::second_values))
        .route("/api/metrics/{*what}", get(metrics))
        .route("/trace/{id}", get(page::show))
        .fallback(async || Refused::new(StatusCode::NOT_FOUND, "404 page not found"))
        .layer(middleware::from_fn(only_to_this_machine))
        .with_state(Served { store, searches: Arc::new(Semaphore::new(SEARCHES)) })
}

/// A page of somebody else's in a browser of this machine must not read the lab, which a name that points to 127.0.0.1 would let it.
async fn only_to_this_machine(request: Request, next: Next) -> Response {
    let mut response = match host::check(request.headers(), request.uri()) {
        Ok(()) => next.run(request).await,
        Err(refused) => refused.into_response(),
    };
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, header::HeaderValue::from_static("nosniff"));
    response
}

/// Grafana learns from the version what can be asked.
async fn build() -> Response {
    Json(json!({
        "version": "v3.0.3",
        "revision": concat!("obslab-", env!("CARGO_PKG_VERSION")),
        "branch": "lab",
        "buildUser": "",
        "buildDate": "",
        "goVersion": "",
    }))
    .into_response()
}

async fn metrics() -> Refused {
    Refused::bad("metrics over traces (rate, quantile_over_time and the like) are not supported by the lab; search with a query in braces")
}

/// Whether the client would rather have protobuf.
fn wants_protobuf(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|one| {
        let media_type = one.split(';').next().unwrap_or_default().trim();
        ["application/protobuf", "application/x-protobuf"].iter().any(|protobuf| media_type.eq_ignore_ascii_case(protobuf))
    })
}
