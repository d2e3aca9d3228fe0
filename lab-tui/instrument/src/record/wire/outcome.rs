//! How a request ended.

use lab_facts::event::Outcome;
use serde::{Deserialize, Serialize};

/// A status as a number, all else as a word.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum WireOutcome {
    Status(u16),
    Other(WireEnd),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum WireEnd {
    Timeout,
    ConnectionFailed,
    ConnectionBroken,
    Outlasted,
    Interrupted,
}

impl From<Outcome> for WireOutcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Status(status) => Self::Status(status),
            Outcome::Timeout => Self::Other(WireEnd::Timeout),
            Outcome::ConnectionFailed => Self::Other(WireEnd::ConnectionFailed),
            Outcome::ConnectionBroken => Self::Other(WireEnd::ConnectionBroken),
            Outcome::Outlasted => Self::Other(WireEnd::Outlasted),
            Outcome::Interrupted => Self::Other(WireEnd::Interrupted),
        }
    }
}

impl From<WireOutcome> for Outcome {
    fn from(outcome: WireOutcome) -> Self {
        match outcome {
            WireOutcome::Status(status) => Self::Status(status),
            WireOutcome::Other(WireEnd::Timeout) => Self::Timeout,
            WireOutcome::Other(WireEnd::ConnectionFailed) => Self::ConnectionFailed,
            WireOutcome::Other(WireEnd::ConnectionBroken) => Self::ConnectionBroken,
            WireOutcome::Other(WireEnd::Outlasted) => Self::Outlasted,
            WireOutcome::Other(WireEnd::Interrupted) => Self::Interrupted,
        }
    }
}
