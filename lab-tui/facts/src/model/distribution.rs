//! A latency distribution that samples are added to.

use hdrhistogram::Histogram;

use crate::event::Samples;

/// Microseconds in, milliseconds out. Percentiles are true to three digits; sum, mean, smallest and largest come from exact values
/// except the smallest, which is rounded like a percentile.
#[derive(Debug)]
pub struct Distribution {
    histogram: Histogram<u64>,
    sum: u64,
    max: u32,
}

impl Default for Distribution {
    fn default() -> Self {
        // Three digits is a constant that the library accepts; it grows from there as values need it.
        #[expect(clippy::expect_used, reason = "fails for a precision above 5 only")]
        let histogram = Histogram::new(3).expect("three significant digits are valid");
        Self { histogram, sum: 0, max: 0 }
    }
}

impl Distribution {
    /// Adds what came in a window.
    pub fn add(&mut self, samples: &Samples) {
        for (micros, count) in samples.pairs() {
            // The histogram resizes itself, so that any u32 fits.
            let _ = self.histogram.record_n(u64::from(*micros), u64::from(*count));
        }
        self.sum += samples.sum();
        self.max = self.max.max(samples.max());
    }

    /// Adds another distribution.
    pub fn merge(&mut self, other: &Self) {
        let _ = self.histogram.add(&other.histogram);
        self.sum += other.sum;
        self.max = self.max.max(other.max);
    }

    /// How many values.
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// The value below which `percentile` of 100 lie, in milliseconds.
    pub fn percentile(&self, percentile: f64) -> Option<f64> {
        if self.count() == 0 {
            return None;
        }
        // 99.9 / 100 is a hair above 0.999, and of 2000 values that hair would be one rank.
        let quantile = percentile * (1.0 - f64::EPSILON) / 100.0;
        let value = self.histogram.median_equivalent(self.histogram.value_at_quantile(quantile));
        // Rounding must not put a percentile above the largest value, nor the hundredth below it.
        let max = u64::from(self.max);
        Some(millis(if percentile >= 100.0 { max } else { value.min(max) }))
    }

    /// How many values lie between each two neighbours of `bounds`: milliseconds, ascending. Those outside count to the first or last.
    #[expect(clippy::cast_precision_loss, reason = "microseconds stay far below 2^52")]
    pub fn counts(&self, bounds: &[f64]) -> Vec<u64> {
        let mut counts = vec![0; bounds.len().saturating_sub(1)];
        for recorded in self.histogram.iter_recorded() {
            let above = bounds.partition_point(|bound| *bound <= recorded.value_iterated_to() as f64 / 1000.0);
            let last = counts.len().saturating_sub(1);
            if let Some(count) = counts.get_mut(above.saturating_sub(1).min(last)) {
                *count += recorded.count_at_value();
            }
        }
        counts
    }

    /// Milliseconds.
    pub fn min(&self) -> Option<f64> {
        (self.count() > 0).then(|| millis(self.histogram.min()))
    }

    /// Milliseconds.
    pub fn max(&self) -> Option<f64> {
        (self.count() > 0).then(|| millis(u64::from(self.max)))
    }

    /// Milliseconds.
    #[expect(clippy::cast_precision_loss, reason = "a sum of microseconds stays below 2^52 for a century")]
    pub fn mean(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.sum as f64 / self.count() as f64 / 1000.0)
    }
}

#[expect(clippy::cast_precision_loss, reason = "microseconds stay far below 2^52")]
fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_exact_to_three_digits() {
        let mut distribution = Distribution::default();
        assert_eq!((distribution.percentile(50.0), distribution.mean()), (None, None));
        for start in (1..=100).step_by(10) {
            distribution.add(&Samples::from_micros((start..start + 10).map(|ms| ms * 1000).collect()));
        }
        let percentile = |p| format!("{:.1}", distribution.percentile(p).unwrap());
        assert_eq!([50.0, 90.0, 99.0, 100.0].map(percentile), ["50.0", "90.0", "99.0", "100.0"]);
        assert_eq!((distribution.mean(), distribution.min(), distribution.max()), (Some(50.5), Some(1.0), Some(100.0)));
        assert_eq!(distribution.counts(&[10.5, 20.5, 90.5]), [20, 80]);
        assert!(distribution.counts(&[1.0]).is_empty());
    }
}
