//! Promises about parts of a run and about what services expose; runs that end early; faults that nobody met.

use serde_json::Value;

use super::common::Place;

fn load(rate: u32, duration: &str, service: &str, get: &str) -> String {
    format!(
        "format = 1\ntitle = \"t\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-arrival-rate\"\nrate = {rate}\nduration = \"{duration}\"\n\
         service = \"{service}\"\n[[load.request]]\nget = \"{get}\"\n"
    )
}

#[tokio::test]
async fn promises_about_parts_of_a_run_and_about_what_services_expose() {
    let place = Place::new();
    let text = load(20, "3s", "die-service", "/dice?identifier=fair")
        + r#"
[[phase]]
name = "second"
at = "1s"
duration = "1s"
[thresholds]
http_reqs = [
    { threshold = "count==20", before = "second" },
    { threshold = "count==20", during = "second" },
    { threshold = "rate==20", during = "second" },
    { threshold = "count==20", after = "second" },
    { threshold = "count==40", outside = "second" },
]
"scraped:http_requests_total{service:die-service,handler:/dice}" = ["count==60", "rate==20"]
"scraped:http_requests_total{status:5xx}" = ["count==0"]
pool_wait = ["p(99)<10000", "avg>=0"]
pool_max = ["value==10", "min==10"]
pool_pending = ["min>=0"]
"scraped:no_such_thing" = ["count==0"]
"#;
    let file = place.write("s.toml", &text);
    let run = place.run(&["run", file.to_str().unwrap(), "--json", "-"]).await;
    let json = json_of(&run.stdout);
    let broken: Vec<&Value> = json["thresholds"].as_array().unwrap().iter().filter(|threshold| threshold["ok"] == false).collect();
    assert_eq!(broken.len(), 1, "{broken:#?}\n{}", run.stderr);
    assert_eq!((&broken[0]["metric"], &broken[0]["absent"]), (&"scraped:no_such_thing".into(), &true.into()));
    let lab = &json["lab"];
    for figure in ["cpu_seconds", "cpu_share", "load_loop_delay_p99_ms", "loop_delay_p99_ms"] {
        assert!(lab[figure].as_f64() > Some(0.0), "{figure} in {lab}");
    }
    place.assert_empty();
}

#[tokio::test]
async fn a_broken_promise_can_end_the_run() {
    let place = Place::new();
    let text = load(20, "10m", "die-service", "/dice?identifier=unknown")
        + "[thresholds]\nhttp_reqs = [\"count>0\"]\n\
           http_req_failed = [{ threshold = \"rate<0.1\", abort_on_fail = true, delay_abort_eval = \"1s\" }]\n";
    let file = place.write("s.toml", &text);
    let run = place.run(&["run", file.to_str().unwrap(), "--json", "-"]).await;
    let json = json_of(&run.stdout);
    assert_eq!((run.code, &json["verdict"], &json["interrupted"]), (Some(99), &"fail".into(), &false.into()), "{json:#}");
    let aborted = json["aborted_by"].as_str().unwrap();
    assert!(aborted.starts_with("http_req_failed rate<0.1 at ") && run.stderr.contains("aborted by http_req_failed rate<0.1"), "{aborted}");
    let seconds = json["duration_seconds"].as_f64().unwrap();
    assert!((1.0..60.0).contains(&seconds), "{seconds}");
    // Told of as much time as there was.
    let rate = json["loads"][0]["achieved_rate"].as_f64().unwrap();
    assert!((10.0..=21.0).contains(&rate), "{rate}");
    place.assert_empty();
}

#[tokio::test]
async fn faults_that_nobody_met_are_named() {
    let place = Place::new();
    let fault = |name: &str, rest: &str| format!("[[fault]]\nname = \"{name}\"\nat = \"200ms\"\nduration = \"1s\"\n{rest}\n");
    let text = load(20, "2s", "dice-roller", "/")
        + &fault("lock", "kind = \"db.lock\"\ntable = \"die_specifications\"")
        + &fault("moody", "kind = \"dice.error_rate\"\ndie = \"extreme\"\nrate = 0")
        + &fault("broken", "kind = \"service.error\"\nservice = \"die-service\"\nroute = \"/dice\"")
        + &fault("slow", "kind = \"service.latency\"\nservice = \"dice-roller\"\nroute = \"/\"\nlatency = \"1ms\"");
    let file = place.write("s.toml", &text);
    let run = place.run(&["run", file.to_str().unwrap(), "--json", "-"]).await;
    let json = json_of(&run.stdout);
    assert_eq!(run.code, Some(98), "{json:#}\n{}", run.stderr);
    let touched: Vec<Option<u64>> = json["faults"].as_array().unwrap().iter().map(|fault| fault["touched"].as_u64()).collect();
    assert_eq!(touched[..3], [Some(0), Some(0), Some(0)], "{json:#}");
    assert!(touched[3] > Some(0), "{json:#}");
    let said: Vec<&str> = json["inconclusive"].as_array().unwrap().iter().map(|why| why.as_str().unwrap()).collect();
    for (name, why) in [
        ("lock", "nobody waited for die_specifications"),
        ("moody", "nobody rolled the die extreme"),
        ("broken", "die-service disturbed no request at /dice"),
    ] {
        let begins = format!("the fault `{name}` touched nothing: {why} from ");
        assert!(said.iter().any(|said| said.starts_with(&begins)), "{begins} in {said:?}");
    }
    place.assert_empty();
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}
