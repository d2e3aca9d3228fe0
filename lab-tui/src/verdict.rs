//! What a run says about its promises: a pure function of the plan and the model.

use crate::event::Outcome;
use crate::exit::Exit;
use crate::model::{Distribution, Model};
use crate::scenario::{Aggregate, Metric, Plan, Selector, Threshold};

/// When 99 of 100 requests may leave this late, a slow lab can no longer be told from a slow system.
const BOTTLENECK_LAG_MS: f64 = 100.0;

/// The judgement of a run.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// In one word.
    pub word: Word,
    /// Each threshold with the value it was judged by.
    pub thresholds: Vec<Judged>,
    /// Why the lab itself was the bottleneck, where it was.
    pub bottleneck: Option<String>,
    /// How the command should end.
    pub exit: Exit,
}

/// A verdict in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    /// Every promise was kept.
    Pass,
    /// One was broken.
    Fail,
    /// Nothing can be said.
    Inconclusive,
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
}

/// Judges a run that has ended, or as far as it has come.
pub fn judge(plan: &Plan, model: &Model) -> Verdict {
    let thresholds: Vec<Judged> = plan.thresholds.iter().map(|threshold| judge_one(threshold, model)).collect();
    let bottleneck = bottleneck(model);
    let word = if bottleneck.is_some() {
        Word::Inconclusive
    } else if thresholds.iter().all(|judged| judged.ok) {
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
    Verdict { word, thresholds, bottleneck, exit }
}

/// From the intended to the actual send, over all loads.
pub fn schedule_lag(model: &Model) -> Distribution {
    let mut lag = Distribution::default();
    for load in model.loads() {
        lag.merge(&load.lag);
    }
    lag
}

fn bottleneck(model: &Model) -> Option<String> {
    let p99 = schedule_lag(model).percentile(99.0)?;
    (p99 > BOTTLENECK_LAG_MS).then(|| format!("the lab sent late: schedule lag p(99) was {p99:.0} ms"))
}

fn judge_one(threshold: &Threshold, model: &Model) -> Judged {
    let value = value(&threshold.selector, threshold.aggregate, model);
    let ok = value.is_some_and(|value| threshold.comparison.holds(value, threshold.bound));
    Judged { threshold: threshold.clone(), value, ok }
}

fn value(selector: &Selector, aggregate: Aggregate, model: &Model) -> Option<f64> {
    match selector.metric {
        Metric::HttpReqDuration => trend(selector, aggregate, model, |latency| &latency.response),
        Metric::HttpReqServiceTime => trend(selector, aggregate, model, |latency| &latency.service),
        Metric::ScheduleLag => {
            let mut lag = Distribution::default();
            of_load(selector, model).for_each(|load| lag.merge(&load.lag));
            of_distribution(&lag, aggregate)
        }
        Metric::HttpReqFailed => {
            let (mut all, mut failed) = (0, 0);
            for (load, request, outcome, latency) in sent(selector, model) {
                all += latency.response.count();
                failed += if model.is_expected(load, request, outcome) { 0 } else { latency.response.count() };
            }
            (all > 0).then(|| number(failed) / number(all))
        }
        Metric::HttpReqs => counter(model.requests(selector).map(|(.., latency)| latency.response.count()).sum(), aggregate, model),
        Metric::DroppedIterations => counter(of_load(selector, model).map(|load| load.dropped).sum(), aggregate, model),
        Metric::TelemetryLoss => counter(model.telemetry_loss(), aggregate, model),
    }
}

/// Requests that were given the time to end; those cut off by the user say nothing about the system.
fn sent<'m>(selector: &'m Selector, model: &'m Model) -> impl Iterator<Item = (usize, usize, Outcome, &'m crate::model::Latency)> {
    model.requests(selector).filter(|(_, _, outcome, _)| *outcome != Outcome::Interrupted)
}

fn trend<'m>(
    selector: &'m Selector,
    aggregate: Aggregate,
    model: &'m Model,
    which: impl Fn(&'m crate::model::Latency) -> &'m Distribution,
) -> Option<f64> {
    let mut all = Distribution::default();
    for (.., latency) in sent(selector, model) {
        all.merge(which(latency));
    }
    of_distribution(&all, aggregate)
}

fn of_distribution(distribution: &Distribution, aggregate: Aggregate) -> Option<f64> {
    match aggregate {
        Aggregate::Avg => distribution.mean(),
        Aggregate::Min => distribution.min(),
        Aggregate::Med => distribution.percentile(50.0),
        Aggregate::Max => distribution.max(),
        Aggregate::Percentile(percentile) => distribution.percentile(percentile),
        Aggregate::Rate | Aggregate::Count => None,
    }
}

/// Counters start at 0, so that "none at all" can be promised.
fn counter(count: u64, aggregate: Aggregate, model: &Model) -> Option<f64> {
    match aggregate {
        Aggregate::Count => Some(number(count)),
        Aggregate::Rate => {
            let seconds = model.elapsed(model.plan().duration()).as_secs_f64();
            (seconds > 0.0).then(|| number(count) / seconds)
        }
        _ => None,
    }
}

fn of_load<'m>(selector: &'m Selector, model: &'m Model) -> impl Iterator<Item = &'m crate::model::LoadState> {
    let wanted = |name: &str| selector.load.as_ref().is_none_or(|load| load == name);
    model.plan().loads.iter().zip(model.loads()).filter(move |(load, _)| wanted(&load.name)).map(|(_, state)| state)
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
