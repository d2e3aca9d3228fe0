//! Every shipped scenario and every example, run by the real program. A test program of its own: others beside it would take the machine away from what
//! the scenarios promise.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]
#![allow(dead_code, reason = "the fixture serves other tests as well")]

#[path = "end_to_end/common.rs"]
mod common;

use serde_json::Value;

use common::Place;

#[tokio::test]
async fn every_shipped_scenario_and_the_example_keep_their_promises() {
    let place = Place::new();
    let names: Vec<&str> = lab_tui::scenario::SHIPPED.iter().map(|(name, _)| *name).collect();
    let run = place.run(&[&["run"], &names[..], &["--json", "-", "--time-scale", "0.2"]].concat()).await;
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    let runs: Vec<Value> = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(runs.iter().map(|run| run["scenario"].as_str().unwrap()).collect::<Vec<_>>(), names);
    assert!(runs.iter().all(|run| run["verdict"] == "pass"));
    // After them rather than beside them: a program that is not the lab's own, as the README has it.
    let run = place.run(&["run", "examples/hello.toml", "--json", "-", "--time-scale", "0.2"]).await;
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    let run: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&run["verdict"], &run["telemetry"]["services"][0]["server_spans"]), (&"pass".into(), &100.into()));
    place.assert_empty();
}
