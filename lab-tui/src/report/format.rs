//! Numbers as people read them.

use std::time::Duration;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits() {
        let shown = [0.0, 0.0451, 0.214, 9.994, 9.995, 99.94, 99.95, 999.4, 999.5, 12_345.0].map(|ms| milliseconds(Some(ms)));
        assert_eq!(shown, ["0.00 ms", "45 µs", "0.21 ms", "9.99 ms", "10.0 ms", "99.9 ms", "100 ms", "999 ms", "1.00 s", "12.35 s"]);
        assert_eq!([-0.0, -1e-12, -0.004].map(|ms| milliseconds(Some(ms))), ["0.00 ms"; 3]);
        assert_eq!([count(0_u64, "load"), count(1_u64, "load"), count(2_usize, "load")], ["0 loads", "1 load", "2 loads"]);
        assert_eq!([0.0, 0.5, 1200.0, 0.033_333].map(number), ["0", "0.5", "1200", "0.0333"]);
    }
}
