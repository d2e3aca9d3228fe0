//! Scales with round ticks: time from left to right, counts and latencies from the bottom of a plot to its top.

use lab_facts::format::number;

/// A plot's own units: its width, whatever it is on the screen.
pub(super) const WIDTH: f64 = 1000.0;
/// A plot's own units: its height.
pub(super) const HEIGHT: f64 = 100.0;

/// What a plot shows of the run's time, in seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) from: f64,
    pub(super) to: f64,
}

impl Span {
    /// The place of a moment in the plot's units, inside of it.
    pub(super) fn x(self, seconds: f64) -> f64 {
        ((seconds - self.from) / (self.to - self.from)).clamp(0.0, 1.0) * WIDTH
    }

    /// The same as a share of the width in percent.
    pub(super) fn percent(self, seconds: f64) -> f64 {
        self.x(seconds) * 100.0 / WIDTH
    }

    /// At most nine round moments with their labels.
    pub(super) fn ticks(self) -> Vec<(f64, String)> {
        const STEPS: [f64; 18] =
            [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 14_400.0, 43_200.0, 86_400.0];
        let length = self.to - self.from;
        let step = STEPS.into_iter().find(|step| length / step <= 8.0).unwrap_or(86_400.0);
        let label = |seconds: f64| if self.to > 180.0 { clock(seconds) } else { format!("{} s", number(seconds)) };
        let first = (self.from / step).ceil();
        let all = (0..=8).map(|n| (first + f64::from(n)) * step);
        all.filter(|seconds| *seconds <= self.to + step / 1e6).map(|seconds| (seconds, label(seconds))).collect()
    }
}

/// `2:30`, `1:02:30`.
fn clock(seconds: f64) -> String {
    let (hours, rest) = ((seconds / 3600.0).floor(), seconds % 3600.0);
    let (minutes, seconds) = ((rest / 60.0).floor(), (rest % 60.0).floor());
    if hours > 0.0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// What a plot shows from its bottom to its top, with round ends.
#[derive(Debug, Clone)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    is_log: bool,
    ticks: Vec<(f64, String)>,
}

impl Scale {
    /// From 0 to a little more than `max`.
    pub(super) fn counts(max: f64) -> Self {
        let step = round_up((max / 4.0).max(0.25));
        let high = (max * 1.08).max(step);
        let ticks = (0..=4).map(|n| f64::from(n) * step).filter(|value| *value <= high);
        Self { low: 0.0, high, is_log: false, ticks: ticks.map(|value| (value, number(value))).collect() }
    }

    /// Milliseconds on a logarithm, from a round number to a round number.
    pub(super) fn latency(min: f64, max: f64) -> Self {
        // A microsecond is the finest that is measured.
        let low = round_down(min.max(0.001));
        let high = round_up(max.max(low * 2.0));
        let all_steps = high / low <= 200.0;
        let first = exponent(low);
        let ticks = (first..=exponent(high)).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powi(power)));
        let shown = ticks.filter(|value| (low * 0.999..=high * 1.001).contains(value) && (all_steps || is_decade(*value)));
        Self { low, high, is_log: true, ticks: shown.map(|value| (value, unit(value))).collect() }
    }

    /// The place of a value, counted from the top in the plot's units, inside of it.
    pub(super) fn y(&self, value: f64) -> f64 {
        let share = match self.is_log {
            true => (value.max(self.low) / self.low).ln() / (self.high / self.low).ln(),
            false => (value - self.low) / (self.high - self.low),
        };
        (1.0 - share.clamp(0.0, 1.0)) * HEIGHT
    }

    /// Round values by their place, with their labels.
    pub(super) fn ticks(&self) -> impl Iterator<Item = (f64, &str)> {
        self.ticks.iter().map(|(value, label)| (self.y(*value), label.as_str()))
    }

    /// The bounds of `count` stripes of the same height, lowest first: one more than there are stripes.
    pub(super) fn stripes(&self, count: u32) -> Vec<f64> {
        let ratio = self.high / self.low;
        (0..=count).map(|n| self.low * ratio.powf(f64::from(n) / f64::from(count))).collect()
    }
}

fn exponent(value: f64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "the exponent of a latency has one digit")]
    let exponent = (value * 1.000_001).log10().floor() as i32;
    exponent
}

fn is_decade(value: f64) -> bool {
    (value / 10_f64.powi(exponent(value)) - 1.0).abs() < 0.001
}

/// The next of 1, 2, 5, 10, 20 and so on.
fn round_up(value: f64) -> f64 {
    let base = 10_f64.powi(exponent(value));
    [1.0, 2.0, 5.0].map(|digit| digit * base).into_iter().find(|round| *round >= value * 0.999_999).unwrap_or(base * 10.0)
}

fn round_down(value: f64) -> f64 {
    let base = 10_f64.powi(exponent(value));
    [5.0, 2.0, 1.0].map(|digit| digit * base).into_iter().find(|round| *round <= value * 1.000_001).unwrap_or(base)
}

/// A round number of milliseconds in the unit that suits it.
fn unit(ms: f64) -> String {
    if ms < 0.999 {
        format!("{} µs", number((ms * 1000.0).round()))
    } else if ms < 999.0 {
        format!("{} ms", number(ms))
    } else {
        format!("{} s", number(ms / 1000.0))
    }
}

/// A coordinate without decimals that nobody sees.
pub(super) fn place(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_have_units() {
        let labels = |scale: Scale| scale.ticks.into_iter().map(|(_, label)| label).collect::<Vec<_>>();
        assert_eq!(labels(Scale::latency(0.7, 23.0)), ["500 µs", "1 ms", "2 ms", "5 ms", "10 ms", "20 ms", "50 ms"]);
        assert_eq!(labels(Scale::latency(0.7, 9800.0)), ["1 ms", "10 ms", "100 ms", "1 s", "10 s"]);
        assert_eq!(labels(Scale::latency(5.0, 5.0)), ["5 ms", "10 ms"]);
        assert_eq!(labels(Scale::counts(20.0)), ["0", "5", "10", "15", "20"]);
        assert_eq!(labels(Scale::counts(0.0)), ["0", "0.5"]);
        assert_eq!(labels(Scale::counts(31.0)), ["0", "10", "20", "30"]);
        let moments = |from, to| Span { from, to }.ticks().into_iter().map(|(_, label)| label).collect::<Vec<_>>();
        assert_eq!(moments(0.0, 60.0), ["0 s", "10 s", "20 s", "30 s", "40 s", "50 s", "60 s"]);
        assert_eq!(moments(3000.0, 3600.0), ["50:00", "52:00", "54:00", "56:00", "58:00", "1:00:00"]);
        assert_eq!(moments(0.0, 1.0).len(), 6);
    }

    #[test]
    fn places_grow_with_the_logarithm_and_stay_inside() {
        let scale = Scale::latency(1.0, 100.0);
        let shown = [0.001, 1.0, 10.0, 100.0, 1e9].map(|ms| place(scale.y(ms)));
        assert_eq!(shown, ["100", "100", "50", "0", "0"]);
        assert_eq!(place(Scale::counts(20.0).y(10.8)), "50");
        let stripes = scale.stripes(2);
        assert!((stripes[0] - 1.0).abs() < 1e-9 && (stripes[1] - 10.0).abs() < 1e-9 && (stripes[2] - 100.0).abs() < 1e-9);
    }
}
