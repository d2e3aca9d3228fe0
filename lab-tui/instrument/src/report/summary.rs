//! The figures of a run, as the JSON report has them. Times are in milliseconds; what has no samples is null.
//!
//! The comments are the descriptions in `docs/summary.schema.json`, which a test in [`super::schema`] keeps equal to them.

use lab_facts::event::{Drops, FlawKind, TraceId};
use lab_facts::exit::Exit;
use lab_facts::explain::{self, Explanation};
use lab_facts::format::number;
use lab_facts::model::Model;
use lab_facts::verdict::{self, Verdict, Word};
use serde::Serialize;

use super::calls::{CallSummary, calls};
use super::control::{ControlSummary, controls};
use super::load::{LoadSummary, load_summary};
use super::{ExpectationSummary, TraceLink};
use crate::compare::{self, Comparison};
use crate::stack::Endpoints;

/// Raised when a field changes its meaning or goes away.
const FORMAT: u32 = 1;

/// A run in figures.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Summary<'a> {
    /// Of this shape: 1. Raised when a field changes its meaning or goes away.
    pub format: u32,
    /// Name of the scenario: its file without folder and ending.
    pub scenario: &'a str,
    /// Title of the scenario.
    pub title: &'a str,
    /// The seed that fixed the draws of the load.
    pub seed: u32,
    /// `pass`, `fail` or `inconclusive`.
    pub verdict: Word,
    /// What the scenario's author means it to reach.
    pub intended_verdict: Word,
    /// Whether it did, and nobody cut it short.
    pub as_intended: bool,
    /// What the command exits with, were this its only run: 0 kept, 98 inconclusive, 99 broken, 105 interrupted.
    #[cfg_attr(test, schemars(with = "u8"))]
    pub exit_code: Exit,
    /// Whether it was still on when this was told, as `lab status` does.
    pub running: bool,
    /// Whether the user cut it short.
    pub interrupted: bool,
    /// The broken promise that ended the run early, and when, as in `http_req_failed rate<0.1 at 3.5 s`; null when none did.
    pub aborted_by: Option<String>,
    /// From the first arrival to the last answer, in seconds.
    pub duration_seconds: f64,
    /// Each load, in the scenario's order.
    pub loads: Vec<LoadSummary<'a>>,
    /// Each threshold, in the scenario's order.
    pub thresholds: Vec<ThresholdSummary>,
    /// What the telemetry had to say, in the scenario's order.
    pub expectations: Vec<ExpectationSummary>,
    /// The slowest requests, slowest first; at most five.
    pub slowest_traces: Vec<SlowTrace>,
    /// Whether the signals reconcile.
    pub telemetry: Telemetry<'a>,
    /// The programs that the scenario brings along.
    pub services: Vec<OwnService<'a>>,
    /// What became of each fault, in the scenario's order; then of those that were begun by hand.
    pub faults: Vec<FaultSummary<'a>>,
    /// Why nothing can be said; empty unless the verdict is `inconclusive` or the run was interrupted.
    pub inconclusive: Vec<String>,
    /// Processes of the stack that ended unasked or came back, in order of time.
    pub processes: Vec<ProcessSummary>,
    /// What the user made of the pace while it ran.
    pub controls: Vec<ControlSummary>,
    /// The lab's view of itself.
    pub lab: Lab,
    /// Who calls whom, as spans tell.
    pub calls: Vec<CallSummary>,
    /// What tells slow and failed requests from the others, and where the milliseconds go.
    pub explanation: Explanation,
    /// Where everything was.
    pub endpoints: &'a Endpoints,
    /// The run against `--baseline`; left out without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
}

/// One threshold.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ThresholdSummary {
    /// The metric with its tags, as in `http_req_duration{load:db}`.
    pub metric: String,
    /// The promise as it was written, as in `p(95)<50`.
    pub expression: String,
    /// Which part of the run it is about, such as `outside table locked`; null for all of it.
    pub scope: Option<String>,
    /// What it was judged by: milliseconds for a trend, a share from 0 to 1 for a rate, a number for a counter; null without samples.
    pub value: Option<f64>,
    /// The metric never appeared: no service has it, or none with such labels.
    pub absent: bool,
    /// Whether it was kept; never without samples.
    pub ok: bool,
}

impl ThresholdSummary {
    /// As in `http_req_duration p(95)<50 outside table locked`.
    pub fn promise(&self) -> String {
        let scope = self.scope.as_ref().map_or(String::new(), |scope| format!(" {scope}"));
        format!("{} {}{scope}", self.metric, self.expression)
    }

    /// What stands in place of a value that there is none of.
    pub fn without_value(&self) -> &'static str {
        if self.absent { "never appeared" } else { "no samples" }
    }

    /// Why it is broken, in one sentence, where it is.
    pub fn broken(&self) -> Option<String> {
        if self.ok {
            return None;
        }
        Some(match self.value {
            Some(value) => format!("{} is broken: it was {}", self.promise(), number(value)),
            None if self.absent => format!("{} is broken: no service has such a metric; it never appeared", self.promise()),
            None => format!("{} is broken: there were no samples", self.promise()),
        })
    }
}

/// One slow request.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SlowTrace {
    /// The W3C trace ID: 32 hex digits.
    pub trace_id: String,
    /// From the intended start to the last byte, in milliseconds.
    pub ms: f64,
    /// A status, or the kind of error.
    pub outcome: String,
    /// Where it can be looked at; null where no address was given.
    pub url: Option<String>,
}

/// Whether the signals reconcile.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Telemetry<'a> {
    /// Each service.
    pub services: Vec<ServiceSummary<'a>>,
    /// Spans and log lines missing or in excess, over all services.
    pub loss: u64,
    /// Spans whose parent never came in; 0 where that is expected, as are all of these.
    pub orphan_spans: u64,
    /// Spans whose parent cannot be one, or that lack the one that called them.
    pub broken_parents: u64,
    /// Log lines of requests without a trace ID.
    pub logs_without_trace: u64,
    /// Log lines of traces of which no span came in.
    pub logs_of_unknown_trace: u64,
    /// Attributes that semantic conventions require and that are missing or misnamed.
    pub semconv_violations: u64,
    /// All of these, by service.
    pub flaws: Vec<FlawSummary<'a>>,
    /// What the lab could not keep of the run's telemetry.
    pub drops: &'a Drops,
    /// What became of the backends that the lab asked for the telemetry of what is attached, oldest first.
    pub backends: Vec<BackendNotice>,
}

/// What became of a backend.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BackendNotice {
    /// Since the start of the run, in seconds.
    pub at_seconds: f64,
    /// In words, such as `Tempo cannot be asked: it answers 502 Bad Gateway`.
    pub what: String,
}

/// Flaws of one kind of one service.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FlawSummary<'a> {
    /// The metric that counts it, such as `orphan_spans`.
    pub metric: &'static str,
    /// `service.name`.
    pub service: &'a str,
    /// What it is, such as `http.method instead of http.request.method`; empty where the metric says it all.
    pub what: &'a str,
    /// How many.
    pub count: u64,
    /// A service was replaced, and took the spans with it that others hang off: no wonder, and not counted above.
    pub expected: bool,
    /// Traces to look at; at most three.
    pub examples: Vec<String>,
}

/// Signals of one service.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ServiceSummary<'a> {
    /// `service.name`.
    pub name: &'a str,
    /// Requests answered, by its own counter; health and metrics requests are left out.
    pub answered: u64,
    /// SERVER spans received for the first time.
    pub server_spans: u64,
    /// Access log lines received.
    pub log_lines: u64,
    /// Spans and lines missing or in excess.
    pub loss: u64,
    /// Its process was replaced, so that what is missing is expected.
    pub restarted: bool,
    /// Answered without a trace because the caller or the sampler decided so: no loss.
    pub unsampled: u64,
    /// It did not say what it answered, or is not the lab's own, so that nobody knows how it counts.
    pub silent: bool,
    /// Whether one of its signals could be held against another; where not, its loss is 0.
    pub reconciled: bool,
    /// Spans or log lines of it were asked for elsewhere, of a Tempo or a Loki: they are a sample, of which nothing can be missing.
    pub sampled: bool,
}

/// A program that the scenario brings along.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OwnService<'a> {
    /// From the scenario.
    pub name: &'a str,
    /// How it ended by itself while the run went on; null when it lived as long as it should.
    pub crashed: Option<String>,
}

impl OwnService<'_> {
    /// Why the run has failed, in one sentence, where it has by this.
    pub fn broken(&self) -> Option<String> {
        Some(format!("{} ended by itself: {}", self.name, self.crashed.as_ref()?))
    }
}

/// What became of a process.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProcessSummary {
    /// Since the start of the run, in seconds.
    pub at_seconds: f64,
    /// Name of the service, or `postgres`.
    pub name: String,
    /// How it ended; null when it came back.
    pub exited: Option<String>,
}

/// One fault.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FaultSummary<'a> {
    /// The fault's name in the scenario, or the one that it got where it was begun by hand.
    pub name: &'a str,
    /// Its kind, such as `db.lock`.
    pub kind: &'static str,
    /// What it does, in a few words.
    pub what: String,
    /// The user began it while the run went on; the scenario does not have it, and no verdict asks what became of it.
    pub by_hand: bool,
    /// When the system was really disturbed from, in seconds since the start of the run; null when it never was.
    pub started_s: Option<f64>,
    /// When that was undone, in seconds since the start of the run; null when it never was.
    pub ended_s: Option<f64>,
    /// Why it was not there as planned, or as it was wanted by hand; null when it was.
    pub failed: Option<String>,
    /// How many requests met it, for `db.lock` how many connections waited, for `dice.error_rate` how many rolls there were; null where
    /// that is not known.
    pub touched: Option<u64>,
}

/// The lab's view of itself.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Lab {
    /// From the intended to the actual send: the median, in milliseconds.
    pub schedule_lag_p50_ms: Option<f64>,
    /// The 99th percentile of the same, in milliseconds.
    pub schedule_lag_p99_ms: Option<f64>,
    /// The largest of the same, in milliseconds.
    pub schedule_lag_max_ms: Option<f64>,
    /// Processor time of the lab's own process, user and system, in seconds.
    pub cpu_seconds: f64,
    /// The share of all processors that this was, 0 to 1.
    pub cpu_share: Option<f64>,
    /// How many processors it could use.
    pub cores: u32,
    /// How late the loop was that sends requests and takes their answers.
    pub load_loop_delay_p99_ms: Option<f64>,
    /// How late the loop was that walks the scenario.
    pub loop_delay_p99_ms: Option<f64>,
    /// Why the lab was the bottleneck; null when it was not.
    pub bottleneck: Option<String>,
}

impl<'a> Summary<'a> {
    /// Gathers the figures.
    pub fn new(scenario: &'a str, model: &'a Model, verdict: &Verdict, endpoints: &'a Endpoints, link: Option<&TraceLink>) -> Self {
        let plan = model.plan();
        let lag = verdict::schedule_lag(model);
        Self {
            format: FORMAT,
            scenario,
            title: &plan.title,
            seed: plan.seed,
            verdict: verdict.word,
            intended_verdict: plan.intended,
            as_intended: verdict.word == plan.intended && model.finished().is_some_and(|end| !end.interrupted),
            exit_code: verdict.exit,
            running: model.finished().is_none(),
            interrupted: model.finished().is_some_and(|end| end.interrupted),
            aborted_by: aborted_by(verdict, model),
            duration_seconds: model.now().as_secs_f64(),
            loads: (0..plan.loads.len()).map(|load| load_summary(load, model)).collect(),
            thresholds: verdict.thresholds.iter().map(|judged| threshold_summary(judged, model)).collect(),
            expectations: verdict.expectations.iter().map(|judged| ExpectationSummary::new(judged, model)).collect(),
            slowest_traces: slowest(model, link),
            telemetry: telemetry(model),
            services: own_services(model, verdict),
            faults: faults(model),
            inconclusive: verdict.inconclusive.clone(),
            processes: processes(model),
            controls: controls(model),
            lab: Lab {
                schedule_lag_p50_ms: lag.percentile(50.0),
                schedule_lag_p99_ms: lag.percentile(99.0),
                schedule_lag_max_ms: lag.max(),
                cpu_seconds: model.lab().cpu.as_secs_f64(),
                cpu_share: model.lab().cpu_share(),
                cores: model.lab().cores,
                load_loop_delay_p99_ms: model.lab().load_delay.percentile(99.0),
                loop_delay_p99_ms: model.lab().run_delay.percentile(99.0),
                bottleneck: verdict.bottleneck.clone(),
            },
            calls: calls(model),
            explanation: explain::whole_run(model),
            endpoints,
            comparison: None,
        }
    }
}

impl Summary<'_> {
    /// Why the command does not end well although the run did, in a few words, where the comparison is why.
    pub fn regressed(&self) -> Option<String> {
        let worse = compare::worse(self.comparison.as_ref()?)?;
        (self.verdict == Word::Pass && !self.interrupted && self.exit_code != Exit::Kept).then_some(worse)
    }
}

fn aborted_by(verdict: &Verdict, model: &Model) -> Option<String> {
    let (at, threshold) = model.aborted()?;
    let judged = verdict.thresholds.get(threshold)?;
    Some(format!("{} at {:.1} s", threshold_summary(judged, model).promise(), at.as_secs_f64()))
}

fn threshold_summary(judged: &verdict::Judged, model: &Model) -> ThresholdSummary {
    let threshold = &judged.threshold;
    ThresholdSummary {
        metric: threshold.selector.source.clone(),
        expression: threshold.expression.clone(),
        scope: threshold.scope.as_ref().map(|scope| scope.words(model.plan())),
        value: judged.value,
        absent: judged.absent,
        ok: judged.ok,
    }
}

/// How many of the slowest requests a report names.
const SLOWEST: usize = 5;

fn slowest(model: &Model, link: Option<&TraceLink>) -> Vec<SlowTrace> {
    let each = model.slowest().iter().take(SLOWEST);
    each.map(|slow| SlowTrace {
        trace_id: slow.trace_id.to_string(),
        ms: f64::from(slow.micros) / 1000.0,
        outcome: slow.outcome.to_string(),
        url: link.map(|link| link.of(&slow.trace_id.to_string())),
    })
    .collect()
}

fn telemetry(model: &Model) -> Telemetry<'_> {
    let flaws = model.flaws().iter().map(|flaw| FlawSummary {
        metric: flaw.kind.metric(),
        service: &flaw.service,
        what: &flaw.what,
        count: flaw.count,
        expected: model.are_expected(flaw.kind),
        examples: flaw.examples.iter().map(TraceId::to_string).collect(),
    });
    Telemetry {
        services: services(model),
        loss: model.telemetry_loss(),
        orphan_spans: model.flaws_of(FlawKind::OrphanSpan),
        broken_parents: model.flaws_of(FlawKind::BrokenParent),
        logs_without_trace: model.flaws_of(FlawKind::LogWithoutTrace),
        logs_of_unknown_trace: model.flaws_of(FlawKind::LogOfUnknownTrace),
        semconv_violations: model.flaws_of(FlawKind::SemconvViolation),
        flaws: flaws.collect(),
        drops: model.drops(),
        backends: backends(model),
    }
}

fn backends(model: &Model) -> Vec<BackendNotice> {
    use lab_facts::event::ProcessChange::{Found, Lost, Sampled};
    let each = model.processes().filter(|(.., change)| matches!(change, Lost(_) | Found | Sampled));
    each.map(|(at, name, change)| BackendNotice { at_seconds: at.as_secs_f64(), what: change.told_of(name) }).collect()
}

fn services(model: &Model) -> Vec<ServiceSummary<'_>> {
    let each = model.services().iter();
    each.map(|service| ServiceSummary {
        name: &service.name,
        answered: service.answered,
        server_spans: service.server_spans,
        log_lines: service.log_lines,
        loss: service.loss(),
        restarted: service.restarted,
        unsampled: service.unsampled,
        silent: service.silent,
        reconciled: service.reconciles(),
        sampled: service.fed,
    })
    .collect()
}

fn own_services<'a>(model: &'a Model, verdict: &Verdict) -> Vec<OwnService<'a>> {
    let crashed = |name: &str| verdict.crashed.iter().find(|(crashed, _)| crashed == name).map(|(_, how)| how.clone());
    model.plan().services.iter().map(|service| OwnService { name: &service.name, crashed: crashed(&service.name) }).collect()
}

fn faults(model: &Model) -> Vec<FaultSummary<'_>> {
    let each = model.faults().iter();
    each.map(|state| FaultSummary {
        name: &state.fault.name,
        kind: state.fault.kind.name(),
        what: state.fault.to_string(),
        by_hand: state.by_hand,
        started_s: state.started.map(|at| at.as_secs_f64()),
        ended_s: state.ended.map(|at| at.as_secs_f64()),
        failed: state.not_as_wanted().map(str::to_owned),
        touched: state.touched,
    })
    .collect()
}

fn processes(model: &Model) -> Vec<ProcessSummary> {
    use lab_facts::event::ProcessChange::{Exited, Found, Lost, Restarted, Sampled};
    let each = model.processes().filter(|(.., change)| matches!(change, Exited(_) | Restarted));
    each.map(|(at, name, change)| ProcessSummary {
        at_seconds: at.as_secs_f64(),
        name: name.clone(),
        exited: match change {
            Exited(how) => Some(how.clone()),
            Restarted | Lost(_) | Found | Sampled => None,
        },
    })
    .collect()
}
