//! Every shipped scenario and every example, run by the real program. A test program of its own: others beside it would take the machine away from what
//! the scenarios promise.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]
#![allow(dead_code, reason = "the fixture serves other tests as well")]

#[path = "end_to_end/common.rs"]
mod common;

use std::time::Duration;

use serde_json::Value;

use common::{Place, ended_within};

#[tokio::test]
async fn every_shipped_scenario_reaches_what_it_is_meant_to_and_the_example_keeps_its_promises() {
    let place = Place::new();
    let names: Vec<&str> = lab_facts::scenario::SHIPPED.iter().map(|(name, _)| *name).collect();
    let lab = place.lab(&[&["run"], &names[..], &["--json", "-", "--time-scale", "0.2"]].concat()).spawn().unwrap();
    let run = ended_within(Duration::from_secs(600), lab).await;
    let runs: Vec<Value> = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}\n{}", run.stdout, run.stderr));
    assert_eq!(runs.iter().map(|run| run["scenario"].as_str().unwrap()).collect::<Vec<_>>(), names);
    for run in &runs {
        assert_eq!((&run["as_intended"], &run["verdict"]), (&true.into(), &run["intended_verdict"]), "{run:#}");
        // A fault that nobody met would show nothing.
        let faults = run["faults"].as_array().unwrap();
        assert!(faults.iter().all(|fault| fault["touched"].as_u64() > Some(0)), "{run:#}");
    }
    let worst = |verdict: &str| runs.iter().any(|run| run["verdict"] == verdict);
    assert_eq!(run.code, Some(if worst("fail") { 99 } else { i32::from(worst("inconclusive")) * 98 }), "{}", run.stderr);
    // After them rather than beside them: a program that is not the lab's own, as the README has it.
    let run = place.run(&["run", "examples/hello.toml", "--json", "-", "--time-scale", "0.2"]).await;
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    let run: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&run["verdict"], &run["telemetry"]["services"][0]["server_spans"]), (&"pass".into(), &100.into()));
    place.assert_empty();
}
