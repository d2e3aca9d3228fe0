//! Why requests got no answer, in a line of the stream.

use lab_facts::event::Reason;
use serde::{Deserialize, Serialize};

use super::outcome::WireOutcome;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireReason {
    request: usize,
    outcome: WireOutcome,
    why: String,
    count: u32,
}

impl From<&Reason> for WireReason {
    fn from(reason: &Reason) -> Self {
        let Reason { request, outcome, why, count } = reason.clone();
        Self { request, outcome: outcome.into(), why, count }
    }
}

impl From<WireReason> for Reason {
    fn from(reason: WireReason) -> Self {
        let WireReason { request, outcome, why, count } = reason;
        Self { request, outcome: outcome.into(), why, count }
    }
}
