//! Where the system runs. A stack gives [`Endpoints`] and cleans up after itself.

pub mod attached;
pub mod children;
pub mod embedded;
mod ground;
pub mod hosted;
mod last_resort;
pub mod port;
pub mod postgres;
pub mod run_folder;
pub mod running;
mod secret;
mod service;

use std::collections::BTreeMap;
use std::fmt;

use lab_facts::event::ProcessChange;
pub use running::Running;
pub use secret::Secret;
use serde::{Deserialize, Serialize};
use url::Url;

/// Where everything is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Endpoints {
    /// Base URL of each service, by name.
    pub services: BTreeMap<String, Url>,
    /// Prometheus pages of the services that are attached or that a scenario brings along, by name; those of the lab's own are at `/metrics`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, Url>,
    /// The names of those services that the lab found running and leaves running.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attached: Vec<String>,
    /// The database, without its password; null where there is none.
    pub database: Option<String>,
    /// Where OTLP over gRPC is taken.
    pub otlp_grpc: String,
    /// Where OTLP over HTTP/protobuf is taken.
    pub otlp_http: String,
    /// Where the lab's own traces are asked for as from a Tempo, and looked at in a browser; null in what an older lab recorded.
    #[serde(default)]
    pub tempo: Option<String>,
}

/// What it takes to disturb the system: what [`Endpoints`] must not show.
#[derive(Debug, Clone)]
pub struct Access {
    /// Base URL of each service, by name.
    pub services: BTreeMap<String, Url>,
    /// The services' own URL of the database, with its password.
    pub database: Option<Secret>,
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
        f.write_str(&self.change.told_of(&self.name))
    }
}
