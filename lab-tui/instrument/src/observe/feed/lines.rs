//! Follows a Loki: lines of the lab's requests, and of services whose telemetry is here.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use url::Url;

use super::health::Health;
use crate::observe::backends::LokiClient;
use crate::observe::store::{Store, StoredLine, now};

/// How often it is asked.
const PERIOD: Duration = Duration::from_secs(1);
/// So much of the past is read once more, because lines come in late.
const OVERLAP: u64 = 10_000_000_000;
/// A Loki that has more of a moment than that is busy with others' lines, which nobody here wants.
const PAGES: usize = 2;

/// How far it was read.
#[derive(Debug, Default)]
pub(super) struct Progress(Mutex<Reading>);

#[derive(Debug, Default)]
struct Reading {
    /// When the last reading began that ended well.
    since: Option<Instant>,
    /// Nobody answers.
    silent: bool,
}

impl Progress {
    /// Whether all was read that had come in at that moment, or nobody is there to be read.
    pub(super) fn is_past(&self, moment: Instant) -> bool {
        let reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reading.silent || reading.since.is_some_and(|since| since >= moment)
    }

    fn set(&self, reading: Reading) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = reading;
    }
}

pub(super) struct Asking {
    loki: LokiClient,
    store: Store,
    services: Vec<String>,
    progress: Arc<Progress>,
    health: Health,
}

impl Asking {
    pub(super) fn new(loki: &Url, store: &Store, services: &[String], progress: &Arc<Progress>, health: Health) -> anyhow::Result<Self> {
        let (store, services, progress) = (store.clone(), services.to_vec(), Arc::clone(progress));
        Ok(Self { loki: LokiClient::new(loki)?, store, services, progress, health })
    }

    /// Never ends by itself.
    pub(super) async fn run(mut self) {
        let began = now();
        let mut from = began;
        loop {
            let (since, until) = (Instant::now(), now());
            let wait = match self.read(from, until).await {
                Ok(()) => {
                    self.health.well();
                    from = until.saturating_sub(OVERLAP).max(began);
                    PERIOD
                }
                Err(error) => self.health.ill(&error).max(PERIOD),
            };
            let silent = self.health.is_silent();
            self.progress.set(Reading { since: (from != began || !silent).then_some(since), silent });
            tokio::time::sleep(wait).await;
        }
    }

    async fn read(&self, from: u64, until: u64) -> anyhow::Result<()> {
        let mut from = from;
        for _ in 0..PAGES {
            let (lines, more) = self.loki.page(from..until).await?;
            for line in lines.into_iter().map(StoredLine::from).filter(|line| self.wants(line)) {
                self.store.feed_line(&line);
            }
            match more {
                Some(next) => from = next,
                None => break,
            }
        }
        Ok(())
    }

    /// A Loki may have the lines of a whole company.
    fn wants(&self, line: &StoredLine) -> bool {
        let is_ours = line.trace.is_some_and(|id| self.store.has_trace(id));
        is_ours || self.services.iter().any(|name| **name == *line.service) || self.store.counts(&line.service).spans > 0
    }
}
