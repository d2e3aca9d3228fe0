//! From a TOML file to a [`Plan`]: all validation happens here, and nothing here touches a socket, a clock or a terminal.
//!
//! A `Plan` cannot hold what the runner would have to refuse: rates are positive, names resolve, templates are parsed.

mod by_hand;
mod csv;
mod executor;
mod expect;
mod fault;
mod file;
mod intended;
mod keys;
mod load;
mod phase;
mod places;
mod plan;
mod planned;
mod problems;
mod reach;
mod refusal;
mod request;
mod schema;
mod scope;
mod selector;
mod series;
mod service;
mod shipped;
mod stack;
mod tables;
mod template;
mod threshold;
mod vars;

pub use by_hand::{Deeds, with_deeds};
pub use csv::{Column, LARGEST_CSV};
pub use executor::{Arrivals, Executor, Iterations, Spacing, Stage, ThinkTime, Users};
pub use expect::{Backend, Count, Evidence, Expectation, LEVELS, LogPattern, Pattern, Subject, is_level};
pub use fault::{
    Affected, DbLock, DiceErrorRate, Fault, FaultForm, FaultKey, FaultKind, Mistyped, ServiceError, ServiceLatency, forms, stepped_time,
    typed_duration,
};
pub use intended::Word;
pub use load::Load;
pub use phase::Phase;
pub use places::{Place, Places};
pub use plan::Plan;
pub use planned::Planned;
pub use problems::{LARGEST, text};
pub use refusal::{Refusal, Refusals, Wrong, nearest, suggest};
pub use request::{Method, Request, Target};
pub use schema::schema;
pub use scope::{Relation, Scope, Stretch};
pub use selector::Selector;
pub use series::{Reading, Series};
pub use service::{Misnamed, NoService, Pattern as ServicePattern, Service, check_service_name};
pub use shipped::{SHIPPED, STARTING, shipped};
pub use stack::{Given, StackKind};
pub use template::Template;
pub use threshold::{Aggregate, Comparison, Metric, MetricKind, Threshold};
pub use vars::{Files, Values};
