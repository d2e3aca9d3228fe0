//! A line of the stream. A new kind of fact does not compile until it has a form here: a variant, and an arm in each of the matches.

mod breakdown;
mod database;
mod fault;
mod reason;

use std::time::Duration;

use breakdown::WireBreakdowns;
use lab_facts::event::{
    Cell, Control, Drops, EXAMPLES, EdgeCalls, Event, Exemplar, Fact, FaultChange, Flaw, FlawKind, Found, HopSpans, LabDelay, LoadWindow,
    Outcome, Pace, Pool, ProcessChange, Samples, ScrapedSeries, ScrapedValue, ServiceSignals, TraceId,
};
use lab_facts::trace::Trace;
use serde::{Deserialize, Serialize};

use super::bounds::LONGEST_RUN;
pub use database::WireDatabase;
use fault::WireFaultByHand;
use reason::WireReason;

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

#[derive(Debug, Serialize, Deserialize)]
struct WireScraped {
    series: usize,
    service: String,
    process: u64,
    value: Option<WireScrapedValue>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireScrapedValue {
    Number(f64),
    /// Buckets as upper bound, null for all of them, and count.
    Histogram {
        buckets: Vec<(Option<f64>, f64)>,
        sum: f64,
    },
}

#[derive(Debug, Serialize, Deserialize)]
struct WireWindow {
    load: usize,
    index: u64,
    offered: u32,
    dropped: u32,
    lag_us: WireSamples,
    cells: Vec<WireCell>,
    /// Older recordings do not tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<WireReason>,
    exemplars: Vec<WireExemplar>,
}

#[derive(Debug, Serialize, Deserialize)]
struct WireCell {
    request: usize,
    outcome: WireOutcome,
    response_time_us: WireSamples,
    service_time_us: WireSamples,
}

#[derive(Debug, Serialize, Deserialize)]
struct WireExemplar {
    request: usize,
    at: f64,
    response_time_us: u32,
    trace_id: String,
    outcome: WireOutcome,
    failed: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct WireSamples {
    values: Vec<(u32, u32)>,
    sum: u64,
    max: u32,
}

/// A status as a number, all else as a word.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum WireOutcome {
    Status(u16),
    Other(WireEnd),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireEnd {
    Timeout,
    ConnectionFailed,
    ConnectionBroken,
    Outlasted,
    Interrupted,
}

#[derive(Debug, Serialize, Deserialize)]
struct WireSignals {
    name: String,
    answered: u64,
    server_spans: u64,
    log_lines: u64,
    unsampled: u64,
    restarted: bool,
    silent: bool,
    #[serde(default)]
    foreign: bool,
    #[serde(default)]
    fed: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct WireDrops {
    evicted_traces: u64,
    evicted_spans: u64,
    evicted_log_lines: u64,
    refused_ids: u64,
    refused_too_large: u64,
    refused_log_records: u64,
    refused_data_points: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct WireFlaw {
    /// As the metric is called.
    kind: String,
    service: String,
    what: String,
    count: u64,
    examples: Vec<String>,
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

impl From<&ScrapedSeries> for WireScraped {
    fn from(scraped: &ScrapedSeries) -> Self {
        let ScrapedSeries { series, service, process, value } = scraped.clone();
        // JSON has no infinity, and what is no number at all is read as nothing.
        let value = value.and_then(|value| match value {
            ScrapedValue::Number(number) => number.is_finite().then_some(WireScrapedValue::Number(number)),
            ScrapedValue::Histogram(buckets, sum) => {
                let buckets = buckets.into_iter().map(|(bound, count)| (bound.is_finite().then_some(bound), count)).collect();
                sum.is_finite().then_some(WireScrapedValue::Histogram { buckets, sum })
            }
        });
        Self { series, service, process, value }
    }
}

impl WireScraped {
    fn into_series(self) -> ScrapedSeries {
        let Self { series, service, process, value } = self;
        let value = value.map(|value| match value {
            WireScrapedValue::Number(number) => ScrapedValue::Number(number),
            WireScrapedValue::Histogram { buckets, sum } => {
                ScrapedValue::Histogram(buckets.into_iter().map(|(bound, count)| (bound.unwrap_or(f64::INFINITY), count)).collect(), sum)
            }
        });
        ScrapedSeries { series, service, process, value }
    }
}

impl From<&LoadWindow> for WireWindow {
    fn from(window: &LoadWindow) -> Self {
        let LoadWindow { load, index, offered, dropped, lag, cells, reasons, exemplars } = window;
        let cells = cells.iter().map(|Cell { request, outcome, response_time, service_time }| WireCell {
            request: *request,
            outcome: (*outcome).into(),
            response_time_us: response_time.into(),
            service_time_us: service_time.into(),
        });
        // An exemplar is of its window's load.
        let exemplars = exemplars.iter().map(|Exemplar { load: _, request, at, micros, trace_id, outcome, failed }| WireExemplar {
            request: *request,
            at: at.as_secs_f64(),
            response_time_us: *micros,
            trace_id: trace_id.to_string(),
            outcome: (*outcome).into(),
            failed: *failed,
        });
        Self {
            load: *load,
            index: *index,
            offered: *offered,
            dropped: *dropped,
            lag_us: lag.into(),
            cells: cells.collect(),
            reasons: reasons.iter().map(WireReason::from).collect(),
            exemplars: exemplars.collect(),
        }
    }
}

impl WireWindow {
    fn into_window(self) -> Result<LoadWindow, Damage> {
        let Self { load, index, offered, dropped, lag_us, cells, reasons, exemplars } = self;
        let cell = |WireCell { request, outcome, response_time_us, service_time_us }| {
            let (response_time, service_time) = (WireSamples::into_samples(response_time_us)?, WireSamples::into_samples(service_time_us)?);
            Ok(Cell { request, outcome: outcome.into(), response_time, service_time })
        };
        let exemplar = |WireExemplar { request, at, response_time_us: micros, trace_id, outcome, failed }| {
            let trace_id = TraceId::parse(&trace_id).ok_or("a trace ID is none")?;
            Ok(Exemplar { load, request, at: duration(at)?, micros, trace_id, outcome: outcome.into(), failed })
        };
        Ok(LoadWindow {
            load,
            index,
            offered,
            dropped,
            lag: lag_us.into_samples()?,
            cells: cells.into_iter().map(cell).collect::<Result<_, Damage>>()?,
            reasons: reasons.into_iter().map(WireReason::into).collect(),
            exemplars: exemplars.into_iter().map(exemplar).collect::<Result<_, Damage>>()?,
        })
    }
}

impl From<&Samples> for WireSamples {
    fn from(samples: &Samples) -> Self {
        Self { values: samples.pairs().to_vec(), sum: samples.sum(), max: samples.max() }
    }
}

impl WireSamples {
    fn into_samples(self) -> Result<Samples, Damage> {
        Samples::from_parts(self.values, self.sum, self.max).ok_or("its values, their sum and the largest do not belong together")
    }
}

impl From<Outcome> for WireOutcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Status(status) => Self::Status(status),
            Outcome::Timeout => Self::Other(WireEnd::Timeout),
            Outcome::ConnectionFailed => Self::Other(WireEnd::ConnectionFailed),
            Outcome::ConnectionBroken => Self::Other(WireEnd::ConnectionBroken),
            Outcome::Outlasted => Self::Other(WireEnd::Outlasted),
            Outcome::Interrupted => Self::Other(WireEnd::Interrupted),
        }
    }
}

impl From<WireOutcome> for Outcome {
    fn from(outcome: WireOutcome) -> Self {
        match outcome {
            WireOutcome::Status(status) => Self::Status(status),
            WireOutcome::Other(WireEnd::Timeout) => Self::Timeout,
            WireOutcome::Other(WireEnd::ConnectionFailed) => Self::ConnectionFailed,
            WireOutcome::Other(WireEnd::ConnectionBroken) => Self::ConnectionBroken,
            WireOutcome::Other(WireEnd::Outlasted) => Self::Outlasted,
            WireOutcome::Other(WireEnd::Interrupted) => Self::Interrupted,
        }
    }
}

impl From<&ServiceSignals> for WireSignals {
    fn from(signals: &ServiceSignals) -> Self {
        let ServiceSignals { name, answered, server_spans, log_lines, unsampled, restarted, silent, foreign, fed } = signals.clone();
        Self { name, answered, server_spans, log_lines, unsampled, restarted, silent, foreign, fed }
    }
}

impl WireSignals {
    fn into_signals(self) -> ServiceSignals {
        let Self { name, answered, server_spans, log_lines, unsampled, restarted, silent, foreign, fed } = self;
        ServiceSignals { name, answered, server_spans, log_lines, unsampled, restarted, silent, foreign, fed }
    }
}

impl From<&Drops> for WireDrops {
    fn from(drops: &Drops) -> Self {
        let Drops {
            evicted_traces,
            evicted_spans,
            evicted_log_lines,
            refused_ids,
            refused_too_large,
            refused_log_records,
            refused_data_points,
        } = *drops;
        Self { evicted_traces, evicted_spans, evicted_log_lines, refused_ids, refused_too_large, refused_log_records, refused_data_points }
    }
}

impl From<WireDrops> for Drops {
    fn from(drops: WireDrops) -> Self {
        let WireDrops {
            evicted_traces,
            evicted_spans,
            evicted_log_lines,
            refused_ids,
            refused_too_large,
            refused_log_records,
            refused_data_points,
        } = drops;
        Self { evicted_traces, evicted_spans, evicted_log_lines, refused_ids, refused_too_large, refused_log_records, refused_data_points }
    }
}

impl From<&Flaw> for WireFlaw {
    fn from(flaw: &Flaw) -> Self {
        let Flaw { kind, service, what, count, examples } = flaw.clone();
        Self { kind: kind.metric().to_owned(), service, what, count, examples: examples.iter().map(TraceId::to_string).collect() }
    }
}

impl WireFlaw {
    fn into_flaw(self) -> Result<Flaw, Damage> {
        let Self { kind, service, what, count, examples } = self;
        let kind = FlawKind::of_metric(&kind).ok_or("it is of a flaw that nobody knows")?;
        Ok(Flaw { kind, service, what, count, examples: examples_of(&examples)? })
    }
}

fn examples_of(ids: &[String]) -> Result<Vec<TraceId>, Damage> {
    ids.iter().take(EXAMPLES).map(|id| TraceId::parse(id).ok_or("a trace ID is none")).collect()
}

/// To the nanosecond, which a double has for the first weeks of a run.
fn duration(seconds: f64) -> Result<Duration, Damage> {
    Duration::try_from_secs_f64(seconds).ok().filter(|at| *at <= LONGEST_RUN).ok_or("a time in it is none, or later than any run lasts")
}
