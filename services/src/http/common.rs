//! Routes that every service has, and the router around them.

use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::handler::Handler;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::OpenApi;

use super::observe::method_not_allowed;
use super::{Observe, control, detail, json};
use crate::metrics::Metrics;

/// The part of the OpenAPI document that all services share.
#[derive(OpenApi)]
#[openapi(paths(metrics, live, ready, openapi), components(schemas(super::Problem, super::query::ValidationProblems)))]
pub(crate) struct CommonApi;

/// Says whether what a service needs is there; what is missing goes into the answer.
pub(crate) type Ready = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), &'static str>> + Send>> + Send + Sync>;

#[derive(Clone)]
struct Common {
    metrics: Metrics,
    /// Brings gauges up to date that are only worth reading when somebody looks.
    before_render: Arc<dyn Fn() + Send + Sync>,
    ready: Ready,
    document: Arc<str>,
}

/// A router that remembers its paths, so that a test can hold them against the OpenAPI document.
pub(crate) struct Routes {
    router: Router,
    paths: Vec<&'static str>,
}

impl Routes {
    pub(crate) fn new() -> Self {
        Self { router: Router::new(), paths: Vec::new() }
    }

    /// Answers GET on `path`, and 405 to anything else there.
    pub(crate) fn get<S, H, T>(mut self, path: &'static str, state: &S, handler: H) -> Self
    where
        S: Clone + Send + Sync + 'static,
        H: Handler<T, S>,
        T: 'static,
    {
        let route = get(handler).fallback(async || method_not_allowed()).with_state(state.clone());
        self.router = self.router.route(path, route);
        self.paths.push(path);
        self
    }

    /// Adds what every service has, and puts everything under observation.
    ///
    /// What is added here is never disturbed by a fault.
    pub(crate) fn finish(
        self,
        observe: Observe,
        metrics: Metrics,
        before_render: impl Fn() + Send + Sync + 'static,
        ready: Ready,
        mut document: utoipa::openapi::OpenApi,
    ) -> Result<Router, String> {
        document.merge(CommonApi::openapi());
        let document = document.to_json().map_err(|error| error.to_string())?;
        let (faults, own) = (observe.faults(), self.paths.clone());
        let common = Common { metrics, before_render: Arc::new(before_render), ready, document: document.into() };
        let routes = self
            .get("/metrics", &common, self::metrics)
            .get("/health/live", &common, live)
            .get("/health/ready", &common, self::ready)
            .get("/openapi.json", &common, openapi);
        debug_assert!(routes.paths.iter().all(|path| common.document.contains(&format!("\"{path}\""))));
        let observed = routes.router.fallback(async || detail(StatusCode::NOT_FOUND, "Not Found")).layer(observe);
        Ok(control::beside(observed, faults, own))
    }
}

#[derive(Serialize, utoipa::ToSchema)]
struct Health {
    #[schema(example = "ok")]
    status: &'static str,
    /// What is missing, when something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
}

/// All metrics in Prometheus' text format
#[utoipa::path(get, path = "/metrics", responses((status = 200, body = String, content_type = "text/plain")))]
async fn metrics(State(common): State<Common>) -> Response {
    (common.before_render)();
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], common.metrics.render()).into_response()
}

/// The process answers
#[utoipa::path(get, path = "/health/live", responses((status = 200, body = Health)))]
async fn live() -> Response {
    json(StatusCode::OK, &Health { status: "ok", detail: None })
}

/// What the service needs is there
#[utoipa::path(
    get,
    path = "/health/ready",
    responses((status = 200, body = Health), (status = 503, description = "Something is missing", body = Health))
)]
async fn ready(State(common): State<Common>) -> Response {
    match (common.ready)().await {
        Ok(()) => json(StatusCode::OK, &Health { status: "ok", detail: None }),
        Err(missing) => json(StatusCode::SERVICE_UNAVAILABLE, &Health { status: "unavailable", detail: Some(missing) }),
    }
}

/// This document
#[utoipa::path(get, path = "/openapi.json", responses((status = 200, description = "OpenAPI 3.1")))]
async fn openapi(State(common): State<Common>) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], common.document.to_string()).into_response()
}
