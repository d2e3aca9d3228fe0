//! Percentiles against an exact computation, and against what wrk2 does about coordinated omission.

use hdrhistogram::Histogram;
use lab_facts::model::Distribution;

use super::*;

const ARRIVALS: &str = "rate = 100\nduration = \"20s\"\nmax_vus = 2000";

/// The response times of all windows together.
fn responses(told: &Told) -> Distribution {
    let mut all = Distribution::default();
    told.windows.iter().flat_map(|window| &window.cells).for_each(|cell| all.add(&cell.response_time));
    all
}

/// Milliseconds; the value that so many of 100 do not exceed.
fn exact(sorted: &[f64], percentile: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank among counts")]
    let rank = (sorted.len() as f64 * percentile / 100.0).ceil() as usize;
    sorted[rank.max(1) - 1]
}

fn close(left: f64, right: f64, share: f64) -> bool {
    (left - right).abs() <= right * share
}

#[tokio::test(start_paused = true)]
async fn percentiles_agree_with_an_exact_computation_to_three_digits() {
    const fn answer(sent: usize) -> Duration {
        // From 1 ms to 8 s, most of them short.
        Duration::from_millis((1 + sent * 7919 % 97 + if sent % 50 == 7 { sent * 31 % 8000 } else { 0 }) as u64)
    }
    let told = walk(one_load("constant-arrival-rate", ARRIVALS), |sent| (answer(sent), 200), None).await;
    let mut all: Vec<f64> = (0..2000).map(|sent| answer(sent).as_secs_f64() * 1000.0).collect();
    all.sort_unstable_by(f64::total_cmp);
    let measured = responses(&told);
    assert_eq!(measured.count(), 2000);
    for percentile in [1.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 100.0] {
        let (measured, exact) = (measured.percentile(percentile).unwrap(), exact(&all, percentile));
        assert!(close(measured, exact, 0.001), "p({percentile}) is {exact}, and was measured as {measured}");
    }
    assert_eq!(measured.max(), all.last().copied());
}

/// A server that answers in 2 ms and stands still for a second. A user who waits for each answer asks nothing meanwhile and sees one
/// slow answer; arrivals at a rate see what a second of visitors sees; and wrk2's correction makes the latter of the former.
#[tokio::test(start_paused = true)]
async fn a_closed_load_hides_a_stall_and_an_open_one_does_not() {
    // Arrivals come every 10 ms; those of the fifth second are answered at its end.
    let open = |sent| match sent {
        400..500 => (Duration::from_millis(1002 - (sent as u64 - 400) * 10), 200),
        _ => (Duration::from_millis(2), 200),
    };
    let open = responses(&walk(one_load("constant-arrival-rate", ARRIVALS), open, None).await);
    // One user who sends every 10 ms as well, as long as the answers allow it.
    let closed = |sent| (Duration::from_millis(if sent == 400 { 1002 } else { 2 }), 200);
    let closed = walk(one_load("constant-vus", "duration = \"20s\"\nthink_time = \"8ms\""), closed, None).await;

    assert!(responses(&closed).percentile(99.0).unwrap() < 3.0, "hidden");
    assert!(open.percentile(99.0).unwrap() > 700.0, "shown");

    let mut corrected = Histogram::<u64>::new(3).unwrap();
    for (micros, count) in closed.windows.iter().flat_map(|window| &window.cells).flat_map(|cell| cell.response_time.pairs()) {
        corrected.record_n(u64::from(*micros), u64::from(*count)).unwrap();
    }
    let corrected = corrected.clone_correct(10_000);
    for quantile in [0.5, 0.9, 0.96, 0.98, 0.99, 0.999] {
        #[expect(clippy::cast_precision_loss, reason = "microseconds")]
        let corrected = corrected.value_at_quantile(quantile) as f64 / 1000.0;
        let open = open.percentile(quantile * 100.0).unwrap();
        assert!((open - corrected).abs() <= 12.0, "p({}) is {open} open and {corrected} corrected", quantile * 100.0);
    }
}
