//! A line of the stream. A new kind of fact does not compile until it has a form here: a variant, and an arm in each of the matches.

mod breakdown;
mod database;
mod fault;
mod outcome;
mod reason;
mod samples;
mod scraped;
mod signals;
mod window;

use std::time::Duration;

use breakdown::WireBreakdowns;
use lab_facts::event::{
    Control, EXAMPLES, EdgeCalls, Event, Fact, FaultChange, Found, HopSpans, LabDelay, Pace, Pool, ProcessChange, TraceId,
};
use lab_facts::trace::Trace;
use samples::WireSamples;
use scraped::WireScraped;
use serde::{Deserialize, Serialize};
use signals::{WireDrops, WireFlaw, WireSignals};
use window::WireWindow;

use super::bounds::LONGEST_RUN;
pub use database::WireDatabase;
use fault::WireFaultByHand;

/// One line after the header: an event, or a trace worth keeping.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Line {
    /// Seconds from the start of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fact: Option<WireFact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<Trace>,
}

/// What a line holds.
#[derive(Debug)]
pub(super) enum Held {
    Event(Event),
    Trace(Trace),
}

/// Why a line is none.
pub(super) type Damage = &'static str;

impl Line {
    pub(super) fn of_event(event: &Event) -> Self {
        Self { at: Some(event.at.as_secs_f64()), fact: Some(WireFact::from(&event.fact)), trace: None }
    }

    pub(super) fn of_trace(trace: Trace) -> Self {
        Self { trace: Some(trace), ..Self::default() }
    }

    pub(super) fn held(self) -> Result<Held, Damage> {
        match self {
            Self { at: Some(at), fact: Some(fact), trace: None } => Ok(Held::Event(Event { at: duration(at)?, fact: fact.into_fact()? })),
            Self { at: None, fact: None, trace: Some(trace) } => Ok(Held::Trace(trace)),
            _ => Err("it is neither an event nor a trace"),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireFact {
    Began { unix_nano: u64 },
    Tick {},
    Window(WireWindow),
    LoadDone {},
    Process { name: String, change: WireProcess },
    FaultByHand(WireFaultByHand),
    Fault { index: usize, change: WireFault },
    Hop { hop: String, second: u64, errors: u32, duration_us: WireSamples },
    Edge { from: String, to: String },
    Calls { from: String, to: String, second: u64, errors: u32, duration_us: WireSamples },
    Breakdowns(WireBreakdowns),
    Pool { service: String, used: u32, idle: u32, pending: u32, max: u32 },
    Database(WireDatabase),
    Scraped { series: Vec<WireScraped> },
    Telemetry { services: Vec<WireSignals> },
    Flaws { flaws: Vec<WireFlaw> },
    Drops(WireDrops),
    Control { change: WireControl },
    Expectation { index: usize, found: WireFound },
    LabUsage { cpu_seconds: f64 },
    LabCores { cores: u32 },
    LabDelay { load_us: WireSamples, run_us: WireSamples },
    Broke { threshold: usize },
    Aborted { threshold: usize },
    Finished { interrupted: bool },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireProcess {
    Exited { how: String },
    Restarted {},
    Lost { why: String },
    Found {},
    Sampled {},
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireFault {
    Started {},
    CutShort {},
    Ended {},
    Failed { why: String },
    Touched { requests: u64 },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireControl {
    Rate { factor: f64 },
    Paused {},
    Resumed {},
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireFound {
    Counted { count: u64, examples: Vec<String> },
    Unclear { why: String },
    Skipped { why: String },
}

impl From<&Fact> for WireFact {
    fn from(fact: &Fact) -> Self {
        match fact {
            Fact::Began { unix_nano } => Self::Began { unix_nano: *unix_nano },
            Fact::Tick => Self::Tick {},
            Fact::Window(window) => Self::Window(window.into()),
            Fact::LoadDone => Self::LoadDone {},
            Fact::Process { name, change } => Self::Process {
                name: name.clone(),
                change: match change {
                    ProcessChange::Exited(how) => WireProcess::Exited { how: how.clone() },
                    ProcessChange::Restarted => WireProcess::Restarted {},
                    ProcessChange::Lost(why) => WireProcess::Lost { why: why.clone() },
                    ProcessChange::Found => WireProcess::Found {},
                    ProcessChange::Sampled => WireProcess::Sampled {},
                },
            },
            Fact::FaultByHand(fault) => Self::FaultByHand(fault.into()),
            Fact::Fault { index, change } => Self::Fault {
                index: *index,
                change: match change {
                    FaultChange::Started => WireFault::Started {},
                    FaultChange::CutShort => WireFault::CutShort {},
                    FaultChange::Ended => WireFault::Ended {},
                    FaultChange::Failed(why) => WireFault::Failed { why: why.clone() },
                    FaultChange::Touched(requests) => WireFault::Touched { requests: *requests },
                },
            },
            Fact::Hop(HopSpans { hop, second, errors, durations }) => {
                Self::Hop { hop: hop.clone(), second: *second, errors: *errors, duration_us: durations.into() }
            }
            Fact::Edge { from, to } => Self::Edge { from: from.to_string(), to: to.to_string() },
            Fact::Calls(EdgeCalls { from, to, second, errors, durations }) => {
                Self::Calls { from: from.clone(), to: to.clone(), second: *second, errors: *errors, duration_us: durations.into() }
            }
            Fact::Breakdowns(all) => Self::Breakdowns(all.as_slice().into()),
            Fact::Pool(Pool { service, used, idle, pending, max }) => {
                Self::Pool { service: service.clone(), used: *used, idle: *idle, pending: *pending, max: *max }
            }
            Fact::Database(sample) => Self::Database(sample.into()),
            Fact::Scraped(series) => Self::Scraped { series: series.iter().map(WireScraped::from).collect() },
            Fact::Telemetry(services) => Self::Telemetry { services: services.iter().map(WireSignals::from).collect() },
            Fact::Drops(drops) => Self::Drops(drops.into()),
            Fact::Flaws(flaws) => Self::Flaws { flaws: flaws.iter().map(WireFlaw::from).collect() },
            Fact::Control { change } => Self::Control {
                change: match change {
                    Control::Rate(factor) => WireControl::Rate { factor: *factor },
                    Control::Paused => WireControl::Paused {},
                    Control::Resumed => WireControl::Resumed {},
                },
            },
            Fact::Expectation { index, found } => Self::Expectation {
                index: *index,
                found: match found {
                    Found::Counted { count, examples } => {
                        WireFound::Counted { count: *count, examples: examples.iter().map(TraceId::to_string).collect() }
                    }
                    Found::Unclear(why) => WireFound::Unclear { why: why.clone() },
                    Found::Skipped(why) => WireFound::Skipped { why: why.clone() },
                },
            },
            Fact::LabUsage { cpu } => Self::LabUsage { cpu_seconds: cpu.as_secs_f64() },
            Fact::LabCores(cores) => Self::LabCores { cores: *cores },
            Fact::LabDelay(LabDelay { load, run }) => Self::LabDelay { load_us: load.into(), run_us: run.into() },
            Fact::Broke { threshold } => Self::Broke { threshold: *threshold },
            Fact::Aborted { threshold } => Self::Aborted { threshold: *threshold },
            Fact::Finished { interrupted } => Self::Finished { interrupted: *interrupted },
        }
    }
}

impl WireFact {
    fn into_fact(self) -> Result<Fact, Damage> {
        Ok(match self {
            Self::Began { unix_nano } => Fact::Began { unix_nano },
            Self::Tick {} => Fact::Tick,
            Self::Window(window) => Fact::Window(window.into_window()?),
            Self::LoadDone {} => Fact::LoadDone,
            Self::Process { name, change } => Fact::Process {
                name,
                change: match change {
                    WireProcess::Exited { how } => ProcessChange::Exited(how),
                    WireProcess::Restarted {} => ProcessChange::Restarted,
                    WireProcess::Lost { why } => ProcessChange::Lost(why),
                    WireProcess::Found {} => ProcessChange::Found,
                    WireProcess::Sampled {} => ProcessChange::Sampled,
                },
            },
            Self::FaultByHand(fault) => Fact::FaultByHand(fault.into_fault()?),
            Self::Fault { index, change } => Fact::Fault {
                index,
                change: match change {
                    WireFault::Started {} => FaultChange::Started,
                    WireFault::CutShort {} => FaultChange::CutShort,
                    WireFault::Ended {} => FaultChange::Ended,
                    WireFault::Failed { why } => FaultChange::Failed(why),
                    WireFault::Touched { requests } => FaultChange::Touched(requests),
                },
            },
            Self::Hop { hop, second, errors, duration_us } => {
                Fact::Hop(HopSpans { hop, second, errors, durations: duration_us.into_samples()? })
            }
            Self::Edge { from, to } => Fact::Edge { from: from.into(), to: to.into() },
            Self::Calls { from, to, second, errors, duration_us } => {
                Fact::Calls(EdgeCalls { from, to, second, errors, durations: duration_us.into_samples()? })
            }
            Self::Breakdowns(all) => Fact::Breakdowns(all.into_breakdowns()?),
            Self::Pool { service, used, idle, pending, max } => Fact::Pool(Pool { service, used, idle, pending, max }),
            Self::Database(sample) => Fact::Database(sample.into_sample()?),
            Self::Scraped { series } => Fact::Scraped(series.into_iter().map(WireScraped::into_series).collect()),
            Self::Telemetry { services } => Fact::Telemetry(services.into_iter().map(WireSignals::into_signals).collect()),
            Self::Drops(drops) => Fact::Drops(drops.into()),
            Self::Flaws { flaws } => Fact::Flaws(flaws.into_iter().map(WireFlaw::into_flaw).collect::<Result<_, Damage>>()?),
            Self::Control { change } => Fact::Control {
                change: match change {
                    WireControl::Rate { factor } if (Pace::SLOWEST..=Pace::FASTEST).contains(&factor) => Control::Rate(factor),
                    WireControl::Rate { .. } => return Err("nobody can set such a rate"),
                    WireControl::Paused {} => Control::Paused,
                    WireControl::Resumed {} => Control::Resumed,
                },
            },
            Self::Expectation { index, found } => Fact::Expectation {
                index,
                found: match found {
                    WireFound::Counted { count, examples } => Found::Counted { count, examples: examples_of(&examples)? },
                    WireFound::Unclear { why } => Found::Unclear(why),
                    WireFound::Skipped { why } => Found::Skipped(why),
                },
            },
            Self::LabUsage { cpu_seconds } => Fact::LabUsage { cpu: duration(cpu_seconds)? },
            Self::LabCores { cores } => Fact::LabCores(cores),
            Self::LabDelay { load_us, run_us } => Fact::LabDelay(LabDelay { load: load_us.into_samples()?, run: run_us.into_samples()? }),
            Self::Broke { threshold } => Fact::Broke { threshold },
            Self::Aborted { threshold } => Fact::Aborted { threshold },
            Self::Finished { interrupted } => Fact::Finished { interrupted },
        })
    }
}

fn examples_of(ids: &[String]) -> Result<Vec<TraceId>, Damage> {
    ids.iter().take(EXAMPLES).map(|id| TraceId::parse(id).ok_or("a trace ID is none")).collect()
}

/// To the nanosecond, which a double has for the first weeks of a run.
fn duration(seconds: f64) -> Result<Duration, Damage> {
    Duration::try_from_secs_f64(seconds).ok().filter(|at| *at <= LONGEST_RUN).ok_or("a time in it is none, or later than any run lasts")
}
