//! Where the time of single requests went, and how often services called one another.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Outcome, Samples, TraceId};

/// One request that was looked at: its time in parts, and what its spans say of themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breakdown {
    /// Its intended start, from the start of the run.
    pub at: Duration,
    /// Index of its load in the plan.
    pub load: usize,
    /// Its trace.
    pub trace_id: TraceId,
    /// How it ended.
    pub outcome: Outcome,
    /// Whether the scenario expects something else; `None` where only its load is known, and that expects several outcomes.
    pub failed: Option<bool>,
    /// Why it, of all requests.
    pub chosen: Chosen,
    /// Whether every span had come in that others point to; else what is missing counts for whoever called.
    pub whole: bool,
    /// From the intended start to the last byte, in microseconds: the sum of its parts.
    pub micros: u32,
    /// Its time in microseconds, by where it went.
    pub parts: Vec<(Arc<Hop>, u32)>,
    /// What its spans say: status, name and load of all, then attributes, each time those of the deepest spans first; nothing twice.
    pub traits: Vec<Arc<Trait>>,
}

/// Why a request was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    /// By chance, so that it stands for all others.
    Sampled,
    /// It was among the slowest of its moment.
    Slow,
    /// It was the slowest of those of its moment that failed.
    Failed,
}

/// A place on a request's way where time passes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hop {
    /// What kind of place.
    pub kind: HopKind,
    /// Of whom: a service for [`HopKind::Service`] and [`HopKind::Pool`], a database's `db.system.name`, two names with an arrow between
    /// them for [`HopKind::Network`] and [`HopKind::Unseen`]; nothing for [`HopKind::Unsent`].
    pub name: Arc<str>,
}

/// What kind of place on a request's way. It follows from kinds and parentage of spans, never from what services are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HopKind {
    /// A service at its own work: in none of its calls.
    Service,
    /// A wait for a connection of a pool.
    Pool,
    /// A call to a database.
    Database,
    /// Between a CLIENT span and the SERVER span below it: the network, and queues that nobody has spans of.
    Network,
    /// A call of something that sends no spans.
    Unseen,
    /// Between the moment when a request was due and the one when the lab sent it.
    Unsent,
}

impl HopKind {
    /// In snake case, as in recordings and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Pool => "pool",
            Self::Database => "database",
            Self::Network => "network",
            Self::Unseen => "unseen",
            Self::Unsent => "unsent",
        }
    }
}

/// In a few words, for a table.
impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match self.kind {
            HopKind::Service => write!(f, "{name} (own time)"),
            HopKind::Pool => write!(f, "connection pool of {name}"),
            HopKind::Database => write!(f, "{name} (database)"),
            HopKind::Network => write!(f, "network {name}"),
            HopKind::Unseen => write!(f, "{name} (no spans)"),
            HopKind::Unsent => f.write_str("lab, before it was sent"),
        }
    }
}

/// Something that a span says of itself: an attribute, or in TraceQL's words its `status` or `name`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Trait {
    /// `service.name`.
    pub service: Arc<str>,
    /// Such as `http.route`.
    pub key: Arc<str>,
    /// As text.
    pub value: Arc<str>,
}

impl fmt::Display for Trait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}={}", self.service, self.key, self.value)
    }
}

/// Calls from one service to a hop that began in one second of the run, as the one that was called tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EdgeCalls {
    /// The caller: a service.
    pub from: String,
    /// The hop that is called, as [`super::HopSpans`] has it.
    pub to: String,
    /// The second, counted from the start of the run.
    pub second: u64,
    /// How many have the status error.
    pub errors: u32,
    /// Their durations, in microseconds.
    pub durations: Samples,
}
