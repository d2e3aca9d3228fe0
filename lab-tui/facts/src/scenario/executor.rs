//! When the requests of a load are sent. k6's executors, of which several are one here: a constant rate is a ramp with one flat stage.

mod arrivals;
mod users;

use std::ops::Range;
use std::time::Duration;

use toml::Spanned;

pub use arrivals::{Arrivals, Spacing};
pub use users::{Iterations, ThinkTime, Users};

use super::fault::moment;
use super::file::{LoadTable, StageTable};
use super::plan::{LONGEST, stretched};
use super::refusal::{Wrong, suggest};

/// When the requests of a load are sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Executor {
    /// At a rate, whatever became of the requests before.
    Arrivals(Arrivals),
    /// By users, each of which waits for its answer.
    Users(Users),
}

/// A way from the level before to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stage<T> {
    /// The level at its end.
    pub target: T,
    /// How long that takes. In no time at all, it is a jump.
    pub duration: Duration,
}

/// The executors and the keys that each has besides those that all have.
pub(super) const KEYS: [(&str, &[&str]); 6] = [
    ("constant-arrival-rate", &["rate", "duration", "time_unit", "arrivals", "max_vus"]),
    ("ramping-arrival-rate", &["start_rate", "stages", "time_unit", "arrivals", "max_vus"]),
    ("constant-vus", &["vus", "duration", "think_time"]),
    ("ramping-vus", &["start_vus", "stages", "graceful_ramp_down", "think_time"]),
    ("shared-iterations", &["vus", "iterations", "max_duration", "think_time"]),
    ("per-vu-iterations", &["vus", "iterations", "max_duration", "think_time"]),
];

impl Executor {
    /// How long requests go on to begin, at the longest; above 0.
    pub fn duration(&self) -> Duration {
        match self {
            Self::Arrivals(arrivals) => total(&arrivals.stages),
            Self::Users(users) => total(&users.stages),
        }
    }

    /// Every level that it comes to: requests a second, or users.
    pub fn levels(&self) -> impl Iterator<Item = f64> {
        let (start, stages) = self.course();
        std::iter::once(start).chain(stages.into_iter().map(|stage| stage.target))
    }

    /// The level at a time from its own start; 0 when it is over.
    pub fn level(&self, at: Duration) -> f64 {
        let (mut from, stages) = self.course();
        let mut begun = Duration::ZERO;
        for Stage { target, duration } in stages {
            if at < begun + duration {
                return from + (target - from) * ((at.saturating_sub(begun)).as_secs_f64() / duration.as_secs_f64());
            }
            (from, begun) = (target, begun + duration);
        }
        0.0
    }

    /// Where it begins and how it goes on, whatever its unit.
    fn course(&self) -> (f64, Vec<Stage<f64>>) {
        #[expect(clippy::cast_precision_loss, reason = "at most 100,000 users")]
        let users = |count: usize| count as f64;
        match self {
            Self::Arrivals(arrivals) => (arrivals.start_rate, arrivals.stages.clone()),
            Self::Users(Users { start, stages, .. }) => {
                let stage = |stage: &Stage<usize>| Stage { target: users(stage.target), duration: stage.duration };
                (users(*start), stages.iter().map(stage).collect())
            }
        }
    }

    /// Whether it is over when so much has been done, however long that takes.
    pub fn ends_early(&self) -> bool {
        matches!(self, Self::Users(users) if users.iterations != Iterations::Unlimited)
    }

    /// Multiplies all that lies on the run's time line.
    pub(super) fn scale(&mut self, factor: f64) {
        match self {
            Self::Arrivals(arrivals) => scale(&mut arrivals.stages, factor),
            Self::Users(users) => scale(&mut users.stages, factor),
        }
    }

    /// Stays at its last level for as long as a run may last. What is over when so much has been done stays as it is.
    pub(super) fn keep_going(&mut self) {
        match self {
            Self::Arrivals(arrivals) => hold(arrivals.start_rate, &mut arrivals.stages),
            Self::Users(users) if users.iterations == Iterations::Unlimited => hold(users.start, &mut users.stages),
            Self::Users(_) => {}
        }
    }

    /// Reads the part of a load that says when. `span` is the load's.
    pub(super) fn read(table: &LoadTable, span: &Range<usize>) -> Result<Self, Wrong> {
        let name = table.executor.get_ref().as_str();
        let Some((_, keys)) = KEYS.iter().find(|(known, _)| *known == name) else {
            let known: Vec<&str> = KEYS.iter().map(|(known, _)| *known).collect();
            return Err(Wrong::new(table.executor.span(), format!("unknown executor `{name}`"), suggest(name, &known)));
        };
        let strange = given(table).into_iter().filter(|(key, _)| !keys.contains(key)).min_by_key(|(_, span)| span.start);
        if let Some((key, span)) = strange {
            return Err(Wrong::new(span, format!("`{key}` means nothing to {name}"), format!("it has {}", keys.join(", "))));
        }
        match name {
            "constant-arrival-rate" => Arrivals::constant(table, span).map(Self::Arrivals),
            "ramping-arrival-rate" => Arrivals::ramping(table, span).map(Self::Arrivals),
            "constant-vus" => Users::constant(table, span).map(Self::Users),
            "ramping-vus" => Users::ramping(table, span).map(Self::Users),
            "shared-iterations" => Users::shared(table).map(Self::Users),
            _ => Users::each(table).map(Self::Users),
        }
    }
}

/// The keys of executors that a load has, and where their values stand.
fn given(table: &LoadTable) -> Vec<(&'static str, Range<usize>)> {
    fn at<T>(value: Option<&Spanned<T>>) -> Option<Range<usize>> {
        value.map(Spanned::span)
    }
    let all = [
        ("rate", at(table.rate.as_ref())),
        ("start_rate", at(table.start_rate.as_ref())),
        ("time_unit", at(table.time_unit.as_ref())),
        ("stages", at(table.stages.as_ref())),
        ("duration", at(table.duration.as_ref())),
        ("arrivals", at(table.arrivals.as_ref())),
        ("max_vus", at(table.max_vus.as_ref())),
        ("vus", at(table.vus.as_ref())),
        ("start_vus", at(table.start_vus.as_ref())),
        ("iterations", at(table.iterations.as_ref())),
        ("max_duration", at(table.max_duration.as_ref())),
        ("graceful_ramp_down", at(table.graceful_ramp_down.as_ref())),
        ("think_time", at(table.think_time.as_ref())),
    ];
    all.into_iter().filter_map(|(key, place)| Some((key, place?))).collect()
}

/// Reads `stages`, each target by `level`.
fn stages<T>(table: &LoadTable, span: &Range<usize>, level: impl Fn(&Spanned<f64>) -> Result<T, Wrong>) -> Result<Vec<Stage<T>>, Wrong> {
    let Some(list) = &table.stages else {
        let hint = "add `stages = [{ target = 100, duration = \"10s\" }]`";
        return Err(Wrong::new(span.clone(), "the key `stages` is missing here", hint));
    };
    let stage = |stage: &Spanned<StageTable>| {
        let StageTable { target, duration } = stage.get_ref();
        Ok(Stage { target: level(target)?, duration: moment(duration)? })
    };
    let stages: Vec<Stage<T>> = list.get_ref().iter().map(stage).collect::<Result<_, Wrong>>()?;
    let all = total(&stages);
    if all.is_zero() || all > LONGEST {
        let what = format!("the stages last {} in all", humantime::format_duration(all));
        return Err(Wrong::new(list.span(), what, "let them last more than nothing, up to 7 days"));
    }
    Ok(stages)
}

fn total<T>(stages: &[Stage<T>]) -> Duration {
    stages.iter().map(|stage| stage.duration).sum()
}

fn scale<T>(stages: &mut [Stage<T>], factor: f64) {
    stages.iter_mut().for_each(|stage| stage.duration = stretched(stage.duration, factor));
}

/// Appends a flat stage, or prolongs the last one where it is flat.
fn hold<T: Copy + PartialEq>(start: T, stages: &mut Vec<Stage<T>>) {
    let rest = LONGEST.saturating_sub(total(stages));
    let before = stages.iter().rev().nth(1).map_or(start, |stage| stage.target);
    match stages.last_mut() {
        Some(last) if last.target == before => last.duration += rest,
        Some(&mut Stage { target, .. }) => stages.push(Stage { target, duration: rest }),
        None => {}
    }
}

/// A number of users, from `least` to 100,000.
fn users(key: &str, given: &Spanned<i64>, least: usize) -> Result<usize, Wrong> {
    let refused = || Wrong::new(given.span(), format!("{key} = {} is out of range", given.get_ref()), format!("write {least} to 100000"));
    usize::try_from(*given.get_ref()).ok().filter(|users| (least..=100_000).contains(users)).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::float_cmp, reason = "exact in binary")]
    fn a_level_is_read_between_its_stages() {
        let stage = |target, seconds| Stage { target, duration: Duration::from_secs(seconds) };
        let stages = vec![stage(8, 4), stage(2, 0), stage(2, 2)];
        let users = Users {
            start: 0,
            stages,
            graceful_ramp_down: Duration::ZERO,
            iterations: Iterations::Unlimited,
            think_time: ThinkTime::default(),
        };
        let executor = Executor::Users(users);
        let levels = [0, 1000, 3000, 4000, 5999, 6000].map(|millis| executor.level(Duration::from_millis(millis)));
        assert_eq!(levels, [0.0, 2.0, 6.0, 2.0, 2.0, 0.0]);
        assert_eq!(executor.levels().fold(0.0, f64::max), 8.0);
    }
}
