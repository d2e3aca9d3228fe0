//! k6's thresholds: `http_req_duration{load:db,status:200}` and `p(95)<50`.

use std::time::Duration;

use super::plan::Plan;
use super::reach;
use super::scope::Scope;
use super::selector::Selector;
use super::series::Reading;
use crate::event::FlawKind;

/// What can be judged, with k6's names where k6 has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// From the intended start to the last byte of the answer, in milliseconds (k6 counts from the actual send).
    HttpReqDuration,
    /// From the actual send to the last byte of the answer, in milliseconds.
    HttpReqServiceTime,
    /// The share of requests whose answer was not one that the scenario expects.
    HttpReqFailed,
    /// Requests sent.
    HttpReqs,
    /// Arrivals that were not sent because `max_vus` requests were in flight.
    DroppedIterations,
    /// From the intended start to the actual send, in milliseconds.
    ScheduleLag,
    /// Signals that do not reconcile: spans and log lines missing or in excess, over all services.
    TelemetryLoss,
    /// Spans and log lines that do not hang together, over all services.
    Flaws(FlawKind),
    /// What requests waited for a connection of a pool, in milliseconds, as services say.
    PoolWait,
    /// Requests that wait for a connection of a pool.
    PoolPending,
    /// Connections of pools that are lent.
    PoolUsed,
    /// Connections of pools that are open and free.
    PoolIdle,
    /// How many connections pools may have.
    PoolMax,
    /// Any other metric that services expose.
    Scraped,
}

/// Which aggregates a metric has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// A distribution: avg, min, med, max, p(N).
    Trend,
    /// A share from 0 to 1: rate.
    Rate,
    /// A sum: count, and rate per second.
    Counter,
    /// What comes and goes: value (the last one), avg, min, max.
    Gauge,
    /// A distribution of which only buckets are known: avg, med, p(N).
    Histogram,
    /// Whatever is asked of it.
    Scraped,
}

impl Metric {
    pub(super) const ALL: [(&str, Self); 17] = [
        ("http_req_duration", Self::HttpReqDuration),
        ("http_req_service_time", Self::HttpReqServiceTime),
        ("http_req_failed", Self::HttpReqFailed),
        ("http_reqs", Self::HttpReqs),
        ("dropped_iterations", Self::DroppedIterations),
        ("schedule_lag", Self::ScheduleLag),
        ("telemetry_loss", Self::TelemetryLoss),
        ("orphan_spans", Self::Flaws(FlawKind::OrphanSpan)),
        ("broken_parents", Self::Flaws(FlawKind::BrokenParent)),
        ("logs_without_trace", Self::Flaws(FlawKind::LogWithoutTrace)),
        ("logs_of_unknown_trace", Self::Flaws(FlawKind::LogOfUnknownTrace)),
        ("semconv_violations", Self::Flaws(FlawKind::SemconvViolation)),
        ("pool_wait", Self::PoolWait),
        ("pool_pending", Self::PoolPending),
        ("pool_used", Self::PoolUsed),
        ("pool_idle", Self::PoolIdle),
        ("pool_max", Self::PoolMax),
    ];

    /// Which aggregates the metric has.
    pub fn kind(self) -> MetricKind {
        match self {
            Self::HttpReqDuration | Self::HttpReqServiceTime | Self::ScheduleLag => MetricKind::Trend,
            Self::HttpReqFailed => MetricKind::Rate,
            Self::HttpReqs | Self::DroppedIterations | Self::TelemetryLoss | Self::Flaws(_) => MetricKind::Counter,
            Self::PoolPending | Self::PoolUsed | Self::PoolIdle | Self::PoolMax => MetricKind::Gauge,
            Self::PoolWait => MetricKind::Histogram,
            Self::Scraped => MetricKind::Scraped,
        }
    }

    /// Whether it is known of a whole run only, and when that is over.
    pub fn is_of_the_whole_run(self) -> bool {
        matches!(self, Self::TelemetryLoss | Self::Flaws(_))
    }

    pub(super) fn tags(self) -> &'static [&'static str] {
        match self {
            Self::HttpReqDuration | Self::HttpReqServiceTime | Self::HttpReqFailed | Self::HttpReqs => {
                &["load", "request", "status", "outcome"]
            }
            Self::DroppedIterations | Self::ScheduleLag => &["load"],
            Self::TelemetryLoss | Self::Flaws(_) => &[],
            Self::PoolWait | Self::PoolPending | Self::PoolUsed | Self::PoolIdle | Self::PoolMax | Self::Scraped => &["service"],
        }
    }
}

/// How samples become one number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aggregate {
    /// Mean.
    Avg,
    /// Smallest.
    Min,
    /// p(50).
    Med,
    /// Largest.
    Max,
    /// A percentile, 0 to 100.
    Percentile(f64),
    /// A share for a rate, per second for a counter.
    Rate,
    /// A sum.
    Count,
    /// The newest reading of a gauge.
    Value,
}

/// How the number is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
}

impl Comparison {
    /// Longer signs first, so that `<=` is not read as `<`.
    pub(super) const ALL: [(&str, Self); 6] = [
        ("<=", Self::LessOrEqual),
        (">=", Self::GreaterOrEqual),
        ("==", Self::Equal),
        ("!=", Self::NotEqual),
        ("<", Self::Less),
        (">", Self::Greater),
    ];

    /// As it is written.
    pub(super) fn sign(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, comparison)| *comparison == self).map_or("", |(sign, _)| sign)
    }

    /// Whether `value` keeps the promise.
    #[expect(clippy::float_cmp, reason = "`==` in a scenario means equal; counters are whole numbers")]
    pub fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Less => value < bound,
            Self::LessOrEqual => value <= bound,
            Self::Greater => value > bound,
            Self::GreaterOrEqual => value >= bound,
            Self::Equal => value == bound,
            Self::NotEqual => value != bound,
        }
    }
}

/// One promise about one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// What is judged.
    pub selector: Selector,
    /// As it was written, such as `p(95)<50`.
    pub expression: String,
    /// Left of the comparison.
    pub aggregate: Aggregate,
    /// The comparison.
    pub comparison: Comparison,
    /// Right of the comparison: milliseconds for a trend, 0 to 1 for a rate, a number for a counter.
    pub bound: f64,
    /// Which part of the run it is about; `None` is all of it.
    pub scope: Option<Scope>,
    /// When it is broken the run ends, but not before this time from the start of the run; `None` where it goes on.
    pub abort_after: Option<Duration>,
}

impl Threshold {
    /// As in `http_req_duration p(95)<50 outside table locked`.
    pub fn words(&self, plan: &Plan) -> String {
        let scope = self.scope.as_ref().map_or(String::new(), |scope| format!(" {}", scope.words(plan)));
        format!("{} {}{scope}", self.selector.source, self.expression)
    }

    pub(super) fn parse(selector: &Selector, expression: &str) -> Result<Self, (String, String)> {
        let form = || "write `<aggregate><comparison><value>`, such as `p(95)<50`".to_owned();
        let Some((left, sign, right)) = in_three(expression) else {
            return Err((format!("`{expression}` compares nothing"), form()));
        };
        let Some((_, comparison)) = Comparison::ALL.into_iter().find(|(known, _)| *known == sign) else {
            return Err((format!("`{sign}` is no comparison"), "known: <, <=, >, >=, ==, !=".to_owned()));
        };
        if left.is_empty() || right.is_empty() {
            return Err((format!("`{expression}` lacks what it compares{}", if left.is_empty() { "" } else { " with" }), form()));
        }
        let Some(bound) = right.parse::<f64>().ok().filter(|bound| bound.is_finite()) else {
            return Err((format!("`{right}` is no number"), form()));
        };
        let aggregate = aggregate(left)?;
        let kind = selector.metric.kind();
        let (fits, known) = match kind {
            MetricKind::Trend => (!matches!(aggregate, Aggregate::Rate | Aggregate::Count | Aggregate::Value), "avg, min, med, max, p(N)"),
            MetricKind::Rate => (aggregate == Aggregate::Rate, "rate"),
            MetricKind::Counter => (matches!(aggregate, Aggregate::Count | Aggregate::Rate), "count, rate"),
            MetricKind::Gauge => (Reading::of(aggregate) == Reading::Gauge, "value, avg, min, max"),
            MetricKind::Histogram => (Reading::of(aggregate) == Reading::Histogram || aggregate == Aggregate::Avg, "avg, med, p(N)"),
            MetricKind::Scraped => (true, ""),
        };
        if !fits {
            return Err((format!("`{}` has no `{left}`", selector.source), format!("it has {known}")));
        }
        reach::check(selector, aggregate, comparison, bound).map_err(|(what, hint)| (format!("`{expression}` {what}"), hint))?;
        let mut selector = selector.clone();
        if let (Some(series), MetricKind::Scraped) = (&mut selector.series, kind) {
            series.reading = Reading::of(aggregate);
        }
        Ok(Self { selector, expression: expression.to_owned(), aggregate, comparison, bound, scope: None, abort_after: None })
    }
}

/// What stands before the first signs of comparison, these, and what follows them.
fn in_three(expression: &str) -> Option<(&str, &str, &str)> {
    let is_sign = |letter: char| "<>=!".contains(letter);
    let (left, rest) = expression.split_at(expression.find(is_sign)?);
    let (sign, right) = rest.split_at(rest.find(|letter| !is_sign(letter)).unwrap_or(rest.len()));
    Some((left.trim(), sign, right.trim()))
}

fn aggregate(written: &str) -> Result<Aggregate, (String, String)> {
    let percentile = |number: &str| number.trim().parse().ok().filter(|percentile| (0.0..=100.0).contains(percentile));
    Ok(match (written, written.strip_prefix("p(").and_then(|rest| rest.strip_suffix(')'))) {
        ("avg", _) => Aggregate::Avg,
        ("min", _) => Aggregate::Min,
        ("med", _) => Aggregate::Med,
        ("max", _) => Aggregate::Max,
        ("rate", _) => Aggregate::Rate,
        ("count", _) => Aggregate::Count,
        ("value", _) => Aggregate::Value,
        (_, Some(number)) => match percentile(number) {
            Some(percentile) => Aggregate::Percentile(percentile),
            None => return Err((format!("`{written}` is no percentile"), "write p(0) to p(100), such as p(99.9)".to_owned())),
        },
        (other, None) => {
            return Err((format!("`{other}` is no aggregate"), "known: avg, min, med, max, p(N), rate, count, value".to_owned()));
        }
    })
}
