//! The closed model: users, each of which waits for its answer, and thinks, before it goes on.

use std::ops::Range;
use std::time::Duration;

use toml::Spanned;

use super::{Stage, stages, total, users};
use crate::scenario::fault::moment;
use crate::scenario::file::{LoadTable, Think};
use crate::scenario::load::DEFAULT_GRACE;
use crate::scenario::plan::{parse_duration, required};
use crate::scenario::refusal::{Wrong, number};

const DEFAULT_MAX_DURATION: Duration = Duration::from_secs(10 * 60);
const MAX_ITERATIONS: u64 = 1_000_000_000;

/// Users who come and go.
#[derive(Debug, Clone, PartialEq)]
pub struct Users {
    /// How many there are at the beginning.
    pub start: usize,
    /// How many there are later, up to 100,000. They last longer than nothing, and at some time there is a user.
    pub stages: Vec<Stage<usize>>,
    /// What a request in flight is given when its user has to go before the load's end.
    pub graceful_ramp_down: Duration,
    /// How much they do.
    pub iterations: Iterations,
    /// How long a user waits between an answer and the next request.
    pub think_time: ThinkTime,
}

/// How many requests users send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Iterations {
    /// As many as there is time for.
    Unlimited,
    /// So many, whoever is free sends the next one. At least one for each user, and 1,000,000,000 at most.
    Shared(u64),
    /// So many each; at least one, and 1,000,000,000 in all at most.
    Each(u64),
}

/// Drawn evenly between the two; the same where they are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ThinkTime {
    /// The shortest.
    pub min: Duration,
    /// The longest; not below `min`.
    pub max: Duration,
}

impl Users {
    pub(super) fn constant(table: &LoadTable, span: &Range<usize>) -> Result<Self, Wrong> {
        let duration = parse_duration(required(table.duration.as_ref(), span, "duration", "\"30s\"")?)?;
        Self::level(table, duration, Iterations::Unlimited)
    }

    pub(super) fn shared(table: &LoadTable) -> Result<Self, Wrong> {
        let count = iterations(table)?;
        let users = Self::level(table, max_duration(table)?, Iterations::Shared(count))?;
        match &table.iterations {
            _ if count >= users.start as u64 => Ok(users),
            Some(given) => {
                let what = format!("{} users cannot share {count} iterations", users.start);
                Err(Wrong::new(given.span(), what, "give each at least one"))
            }
            None => Err(Wrong::new(span_of_vus(table), "the users have no iterations to share", "add `iterations = 100`")),
        }
    }

    pub(super) fn each(table: &LoadTable) -> Result<Self, Wrong> {
        let count = iterations(table)?;
        let users = Self::level(table, max_duration(table)?, Iterations::Each(count))?;
        if users.start as u64 * count > MAX_ITERATIONS {
            let place = table.iterations.as_ref().map_or_else(|| span_of_vus(table), Spanned::span);
            let what = format!("{} users with {count} iterations each are too many", users.start);
            return Err(Wrong::new(place, what, "let it be 1000000000 in all at most"));
        }
        Ok(users)
    }

    pub(super) fn ramping(table: &LoadTable, span: &Range<usize>) -> Result<Self, Wrong> {
        let start = table.start_vus.as_ref().map_or(Ok(1), |given| users("start_vus", given, 0))?;
        let stages = stages(table, span, target)?;
        if start == 0 && stages.iter().all(|stage| stage.target == 0) {
            let place = table.stages.as_ref().map_or_else(|| span.clone(), Spanned::span);
            return Err(Wrong::new(place, "there is never a user", "raise a target, or `start_vus`"));
        }
        let graceful_ramp_down = table.graceful_ramp_down.as_ref().map_or(Ok(DEFAULT_GRACE), moment)?;
        Ok(Self { start, stages, graceful_ramp_down, iterations: Iterations::Unlimited, think_time: think_time(table)? })
    }

    fn level(table: &LoadTable, duration: Duration, iterations: Iterations) -> Result<Self, Wrong> {
        let count = table.vus.as_ref().map_or(Ok(1), |given| users("vus", given, 1))?;
        let stages = vec![Stage { target: count, duration }];
        Ok(Self { start: count, stages, graceful_ramp_down: DEFAULT_GRACE, iterations, think_time: think_time(table)? })
    }

    /// How many users there are at the most; they are numbered from 0, and the last one to come is the first one to go.
    pub fn most(&self) -> usize {
        self.stages.iter().map(|stage| stage.target).fold(self.start, usize::max)
    }

    /// When the user is there, at `from` or next after it; counted from the load's start, and never empty.
    ///
    /// As in k6, a user comes when a rising level reaches it whole, and goes when a falling one begins to leave it.
    pub fn shift(&self, user: usize, from: Duration) -> Option<Range<Duration>> {
        let mut since = (user < self.start).then_some(Duration::ZERO);
        let (mut level, mut begun) = (self.start, Duration::ZERO);
        for &Stage { target, duration } in &self.stages {
            if (level..target).contains(&user) {
                since = Some(begun + part(duration, user + 1 - level, target - level));
            } else if (target..level).contains(&user) {
                let until = begun + part(duration, level - user, level - target);
                if let Some(came) = since.take().map(|since| since.max(from)).filter(|came| *came < until) {
                    return Some(came..until);
                }
            }
            level = target;
            begun += duration;
        }
        let end = total(&self.stages);
        since.map(|since| since.max(from)).filter(|came| *came < end).map(|came| came..end)
    }
}

/// So many of so many parts of a duration.
#[expect(clippy::cast_precision_loss, reason = "both are at most 100,000")]
fn part(duration: Duration, parts: usize, of: usize) -> Duration {
    duration.mul_f64(parts as f64 / of as f64)
}

fn target(given: &Spanned<f64>) -> Result<usize, Wrong> {
    let target = *given.get_ref();
    if !((0.0..=100_000.0).contains(&target) && target.fract() == 0.0) {
        return Err(Wrong::new(given.span(), format!("there cannot be {} users", number(target)), "write a whole number from 0 to 100000"));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and from 0 to 100,000, see above")]
    Ok(target as usize)
}

fn iterations(table: &LoadTable) -> Result<u64, Wrong> {
    let Some(given) = &table.iterations else { return Ok(1) };
    let refused = || Wrong::new(given.span(), format!("iterations = {} is out of range", given.get_ref()), "write 1 to 1000000000");
    u64::try_from(*given.get_ref()).ok().filter(|count| (1..=MAX_ITERATIONS).contains(count)).ok_or_else(refused)
}

fn max_duration(table: &LoadTable) -> Result<Duration, Wrong> {
    table.max_duration.as_ref().map_or(Ok(DEFAULT_MAX_DURATION), parse_duration)
}

fn span_of_vus(table: &LoadTable) -> Range<usize> {
    table.vus.as_ref().map_or_else(|| table.executor.span(), Spanned::span)
}

fn think_time(table: &LoadTable) -> Result<ThinkTime, Wrong> {
    let Some(given) = &table.think_time else { return Ok(ThinkTime::default()) };
    match given.get_ref() {
        Think::Fixed(text) => {
            let time = moment(&Spanned::new(given.span(), text.clone()))?;
            Ok(ThinkTime { min: time, max: time })
        }
        Think::Between(table) => {
            let (min, max) = (moment(&table.min)?, moment(&table.max)?);
            if min > max {
                return Err(Wrong::new(table.min.span(), "`min` is longer than `max`", "swap the two"));
            }
            Ok(ThinkTime { min, max })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(start: usize, stages: &[(usize, u64)]) -> Users {
        let stage = |&(target, seconds)| Stage { target, duration: Duration::from_secs(seconds) };
        let stages = stages.iter().map(stage).collect();
        let (iterations, think_time) = (Iterations::Unlimited, ThinkTime::default());
        Users { start, stages, graceful_ramp_down: DEFAULT_GRACE, iterations, think_time }
    }

    /// All the shifts of a user, in seconds.
    fn shifts(users: &Users, user: usize) -> Vec<(u64, u64)> {
        let mut from = Duration::ZERO;
        let mut shifts = Vec::new();
        while let Some(shift) = users.shift(user, from) {
            shifts.push((shift.start.as_secs(), shift.end.as_secs()));
            from = shift.end;
        }
        shifts
    }

    /// Up to four within four seconds, there for two, down to one within three, and up to two at once for the last.
    #[test]
    fn users_come_and_go_with_the_level() {
        let users = ramp(0, &[(4, 4), (4, 2), (1, 3), (2, 0), (2, 1)]);
        assert_eq!(users.most(), 4);
        assert_eq!(shifts(&users, 0), [(1, 10)]);
        assert_eq!(shifts(&users, 1), [(2, 9), (9, 10)]);
        assert_eq!(shifts(&users, 2), [(3, 8)]);
        assert_eq!(shifts(&users, 3), [(4, 7)]);
        assert_eq!(shifts(&users, 4), []);
    }

    #[test]
    fn a_shift_is_looked_for_from_a_moment_on() {
        let users = ramp(2, &[(2, 10), (0, 0), (0, 5), (2, 0), (2, 5)]);
        let at = |seconds| users.shift(1, Duration::from_secs(seconds)).map(|shift| (shift.start.as_secs(), shift.end.as_secs()));
        assert_eq!([0, 9, 10, 14, 17, 20].map(at), [Some((0, 10)), Some((9, 10)), Some((15, 20)), Some((15, 20)), Some((17, 20)), None]);
    }

    #[test]
    fn who_comes_at_the_very_end_never_comes() {
        let users = ramp(0, &[(2, 10)]);
        assert_eq!((shifts(&users, 0), shifts(&users, 1)), (vec![(5, 10)], vec![]));
    }
}
