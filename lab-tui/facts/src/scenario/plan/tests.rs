use super::*;
use crate::event::Outcome;
use crate::scenario::{Arrivals, Executor, SHIPPED, Spacing, Stage};

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

fn arrivals(plan: &Plan) -> &Arrivals {
    let Executor::Arrivals(arrivals) = &plan.loads[0].executor else { panic!("{plan:?}") };
    arrivals
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
    assert_eq!((load.start, load.timeout, load.graceful_stop), (Duration::ZERO, Duration::from_secs(10), Duration::from_secs(30)));
    let stage = Stage { target: 50.0, duration: Duration::from_secs(30) };
    assert_eq!(*arrivals(&plan), Arrivals { start_rate: 50.0, stages: vec![stage], spacing: Spacing::Uniform, max_vus: 500 });
    assert_eq!(load.requests[0].name, "GET /dice?identifier={die}");
    assert!(load.requests[0].expects(Outcome::Status(204)) && !load.requests[0].expects(Outcome::Status(404)));
    let slow = Plan::parse(&with("rate = 50", "rate = 6\ntime_unit = \"1m\""), "x.toml", SERVICES).unwrap();
    assert!((arrivals(&slow).start_rate - 0.1).abs() < 1e-9);
    assert_eq!(arrivals(&slow).max_vus, 100);
}

/// Each refusal names the place, the fault and the way out.
#[test]
fn refusals() {
    let cases = [
        ("format = 1", "format = 2", "x.toml:1:10: format 2 is not known to this version (write `format = 1`)"),
        ("format = 1", "format = 1\nintended_verdict = \"fial\"", "x.toml:2:20: `fial` is no verdict (did you mean `fail`?)"),
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
        (
            "\"/dice",
            "\"dice",
            "x.toml:12:7: `dice?identifier={die}` is neither a path nor an http:// or https:// URL (begin it with a slash)",
        ),
        ("load:db", "load:dv", "x.toml:18:25: no load is named `dv` (did you mean `db`?)"),
        ("status:200", "status:ok", "x.toml:18:28: `ok` is no HTTP status (write a code such as `status:200`)"),
        (
            "http_req_duration{",
            "latency{",
            "x.toml:18:1: unknown metric `latency` (known here: http_req_duration, http_req_service_time, http_req_failed, http_reqs, dropped_iterations, schedule_lag, telemetry_loss, orphan_spans, broken_parents, logs_without_trace, logs_of_unknown_trace, semconv_violations, pool_wait, pool_pending, pool_used, pool_idle, pool_max; what services expose is `scraped:` and its name)",
        ),
        (
            "http_req_duration{load:db,status:200}",
            "pool_wait{load:db}",
            "x.toml:18:12: `pool_wait` has no tag `load` (known here: service)",
        ),
        ("http_req_duration{load:db,status:200}", "pool_wait{service:die}", "x.toml:18:20: unknown service `die` (known here: frontend"),
        ("http_req_duration{load:db,status:200}", "scraped:a{service:die}", "x.toml:18:20: unknown service `die` (known here: frontend"),
        ("http_req_duration{load:db,status:200}", "scraped:9", "x.toml:18:1: `scraped:9` names no metric (write it as it is exposed"),
        (
            "http_req_duration{load:db,status:200}\" = [\"p(95)",
            "pool_wait\" = [\"max",
            "x.toml:18:16: `pool_wait` has no `max` (it has avg, med, p(N))",
        ),
        (
            "http_req_duration{load:db,status:200}\" = [\"p(95)",
            "pool_used\" = [\"p(95)",
            "x.toml:18:16: `pool_used` has no `p(95)` (it has value, avg, min, max)",
        ),
        ("p(95)<50", "p(95)", "x.toml:18:44: `p(95)` compares nothing (write `<aggregate><comparison><value>`, such as `p(95)<50`)"),
        ("p(95)<50", "count<50", "x.toml:18:44: `http_req_duration{load:db,status:200}` has no `count` (it has avg, min, med, max, p(N))"),
        ("title = \"t\"", "title = t", "x.toml:2:9: "),
        ("status:200", "status:200,status:500", "x.toml:18:39: the tag `status` stands twice (promise of one value each)"),
        (
            "title = \"t\"",
            "title = \"t\\n::error::x\"",
            "x.toml:2:9: the title has a line break or another control character (write one line of text)",
        ),
        (
            "name = \"db\"",
            "name = \"d\\u001bb\"",
            "x.toml:5:8: the name has a line break or another control character (write one line of text)",
        ),
        ("rate = 50", "rate = \"50\"", "x.toml:7:8: found string \"50\" where the scenario needs a number"),
        ("[[load]]", "[load]", "x.toml:4:1: found a table where the scenario needs a list, written [ … ] or [[ … ]]"),
        ("\"/dice", "\"http://{die}/dice", "x.toml:12:7: `http://{die}/dice?identifier={die}` has a variable or a password in its host"),
    ];
    for (old, new, expected) in cases {
        let answer = refusal(&with(old, new));
        assert!(answer.lines().any(|line| line.starts_with(expected)), "{old:?} -> {new:?}\n  said     {answer}\n  expected {expected}");
    }
}

/// A load of its own executor: `keys` take the place of what `constant-arrival-rate` needs. They begin in line 6.
fn load(keys: &str) -> String {
    with("executor = \"constant-arrival-rate\"\nrate = 50\nduration = \"30s\"\n", keys)
}

#[test]
fn refusals_of_executors() {
    let ramp = |keys: &str| format!("executor = \"ramping-arrival-rate\"\n{keys}\n");
    let constant = |keys: &str| format!("executor = \"constant-arrival-rate\"\nrate = 50\nduration = \"30s\"\n{keys}\n");
    let cases = [
        (ramp(""), "x.toml:4:1: the key `stages` is missing here (add `stages = [{ target = 100, duration = \"10s\" }]`)"),
        (ramp("stages = []"), "x.toml:7:10: the stages last 0s in all (let them last more than nothing, up to 7 days)"),
        (ramp("stages = [{ target = 1, duration = \"0s\" }]"), "x.toml:7:10: the stages last 0s in all"),
        (
            ramp("stages = [{ target = 1, duration = \"4days\" }, { target = 1, duration = \"4days\" }]"),
            "x.toml:7:10: the stages last 8days in all",
        ),
        (ramp("stages = [{ duration = \"1s\" }]"), "x.toml:7:11: the key `target` is missing here (add `target = …`)"),
        (ramp("stages = [{ target = 1 }]"), "x.toml:7:11: the key `duration` is missing here (add `duration = …`)"),
        (ramp("stages = [{ targe = 1, duration = \"1s\" }]"), "x.toml:7:13: unknown key `targe` (did you mean `target`?)"),
        (ramp("stages = [{ target = 1, duration = \"1\" }]"), "x.toml:7:36: `1` is no time"),
        (ramp("stages = [{ target = -1, duration = \"1s\" }]"), "x.toml:7:22: a rate of -1 per 1s cannot be kept"),
        (ramp("stages = [{ target = 1e9, duration = \"1s\" }]"), "x.toml:7:22: a rate of 1000000000 per 1s cannot be kept"),
        (ramp("stages = [{ target = 0, duration = \"1s\" }]"), "x.toml:7:10: the rate stays at 0 (raise a target, or `start_rate`)"),
        (ramp("start_rate = inf\nstages = [{ target = 0, duration = \"1s\" }]"), "x.toml:7:14: a rate of inf per 1s cannot be kept"),
        (
            ramp("rate = 5"),
            "x.toml:7:8: `rate` means nothing to ramping-arrival-rate (it has start_rate, stages, time_unit, arrivals, max_vus)",
        ),
        (constant("arrivals = \"poison\""), "x.toml:9:12: arrivals cannot be `poison` (did you mean `poisson`?)"),
        (constant("max_vus = 0"), "x.toml:9:11: max_vus = 0 is out of range (write 1 to 100000)"),
        (constant("start = \"-1s\""), "x.toml:9:9: `-1s` is no time (write a time such as \"0s\" or \"12s\", up to 7 days)"),
        (constant("graceful_stop = \"8days\""), "x.toml:9:17: `8days` is no time"),
        (
            constant("stages = []"),
            "x.toml:9:10: `stages` means nothing to constant-arrival-rate (it has rate, duration, time_unit, arrivals, max_vus)",
        ),
    ];
    for (keys, expected) in cases {
        let answer = refusal(&load(&keys));
        assert!(answer.lines().any(|line| line.starts_with(expected)), "{keys}\n  said     {answer}\n  expected {expected}");
    }
}

#[test]
fn refusals_of_users() {
    let of = |executor: &str, keys: &str| format!("executor = \"{executor}\"\n{keys}\n");
    let cases = [
        (of("constant-arrival-rate", "vus = 5"), "x.toml:7:7: `vus` means nothing to constant-arrival-rate (it has rate,"),
        (of("constant-vus", ""), "x.toml:4:1: the key `duration` is missing here (add `duration = \"30s\"`)"),
        (of("constant-vus", "vus = 0\nduration = \"1s\""), "x.toml:7:7: vus = 0 is out of range (write 1 to 100000)"),
        (
            of("constant-vus", "duration = \"1s\"\nthink_time = 3"),
            "x.toml:8:14: found integer `3` where the scenario needs a string or a table",
        ),
        (
            of("constant-vus", "duration = \"1s\"\nthink_time = { min = \"2s\", max = \"1s\" }"),
            "x.toml:8:22: `min` is longer than `max` (swap the two)",
        ),
        (
            of("ramping-vus", "stages = [{ target = 1.5, duration = \"1s\" }]"),
            "x.toml:7:22: there cannot be 1.5 users (write a whole number from 0 to 100000)",
        ),
        (of("ramping-vus", "start_vus = 0\nstages = [{ target = 0, duration = \"1s\" }]"), "x.toml:8:10: there is never a user"),
        (of("shared-iterations", "vus = 5\niterations = 3"), "x.toml:8:14: 5 users cannot share 3 iterations (give each at least one)"),
        (of("per-vu-iterations", "iterations = 0"), "x.toml:7:14: iterations = 0 is out of range (write 1 to 1000000000)"),
    ];
    for (keys, expected) in cases {
        let answer = refusal(&load(&keys));
        assert!(answer.lines().any(|line| line.starts_with(expected)), "{keys}\n  said     {answer}\n  expected {expected}");
    }
}

#[test]
fn a_ramp_is_read_scaled_and_kept_going() {
    let keys = "executor = \"ramping-arrival-rate\"\nstart = \"4s\"\ntime_unit = \"1m\"\narrivals = \"poisson\"\ngraceful_stop = \"0s\"\n\
                stages = [{ target = 600, duration = \"10s\" }, { target = 60, duration = \"0s\" }]\n";
    let text = load(keys).replace("title", "keep_going = true\ntitle");
    let plan = Plan::parse(&text, "x.toml", SERVICES).unwrap();
    let stage = |target, seconds| Stage { target, duration: Duration::from_secs(seconds) };
    let stages = vec![stage(10.0, 10), stage(1.0, 0)];
    assert_eq!(*arrivals(&plan), Arrivals { start_rate: 0.0, stages, spacing: Spacing::Poisson, max_vus: 100 });
    assert_eq!((plan.loads[0].graceful_stop, plan.duration()), (Duration::ZERO, Duration::from_secs(14)));
    let scaled = plan.clone().scaled(0.5);
    assert_eq!((scaled.loads[0].start, scaled.duration()), (Duration::from_secs(2), Duration::from_secs(7)));
    let week = 7 * 24 * 3600;
    assert_eq!(arrivals(&plan.for_screen()).stages, [stage(10.0, 10), stage(1.0, 0), stage(1.0, week - 10)]);
    let flat = with("title", "keep_going = true\ntitle");
    assert_eq!(arrivals(&Plan::parse(&flat, "x.toml", SERVICES).unwrap().for_screen()).stages, [stage(50.0, week)]);
}

/// However short it gets, what lasts does not become a jump, which a rate of no time would be.
#[test]
fn what_lasts_is_not_scaled_to_nothing() {
    let short = Plan::parse(&with("\"30s\"", "\"1ns\""), "x.toml", SERVICES).unwrap().scaled(0.001);
    assert_eq!(short.duration(), Duration::from_nanos(1));
}

mod faults {
    use super::*;
    use crate::scenario::{Affected, DbLock, DiceErrorRate, FaultKind, Relation, ServiceError, ServiceLatency, Stretch};

    const BASE: &str = r#"format = 1
title = "t"

[[load]]
name = "db"
executor = "constant-arrival-rate"
rate = 50
duration = "30s"
service = "die-service"
[[load.request]]
get = "/dice"

[[fault]]
name = "locked"
kind = "db.lock"
table = "die_specifications"
at = "12s"
duration = "5s"

[[fault]]
name = "moody"
kind = "dice.error_rate"
die = "fair"
rate = 1
at = "0s"
duration = "5s"

[[fault]]
name = "broken"
kind = "service.error"
service = "dice-roller"
at = "5s"
duration = "5s"

[[fault]]
name = "slow"
kind = "service.latency"
service = "frontend"
route = "/roll"
probability = 0.25
latency = "200ms"
at = "20s"
duration = "5s"

[thresholds]
http_req_duration = ["max<9000", { threshold = "p(95)<50", outside = ["slow", "locked"], settle = "2s" }]
http_req_failed = [{ threshold = "rate==0", outside = "locked" }]
"#;

    fn with(old: &str, new: &str) -> String {
        assert!(BASE.contains(old), "{old}");
        BASE.replacen(old, new, 1)
    }

    #[test]
    fn each_kind_is_read_with_its_defaults() {
        let plan = Plan::parse(BASE, "x.toml", SERVICES).unwrap();
        let requests = |service: &str, route: Option<&str>, probability| Affected {
            service: service.to_owned(),
            route: route.map(str::to_owned),
            probability,
        };
        let kinds = [
            FaultKind::DbLock(DbLock { table: "die_specifications".to_owned() }),
            FaultKind::DiceErrorRate(DiceErrorRate { die: "fair".to_owned(), rate: 1.0 }),
            FaultKind::ServiceError(ServiceError { requests: requests("dice-roller", None, 1.0), status: 500 }),
            FaultKind::ServiceLatency(ServiceLatency {
                requests: requests("frontend", Some("/roll"), 0.25),
                latency: Duration::from_millis(200),
            }),
        ];
        assert_eq!(plan.faults.iter().map(|fault| fault.kind.clone()).collect::<Vec<_>>(), kinds);
        let told: Vec<String> = plan.faults.iter().map(|fault| format!("{}: {fault}", fault.kind.name())).collect();
        assert_eq!(
            told,
            [
                "db.lock: locks die_specifications",
                "dice.error_rate: error rate of fair becomes 1",
                "service.error: dice-roller answers 500",
                "service.latency: 25 % of frontend /roll answers 200ms later"
            ]
        );
        let scopes: Vec<_> = plan.thresholds.iter().map(|threshold| threshold.scope.clone()).collect();
        let outside = |faults: &[usize], settle| {
            let stretches = faults.iter().copied().map(Stretch::Fault).collect();
            Some(Scope { relation: Relation::Outside, stretches, settle: Duration::from_secs(settle) })
        };
        assert_eq!(scopes, [None, outside(&[0, 3], 2), outside(&[0], 0)]);
    }

    #[test]
    fn the_time_line_is_scaled_and_what_one_request_meets_is_not() {
        let plan = Plan::parse(BASE, "x.toml", SERVICES).unwrap().scaled(0.1);
        let slow = &plan.faults[3];
        assert_eq!((slow.at, slow.duration), (Duration::from_secs(2), Duration::from_millis(500)));
        assert!(matches!(&slow.kind, FaultKind::ServiceLatency(kind) if kind.latency == Duration::from_millis(200)));
        assert_eq!(plan.thresholds[1].scope.as_ref().unwrap().settle, Duration::from_millis(200));
    }

    #[test]
    fn refusals() {
        let cases = [
            ("db.lock", "db.lok", "x.toml:15:8: unknown kind of fault `db.lok` (did you mean `db.lock`?)"),
            ("table = ", "tabel = ", "x.toml:16:1: unknown key `tabel` (did you mean `table`?)"),
            ("name = \"locked\"", "nam = \"locked\"", "x.toml:14:1: unknown key `nam` (did you mean `name`?)"),
            ("table = \"die_specifications\"\n", "", "x.toml:13:1: the key `table` is missing here (add `table = …`)"),
            ("kind = \"db.lock\"\n", "", "x.toml:13:1: the key `kind` is missing here (add `kind = …`)"),
            ("kind = \"db.lock\"", "kind = 3", "x.toml:15:8: found integer `3` where the scenario needs a string"),
            ("at = \"12s\"\n", "", "x.toml:13:1: the key `at` is missing here (add `at = …`)"),
            ("\"12s\"", "\"noon\"", "x.toml:17:6: `noon` is no time (write a time such as \"0s\" or \"12s\", up to 7 days)"),
            ("\"12s\"", "\"30s\"", "x.toml:17:6: `locked` begins when the last load is over (after 30s) (let it begin earlier)"),
            ("duration = \"5s\"", "duration = \"0s\"", "x.toml:18:12: `0s` is out of range (above 0, up to 7 days)"),
            (
                "\"die_specifications\"",
                "\"Die; DROP\"",
                "x.toml:16:9: `Die; DROP` cannot be locked by that name (write a plain name in lower case",
            ),
            ("rate = 1\n", "rate = 1.5\n", "x.toml:24:8: rate = 1.5 is no share (write a number from 0 to 1)"),
            ("rate = 1\n", "rate = nan\n", "x.toml:24:8: rate = NaN is no share (write a number from 0 to 1)"),
            ("rate = 1\n", "rate = \"1\"\n", "x.toml:24:8: found string \"1\" where the scenario needs a number"),
            ("die = \"fair\"", "die = \"\"", "x.toml:23:7: no die is called so (write an identifier such as \"fair\")"),
            ("\"dice-roller\"", "\"dice-rolle\"", "x.toml:31:11: unknown service `dice-rolle` (did you mean `dice-roller`?)"),
            ("\"dice-roller\"", "\"dice-roller\"\nstatus = 200", "x.toml:32:10: 200 is no error status (write a code from 400 to 599)"),
            ("0.25", "0", "x.toml:40:15: probability = 0 disturbs nothing (write a number above 0 and up to 1)"),
            ("0.25", "-0.25", "x.toml:40:15: probability = -0.25 is no share (write a number from 0 to 1)"),
            ("\"/roll\"", "\"roll\"", "x.toml:39:9: `roll` is no route (begin it with a slash, as in \"/dice\")"),
            ("\"200ms\"", "\"0ms\"", "x.toml:41:11: `0ms` is out of range (above 0, up to 7 days)"),
            ("\"200ms\"", "\"61s\"", "x.toml:41:11: a latency of `61s` cannot be added (write whole milliseconds, up to \"60s\")"),
            ("name = \"moody\"", "name = \"locked\"", "x.toml:21:8: a second fault is named `locked` (give each its own name)"),
            ("name = \"moody\"", "name = \" \"", "x.toml:21:8: a fault needs a name (thresholds and reports call it so)"),
            ("outside = \"locked\"", "outside = \"loked\"", "x.toml:47:55: no fault is named `loked` (did you mean `locked`?)"),
            ("outside = \"locked\"", "outside = []", "x.toml:47:55: `outside` names nothing (name a fault or a phase, or leave it out)"),
            ("outside = \"locked\"", "outsid = \"locked\"", "x.toml:47:45: unknown key `outsid` (did you mean `outside`?)"),
            ("rate==0", "rate", "x.toml:47:34: `rate` compares nothing"),
            ("settle = \"2s\"", "settle = \"soon\"", "x.toml:46:99: `soon` is no time"),
            (
                "http_req_failed = [{ threshold = \"rate==0\"",
                "telemetry_loss = [{ threshold = \"count==0\"",
                "x.toml:47:33: telemetry_loss is counted over the whole run",
            ),
            ("\"max<9000\"", "3", "x.toml:46:22: found integer `3` where the scenario needs a string or a table"),
        ];
        for (old, new, expected) in cases {
            let answer = refusal(&with(old, new));
            assert!(
                answer.lines().any(|line| line.starts_with(expected)),
                "{old:?} -> {new:?}\n  said     {answer}\n  expected {expected}"
            );
        }
    }

    /// Two that could not be undone apart may follow one another, but not overlap.
    #[test]
    fn one_die_is_disturbed_by_one_fault_at_a_time() {
        let twice = |at: &str| {
            let again = format!(
                "[[fault]]\nname = \"again\"\nkind = \"dice.error_rate\"\ndie = \"fair\"\nrate = 0\nat = \"{at}\"\nduration = \"9s\"\n\n"
            );
            with("[thresholds]", &(again + "[thresholds]"))
        };
        assert!(Plan::parse(&twice("5s"), "x.toml", SERVICES).is_ok());
        let said = refusal(&twice("4s"));
        assert_eq!(said, "x.toml:46:8: `again` disturbs the die `fair` while `moody` does (let one begin when the other has ended)");
    }
}

mod requests;
