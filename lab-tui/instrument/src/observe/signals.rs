//! Signals reconcile: for each service, requests answered = SERVER spans = access log lines.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use lab_facts::event::ServiceSignals;
use tokio::time::Instant;
use url::Url;

use super::scrape::{self, Answered, Client};
use super::store::{Counts, Store};

/// How long spans and log lines that are still under way are awaited.
const FLUSH: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(50);
/// Counts that agree must stand still this long: an answer is counted a moment before its span is sent.
const STILL: Duration = Duration::from_millis(250);

/// Programs of others keep their spans for longer, and the lab has asked them for half a second.
const STILL_FOREIGN: Duration = Duration::from_millis(800);

/// Counts signals from a moment on.
#[derive(Debug)]
pub struct Signals {
    client: Client,
    store: Store,
    services: BTreeMap<String, Service>,
}

/// Where a service's signals come from, and what they had come to when counting began.
#[derive(Debug)]
struct Service {
    /// The page of metrics, where it has one whose counter is known.
    page: Option<Url>,
    /// It is not the lab's own.
    foreign: bool,
    answered: Option<Answered>,
    counts: Counts,
}

/// Services that are not the lab's own.
#[derive(Debug, Clone, Copy)]
pub struct Foreign<'a> {
    /// Those that a scenario brings along; nobody knows what their counters count.
    pub hosted: &'a [&'a str],
    /// Those that ran before; what they count is taken for what it is called.
    pub attached: &'a [String],
}

impl<'a> Foreign<'a> {
    fn names(self) -> impl Iterator<Item = &'a str> {
        self.hosted.iter().copied().chain(self.attached.iter().map(String::as_str))
    }
}

impl Signals {
    /// Counts from now on. `pages` are the services' pages of metrics.
    pub async fn since_now(client: Client, store: Store, mut pages: BTreeMap<String, Url>, foreign: Foreign<'_>) -> Self {
        pages.retain(|name, _| !foreign.hosted.contains(&name.as_str()));
        stand_still(&store, foreign).await;
        let others: Vec<_> = foreign.names().map(|name| (name.to_owned(), pages.remove(name), true)).collect();
        let all = pages.into_iter().map(|(name, page)| (name, Some(page), false)).chain(others);
        let asked = all.map(async |(name, page, foreign)| {
            let answered = answered(&client, page.as_ref()).await;
            let counts = store.counts(&name);
            (name, Service { page, foreign, answered, counts })
        });
        let services = join_all(asked).await.into_iter().collect();
        Self { client, store, services }
    }

    /// What has come in since, as of now. All services are asked at once: one that hangs delays nobody else's figures.
    pub async fn read(&self) -> Vec<ServiceSignals> {
        let asked = self.services.iter().map(async |(name, Service { page, foreign, answered: before, counts: counts_before })| {
            let now = answered(&self.client, page.as_ref()).await;
            let counts = self.store.counts(name);
            let (before, latest) = (before.unwrap_or_default(), now.unwrap_or_default());
            // A counter that went down, or another start time, is another process.
            let restarted = now.is_some() && (latest.process != before.process || latest.total < before.total);
            let before = if restarted { Answered::default() } else { before };
            ServiceSignals {
                name: name.clone(),
                answered: latest.total.saturating_sub(before.total),
                server_spans: counts.server_spans - counts_before.server_spans,
                log_lines: counts.access_log_lines - counts_before.access_log_lines,
                unsampled: latest.unsampled.saturating_sub(before.unsampled),
                restarted,
                // Others' counters may be called otherwise.
                silent: now.is_none_or(|now| *foreign && !now.is_counted),
                foreign: *foreign,
                fed: counts.fed > counts_before.fed,
            }
        });
        join_all(asked).await
    }

    /// The same once what is asked for elsewhere has come in.
    pub async fn settle_after(&self, fed: impl Future<Output = ()>) -> Vec<ServiceSignals> {
        fed.await;
        self.settle().await
    }

    /// Waits until the signals agree and stand still, at most a few seconds, and returns what they then are.
    pub async fn settle(&self) -> Vec<ServiceSignals> {
        let deadline = Instant::now() + FLUSH;
        let mut last = self.read().await;
        let mut since = Instant::now();
        let still = if last.iter().any(|service| service.foreign) { STILL_FOREIGN } else { STILL };
        while Instant::now() < deadline {
            tokio::time::sleep(POLL).await;
            let now = self.read().await;
            if now != last {
                last = now;
                since = Instant::now();
            } else if since.elapsed() >= still && last.iter().all(|service| service.loss() == 0) && self.store.unsettled() == 0 {
                break;
            }
        }
        last
    }
}

/// Programs of others were asked whether they are ready a moment ago, and may have logged that already but not sent its span. What they
/// say of the time before the run must have come in before the run is counted.
async fn stand_still(store: &Store, foreign: Foreign<'_>) {
    let counts = || foreign.names().map(|name| store.counts(name)).collect::<Vec<_>>();
    let deadline = Instant::now() + FLUSH;
    let (mut last, mut since) = (counts(), Instant::now());
    while !last.is_empty() && since.elapsed() < STILL_FOREIGN && Instant::now() < deadline {
        tokio::time::sleep(POLL).await;
        let now = counts();
        if now != last {
            (last, since) = (now, Instant::now());
        }
    }
}

/// What a service says that it has answered, where it can be asked and says so.
async fn answered(client: &Client, page: Option<&Url>) -> Option<Answered> {
    scrape::answered(client, page?).await.ok()
}
