//! Scenario files: refused with sentences that have places, or understood as plans that hold what they promise.

use std::collections::HashSet;
use std::fs;
use std::time::Duration;

use lab_facts::scenario::{Arrivals, Executor, Iterations, Load, Plan, Refusals, SHIPPED, STARTING, Stage, Users, Values, text};

const SERVICES: [&str; 3] = ["frontend", "dice-roller", "die-service"];
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// The shipped ones and the broken ones; what is understood more often than what is not.
pub(crate) fn corpus() -> Vec<Vec<u8>> {
    let broken = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/broken")).unwrap();
    let mut paths: Vec<_> = broken.map(|entry| entry.unwrap().path()).collect();
    // The order of a folder is no one's promise, and a seed has to give the same inputs everywhere.
    paths.sort();
    let good = SHIPPED.iter().map(|(_, text)| *text).chain([STARTING]).map(|text| text.as_bytes().to_vec());
    let often = std::iter::repeat_n(good.collect::<Vec<_>>(), 8).flatten();
    often.chain(paths.iter().map(|path| fs::read(path).unwrap())).collect()
}

pub(crate) fn read(input: &[u8]) {
    let text = match text(input.to_vec(), "x.toml") {
        Ok(text) => text,
        Err(refusals) => return check_refusals(&refusals, &String::from_utf8_lossy(input)),
    };
    match Plan::parse(&text, "x.toml", &SERVICES) {
        Err(refusals) => check_refusals(&refusals, &text),
        Ok(plan) => {
            check(&plan, WEEK);
            check(&plan.clone().scaled(0.001), WEEK);
            check(&plan.clone().scaled(1000.0), WEEK * 1000);
            check(&plan.for_screen(), WEEK);
        }
    }
}

fn check_refusals(refusals: &Refusals, text: &str) {
    let lines: Vec<&str> = text.split('\n').collect();
    assert!((1..=51).contains(&refusals.iter().count()), "{refusals}");
    let mut seen = HashSet::new();
    for refusal in refusals {
        let said = refusal.to_string();
        assert!(!refusal.what.trim().is_empty() && !said.contains(char::is_control), "{said:?}");
        assert!(refusal.hint.as_ref().is_some_and(|hint| !hint.trim().is_empty()), "no way out: {said}");
        assert!(said.chars().count() < 2000, "{said}");
        if let Some((line, column)) = refusal.place {
            assert!((1..=lines.len()).contains(&line) && (1..=lines[line - 1].chars().count() + 1).contains(&column), "{said}");
        }
        assert!(seen.insert(said.clone()), "said twice: {said}");
    }
    assert!(refusals.iter().map(|refusal| refusal.place).is_sorted(), "{refusals}");
}

fn check(plan: &Plan, longest: Duration) {
    assert!(!plan.loads.is_empty());
    for load in &plan.loads {
        check_load(load, longest);
    }
    unique(plan.loads.iter().map(|load| &load.name));
    unique(plan.faults.iter().map(|fault| &fault.name));
    for fault in &plan.faults {
        assert!(fault.at <= plan.duration() && !fault.duration.is_zero() && fault.duration <= longest, "{fault:?}");
    }
    for threshold in &plan.thresholds {
        assert!(threshold.bound.is_finite(), "{threshold:?}");
    }
}

fn check_load(load: &Load, longest: Duration) {
    match &load.executor {
        Executor::Arrivals(Arrivals { start_rate, stages, max_vus, spacing: _ }) => {
            let rates: Vec<f64> = stages.iter().map(|stage| stage.target).chain([*start_rate]).collect();
            assert!(rates.iter().all(|rate| (0.0..=1e6).contains(rate)) && rates.iter().any(|rate| *rate > 0.0), "{rates:?}");
            assert!((1..=100_000).contains(max_vus), "{max_vus}");
            check_stages(stages, longest);
        }
        Executor::Users(Users { start, stages, iterations, think_time, .. }) => {
            let users: Vec<usize> = stages.iter().map(|stage| stage.target).chain([*start]).collect();
            assert!(users.iter().all(|users| *users <= 100_000) && users.iter().any(|users| *users > 0), "{users:?}");
            let most = 1_000_000_000;
            match *iterations {
                Iterations::Unlimited => {}
                Iterations::Shared(count) => assert!((*start as u64..=most).contains(&count), "{count}"),
                Iterations::Each(count) => {
                    assert!(count >= 1 && count.checked_mul(*start as u64).is_some_and(|all| all <= most), "{count}");
                }
            }
            assert!(think_time.min <= think_time.max);
            check_stages(stages, longest);
        }
    }
    assert!(!load.timeout.is_zero() && load.timeout <= WEEK && load.graceful_stop <= WEEK && load.start <= longest);
    assert!(load.requests.iter().map(|request| u64::from(request.weight)).sum::<u64>() > 0);
    unique(load.requests.iter().map(|request| &request.name));
    assert!(load.vars.values().all(|values| match values {
        Values::List(list) => !list.is_empty(),
        Values::Range { step, .. } => *step > 0,
        Values::Column { column, .. } => column.iter().next().is_some(),
    }));
}

fn check_stages<T>(stages: &[Stage<T>], longest: Duration) {
    let all: Duration = stages.iter().map(|stage| stage.duration).sum();
    assert!(!all.is_zero() && all <= longest, "{all:?}");
}

fn unique<'n>(names: impl Iterator<Item = &'n String>) {
    let mut seen = HashSet::new();
    for name in names {
        assert!(seen.insert(name), "two are named {name}");
    }
}
