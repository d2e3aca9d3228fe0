//! `lab logs`, and log lines that come over OTLP.

use std::process::Stdio;

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use crate::common::{PATIENCE, Place, Up, client, ended, get, signal, until};

async fn roll(up: &Up) -> String {
    let (status, body) = get(&format!("{}/roll?die=fair", up.url("frontend"))).await;
    assert_eq!(status, 200);
    body["trace_id"].as_str().unwrap().to_owned()
}

fn objects(stdout: &str) -> Vec<Value> {
    stdout.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// `lab logs --follow` with these flags, and its lines.
fn follow(place: &Place, flags: &[&str]) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut child = place.lab(&[&["logs", "--follow"], flags].concat()).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

async fn next(lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("a line").unwrap().expect("a line")
}

#[tokio::test]
async fn log_lines_are_found_by_what_they_are() {
    let place = Place::new();
    let up = place.up(&[]).await;
    let id = roll(&up).await;
    let (place, id) = (&place, &id);
    let of_trace = ["logs", "--trace", id, "--json", "--match", "Request completed"];
    until("its lines", PATIENCE, || async move { place.run(&of_trace).await.stdout.lines().count() == 3 }).await;
    let lines = objects(&place.run(&["logs", "--trace", id, "--json"]).await.stdout);
    assert!(lines.iter().all(|line| line["trace_id"] == *id.as_str() && line["timestamp"].is_string()), "{lines:#?}");
    let stamps: Vec<&str> = lines.iter().map(|line| line["timestamp"].as_str().unwrap()).collect();
    assert!(stamps.is_sorted(), "{stamps:?}");
    let one = place.run(&["logs", "--service", "die-service", "--match", "/^.*Request (completed|ended)/", "--since", "1h"]).await;
    assert_eq!(one.stdout.lines().count(), 1, "{}", one.stdout);
    assert!(
        one.stdout.contains("  die-service    INFO     Request completed ") && one.stdout.trim_end().ends_with(&format!("  trace={id}"))
    );
    // Start-up lines are there as well, and have no trace.
    let all = objects(&place.run(&["logs", "--json"]).await.stdout);
    assert!(all.iter().any(|line| line.get("trace_id").is_none()), "{all:#?}");
    let none = place.run(&["logs", "--level", "fatal,critical"]).await;
    assert_eq!((none.code, none.stdout.as_str(), none.stderr.as_str()), (Some(0), "", "no log line of the lab fits\n"));
    for (flags, sentence) in [
        (["--level", "loud"], "`loud` is no level; there are TRACE, DEBUG, INFO"),
        (["--trace", "xyz"], "a trace ID has 32 hex digits"),
        (["--match", "/(/"], "`/(/` is no regular expression"),
        (["--since", "soon"], "write a time such as 500ms"),
    ] {
        let refused = place.run(&[&["logs"], &flags[..]].concat()).await;
        assert_eq!(refused.code, Some(104), "{flags:?}");
        assert!(refused.stderr.contains(sentence), "{}", refused.stderr);
    }
    up.stop().await;
    assert_eq!(place.run(&["logs"]).await.code, Some(100));
    place.assert_empty();
}

#[tokio::test]
async fn who_follows_hears_each_line_once_until_one_of_both_ends() {
    let place = Place::new();
    let up = place.up(&[]).await;
    let flags = ["--service", "frontend", "--match", "Request completed", "--json"];
    let (stopped, mut to_be_stopped) = follow(&place, &flags);
    let (left_alone, mut to_the_end) = follow(&place, &flags);
    let (head, mut of_head) = follow(&place, &flags);
    for _ in 0..3 {
        let id = roll(&up).await;
        for lines in [&mut to_be_stopped, &mut to_the_end, &mut of_head] {
            let line: Value = serde_json::from_str(&next(lines).await).unwrap();
            assert_eq!(line["trace_id"], id.as_str());
        }
    }
    // Ctrl-C is how following ends, not how it fails.
    signal(stopped.id().unwrap(), Signal::INT);
    assert_eq!(ended(stopped).await.code, Some(0));
    // Who reads no more, as `head`, wants no more.
    drop(of_head);
    roll(&up).await;
    let head = ended(head).await;
    assert_eq!((head.code, head.stderr.as_str()), (Some(0), ""));
    next(&mut to_the_end).await;
    up.stop().await;
    assert_eq!(to_the_end.next_line().await.unwrap(), None);
    let left_alone = ended(left_alone).await;
    assert_eq!((left_alone.code, left_alone.stderr.as_str()), (Some(0), "the lab has ended\n"));
    place.assert_empty();
}

#[tokio::test]
async fn a_log_record_over_otlp_is_a_line_of_its_trace() {
    let place = Place::new();
    let up = place.up(&[]).await;
    let id = roll(&up).await;
    let status = place.status(up.pid()).await.unwrap();
    let endpoint = status["endpoints"]["otlp_http"].as_str().unwrap().trim_end_matches('/').to_owned();
    let attribute = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let record =
        json!({"severityNumber": 13, "body": {"stringValue": "seen from outside"}, "traceId": id, "attributes": [attribute("by", "me")]});
    let resource = json!({"attributes": [attribute("service.name", "observer")]});
    let message = json!({"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [record]}]}]});
    let answer = client().post(format!("{endpoint}/v1/logs")).json(&message).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let lines = objects(&place.run(&["logs", "--service", "observer", "--level", "warn", "--json"]).await.stdout);
    assert_eq!((lines.len(), &lines[0]["message"], &lines[0]["by"]), (1, &"seen from outside".into(), &"me".into()));
    let (place, id) = (&place, &id);
    until("the trace", PATIENCE, || async move {
        let trace = place.run(&["trace", id]).await.stdout;
        trace.contains("WARNING seen from outside by=me") && trace.contains("frontend GET /roll")
    })
    .await;
    up.stop().await;
    place.assert_empty();
}
