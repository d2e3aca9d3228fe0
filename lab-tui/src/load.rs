//! Scripted load: a schedule of intended starts, one work loop, windows of what came back.
//!
//! It runs on two threads of its own, away from telemetry and drawing: the pacer sleeps until shortly before each intended start and
//! hands it over; the worker waits out the rest awake, and sends. A blocking sleep wakes within a fraction of a millisecond, where a
//! timer wheel may be 2 ms late.

mod draw;
mod pacer;
mod sender;
mod span;
mod window;
mod worker;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::event::LoadWindow;
use crate::scenario::Plan;
pub use sender::HttpSender;

/// The two clocks of a run, read at the same moment: one to measure with, one to date spans with.
#[derive(Debug, Clone, Copy)]
pub struct RunClock {
    start: Instant,
    start_unix: Duration,
}

impl RunClock {
    /// The run starts now.
    pub fn start_now() -> Self {
        let start_unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { start: Instant::now(), start_unix }
    }

    /// Since the start of the run.
    pub fn offset(&self) -> Duration {
        self.start.elapsed()
    }

    /// When the run started, since 1970.
    pub fn start_unix(&self) -> Duration {
        self.start_unix
    }

    /// When that moment was, counted from the start of the run.
    pub fn offset_of(&self, moment: Instant) -> Duration {
        moment.saturating_duration_since(self.start)
    }

    /// The moment that lies so long after the start of the run.
    pub fn moment(&self, offset: Duration) -> Instant {
        self.start + offset
    }

    fn unix_nanos(&self, offset: Duration) -> u64 {
        u64::try_from((self.start_unix + offset).as_nanos()).unwrap_or(u64::MAX)
    }
}

/// What the load tells: windows for the model, spans for the store.
#[derive(Debug)]
pub enum Report {
    /// Part of a window.
    Window(LoadWindow),
    /// The CLIENT spans of requests that have ended.
    Spans(ResourceSpans),
    /// The work loop turned, so much later than it should have.
    Turned(Duration),
}

/// How long requests in flight are given once a run is interrupted.
const INTERRUPT_GRACE: Duration = Duration::from_secs(1);

/// Starts the load threads. Reports come until the last request of the last load has ended, then the channel closes.
/// Cancelling `stop` ends the schedule at once.
///
/// # Errors
/// When the machine gives no thread or no socket.
pub fn start(
    plan: &Arc<Plan>,
    endpoints: &BTreeMap<String, Url>,
    scenario: &str,
    clock: RunClock,
    stop: CancellationToken,
) -> anyhow::Result<mpsc::UnboundedReceiver<Report>> {
    let sender = HttpSender::new(plan, endpoints)?;
    let (reports, receiver) = mpsc::unbounded_channel();
    let (turns, due) = mpsc::unbounded_channel();
    let (ask, asked) = std::sync::mpsc::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let worker = worker::Worker::new(Arc::clone(plan), sender, span::Spans::new(scenario, clock), reports, move || clock.offset());
    let agenda = pacer::Agenda::new(plan);
    let stopped = stop.clone();
    // A pacer that is gone has been stopped, and so has the worker.
    let ask = move |turn| {
        let _ = ask.send(turn);
    };
    std::thread::Builder::new().name("lab-load".to_owned()).spawn(move || runtime.block_on(worker.run(due, ask, stopped)))?;
    std::thread::Builder::new().name("lab-pacer".to_owned()).spawn(move || pacer::pace(agenda, &asked, clock, &stop, &turns))?;
    Ok(receiver)
}
