//! Prometheus, Loki and Tempo, asked in their own languages for what an expectation counts.

mod answer;
mod logs;
mod range;
mod scrape_config;
mod shipped;
mod traces;

use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use lab_facts::event::{EXAMPLES, Found, TraceId};
use lab_facts::scenario::{Backend, Count};
use reqwest::StatusCode;
use url::Url;

use crate::http;
use crate::out::sentence;

pub(super) use logs::{LokiClient, lines};
pub use range::{LINES, QueryResult, RangeQuery, Series, TRACES, Unanswered};
pub use scrape_config::scrape_config;
pub use shipped::{SHIPPED, Shipped};
pub(super) use traces::{TempoClient, by_id, search};

/// How long a backend may take for an answer.
const SLOWEST: Duration = Duration::from_secs(10);
/// How often one is asked again.
const PERIOD: Duration = Duration::from_secs(1);
/// When not even a connection could be made so often, nobody is there to be awaited.
const GIVEN_UP: u32 = 4;
/// The most traces or lines that are asked for; Loki's own limit. Who gives as many may have more.
const MOST: u64 = 5000;
/// The largest answer that is read.
const LARGEST: usize = 32 << 20;

/// The backends that the user named.
#[derive(Debug, Clone, Default)]
pub struct Backends {
    /// Base URL.
    pub prometheus: Option<Url>,
    /// Base URL.
    pub loki: Option<Url>,
    /// Base URL.
    pub tempo: Option<Url>,
    /// What needs a backend that is not named is skipped instead of making the run inconclusive.
    pub allow_skips: bool,
    /// In place of [`patience`], for tests.
    patience: Option<Duration>,
}

/// What a backend is asked.
#[derive(Debug)]
pub struct Question<'q> {
    /// Who.
    pub backend: Backend,
    /// In its language.
    pub query: &'q str,
    /// How much is expected.
    pub count: Count,
    /// The time in question, in nanoseconds since 1970; may reach beyond now.
    pub windows: &'q [Range<u64>],
}

/// What was counted.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counted {
    count: u64,
    examples: Vec<TraceId>,
}

/// Why a backend does not want to answer a query.
#[derive(Debug, PartialEq, Eq)]
struct Refused(String);

/// How long what a run brought about may take until a backend shows it.
fn patience(backend: Backend) -> Duration {
    Duration::from_secs(match backend {
        // A trace is found by a search only when it has been idle and a block was cut: half a minute with Tempo's defaults.
        Backend::Tempo => 45,
        Backend::Loki | Backend::Prometheus => 15,
    })
}

impl Backends {
    /// The address of a backend, where the user has named one.
    pub fn named(&self, backend: Backend) -> Option<&Url> {
        match backend {
            Backend::Prometheus => self.prometheus.as_ref(),
            Backend::Loki => self.loki.as_ref(),
            Backend::Tempo => self.tempo.as_ref(),
        }
    }

    /// Asks until the answer cannot change any more, or for as long as telemetry may be under way.
    pub async fn ask(&self, question: &Question<'_>) -> Found {
        let backend = question.backend;
        let Some(url) = self.named(backend) else {
            let why = missing(backend);
            return if self.allow_skips { Found::Skipped(why) } else { Found::Unclear(why) };
        };
        let until = Instant::now() + self.patience.unwrap_or_else(|| patience(backend));
        let (mut asked, mut reached) = (0, false);
        loop {
            let answer = counted(url, question).await;
            asked += 1;
            reached |= !answer.as_ref().is_err_and(is_nobody_there);
            let last = match answer {
                // Prometheus shows a time as it was; what is sent to the others comes in and stays.
                Ok(Ok(found)) if question.count.is_certain(found.count) => return found.into(),
                Ok(Ok(found)) if backend == Backend::Prometheus && question.count.holds(found.count) => return found.into(),
                Ok(Ok(found)) => found.into(),
                // Asking again would not make the query a better one.
                Ok(Err(Refused(why))) => return Found::Unclear(format!("{} refuses the query: {why}", backend.name())),
                Err(error) => Found::Unclear(sentence(&error.context(format!("{} could not be asked", backend.name())))),
            };
            let is_gone = asked == GIVEN_UP && !reached;
            if is_gone || Instant::now() + PERIOD > until {
                return last;
            }
            tokio::time::sleep(PERIOD).await;
        }
    }
}

/// Whether not even a connection could be made.
fn is_nobody_there(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|cause| cause.downcast_ref::<reqwest::Error>()).any(reqwest::Error::is_connect)
}

impl From<Counted> for Found {
    fn from(Counted { count, examples }: Counted) -> Self {
        Self::Counted { count, examples }
    }
}

fn missing(backend: Backend) -> String {
    format!("there is no {} to ask; name one with {}", backend.name(), flag(backend))
}

/// The flag that names a backend.
pub fn flag(backend: Backend) -> &'static str {
    match backend {
        Backend::Prometheus => "--prometheus-url",
        Backend::Loki => "--loki-url",
        Backend::Tempo => "--tempo-url",
    }
}

/// All windows together. No error names the address, which may have a password in it.
async fn counted(base: &Url, question: &Question<'_>) -> anyhow::Result<Result<Counted, Refused>> {
    let client = client(base)?;
    let now = super::store::now();
    let mut all = Counted::default();
    for (path, parameters) in requests(question, now) {
        let body = match get(&client, base, path, &parameters).await? {
            Ok(body) => body,
            Err(refused) => return Ok(Err(refused)),
        };
        let found = answer::read(question.backend, &body).context("its answer is not understood")?;
        ensure!(found.count < MOST, "it gives {MOST} results, and there may be more; ask for fewer");
        all.count += found.count;
        all.examples.extend(found.examples);
    }
    all.examples.truncate(EXAMPLES);
    Ok(Ok(all))
}

/// What a backend answers, unless it does not want to. No error names the address.
async fn get(
    client: &reqwest::Client,
    base: &Url,
    path: &str,
    parameters: &[(&'static str, String)],
) -> anyhow::Result<Result<Vec<u8>, Refused>> {
    let response = client.get(below(base, path)).query(parameters).send().await.map_err(reqwest::Error::without_url)?;
    let (status, body) = (response.status(), body(response).await?);
    if matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY) {
        return Ok(Err(Refused(answer::refusal(&body))));
    }
    if !status.is_success() {
        bail!("it answers {status}: {}", answer::refusal(&body));
    }
    Ok(Ok(body))
}

fn client(base: &Url) -> anyhow::Result<reqwest::Client> {
    Ok(http::towards(base).timeout(SLOWEST).build()?)
}

/// A path of a backend.
fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url
}

type Parameters = Vec<(&'static str, String)>;

/// What is asked for: a path below the base, and its parameters.
fn requests(question: &Question<'_>, now: u64) -> Vec<(&'static str, Parameters)> {
    let query = question.query.trim();
    // What has not begun yet has nothing to show, and what has no end ends now.
    let windows = question.windows.iter().filter(|window| window.start < now).map(|window| window.start..window.end.min(now));
    // A moment, in seconds, for what is asked of one.
    let at_the_end = || windows.clone().next_back().map(|window| seconds(window.end));
    match question.backend {
        Backend::Prometheus => {
            at_the_end().map(|end| ("/api/v1/query", vec![("query", query.to_owned()), ("time", end)])).into_iter().collect()
        }
        // Loki gives lines of a range of time only, and numbers of a moment.
        Backend::Loki if !query.starts_with('{') => {
            let parameters = |end| vec![("query", query.to_owned()), ("time", end)];
            at_the_end().map(|end| ("/loki/api/v1/query", parameters(end))).into_iter().collect()
        }
        Backend::Loki => {
            let parameters = |window: Range<u64>| {
                let [start, end] = [window.start, window.end].map(|moment| moment.to_string());
                vec![("query", query.to_owned()), ("start", start), ("end", end), ("limit", MOST.to_string())]
            };
            windows.map(|window| ("/loki/api/v1/query_range", parameters(window))).collect()
        }
        // Tempo knows whole seconds only.
        Backend::Tempo => {
            let parameters = |window: Range<u64>| {
                let [start, end] = [window.start / SECOND, window.end.div_ceil(SECOND)].map(|second| second.to_string());
                vec![("q", query.to_owned()), ("start", start), ("end", end), ("limit", MOST.to_string())]
            };
            windows.map(|window| ("/api/search", parameters(window))).collect()
        }
    }
}

const SECOND: u64 = 1_000_000_000;

fn seconds(unix_nano: u64) -> String {
    format!("{}.{:03}", unix_nano / SECOND, unix_nano % SECOND / 1_000_000)
}

async fn body(mut response: reqwest::Response) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url)? {
        body.extend_from_slice(&chunk);
        ensure!(body.len() <= LARGEST, "its answer is larger than 32 MiB");
    }
    Ok(body)
}

#[cfg(test)]
mod tests;
