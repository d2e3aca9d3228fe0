//! The axis of percentile curves: every further nine is as wide as the one before, as in HdrHistogram's plots.

use lab_facts::format::number;

/// From the fastest request to the slowest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PercentileAxis {
    nines: f64,
}

impl PercentileAxis {
    /// As many nines as there are requests to speak of.
    pub fn of(requests: u64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
        let requests = requests.max(10) as f64;
        Self { nines: requests.log10().clamp(1.0, 5.0) }
    }

    /// In steps of half a nine, so that it seldom moves while requests come in.
    pub fn in_steps(self) -> Self {
        Self { nines: (self.nines * 2.0).ceil() / 2.0 }
    }

    /// The percentile at a share of the axis. At its end is the slowest request itself.
    pub fn percentile_at(self, share: f64) -> f64 {
        if share >= 1.0 { 100.0 } else { 100.0 - 100.0 / 10_f64.powf(share * self.nines) }
    }

    /// Where a percentile stands, as a share of the axis; beyond 1 where there are too few requests to speak of it.
    pub fn share_of(self, percentile: f64) -> f64 {
        (100.0 / (100.0 - percentile)).log10() / self.nines
    }
}

/// `p50`, `p99.9`, `max`.
pub fn name(percentile: f64) -> String {
    if percentile >= 100.0 { "max".to_owned() } else { format!("p{}", number(percentile)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_nine_is_as_wide_as_the_one_before() {
        let axis = PercentileAxis::of(600).in_steps();
        assert_eq!(axis, PercentileAxis { nines: 3.0 });
        let shares = [0.0, 90.0, 99.0, 99.9].map(|percentile| format!("{:.3}", axis.share_of(percentile)));
        assert_eq!(shares, ["0.000", "0.333", "0.667", "1.000"]);
        assert!((axis.percentile_at(1.0 / 3.0) - 90.0).abs() < 1e-9 && axis.percentile_at(1.0) >= 100.0);
        assert_eq!([50.0, 99.9, 100.0].map(name), ["p50", "p99.9", "max"]);
    }
}
