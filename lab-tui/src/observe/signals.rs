//! Signals reconcile: for each service, requests answered = SERVER spans = access log lines.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use super::scrape::{self, Answered};
use super::store::{Counts, Store};
use crate::event::ServiceSignals;

/// How long spans and log lines that are still under way are awaited.
const FLUSH: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(50);
/// Counts that agree must stand still this long: an answer is counted a moment before its span is sent.
const STILL: Duration = Duration::from_millis(250);

/// Counts signals from a moment on.
#[derive(Debug)]
pub struct Signals {
    client: reqwest::Client,
    store: Store,
    services: BTreeMap<String, (Url, Option<Answered>, Counts)>,
}

impl Signals {
    /// Counts from now on.
    pub async fn since_now(client: reqwest::Client, store: Store, services: &BTreeMap<String, Url>) -> Self {
        let mut baseline = BTreeMap::new();
        for (name, url) in services {
            let answered = scrape::answered(&client, url).await.ok();
            baseline.insert(name.clone(), (url.clone(), answered, store.counts(name)));
        }
        Self { client, store, services: baseline }
    }

    /// What has come in since, as of now.
    pub async fn read(&self) -> Vec<ServiceSignals> {
        let mut all = Vec::with_capacity(self.services.len());
        for (name, (url, before, counts_before)) in &self.services {
            let now = scrape::answered(&self.client, url).await.ok();
            let counts = self.store.counts(name);
            // A counter that went down, or another start time, is another process.
            let same = |before: &Answered, now: &Answered| now.process == before.process && now.total >= before.total;
            let answered = match (before, &now) {
                (Some(before), Some(now)) if same(before, now) => Some(now.total - before.total),
                _ => None,
            };
            all.push(ServiceSignals {
                name: name.clone(),
                answered: answered.unwrap_or_else(|| now.map_or(0, |now| now.total)),
                server_spans: counts.server_spans - counts_before.server_spans,
                log_lines: counts.access_log_lines - counts_before.access_log_lines,
                restarted: answered.is_none(),
            });
        }
        all
    }

    /// Waits until the signals agree and stand still, at most a few seconds, and returns what they then are.
    pub async fn settle(&self) -> Vec<ServiceSignals> {
        let deadline = Instant::now() + FLUSH;
        let mut last = self.read().await;
        let mut since = Instant::now();
        while Instant::now() < deadline {
            tokio::time::sleep(POLL).await;
            let now = self.read().await;
            if now != last {
                last = now;
                since = Instant::now();
            } else if since.elapsed() >= STILL && last.iter().all(|service| service.loss() == 0) {
                break;
            }
        }
        last
    }
}
