//! Fisher's exact test, for counts that may be small.

/// One-sided p-value: how likely at least `with` of `size` drawn requests have a trait, when `all_with` of all `all` have it. 1 where
/// counts do not belong together.
pub(super) fn fisher(with: usize, size: usize, all_with: usize, all: usize) -> f64 {
    let highest = size.min(all_with);
    if with > highest || size > all || all_with > all {
        return 1.0;
    }
    let logs = log_factorials(all);
    let choose = |n: usize, k: usize| logs[n] - logs[k] - logs[n - k];
    let lowest = with.max((size + all_with).saturating_sub(all));
    let likely = |count: usize| (choose(all_with, count) + choose(all - all_with, size - count) - choose(all, size)).exp();
    (lowest..=highest).map(likely).sum::<f64>().min(1.0)
}

/// The logarithms of 0! to n!.
fn log_factorials(n: usize) -> Vec<f64> {
    let mut sum = 0.0;
    let mut logs = Vec::with_capacity(n + 1);
    logs.push(0.0);
    for number in 1..=n {
        sum += count(number).ln();
        logs.push(sum);
    }
    logs
}

/// A count as a number.
#[expect(clippy::cast_precision_loss, reason = "some thousands of requests at the most")]
pub(super) fn count(count: usize) -> f64 {
    count as f64
}

/// The mean; 0 of nothing.
pub(super) fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let size = values.len();
    if size == 0 { 0.0 } else { values.sum::<f64>() / count(size) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sums of binomial coefficients, worked out in whole numbers.
    #[test]
    fn known_tables_give_known_values() {
        let near = |p: f64, known: f64| assert!((p / known - 1.0).abs() < 1e-6, "{p} is not {known}");
        // The lady who tastes tea: 3 of 4, and all 4.
        near(fisher(3, 4, 4, 8), 0.242_857_142_857);
        near(fisher(4, 4, 4, 8), 0.014_285_714_286);
        near(fisher(9, 12, 10, 22), 0.003_504_235_702);
        near(fisher(40, 60, 45, 260), 1.559_331_588_6e-26);
        assert!((fisher(0, 5, 3, 10) - 1.0).abs() < 1e-12);
        assert!((fisher(6, 5, 3, 10) - 1.0).abs() < 1e-12);
        assert!((fisher(0, 0, 0, 0) - 1.0).abs() < 1e-12);
    }
}
