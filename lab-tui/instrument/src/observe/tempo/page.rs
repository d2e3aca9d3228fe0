//! `/trace/{id}`: one trace as a page.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::{Served, id};
use crate::report::page::{page, page_of_none, page_of_refusal, policy};

pub(super) async fn show(State(served): State<Served>, Path(id): Path<String>) -> Response {
    let (status, page) = match id::read(&id) {
        Ok(id) => match served.store.trace(id) {
            Some(trace) => (StatusCode::OK, page(&trace)),
            None => (StatusCode::NOT_FOUND, page_of_none(&id.to_string())),
        },
        Err(refused) => (refused.status, page_of_refusal(&refused.why)),
    };
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, policy()),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (status, headers, page).into_response()
}
