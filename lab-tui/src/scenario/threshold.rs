//! k6's thresholds: `http_req_duration{load:db,status:200}` and `p(95)<50`.

use std::time::Duration;

use super::plan::Plan;
use super::refusal::suggest;
use super::scope::Scope;
use super::series::{PREFIX, Reading, Series};
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

    fn tags(self) -> &'static [&'static str] {
        match self {
            Self::HttpReqDuration | Self::HttpReqServiceTime | Self::HttpReqFailed | Self::HttpReqs => &["load", "request", "status"],
            Self::DroppedIterations | Self::ScheduleLag => &["load"],
            Self::TelemetryLoss | Self::Flaws(_) => &[],
            Self::PoolWait | Self::PoolPending | Self::PoolUsed | Self::PoolIdle | Self::PoolMax | Self::Scraped => &["service"],
        }
    }
}

/// A metric and the samples of it that count. An absent tag lets every value through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// As it was written.
    pub source: String,
    /// The metric.
    pub metric: Metric,
    /// The name of a load.
    pub load: Option<String>,
    /// The name of a request.
    pub request: Option<String>,
    /// An HTTP status code.
    pub status: Option<u16>,
    /// Of a metric that is scraped: what is read.
    pub series: Option<Series>,
}

impl Selector {
    pub(super) fn parse(source: &str) -> Result<Self, (String, String)> {
        let (name, tags) = match source.split_once('{') {
            None => (source, ""),
            Some((name, rest)) => match rest.strip_suffix('}') {
                Some(tags) => (name, tags),
                None => return Err((format!("`{source}` lacks its closing brace"), "write `metric{tag:value}`".to_owned())),
            },
        };
        let name = name.trim();
        let known = Metric::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, metric)| metric);
        let (metric, series) = match (known, Series::scraped(name)) {
            (Some(metric), _) => (metric, Series::known(metric)),
            (None, Some(series)) => (Metric::Scraped, Some(series)),
            (None, None) if name.starts_with(PREFIX) => {
                return Err((
                    format!("`{name}` names no metric"),
                    format!("write it as it is exposed, as in `{PREFIX}http_requests_total`"),
                ));
            }
            (None, None) => {
                let hint = suggest(name, &Metric::ALL.map(|(known, _)| known));
                return Err((format!("unknown metric `{name}`"), format!("{hint}; what services expose is `{PREFIX}` and its name")));
            }
        };
        let mut selector = Self { source: source.to_owned(), metric, load: None, request: None, status: None, series };
        let mut seen = Vec::new();
        for tag in tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
            let Some((key, value)) = tag.split_once(':') else {
                return Err((format!("`{tag}` is no tag"), "write `tag:value`, such as `load:db`".to_owned()));
            };
            let (key, value) = (key.trim(), value.trim().to_owned());
            if seen.contains(&key) {
                return Err((format!("the tag `{key}` stands twice"), "promise of one value each".to_owned()));
            }
            seen.push(key);
            if metric != Metric::Scraped && !metric.tags().contains(&key) {
                return Err((format!("`{name}` has no tag `{key}`"), suggest(key, metric.tags())));
            }
            if let Some(series) = &mut selector.series {
                match key {
                    "service" => series.service = Some(value),
                    _ => series.labels.push((key.to_owned(), value)),
                }
                continue;
            }
            match key {
                "load" => selector.load = Some(value),
                "request" => selector.request = Some(value),
                _ => match value.parse() {
                    Ok(status) if (100..=599).contains(&status) => selector.status = Some(status),
                    _ => return Err((format!("`{value}` is no HTTP status"), "write a code such as `status:200`".to_owned())),
                },
            }
        }
        Ok(selector)
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
        let found = Comparison::ALL.into_iter().find_map(|(sign, comparison)| {
            let (left, right) = expression.split_once(sign)?;
            Some((left.trim(), comparison, right.trim()))
        });
        let Some((left, comparison, right)) = found else {
            return Err((format!("`{expression}` compares nothing"), form()));
        };
        let Some(bound) = right.parse::<f64>().ok().filter(|bound| bound.is_finite()) else {
            return Err((format!("`{right}` is no number"), form()));
        };
        let aggregate = match left {
            "avg" => Aggregate::Avg,
            "min" => Aggregate::Min,
            "med" => Aggregate::Med,
            "max" => Aggregate::Max,
            "rate" => Aggregate::Rate,
            "count" => Aggregate::Count,
            "value" => Aggregate::Value,
            other => {
                let number = other.strip_prefix("p(").and_then(|rest| rest.strip_suffix(')')).map(str::trim);
                match number.and_then(|number| number.parse().ok()) {
                    Some(percentile) if (0.0..=100.0).contains(&percentile) => Aggregate::Percentile(percentile),
                    _ => {
                        return Err((
                            format!("`{other}` is no aggregate"),
                            "known: avg, min, med, max, p(N), rate, count, value".to_owned(),
                        ));
                    }
                }
            }
        };
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
        let mut selector = selector.clone();
        if let (Some(series), MetricKind::Scraped) = (&mut selector.series, kind) {
            series.reading = Reading::of(aggregate);
        }
        Ok(Self { selector, expression: expression.to_owned(), aggregate, comparison, bound, scope: None, abort_after: None })
    }
}
