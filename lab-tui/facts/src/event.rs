//! What happens in a run, as one stream of facts; and what a user may wish of it.
//!
//! Every event carries its offset from the start of the run. Time passes in the model by [`Fact::Tick`] alone.

mod breakdown;
mod control;
mod database;
mod drops;
mod expectation;
mod flaw;
mod lab;
mod reason;
mod samples;
mod scraped;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use breakdown::{Breakdown, Chosen, EdgeCalls, Hop, HopKind, Trait};
pub use control::{Control, Pace};
pub use database::{
    DatabaseActivity, DatabaseSample, LockCount, SESSIONS, STATEMENT_LENGTH, STATEMENTS, Session, SessionState, Statement, Wait,
};
pub use drops::Drops;
pub use expectation::{EXAMPLES, Found};
pub use flaw::{Flaw, FlawKind};
pub use lab::LabDelay;
pub use reason::{REASON_LENGTH, REASONS, Reason};
pub use samples::Samples;
pub use scraped::{ScrapedSeries, ScrapedValue};

use crate::scenario::{Fault, FaultKind};

/// One fact and when it happened, counted from the start of the run.
#[derive(Debug, Clone)]
pub struct Event {
    /// From the start of the run.
    pub at: Duration,
    /// What happened.
    pub fact: Fact,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Fact {
    /// When the run began, by the clock that spans and log lines are dated with.
    Began {
        /// Nanoseconds since 1970.
        unix_nano: u64,
    },
    /// Time has passed.
    Tick,
    /// What became known about one window of a load. A window may come in several parts, as its requests end.
    Window(LoadWindow),
    /// Every request of every load has ended.
    LoadDone,
    /// A process of the stack ended or came back.
    Process {
        /// The service's name, or `postgres`.
        name: String,
        /// What became of it.
        change: ProcessChange,
    },
    /// The user asked for a fault that the plan does not have. It is counted on behind those that are known.
    FaultByHand(Fault),
    /// A fault began, ended, or could not be.
    Fault {
        /// Its index: in the plan, or behind it among those by hand.
        index: usize,
        /// What became of it.
        change: FaultChange,
    },
    /// The user changed the pace of the load, from this moment on.
    Control {
        /// What was obeyed.
        change: Control,
    },
    /// Spans of one hop that became known. A second may come in several parts, as spans come in.
    Hop(HopSpans),
    /// Who calls whom, as the parents of spans tell; told once for each pair.
    Edge {
        /// The caller: a service.
        from: Arc<str>,
        /// The hop that is called.
        to: Arc<str>,
    },
    /// Calls along one edge that became known. A second may come in several parts.
    Calls(EdgeCalls),
    /// Requests that were looked at: where their time went.
    Breakdowns(Vec<Breakdown>),
    /// The state of a connection pool.
    Pool(Pool),
    /// What the stack's database says of itself; once a second, where there is one.
    Database(DatabaseSample),
    /// What services say of the metrics that promises are about; all of one moment at once.
    Scraped(Vec<ScrapedSeries>),
    /// What each service answered and what of it the telemetry shows, since the run began.
    Telemetry(Vec<ServiceSignals>),
    /// Spans and log lines of the run that do not hang together, when all telemetry had come in.
    Flaws(Vec<Flaw>),
    /// What the lab could not keep of the telemetry of the run, when all of it had come in.
    Drops(Drops),
    /// What was found of an expectation, when all telemetry had come in.
    Expectation {
        /// Its index in the plan.
        index: usize,
        /// What there was.
        found: Found,
    },
    /// Processor time that the lab itself has used since the run began.
    LabUsage {
        /// User and system time, all threads.
        cpu: Duration,
    },
    /// How many processors the lab can use.
    LabCores(u32),
    /// How late the lab's own loops were.
    LabDelay(LabDelay),
    /// A threshold is broken for the first time, as far as the run has come.
    Broke {
        /// Its index in the plan.
        threshold: usize,
    },
    /// A broken promise ends the run.
    Aborted {
        /// Its index in the plan.
        threshold: usize,
    },
    /// The run is over; nothing follows.
    Finished {
        /// Whether it was cut short by the user.
        interrupted: bool,
    },
}

/// What became of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProcessChange {
    /// It ended without having been asked to; the text says how.
    Exited(String),
    /// It runs again.
    Restarted,
    /// It is not the lab's, and cannot be asked any more; the text says why.
    Lost(String),
    /// It can be asked again.
    Found,
    /// It has more to tell than it is asked for.
    Sampled,
}

impl ProcessChange {
    /// In a sentence without an end, of the process of that name.
    pub fn told_of(&self, name: &str) -> String {
        match self {
            Self::Exited(how) => format!("{name} ended: {how}"),
            Self::Restarted => format!("{name} runs again"),
            Self::Lost(why) => format!("{name} cannot be asked: {why}"),
            Self::Found => format!("{name} can be asked again"),
            Self::Sampled => format!("{name} is asked for a sample of the traces: there are too many for all of them"),
        }
    }
}

/// What became of a fault. The event's time is when it really did, not when the plan wanted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultChange {
    /// The system is disturbed from here on.
    Started,
    /// The user ends it before its time; told before its end.
    CutShort,
    /// The disturbance is undone.
    Ended,
    /// It could not be brought about, or not be undone; the text says why.
    Failed(String),
    /// So many requests met it, as its kind counts them; told before its end, where it is known.
    Touched(u64),
}

/// How many faults one run has by hand: they are kept to its end.
pub const BY_HAND: usize = 1000;

/// The length of a load window.
pub const WINDOW: Duration = Duration::from_millis(100);

/// Requests whose intended start lies in one window of [`WINDOW`]. Parts of the same window add up.
#[derive(Debug, Clone, Default)]
pub struct LoadWindow {
    /// Index of the load in the plan.
    pub load: usize,
    /// Index of the window: it begins at `index * WINDOW`.
    pub index: u64,
    /// Arrivals that were due, or requests that users were to send.
    pub offered: u32,
    /// Those that were not sent, because `max_vus` requests were in flight, or because `max_duration` was over.
    pub dropped: u32,
    /// From the intended to the actual send, in microseconds, of those that were sent.
    pub lag: Samples,
    /// Requests that have ended, by kind and outcome.
    pub cells: Vec<Cell>,
    /// Why requests among them got no answer, where that is known.
    pub reasons: Vec<Reason>,
    /// Of the requests that have ended: the slowest, the slowest that failed, and the newest.
    pub exemplars: Vec<Exemplar>,
}

/// Requests of one kind that ended alike.
#[derive(Debug, Clone)]
pub struct Cell {
    /// Index of the request in its load.
    pub request: usize,
    /// How they ended.
    pub outcome: Outcome,
    /// From the intended start to the last byte, in microseconds.
    pub response_time: Samples,
    /// From the actual send to the last byte, in microseconds.
    pub service_time: Samples,
}

/// One request that stands for others, and whose trace is worth a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exemplar {
    /// Index of its load in the plan.
    pub load: usize,
    /// Index of the request in its load.
    pub request: usize,
    /// Its intended start, from the start of the run.
    pub at: Duration,
    /// From the intended start to the last byte, in microseconds.
    pub micros: u32,
    /// Its trace.
    pub trace_id: TraceId,
    /// How it ended.
    pub outcome: Outcome,
    /// Whether the scenario expects something else.
    pub failed: bool,
}

/// Spans of one hop that began in one second of the run: a service's SERVER spans, or the CLIENT spans of calls to a database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HopSpans {
    /// `service.name`, or `db.system.name` for a database.
    pub hop: String,
    /// The second, counted from the start of the run.
    pub second: u64,
    /// How many have the status error.
    pub errors: u32,
    /// Their durations, in microseconds.
    pub durations: Samples,
}

/// Connections of one pool at one moment, as the service says itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// The service that holds it.
    pub service: String,
    /// Lent to a request.
    pub used: u32,
    /// Open and free.
    pub idle: u32,
    /// Requests that wait for one.
    pub pending: u32,
    /// How many there may be.
    pub max: u32,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// It was answered.
    Status(u16),
    /// No answer within the load's timeout.
    Timeout,
    /// The connection could not be made.
    ConnectionFailed,
    /// The connection broke before the answer was whole.
    ConnectionBroken,
    /// It was still in flight when its load's `graceful_stop` (or a user's `graceful_ramp_down`) was over.
    Outlasted,
    /// The run was interrupted while it was in flight.
    Interrupted,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{status}"),
            Self::Timeout => f.write_str("timeout"),
            Self::ConnectionFailed => f.write_str("connection failed"),
            Self::ConnectionBroken => f.write_str("connection broken"),
            Self::Outlasted => f.write_str("outlasted its grace"),
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl Outcome {
    /// What selectors call it; all statuses are one.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Status(_) => "answered",
            Self::Timeout => "timeout",
            Self::ConnectionFailed => "connection_failed",
            Self::ConnectionBroken => "connection_broken",
            Self::Outlasted => "outlasted",
            Self::Interrupted => "interrupted",
        }
    }
}

/// A W3C trace ID; displays as 32 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(pub [u8; 16]);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl TraceId {
    /// Reads 32 hex digits that are not all zero.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let id = u128::from_str_radix(text, 16).ok().filter(|id| hex && *id != 0)?;
        Some(Self(id.to_be_bytes()))
    }
}

/// Signals of one service, health and metrics requests left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceSignals {
    /// `service.name`.
    pub name: String,
    /// Requests it answered, by its own counter.
    pub answered: u64,
    /// SERVER spans received for the first time.
    pub server_spans: u64,
    /// Access log lines received.
    pub log_lines: u64,
    /// Of those answered, how many leave no span because the caller or the sampler decided so; that is expected.
    pub unsampled: u64,
    /// The process was replaced while the run went on: its counter and its last spans are gone, and that is expected.
    pub restarted: bool,
    /// It did not say how many requests it answered, so spans can be held against log lines only.
    pub silent: bool,
    /// It is not the lab's own, so nothing is known of what it counts and logs.
    pub foreign: bool,
    /// Some of its spans or log lines the lab has asked for elsewhere, so they are a sample.
    pub fed: bool,
}

impl ServiceSignals {
    /// Whether one of its signals can be held against another; a sample cannot. A program of somebody else's must at least log its requests as the
    /// lab's services do.
    pub fn reconciles(&self) -> bool {
        !self.restarted && !self.fed && (!self.foreign || self.log_lines > 0)
    }

    /// Spans and log lines missing or in excess of the requests answered; nothing is expected of a service that was replaced.
    pub fn loss(&self) -> u64 {
        if !self.reconciles() {
            return 0;
        }
        let answered = if self.silent { self.log_lines } else { self.answered };
        answered.saturating_sub(self.unsampled).abs_diff(self.server_spans) + answered.abs_diff(self.log_lines)
    }
}

/// What a user may wish of a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// No more arrivals; requests in flight are given a moment, then the run ends as interrupted.
    Stop,
    /// Multiplies the planned rates of arrivals from now on; 1.0 is as planned. Kept from [`Pace::SLOWEST`] to [`Pace::FASTEST`].
    Rate(f64),
    /// Nothing begins: no arrivals, and no further iterations of users. Requests in flight end as they would.
    Pause,
    /// It goes on where it stopped. What the pause left out is not made up for.
    Resume,
    /// A fault begins that the plan does not have, now. Not more than [`BY_HAND`] of them in one run.
    Inject {
        /// What is disturbed, and how.
        kind: FaultKind,
        /// After which it is undone; [`Fault::UNTIL_ENDED`] leaves that to [`Command::EndFault`], or to the end of the run.
        duration: Duration,
    },
    /// A fault that is under way ends before its time.
    EndFault {
        /// As in [`Fact::Fault`].
        index: usize,
    },
    /// That a threshold is broken for the first time is told as a fact.
    Broke {
        /// Its index in the plan.
        threshold: usize,
    },
    /// As [`Self::Stop`], because of a broken promise: the run ends as aborted by this threshold of the plan.
    Abort {
        /// Its index in the plan.
        threshold: usize,
    },
}
