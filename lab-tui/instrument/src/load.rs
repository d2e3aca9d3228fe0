//! Scripted load: a schedule of intended starts, one work loop, windows of what came back.
//!
//! It runs on two threads of its own, away from telemetry and drawing: the pacer sleeps until shortly before each intended start and
//! hands it over; the worker waits out the rest awake, and sends. A blocking sleep wakes within a fraction of a millisecond, where a
//! timer wheel may be 2 ms late.

mod connection;
mod draw;
mod http1;
mod pacer;
mod sender;
mod span;
mod window;
mod worker;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use lab_facts::event::{Control, LoadWindow};
use lab_facts::scenario::Plan;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::observe::store::ClientSpan;
pub use sender::HttpSender;

use self::pacer::{Agenda, Note, Turn};
use self::span::Spans;
use self::worker::Worker;

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

    /// A moment of the run, in nanoseconds since 1970.
    pub fn unix_nanos(&self, offset: Duration) -> u64 {
        u64::try_from((self.start_unix + offset).as_nanos()).unwrap_or(u64::MAX)
    }
}

/// What the load tells: windows for the model, spans for the store.
#[derive(Debug)]
pub enum Report {
    /// Part of a window.
    Window(LoadWindow),
    /// Requests that have ended, each a CLIENT span.
    Ended(Vec<ClientSpan>),
    /// The work loop turned, so much later than it should have.
    Turned(Duration),
}

/// How long requests in flight are given once a run is interrupted.
const INTERRUPT_GRACE: Duration = Duration::from_secs(1);

/// Changes the pace of a load that runs.
#[derive(Debug, Clone)]
pub struct PaceSetter {
    notes: std::sync::mpsc::Sender<Note>,
}

impl PaceSetter {
    /// From that moment on, counted from the start of the run. Whether there is anything left that it could change.
    pub fn obey(&self, control: Control, at: Duration) -> bool {
        self.notes.send(Note::Control(control, at)).is_ok()
    }
}

/// What the worker asks the pacer for. The pacer hears of it when nobody will ask any more.
struct Asker(std::sync::mpsc::Sender<Note>);

impl Asker {
    fn ask(&self, turn: Turn) {
        // A pacer that is gone has been stopped, and so has the worker.
        let _ = self.0.send(Note::Turn(turn));
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        let _ = self.0.send(Note::NobodyAsks);
    }
}

/// Starts the load threads. Reports come until the last request of the last load has ended, then the channel closes.
/// Cancelling `stop` ends the schedule at once.
///
/// # Errors
/// When the machine gives no thread.
pub fn start(
    plan: &Arc<Plan>,
    sender: HttpSender,
    clock: RunClock,
    stop: CancellationToken,
) -> anyhow::Result<(mpsc::UnboundedReceiver<Report>, PaceSetter)> {
    let (reports, receiver) = mpsc::unbounded_channel();
    let (turns, due) = mpsc::unbounded_channel();
    let (notes, noted) = std::sync::mpsc::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let agenda = Agenda::new(plan);
    let worker = Worker::new(Arc::clone(plan), sender, Spans::new(plan, clock), reports, clock, agenda.paused());
    let asker = Asker(notes.clone());
    let stopped = stop.clone();
    std::thread::Builder::new()
        .name("lab-load".to_owned())
        .spawn(move || runtime.block_on(worker.run(due, move |turn| asker.ask(turn), stopped)))?;
    std::thread::Builder::new().name("lab-pacer".to_owned()).spawn(move || pacer::pace(agenda, &noted, clock, &stop, &turns))?;
    Ok((receiver, PaceSetter { notes }))
}
