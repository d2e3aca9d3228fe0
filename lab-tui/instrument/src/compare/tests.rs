use std::time::Duration;

use lab_facts::event::{Cell, Event, Fact, HopSpans, LoadWindow, Outcome, Samples};
use lab_facts::exit::Exit;
use lab_facts::scenario::Plan;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::record::Header;
use crate::stack::Endpoints;

const SCENARIO: &str = r#"
format = 1
title = "Two kinds"
[[load]]
name = "db"
executor = "constant-arrival-rate"
rate = 50
duration = "40s"
service = "door"
[[load.request]]
name = "list"
get = "/list"
[[load.request]]
name = "get"
get = "/get"
"#;

/// How a run went: factors of what it takes otherwise.
struct Went {
    seconds: u64,
    list: f64,
    get: f64,
    /// Of the slowest tenth alone.
    tail: f64,
    /// Share of `get` that fails.
    failed: f64,
    middle: f64,
    database: f64,
    rate: u32,
}

const CALM: Went = Went { seconds: 40, list: 1.0, get: 1.0, tail: 1.0, failed: 0.0, middle: 1.0, database: 1.0, rate: 25 };

fn plan() -> Plan {
    Plan::parse(SCENARIO, "two.toml", &["door"]).unwrap()
}

fn header(scenario: &str) -> Header {
    let endpoints = Endpoints {
        services: [].into(),
        metrics: [].into(),
        attached: Vec::new(),
        database: None,
        otlp_grpc: String::new(),
        otlp_http: String::new(),
        tempo: None,
    };
    Header { scenario: scenario.to_owned(), started: "2026-11-24T01:50:36Z".to_owned(), ..Header::new(&plan(), &endpoints) }
}

/// A run of noisy latencies, as real ones are: skewed, with a tail.
fn series(seed: u64, went: &Went) -> Series {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut times = |count: u32, factor: f64, tail: f64| {
        let mut one = || {
            let draw: f64 = random.random();
            let micros = 4000.0 * factor * (1.0 - 0.3 * (1.0 - draw).ln()) * if draw > 0.9 { tail } else { 1.0 };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some thousands of microseconds")]
            let micros = micros as u32;
            micros
        };
        Samples::from_micros((0..count).map(|_| one()).collect())
    };
    let mut series = Series::new(&plan());
    let mut apply = |fact| series.apply(&Event { at: Duration::ZERO, fact });
    for (from, to) in [("lab", "door"), ("door", "middle"), ("middle", "database"), ("middle", "middle")] {
        apply(Fact::Edge { from: from.into(), to: to.into() });
    }
    for second in 0..went.seconds {
        let mut cells = Vec::new();
        for (request, factor) in [(0, went.list), (1, went.get)] {
            let bad = if request == 1 && (second % 10) < 5 { (f64::from(went.rate) * went.failed * 2.0).round() } else { 0.0 };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most some dozens")]
            let bad = bad as u32;
            for (outcome, count) in [(Outcome::Status(200), went.rate - bad), (Outcome::Status(503), bad)] {
                let response_time = times(count, factor, went.tail);
                cells.push(Cell { request, outcome, service_time: response_time.clone(), response_time });
            }
        }
        let window = LoadWindow { load: 0, index: second * 10 + 3, offered: 2 * went.rate, cells, ..LoadWindow::default() };
        apply(Fact::Window(window));
        // Who calls is at least as slow as who is called.
        let waits = went.middle.max(went.database);
        for (hop, factor) in [("door", waits), ("middle", waits), ("database", went.database)] {
            apply(Fact::Hop(HopSpans { hop: hop.to_owned(), second, errors: 0, durations: times(50, factor, 1.0) }));
        }
    }
    series
}

fn compared(before: &Went, now: &Went) -> Comparison {
    let (baseline, current) = (series(1, before), series(2, now));
    let header = header("two");
    let side = |name: &str, series| Compared { name: name.to_owned(), header: &header, series };
    compare(&side("a", &baseline), &side("b", &current), 0.05)
}

fn changed(comparison: &Comparison) -> Vec<(&str, Measure, Change)> {
    let changed = comparison.rows.iter().filter(|row| row.change != Change::None);
    changed.map(|row| (row.name.as_str(), row.measure, row.change)).collect()
}

#[test]
fn where_nothing_changed_nothing_is_claimed() {
    let comparison = compared(&CALM, &CALM);
    assert_eq!(changed(&comparison), []);
    assert_eq!(comparison.rows.len(), 3 * 6 + 3 * 3);
    assert!(comparison.warnings.is_empty() && comparison.slowdown_begins_at.is_empty());
    assert!(text(&comparison).contains("no change beyond chance and noise"));
    // Whatever the seeds: of thousands of figures of like runs, hardly one may be taken for a change.
    let header = header("two");
    let claimed: usize = (0..20)
        .map(|seed| {
            let (baseline, current) = (series(100 + seed, &CALM), series(200 + seed, &CALM));
            let side = |series| Compared { name: String::new(), header: &header, series };
            changed(&compare(&side(&baseline), &side(&current), 0.05)).len()
        })
        .sum();
    assert!(claimed <= 4, "{claimed} of {} figures", 20 * 27);
}

#[test]
fn a_slower_kind_of_request_is_found_with_its_figures() {
    let comparison = compared(&CALM, &Went { get: 1.3, ..CALM });
    let changed = changed(&comparison);
    for measure in [Measure::P50, Measure::P95, Measure::P99, Measure::Mean] {
        assert!(changed.contains(&("db / get", measure, Change::Regression)), "{measure:?}: {changed:?}");
    }
    assert!(changed.iter().all(|(name, ..)| *name != "db / list"), "{changed:?}");
    let row = comparison.rows.iter().find(|row| row.name == "db / get" && row.measure == Measure::P95).unwrap();
    assert!((0.2..0.4).contains(&row.relative_shift.unwrap()) && row.p.unwrap() < 0.001, "{row:?}");
    let better = compared(&Went { get: 1.3, ..CALM }, &CALM);
    assert!(better.regressions == 0 && better.improvements >= 4, "{:?}", self::changed(&better));
    assert_eq!([comparison.exit(), better.exit()], [Exit::Broken, Exit::Kept]);
}

/// The p95 alone is 30 % higher; the median, which most look at, is not.
#[test]
fn a_longer_tail_is_found_where_it_is() {
    let busy = Went { rate: 100, ..CALM };
    let comparison = compared(&busy, &Went { tail: 1.3, ..busy });
    let changed = changed(&comparison);
    for name in ["db", "db / get", "db / list"] {
        assert!(changed.contains(&(name, Measure::P95, Change::Regression)), "{changed:?}");
        assert!(!changed.iter().any(|(other, measure, _)| *other == name && *measure == Measure::P50), "{changed:?}");
    }
}

#[test]
fn a_change_within_the_noise_threshold_does_not_count() {
    let (baseline, current) = (series(1, &CALM), series(2, &Went { list: 1.3, get: 1.3, ..CALM }));
    let header = header("two");
    let side = |series| Compared { name: String::new(), header: &header, series };
    let loose = compare(&side(&baseline), &side(&current), 0.5);
    assert_eq!(changed(&loose), []);
    assert!(loose.rows.iter().any(|row| row.p.unwrap() < 0.001), "it is significant all the same");
}

#[test]
fn the_hop_that_is_slower_is_named_and_not_those_who_wait_for_it() {
    let slow = compared(&CALM, &Went { database: 1.5, ..CALM });
    assert_eq!(slow.slowdown_begins_at, ["database"]);
    assert!(changed(&slow).contains(&("door", Measure::P95, Change::Regression)), "who waits is slower as well");
    assert!(text(&slow).contains("the slowdown begins at database"));
    assert_eq!(compared(&CALM, &Went { middle: 1.5, ..CALM }).slowdown_begins_at, ["middle"]);
}

#[test]
fn failures_that_come_now_and_then_are_found_and_so_is_a_lower_rate() {
    let comparison = compared(&CALM, &Went { failed: 0.1, ..CALM });
    let changed_now = changed(&comparison);
    assert_eq!(changed_now, [("db", Measure::Failed, Change::Regression), ("db / get", Measure::Failed, Change::Regression)]);
    let slower = compared(&CALM, &Went { rate: 20, ..CALM });
    assert!(changed(&slower).contains(&("db", Measure::Rate, Change::Regression)), "{:?}", changed(&slower));
}

#[test]
fn too_short_a_run_and_what_only_one_run_has_are_said() {
    let short = compared(&CALM, &Went { seconds: 7, get: 3.0, ..CALM });
    assert!(short.rows.iter().all(|row| row.change == Change::TooShort));
    assert!(text(&short).contains("the runs are too short to be compared"));
    assert_eq!((short.exit(), worse(&short).as_deref()), (Exit::Inconclusive, Some("too short to be compared with a")));
    let (baseline, current) = (series(1, &CALM), Series::new(&plan()));
    let headers = [header("two"), Header { text: "x".to_owned(), time_scale: Some(0.5), ..header("three") }];
    let side = |series, header| Compared { name: String::new(), header, series };
    let alone = compare(&side(&baseline, &headers[0]), &side(&current, &headers[1]), 0.05);
    assert!(alone.rows.iter().all(|row| row.change == Change::OnlyInOne));
    assert_eq!(alone.warnings, ["the scenarios differ: two and three", "the time scales differ: 1 and 0.5"]);
}

/// A day of seconds is told in windows, or its comparison would take all night.
#[test]
fn a_long_run_is_told_in_longer_windows() {
    let long = Went { seconds: 1500, rate: 2, ..CALM };
    let comparison = compared(&long, &Went { list: 1.5, get: 1.5, ..long });
    let row = &comparison.rows[1];
    assert_eq!((row.window_seconds, row.windows, row.change), (3, [500, 500], Change::Regression));
}

#[test]
fn a_comparison_is_told_in_words_and_for_a_pull_request() {
    let comparison = compared(&CALM, &Went { database: 1.5, get: 1.3, ..CALM });
    insta::assert_snapshot!("text", text(&comparison));
    insta::assert_snapshot!("markdown", markdown(&comparison));
    let json = serde_json::to_value(&comparison).unwrap();
    assert_eq!((&json["format"], &json["rows"][1]["measure"], &json["rows"][1]["kind"]), (&1.into(), &"p95".into(), &"load".into()));
    let named = Comparison { current: Run { scenario: "a|b<script>\n".to_owned(), ..comparison.current.clone() }, ..comparison };
    assert!(markdown(&named).starts_with("### ❌ a\\|b&lt;script> : "), "{}", markdown(&named));
}
