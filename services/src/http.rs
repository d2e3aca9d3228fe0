//! The server side that all services share: what every request leaves behind, and what every service answers.

mod answer;
mod common;
mod control;
mod observe;
mod query;

pub(crate) use answer::{detail, json};
pub(crate) use common::{Ready, Routes};
pub(crate) use observe::Observe;
pub(crate) use query::{Invalid, Query, ValidationProblems};

/// A shape of answer, for the OpenAPI document: what went wrong.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Problem {
    /// One sentence.
    #[schema(example = "Not Found")]
    pub(crate) detail: String,
}

#[cfg(test)]
mod tests;
