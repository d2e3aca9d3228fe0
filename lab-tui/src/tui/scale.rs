//! The logarithmic scale of latencies on the screen: calm and trouble are both readable, and both ends are round.

/// The range of milliseconds shown: both ends are 1, 2 or 5 times a power of ten.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    /// One that holds all from the lowest to the highest of some values, with a little room at either end.
    pub(super) fn holding(low: f64, high: f64) -> Self {
        let steps = steps();
        let low = steps.clone().filter(|step| *step <= low * 0.9).last().unwrap_or(0.01);
        let high = steps.clone().find(|step| *step >= high * 1.15).unwrap_or(1e6);
        // At least a decade, so that noise does not look like trouble.
        let high = steps.into_iter().find(|step| *step >= high.max(low * 9.9)).unwrap_or(1e6);
        Self { low, high }
    }

    /// The height of a value, in the unit of [`Self::bounds`]; what is below the scale lies on its lower end.
    pub(super) fn height(self, ms: f64) -> f64 {
        ms.max(self.low).log10()
    }

    /// Both ends of it.
    pub(super) fn bounds(self) -> [f64; 2] {
        [self.low.log10(), self.high.log10()]
    }

    /// The bounds of so many stripes of the same height in milliseconds, lowest first: one more than there are stripes.
    pub(super) fn stripes(self, count: u16) -> Vec<f64> {
        let ratio = self.high / self.low;
        (0..=count).map(|number| self.low * ratio.powf(f64::from(number) / f64::from(count))).collect()
    }

    /// Round values and the rows that they stand in, at least two rows apart.
    pub(super) fn labels(self, height: u16) -> Vec<(u16, String)> {
        let (low, high) = (self.low.log10(), self.high.log10());
        let row = |ms: f64| {
            let share = (high - ms.log10()) / (high - low);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a row of the plot")]
            let row = (share * f64::from(height)).floor().clamp(0.0, f64::from(height.saturating_sub(1))) as u16;
            row
        };
        let mut labels: Vec<(u16, String)> = Vec::new();
        let decades = |ms: &f64| (ms.log10() - ms.log10().round()).abs() < 1e-9;
        let within: Vec<f64> = steps().filter(|ms| (self.low..=self.high).contains(ms)).collect();
        for ms in within.iter().filter(|ms| decades(ms)).chain(within.iter().filter(|ms| !decades(ms))) {
            let row = row(*ms);
            if labels.iter().all(|(other, _)| other.abs_diff(row) >= 2) {
                labels.push((row, round(*ms)));
            }
        }
        labels
    }
}

/// The linear scale of all that is no latency: it holds zero, and both ends are whole steps of 1, 2 or 5 times a power of ten.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Linear {
    low: f64,
    high: f64,
    step: f64,
}

impl Linear {
    /// One that holds all from the lowest to the highest of some values, with so many rows.
    pub(super) fn holding(low: f64, high: f64, rows: u16) -> Self {
        let (low, high) = (low.min(0.0), high.max(0.0));
        let high = if high > low { high } else { low + 1.0 };
        // Labels have two rows each at the least.
        let least = (high - low) / f64::from((rows / 3).clamp(1, 6));
        let power = 10_f64.powf(least.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|step| step * power).into_iter().find(|step| *step >= least * 0.999).unwrap_or(least);
        Self { low: (low / step).floor() * step, high: (high / step - 0.001).ceil() * step, step }
    }

    /// Both ends of it.
    pub(super) fn bounds(self) -> [f64; 2] {
        [self.low, self.high]
    }

    /// Its steps and the rows that they stand in, from the top.
    pub(super) fn labels(self, height: u16, show: impl Fn(f64) -> String) -> Vec<(u16, String)> {
        let last = f64::from(height.saturating_sub(1));
        let steps = ((self.high - self.low) / self.step).round();
        let row = |number: f64| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a row of the plot")]
            let row = (number / steps * f64::from(height)).floor().clamp(0.0, last) as u16;
            row
        };
        let numbers = std::iter::successors(Some(0.0), |number| Some(number + 1.0)).take_while(|number| *number <= steps);
        // Counted in steps, so that zero is zero.
        let highest = (self.high / self.step).round();
        numbers.map(|number| (row(number), show((highest - number) * self.step))).collect()
    }
}

/// 10 µs to 1000 s in steps of 1, 2, 5.
fn steps() -> impl Iterator<Item = f64> + Clone {
    (-2..=6).flat_map(|power| [1.0, 2.0, 5.0].map(|step| step * 10_f64.powi(power)))
}

/// `20 µs`, `5 ms`, `2 s`.
fn round(ms: f64) -> String {
    match ms {
        ms if ms < 0.99 => format!("{:.0} µs", ms * 1000.0),
        ms if ms < 999.0 => format!("{ms:.0} ms"),
        ms => format!("{:.0} s", ms / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_apart() {
        let scale = Scale::holding(4.0, 1_900.0);
        assert_eq!(scale, Scale { low: 2.0, high: 5000.0 });
        let labels: Vec<String> = scale.labels(8).into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["10 ms", "100 ms", "1 s"]);
        assert!(scale.labels(20).len() > 6, "more room, more ticks");
        assert_eq!(Scale::holding(4.0, 5.0), Scale { low: 2.0, high: 20.0 }, "a decade at least");
    }

    #[test]
    fn what_is_no_latency_begins_at_zero_and_ends_round() {
        let of = |low, high, rows| {
            let linear = Linear::holding(low, high, rows);
            linear.labels(rows, |value| format!("{value:.3}").trim_end_matches('0').trim_end_matches('.').to_owned())
        };
        let labels = |low, high, rows| of(low, high, rows).into_iter().map(|(_, label)| label).collect::<Vec<_>>();
        assert_eq!(labels(3.0, 41.0, 9), ["60", "40", "20", "0"]);
        assert_eq!(labels(0.0, 0.03, 6), ["0.04", "0.02", "0"]);
        assert_eq!(labels(-4.0, 4.0, 6), ["5", "0", "-5"]);
        assert_eq!(
            (labels(0.0, 0.0, 3), labels(7.0, 7.0, 1)),
            (vec!["1".to_owned(), "0".to_owned()], vec!["10".to_owned(), "0".to_owned()])
        );
        assert_eq!(of(0.0, 10.0, 9).into_iter().map(|(row, _)| row).collect::<Vec<_>>(), [0, 4, 8]);
    }

    #[test]
    fn stripes_are_as_high_as_one_another() {
        let stripes = Scale { low: 1.0, high: 100.0 }.stripes(2);
        assert!(stripes.iter().zip([1.0, 10.0, 100.0]).all(|(bound, expected)| (bound - expected).abs() < 1e-9), "{stripes:?}");
    }
}
