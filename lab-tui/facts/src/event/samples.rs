//! A distribution as it travels: sparse, exact to three digits, small when it holds little.

/// Microsecond values, rounded down to three significant digits as an HDR histogram of that precision does.
/// The sum and the largest value are exact. A dense histogram of the same precision is over 100 KiB; this is 8 bytes a distinct value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Samples {
    pairs: Vec<(u32, u32)>,
    sum: u64,
    max: u32,
}

impl Samples {
    /// From values in microseconds, in any order.
    pub fn from_micros(mut values: Vec<u32>) -> Self {
        let sum = values.iter().copied().map(u64::from).sum();
        let max = values.iter().copied().max().unwrap_or_default();
        values.sort_unstable();
        let mut pairs: Vec<(u32, u32)> = Vec::new();
        for value in values {
            let rounded = round(value);
            match pairs.last_mut() {
                Some((last, count)) if *last == rounded => *count += 1,
                _ => pairs.push((rounded, 1)),
            }
        }
        Self { pairs, sum, max }
    }

    /// One value in microseconds, so many times.
    pub fn repeated(micros: u32, count: u32) -> Self {
        Self { pairs: vec![(round(micros), count)], sum: u64::from(micros) * u64::from(count), max: micros }
    }

    /// From what [`Self::pairs`], [`Self::sum`] and [`Self::max`] said. `None` when these do not belong together: values that do not
    /// ascend, a count of 0, more values than can be counted, or a sum or a largest value that the values cannot have.
    pub fn from_parts(pairs: Vec<(u32, u32)>, sum: u64, max: u32) -> Option<Self> {
        let ascending = pairs.is_sorted_by(|a, b| a.0 < b.0) && pairs.iter().all(|(_, count)| *count > 0);
        let count = pairs.iter().try_fold(0_u32, |all, (_, count)| all.checked_add(*count))?;
        let largest = pairs.last().map_or(0, |(value, _)| *value);
        let possible = round(max) == largest && sum <= u64::from(max) * u64::from(count);
        (ascending && possible).then_some(Self { pairs, sum, max })
    }

    /// Distinct rounded values in ascending order, each with how often it was seen.
    pub fn pairs(&self) -> &[(u32, u32)] {
        &self.pairs
    }

    /// How many values.
    pub fn count(&self) -> u64 {
        self.pairs.iter().map(|(_, count)| u64::from(*count)).sum()
    }

    /// Adds others.
    pub fn merge(&mut self, other: &Self) {
        self.sum += other.sum;
        self.max = self.max.max(other.max);
        if other.pairs.is_empty() {
            return;
        }
        // Both are in order, and together they are at most as long as the two.
        let mut merged = Vec::with_capacity(self.pairs.len() + other.pairs.len());
        let (mut left, mut right) = (self.pairs.iter().copied().peekable(), other.pairs.iter().copied().peekable());
        loop {
            merged.push(match (left.peek().copied(), right.peek().copied()) {
                (Some(mine), Some(theirs)) if mine.0 == theirs.0 => {
                    left.next();
                    right.next();
                    (mine.0, mine.1 + theirs.1)
                }
                (Some(mine), theirs) if theirs.is_none_or(|theirs| mine.0 < theirs.0) => {
                    left.next();
                    mine
                }
                (_, Some(theirs)) => {
                    right.next();
                    theirs
                }
                (_, None) => break,
            });
        }
        self.pairs = merged;
    }

    /// All of many together, which takes less time than one after the other.
    pub fn merged<'s>(all: impl IntoIterator<Item = &'s Self>) -> Self {
        let mut merged = Self::default();
        for samples in all {
            merged.pairs.extend_from_slice(&samples.pairs);
            merged.sum += samples.sum;
            merged.max = merged.max.max(samples.max);
        }
        // A stable sort finds the stretches that are in order already.
        merged.pairs.sort_by_key(|(value, _)| *value);
        merged.pairs.dedup_by(|next, kept| {
            let is_same = next.0 == kept.0;
            kept.1 += if is_same { next.1 } else { 0 };
            is_same
        });
        merged
    }

    /// Keeps so many leading bits of values only, and no more memory than that takes: 7 bits are within one in a hundred, 6 within two.
    /// Count, sum and largest value stay exact.
    pub fn coarsen(&mut self, bits: u32) {
        let mut coarse: Vec<(u32, u32)> = Vec::new();
        for (value, count) in &self.pairs {
            let value = coarse_of(*value, bits).min(self.max);
            match coarse.last_mut() {
                Some((last, sum)) if *last == value => *sum += count,
                _ => coarse.push((value, *count)),
            }
        }
        coarse.shrink_to_fit();
        self.pairs = coarse;
    }

    /// The value that `percentile` of 100 do not exceed, in milliseconds: exact to three digits.
    pub fn percentile(&self, percentile: f64) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank among counts")]
        let rank = (self.count() as f64 * percentile / 100.0).ceil().max(1.0) as u64;
        let mut seen = 0;
        let found = self.pairs.iter().find(|(_, count)| {
            seen += u64::from(*count);
            seen >= rank
        });
        found.map(|(micros, _)| f64::from(*micros) / 1000.0)
    }

    /// How many values lie between each two neighbours of `bounds`: milliseconds, ascending. Those outside count to the first or last.
    pub fn counts(&self, bounds: &[f64]) -> Vec<u64> {
        let stripes = bounds.len().saturating_sub(1);
        let mut counts = vec![0; stripes];
        // Both ascend, so neither is gone through twice.
        let mut stripe = 0;
        for (micros, count) in &self.pairs {
            while stripe + 1 < stripes && bounds[stripe + 1] <= f64::from(*micros) / 1000.0 {
                stripe += 1;
            }
            if let Some(sum) = counts.get_mut(stripe) {
                *sum += u64::from(*count);
            }
        }
        counts
    }

    /// The exact sum, in microseconds.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// The exact largest value, in microseconds; 0 when empty.
    pub fn max(&self) -> u32 {
        self.max
    }
}

/// The middle of all values that share its leading bits. A middle is its own middle.
fn coarse_of(value: u32, bits: u32) -> u32 {
    let shift = (u32::BITS - value.leading_zeros()).saturating_sub(bits);
    ((value >> shift) << shift) + ((1 << shift) >> 1)
}

/// Keeps the 11 leading bits: steps of at most one in a thousand.
fn round(value: u32) -> u32 {
    let shift = (u32::BITS - value.leading_zeros()).saturating_sub(11);
    (value >> shift) << shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_round_down_by_less_than_a_thousandth() {
        for value in [0, 1, 2047, 2048, 12_000, 12_345, 999_999, u32::MAX] {
            let rounded = round(value);
            assert!(rounded <= value && f64::from(value - rounded) <= f64::from(value) / 1000.0, "{value} -> {rounded}");
        }
        let samples = Samples::from_micros(vec![12_001, 12_000, 5]);
        assert_eq!(samples.pairs(), [(5, 1), (12_000, 2)]);
        assert_eq!((samples.count(), samples.sum(), samples.max()), (3, 24_006, 12_001));
    }

    #[test]
    fn coarse_samples_are_off_by_less_than_a_hundredth_and_much_smaller() {
        let exact = Samples::from_micros((1..=50_000).map(|number| number * 7 + 13).collect());
        let mut coarse = exact.clone();
        coarse.coarsen(7);
        for percentile in [0.1, 1.0, 50.0, 99.0, 99.99, 100.0] {
            let (exact, coarse) = (exact.percentile(percentile).unwrap(), coarse.percentile(percentile).unwrap());
            assert!((exact - coarse).abs() <= exact / 100.0, "p{percentile}: {exact} {coarse}");
        }
        assert_eq!((coarse.count(), coarse.sum(), coarse.max()), (exact.count(), exact.sum(), exact.max()));
        assert!(coarse.pairs().len() < 900 && exact.pairs().len() > 5_000, "{} {}", coarse.pairs().len(), exact.pairs().len());
        let again = coarse.clone();
        coarse.coarsen(7);
        assert_eq!(coarse, again, "nothing moves a second time");
        let mut one = Samples::from_micros(vec![99_400]);
        one.coarsen(7);
        assert_eq!(one.percentile(50.0), Some(99.4), "no percentile above the largest value");
    }

    #[test]
    fn parts_that_do_not_belong_together_are_no_samples() {
        let samples = Samples::from_micros(vec![5, 12_001, 12_000]);
        assert_eq!(Samples::from_parts(samples.pairs().to_vec(), samples.sum(), samples.max()), Some(samples));
        assert_eq!(Samples::from_parts(Vec::new(), 0, 0), Some(Samples::default()));
        let wrong = [
            (vec![(5, 1), (5, 1)], 10, 5),
            (vec![(6, 1), (5, 1)], 11, 6),
            (vec![(5, 0)], 0, 5),
            (vec![(4, u32::MAX), (5, 1)], 9, 5),
            (vec![(5, 1)], 6, 5),
            (vec![(5, 1)], 5, 70),
        ];
        for (pairs, sum, max) in wrong {
            assert_eq!(Samples::from_parts(pairs.clone(), sum, max), None, "{pairs:?}");
        }
    }

    #[test]
    fn values_are_counted_between_bounds() {
        let samples = Samples::from_micros(vec![1_000, 5_000, 9_000, 10_000, 11_000, 500_000]);
        assert_eq!(samples.counts(&[2.0, 10.0, 20.0, 40.0]), [3, 2, 1]);
        assert_eq!((samples.counts(&[]), samples.counts(&[1.0])), (vec![], vec![]));
    }

    #[test]
    fn merged_samples_are_as_if_they_had_come_together() {
        let all: Vec<u32> = (1..=100).map(|number| number * 1000).collect();
        let mut merged = Samples::from_micros(all[..30].to_vec());
        merged.merge(&Samples::from_micros(all[20..].to_vec()));
        let mut twice = all.clone();
        twice.extend(&all[20..30]);
        assert_eq!(merged, Samples::from_micros(twice));
        let parts = [Samples::from_micros(all[..30].to_vec()), Samples::default(), Samples::from_micros(all[20..].to_vec())];
        assert_eq!(Samples::merged(&parts), merged, "and as one after the other");
        let whole = Samples::from_micros(all);
        let percentiles = [50.0, 95.0, 99.0, 100.0].map(|p| format!("{:.0}", whole.percentile(p).unwrap()));
        assert_eq!(percentiles, ["50", "95", "99", "100"]);
        assert_eq!(Samples::default().percentile(50.0), None);
    }
}
