//! `[[fault]]`: a disturbance with a beginning and an end. One variant a kind.

use std::time::Duration;

/// A disturbance of the system.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Unique in the plan; thresholds and reports call it so.
    pub name: String,
    /// From the start of the run.
    pub at: Duration,
    /// Above 0.
    pub duration: Duration,
    /// What is disturbed, and how.
    pub kind: FaultKind,
}

/// What is disturbed, and how.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultKind {
    /// `dice.error_rate`: a die's error rate in the table, restored afterwards.
    DiceErrorRate {
        /// Its identifier.
        die: String,
        /// 0 to 1.
        rate: f64,
    },
    /// `db.lock`: nobody else reads or writes the table.
    DbLock {
        /// A plain name in the services' schema.
        table: String,
    },
    /// `service.error`: some requests are answered with an error at once.
    ServiceError {
        /// Which requests.
        requests: Affected,
        /// 400 to 599.
        status: u16,
    },
    /// `service.latency`: some requests are answered later.
    ServiceLatency {
        /// Which requests.
        requests: Affected,
        /// By how much.
        latency: Duration,
    },
}

/// Requests that a fault of a service affects.
#[derive(Debug, Clone, PartialEq)]
pub struct Affected {
    /// The service, known to the stack.
    pub service: String,
    /// Only this route, such as `/dice`.
    pub route: Option<String>,
    /// The share of them, 0 to 1.
    pub probability: f64,
}

impl FaultKind {
    /// As the file calls it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::DiceErrorRate { .. } => "dice.error_rate",
            Self::DbLock { .. } => "db.lock",
            Self::ServiceError { .. } => "service.error",
            Self::ServiceLatency { .. } => "service.latency",
        }
    }
}
