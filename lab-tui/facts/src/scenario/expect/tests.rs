use std::time::Duration;

use serde_json::json;

use super::*;
use crate::scenario::{Plan, Relation};

const SERVICES: &[&str] = &["frontend", "die-service"];

const BASE: &str = r#"format = 1
title = "t"

[[load]]
name = "db"
executor = "constant-arrival-rate"
rate = 5
duration = "30s"
service = "die-service"
[[load.request]]
get = "/dice"

[[fault]]
name = "locked"
kind = "db.lock"
table = "t"
at = "12s"
duration = "5s"

[[expect]]
name = "first"
traces = '{ status = error }'

[[expect]]
"#;

fn parse(expectation: &str) -> Result<Plan, String> {
    Plan::parse(&format!("{BASE}{expectation}\n"), "x.toml", SERVICES).map_err(|refusal| refusal.to_string())
}

fn second(expectation: &str) -> Expectation {
    parse(expectation).unwrap_or_else(|refusal| panic!("{refusal}")).expectations.swap_remove(1)
}

#[test]
fn each_subject_is_understood() {
    let cases = [
        ("traces = '{ duration > 1s } | count() > 2'", "traces { duration > 1s } | count() > 2", ">=1"),
        (
            "logs = { service = \"die-service\", level = \"warn\", message = \"x\", fields = { rows = 3, ok = true } }\ncount = \"== 0\"",
            "logs { service = die-service, level = WARNING, message = \"x\", ok = true, rows = 3 }",
            "==0",
        ),
        ("logs = { message = \"/timed? out/\" }\ncount = \"!=3\"", "logs { message = /timed? out/ }", "!=3"),
        ("metric = \"http_req_duration{load:db}\"\nholds = \"p(95)<50\"", "http_req_duration{load:db}", "p(95)<50"),
        ("promql = 'up == 0'\ncount = \"<1\"", "promql up == 0", "<1"),
        ("logql = '{job=\"x\"}'", "logql {job=\"x\"}", ">=1"),
        ("traceql = '{ }'\ncount = \"<=2\"", "traceql { }", "<=2"),
    ];
    for (keys, what, expected) in cases {
        let expectation = second(&format!("name = \"n\"\n{keys}"));
        assert_eq!((expectation.what().as_str(), expectation.expected().as_str()), (what, expected), "{keys}");
        assert_eq!(expectation.scope(), None);
    }
}

#[test]
fn a_part_of_the_run_shrinks_with_it() {
    for keys in ["traces = '{}'", "metric = \"http_reqs\"\nholds = \"count>0\""] {
        let plan = parse(&format!("name = \"n\"\n{keys}\nafter = \"locked\"\nwithin = \"2s\"")).unwrap();
        let scope = plan.expectations[1].scope().unwrap();
        assert_eq!((scope.relation, scope.settle), (Relation::After, Duration::from_secs(2)));
        assert_eq!(plan.scaled(0.1).expectations[1].scope().unwrap().settle, Duration::from_millis(200));
    }
}

/// What is asked of the services' own metrics is looked for, whoever asks.
#[test]
fn a_metric_may_be_one_that_services_expose() {
    let plan =
        parse("name = \"n\"\nmetric = \"scraped:up_and_down{service:die-service}\"\nholds = \"max<5\"\nduring = \"locked\"").unwrap();
    assert_eq!((plan.series().len(), plan.promises().count()), (1, 1));
}

/// Each refusal names the place, the fault and the way out.
#[test]
fn refusals() {
    let cases = [
        (
            "name = \"n\"",
            "x.toml:24:1: nothing is expected here (add `traces`, `logs` or `metric`; or `promql`, `logql` or `traceql` for a backend)",
        ),
        ("traces = '{}'", "x.toml:24:1: the key `name` is missing here (add `name = …`)"),
        ("name = \"first\"\ntraces = '{}'", "x.toml:25:8: a second expectation is named `first` (give each its own name)"),
        ("name = \" \"\ntraces = '{}'", "x.toml:25:8: an expectation needs a name (reports call it so)"),
        ("name = \"n\"\ntrace = '{}'", "x.toml:26:1: unknown key `trace` (did you mean `traces`?)"),
        (
            "name = \"n\"\ntraces = '{}'\nlogs = { level = \"ERROR\" }",
            "x.toml:27:8: `traces` and `logs` cannot be combined (make it two expectations)",
        ),
        // A query points into the file, where it stands there as it is.
        ("name = \"n\"\ntraces = '{ statsu = error }'", "x.toml:26:13: `statsu` is no field (an attribute is written span.statsu"),
        ("name = \"n\"\ntraces = '''\n{ name = 5 }'''", "x.toml:27:10: `5` does not belong here (a text in quotes is expected here)"),
        ("name = \"n\"\ntraces = \"{ name = \\\"x\\\" && }\"", "x.toml:26:10: at character 17: `}` does not belong here"),
        ("name = \"n\"\ntraces = ''", "x.toml:26:10: at character 1: the query ends too early"),
        (
            "name = \"n\"\ntraces = '{}'\ncount = \"5\"",
            "x.toml:27:9: `5` compares nothing (write a comparison with a whole number, such as \">=5\" or \"==0\")",
        ),
        (
            "name = \"n\"\ntraces = '{}'\ncount = \">=-1\"",
            "x.toml:27:9: `-1` is no whole number (write a comparison with a whole number, such as \">=5\" or \"==0\")",
        ),
        (
            "name = \"n\"\ntraces = '{}'\ncount = \">=0\"",
            "x.toml:27:9: `>=0` holds whatever happens (write a count that can be kept and can be broken)",
        ),
        (
            "name = \"n\"\ntraces = '{}'\ncount = \"<0\"",
            "x.toml:27:9: `<0` can never hold (write a count that can be kept and can be broken)",
        ),
        ("name = \"n\"\ntraces = '{}'\ncount = 5", "x.toml:27:9: found integer `5` where the scenario needs a string"),
        ("name = \"n\"\ntraces = '{}'\nduring = \"lokced\"", "x.toml:27:10: no fault is named `lokced` (did you mean `locked`?)"),
        (
            "name = \"n\"\ntraces = '{}'\nwithin = \"2s\"",
            "x.toml:27:10: `within` belongs to nothing here (add `outside` or `after`, or leave it out)",
        ),
        ("name = \"n\"\nlogs = {}", "x.toml:26:8: every log line would count (name at least one of service, level, message and fields)"),
        ("name = \"n\"\nlogs = { service = \"die-servce\" }", "x.toml:26:20: unknown service `die-servce` (did you mean `die-service`?)"),
        ("name = \"n\"\nlogs = { level = \"ERR\" }", "x.toml:26:18: unknown level `ERR`"),
        ("name = \"n\"\nlogs = { message = \"/(/\" }", "x.toml:26:20: `/(/` is no regular expression: "),
        ("name = \"n\"\nlogs = { fields = { a = [1] } }", "x.toml:26:25: `a` can be no such value (write a text, a number, true or false)"),
        (
            "name = \"n\"\nlogs = { lvl = \"x\" }",
            "x.toml:26:8: every log line would count (name at least one of service, level, message and fields)\nx.toml:26:10: unknown key `lvl`",
        ),
        ("name = \"n\"\nmetric = \"http_reqs\"", "x.toml:24:1: the key `holds` is missing here (add `holds = \"p(95)<50\"`)"),
        ("name = \"n\"\nmetric = \"http_req\"\nholds = \"count>0\"", "x.toml:26:10: unknown metric `http_req` (did you mean `http_reqs`?"),
        ("name = \"n\"\nmetric = \"http_reqs{load:x}\"\nholds = \"count>0\"", "x.toml:26:26: no load is named `x`"),
        ("name = \"n\"\nmetric = \"http_reqs\"\nholds = \"p(95)<5\"", "x.toml:27:9: `http_reqs` has no `p(95)` (it has count, rate)"),
        (
            "name = \"n\"\nmetric = \"http_reqs\"\nholds = \"count>0\"\ncount = \">1\"",
            "x.toml:28:9: a metric is not counted (say what it keeps: `holds = \"p(95)<50\"`)",
        ),
        (
            "name = \"n\"\nmetric = \"telemetry_loss\"\nholds = \"count==0\"\nduring = \"locked\"",
            "x.toml:26:10: telemetry_loss is counted over the whole run, so nothing can be during of it (leave `during` out)",
        ),
        ("name = \"n\"\ntraces = '{}'\nholds = \"count>0\"", "x.toml:27:9: `holds` belongs to `metric` (write `count`, or name a metric)"),
        ("name = \"n\"\npromql = \" \"", "x.toml:26:10: the query is empty (write what the backend is to be asked)"),
    ];
    for (keys, expected) in cases {
        let answer = parse(keys).map(|plan| plan.expectations).unwrap_err();
        assert!(answer.starts_with(expected), "{keys}\n  said     {answer}\n  expected {expected}");
    }
}

#[test]
fn log_lines_fit_when_all_that_is_given_does() {
    let line = json!({"level": "WARNING", "message": "Database connection pool exhausted", "pending": 18, "ratio": 0.5, "usage": true, "error": "timed out"});
    let cases = [
        ("service = \"die-service\"", true),
        ("service = \"frontend\"", false),
        ("level = \"WARN\"", true),
        ("level = \"warning\"", true),
        ("level = \"ERROR\"", false),
        ("message = \"Database connection pool exhausted\"", true),
        ("message = \"Database connection pool\"", false),
        ("message = \"/connection pool/\"", true),
        ("message = \"/^connection pool/\"", false),
        ("fields = { pending = 18, ratio = 0.5, usage = true, error = \"/time/\" }", true),
        ("fields = { pending = \"18\" }", false),
        ("fields = { pending = 17 }", false),
        ("fields = { usage = false }", false),
        ("fields = { absent = 1 }", false),
        ("level = \"WARN\", message = \"/pool/\", fields = { pending = 1 }", false),
    ];
    for (keys, fits) in cases {
        let expectation = second(&format!("name = \"n\"\nlogs = {{ {keys} }}"));
        let Subject::Counted { evidence: Evidence::Logs(pattern), .. } = expectation.subject else { panic!("{keys}") };
        assert_eq!(pattern.fits("die-service", &line), fits, "{keys}");
    }
    let Subject::Counted { evidence: Evidence::Logs(pattern), .. } = second("name = \"n\"\nlogs = { message = \"/panic/\" }").subject
    else {
        panic!("no logs")
    };
    assert!(pattern.fits("x", &json!("thread 'main' panicked")), "a line that is no object is its own message");
}
