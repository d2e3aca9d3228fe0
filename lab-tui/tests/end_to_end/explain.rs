//! Why requests were slow, or failed: the shipped scenarios, and what is named for each of their faults.

use serde_json::Value;

use super::common::Place;

/// The explanation of a shipped scenario's run, from the recording that it left; and how it ended.
async fn explained(place: &Place, scenario: &str, scale: &str, flags: &[&str]) -> Value {
    let run = place.run(&["run", scenario, "--time-scale", scale, "--json", "-"]).await;
    assert!([Some(0), Some(98), Some(99)].contains(&run.code), "{}", run.stderr);
    let summary = json(&run.stdout);
    assert_eq!(place.explain(&[]).await, summary["explanation"], "the recording says what the run said");
    if flags.is_empty() { summary } else { place.explain(flags).await }
}

impl Place {
    async fn explain(&self, flags: &[&str]) -> Value {
        let said = self.run(&[&["explain", "--json", "-"], flags].concat()).await;
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        json(&said.stdout)
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

/// The part of an explanation whose subject begins so.
fn contrast<'e>(explanation: &'e Value, subject: &str) -> &'e Value {
    let all = explanation["contrasts"].as_array().unwrap();
    all.iter().find(|one| one["subject"].as_str().unwrap().starts_with(subject)).unwrap_or_else(|| panic!("{explanation:#}"))
}

/// Each hop that the difference is attributed to, with its share.
fn attributed(contrast: &Value) -> Vec<(&str, &str, f64)> {
    let hops = contrast["hops"].as_array().unwrap().iter().filter(|hop| hop["attributed"] == true);
    hops.map(|hop| (hop["kind"].as_str().unwrap(), hop["name"].as_str().unwrap(), hop["share"].as_f64().unwrap())).collect()
}

fn coincides(contrast: &Value, kind: &str, name: &str) -> bool {
    contrast["coincides"].as_array().unwrap().iter().any(|one| one["kind"] == kind && one["name"] == name)
}

/// Whether spans of that service are said to have this attribute more often, by itself or among those that go with another.
fn says(contrast: &Value, wanted: &str) -> bool {
    contrast["over_represented"].as_array().unwrap().iter().any(|one| {
        let [service, key, value] = ["service", "key", "value"].map(|key| one[key].as_str().unwrap());
        format!("{service} {key}={value}") == wanted || one["alike"].as_array().unwrap().iter().any(|alike| alike == wanted)
    })
}

#[tokio::test]
async fn a_locked_table_is_attributed_to_the_pool_and_the_database() {
    let place = Place::new();
    let summary = explained(&place, "locked-table", "0.3", &[]).await;
    let slow = contrast(&summary["explanation"], "slow requests");
    let hops = attributed(slow);
    let waits = |hops: &[(&str, &str, f64)]| {
        let of_the_lock = |hop: &&(&str, &str, f64)| matches!((hop.0, hop.1), ("pool", "die-service") | ("database", "postgresql"));
        hops.iter().filter(of_the_lock).map(|hop| hop.2).sum::<f64>()
    };
    assert!(waits(&hops) > 0.6, "{hops:?}");
    assert!(coincides(slow, "fault", "table locked"), "{slow:#}");
    assert!(!slow["subject_examples"].as_array().unwrap().is_empty() && !slow["baseline_examples"].as_array().unwrap().is_empty());
    // The same from the moment alone, and as text.
    let started = summary["faults"][0]["started_s"].as_f64().unwrap();
    let moment = format!("{:.1}s", started + 0.7);
    let explanation = place.explain(&["--at", &moment]).await;
    assert!(waits(&attributed(&explanation["contrasts"][0])) > 0.6, "{explanation:#}");
    let text = place.run(&["explain", "last", "--at", &moment]).await.stdout;
    assert!(text.contains("the difference is attributed to\n") && !text.contains("caused"), "{text}");
    // The traces that are named can be looked at in the recording.
    let path = json(&place.run(&["runs", "--json"]).await.stdout)[0]["path"].as_str().unwrap().to_owned();
    let recording = lab_instrument::record::read(std::path::Path::new(&path)).unwrap();
    for example in slow["subject_examples"].as_array().unwrap().iter().chain(slow["baseline_examples"].as_array().unwrap()) {
        let id = lab_facts::event::TraceId::parse(example["trace_id"].as_str().unwrap()).unwrap();
        assert!(recording.traces.contains_key(&id), "{example}");
    }
    place.assert_empty();
}

#[tokio::test]
async fn delays_and_errors_are_told_apart_and_each_is_where_it_began() {
    let place = Place::new();
    let summary = explained(&place, "error-injection", "0.5", &[]).await;
    let slow = contrast(&summary["explanation"], "slow requests");
    let hops = attributed(slow);
    assert_eq!((hops[0].0, hops[0].1), ("service", "dice-roller"), "{hops:?}");
    assert!(hops[0].2 > 0.5, "{hops:?}");
    assert!(coincides(slow, "fault", "slow roller"), "{slow:#}");
    let failed = contrast(&summary["explanation"], "failed requests");
    assert!(attributed(failed).is_empty(), "{failed:#}");
    for wanted in ["dice-roller die.result=error", "die-service http.response.status_code=500", "dice-roller status=error"] {
        assert!(says(failed, wanted), "{wanted} in {failed:#}");
    }
    assert!(coincides(failed, "fault", "moody die"), "{failed:#}");
    // How many look-ups fail is chance: where they are too few for a test over time, what their spans say names the fault.
    let named = says(failed, "die-service lab.fault=failing look-ups") || coincides(failed, "fault", "failing look-ups");
    assert!(named, "{failed:#}");
    place.assert_empty();
}

#[tokio::test]
async fn a_pool_that_runs_dry_by_load_alone_is_attributed_to_the_wait_for_it() {
    let place = Place::new();
    let summary = explained(&place, "pool-exhaustion", "0.4", &[]).await;
    let slow = contrast(&summary["explanation"], "slow requests");
    let hops = attributed(slow);
    assert_eq!((hops[0].0, hops[0].1), ("pool", "die-service"), "{hops:?}");
    assert!(coincides(slow, "load", "many") && says(slow, "lab lab.load=many"), "{slow:#}");
    assert!(slow["pools"][0]["pending_mean"].as_f64() > Some(1.0), "{slow:#}");
    place.assert_empty();
}

/// A busy machine may make a calm run restless; its own figures tell. Where they are calm, nothing is named.
#[tokio::test]
async fn a_calm_run_names_nothing() {
    let place = Place::new();
    let summary = explained(&place, "traffic", "0.3", &[]).await;
    let explanation = &summary["explanation"];
    assert!(explanation["requests"].as_u64() > Some(40), "{explanation:#}");
    let times = &summary["loads"][0]["response_time_ms"];
    let [p50, p99] = ["p50", "p99"].map(|percentile| times[percentile].as_f64().unwrap());
    let named = explanation["contrasts"].as_array().unwrap();
    assert!(named.is_empty() || p99 > p50 + 15.0, "p50 {p50}, p99 {p99}: {explanation:#}");
    assert_eq!(named.is_empty(), explanation["nothing"].is_string());
    // Every hop of the chain is known, and the parts of a band add up to it.
    let band = &explanation["bands"][0];
    let parts = band["parts"].as_array().unwrap();
    let sum: f64 = parts.iter().map(|part| part["ms"].as_f64().unwrap()).sum();
    assert!((sum / band["mean_ms"].as_f64().unwrap() - 1.0).abs() < 1e-6, "{band:#}");
    let known: Vec<String> =
        parts.iter().map(|part| format!("{} {}", part["kind"].as_str().unwrap(), part["name"].as_str().unwrap())).collect();
    for hop in [
        "network lab → frontend",
        "service frontend",
        "network frontend → dice-roller",
        "service dice-roller",
        "network dice-roller → die-service",
        "service die-service",
        "pool die-service",
        "database postgresql",
    ] {
        assert!(known.iter().any(|known| known == hop), "{hop} in {known:?}");
    }
    place.assert_empty();
}

#[tokio::test]
async fn a_failed_run_says_why_at_its_end_and_runs_are_held_against_each_other() {
    let place = Place::new();
    let file = |limit: u32| {
        format!(
            "format = 1\ntitle = \"t\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-arrival-rate\"\nrate = 20\nduration = \"4s\"\n\
             service = \"frontend\"\n[[load.request]]\nget = \"/roll?die=fair\"\n[[fault]]\nname = \"slow\"\nkind = \"service.latency\"\n\
             service = \"die-service\"\nlatency = \"{limit}ms\"\nat = \"2s\"\nduration = \"2s\"\n[thresholds]\nhttp_req_duration = [\"max<1\"]\n"
        )
    };
    let (slow, page) = (place.write("slow.toml", &file(800)), place.path("page.html"));
    let run = place.run(&["run", slow.to_str().unwrap(), "--html", page.to_str().unwrap()]).await;
    assert_eq!(run.code, Some(99), "{}", run.stderr);
    assert!(run.stdout.contains("  the difference is attributed to\n    die-service (own time) "), "{}", run.stdout);
    let page = std::fs::read_to_string(&page).unwrap();
    assert!(page.contains("<h2>Why</h2>") && page.contains("attributed to die-service (own time)"), "{page}");
    let quick = place.write("quick.toml", &file(1));
    place.run(&["run", quick.to_str().unwrap()]).await;
    let ids = json(&place.run(&["runs", "--json"]).await.stdout);
    let [newer, older] = [0, 1].map(|index| ids[index]["id"].as_str().unwrap().to_owned());
    let explanation = place.explain(&["--run", &older, "--against", &newer]).await;
    assert_eq!(attributed(&explanation["contrasts"][0])[0].1, "die-service", "{explanation:#}");

    let cases: [(&[&str], &str); 4] = [
        (&["explain", "20010101"], "there is no file 20010101, and no recorded run of that ID"),
        (&["explain", "--at", "1h"], "--at 3600 s is after the end of "),
        (&["explain", "--at", "soon"], "write a time since the start of the run, such as 14s or 1m30s"),
        (&["explain", "--at", "1s", "--against", "last"], "cannot be used with"),
    ];
    for (arguments, sentence) in cases {
        let refused = place.run(arguments).await;
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(104), ""), "{arguments:?}");
        assert!(refused.stderr.contains(sentence), "{arguments:?}\n{}", refused.stderr);
    }
    place.assert_empty();
}
