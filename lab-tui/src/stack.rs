//! Where the system runs. A stack gives [`Endpoints`] and cleans up after itself.

pub mod embedded;
pub mod port;
pub mod postgres;
pub mod run_folder;
mod secret;
mod service;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::event::ProcessChange;
pub use secret::Secret;

/// Where everything is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Endpoints {
    /// Base URL of each service, by name.
    pub services: BTreeMap<String, Url>,
    /// The database, without its password.
    pub database: String,
    /// Where OTLP over gRPC is taken.
    pub otlp_grpc: String,
    /// Where OTLP over HTTP/protobuf is taken.
    pub otlp_http: String,
}

/// What it takes to disturb the system: what [`Endpoints`] must not show.
#[derive(Debug, Clone)]
pub struct Access {
    /// Base URL of each service, by name.
    pub services: BTreeMap<String, Url>,
    /// The services' own URL of the database, with its password.
    pub database: Secret,
    /// Drawn for this stack; its services take faults from nobody else.
    pub fault_token: Secret,
}

/// Something became of a process of the stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The service, or `postgres`.
    pub name: String,
    /// What became of it.
    pub change: ProcessChange,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.change {
            ProcessChange::Exited(how) => write!(f, "{} ended: {how}", self.name),
            ProcessChange::Restarted => write!(f, "{} runs again", self.name),
        }
    }
}
