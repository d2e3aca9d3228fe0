//! What does not hang together is counted, exactly.

use serde_json::{Value, json};

use crate::common::Place;

const HELLO: &str = include_str!("../../../examples/hello.py");

/// The examples' service, which does wrong what a request asks for in `flaw`.
fn flawed() -> String {
    let before = "        ids = {\"trace_id\": trace_id, \"span_id\": span_id}\n";
    let after = "        flaw = parse_qs(urlsplit(self.path).query).get(\"flaw\", [\"\"])[0]
        if flaw == \"dropped\":
            trace_id, parent = secrets.token_hex(16), \"\"
        if flaw == \"orphan\":
            parent = secrets.token_hex(8)
        ids = {} if flaw == \"untraced\" else {\"trace_id\": trace_id, \"span_id\": span_id}
        if flaw == \"unknown\":
            log(\"INFO\", \"Of another trace\", trace_id=secrets.token_hex(16))
";
    let sent = "        SPANS.put({\n";
    let not_sent = "        if flaw == \"old\":
            attributes = {\"http.method\": \"GET\", \"http.url\": self.path, \"http.scheme\": \"http\"}
        if flaw == \"lost\":
            return
        SPANS.put({\n";
    assert!(HELLO.contains(before) && HELLO.contains(sent));
    HELLO.replace(before, after).replace(sent, not_sent)
}

/// So many requests of each.
const FLAWS: [(&str, u32); 7] = [("none", 10), ("orphan", 3), ("dropped", 4), ("lost", 5), ("untraced", 6), ("unknown", 2), ("old", 7)];

fn scenario(command: &str) -> String {
    let loads = FLAWS.map(|(flaw, count)| {
        format!(
            "[[load]]\nname = \"{flaw}\"\nexecutor = \"shared-iterations\"\nvus = 2\niterations = {count}\nservice = \"hello\"\n\
             [[load.request]]\nget = \"/hello?flaw={flaw}\"\n"
        )
    });
    format!(
        "format = 1\ntitle = \"t\"\nstack = \"none\"\n[[service]]\nname = \"hello\"\ncommand = [\"python3\", \"{command}\", \"--port\", \"{{port}}\"]\n\
         url = \"http://127.0.0.1:{{port}}\"\nready = \"http://127.0.0.1:{{port}}/health\"\n{}[thresholds]\ntelemetry_loss = [\"count==5\"]\n\
         orphan_spans = [\"count==3\"]\nbroken_parents = [\"count==4\"]\nlogs_without_trace = [\"count==6\"]\nlogs_of_unknown_trace = [\"count==2\"]\n\
         semconv_violations = [\"count==21\"]\n",
        loads.concat()
    )
}

#[tokio::test]
async fn loss_orphans_and_dropped_context_are_each_counted_exactly() {
    let place = Place::new();
    let program = place.write("flawed.py", &flawed());
    let file = place.write("s.toml", &scenario(program.to_str().unwrap()));
    let (out, junit, html) = (place.path("out.json"), place.path("junit.xml"), place.path("out.html"));
    let flags = ["--json", out.to_str().unwrap(), "--junit", junit.to_str().unwrap(), "--html", html.to_str().unwrap()];
    let run = place.run(&[&["run", file.to_str().unwrap()], &flags[..]].concat()).await;
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    let summary = std::fs::read_to_string(&out).unwrap();
    let telemetry = &serde_json::from_str::<Value>(&summary).unwrap()["telemetry"];
    let expected = [
        ("orphan_spans", "", 3, 3),
        ("broken_parents", "its caller's context was dropped", 4, 3),
        ("logs_without_trace", "", 6, 0),
        ("logs_of_unknown_trace", "", 2, 2),
        ("semconv_violations", "http.method instead of http.request.method", 7, 3),
        ("semconv_violations", "http.scheme instead of url.scheme", 7, 3),
        ("semconv_violations", "http.url instead of url.path", 7, 3),
    ];
    let flaws = telemetry["flaws"].as_array().unwrap();
    assert_eq!(flaws.len(), expected.len(), "{telemetry:#}");
    for (flaw, (metric, what, count, examples)) in flaws.iter().zip(expected) {
        let told = json!([flaw["service"], flaw["metric"], flaw["what"], flaw["count"], flaw["expected"]]);
        assert_eq!(told, json!(["hello", metric, what, count, false]));
        assert_eq!(flaw["examples"].as_array().unwrap().len(), examples, "{flaw:#}");
    }
    let numbers = ["loss", "orphan_spans", "broken_parents", "logs_without_trace", "logs_of_unknown_trace", "semconv_violations"];
    assert_eq!(numbers.map(|number| telemetry[number].as_u64().unwrap()), [5, 3, 4, 6, 2, 21]);
    // Every report has it.
    let example = flaws[0]["examples"][0].as_str().unwrap();
    assert!(run.stdout.contains("         3  orphan spans; trace ") && run.stdout.contains(example), "{}", run.stdout);
    assert!(run.stdout.contains("  hello                  4  broken parents: its caller's context was dropped; trace "), "{}", run.stdout);
    let junit = std::fs::read_to_string(&junit).unwrap();
    assert!(junit.contains(r#"<property name="broken_parents" value="4"/>"#), "{junit}");
    let html = std::fs::read_to_string(&html).unwrap();
    assert!(html.contains("<td>log lines without a trace</td>") && html.contains(&format!("<code>{example}</code>")), "{html}");
    // The replay knows it from the stream.
    assert_eq!(place.run(&["replay", "last", "--json", "-"]).await.stdout, summary);
    place.assert_empty();
}

/// Requests of all kinds, health checks among them, which are not traced.
#[tokio::test]
async fn a_healthy_stack_has_no_flaw() {
    let place = Place::new();
    let zero = ["telemetry_loss", "orphan_spans", "broken_parents", "logs_without_trace", "logs_of_unknown_trace", "semconv_violations"];
    let file = place.write(
        "s.toml",
        &format!(
            "format = 1\ntitle = \"t\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-arrival-rate\"\nrate = 50\nduration = \"3s\"\nservice = \"frontend\"\n\
             [[load.request]]\nget = \"/roll?die=fair\"\n[[load.request]]\nget = \"/roll?die=nothing\"\n[[load.request]]\nget = \"/health/ready\"\n\
             [[load.request]]\nget = \"/nowhere\"\n[thresholds]\n{}",
            zero.map(|metric| format!("{metric} = [\"count==0\"]\n")).concat()
        ),
    );
    let run = place.run(&["run", file.to_str().unwrap(), "--json", "-"]).await;
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(json["telemetry"]["flaws"], json!([]));
    place.assert_empty();
}
