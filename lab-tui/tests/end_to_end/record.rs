//! Runs that are recorded, listed, replayed and compared.

use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;

use crate::common::{PATIENCE, Place, alive, ended, family, signal, until};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A run that came to its end, whatever a busy machine made of its promises: kept, inconclusive, broken.
const ENDED: [Option<i32>; 3] = [Some(0), Some(98), Some(99)];

/// A few seconds with a fault and several kinds of answers.
const SHORT: [&str; 4] = ["run", "scenarios/locked-table.toml", "--time-scale", "0.1"];

#[tokio::test]
async fn a_recorded_run_is_listed_and_its_replay_says_the_same_to_the_digit() {
    let place = Place::new();
    let (out, again, events) = (place.path("out.json"), place.path("again.json"), place.path("events.ndjson"));
    let [out_name, again_name, events_name] = [&out, &again, &events].map(|path| path.to_str().unwrap());
    let (page, page_again) = (place.path("out.html"), place.path("again.html"));
    let [page_name, page_again_name] = [&page, &page_again].map(|path| path.to_str().unwrap());
    let run = place.run(&[&SHORT[..], &["--json", out_name, "--html", page_name, "--events", events_name]].concat()).await;
    assert!(ENDED.contains(&run.code), "{}\n{}", run.stdout, run.stderr);
    let summary = std::fs::read_to_string(&out).unwrap();

    let listed = json(&place.run(&["runs", "--json"]).await.stdout);
    let [listed] = listed.as_array().unwrap().as_slice() else { panic!("{listed}") };
    let id = listed["id"].as_str().unwrap();
    assert!(run.stderr.contains(&format!("recorded as {id}: lab replay {id}")), "{}", run.stderr);
    assert_eq!((&listed["scenario"], &listed["verdict"]), (&"locked-table".into(), &json(&summary)["verdict"]));
    assert_eq!(listed["requests"], json(&summary)["loads"][0]["requests"]);
    let table = place.run(&["runs"]).await.stdout;
    assert_eq!(table.lines().count(), 2, "{table}");
    assert!(table.lines().nth(1).unwrap().starts_with(id), "{table}");

    // The file that the scenario was read from is not needed, nor is anything but the recording.
    let replay = place.run(&["replay", id, "--json", again_name, "--html", page_again_name]).await;
    assert_eq!(replay.code, run.code, "{}", replay.stderr);
    assert_eq!(std::fs::read_to_string(&again).unwrap(), summary);
    assert_eq!(replay.stdout, run.stdout, "the text as well, with the slowest trace");
    // The recording knows to the second when the run began.
    let but_its_date = |page: &Path| {
        let page = std::fs::read_to_string(page).unwrap();
        let (before, rest) = page.split_once("<dt>Date</dt><dd>").expect("a page");
        before.to_owned() + rest.split_once("</dd>").unwrap().1
    };
    assert_eq!(but_its_date(&page_again), but_its_date(&page), "the page as well, with the slowest traces");
    for other in [events_name, "last", "20"] {
        let replay = place.run(&["replay", other, "--json", "-"]).await;
        assert_eq!(replay.stdout, summary, "{other}\n{}", replay.stderr);
    }
    // The recording outlives its place in the history.
    let moved = place.path("moved.labrun");
    std::fs::copy(listed["path"].as_str().unwrap(), &moved).unwrap();
    let removed = place.run(&["runs", "rm", id]).await;
    assert_eq!(removed.code, Some(0), "{}", removed.stderr);
    assert_eq!(place.run(&["replay", moved.to_str().unwrap(), "--json", "-"]).await.stdout, summary);
    assert_eq!(place.run(&["runs"]).await.stdout, "no run has been recorded yet\n");
    place.assert_empty();
}

#[tokio::test]
async fn events_can_be_read_while_the_run_goes_on_and_an_interrupted_run_is_kept() {
    let place = Place::new();
    let events = place.path("events.ndjson");
    let lab = place.lab(&["run", "traffic", "--events", events.to_str().unwrap()]).spawn().unwrap();
    let lines = || std::fs::read_to_string(&events).unwrap_or_default().lines().map(str::to_owned).collect::<Vec<_>>();
    until("ten windows", PATIENCE, || async { lines().iter().filter(|line| line.contains("{\"window\":")).count() > 10 }).await;
    let header = json(&lines()[0]);
    assert_eq!((&header["format"], &header["scenario"], &header["end"]), (&1.into(), &"traffic".into(), &Value::Null));
    signal(lab.id().unwrap(), Signal::INT);
    let run = ended(lab).await;
    assert_eq!(run.code, Some(105), "{}", run.stderr);
    let lines: Vec<Value> = lines().iter().map(|line| json(line)).collect();
    assert_eq!(lines.last().unwrap()["fact"]["finished"]["interrupted"], true);
    assert!(lines[1..].iter().all(|line| line["at"].as_f64().unwrap() >= 0.0));
    assert!(!lines.iter().any(|line| line.to_string().contains("dicepass")), "a password among the events");
    let replay = place.run(&["replay", "last"]).await;
    assert_eq!((replay.code, replay.stdout), (Some(105), run.stdout));
    assert!(place.run(&["runs"]).await.stdout.contains("  interrupted  "));
    place.assert_empty();
}

#[tokio::test]
async fn no_record_keeps_nothing_and_a_history_that_cannot_be_written_is_a_warning() {
    let place = Place::new();
    let short = ["run", "traffic", "--time-scale", "0.02"];
    let run = place.run(&[&short[..], &["--no-record"]].concat()).await;
    assert!(ENDED.contains(&run.code), "{}", run.stderr);
    assert!(!place.path("data").exists() && !run.stderr.contains("recorded"), "{}", run.stderr);
    place.write("data", "this is no folder");
    let run = place.run(&short).await;
    assert!(ENDED.contains(&run.code), "{}", run.stderr);
    assert!(run.stderr.contains("the run is not recorded: cannot write in "), "{}", run.stderr);
    assert!(run.stderr.contains("set LAB_DATA_DIR to a folder that can be written, or give --no-record"), "{}", run.stderr);
    // What was asked for by name is no extra.
    let run = place.run(&[&short[..], &["--no-record", "--events", "/dev/full"]].concat()).await;
    assert_eq!(run.code, Some(104), "{}", run.stderr);
    assert!(run.stderr.contains("cannot write the events to /dev/full: No space left"), "{}", run.stderr);
    assert!(run.stdout.contains("\nthresholds\n"), "the run itself is told: {}", run.stdout);
}

/// A kill leaves nothing that looks like a whole recording, and a stream that is good as far as it goes.
#[tokio::test]
async fn a_killed_lab_leaves_its_events_and_no_recording() {
    let place = Place::new();
    let events = place.path("events.ndjson");
    let lab = place.lab(&["run", "traffic", "--events", events.to_str().unwrap()]).spawn().unwrap();
    let told = || std::fs::read_to_string(&events).unwrap_or_default().matches("{\"window\":").count();
    until("ten windows", PATIENCE, || async { told() > 10 }).await;
    let pid = lab.id().unwrap();
    let everybody = &family(pid);
    signal(pid, Signal::KILL);
    ended(lab).await;
    until("every process to be gone", PATIENCE, || async move { alive(everybody).is_empty() }).await;
    assert_eq!(place.run(&["runs"]).await.stdout, "no run has been recorded yet\n");
    let replay = place.run(&["replay", events.to_str().unwrap()]).await;
    assert_eq!(replay.code, Some(105), "{}", replay.stderr);
    assert!(replay.stderr.contains("events.ndjson ends before its run does; this is as far as it goes"), "{}", replay.stderr);
    assert!(replay.stdout.contains("interrupted; as far as it went"), "{}", replay.stdout);
}

/// Each refusal is one sentence, comes before anything starts, and exits with 104.
#[tokio::test]
async fn what_cannot_be_recorded_or_replayed_is_refused() {
    let place = Place::new();
    let foreign = place.write("foreign.labrun", "no run at all\n");
    let foreign = foreign.to_str().unwrap();
    let unwritable = place.path("no/such/folder/events");
    let cases: [(&[&str], &str); 11] = [
        (&["run", "traffic", "--events", unwritable.to_str().unwrap()], "cannot write "),
        (&["run", "traffic", "db-load", "--events", "-"], "--events writes the events of one run, and 2 were asked for"),
        (&["run", "traffic", "--events", "-", "--json", "-"], "cannot both be written to standard output; name a file for one of them"),
        (&["replay", foreign], "foreign.labrun: it is no recording of the lab (name a .labrun"),
        (&["replay", "20010101-000000"], "there is no file 20010101-000000, and no recorded run of that ID; `lab runs` lists them"),
        (&["replay", "last"], "no run has been recorded yet"),
        (&["run", "traffic", "--baseline", foreign], "foreign.labrun: it is no recording of the lab"),
        (&["run", "traffic", "db-load", "--baseline", foreign], "--baseline is for one run, and 2 were asked for"),
        (&["run", "traffic", "--fail-on-regression"], "--fail-on-regression needs a run to compare with: name it with --baseline"),
        (&["compare", "1", "2", "--json", "-", "--markdown", "-"], "cannot both be written to -; name another file"),
        (&["runs", "rm", "1"], "no recorded run has the ID 1; `lab runs` lists them"),
    ];
    for (arguments, sentence) in cases {
        let run = place.run(arguments).await;
        assert_eq!(run.code, Some(104), "{arguments:?}\n{}", run.stderr);
        assert!(run.stderr.contains(sentence) && run.stderr.lines().count() == 1, "{arguments:?}\n{}", run.stderr);
        assert!(run.stdout.is_empty(), "{arguments:?}");
    }
    place.assert_empty();
}

/// The same scenario, once as it is and once with rolls that take most of a second. On a busy machine other hops may be slower as well,
/// so which of them is named is for a test with made-up runs.
#[tokio::test]
async fn a_slower_run_is_found_against_its_baseline() {
    let place = Place::new();
    let file = place.write(
        "rolls.toml",
        "format = 1\ntitle = \"Rolls\"\n[[load]]\nname = \"rolls\"\nexecutor = \"constant-arrival-rate\"\nrate = 10\nduration = \"10s\"\n\
         service = \"frontend\"\n[[load.request]]\nget = \"/roll?die=fair\"\n",
    );
    let short = ["run", file.to_str().unwrap(), "--env"];
    let base = place.run(&[&short[..], &["ROLL_DELAY_MS=1..1"]].concat()).await;
    assert!(ENDED[..2].contains(&base.code), "{}", base.stderr);
    let id = json(&place.run(&["runs", "--json"]).await.stdout)[0]["id"].as_str().unwrap().to_owned();
    let slow = [&short[..], &["ROLL_DELAY_MS=700..700", "--baseline", &id, "--noise-threshold", "20%", "--json", "-"]].concat();
    let run = place.run(&slow).await;
    assert!(ENDED[..2].contains(&run.code), "only --fail-on-regression makes it fail: {}", run.stderr);
    let comparison = json(&run.stdout)["comparison"].clone();
    assert_eq!(comparison["baseline"]["name"], id.as_str());
    assert!(!comparison["slowdown_begins_at"].as_array().unwrap().is_empty(), "{comparison:#}");
    let change = |name: &str, measure: &str| {
        let rows = comparison["rows"].as_array().unwrap();
        rows.iter().find(|row| row["name"] == name && row["measure"] == measure).unwrap()["change"].clone()
    };
    let changes = [("rolls", "p50"), ("rolls", "rate"), ("dice-roller", "mean"), ("frontend", "mean")];
    let expected = ["regression", "none", "regression", "regression"];
    assert_eq!(changes.map(|(name, measure)| change(name, measure)), expected, "{comparison:#}");

    // The same again from the two recordings, and the other way round.
    let markdown = place.path("out.md");
    let flags = ["--noise-threshold", "20%", "--fail-on-regression", "--markdown", markdown.to_str().unwrap()];
    let compared = place.run(&[&["compare", &id, "last"], &flags[..]].concat()).await;
    assert_eq!(compared.code, Some(99), "{}", compared.stderr);
    assert!(compared.stdout.contains("the slowdown begins at "), "{}", compared.stdout);
    assert!(std::fs::read_to_string(&markdown).unwrap().starts_with("### ❌ rolls: "));
    let back = place.run(&["compare", "last", &id, "--noise-threshold", "20%", "--json", "-"]).await;
    assert_eq!(back.code, Some(0), "{}", back.stderr);
    assert!(json(&back.stdout)["improvements"].as_u64().unwrap() > 0);
    let junit = place.path("out.xml");
    let flags = ["--fail-on-regression", "--junit", junit.to_str().unwrap()];
    let failed = place.run(&[&slow[..slow.len() - 2], &flags].concat()).await;
    assert!(ENDED[1..].contains(&failed.code), "an inconclusive run says nothing, a conclusive one fails: {}", failed.stdout);
    assert!(failed.stdout.contains("  WORSE\n"), "{}", failed.stdout);
    let told = format!("; but worse than {id}: p50 of rolls, ");
    assert_eq!(failed.stdout.contains(&told), failed.code == Some(99), "{}", failed.stdout);
    let xml = std::fs::read_to_string(&junit).unwrap();
    assert_eq!(xml.contains("message=\"worse than "), failed.code == Some(99), "{xml}");
    place.assert_empty();
}

/// Of any moment and after any keys, without a terminal and without the stack.
#[tokio::test]
async fn a_recorded_run_is_a_picture() {
    let place = Place::new();
    let run = place.run(&SHORT).await;
    assert!(ENDED.contains(&run.code), "{}\n{}", run.stdout, run.stderr);
    let picture = place.path("screen.svg");
    let taken = place.run(&["screenshot", "last", "--at", "2s", "--keys", "2 Tab", "-o", picture.to_str().unwrap()]).await;
    assert_eq!(taken.code, Some(0), "{}", taken.stderr);
    let svg = std::fs::read_to_string(picture).unwrap();
    let document = roxmltree::Document::parse(&svg).unwrap();
    let texts: String = document.descendants().filter_map(|node| node.text()).collect();
    assert!(texts.contains("locked-table") && texts.contains("where the milliseconds go"), "{texts}");
    let refused = place.run(&["screenshot", "last", "--keys", "Entre", "-o", "-"]).await;
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(104), ""));
    assert!(refused.stderr.contains("`Entre` is no key"), "{}", refused.stderr);
}
