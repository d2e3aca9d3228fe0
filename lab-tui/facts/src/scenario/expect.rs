//! `[[expect]]`: what the telemetry of a run must say.
//!
//! An expectation counts something (traces, log lines, what a query to a backend gives) in a part of the run, or it is a threshold with
//! a name. When it is read, everything in it is understood: queries are parsed, patterns compiled, faults found.

mod count;
mod logs;
mod read;

use std::fmt;

use super::scope::Scope;
use super::threshold::Threshold;
use crate::query::Query;
pub use count::Count;
pub use logs::{LEVELS, LogPattern, Pattern, is_level};
pub(super) use read::{ExpectTable, Known, read_all};

/// One expectation.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// Unique in the plan; reports call it so.
    pub name: String,
    /// What must be so.
    pub subject: Subject,
}

/// What must be so.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// There is so much evidence of it.
    Counted {
        /// What is counted.
        evidence: Evidence,
        /// In which part of the run; `None` is all of it.
        scope: Option<Scope>,
        /// How much there must be.
        count: Count,
    },
    /// A metric keeps a promise.
    Metric(Threshold),
}

/// What can be counted. Displays in a few words.
#[derive(Debug, Clone, PartialEq)]
pub enum Evidence {
    /// Traces with a span that matches and that began in the time in question.
    Traces(Query),
    /// Log lines.
    Logs(LogPattern),
    /// What a backend answers.
    Asked(Backend, String),
}

/// A backend that an expectation may ask, in its own language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// PromQL: series are counted, or one for a number.
    Prometheus,
    /// LogQL: lines are counted, or series.
    Loki,
    /// TraceQL: traces are counted.
    Tempo,
}

impl Backend {
    /// As people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prometheus => "Prometheus",
            Self::Loki => "Loki",
            Self::Tempo => "Tempo",
        }
    }

    /// The key of its language in the file.
    pub fn key(self) -> &'static str {
        match self {
            Self::Prometheus => "promql",
            Self::Loki => "logql",
            Self::Tempo => "traceql",
        }
    }
}

impl Expectation {
    /// In which part of the run; `None` is all of it.
    pub fn scope(&self) -> Option<&Scope> {
        match &self.subject {
            Subject::Counted { scope, .. } => scope.as_ref(),
            Subject::Metric(threshold) => threshold.scope.as_ref(),
        }
    }

    pub(super) fn scope_mut(&mut self) -> Option<&mut Scope> {
        match &mut self.subject {
            Subject::Counted { scope, .. } => scope.as_mut(),
            Subject::Metric(threshold) => threshold.scope.as_mut(),
        }
    }

    /// The threshold that it is, if it is one.
    pub fn threshold(&self) -> Option<&Threshold> {
        match &self.subject {
            Subject::Metric(threshold) => Some(threshold),
            Subject::Counted { .. } => None,
        }
    }

    /// What is looked at, as in `traces { status = error }`.
    pub fn what(&self) -> String {
        match &self.subject {
            Subject::Counted { evidence, .. } => evidence.to_string(),
            Subject::Metric(threshold) => threshold.selector.source.clone(),
        }
    }

    /// What must be so of it, as in `>=5` or `p(95)<50`.
    pub fn expected(&self) -> String {
        match &self.subject {
            Subject::Counted { count, .. } => count.to_string(),
            Subject::Metric(threshold) => threshold.expression.clone(),
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Traces(query) => write!(f, "traces {query}"),
            Self::Logs(pattern) => write!(f, "logs {pattern}"),
            Self::Asked(backend, query) => write!(f, "{} {query}", backend.key()),
        }
    }
}

#[cfg(test)]
mod tests;
