use super::*;
use crate::scenario::SHIPPED;

const SERVICES: &[&str] = &["frontend", "dice-roller", "die-service"];

fn refusal(text: &str) -> String {
    Plan::parse(text, "x.toml", SERVICES).unwrap_err().to_string()
}

/// A valid scenario with one line replaced.
fn with(old: &str, new: &str) -> String {
    const BASE: &str = r#"format = 1
title = "t"

[[load]]
name = "db"
executor = "constant-arrival-rate"
rate = 50
duration = "30s"
service = "die-service"

[[load.request]]
get = "/dice?identifier={die}"

[load.vars]
die = ["fair"]

[thresholds]
"http_req_duration{load:db,status:200}" = ["p(95)<50"]
"#;
    assert!(BASE.contains(old), "{old}");
    BASE.replace(old, new)
}

#[test]
fn shipped_scenarios_are_accepted() {
    for (name, text) in SHIPPED {
        Plan::parse(text, name, SERVICES).unwrap_or_else(|refusal| panic!("{refusal}"));
    }
}

#[test]
fn defaults_are_as_documented() {
    let plan = Plan::parse(&with("title", "title"), "x.toml", SERVICES).unwrap();
    let load = &plan.loads[0];
    assert_eq!((load.max_vus, load.timeout), (500, Duration::from_secs(10)));
    assert_eq!(load.requests[0].name, "GET /dice?identifier={die}");
    assert!(load.requests[0].expects(Outcome::Status(204)) && !load.requests[0].expects(Outcome::Status(404)));
    let slow = Plan::parse(&with("rate = 50", "rate = 6\ntime_unit = \"1m\""), "x.toml", SERVICES).unwrap();
    assert!((slow.loads[0].rate - 0.1).abs() < 1e-9);
    assert_eq!(slow.loads[0].max_vus, 100);
}

/// Each refusal names the place, the fault and the way out.
#[test]
fn refusals() {
    let cases = [
        ("format = 1", "format = 2", "x.toml:1:10: format 2 is not known to this version (write `format = 1`)"),
        ("rate = 50", "rat = 50", "x.toml:7:1: unknown key `rat` (did you mean `rate`?)"),
        ("rate = 50\n", "", "x.toml:4:1: the key `rate` is missing here (add `rate = 50`)"),
        ("rate = 50", "rate = 0", "x.toml:7:8: a rate of 0 per 1s cannot be kept (write a rate above 0 and up to 1,000,000 per second)"),
        (
            "rate = 50",
            "rate = nan",
            "x.toml:7:8: a rate of NaN per 1s cannot be kept (write a rate above 0 and up to 1,000,000 per second)",
        ),
        ("\"30s\"", "\"soon\"", "x.toml:8:12: `soon` is no time (write a time such as \"500ms\", \"30s\" or \"1m30s\")"),
        (
            "\"30s\"",
            "\"0s\"",
            "x.toml:8:12: `0s` is out of range (above 0, up to 7 days) (write a time such as \"500ms\", \"30s\" or \"1m30s\")",
        ),
        ("\"die-service\"", "\"die-servce\"", "x.toml:9:11: unknown service `die-servce` (did you mean `die-service`?)"),
        (
            "service = \"die-service\"\n",
            "",
            "x.toml:11:7: `/dice?identifier={die}` needs a service (add `service = \"frontend\"` to the load)",
        ),
        (
            "\"constant-arrival-rate\"",
            "\"constant-arival-rate\"",
            "x.toml:6:12: unknown executor `constant-arival-rate` (did you mean `constant-arrival-rate`?)",
        ),
        ("[\"fair\"]", "[]", "x.toml:15:7: the variable `die` has no values (list at least one)"),
        ("{die}", "{dye}", "x.toml:12:7: the variable `dye` is not in [load.vars] (did you mean `die`?)"),
        ("\"/dice", "\"dice", "x.toml:12:7: `dice?identifier={die}` is neither a path nor an http:// URL (begin it with a slash)"),
        ("load:db", "load:dv", "x.toml:18:1: no load is named `dv` (did you mean `db`?)"),
        ("status:200", "status:ok", "x.toml:18:1: `ok` is no HTTP status (write a code such as `status:200`)"),
        (
            "http_req_duration{",
            "latency{",
            "x.toml:18:1: unknown metric `latency` (known here: http_req_duration, http_req_service_time, http_req_failed, http_reqs, dropped_iterations, schedule_lag, telemetry_loss)",
        ),
        ("p(95)<50", "p(95)", "x.toml:18:44: `p(95)` compares nothing (write `<aggregate><comparison><value>`, such as `p(95)<50`)"),
        ("p(95)<50", "count<50", "x.toml:18:44: `http_req_duration{load:db,status:200}` has no `count` (it has avg, min, med, max, p(N))"),
        ("title = \"t\"", "title = t", "x.toml:2:9: "),
        ("rate = 50", "rate = \"50\"", "x.toml:7:8: found string \"50\" where the scenario needs a number"),
        ("[[load]]", "[load]", "x.toml:4:1: found a table where the scenario needs a list, written [ … ] or [[ … ]]"),
        ("\"/dice", "\"http://{die}/dice", "x.toml:12:7: `http://{die}/dice?identifier={die}` has a variable or a password in its host"),
    ];
    for (old, new, expected) in cases {
        let answer = refusal(&with(old, new));
        assert!(answer.starts_with(expected), "{old:?} -> {new:?}\n  said     {answer}\n  expected {expected}");
    }
}
