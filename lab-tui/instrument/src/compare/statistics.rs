//! Whether two samples differ, and by how much, without assuming how values are distributed: latencies are not normal.

/// Two-sided p-value of the Mann-Whitney U test, by the normal approximation with corrections for ties and continuity: how likely
/// ranks as uneven as these are, were both samples drawn alike. 1 where nothing differs; `None` with an empty sample. The approximation is good from eight values
/// a side on. It takes values as independent of one another.
pub(super) fn mann_whitney(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let mut all: Vec<(f64, bool)> = a.iter().map(|value| (*value, true)).chain(b.iter().map(|value| (*value, false))).collect();
    all.sort_by(|x, y| x.0.total_cmp(&y.0));
    let (n_a, n_b, n) = (number(a.len()), number(b.len()), number(all.len()));
    let (mut rank_sum, mut ties, mut before) = (0.0, 0.0, 0.0);
    for group in all.chunk_by(|x, y| x.0 == y.0) {
        let size = number(group.len());
        // Equal values share the middle of their ranks.
        let rank = before + f64::midpoint(size, 1.0);
        rank_sum += rank * number(group.iter().filter(|(_, of_a)| *of_a).count());
        ties += size.powi(3) - size;
        before += size;
    }
    let u = rank_sum - n_a * (n_a + 1.0) / 2.0;
    let variance = n_a * n_b / 12.0 * (n + 1.0 - ties / (n * (n - 1.0)));
    let distance = ((u - n_a * n_b / 2.0).abs() - 0.5).max(0.0);
    if variance <= 0.0 || distance == 0.0 {
        return Some(1.0);
    }
    Some(erfc(distance / variance.sqrt() / std::f64::consts::SQRT_2).min(1.0))
}

/// By how much `b` lies above `a`, typically: the median of all differences between a value of `b` and one of `a` (Hodges-Lehmann).
pub(super) fn hodges_lehmann(a: &[f64], b: &[f64]) -> Option<f64> {
    median(b.iter().flat_map(|b| a.iter().map(move |a| b - a)).collect())
}

/// The middle, or the mean of the two in the middle.
pub(super) fn median(mut values: Vec<f64>) -> Option<f64> {
    let middle = values.len() / 2;
    if values.is_empty() {
        return None;
    }
    let even = values.len().is_multiple_of(2);
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let lower = below.iter().copied().max_by(f64::total_cmp).filter(|_| even).unwrap_or(*upper);
    Some(f64::midpoint(lower, *upper))
}

/// The complementary error function for values from 0 up, to 1.2e-7 of its value: Chebyshev fit from Numerical Recipes, chapter 6.2.
fn erfc(x: f64) -> f64 {
    let t = 1.0 / (1.0 + x / 2.0);
    let factors =
        [0.170_872_77, -0.822_152_23, 1.488_515_87, -1.135_203_98, 0.278_868_07, -0.186_288_06, 0.096_784_18, 0.374_091_96, 1.000_023_68];
    let series = factors.into_iter().fold(0.0, |sum, factor| sum * t + factor);
    t * (-x * x - 1.265_512_23 + t * series).exp()
}

#[expect(clippy::cast_precision_loss, reason = "some thousands of values at the most")]
fn number(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// The example in the documentation of SciPy's `mannwhitneyu` (`method="asymptotic"`), and one with ties, worked out by hand with
    /// an error function of another make.
    #[test]
    fn known_examples_give_known_values() {
        let near = |p: Option<f64>, known: f64| assert!((p.unwrap() - known).abs() < 1e-6, "{p:?} is not {known}");
        near(mann_whitney(&[19.0, 22.0, 16.0, 29.0, 24.0], &[20.0, 11.0, 17.0, 12.0]), 0.111_346_886_5);
        near(mann_whitney(&[20.0, 11.0, 17.0, 12.0], &[19.0, 22.0, 16.0, 29.0, 24.0]), 0.111_346_886_5);
        near(mann_whitney(&[1.0, 2.0, 2.0, 3.0, 4.0, 4.0], &[3.0, 4.0, 4.0, 5.0, 6.0, 6.0, 7.0]), 0.019930297799);
        assert_eq!(mann_whitney(&[5.0; 30], &[5.0; 20]), Some(1.0));
        assert_eq!(mann_whitney(&[], &[5.0]), None);
    }

    #[test]
    fn the_error_function_is_the_tabulated_one() {
        for (x, known) in [(0.0, 1.0), (0.5, 0.479_500_122), (1.0, 0.157_299_207), (2.0, 0.004_677_735), (4.0, 1.541_725_79e-8)] {
            assert!((erfc(x) / known - 1.0).abs() < 2e-7, "{x}: {}", erfc(x));
        }
    }

    #[test]
    fn medians_and_shifts() {
        assert_eq!([vec![], vec![3.0], vec![4.0, 1.0], vec![9.0, 1.0, 2.0]].map(median), [None, Some(3.0), Some(2.5), Some(2.0)]);
        let a: Vec<f64> = (0..50).map(f64::from).collect();
        let b: Vec<f64> = a.iter().map(|value| value + 7.0).collect();
        assert_eq!((hodges_lehmann(&a, &b), hodges_lehmann(&b, &a)), (Some(7.0), Some(-7.0)));
        assert_eq!(hodges_lehmann(&a, &[]), None);
    }

    /// At 0.01, one of a hundred comparisons of like with like is wrong: no more than that, and not far less.
    #[test]
    fn like_is_told_from_like_once_in_a_hundred() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let mut sample = |shift: f64| (0..30).map(|_| shift + random.random::<f64>()).collect::<Vec<f64>>();
        let found = |a: &[f64], b: &[f64]| mann_whitney(a, b).unwrap() < 0.01;
        let wrong = (0..2000).filter(|_| found(&sample(0.0), &sample(0.0))).count();
        assert!((5..=40).contains(&wrong), "{wrong} of 2000");
        let right = (0..200).filter(|_| found(&sample(0.0), &sample(0.4))).count();
        assert!(right > 190, "{right} of 200");
    }
}
