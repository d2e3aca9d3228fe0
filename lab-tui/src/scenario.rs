//! From a TOML file to a [`Plan`]: all validation happens here, and nothing here touches a socket, a clock or a terminal.
//!
//! A `Plan` cannot hold what the runner would have to refuse: rates are positive, names resolve, templates are parsed.

mod csv;
mod executor;
mod fault;
mod file;
mod load;
mod plan;
mod refusal;
mod request;
mod shipped;
mod template;
mod threshold;
mod vars;

pub use csv::{Column, LARGEST};
pub use executor::{Arrivals, Executor, Iterations, Spacing, Stage, ThinkTime, Users};
pub use fault::{Affected, DbLock, DiceErrorRate, Fault, FaultKind, ServiceError, ServiceLatency};
pub use load::Load;
pub use plan::Plan;
pub use refusal::Refusal;
pub use request::{Method, Request, Target};
pub use shipped::{SHIPPED, STARTING, shipped};
pub use template::Template;
pub use threshold::{Aggregate, Comparison, Metric, MetricKind, Outside, Selector, Threshold};
pub use vars::{Files, Values};
