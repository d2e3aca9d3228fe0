//! What went on at the same time: faults, phases, loads, restarts; and what connection pools said.

use std::ops::Range;
use std::time::Duration;

use serde::Serialize;

use super::over_represented::{FEWEST, LEVEL};
use super::side::{Side, meet, under_way};
use super::statistics::{count, fisher, mean};
use crate::event::{Pool, ProcessChange};
use crate::model::Model;

/// How long after its return a process may still be felt.
const AFTERMATH: Duration = Duration::from_secs(2);
/// So many must wait on average, and so many times more than otherwise.
const WAITING: f64 = 1.0;
const TIMES: f64 = 3.0;

/// Something that lasted for a while, and in which more of the one side's requests were under way than of the other's.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Coincidence {
    /// `fault`, `phase`, `load` or `process`.
    pub kind: &'static str,
    /// The fault's, phase's, load's or process's name.
    pub name: String,
    /// What it was, in a few words.
    pub what: String,
    /// When it began, in seconds from the start of the run.
    pub from_seconds: f64,
    /// When it ended.
    pub to_seconds: f64,
    /// Requests of the subject that were under way meanwhile.
    pub subject: usize,
    /// Requests of the baseline that were.
    pub baseline: usize,
    /// Fisher's exact test, one-sided, times the number of things tested.
    pub p: f64,
}

/// A connection pool for which more requests waited.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PoolState {
    /// Whose pool.
    pub service: String,
    /// Requests that waited for a connection at the most, while the subject's requests were under way.
    pub pending_max: u32,
    /// On average.
    pub pending_mean: f64,
    /// On average in the time of the baseline.
    pub baseline_pending_mean: f64,
    /// Connections in use at the most, while the subject's requests were under way.
    pub used_max: u32,
    /// How many there may be.
    pub size_max: u32,
}

/// Something that lasted.
struct Stretch {
    kind: &'static str,
    name: String,
    what: String,
    when: Range<Duration>,
}

/// What coincides with the subject, the least likely first.
pub(super) fn coincidences(subject: &Side<'_>, baseline: &Side<'_>) -> Vec<Coincidence> {
    let stretches = stretches(subject.model);
    let tested = count(stretches.len());
    // Of another run, what is called the same.
    let same = |stretch: &Stretch| {
        let others = self::stretches(baseline.model);
        others
            .into_iter()
            .filter(|other| (other.kind, &other.name) == (stretch.kind, &stretch.name))
            .map(|other| other.when)
            .collect::<Vec<_>>()
    };
    let within = |side: &Side<'_>, times: &[Range<Duration>]| {
        side.requests.iter().filter(|one| times.iter().any(|time| meet(&under_way(one), time))).count()
    };
    let mut found: Vec<Coincidence> = Vec::new();
    for stretch in stretches {
        let times: Vec<Range<Duration>> = same(&stretch);
        let (with, without) = (within(subject, std::slice::from_ref(&stretch.when)), within(baseline, &times));
        let (size, others) = (subject.requests.len(), baseline.requests.len());
        let p = fisher(with, size, with + without, size + others) * tested;
        if with < FEWEST || p >= LEVEL {
            continue;
        }
        let Stretch { kind, name, what, when } = stretch;
        let (from_seconds, to_seconds) = (when.start.as_secs_f64(), when.end.as_secs_f64());
        found.push(Coincidence { kind, name, what, from_seconds, to_seconds, subject: with, baseline: without, p });
    }
    found.sort_by(|a, b| a.p.total_cmp(&b.p));
    found
}

fn stretches(model: &Model) -> Vec<Stretch> {
    let (plan, end) = (model.plan(), model.now());
    let mut all = Vec::new();
    for state in model.faults() {
        let fault = &state.fault;
        if let Some(started) = state.started {
            let what = format!("{}, {fault}", fault.kind.name());
            all.push(Stretch { kind: "fault", name: fault.name.clone(), what, when: started..state.ended.unwrap_or(end) });
        }
    }
    for phase in &plan.phases {
        all.push(Stretch { kind: "phase", name: phase.name.clone(), what: String::new(), when: phase.at..phase.end() });
    }
    if plan.loads.len() > 1 {
        for load in &plan.loads {
            all.push(Stretch { kind: "load", name: load.name.clone(), what: String::new(), when: load.start..load.end() });
        }
    }
    for (at, name, change) in model.processes() {
        if let ProcessChange::Exited(how) = change {
            let back = |(later, other, change): &&(Duration, String, ProcessChange)| {
                later >= at && other == name && *change == ProcessChange::Restarted
            };
            let until = model.processes().find(back).map_or(end, |(later, ..)| *later + AFTERMATH);
            all.push(Stretch { kind: "process", name: name.clone(), what: format!("ended: {how}"), when: *at..until });
        }
    }
    all
}

/// The pools for which more requests waited than in the time of the baseline.
pub(super) fn pools(subject: &Side<'_>, baseline: &Side<'_>) -> Vec<PoolState> {
    let mut services: Vec<&str> = subject.model.pools().iter().map(|(_, pool)| pool.service.as_str()).collect();
    services.sort_unstable();
    services.dedup();
    let within = |at: Duration, times: &[Range<Duration>]| times.iter().any(|time| time.contains(&at));
    let state = |service: &str| {
        let of = |side: &Side<'_>, is_in: &dyn Fn(Duration) -> bool| -> Vec<Pool> {
            let all = side.model.pools().iter().filter(|(at, pool)| pool.service == service && is_in(*at));
            all.map(|(_, pool)| pool.clone()).collect()
        };
        let own = |at: Duration| subject.times.as_ref().is_none_or(|times| within(at, times));
        let others = |at: Duration| baseline.times.as_ref().map_or_else(|| !own(at), |times| within(at, times));
        let (seen, otherwise) = (of(subject, &own), of(baseline, &others));
        let pending = |pools: &[Pool]| mean(pools.iter().map(|pool| f64::from(pool.pending)));
        let most = |which: fn(&Pool) -> u32| seen.iter().map(which).max().unwrap_or_default();
        PoolState {
            service: service.to_owned(),
            pending_max: most(|pool| pool.pending),
            pending_mean: pending(&seen),
            baseline_pending_mean: pending(&otherwise),
            used_max: most(|pool| pool.used),
            size_max: most(|pool| pool.max),
        }
    };
    let told = |pool: &PoolState| pool.pending_mean >= WAITING && pool.pending_mean >= TIMES * pool.baseline_pending_mean;
    services.into_iter().map(state).filter(told).collect()
}
