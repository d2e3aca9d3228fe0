//! What is not answered, as Tempo says it: a status, and a text without markup.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// An answer that says why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) why: String,
}

impl Refused {
    pub(super) fn new(status: StatusCode, why: impl Into<String>) -> Self {
        Self { status, why: why.into() }
    }

    /// The question is wrong.
    pub(super) fn bad(why: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, why)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status, self.why).into_response()
    }
}
