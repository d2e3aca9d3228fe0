//! `[[expect]]`: what a run's telemetry must say, from the services' own spans and lines to the exit code.

use serde_json::{Value, json};

use crate::common::Place;

/// Rolls of a die whose service is asked in vain for a while.
fn scenario(expectations: &str) -> String {
    format!(
        "format = 1\ntitle = \"A test\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-arrival-rate\"\nrate = 20\nduration = \"3s\"\n\
         service = \"frontend\"\n[[load.request]]\nget = \"/roll?die=fair\"\n\
         [[fault]]\nname = \"failing\"\nkind = \"service.error\"\nservice = \"die-service\"\nroute = \"/dice\"\nat = \"1s\"\nduration = \"1s\"\n\
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
