//! What a run says about its promises: a pure function of the plan and the model.

mod abort;
mod bottleneck;
mod breaks;
mod expectation;
mod unanswered;

use crate::event::{Outcome, ProcessChange};
use crate::exit::Exit;
use crate::model::{Distribution, FaultState, Latency, LoadState, Model, SeriesTotals};
pub use crate::scenario::Word;
use crate::scenario::{Aggregate, Metric, Plan, Scope, Selector, Threshold};

pub use abort::abort;
use bottleneck::bottleneck;
pub use breaks::Breaks;
pub use expectation::{JudgedExpectation, Standing};
use unanswered::unanswered;

/// The judgement of a run.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// In one word.
    pub word: Word,
    /// Each threshold with the value it was judged by.
    pub thresholds: Vec<Judged>,
    /// Each expectation, in the plan's order.
    pub expectations: Vec<JudgedExpectation>,
    /// Why the lab itself was the bottleneck, where it was.
    pub bottleneck: Option<String>,
    /// Why nothing can be said: the bottleneck, faults that were not there as planned, a system that never answered. Empty where
    /// something can.
    pub inconclusive: Vec<String>,
    /// The scenario's own services that ended by themselves, and how; the first end of each.
    pub crashed: Vec<(String, String)>,
    /// How the command should end.
    pub exit: Exit,
}

/// One threshold and what became of it.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The promise.
    pub threshold: Threshold,
    /// Milliseconds, a share or a number, as the metric has it. `None` without samples.
    pub value: Option<f64>,
    /// Whether it was kept; never without samples.
    pub ok: bool,
    /// It is about a metric that no service has, or none with such labels.
    pub absent: bool,
}

/// Judges a run that has ended, or as far as it has come.
pub fn judge(plan: &Plan, model: &Model) -> Verdict {
    let mut thresholds: Vec<Judged> = plan.thresholds.iter().map(|threshold| judge_one(threshold, model)).collect();
    // What the last answers made of it does not mend the promise that ended the run.
    if let Some(judged) = model.aborted().and_then(|(_, threshold)| thresholds.get_mut(threshold)) {
        judged.ok = false;
    }
    let expectations = expectation::judge(plan, model);
    let bottleneck = bottleneck(model);
    // What the viewer does is no promise of the plan's: a fault by hand that failed, or touched nothing, is told and judged by nobody.
    let planned = || model.faults().iter().filter(|state| !state.by_hand);
    let failed = planned().filter_map(|state| Some((&state.fault, state.not_as_wanted()?)));
    let mut inconclusive: Vec<String> = bottleneck.iter().cloned().collect();
    inconclusive.extend(failed.map(|(fault, why)| format!("the fault `{}` was not there as planned: {why}", fault.name)));
    inconclusive.extend(untouched(model, planned()));
    inconclusive.extend(expectations.iter().filter_map(JudgedExpectation::unclear));
    let all_kept = thresholds.iter().all(|judged| judged.ok) && expectations.iter().all(|judged| judged.standing != Standing::Broken);
    // What is broken stays so, and tells more.
    if all_kept && is_whole(model) {
        inconclusive.extend(unanswered(model));
    }
    let crashed = crashed(plan, model);
    // That a program ended is certain, whatever else can be said.
    let word = if !crashed.is_empty() {
        Word::Fail
    } else if !inconclusive.is_empty() {
        Word::Inconclusive
    } else if all_kept {
        Word::Pass
    } else {
        Word::Fail
    };
    let exit = match word {
        _ if model.finished().is_some_and(|end| end.interrupted) => Exit::Interrupted,
        Word::Pass => Exit::Kept,
        Word::Fail => Exit::Broken,
        Word::Inconclusive => Exit::Inconclusive,
    };
    Verdict { word, thresholds, expectations, bottleneck, inconclusive, crashed, exit }
}

fn crashed(plan: &Plan, model: &Model) -> Vec<(String, String)> {
    let end_of = |name: &String| {
        let ends = model.processes().filter(|(_, process, _)| process == name);
        ends.into_iter().find_map(|(_, _, change)| if let ProcessChange::Exited(how) = change { Some(how.clone()) } else { None })
    };
    plan.services.iter().filter_map(|service| Some((service.name.clone(), end_of(&service.name)?))).collect()
}

/// A run that was cut short gave nobody the time; one that still goes on may.
fn is_whole(model: &Model) -> bool {
    model.aborted().is_none() && model.finished().is_some_and(|end| !end.interrupted)
}

/// Faults that nothing met, or that the run was too short for: whatever was promised of them, or outside of them, nothing was tried.
fn untouched<'m>(model: &Model, faults: impl Iterator<Item = &'m FaultState>) -> impl Iterator<Item = String> {
    let is_whole = is_whole(model);
    let each = faults.filter(|state| state.not_as_wanted().is_none()).map(|state| (&state.fault, state));
    each.filter_map(move |(fault, state)| match (state.started, state.ended, state.touched) {
        (Some(from), Some(to), Some(0)) => {
            let (from, to) = (from.as_secs_f64(), to.as_secs_f64());
            Some(format!("the fault `{}` touched nothing: {} from {from:.1} s to {to:.1} s", fault.name, fault.kind.untouched()))
        }
        (None, ..) => Some(format!("the fault `{}` had not begun when the load was over", fault.name)),
        _ => None,
    })
    .filter(move |_| is_whole)
}

/// From the intended to the actual send, over all loads.
pub fn schedule_lag(model: &Model) -> Distribution {
    let mut lag = Distribution::default();
    for load in model.loads() {
        lag.merge(&load.lag);
    }
    lag
}

fn judge_one(threshold: &Threshold, model: &Model) -> Judged {
    let samples = Samples { model, selector: &threshold.selector, scope: threshold.scope.as_ref() };
    let value = samples.value(threshold.aggregate);
    let ok = value.is_some_and(|value| threshold.comparison.holds(value, threshold.bound));
    let totals = threshold.selector.series.as_ref().and_then(|series| model.series_in(series, None));
    let absent = totals.is_some_and(|totals| !totals.appeared);
    Judged { threshold: threshold.clone(), value, ok, absent }
}

/// What a promise is about: those of the model's samples that its selector lets through and that lie in its scope.
#[derive(Clone, Copy)]
struct Samples<'m> {
    model: &'m Model,
    selector: &'m Selector,
    scope: Option<&'m Scope>,
}

impl<'m> Samples<'m> {
    fn value(self, aggregate: Aggregate) -> Option<f64> {
        match self.selector.metric {
            Metric::HttpReqDuration => self.trend(aggregate, |latency| &latency.response),
            Metric::HttpReqServiceTime => self.trend(aggregate, |latency| &latency.service),
            Metric::ScheduleLag => {
                let mut lag = Distribution::default();
                self.loads().for_each(|load| lag.merge(&load.lag));
                of_distribution(&lag, aggregate)
            }
            Metric::HttpReqFailed => {
                let (mut all, mut failed) = (0, 0);
                for (load, request, outcome, latency) in self.sent() {
                    all += latency.response.count();
                    failed += if self.model.is_expected(load, request, outcome) { 0 } else { latency.response.count() };
                }
                (all > 0).then(|| number(failed) / number(all))
            }
            Metric::HttpReqs => self.counter(self.ended().map(|(.., latency)| latency.response.count()).sum(), aggregate),
            Metric::DroppedIterations => self.counter(self.loads().map(|load| load.dropped).sum(), aggregate),
            Metric::TelemetryLoss => self.counter(self.model.telemetry_loss(), aggregate),
            Metric::Flaws(kind) => self.counter(self.model.flaws_of(kind), aggregate),
            // Services expose seconds; the lab's own trends are in milliseconds.
            Metric::PoolWait => self.of_series(aggregate).map(|seconds| seconds * 1000.0),
            Metric::PoolPending | Metric::PoolUsed | Metric::PoolIdle | Metric::PoolMax | Metric::Scraped => self.of_series(aggregate),
        }
    }

    fn loads(self) -> impl Iterator<Item = &'m LoadState> {
        let wanted = move |name: &str| self.selector.load.as_ref().is_none_or(|load| load == name);
        let loads = self.model.plan().loads.iter().zip(self.model.loads_in(self.scope));
        loads.filter(move |(load, _)| wanted(&load.name)).map(|(_, state)| state)
    }

    fn ended(self) -> impl Iterator<Item = (usize, usize, Outcome, &'m Latency)> {
        self.model.requests(self.model.loads_in(self.scope), self.selector)
    }

    /// Requests that were given the time to end; those cut off by the user say nothing about the system.
    fn sent(self) -> impl Iterator<Item = (usize, usize, Outcome, &'m Latency)> {
        self.ended().filter(|(_, _, outcome, _)| *outcome != Outcome::Interrupted)
    }

    fn trend(self, aggregate: Aggregate, which: impl Fn(&'m Latency) -> &'m Distribution) -> Option<f64> {
        let mut all = Distribution::default();
        for (.., latency) in self.sent() {
            all.merge(which(latency));
        }
        of_distribution(&all, aggregate)
    }

    /// Counters start at 0, so that "none at all" can be promised.
    fn counter(self, count: u64, aggregate: Aggregate) -> Option<f64> {
        match aggregate {
            Aggregate::Count => Some(number(count)),
            Aggregate::Rate => self.per_second(number(count)),
            _ => None,
        }
    }

    fn per_second(self, count: f64) -> Option<f64> {
        let seconds = self.model.elapsed_in(self.model.due_of_all(), self.scope).as_secs_f64();
        (seconds > 0.0).then(|| count / seconds)
    }

    /// A metric that no service has is nothing, not even 0.
    fn of_series(self, aggregate: Aggregate) -> Option<f64> {
        let series = self.selector.series.as_ref()?;
        let totals: &SeriesTotals = self.model.series_in(series, self.scope).filter(|totals| totals.appeared)?;
        match aggregate {
            Aggregate::Count => Some(totals.increase),
            Aggregate::Rate => self.per_second(totals.increase),
            Aggregate::Value => totals.gauge.map(|gauge| gauge.last),
            Aggregate::Min => totals.gauge.map(|gauge| gauge.min),
            Aggregate::Max => totals.gauge.map(|gauge| gauge.max),
            Aggregate::Avg => totals.gauge.map(|gauge| gauge.sum / gauge.readings).or_else(|| totals.mean()),
            Aggregate::Med => totals.percentile(50.0),
            Aggregate::Percentile(percentile) => totals.percentile(percentile),
        }
    }
}

fn of_distribution(distribution: &Distribution, aggregate: Aggregate) -> Option<f64> {
    match aggregate {
        Aggregate::Avg => distribution.mean(),
        Aggregate::Min => distribution.min(),
        Aggregate::Med => distribution.percentile(50.0),
        Aggregate::Max => distribution.max(),
        Aggregate::Percentile(percentile) => distribution.percentile(percentile),
        Aggregate::Rate | Aggregate::Count | Aggregate::Value => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
