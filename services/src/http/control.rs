//! `PUT /lab/faults`: where the lab that started this service asks for faults.
//!
//! It stands beside the observed routes, because it is no part of what the service does: it is neither counted, traced nor logged.
//! It is there only for a lab that gave the service its token, only for this machine, and only with that token; everybody else gets
//! from it what an unknown path gives, in every signal.

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::{Method, StatusCode, header};
use tower::ServiceExt as _;

use super::detail;
use crate::faults::{Faults, Wanted};

const PATH: &str = "/lab/faults";

/// More than all that a lab could want.
const LONGEST_BODY: usize = 64 * 1024;

/// Puts the control route beside the service's own. `routes` are those that may be disturbed.
pub(super) fn beside(observed: Router, faults: Faults, routes: Vec<&'static str>) -> Router {
    if !faults.can_be_wanted() {
        return observed;
    }
    let others = observed.clone();
    let control = move |mut request: Request| {
        let (faults, routes, others) = (faults.clone(), routes.clone(), others.clone());
        async move {
            if request.method() == Method::PUT && from_here(&request) && has_token(&faults, &request) {
                return set(&faults, &routes, request.into_body()).await;
            }
            // The service's own routes do not know this path, and must not be told that somebody matched it.
            request.extensions_mut().remove::<MatchedPath>();
            others.oneshot(request).await.into_response()
        }
    };
    observed.route(PATH, any(control))
}

fn from_here(request: &Request) -> bool {
    request.extensions().get::<SocketAddr>().is_some_and(|peer| peer.ip().to_canonical().is_loopback())
}

fn has_token(faults: &Faults, request: &Request) -> bool {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    given.is_some_and(|token| faults.is_token(token))
}

async fn set(faults: &Faults, routes: &[&'static str], body: Body) -> Response {
    let Ok(body) = to_bytes(body, LONGEST_BODY).await else {
        return detail(StatusCode::PAYLOAD_TOO_LARGE, "That is more than a lab could want");
    };
    let wanted = serde_json::from_slice::<Wanted>(&body).map_err(|error| error.to_string());
    match wanted.and_then(|wanted| faults.set(wanted, routes)) {
        Ok(told) => axum::Json(told).into_response(),
        Err(sentence) => detail(StatusCode::UNPROCESSABLE_ENTITY, &sentence),
    }
}
