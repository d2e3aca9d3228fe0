//! The level of a load over time, cut up where the viewer changed the pace.

use std::time::Duration;

use super::{number, time};

/// A level that goes steadily from one stage's target to the next.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shape {
    /// At the beginning.
    pub(super) start: f64,
    /// Each target, and how long the way there takes.
    pub(super) stages: Vec<(f64, Duration)>,
}

/// Moments, in their order, and what the level is multiplied by from each on.
#[derive(Debug, Default)]
pub(super) struct Steps(pub(super) Vec<(Duration, f64)>);

impl Steps {
    fn factor_at(&self, moment: Duration) -> f64 {
        self.0.iter().rev().find(|(at, _)| *at <= moment).map_or(1.0, |(_, factor)| *factor)
    }
}

impl Shape {
    /// Stays at its last level until then, where it ends before.
    pub(super) fn held_until(&self, length: Duration) -> Self {
        let rest = length.saturating_sub(self.stages.iter().map(|(_, duration)| *duration).sum());
        let mut longer = self.clone();
        let last = longer.last();
        longer.go(last, rest);
        longer
    }

    /// Multiplied by the steps; it begins at `start`.
    pub(super) fn paced(&self, steps: &Steps, start: Duration) -> Self {
        let mut factor = steps.factor_at(start);
        let mut paced = Self { start: self.start * factor, stages: Vec::new() };
        let (mut at, mut from) = (start, self.start);
        for (target, duration) in &self.stages {
            let end = at + *duration;
            let within = steps.0.iter().filter(|(moment, _)| at < *moment && *moment < end);
            let level = |moment: Duration| from + (target - from) * ((moment - at).as_secs_f64() / duration.as_secs_f64());
            let mut before = at;
            for (moment, next) in within {
                paced.go(level(*moment) * factor, *moment - before);
                paced.go(level(*moment) * next, Duration::ZERO);
                (before, factor) = (*moment, *next);
            }
            paced.go(target * factor, end - before);
            // A change at the very end of a stage begins the next one.
            factor = steps.factor_at(end);
            paced.go(target * factor, Duration::ZERO);
            (at, from) = (end, *target);
        }
        paced.trimmed()
    }

    fn last(&self) -> f64 {
        self.stages.last().map_or(self.start, |(target, _)| *target)
    }

    /// One more stage; one that only stays prolongs the one before it, where that stayed as well.
    fn go(&mut self, target: f64, duration: Duration) {
        // Of two jumps at one moment, the second is what is left.
        if duration.is_zero() && self.stages.last().is_some_and(|(_, last)| last.is_zero()) {
            self.stages.pop();
        }
        let flat = target == self.last();
        if flat && duration.is_zero() {
            return;
        }
        let before = self.stages.iter().rev().nth(1).map_or(self.start, |(target, _)| *target);
        match self.stages.last_mut() {
            Some((last, lasts)) if flat && *last == before && !lasts.is_zero() => *lasts += duration,
            _ => self.stages.push((target, duration)),
        }
    }

    /// Nobody meets a jump at the end.
    fn trimmed(mut self) -> Self {
        while self.stages.last().is_some_and(|(_, duration)| duration.is_zero()) {
            self.stages.pop();
        }
        self
    }

    /// Whether it stays at nothing.
    pub(super) fn is_nothing(&self) -> bool {
        self.start <= 0.0 && self.stages.iter().all(|(target, _)| *target <= 0.0)
    }

    /// How long it stays at its first level, where it does nothing else.
    pub(super) fn constant(&self) -> Option<Duration> {
        self.stages.iter().all(|(target, _)| *target == self.start).then(|| self.stages.iter().map(|(_, duration)| *duration).sum())
    }

    /// As a file has it.
    pub(super) fn list(&self) -> String {
        let stages = self
            .stages
            .iter()
            .map(|(target, duration)| format!("    {{ target = {}, duration = {} }},\n", number(*target), time(*duration)));
        format!("[\n{}]", stages.collect::<String>())
    }
}
