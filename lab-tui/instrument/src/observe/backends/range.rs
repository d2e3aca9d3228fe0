//! What a query gives over a stretch of time: series for a plot, or lines or traces for a table.

mod read;

use std::collections::BTreeMap;
use std::ops::Range;

use anyhow::Context as _;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use lab_facts::query::Misread;
use lab_facts::scenario::Backend;
use serde::Serialize;
use url::Url;

use super::{Backends, Refused, SECOND, client, get, missing, seconds, traces};
use crate::observe::found::FoundTrace;
use crate::observe::logs::LogText;
use crate::out::sentence;

/// How many lines are asked for, the newest.
pub const LINES: usize = 1000;
/// How many traces, the newest.
pub const TRACES: usize = 500;
/// How many series are kept, those with the highest values.
const SERIES: usize = 40;
/// How many points a series has at the most: more than a plot has columns.
const POINTS: u64 = 500;

/// A query, and the time in question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeQuery {
    /// Whose language it is in.
    pub backend: Backend,
    /// As it was written.
    pub text: String,
    /// In nanoseconds since 1970.
    pub window: Range<u64>,
}

/// What it gave.
#[derive(Debug, Clone, PartialEq)]
pub enum QueryResult {
    /// Numbers over time, the series with the highest ones first.
    Series {
        /// At most forty.
        series: Vec<Series>,
        /// How many more there were.
        left_out: usize,
    },
    /// Log lines, by time; of more than [`LINES`] the newest.
    Lines(Vec<LogText>),
    /// The newest first, at most [`TRACES`].
    Traces(Vec<FoundTrace>),
}

/// Numbers over time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Series {
    /// What tells it from the others.
    pub labels: BTreeMap<String, String>,
    /// Nanoseconds since 1970, and the value, which may be none (NaN) or infinite; by time.
    pub points: Vec<(u64, f64)>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswered {
    /// In one sentence.
    pub why: String,
    /// The character of the query, counted from 1, at which it stops making sense, where that is known.
    pub at: Option<usize>,
}

impl Unanswered {
    fn because(why: String) -> Self {
        Self { why, at: None }
    }
}

impl From<Misread> for Unanswered {
    fn from(misread: Misread) -> Self {
        Self { at: Some(misread.character), why: misread.to_string() }
    }
}

impl Series {
    /// The highest of its values; less than all numbers where it has none.
    pub fn highest(&self) -> f64 {
        self.values().fold(f64::NEG_INFINITY, f64::max)
    }

    /// The values that are numbers.
    pub fn values(&self) -> impl Iterator<Item = f64> {
        self.points.iter().map(|(_, value)| *value).filter(|value| value.is_finite())
    }
}

impl Backends {
    /// Asks once.
    ///
    /// # Errors
    /// When there is no such backend, it does not answer, or it refuses the query. No error names its address.
    pub fn query<'a>(&'a self, query: &'a RangeQuery) -> BoxFuture<'a, Result<QueryResult, Unanswered>> {
        async move {
            let backend = query.backend;
            let Some(url) = self.named(backend) else { return Err(Unanswered::because(missing(backend))) };
            match ask(url, query).await {
                Ok(Ok(result)) => Ok(result),
                Ok(Err(Refused(why))) => {
                    let at = read::place(&why);
                    Err(Unanswered { why: format!("{} refuses the query: {why}", backend.name()), at })
                }
                Err(error) => Err(Unanswered::because(sentence(&error.context(format!("{} could not be asked", backend.name()))))),
            }
        }
        .boxed()
    }
}

async fn ask(base: &Url, query: &RangeQuery) -> anyhow::Result<Result<QueryResult, Refused>> {
    if query.backend == Backend::Tempo && !is_metrics(&query.text) {
        let found = traces::search_text(base, &query.text, query.window.clone(), TRACES).await?;
        return Ok(found.map(QueryResult::Traces));
    }
    let (path, parameters) = request(query);
    let body = match get(&client(base)?, base, path, &parameters).await? {
        Ok(body) => body,
        Err(refused) => return Ok(Err(refused)),
    };
    let result = if query.backend == Backend::Tempo { read::tempo_metrics(&body) } else { read::result(&body) };
    Ok(Ok(limited(result.context("its answer is not understood")?)))
}

/// A path below the base, and its parameters.
fn request(query: &RangeQuery) -> (&'static str, Vec<(&'static str, String)>) {
    let (text, window) = (query.text.trim().to_owned(), &query.window);
    let step = step(window);
    // Whenever it is asked, its points are at the same moments: so what is drawn moves and does not change.
    let start = window.start / SECOND / step * step;
    match query.backend {
        Backend::Prometheus => {
            let range = [("start", start.to_string()), ("end", seconds(window.end)), ("step", step.to_string())];
            ("/api/v1/query_range", [("query", text)].into_iter().chain(range).collect())
        }
        Backend::Loki => {
            let range = [("start", window.start.to_string()), ("end", window.end.to_string()), ("step", step.to_string())];
            let newest = [("limit", LINES.to_string()), ("direction", "backward".to_owned())];
            ("/loki/api/v1/query_range", [("query", text)].into_iter().chain(range).chain(newest).collect())
        }
        Backend::Tempo => {
            let range = [("start", start.to_string()), ("end", window.end.div_ceil(SECOND).to_string()), ("step", format!("{step}s"))];
            ("/api/metrics/query_range", [("q", text)].into_iter().chain(range).collect())
        }
    }
}

/// Whole seconds from one point to the next.
fn step(window: &Range<u64>) -> u64 {
    let length = window.end.saturating_sub(window.start).div_ceil(SECOND);
    length.div_ceil(POINTS).max(1)
}

/// Whether a query in TraceQL asks for numbers, which Tempo is asked for elsewhere than for traces.
fn is_metrics(text: &str) -> bool {
    let mut stages = text.split('|').skip(1).map(|stage| stage.trim_start().split('(').next().unwrap_or_default().trim_end());
    stages.any(|name| name == "rate" || name == "compare" || name.ends_with("_over_time"))
}

fn limited(result: QueryResult) -> QueryResult {
    match result {
        QueryResult::Series { mut series, .. } => {
            // Equal ones stay in the backend's order.
            series.sort_by(|one, other| other.highest().total_cmp(&one.highest()));
            let left_out = series.len().saturating_sub(SERIES);
            series.truncate(SERIES);
            QueryResult::Series { series, left_out }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests;
