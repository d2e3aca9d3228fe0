//! Intended starts at a rate that stays or changes steadily.

use std::time::Duration;

use crate::load::draw::gap;
use crate::load::pacer::Arrival;
use crate::scenario::{Arrivals, Spacing, Stage};

/// The arrivals of one load. The k-th is due when the rate, summed up since the beginning, has reached k: evenly spaced ones at k
/// itself, those of a Poisson process at the sum of k + 1 exponential gaps of mean 1.
#[derive(Debug)]
pub(super) struct Starts {
    seed: u32,
    load: usize,
    spacing: Spacing,
    stages: std::vec::IntoIter<Stage<f64>>,
    /// The stage under way: its rate at the beginning, and at the end.
    from: f64,
    stage: Stage<f64>,
    /// When it began, from the start of the run.
    begun: Duration,
    /// Arrivals due before it.
    before: f64,
    next: u64,
    /// The sum of the gaps so far.
    gaps: f64,
}

impl Starts {
    pub(super) fn new(seed: u32, load: usize, start: Duration, arrivals: &Arrivals) -> Self {
        let Arrivals { start_rate, spacing, .. } = *arrivals;
        // A stage that takes no time and leads nowhere, so that the first one begins like any other.
        let stage = Stage { target: start_rate, duration: Duration::ZERO };
        let stages = arrivals.stages.clone().into_iter();
        let mut starts = Self { seed, load, spacing, stages, from: start_rate, stage, begun: start, before: 0.0, next: 0, gaps: 0.0 };
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
}

impl Iterator for Starts {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let wanted = self.wanted();
        // Each start is computed from its own index, so no rounding error adds up.
        let within = loop {
            match reached(wanted - self.before, self.from, self.stage) {
                Some(within) => break within,
                None => {
                    let next = self.stages.next()?;
                    self.before += f64::midpoint(self.from, self.stage.target) * self.stage.duration.as_secs_f64();
                    self.begun += self.stage.duration;
                    self.from = self.stage.target;
                    self.stage = next;
                }
            }
        };
        let arrival = Arrival { load: self.load, index: self.next, intended: self.begun + within };
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
}
