//! Numbers as people read them.

use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::scenario::Comparison;

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unit {
    /// Nobody said.
    #[default]
    Number,
    /// Something a second.
    Rate,
    /// Seconds.
    Seconds,
    /// A part of a whole: 1 is all of it.
    Share,
}

/// `45 µs`, `3.21 ms`, `45.6 ms`, `1.23 s`; a dash where there is nothing. Nothing is zero, with no sign.
pub fn milliseconds(value: Option<f64>) -> String {
    match value.map(|ms| if (-0.005..=0.0).contains(&ms) { 0.0 } else { ms }) {
        None => "-".to_owned(),
        Some(ms) if ms > 0.0 && ms < 0.0995 => format!("{:.0} µs", ms * 1000.0),
        Some(ms) if ms < 9.995 => format!("{ms:.2} ms"),
        Some(ms) if ms < 99.95 => format!("{ms:.1} ms"),
        Some(ms) if ms < 999.5 => format!("{ms:.0} ms"),
        Some(ms) => format!("{:.2} s", ms / 1000.0),
    }
}

/// The same of nanoseconds.
pub fn nanoseconds(value: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown to three digits")]
    let nanos = value as f64;
    milliseconds(Some(nanos / 1e6))
}

/// `12.3 s`.
pub fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// `1 load`, `2 loads`.
pub fn count(count: impl TryInto<u64>, what: &str) -> String {
    // What does not fit is more than one, and nothing counted here is that many.
    let count = count.try_into().unwrap_or(u64::MAX);
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Up to four decimals, none that say nothing.
pub fn number(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A number of three digits with its unit: `3.21/s`, `12.5 %`, `45.6 ms`, `1.50 M`.
pub fn in_unit(value: f64, unit: Unit) -> String {
    let plain = |value: f64| match value.abs() {
        size if !size.is_finite() => value.to_string(),
        size if size >= 999_500_000.0 => format!("{:.2} G", value / 1e9),
        size if size >= 999_500.0 => format!("{:.2} M", value / 1e6),
        // What is counted has no decimals, all else always has them.
        size if size >= 99.95 || value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 9.995 => format!("{value:.1}"),
        size if size >= 0.01 => format!("{value:.2}"),
        _ => number(value),
    };
    match unit {
        Unit::Number => plain(value),
        Unit::Rate => format!("{}/s", plain(value)),
        Unit::Seconds => milliseconds(Some(value * 1000.0)),
        Unit::Share => format!("{} %", plain(value * 100.0)),
    }
}

/// The same of a round number, as scales have them: `1.5/s`, `20 %`.
pub fn round_in_unit(value: f64, unit: Unit) -> String {
    let text = in_unit(value, unit);
    let end = text.find(|c: char| !c.is_ascii_digit() && !".-".contains(c)).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.').to_owned() + unit } else { text }
}

/// As in `5 min ago`; empty where the time is none.
pub fn ago(started: &str, now: OffsetDateTime) -> String {
    let Ok(started) = OffsetDateTime::parse(started, &Rfc3339) else { return String::new() };
    let seconds = Duration::try_from(now - started).unwrap_or_default().as_secs();
    match seconds {
        0..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// As in `12.5 % below`, `3 times the bound`; where the bound is 0 or an equality, as in `288 above`.
pub fn distance_in_words(comparison: Comparison, value: f64, bound: f64, show: impl Fn(f64) -> String) -> String {
    let gap = (value - bound).abs();
    let side = if value < bound { "below" } else { "above" };
    let share = |of: f64| number((of * 10.0).round() / 10.0);
    if gap == 0.0 {
        "at the bound".to_owned()
    } else if bound <= 0.0 || matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
        format!("{} {side}", show(gap))
    } else if value > 2.0 * bound {
        format!("{} times the bound", share(value / bound))
    } else {
        format!("{} % {side}", share(gap / bound * 100.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_units_and_scales_no_decimals_that_say_nothing() {
        let shown = [0.0, 7.0, 0.0123, 3.2149, 31.04, 1234.5, 1_500_000.0, f64::INFINITY].map(|value| in_unit(value, Unit::Number));
        assert_eq!(shown, ["0", "7", "0.01", "3.21", "31.0", "1234", "1.50 M", "inf"]);
        let units = [Unit::Rate, Unit::Share, Unit::Seconds].map(|unit| in_unit(0.25, unit));
        assert_eq!(units, ["0.25/s", "25 %", "250 ms"]);
        assert_eq!([1.5, 0.30000000000000004, 200.0].map(|value| round_in_unit(value, Unit::Rate)), ["1.5/s", "0.3/s", "200/s"]);
    }

    #[test]
    fn numbers_keep_three_digits() {
        let shown = [0.0, 0.0451, 0.214, 9.994, 9.995, 99.94, 99.95, 999.4, 999.5, 12_345.0].map(|ms| milliseconds(Some(ms)));
        assert_eq!(shown, ["0.00 ms", "45 µs", "0.21 ms", "9.99 ms", "10.0 ms", "99.9 ms", "100 ms", "999 ms", "1.00 s", "12.35 s"]);
        assert_eq!([-0.0, -1e-12, -0.004].map(|ms| milliseconds(Some(ms))), ["0.00 ms"; 3]);
        assert_eq!([count(0_u64, "load"), count(1_u64, "load"), count(2_usize, "load")], ["0 loads", "1 load", "2 loads"]);
        assert_eq!([0.0, 0.5, 1200.0, 0.033_333].map(number), ["0", "0.5", "1200", "0.0333"]);
    }

    #[test]
    fn a_moment_is_told_in_its_largest_unit() {
        let now = OffsetDateTime::parse("2026-11-24T01:50:36Z", &Rfc3339).unwrap();
        let told =
            ["2026-11-24T01:50:30Z", "2026-11-24T01:30:36Z", "2026-11-23T02:50:36Z", "2026-11-04T01:50:36Z", "2027-01-01T00:00:00Z", "x"];
        assert_eq!(told.map(|started| ago(started, now)), ["6 s ago", "20 min ago", "23 h ago", "20 d ago", "0 s ago", ""]);
    }

    #[test]
    fn distances_are_told_in_words() {
        let words = |comparison, value, bound| distance_in_words(comparison, value, bound, |gap| milliseconds(Some(gap)));
        let less = Comparison::Less;
        assert_eq!(words(less, 43.75, 50.0), "12.5 % below");
        assert_eq!(words(less, 75.0, 50.0), "50 % above");
        assert_eq!(words(less, 155.0, 50.0), "3.1 times the bound");
        assert_eq!(words(less, 12.0, 0.0), "12.0 ms above");
        assert_eq!(words(Comparison::Equal, 12.0, 20.0), "8.00 ms below");
        assert_eq!(words(Comparison::Equal, 20.0, 20.0), "at the bound");
    }
}
