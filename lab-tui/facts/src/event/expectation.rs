//! What became of an expectation.

use super::TraceId;

/// What was found when an expectation was looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// So much evidence.
    Counted {
        /// Traces, log lines, or what a backend answered.
        count: u64,
        /// A few of the traces that count or whose log lines do.
        examples: Vec<TraceId>,
    },
    /// It cannot be said; the text says why.
    Unclear(String),
    /// It was left out, as the user allowed; the text says why.
    Skipped(String),
}

/// How many traces stand for all that were found.
pub const EXAMPLES: usize = 3;
