//! Programs that a scenario brings along, and runs without any stack.

use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::common::{PATIENCE, Place, alive, ended, family, get, signal, until};

/// A small service in Python that logs, and sends its spans as JSON.
const HELLO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/hello.py");

/// As the examples' service is started.
fn hello() -> String {
    format!("command = [\"python3\", \"{HELLO}\", \"--port\", \"{{port}}\"]\n{URLS}")
}

const URLS: &str = "url = \"http://127.0.0.1:{port}\"\nready = \"http://127.0.0.1:{port}/health\"";

fn scenario(services: &str, duration: &str, requests: &str, thresholds: &str) -> String {
    format!(
        "format = 1\ntitle = \"A test\"\n{services}\n[[load]]\nname = \"l\"\nexecutor = \"constant-arrival-rate\"\nrate = 50\n\
         duration = \"{duration}\"\nservice = \"hello\"\n{requests}\n[thresholds]\n{thresholds}\n"
    )
}

fn alone(service: &str, duration: &str, thresholds: &str) -> String {
    let services = format!("stack = \"none\"\n[[service]]\nname = \"hello\"\n{service}");
    scenario(&services, duration, "[[load.request]]\nget = \"/hello\"", thresholds)
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Those of a family that belong to a scenario's program and its guard.
fn of_a_program(pid: u32) -> Vec<(u32, u64, String)> {
    family(pid).into_iter().filter(|(other, ..)| *other != pid).collect()
}

#[tokio::test]
async fn a_service_of_ones_own_is_started_driven_and_judged() {
    let place = Place::new();
    let requests = "[[load.request]]\nname = \"hello\"\nget = \"/hello?ms=1\"\n\
                    [[load.request]]\nname = \"nowhere\"\nget = \"/nowhere\"\nexpect_status = [404]";
    let services = format!("stack = \"none\"\n[[service]]\nname = \"hello\"\n{}", hello());
    let thresholds = "http_req_failed = [\"rate==0\"]\ntelemetry_loss = [\"count==0\"]\nhttp_req_duration = [\"p(50)<5000\"]";
    let file = place.write("s.toml", &scenario(&services, "1s", requests, thresholds));
    let (out, events) = (place.path("out.json"), place.path("events.ndjson"));
    let events = events.to_str().unwrap();
    // No database is needed, nor one looked for.
    let mut lab = place.lab(&["run", file.to_str().unwrap(), "--json", out.to_str().unwrap(), "--events", events]);
    let run = ended(lab.env("LAB_PG_BIN", "/nowhere").spawn().unwrap()).await;
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    // The trace goes on from the lab's span into the program's, and its log line is beside it.
    assert!(run.stdout.contains("2 spans of 2 services, 1 log line\n"), "{}", run.stdout);
    assert!(run.stdout.contains("  hello GET /") && run.stdout.contains("INFO Request completed"), "{}", run.stdout);
    assert!(run.stdout.ends_with("pass: all 3 thresholds kept\n"), "{}", run.stdout);
    let json = json(&out);
    let outcomes = json["loads"][0]["outcomes"].as_array().unwrap();
    assert_eq!(outcomes.iter().map(|outcome| outcome["count"].as_u64().unwrap()).sum::<u64>(), 50);
    assert_eq!(outcomes.iter().map(|outcome| outcome["outcome"].as_str().unwrap()).collect::<Vec<_>>(), ["200", "404"]);
    let [telemetry] = &json["telemetry"]["services"].as_array().unwrap()[..] else { panic!("{json:#}") };
    let expected = serde_json::json!({
        "name": "hello", "answered": 0, "server_spans": 50, "log_lines": 50, "loss": 0,
        "restarted": false, "unsampled": 0, "silent": true, "reconciled": true, "sampled": false,
    });
    assert_eq!(telemetry, &expected);
    assert_eq!(json["services"], serde_json::json!([{ "name": "hello", "crashed": null }]));
    assert_eq!((&json["endpoints"]["database"], &json["processes"]), (&Value::Null, &serde_json::json!([])));
    assert!(json["endpoints"]["services"]["hello"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    // Nor are services of the lab's told of that were not there.
    let header: Value = serde_json::from_str(std::fs::read_to_string(events).unwrap().lines().next().unwrap()).unwrap();
    assert_eq!((&header["stack"], &header["services"]), (&"none".into(), &serde_json::json!([])));
    assert_eq!(place.run(&["replay", "last"]).await.stdout, run.stdout);
    place.assert_empty();
}

/// Plain load on somebody's server, which knows nothing of the lab and sends no telemetry.
#[tokio::test]
async fn whole_urls_need_no_stack_and_no_service() {
    let place = Place::new();
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut caller, _)) = server.accept().await {
            let (mut head, mut bytes) = (Vec::new(), [0; 1024]);
            while !head.ends_with(b"\r\n\r\n") {
                let count = caller.read(&mut bytes).await.unwrap();
                head.extend(&bytes[..count]);
            }
            caller.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi").await.unwrap();
        }
    });
    let request = format!("[[load.request]]\nget = \"http://{address}/x\"");
    let text = scenario("", "500ms", &request, "http_req_failed = [\"rate==0\"]\ntelemetry_loss = [\"count==0\"]");
    let file = place.write("s.toml", &text.replace("service = \"hello\"\n", ""));
    let out = place.path("out.json");
    // The flag's twin in the environment, and nothing in the file.
    let mut lab = place.lab(&["run", file.to_str().unwrap(), "--json", out.to_str().unwrap()]);
    let run = ended(lab.env("LAB_STACK", "none").env("LAB_PG_BIN", "/nowhere").spawn().unwrap()).await;
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("25 requests") && !run.stdout.contains("server spans"), "{}", run.stdout);
    let json = json(&out);
    let nothing = serde_json::json!([]);
    assert_eq!((&json["telemetry"]["services"], &json["telemetry"]["loss"], &json["services"]), (&nothing, &0.into(), &nothing));
    assert_eq!((&json["endpoints"]["services"], &json["endpoints"]["database"]), (&serde_json::json!({}), &Value::Null));
    place.assert_empty();
}

/// What it inherits, what it is told, and where it works.
#[tokio::test]
async fn a_program_has_a_clean_environment_and_knows_the_others() {
    let place = Place::new();
    std::fs::create_dir(place.path("inside")).unwrap();
    let services = format!(
        "stack = \"none\"\n[[service]]\nname = \"first\"\ndir = \"inside\"\nenv = {{ OTHER = \"{{url:hello}}/x\", OUT = \"{}\", MINE = \"1\" }}\n\
         command = \"sh -c 'pwd; env > \\\"$OUT\\\"; sleep 100'\"\n[[service]]\nname = \"hello\"\n{}",
        place.path("env").display(),
        hello()
    );
    let file = place.write("s.toml", &scenario(&services, "200ms", "[[load.request]]\nget = \"/hello\"", ""));
    let out = place.path("out.json");
    let mut lab = place.lab(&["run", file.to_str().unwrap(), "--json", out.to_str().unwrap(), "--env", "MINE=2"]);
    let run = ended(lab.env("SECRET", "s").env("LANG", "C").env("OTEL_TRACES_SAMPLER", "always_off").spawn().unwrap()).await;
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    let (json, env) = (json(&out), std::fs::read_to_string(place.path("env")).unwrap());
    let other = format!("OTHER={}x", json["endpoints"]["services"]["hello"].as_str().unwrap());
    let endpoint = format!("OTEL_EXPORTER_OTLP_ENDPOINT={}", json["endpoints"]["otlp_http"].as_str().unwrap());
    let here = format!("PWD={}", std::fs::canonicalize(place.path("inside")).unwrap().display());
    for line in [&other, &endpoint, &here, "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "OTEL_SERVICE_NAME=first", "LANG=C", "MINE=2"] {
        assert!(env.lines().any(|one| one == line), "no {line} in\n{env}");
    }
    assert!(env.contains("\nPATH=") || env.starts_with("PATH="), "{env}");
    for name in ["SECRET", "OTEL_TRACES_SAMPLER", "TMPDIR", "LAB_CACHE_DIR"] {
        assert!(!env.contains(name), "{name} in\n{env}");
    }
    place.assert_empty();
}

#[tokio::test]
async fn a_program_that_does_not_start_is_told_in_a_sentence() {
    let place = Place::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let junit = place.path("junit.xml");
    for (service, sentence) in [
        (format!("command = \"no-such-program\"\n{URLS}"), "cannot start hello: there is no program `no-such-program` on PATH"),
        (format!("command = \"./no-such-program\"\n{URLS}"), "cannot start hello: there is no /"),
        (format!("command = \"true\"\ndir = \"nowhere\"\n{URLS}"), "cannot start hello: cannot work in /"),
        (format!("command = \"true\"\n{URLS}"), "hello ended before it was ready (exit status: 0), and said nothing"),
        (
            format!("command = \"sh -c 'echo one; echo two >&2; kill -9 $$'\"\n{URLS}"),
            "hello ended before it was ready (signal: 9 (SIGKILL)); its last words:\n  ",
        ),
        (
            format!("command = \"sleep 100\"\n{URLS}\nready_timeout = \"300ms\""),
            "hello was not ready within 300ms: nothing listens at http://127.0.0.1:",
        ),
        (
            format!("{}\nready_timeout = \"3s\"", hello().replace("/health", "/hello?status=500")),
            "/hello?status=500 answers 500 Internal Server Error; its last words:\n  {",
        ),
        (format!("command = \"sleep 100\"\nurl = \"http://127.0.0.1:{port}\""), &format!("cannot start hello: port {port} is taken by ")),
    ] {
        let file = place.write("s.toml", &alone(&service, "1s", ""));
        let mut lab = place.lab(&["run", file.to_str().unwrap(), "--junit", junit.to_str().unwrap()]);
        let run = ended(lab.env("GITHUB_ACTIONS", "true").spawn().unwrap()).await;
        assert_eq!(run.code, Some(100), "{service}\n{}\n{}", run.stdout, run.stderr);
        assert!(run.stderr.contains(sentence), "{sentence}\n{}", run.stderr);
        assert!(std::fs::read_to_string(&junit).unwrap().contains("errors=\"1\""));
        assert!(run.stderr.contains(&format!("::error file={},line=", file.display())), "{}", run.stderr);
    }
    place.assert_empty();
}

/// What the program leaves running goes with it, and the run has failed although no threshold says so.
#[tokio::test]
async fn a_program_that_ends_by_itself_fails_the_run() {
    let place = Place::new();
    // It goes once it has answered, whenever that is.
    let until_then = "while ! grep -q completed log; do sleep 0.1; done; exit 7";
    let service = format!("command = \"sh -c 'python3 {HELLO} --port {{port}} > log & {until_then}'\"\n{URLS}");
    let file = place.write("s.toml", &alone(&service, "3s", "http_reqs = [\"count>1\"]"));
    let (out, junit) = (place.path("out.json"), place.path("junit.xml"));
    let run = place.run(&["run", file.to_str().unwrap(), "--json", out.to_str().unwrap(), "--junit", junit.to_str().unwrap()]).await;
    assert_eq!(run.code, Some(99), "{}\n{}", run.stdout, run.stderr);
    assert!(run.stdout.ends_with("fail: hello ended by itself: exit status: 7; 0 of 1 threshold broken\n"), "{}", run.stdout);
    let json = json(&out);
    assert_eq!((&json["verdict"], &json["services"][0]["crashed"]), (&"fail".into(), &"exit status: 7".into()));
    assert_eq!(json["processes"][0]["name"], "hello");
    let outcomes = json["loads"][0]["outcomes"].as_array().unwrap();
    assert!(outcomes.iter().any(|outcome| outcome["outcome"] == "connection failed"), "{json:#}");
    let junit = std::fs::read_to_string(&junit).unwrap();
    assert!(junit.contains("name=\"service hello\"") && junit.contains("hello ended by itself: exit status: 7"), "{junit}");
    place.assert_empty();
}

/// A program that would rather not: it has children, and takes no notice of SIGTERM.
fn stubborn() -> String {
    format!("command = \"sh -c 'trap : TERM; python3 {HELLO} --port {{port}} & while :; do sleep 100; done 2>/dev/null'\"\n{URLS}")
}

/// A lab that drives such a program, and every process that is the program's.
async fn with_a_stubborn_program(place: &Place, name: &str) -> (tokio::process::Child, u32, Vec<(u32, u64, String)>) {
    let file = place.write(name, &alone(&stubborn(), "60s", ""));
    let child = place.lab(&["run", file.to_str().unwrap()]).spawn().unwrap();
    let pid = child.id().unwrap();
    until("the program", PATIENCE, || async {
        let Some(status) = place.status(pid).await else { return false };
        let Some(url) = status["endpoints"]["services"]["hello"].as_str() else { return false };
        get(&format!("{url}hello")).await.0 == 200
    })
    .await;
    let all = of_a_program(pid);
    for part in ["guard-program", "trap : TERM", "hello.py --port", "read -r _"] {
        assert!(all.iter().any(|(.., line)| line.contains(part)), "no {part} in {all:?}");
    }
    (child, pid, all)
}

/// Longer than a guard's patience, on a slow machine.
const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn no_program_outlives_a_lab_that_is_killed() {
    let place = Place::new();
    let (mut lab, pid, all) = with_a_stubborn_program(&place, "s.toml").await;
    signal(pid, Signal::KILL);
    lab.wait().await.unwrap();
    let all = &all;
    until("every process to be gone", SOON, || async move { alive(all).is_empty() }).await;
    // The folder of a lab that was killed goes with the next one.
    let run = place.run(&["run", place.write("n.toml", &alone(&hello(), "200ms", "")).to_str().unwrap()]).await;
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    place.assert_empty();
}

#[tokio::test]
async fn no_program_outlives_a_lab_and_guard_that_are_killed_together() {
    let place = Place::new();
    let (mut lab, pid, all) = with_a_stubborn_program(&place, "s.toml").await;
    let guard = all.iter().find(|(.., line)| line.contains("guard-program")).unwrap().0;
    signal(guard, Signal::KILL);
    signal(pid, Signal::KILL);
    lab.wait().await.unwrap();
    let all = &all;
    until("every process to be gone", SOON, || async move { alive(all).is_empty() }).await;
}

#[tokio::test]
async fn an_interrupted_lab_ends_its_programs_before_itself() {
    let place = Place::new();
    let (lab, pid, all) = with_a_stubborn_program(&place, "s.toml").await;
    signal(pid, Signal::INT);
    assert_eq!(ended(lab).await.code, Some(105));
    assert_eq!(alive(&all), Vec::<String>::new());
    place.assert_empty();
}

#[tokio::test]
async fn a_start_that_waits_can_be_interrupted() {
    let place = Place::new();
    let file = place.write("s.toml", &alone(&format!("command = \"sleep 100\"\n{URLS}"), "1s", ""));
    let lab = place.lab(&["run", file.to_str().unwrap()]).spawn().unwrap();
    let pid = lab.id().unwrap();
    until("the program", PATIENCE, || async { family(pid).iter().any(|(.., line)| line == "sleep 100") }).await;
    let all = &of_a_program(pid);
    signal(pid, Signal::INT);
    assert_eq!(ended(lab).await.code, Some(105));
    until("every process to be gone", SOON, || async move { alive(all).is_empty() }).await;
    place.assert_empty();
}

#[tokio::test]
async fn two_labs_run_side_by_side() {
    let place = Place::new();
    let file = place.write("s.toml", &alone(&hello(), "1s", "http_req_failed = [\"rate==0\"]"));
    let run = async |out: &str| {
        let out = place.path(out);
        let run = place.run(&["run", file.to_str().unwrap(), "--json", out.to_str().unwrap()]).await;
        assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
        let json = json(&out);
        assert_eq!(json["telemetry"]["services"][0]["server_spans"], 50);
        json["endpoints"]["services"]["hello"].as_str().unwrap().to_owned()
    };
    let (one, other) = tokio::join!(run("one.json"), run("other.json"));
    assert_ne!(one, other);
    place.assert_empty();
}

/// Beside the lab's own services, and these know it.
#[tokio::test]
async fn a_program_runs_beside_the_embedded_stack() {
    let place = Place::new();
    let services = format!("[[service]]\nname = \"hello\"\nenv = {{ UP = \"{{url:frontend}}\" }}\n{}", hello());
    let more = "[[load.request]]\nget = \"/hello\"\n[[load]]\nname = \"dice\"\nexecutor = \"constant-arrival-rate\"\nrate = 20\nduration = \"1s\"\n\
                service = \"frontend\"\n[[load.request]]\nget = \"/roll?die=fair\"";
    let file = place.write("s.toml", &scenario(&services, "1s", more, "telemetry_loss = [\"count==0\"]\nhttp_req_failed = [\"rate==0\"]"));
    let run = place.run(&["run", file.to_str().unwrap(), "--json", "-"]).await;
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    let spans: Vec<(&str, u64)> = json["telemetry"]["services"]
        .as_array()
        .unwrap()
        .iter()
        .map(|service| (service["name"].as_str().unwrap(), service["server_spans"].as_u64().unwrap()))
        .collect();
    assert_eq!(spans, [("dice-roller", 20), ("die-service", 20), ("frontend", 20), ("hello", 50)]);
    place.assert_empty();
}

#[tokio::test]
async fn a_program_and_flags_are_a_run() {
    let place = Place::new();
    let exec = "python3 examples/hello.py --port {port}";
    let (url, ready) = ("http://127.0.0.1:{port}/hello?ms=2", "http://127.0.0.1:{port}/health");
    let flags = ["run", "--exec", exec, "--url", url, "--ready", ready];
    let run = place.run(&[&flags[..], &["--rate", "20", "--duration", "1s", "--json", "-"]].concat()).await;
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&json["scenario"], &json["loads"][0]["requests"]), (&"app".into(), &20.into()));
    assert_eq!(json["thresholds"][0]["expression"], "rate<0.01");
    assert_eq!(json["telemetry"]["services"][0]["server_spans"], 20);
    // A promise that is broken is one here, too.
    let run = place.run(&["run", "--exec", exec, "--url", &url.replace("ms=2", "status=500"), "--duration", "500ms"]).await;
    assert_eq!(run.code, Some(99), "{}\n{}", run.stdout, run.stderr);
    // With a scenario, which says where requests go on it; the program works where the lab was started.
    let text = alone("", "1s", "http_req_failed = [\"rate==0\"]").replace("stack = \"none\"\n[[service]]\nname = \"hello\"\n", "");
    let file = place.write("s.toml", &text.replace("service = \"hello\"", "service = \"app\""));
    let file = file.to_str().unwrap();
    let run = place.run(&["run", file, "--exec", exec, "--url", "http://127.0.0.1:{port}"]).await;
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    for (flags, sentence) in [
        (&["run", "--exec", exec][..], "needs --url"),
        (&["run", file, "--exec", exec, "--url", "http://127.0.0.1:{port}", "--rate", "5"], "the scenario says its own"),
        (&["run", file, "--exec", exec], "the service `app` has no `url`"),
        (&["run", "--exec", "a | b", "--url", url], "would need a shell"),
        (&["run", "--url", url], "--exec"),
        (&["run", "traffic", "--stack", "none"], "`frontend` belongs to the embedded stack"),
        (&["run", "--stack", "none", "--port", "frontend=9000", "--exec", exec, "--url", url], "the stack `none` has no frontend"),
    ] {
        let run = place.run(flags).await;
        assert!(matches!(run.code, Some(104)) && run.stderr.contains(sentence), "{flags:?} {run:?}");
    }
    place.assert_empty();
}
