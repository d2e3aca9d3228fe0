//! The scenario's schema beside the readers: it accepts what they accept, and refuses what it can tell.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

mod validate;

use std::fs;

use lab_facts::scenario::{SHIPPED, STARTING, schema};
use serde_json::Value;
use validate::is_valid;

const BROKEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/broken");

/// Broken files about which a schema cannot say anything: names that lead nowhere, values that depend on others, templates.
const ONLY_FOR_READERS: &[&str] = &[
    "expect-traceql-broken",
    "fault-after-the-end",
    "fault-locks-overlap",
    "fault-names-twice",
    "load-iterations-too-many",
    "load-names-twice",
    "load-rate-huge",
    "load-service-missing",
    "load-service-unknown",
    "load-stages-nobody",
    "load-stages-too-long",
    "request-header-names",
    "request-host-varies",
    "request-names-twice",
    "request-template-name",
    "request-template-not-closed",
    "request-template-stray-brace",
    "request-two-methods",
    "request-url-broken",
    "request-variable-unknown",
    "request-weights-zero",
    "same-problem-in-many-tables",
    "service-placeholders",
    "service-urls-in-a-circle",
    "stack-none-with-the-labs-own",
    "threshold-loss-outside",
    "threshold-outside-missing",
    "threshold-outside-unknown",
    "threshold-settled",
    "threshold-tags",
    "vars-csv-missing",
    "vars-unused",
    "vars-unused-because-of-something-else",
];

fn parsed() -> Value {
    serde_json::from_str(&schema()).unwrap()
}

#[test]
fn what_is_shipped_keeps_to_the_schema() {
    let schema = parsed();
    let all: String = STARTING.lines().map(|line| format!("{}\n", switched_on(line))).collect();
    for (name, text) in SHIPPED.iter().copied().chain([("new", STARTING), ("new with all of it", all.as_str())]) {
        let scenario: Value = toml::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(is_valid(&schema, &scenario), "{name}");
    }
}

/// What is commented out by `#` alone.
fn switched_on(line: &str) -> &str {
    let is_sentence = ["# ", "#:"].iter().any(|start| line.starts_with(start)) || line == "#";
    line.strip_prefix('#').filter(|_| !is_sentence).unwrap_or(line)
}

/// Which of the broken files the schema lets pass is written down, so that it loses nothing in silence.
#[test]
fn what_a_schema_can_tell_it_refuses() {
    let schema = parsed();
    let mut passed = Vec::new();
    for entry in fs::read_dir(BROKEN).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        // What is no text, or no TOML, an editor says by itself.
        let Some(scenario) = fs::read_to_string(&path).ok().and_then(|text| toml::from_str::<Value>(&text).ok()) else { continue };
        if path.extension().is_some_and(|extension| extension == "toml") && is_valid(&schema, &scenario) {
            passed.push(name);
        }
    }
    passed.sort();
    assert_eq!(passed, ONLY_FOR_READERS);
}

/// Patterns and ranges say what the readers say about single values.
#[test]
fn times_are_told_from_what_is_none() {
    let schema = parsed();
    let with = |duration: &str| {
        let text = format!(
            "format = 1\ntitle = \"t\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-vus\"\nduration = \"{duration}\"\n\
             [[load.request]]\nget = \"http://127.0.0.1/\"\n"
        );
        let read = lab_facts::scenario::Plan::parse(&text, "x", &[]).is_ok();
        (read, is_valid(&schema, &toml::from_str(&text).unwrap()))
    };
    for time in ["1s", "500ms", "1m30s", " 1 h 2min ", "1.5s", "0s 1ns", "2days", "1w"] {
        assert_eq!(with(time), (true, true), "{time}");
    }
    for none in ["", "0s", "soon", "1", "1 parsec", "-1s", "s", "0.0h"] {
        assert_eq!(with(none), (false, false), "{none}");
    }
}
