//! From a TOML file to a [`Plan`]: all validation happens here, and nothing here touches a socket, a clock or a terminal.
//!
//! A `Plan` cannot hold what the runner would have to refuse: rates are positive, names resolve, templates are parsed.

mod fault;
mod file;
mod plan;
mod refusal;
mod shipped;
mod template;
mod threshold;

pub use fault::{Affected, DbLock, DiceErrorRate, Fault, FaultKind, ServiceError, ServiceLatency};
pub use plan::{Load, Plan, Request, Target};
pub use refusal::Refusal;
pub use shipped::{SHIPPED, STARTING, shipped};
pub use template::Template;
pub use threshold::{Aggregate, Comparison, Metric, MetricKind, Outside, Selector, Threshold};
