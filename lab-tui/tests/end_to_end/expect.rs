//! `[[expect]]`: what a run's telemetry must say, from the services' own spans and lines to the exit code.

use serde_json::{Value, json};

use crate::common::Place;

/// Rolls of a die whose service is asked in vain for a while, which begins half-way between two requests: one that is under way meanwhile
/// began before it and fails nevertheless.
fn scenario(expectations: &str) -> String {
    format!(
        "format = 1\ntitle = \"A test\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-arrival-rate\"\nrate = 10\nduration = \"3s\"\n\
         service = \"frontend\"\n[[load.request]]\nget = \"/roll?die=fair\"\n\
         [[fault]]\nname = \"failing\"\nkind = \"service.error\"\nservice = \"die-service\"\nroute = \"/dice\"\nat = \"1050ms\"\nduration = \"1s\"\n\
         {expectations}"
    )
}

const KEPT: &str = r#"
[[expect]]
name = "a failure goes up the chain"
during = "failing"
traces = '{ resource.service.name = "frontend" && kind = server && status = error } >> { resource.service.name = "die-service" && span.lab.fault = "failing" }'
count = ">=5"
[[expect]]
name = "nobody fails before it"
before = "failing"
traces = '{ status = error }'
count = "==0"
[[expect]]
name = "it is heard of in the log"
during = "failing"
logs = { service = "die-service", message = "Request completed", fields = { status = 500 } }
count = ">=5"
[[expect]]
name = "and not afterwards"
after = "failing"
within = "500ms"
metric = "http_req_failed"
holds = "rate==0"
"#;

#[tokio::test]
async fn a_run_shows_what_is_expected_of_it() {
    let place = Place::new();
    let file = place.write("s.toml", &scenario(KEPT));
    let run = place.run(&["run", file.to_str().unwrap(), "--json", "-"]).await;
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    let summary: Value = serde_json::from_str(&run.stdout).unwrap();
    let expectations = summary["expectations"].as_array().unwrap();
    assert_eq!(expectations.len(), 4);
    for expectation in expectations {
        assert_eq!((&expectation["ok"], &expectation["why_not"]), (&true.into(), &Value::Null), "{expectation:#}");
    }
    let first = &expectations[0];
    assert_eq!((&first["scope"], &first["expected"]), (&"during failing".into(), &">=5".into()));
    assert_eq!(first["traces"].as_array().unwrap().len(), 3, "{first:#}");
    assert_eq!(expectations[1]["value"], json!(0.0));
    place.assert_empty();
}

#[tokio::test]
async fn a_broken_expectation_is_told_everywhere_and_exits_with_99() {
    let place = Place::new();
    let broken = KEPT.replace("count = \"==0\"", "count = \">100\"").replace("status = 500", "status = 501");
    let file = place.write("s.toml", &scenario(&broken));
    let (out, junit) = (place.path("out.json"), place.path("junit.xml"));
    let arguments = ["run", file.to_str().unwrap(), "--json", out.to_str().unwrap(), "--junit", junit.to_str().unwrap()];
    let run = crate::common::ended(place.lab(&arguments).env("GITHUB_ACTIONS", "true").spawn().unwrap()).await;
    assert_eq!(run.code, Some(99), "{}\n{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("BROKEN   nobody fails before it"), "{}", run.stdout);
    assert!(run.stdout.contains("traces { status = error } before failing: there were 0 traces, expected >100"), "{}", run.stdout);
    assert!(run.stdout.ends_with("fail: 2 expectations broken, of 4 expectations\n"), "{}", run.stdout);
    let told = format!("{}{}", run.stdout, run.stderr);
    assert!(told.contains("::error") && told.contains("the expectation `nobody fails before it` is broken"), "{told}");
    let junit = std::fs::read_to_string(junit).unwrap();
    let xml = roxmltree::Document::parse(&junit).unwrap();
    let failed = |name: &str| {
        let case = xml.descendants().find(|node| node.has_tag_name("testcase") && node.attribute("name") == Some(name)).unwrap();
        case.children().any(|child| child.has_tag_name("failure"))
    };
    let names = ["a failure goes up the chain", "nobody fails before it", "it is heard of in the log", "and not afterwards"];
    assert_eq!(names.map(|name| failed(&format!("expectation {name}"))), [false, true, true, false], "{junit}");
    let summary: Value = serde_json::from_str(&std::fs::read_to_string(out).unwrap()).unwrap();
    assert_eq!(summary["expectations"][2]["why_not"], "there were 0 log lines, expected >=5", "{summary:#}");
}

/// What an expectation says about nonsense is found before anything starts.
#[tokio::test]
async fn a_query_that_cannot_be_read_is_refused_with_its_place() {
    let place = Place::new();
    let text = scenario("[[expect]]\nname = \"n\"\ntraces = '{ statsu = error }'\n");
    let file = place.write("s.toml", &text);
    let run = place.run(&["run", file.to_str().unwrap()]).await;
    assert_eq!(run.code, Some(104), "{}\n{}", run.stdout, run.stderr);
    let line = text.lines().position(|line| line.starts_with("traces")).unwrap() + 1;
    assert!(run.stderr.contains(&format!("s.toml:{line}:13: `statsu` is no field")), "{}", run.stderr);
    assert!(!run.stderr.contains("stack ready"), "{}", run.stderr);
}

/// One expectation for each backend, none of which is there.
const BACKENDS: &str = r#"
[[expect]]
name = "p"
promql = 'up{job="die-service"}'
[[expect]]
name = "l"
logql = '{job="die-service"}'
[[expect]]
name = "t"
traceql = '{ status = error }'
"#;

#[tokio::test]
async fn without_a_backend_the_run_is_inconclusive_unless_it_may_skip() {
    let place = Place::new();
    let file = place.write("s.toml", &scenario(BACKENDS));
    let file = file.to_str().unwrap();
    let run = place.run(&["run", file, "--time-scale", "0.1", "--json", "-"]).await;
    assert_eq!(run.code, Some(98), "{}\n{}", run.stdout, run.stderr);
    let summary: Value = serde_json::from_str(&run.stdout).unwrap();
    let why = summary["inconclusive"].to_string();
    for (name, flag) in [("Prometheus", "--prometheus-url"), ("Loki", "--loki-url"), ("Tempo", "--tempo-url")] {
        assert!(why.contains(&format!("there is no {name} to ask; name one with {flag}")), "{why}");
    }
    let run = place.run(&["run", file, "--time-scale", "0.1", "--json", "-", "--allow-skips"]).await;
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    let summary: Value = serde_json::from_str(&run.stdout).unwrap();
    let expectations = summary["expectations"].as_array().unwrap();
    assert!(expectations.iter().all(|one| one["skipped"] == true && one["ok"] == Value::Null), "{summary:#}");
    let bad = place.run(&["run", file, "--tempo-url", "localhost:3200"]).await;
    assert_eq!(bad.code, Some(104), "{}", bad.stderr);
}

#[tokio::test]
async fn backends_are_asked_at_the_end_of_the_run() {
    let place = Place::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let queried = |result: Value| json!({"status": "success", "data": {"resultType": "vector", "result": [result]}});
    let lines = json!({"status": "success", "data": {"resultType": "streams", "result": [{"stream": {}, "values": [["1", "x"]]}]}});
    let router = axum::Router::new()
        .route("/api/v1/query", axum::routing::get(move || async move { axum::Json(queried(json!({"value": [1, "1"]}))) }))
        .route("/loki/api/v1/query_range", axum::routing::get(move || async move { axum::Json(lines) }))
        .route("/api/search", axum::routing::get(|| async { axum::Json(json!({"traces": [{"traceID": "abc"}]})) }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let file = place.write("s.toml", &scenario(BACKENDS));
    let mut lab = place.lab(&["run", file.to_str().unwrap(), "--time-scale", "0.1", "--json", "-"]);
    lab.envs([("LAB_PROMETHEUS_URL", &url), ("LAB_LOKI_URL", &url), ("LAB_TEMPO_URL", &url)]);
    let run = crate::common::ended(lab.spawn().unwrap()).await;
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    let summary: Value = serde_json::from_str(&run.stdout).unwrap();
    let values: Vec<&Value> = summary["expectations"].as_array().unwrap().iter().map(|one| &one["value"]).collect();
    assert_eq!(values, [&json!(1.0); 3], "{summary:#}");
    assert_eq!(summary["expectations"][2]["traces"][0], "00000000000000000000000000000abc");
}
