//! Telemetry of an attached system, taken from its own Tempo and Loki into the lab's store, so that nothing behind the store knows the
//! difference: the traces of the lab's requests by their IDs, and the log lines as they come in.
//!
//! It is a sample where the load is quicker than [`traces`] asks, and never more than what others keep. So what comes this way is held
//! against nothing, and nothing of it can be missing.

mod health;
mod lines;
mod queue;
mod traces;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use health::Health;
use lab_facts::event::{Exemplar, Outcome, ServiceSignals, TraceId};
use queue::{Queue, Rank};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio_util::sync::CancellationToken;
use tokio_util::sync::DropGuard;

use super::backends::Backends;
use super::store::{ClientSpan, Store};
use crate::stack::Notice;
use crate::tasks;

/// How long the end of a run waits for what is still to come.
const SETTLE: Duration = Duration::from_secs(10);
/// Lines come into a Loki so much later than they were written.
const LATE: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(50);

const SAMPLE: &str =
    "not every trace could be asked of the attached system's Tempo, so they cannot be counted here; `traceql` has Tempo count them";
const NO_TEMPO: &str = "nothing that is attached sends its spans to the lab, and no Tempo is named that has them (--tempo-url)";
const NO_LOKI: &str = "nothing that is attached sends its log lines to the lab, and no Loki is named that has them (--loki-url)";

/// Why something cannot be counted in the store, where it cannot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gaps {
    /// Of traces.
    pub traces: Option<&'static str>,
    /// Of log lines.
    pub lines: Option<&'static str>,
}

/// The feed of one run. Dropped, it ends.
#[derive(Debug)]
pub struct Feed {
    /// Of traces, where there is a Tempo.
    queue: Option<Arc<Wishes>>,
    /// Of lines, where there is a Loki.
    lines: Option<Arc<lines::Progress>>,
    /// Whether the system is one that the lab did not start.
    is_attached: bool,
    _over: DropGuard,
}

/// What is to be asked for, shared with whoever asks.
#[derive(Debug, Default)]
struct Wishes {
    queue: Mutex<Queue>,
    /// Nobody answers.
    silent: AtomicBool,
}

impl Wishes {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Feed {
    /// Begins to ask the backends there are. `services` are those that are attached. Where a backend cannot be asked, or can again, is told
    /// by what is given back.
    ///
    /// # Errors
    /// The machine gives no client.
    pub fn start(backends: &Backends, store: &Store, services: &[String]) -> anyhow::Result<(Self, UnboundedReceiver<Notice>)> {
        let (teller, told) = mpsc::unbounded_channel();
        let over = CancellationToken::new();
        let mut feed = Self { queue: None, lines: None, is_attached: true, _over: over.clone().drop_guard() };
        if let Some(tempo) = &backends.tempo {
            let wishes = Arc::new(Wishes::default());
            let asking = traces::Asking::new(tempo, store, &wishes, Health::new("Tempo", &teller))?;
            tasks::spawn(over.clone().run_until_cancelled_owned(asking.run()));
            feed.queue = Some(wishes);
        }
        if let Some(loki) = &backends.loki {
            let progress = Arc::new(lines::Progress::default());
            let asking = lines::Asking::new(loki, store, services, &progress, Health::new("Loki", &teller))?;
            tasks::spawn(over.run_until_cancelled_owned(asking.run()));
            feed.lines = Some(progress);
        }
        Ok((feed, told))
    }

    /// Nothing is asked.
    pub fn none() -> (Self, UnboundedReceiver<Notice>) {
        let (_, told) = mpsc::unbounded_channel();
        (Self { queue: None, lines: None, is_attached: false, _over: CancellationToken::new().drop_guard() }, told)
    }

    /// Requests that stand for others: their traces come first.
    pub fn hear_exemplars(&self, exemplars: &[Exemplar]) {
        let Some(wishes) = &self.queue else { return };
        let (mut queue, now) = (wishes.lock(), Instant::now());
        for one in exemplars.iter().filter(|one| reached_somebody(one.outcome)) {
            queue.want(one.trace_id, Rank::Slow(if one.failed { u32::MAX } else { one.micros }), now);
        }
    }

    /// Requests that have ended, those first that are `sampled`.
    pub fn hear_ended(&self, requests: &[ClientSpan], sampled: &[TraceId]) {
        let Some(wishes) = &self.queue else { return };
        let (mut queue, now) = (wishes.lock(), Instant::now());
        for one in requests.iter().filter(|one| reached_somebody(one.outcome)) {
            let rank = if sampled.contains(&one.trace_id) { Rank::Sampled } else { Rank::Other };
            queue.want(one.trace_id, rank, now);
        }
    }

    /// Whether there is a Tempo that is asked.
    pub fn asks_for_traces(&self) -> bool {
        self.queue.is_some()
    }

    /// What cannot be counted in the store, and why, given what has come in of the services that are attached.
    pub fn gaps(&self, services: &[ServiceSignals]) -> Gaps {
        let traces = match &self.queue {
            Some(wishes) => (wishes.lock().missed() > 0).then_some(SAMPLE),
            None => (self.is_attached && services.iter().all(|one| one.server_spans == 0)).then_some(NO_TEMPO),
        };
        let lines = self.is_attached && self.lines.is_none() && services.iter().all(|one| one.log_lines == 0);
        Gaps { traces, lines: lines.then_some(NO_LOKI) }
    }

    /// The load is over: returns when what it brought about has come in, or is not to be waited for any longer.
    pub async fn settle(&self) {
        let began = Instant::now();
        if let Some(wishes) = &self.queue {
            wishes.lock().hurry();
        }
        while began.elapsed() < SETTLE && !self.is_settled(began) {
            tokio::time::sleep(POLL).await;
        }
        if let Some(wishes) = &self.queue {
            wishes.lock().give_up();
        }
    }

    fn is_settled(&self, since: Instant) -> bool {
        let traces = self.queue.as_ref().is_none_or(|wishes| wishes.silent.load(Ordering::Relaxed) || wishes.lock().is_quiet());
        traces && self.lines.as_ref().is_none_or(|progress| progress.is_past(since + LATE))
    }
}

/// Who met nobody has left no trace but the lab's own.
fn reached_somebody(outcome: Outcome) -> bool {
    !matches!(outcome, Outcome::ConnectionFailed | Outcome::Interrupted)
}

#[cfg(test)]
mod tests;
