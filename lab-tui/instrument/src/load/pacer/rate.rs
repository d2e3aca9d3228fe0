//! Intended starts at a rate that stays or changes steadily.

use std::time::Duration;

use lab_facts::scenario::{Arrivals, Spacing, Stage};

use crate::load::draw::gap;
use crate::load::pacer::Arrival;

/// The arrivals of one load. The k-th is due when the rate, summed up since the beginning, has reached k: evenly spaced ones at k
/// itself, those of a Poisson process at the sum of k + 1 exponential gaps of mean 1.
#[derive(Debug)]
pub(super) struct Starts {
    seed: u32,
    load: usize,
    spacing: Spacing,
    stages: Vec<Stage<f64>>,
    place: Place,
    /// By how much the planned rate is multiplied; 0 in a pause.
    factor: f64,
    /// When the last one was due.
    last: Duration,
    next: u64,
    /// The sum of the gaps so far.
    gaps: f64,
}

/// A stage under way, or what is left of it.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// Index of the stage after it.
    following: usize,
    /// Its planned rate at the beginning; that at its end is the stage's target.
    from: f64,
    stage: Stage<f64>,
    /// When it began, from the start of the run.
    begun: Duration,
    /// Arrivals due before it.
    before: f64,
}

impl Starts {
    pub(super) fn new(seed: u32, load: usize, start: Duration, arrivals: &Arrivals) -> Self {
        let Arrivals { start_rate, spacing, .. } = *arrivals;
        // A stage that takes no time and leads nowhere, so that the first one begins like any other.
        let stage = Stage { target: start_rate, duration: Duration::ZERO };
        let place = Place { following: 0, from: start_rate, stage, begun: start, before: 0.0 };
        let stages = arrivals.stages.clone();
        let mut starts = Self { seed, load, spacing, stages, place, factor: 1.0, last: Duration::ZERO, next: 0, gaps: 0.0 };
        starts.add_gap();
        starts
    }

    fn add_gap(&mut self) {
        if self.spacing == Spacing::Poisson {
            self.gaps += gap(self.seed, self.load, self.next);
        }
    }

    /// How many arrivals are due before the next one.
    #[expect(clippy::cast_precision_loss, reason = "arrival counts stay far below 2^52")]
    fn wanted(&self) -> f64 {
        match self.spacing {
            Spacing::Uniform => self.next as f64,
            Spacing::Poisson => self.gaps,
        }
    }

    /// The next arrival, and the place in which it is found.
    fn upcoming(&self) -> Option<(Place, Arrival)> {
        if self.factor <= 0.0 {
            return None;
        }
        let wanted = self.wanted();
        let mut place = self.place;
        // Each start is computed from its own index, so no rounding error adds up.
        let within = loop {
            match reached((wanted - place.before) / self.factor, place.from, place.stage) {
                Some(within) => break within,
                None => place = place.following(&self.stages, self.factor)?,
            }
        };
        Some((place, Arrival { load: self.load, index: self.next, intended: place.begun + within }))
    }

    pub(super) fn peek(&self) -> Option<Arrival> {
        self.upcoming().map(|(_, arrival)| arrival)
    }

    /// Multiplies the planned rate from a moment on, counted from the start of the run; by 0, none is due until the next change. What
    /// has been handed over stays as it is, and what is left of a gap keeps its share.
    pub(super) fn change(&mut self, at: Duration, factor: f64) {
        // An arrival is handed over a little before it is due.
        let at = at.max(self.last);
        while at >= self.place.begun + self.place.stage.duration
            && let Some(place) = self.place.following(&self.stages, self.factor)
        {
            self.place = place;
        }
        self.place = self.place.cut(at, self.factor);
        self.factor = factor;
    }
}

impl Place {
    /// The beginning of the next stage.
    fn following(self, stages: &[Stage<f64>], factor: f64) -> Option<Self> {
        let Self { following, from, stage, begun, before } = self;
        let next = *stages.get(following)?;
        let count = f64::midpoint(from, stage.target) * stage.duration.as_secs_f64();
        let (begun, before) = (begun + stage.duration, before + factor * count);
        Some(Self { following: following + 1, from: stage.target, stage: next, begun, before })
    }

    /// The rest of the stage from that moment on: nothing, if it is over by then.
    fn cut(self, at: Duration, factor: f64) -> Self {
        let Self { following, from, stage, begun, before } = self;
        let within = at.saturating_sub(begun).min(stage.duration);
        if within.is_zero() {
            return self;
        }
        let rate = from + (stage.target - from) * (within.as_secs_f64() / stage.duration.as_secs_f64());
        let before = before + factor * f64::midpoint(from, rate) * within.as_secs_f64();
        Self { following, from: rate, stage: Stage { duration: stage.duration - within, ..stage }, begun: begun + within, before }
    }
}

impl Iterator for Starts {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let (place, arrival) = self.upcoming()?;
        self.place = place;
        self.last = arrival.intended;
        self.next += 1;
        self.add_gap();
        Some(arrival)
    }
}

/// When so many have come since a stage began; `None` when that is not before its end.
///
/// The rate grows from r by a in every second, so `count = r t + a t² / 2` is solved for t, in the form that is exact for a = 0.
fn reached(count: f64, from: f64, stage: Stage<f64>) -> Option<Duration> {
    if stage.duration.is_zero() || from.max(stage.target) <= 0.0 {
        return None;
    }
    // Rounding may put what falls on a boundary a hair before it.
    if count <= 0.0 {
        return Some(Duration::ZERO);
    }
    let growth = (stage.target - from) / stage.duration.as_secs_f64();
    let root = (from * from + 2.0 * growth * count).max(0.0).sqrt();
    // A rate that falls to nothing never gets further than its sum; rounded to nanoseconds, that is its end.
    Duration::try_from_secs_f64(2.0 * count / (from + root)).ok().filter(|within| *within < stage.duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(start_rate: f64, stages: &[(f64, u64)], spacing: Spacing) -> Vec<Duration> {
        let stages = stages.iter().map(|&(target, seconds)| Stage { target, duration: Duration::from_secs(seconds) }).collect();
        let arrivals = Arrivals { start_rate, stages, spacing, max_vus: 1 };
        let starts: Vec<Arrival> = Starts::new(7, 0, Duration::ZERO, &arrivals).collect();
        assert!(starts.iter().map(|arrival| arrival.index).eq(0..starts.len() as u64));
        assert!(starts.is_sorted_by_key(|arrival| arrival.intended));
        starts.iter().map(|arrival| arrival.intended).collect()
    }

    fn uniform(start_rate: f64, stages: &[(f64, u64)]) -> Vec<Duration> {
        starts(start_rate, stages, Spacing::Uniform)
    }

    #[test]
    fn a_constant_rate_is_even_and_does_not_drift() {
        let starts = uniform(3.0, &[(3.0, 1000)]);
        assert_eq!(starts.len(), 3000);
        assert_eq!(starts[3], Duration::from_secs(1));
        assert_eq!(starts[2999], Duration::from_secs_f64(2999.0 / 3.0));
        assert_eq!(uniform(0.1, &[(0.1, 30)]).len(), 3, "30 s are ten seconds three times, whatever 0.1 is in binary");
    }

    /// From nothing to 100/s in 10 s is 500 arrivals, the k-th at the root of k / 5.
    #[test]
    fn a_ramp_is_solved_and_not_stepped() {
        let starts = uniform(0.0, &[(100.0, 10)]);
        assert_eq!(starts.len(), 500);
        let millis: Vec<u128> = [0, 5, 20, 45, 125, 320, 405].map(|k| starts[k].as_millis()).to_vec();
        assert_eq!(millis, [0, 1000, 2000, 3000, 5000, 8000, 9000]);
        for (k, start) in (0_u32..).zip(&starts) {
            assert_eq!(*start, Duration::from_secs_f64((f64::from(k) / 5.0).sqrt()), "{k}");
        }
    }

    /// The way down is the way up, seen from its end.
    #[test]
    fn a_ramp_down_is_the_mirror_of_a_ramp_up() {
        let (up, down) = (uniform(0.0, &[(100.0, 10)]), uniform(100.0, &[(0.0, 10)]));
        assert_eq!(down.len(), 500);
        for (k, start) in down.iter().enumerate().skip(1) {
            let mirrored = Duration::from_secs(10) - up[500 - k];
            assert!(start.abs_diff(mirrored) < Duration::from_micros(1), "{k}: {start:?} and {mirrored:?}");
        }
    }

    /// Up, level, a jump, silence, and again: what one stage begins, the next one ends.
    #[test]
    fn stages_follow_one_another_without_a_seam() {
        let starts = uniform(10.0, &[(30.0, 2), (30.0, 2), (5.0, 0), (5.0, 2), (0.0, 0), (0.0, 5), (10.0, 0), (10.0, 1)]);
        let in_seconds = |from: u64, to: u64| starts.iter().filter(|start| (from..to).contains(&start.as_secs())).count();
        // 40 on the way from 10/s to 30/s, 15 of them in its first second.
        assert_eq!([in_seconds(0, 1), in_seconds(0, 2), in_seconds(2, 4), in_seconds(4, 6)], [15, 40, 60, 10]);
        assert_eq!([in_seconds(6, 11), in_seconds(11, 12), starts.len()], [0, 10, 120]);
        assert_eq!(starts[40], Duration::from_secs(2));
        assert_eq!(starts[100], Duration::from_secs(4));
        assert_eq!(starts[110], Duration::from_secs(11));
    }

    /// Mean and deviation of exponential gaps are both 1 / rate: here 10 ms, and within four standard errors of it.
    #[test]
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    fn poisson_arrivals_have_exponential_gaps() {
        let starts = starts(100.0, &[(100.0, 100)], Spacing::Poisson);
        assert!(starts.len().abs_diff(10_000) < 400, "{}", starts.len());
        let gaps: Vec<f64> = starts.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64() * 1000.0).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((mean - 10.0).abs() < 0.4 && (variance.sqrt() - 10.0).abs() < 0.6, "mean {mean}, deviation {}", variance.sqrt());
        // A gap longer than three mean ones: e^-3 of them.
        let long = gaps.iter().filter(|gap| **gap > 30.0).count() as f64 / gaps.len() as f64;
        assert!((long - 0.0498).abs() < 0.009, "{long}");
    }

    #[test]
    fn a_poisson_ramp_has_the_ramps_shape_and_the_seeds_sequence() {
        let ramp = || starts(0.0, &[(200.0, 100)], Spacing::Poisson);
        let starts = ramp();
        assert_eq!(starts, ramp());
        assert!(starts.len().abs_diff(10_000) < 400, "{}", starts.len());
        let first_half = starts.iter().filter(|start| start.as_secs() < 50).count();
        assert!(first_half.abs_diff(2500) < 200, "{first_half}");
    }

    fn of(start_rate: f64, stages: &[(f64, u64)], spacing: Spacing) -> Starts {
        let stages = stages.iter().map(|&(target, seconds)| Stage { target, duration: Duration::from_secs(seconds) }).collect();
        Starts::new(7, 0, Duration::from_secs(5), &Arrivals { start_rate, stages, spacing, max_vus: 1 })
    }

    /// All starts, in milliseconds from the load's own start at 5 s; each change is obeyed when it is time.
    fn changed(mut starts: Starts, changes: &[(u64, f64)]) -> Vec<u128> {
        let mut changes = changes.iter().map(|&(at, factor)| (Duration::from_millis(at), factor)).peekable();
        let mut found: Vec<Arrival> = Vec::new();
        loop {
            match (starts.peek(), changes.peek()) {
                (Some(next), Some((at, _))) if next.intended < *at => found.extend(starts.next()),
                (_, Some(_)) => changes.next().into_iter().for_each(|(at, factor)| starts.change(at, factor)),
                (Some(_), None) => found.extend(starts.next()),
                (None, None) => break,
            }
        }
        assert!(found.is_sorted_by_key(|arrival| arrival.intended));
        assert!(found.iter().map(|arrival| arrival.index).eq(0..found.len() as u64));
        found.iter().map(|arrival| (arrival.intended - Duration::from_secs(5)).as_millis()).collect()
    }

    fn in_second(starts: &[u128], second: u128) -> usize {
        starts.iter().filter(|at| **at / 1000 == second).count()
    }

    /// The stages stay where they are on the time line, so that each second has so many times what was planned for it.
    #[test]
    fn a_ramp_keeps_its_time_line_and_only_its_rate_is_multiplied() {
        let stages = [(100.0, 4), (100.0, 0), (20.0, 0), (20.0, 4)];
        let planned = changed(of(0.0, &stages, Spacing::Uniform), &[]);
        // A change before the load begins, one on the ramp, one in the middle of nowhere, and back.
        let starts = changed(of(0.0, &stages, Spacing::Uniform), &[(1000, 2.0), (7000, 0.5), (8000, 3.0), (9000, 1.0)]);
        for (second, factor) in [2.0, 2.0, 0.5, 3.0, 1.0, 1.0, 1.0, 1.0].into_iter().enumerate() {
            let second = second as u128;
            #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
            let off = in_second(&starts, second) as f64 - factor * in_second(&planned, second) as f64;
            assert!(off.abs() <= 3.0, "second {second}: {} for {}", in_second(&starts, second), in_second(&planned, second));
        }
        assert!(starts.iter().all(|at| *at < 8000));
    }

    #[test]
    fn a_pause_leaves_out_what_was_due_in_it() {
        for spacing in [Spacing::Uniform, Spacing::Poisson] {
            let stages = [(200.0, 4), (50.0, 0), (50.0, 4)];
            let planned = changed(of(200.0, &stages, spacing), &[]);
            // From the first stage into the second one, and again beyond the end.
            let starts = changed(of(200.0, &stages, spacing), &[(6000, 0.0), (10_500, 1.0), (12_900, 0.0), (14_000, 1.0)]);
            assert_eq!([1, 2, 3, 4].map(|second| in_second(&starts, second)), [0; 4], "{spacing:?}");
            let before = in_second(&planned, 0);
            assert_eq!(starts[..before], planned[..before]);
            // A second of the pause's end is 50 arrivals: not those of the four seconds before as well.
            assert!(in_second(&starts, 6).abs_diff(50) < 30, "{}", in_second(&starts, 6));
            assert!(starts.iter().all(|at| *at < 7900), "nothing begins behind the end");
        }
    }

    /// What was handed over early stays before what follows, however much quicker that is.
    #[test]
    fn a_change_does_not_overtake_what_was_handed_over() {
        let mut starts = of(1000.0, &[(1000.0, 1)], Spacing::Uniform);
        starts.change(Duration::from_secs(5), 0.1);
        let first = [starts.next(), starts.next()].map(|it| it.unwrap().intended);
        starts.change(first[1] - Duration::from_micros(500), 10.0);
        assert_eq!(starts.next().unwrap().intended, first[1] + Duration::from_micros(100));
    }

    #[test]
    fn many_changes_lose_and_add_nothing() {
        let stages = [(100.0, 10)];
        let changes: Vec<(u64, f64)> = (0..10_000).map(|at| (5000 + at, 1.0)).collect();
        assert_eq!(changed(of(0.0, &stages, Spacing::Uniform), &changes).len(), 500);
    }
}
