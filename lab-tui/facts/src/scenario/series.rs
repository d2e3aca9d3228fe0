//! What a promise asks of the metrics that services expose at `/metrics`.

use std::fmt;

use super::plan::Plan;
use super::threshold::{Aggregate, Metric};

/// What precedes the name of a metric that the lab does not know: such a name cannot be a misspelt one of the lab's own.
pub(super) const PREFIX: &str = "scraped:";

/// Time series of the services' own metrics, summed up. Displays as in `http_requests_total{status="5xx"} of frontend`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// As it is exposed; of a histogram, without `_bucket`.
    pub name: String,
    /// Another metric, whose value is taken off.
    pub minus: Option<String>,
    /// The one service that is asked; all where there is none.
    pub service: Option<String>,
    /// What the labels must be.
    pub labels: Vec<(String, String)>,
    /// How it is read.
    pub reading: Reading,
}

/// How a series is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// It only grows, unless its process begins anew; what counts is by how much.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Its buckets, each a counter.
    Histogram,
}

impl Series {
    /// Of a metric that has its own name here.
    pub(super) fn known(metric: Metric) -> Option<Self> {
        let (name, minus, reading) = match metric {
            Metric::PoolWait => ("acquire_duration_seconds", None, Reading::Histogram),
            Metric::PoolPending => ("pool_pending", None, Reading::Gauge),
            Metric::PoolUsed => ("pool_size", Some("pool_available"), Reading::Gauge),
            Metric::PoolIdle => ("pool_available", None, Reading::Gauge),
            Metric::PoolMax => ("pool_max", None, Reading::Gauge),
            _ => return None,
        };
        let full = |name: &str| format!("database_connection_{name}");
        Some(Self { name: full(name), minus: minus.map(full), service: None, labels: Vec::new(), reading })
    }

    /// By the name that it is exposed under. How it is read is told by what is asked of it.
    pub(super) fn scraped(name: &str) -> Option<Self> {
        let name = name.strip_prefix(PREFIX)?.trim();
        let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == ':');
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':');
        let series = Self { name: name.to_owned(), minus: None, service: None, labels: Vec::new(), reading: Reading::Counter };
        (begins && plain).then_some(series)
    }
}

impl Reading {
    /// What kind of metric has such an aggregate.
    pub(super) fn of(aggregate: Aggregate) -> Self {
        match aggregate {
            Aggregate::Count | Aggregate::Rate => Self::Counter,
            Aggregate::Value | Aggregate::Min | Aggregate::Max | Aggregate::Avg => Self::Gauge,
            Aggregate::Med | Aggregate::Percentile(_) => Self::Histogram,
        }
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if !self.labels.is_empty() {
            let labels: Vec<String> = self.labels.iter().map(|(key, value)| format!("{key}={value:?}")).collect();
            write!(f, "{{{}}}", labels.join(","))?;
        }
        match &self.service {
            Some(service) => write!(f, " of {service}"),
            None => Ok(()),
        }
    }
}

impl Plan {
    /// All that thresholds ask of the services' metrics, each once.
    pub fn series(&self) -> Vec<&Series> {
        let mut all: Vec<&Series> = Vec::new();
        for series in self.promises().filter_map(|threshold| threshold.selector.series.as_ref()) {
            if !all.contains(&series) {
                all.push(series);
            }
        }
        all
    }
}
