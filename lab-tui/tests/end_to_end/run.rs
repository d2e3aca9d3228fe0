//! `lab run`: what it prints, writes and exits with.

use rustix::process::Signal;
use serde_json::Value;

use crate::common::{Place, ended, family, signal};

/// A tenth of the time of the shipped files.
const SHORT: [&str; 2] = ["--time-scale", "0.1"];

fn json(place: &Place) -> Value {
    serde_json::from_str(&std::fs::read_to_string(place.path("out.json")).unwrap()).unwrap()
}

fn scenario(duration: &str, request: &str, thresholds: &str) -> String {
    format!(
        "format = 1\ntitle = \"A test\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-arrival-rate\"\nrate = 50\nduration = \"{duration}\"\n\
         service = \"frontend\"\n[[load.request]]\n{request}\n[thresholds]\n{thresholds}\n"
    )
}

#[tokio::test]
async fn without_a_command_the_default_scenario_runs() {
    let place = Place::new();
    let out = place.path("out.json");
    let run = place.run(&[&SHORT[..], &["--json", out.to_str().unwrap()]].concat()).await;
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("pass: all 3 thresholds kept"), "{}", run.stdout);
    assert!(run.stderr.contains("stack ready"), "{}", run.stderr);
    let json = json(&place);
    assert_eq!((&json["scenario"], &json["verdict"], &json["exit_code"]), (&"first-minute".into(), &"pass".into(), &0.into()));
    assert_eq!(json["loads"][0]["requests"], 120);
    assert_eq!(json["telemetry"]["loss"], 0);
    for service in json["telemetry"]["services"].as_array().unwrap() {
        assert_eq!(service["answered"], 120, "{service}");
        assert_eq!((&service["answered"], &service["answered"]), (&service["server_spans"], &service["log_lines"]), "{service}");
    }
    place.assert_empty();
}

#[tokio::test]
async fn the_database_load_is_the_documented_one() {
    let place = Place::new();
    let out = place.path("out.json");
    let run = place.run(&[&["run", "scenarios/db-load.toml", "--headless", "--json", out.to_str().unwrap()], &SHORT[..]].concat()).await;
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    let json = json(&place);
    let load = &json["loads"][0];
    assert_eq!((&load["requests"], &load["dropped"], &load["failed"]), (&150.into(), &0.into(), &0.into()));
    assert!((49.0..=51.0).contains(&load["achieved_rate"].as_f64().unwrap()), "{load}");
    let outcomes: Vec<(&str, &str)> =
        load["outcomes"].as_array().unwrap().iter().map(|o| (o["request"].as_str().unwrap(), o["outcome"].as_str().unwrap())).collect();
    assert_eq!(outcomes, [("list", "200"), ("get", "200"), ("get unknown", "404")]);
    for times in ["response_time_ms", "service_time_ms"] {
        let value = |key: &str| load[times][key].as_f64().unwrap();
        let ordered = ["p50", "p90", "p95", "p99", "p999", "max"].map(value);
        assert!(ordered.is_sorted() && ordered[0] > 0.0 && value("mean") > 0.0, "{load}");
    }
    assert_eq!(json["telemetry"]["loss"], 0);
    let die = json["telemetry"]["services"].as_array().unwrap().iter().find(|service| service["name"] == "die-service").unwrap();
    assert_eq!((&die["answered"], &die["server_spans"], &die["log_lines"]), (&150.into(), &150.into(), &150.into()));
    assert_eq!(json["slowest_traces"].as_array().unwrap().len(), 5);
    assert!(json["lab"]["cpu_seconds"].as_f64().unwrap() > 0.0 && json["lab"]["schedule_lag_p99_ms"].as_f64().unwrap() >= 0.0);
    assert!(!json.to_string().contains("dicepass"), "a password in the report");
}

#[tokio::test]
async fn a_broken_threshold_is_named_and_exits_with_99() {
    let place = Place::new();
    let file = place.write("s.toml", &scenario("1s", "get = \"/roll?die=fair\"", "http_req_duration = [\"max<0.001\", \"p(50)<60000\"]"));
    let run = place.run(&["run", file.to_str().unwrap()]).await;
    assert_eq!(run.code, Some(99), "{}\n{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("BROKEN  http_req_duration max<0.001"), "{}", run.stdout);
    assert!(run.stdout.contains("kept    http_req_duration p(50)<60000"), "{}", run.stdout);
    assert!(run.stdout.ends_with("fail: 1 of 2 thresholds broken\n"), "{}", run.stdout);
}

/// Dropped arrivals are counted where the system is slower than the load: one request at a time, and each takes a roll's delay.
#[tokio::test]
async fn arrivals_beyond_max_vus_are_dropped_counted_and_shown() {
    let place = Place::new();
    let text =
        scenario("2s", "get = \"/roll?die=fair\"", "dropped_iterations = [\"count>50\"]").replace("rate = 50", "rate = 50\nmax_vus = 1");
    let file = place.write("s.toml", &text);
    let run = place.run(&["run", file.to_str().unwrap(), "--env", "ROLL_DELAY_MS=200..200", "--json", "-"]).await;
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    let load = &json["loads"][0];
    assert_eq!(run.code, Some(0), "{json:#}");
    assert_eq!(load["requests"].as_u64().unwrap() + load["dropped"].as_u64().unwrap(), 100, "{load}");
    assert!(load["requests"].as_u64().unwrap() <= 10, "{load}");
}

/// What the sampler or the caller leaves out on purpose is not lost.
#[tokio::test]
async fn traces_that_are_not_sampled_are_no_loss() {
    let place = Place::new();
    for sampler in [&["OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=0.5"][..], &["OTEL_SDK_DISABLED=true"]] {
        let flags: Vec<&str> = sampler.iter().flat_map(|variable| ["--env", variable]).collect();
        let run = place.run(&[&["run", "traffic", "--json", "-", "--time-scale", "0.1"], &flags[..]].concat()).await;
        assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
        let json: Value = serde_json::from_str(&run.stdout).unwrap();
        let frontend = json["telemetry"]["services"].as_array().unwrap().iter().find(|service| service["name"] == "frontend").unwrap();
        let count = |key: &str| frontend[key].as_u64().unwrap();
        assert_eq!((count("answered"), count("log_lines"), count("server_spans") + count("unsampled")), (60, 60, 60), "{frontend}");
        assert!(count("unsampled") > 0, "{frontend}");
    }
}

/// A report that cannot be written is not passed over in silence; a reader that has gone is no failure.
#[tokio::test]
async fn a_full_disk_is_told_from_a_reader_that_has_gone() {
    let place = Place::new();
    let mut lab = place.lab(&["run", "traffic", "--time-scale", "0.02"]);
    lab.stdout(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    let run = ended(lab.spawn().unwrap()).await;
    assert_eq!(run.code, Some(104), "{}", run.stderr);
    assert!(run.stderr.contains("cannot write to standard output"), "{}", run.stderr);
    let mut child = place.lab(&["run", "traffic", "--time-scale", "0.02"]).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(ended(child).await.code, Some(0));
}

/// Each refusal is one sentence, comes before anything starts, and exits with 104.
#[tokio::test]
async fn bad_input_is_refused_before_anything_starts() {
    let place = Place::new();
    let bad = place.write("bad.toml", &scenario("soon", "get = \"/\"", ""));
    let good = place.write("good.toml", &scenario("1s", "get = \"/roll?die=fair\"", ""));
    let (bad, good) = (bad.to_str().unwrap(), good.to_str().unwrap());
    let unwritable = place.path("no/such/folder/out.json");
    let cases: [(&[&str], &str); 20] = [
        (&["run", bad], ":7:12: `soon` is no time (write a time such as"),
        (&["run", good, bad], ":7:12: `soon` is no time"),
        (
            &["run", "no-such-scenario"],
            "no-such-scenario: there is no such file, and no shipped scenario has that name (known here: first-minute, traffic, db-load, ",
        ),
        (&["run", good, "--json", unwritable.to_str().unwrap()], "cannot write "),
        (&["run", good, "--junit", unwritable.to_str().unwrap()], "cannot write "),
        (&["run", good, "--json", "-", "--junit", "-"], "cannot both be written to standard output; name a file for one of them"),
        (&["run", good, "--time-scale", "0"], "write a factor from 0.001 to 1000"),
        (&["run", good, "--port", "frontent=9000"], "`frontent` has no port; known: die-service, dice-roller"),
        (&["run", good, "--port", "frontend=90000"], "`90000` is no port; write 1 to 65535"),
        (&["run", good, "--hedless"], "--headless"),
        (&["run", good, "--port", "frontend=9000,dice-roller=9000"], "cannot both have port 9000"),
        (&["run", good, "--port", "frontend=9000", "--port", "frontend=9001"], "cannot have both port 9000 and port 9001; name it once"),
        (&["run", good, "--env", "LOG_LEVEL=error"], "the lab reads the services' INFO lines"),
        (
            &["run", good, "--env", "DB_POOL_MAX=abc"],
            "die-service would not start with that --env: invalid value 'abc' for '--db-pool-max <N>'",
        ),
        (&["run", good, "--pg-bin", "/no/such/folder"], "/no/such/folder"),
        (&["run", good, "--database-url", "mysql://wrong@127.0.0.1/x"], "write postgresql://user:password@host:5432/database"),
        (&["run", good, "--database-url", "foo"], "the database URL cannot be read; write postgresql://user:password@host:5432/database\n"),
        (&["run", good, "--database-url", "postgresql://u:secret@h:x/d"], "lab: the database URL cannot be read; write postgresql://user:"),
        (&["status", "--lab", "abc"], "a process ID is a whole number, such as 4711\n"),
        (&["trace", "xyz"], "a trace ID has 32 hex digits"),
    ];
    // The number of cases is written out, so that none is dropped unseen.
    for (arguments, sentence) in cases {
        let run = place.run(arguments).await;
        assert_eq!(run.code, Some(104), "{arguments:?}\n{}", run.stderr);
        assert!(run.stderr.contains(sentence), "{arguments:?}\n{}", run.stderr);
        assert!(run.stdout.is_empty() && !run.stderr.contains("stack ready"), "{arguments:?}");
    }
    place.assert_empty();
}

#[tokio::test]
async fn an_interrupted_run_reports_as_far_as_it_went() {
    let place = Place::new();
    let file = place.write("s.toml", &scenario("10m", "get = \"/roll?die=fair\"", "http_req_failed = [\"rate==0\"]"));
    let out = place.path("out.json");
    let up = place.run_until(&[file.to_str().unwrap(), "--json", out.to_str().unwrap()], "frontend", 10.0).await;
    let pid = up.pid();
    let status = place.status(pid).await.unwrap();
    assert_eq!((&status["run"]["running"], &status["run"]["scenario"]), (&true.into(), &"s".into()));
    assert!(status["run"]["loads"][0]["requests"].as_u64().unwrap() > 0, "{status:#}");
    let status = place.run(&["status", "--lab", &pid.to_string()]).await.stdout;
    assert!(status.contains("  kept    http_req_failed rate==0") && status.contains("\nstill running; in "), "{status}");
    let all = family(pid);
    signal(pid, Signal::INT);
    let run = ended(up.child).await;
    assert_eq!(run.code, Some(105), "{}\n{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("interrupted; as far as it went: pass"), "{}", run.stdout);
    let json = json(&place);
    assert_eq!((&json["interrupted"], &json["telemetry"]["loss"]), (&true.into(), &0.into()));
    assert!(json["loads"][0]["requests"].as_u64().unwrap() > 0);
    assert_eq!(crate::common::alive(&all), Vec::<String>::new());
    place.assert_empty();
}

/// What the user's shell has set is not for the services: it would silently change what the lab measures.
#[tokio::test]
async fn the_services_get_a_clean_environment() {
    let place = Place::new();
    let file = place
        .write("s.toml", &scenario("1s", "get = \"/roll?die=fair\"", "http_req_failed = [\"rate==0\"]\ntelemetry_loss = [\"count==0\"]"));
    let mut lab = place.lab(&["run", file.to_str().unwrap()]);
    lab.env("OTEL_SDK_DISABLED", "true")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
        .env("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/x");
    lab.env("HTTP_PROXY", "http://127.0.0.1:1").env("http_proxy", "http://127.0.0.1:1").env("PGHOST", "127.0.0.2").env("PGPASSWORD", "x");
    let run = ended(lab.spawn().unwrap()).await;
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
}
