//! Things die at the wrong moment, and nothing is left running or broken.

use std::net::TcpListener;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::common::{PATIENCE, Place, alive, ended, family, get, metric, signal, until};

/// By how it looks in the process table; the kernel's own name for each of ours is `lab`.
fn pid_of(family: &[(u32, u64, String)], part: &str) -> u32 {
    family.iter().find(|(.., line)| line.contains(part)).unwrap_or_else(|| panic!("no {part} in {family:?}")).0
}

#[tokio::test]
async fn nothing_outlives_a_lab_that_is_killed() {
    let place = Place::new();
    let mut up = place.up(&[]).await;
    let all = family(up.pid());
    for part in ["serve frontend", "serve dice-roller", "serve die-service", "guard", "postgres"] {
        pid_of(&all, part);
    }
    signal(up.pid(), Signal::KILL);
    up.child.wait().await.unwrap();
    let all = &all;
    until("every process to be gone", Duration::from_secs(3), || async move { alive(all).is_empty() }).await;
    place.assert_empty();
}

/// A server without its guard would outlive the lab, so the lab ends it, and says so.
#[tokio::test]
async fn a_database_whose_guard_is_killed_goes_with_it() {
    let place = Place::new();
    let up = place.run_until(&["traffic"], "frontend", 1.0).await;
    let all = family(up.pid());
    let server = vec![all.iter().find(|(.., line)| line.contains("postgres -D")).unwrap().clone()];
    signal(pid_of(&all, "lab guard"), Signal::KILL);
    let server = &server;
    until("the server to be gone", Duration::from_secs(3), || async move { alive(server).is_empty() }).await;
    let roll = &format!("{}/roll?die=fair", up.url("frontend"));
    until("an honest answer", PATIENCE, || async move { get(roll).await.0 == 503 }).await;
    signal(up.pid(), Signal::INT);
    assert_eq!(ended(up.child).await.code, Some(105));
    assert_eq!(alive(&all), Vec::<String>::new());
    place.assert_empty();
}

/// A stack that nothing runs on is of no use without it.
#[tokio::test]
async fn a_stack_whose_database_is_gone_for_good_ends() {
    let place = Place::new();
    let child = place.lab(&["up"]).spawn().unwrap();
    let pid = child.id().unwrap();
    until("the stack", PATIENCE, || async { place.status(pid).await.is_some() }).await;
    let all = family(pid);
    signal(pid_of(&all, "lab guard"), Signal::KILL);
    let up = ended(child).await;
    let sentence = "lab: the private PostgreSQL is gone for good, because its guard process (`lab guard`) was killed";
    assert!(up.code == Some(100) && up.stderr.contains(sentence), "{up:?}");
    assert_eq!(alive(&all), Vec::<String>::new());
    place.assert_empty();
}

/// Ctrl-C and kill -9 at moments spread over the whole start.
#[tokio::test]
async fn a_start_can_be_ended_at_any_moment() {
    let place = Place::new();
    for (how, code) in [(Signal::INT, Some(105)), (Signal::TERM, Some(105)), (Signal::KILL, None)] {
        for millis in [1, 30, 80, 150, 300, 600] {
            let mut child = place.lab(&["run", "traffic"]).spawn().unwrap();
            let pid = child.id().unwrap();
            tokio::time::sleep(Duration::from_millis(millis)).await;
            let all = &family(pid);
            signal(pid, how);
            if how == Signal::KILL {
                child.wait().await.unwrap();
            } else {
                let run = ended(child).await;
                // Before it listens for signals, the signal's own default ends it, and after the start the run is judged.
                assert!(run.code == code || run.code.is_none(), "{how:?} after {millis} ms: {run:?}");
                assert!(run.code.is_none() || run.stderr.contains("interrupted") || run.stdout.contains("interrupted"), "{run:?}");
                assert_eq!(alive(all), Vec::<String>::new(), "{how:?} after {millis} ms");
                place.assert_empty();
            }
            until("every process to be gone", Duration::from_secs(3), || async move { alive(all).is_empty() }).await;
        }
    }
    // Whatever a killed lab could not clear away, the next one does.
    let run = place.run(&["run", "traffic", "--time-scale", "0.02"]).await;
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    place.assert_empty();
}

/// With an empty cache there is `initdb` to be ended, and a template that is half copied.
#[tokio::test]
async fn an_interrupted_first_start_has_cleaned_up_when_it_ends() {
    for millis in [300, 600, 1000, 1500] {
        let place = Place::cold();
        let child = place.lab(&["up"]).spawn().unwrap();
        let pid = child.id().unwrap();
        tokio::time::sleep(Duration::from_millis(millis)).await;
        let all = family(pid);
        signal(pid, Signal::INT);
        let up = ended(child).await;
        assert_eq!(alive(&all), Vec::<String>::new(), "after {millis} ms");
        place.assert_empty();
        // A machine that is quick enough has it up by then, and Ctrl-C is how it ends.
        let interrupted = up.code == Some(105) && up.stderr.contains("lab: interrupted before the stack was ready");
        assert!(interrupted || up.stderr.contains("the stack is up"), "after {millis} ms: {up:?}");
    }
}

#[tokio::test]
async fn a_named_port_that_is_taken_names_its_owner() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    for name in ["frontend", "otlp-grpc", "postgres"] {
        let run = place.run(&["run", "traffic", "--port", &format!("{name}={port}")]).await;
        assert_eq!(run.code, Some(100), "{}", run.stderr);
        let sentence = format!("port {port} is taken by ");
        let way_out = format!("(pid {}): free it, or name another with --port {name}=PORT", std::process::id());
        assert!(run.stderr.contains(&sentence) && run.stderr.contains(&way_out), "{}", run.stderr);
    }
    place.assert_empty();
}

#[tokio::test]
async fn a_killed_database_comes_back_and_the_services_heal() {
    let place = Place::new();
    let text = "format = 1\ntitle = \"t\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-arrival-rate\"\nrate = 50\nduration = \"8s\"\n\
        service = \"die-service\"\n[[load.request]]\nget = \"/dice?identifier=fair\"\nexpect_status = [200, 503]\n\
        [thresholds]\nhttp_req_failed = [\"rate==0\"]\n\"http_reqs{status:503}\" = [\"count>0\"]\ntelemetry_loss = [\"count==0\"]\n";
    let file = place.write("s.toml", text);
    // A quarter into the load, with most of it still to come.
    let up = place.run_until(&[file.to_str().unwrap(), "--json", "-"], "die-service", 100.0).await;
    let postmaster = pid_of(&family(up.pid()), "postgres -D");
    signal(postmaster, Signal::KILL);
    let run = ended(up.child).await;
    let json: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"));
    assert_eq!(run.code, Some(0), "{json:#}");
    let changes: Vec<(&str, bool)> =
        json["processes"].as_array().unwrap().iter().map(|p| (p["name"].as_str().unwrap(), p["exited"].is_string())).collect();
    assert_eq!(changes, [("postgres", true), ("postgres", false)], "no service fell with it");
    let count = |outcome: &str| {
        let outcomes = json["loads"][0]["outcomes"].as_array().unwrap();
        outcomes.iter().find(|o| o["outcome"] == outcome).map_or(0, |o| o["count"].as_u64().unwrap())
    };
    assert_eq!(count("200") + count("503"), 400, "{json:#}");
    assert!(count("200") > 200, "{json:#}");
    place.assert_empty();
}

#[tokio::test]
async fn a_killed_service_comes_back_on_its_port() {
    let place = Place::new();
    let up = place.up(&[]).await;
    assert!(place.status(up.pid()).await.unwrap()["run"].is_null(), "there is none to tell of");
    let url = up.url("dice-roller");
    let before = pid_of(&family(up.pid()), "serve dice-roller");
    signal(before, Signal::KILL);
    let pid = up.pid();
    until("another process", PATIENCE, || async move {
        family(pid).iter().any(|(id, _, line)| line.contains("serve dice-roller") && *id != before)
    })
    .await;
    let roll = format!("{}/roll?die=fair", up.url("frontend"));
    let roll = &roll;
    until("a roll", PATIENCE, || async move { get(roll).await.0 == 200 }).await;
    assert!(metric(&url, "dice_rolls_total", &[("die_type", "fair")]).await.unwrap() >= 1.0);
    up.stop().await;
    place.assert_empty();
}

#[tokio::test]
async fn somebody_elses_database_is_used_and_left_running() {
    let owner = Place::new();
    let theirs = owner.up(&[]).await;
    let place = Place::new();
    let run = place.run(&["run", "db-load", "--time-scale", "0.03", "--database-url", &theirs.database_url()]).await;
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    assert!(!run.stderr.contains("dicepass"), "a password on the screen: {}", run.stderr);
    assert_eq!(get(&format!("{}/roll?die=fair", theirs.url("frontend"))).await.0, 200);
    let port = theirs.postgres_port();
    for (url, sentence) in [
        (
            format!("postgresql://diceuser:wrong-secret@127.0.0.1:{port}/dicedb"),
            "cannot use the database at postgresql://diceuser:…@127.0.0.1",
        ),
        (
            "postgresql://diceuser:wrong-secret@127.0.0.1:1/dicedb".to_owned(),
            "cannot use the database at postgresql://diceuser:…@127.0.0.1:1/dicedb",
        ),
        ("not a url, wrong-secret".to_owned(), "the database URL cannot be read"),
    ] {
        let run = place.run(&["run", "db-load", "--database-url", &url]).await;
        assert!(matches!(run.code, Some(100 | 104)), "{run:?}");
        assert!(run.stderr.contains(sentence) && !run.stderr.contains("wrong-secret"), "{}", run.stderr);
    }
    theirs.stop().await;
    place.assert_empty();
}
