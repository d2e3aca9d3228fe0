//! From a TOML file to a [`Plan`]: all validation happens here, and nothing here touches a socket, a clock or a terminal.
//!
//! A `Plan` cannot hold what the runner would have to refuse: rates are positive, names resolve, templates are parsed.

mod executor;
mod fault;
mod file;
mod keys;
mod load;
mod plan;
mod problems;
mod refusal;
mod schema;
mod shipped;
mod template;
mod threshold;

pub use executor::{Arrivals, Executor, Iterations, Spacing, Stage, ThinkTime, Users};
pub use fault::{Affected, DbLock, DiceErrorRate, Fault, FaultKind, ServiceError, ServiceLatency};
pub use load::{Load, Request, Target};
pub use plan::Plan;
pub use problems::{LARGEST, text};
pub use refusal::{Refusal, Refusals};
pub use schema::schema;
pub use shipped::{SHIPPED, STARTING, shipped};
pub use template::Template;
pub use threshold::{Aggregate, Comparison, Metric, MetricKind, Outside, Selector, Threshold};
