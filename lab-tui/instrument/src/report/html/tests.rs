//! The page of scripted runs: what names may hold, how large it may become, and what there is when nothing happened.

use std::sync::Arc;
use std::time::Duration;

use lab_facts::event::{
    Breakdown, Cell, Chosen, EdgeCalls, Event, Exemplar, Fact, FaultChange, Flaw, FlawKind, Hop, HopKind, HopSpans, LoadWindow, Outcome,
    Pool, ProcessChange, Samples, TraceId, Trait,
};
use lab_facts::scenario::Plan;
use lab_facts::trace::{LogLine, Resource, Status, TraceSpan};
use lab_facts::verdict;
use serde_json::json;

use super::*;
use crate::report::TraceLink;
use crate::stack::Endpoints;

/// The trace that something does not hang together in.
const FLAWED: u128 = 0xf1a3_ed00_0000_0000;

const HOSTILE: &str = "</script><img src=x onerror=alert(1)>\"'&";

/// One load of 20 a second, one lock; every name is `name`.
fn plan(name: &str, seconds: u64) -> Arc<Plan> {
    // A JSON string is one of TOML as well.
    let name = serde_json::Value::from(name);
    let text = format!(
        "format = 1\ntitle = {name}\nabout = {name}\n[[load]]\nname = {name}\nexecutor = \"constant-arrival-rate\"\nrate = 20\n\
         duration = \"{seconds}s\"\n[[load.request]]\nname = {name}\nget = \"http://x/\"\n[[fault]]\nname = {name}\nkind = \"db.lock\"\n\
         table = \"t\"\nat = \"1s\"\nduration = \"2s\"\n[thresholds]\nhttp_req_duration = [{{ threshold = \"p(95)<50\", outside = {name} }}]\n\
         dropped_iterations = [\"count==0\"]\n"
    );
    Arc::new(Plan::parse(&text, "t", &[]).unwrap())
}

fn endpoints(name: &str) -> Endpoints {
    let services = [(name.to_owned(), "http://127.0.0.1:1/".parse().unwrap())].into();
    Endpoints {
        services,
        metrics: [].into(),
        attached: Vec::new(),
        database: Some(name.to_owned()),
        otlp_grpc: String::new(),
        otlp_http: String::new(),
        tempo: None,
    }
}

/// So many seconds, each of them with latencies all over the scale, and as many processes that came and went.
fn model(plan: &Arc<Plan>, name: &str, seconds: u64) -> Model {
    let mut model = Model::new(Arc::clone(plan));
    let mut apply = |at: Duration, fact| model.apply(Event { at, fact });
    for second in 0..seconds {
        let at = Duration::from_secs(second);
        // Another mix in each second, over five decades.
        let micros: Vec<u32> =
            (0..20_u32).map(|n| 200 + (n * 7919 + u32::try_from(second).unwrap() * 104_729) % 97 * 10_u32.pow(n % 5)).collect();
        let times = Samples::from_micros(micros.clone());
        let exemplar = |(number, micros): (u64, &u32)| Exemplar {
            load: 0,
            request: 0,
            at,
            micros: *micros,
            trace_id: TraceId((u128::from(second * 100 + number + 1)).to_be_bytes()),
            outcome: Outcome::Timeout,
            failed: true,
        };
        let exemplars = (0..).zip(&micros).map(exemplar).collect();
        let cell = Cell { request: 0, outcome: Outcome::Timeout, response_time: times.clone(), service_time: times.clone() };
        apply(
            at,
            Fact::Window(LoadWindow { index: second * 10, offered: 22, dropped: 2, cells: vec![cell], exemplars, ..LoadWindow::default() }),
        );
        let calls = EdgeCalls { from: name.to_owned(), to: format!("{name}{second}"), second, errors: 3, durations: times.clone() };
        apply(at, Fact::Calls(calls));
        let looked = |(number, micros): (u64, &u32)| Breakdown {
            at,
            load: 0,
            trace_id: TraceId((u128::from(second * 100 + number + 1)).to_be_bytes()),
            outcome: Outcome::Timeout,
            failed: Some(number % 2 == 0),
            chosen: Chosen::Sampled,
            whole: true,
            micros: *micros,
            parts: vec![(Arc::new(Hop { kind: HopKind::Database, name: format!("{name}{second}").into() }), *micros)],
            traits: vec![Arc::new(Trait { service: name.into(), key: name.into(), value: format!("{name}{}", number % 2).into() })],
        };
        apply(at, Fact::Breakdowns((0..).zip(&micros).map(looked).collect()));
        apply(at, Fact::Hop(HopSpans { hop: format!("{name}{second}"), second, errors: 3, durations: times }));
        let used = u32::try_from(second % 11).unwrap();
        apply(at, Fact::Pool(Pool { service: name.to_owned(), used, idle: 10 - used, pending: used * 3, max: 10 }));
        apply(at, Fact::Process { name: name.to_owned(), change: ProcessChange::Exited(name.to_owned()) });
        apply(at + Duration::from_millis(999), Fact::Tick);
    }
    apply(Duration::from_secs(1), Fact::Fault { index: 0, change: FaultChange::Started });
    apply(Duration::from_secs(3), Fact::Fault { index: 0, change: FaultChange::Failed(name.to_owned()) });
    let flaw = Flaw {
        kind: FlawKind::OrphanSpan,
        service: name.to_owned(),
        what: name.to_owned(),
        count: 1,
        examples: vec![TraceId(FLAWED.to_be_bytes())],
    };
    apply(Duration::from_secs(seconds), Fact::Flaws(vec![flaw]));
    apply(Duration::from_secs(seconds), Fact::Tick);
    apply(Duration::from_secs(seconds), Fact::Finished { interrupted: false });
    model
}

/// A trace in which every text is `name`.
fn trace(id: &str, name: &str, spans: usize) -> Trace {
    let span = |number: usize| TraceSpan {
        span_id: number.to_string(),
        parent_span_id: number.checked_sub(1).map(|parent| parent.to_string()),
        service: name.to_owned(),
        name: name.to_owned(),
        kind: name.to_owned(),
        start_unix_nano: 0,
        duration_nano: 1_000_000,
        error: true,
        status: Status::Error,
        attributes: [("error.type".to_owned(), json!(name))].into(),
        resource: Resource::default(),
        ..TraceSpan::default()
    };
    let log = |number: usize| LogLine {
        unix_nano: 1,
        service: name.to_owned(),
        line: json!({"level": name, "message": name, "span_id": number.to_string(), name: name}),
    };
    Trace { trace_id: id.to_owned(), spans: (0..spans).map(span).collect(), logs: (0..spans).map(log).collect() }
}

/// The page of a run in which every name is `name`.
fn page(name: &str, seconds: u64, spans: usize) -> String {
    let plan = plan(name, seconds);
    let model = model(&plan, name, seconds);
    let (verdict, endpoints) = (verdict::judge(&plan, &model), endpoints(name));
    let link = TraceLink::template("http://localhost:3000/t/{trace_id}?a=1&b=\"><b>").unwrap();
    let summary = Summary::new(name, &model, &verdict, &endpoints, Some(&link));
    let traces: Vec<Trace> = summary.slowest_traces.iter().map(|slow| trace(&slow.trace_id, name, spans)).collect();
    let mut html = Html::default();
    html.add(&Ran { summary: &summary, model: &model, traces: &traces, link: Some(&link), started: OffsetDateTime::UNIX_EPOCH });
    html.to_html()
}

#[test]
fn what_names_say_is_text() {
    let page = page(HOSTILE, 5, 3);
    assert_eq!((page.matches("</script>").count(), page.matches("<script>").count()), (1, 1));
    assert!(!page.contains("<img") && !page.contains("<b>"), "{page}");
    // Each of these shows it: title, about, load, request, fault, process, pool, hop, span, log line, endpoint.
    let shown = "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&quot;'&amp;";
    assert!(page.matches(shown).count() > 40, "{}", page.matches(shown).count());
    assert!(page.contains("1970-01-01 00:00:00 UTC"));
    // That nothing can be said for certain hides nothing of what is broken.
    assert!(page.contains("; 2 thresholds are broken as well"), "{page}");
    assert!(page.contains("<h2>Why</h2>") && page.contains("over-represented") && page.contains("<h2>Who calls whom</h2>"));
    // Examples of the reasons and of what does not hang together are links, as the slowest requests are.
    let linked = |id: u128| page.matches(&format!("rel=\"noreferrer\">{id:032x}</a>")).count();
    assert!(page.split("<h2>Why</h2>").nth(1).unwrap().split("</section>").next().unwrap().contains("<a href="), "{page}");
    assert_eq!(linked(FLAWED), 1, "{page}");
    let mut without = Html::default();
    without.add_without_end(HOSTILE, HOSTILE);
    without.add_without_end(HOSTILE, HOSTILE);
    let without = without.to_html();
    assert!(!without.contains("<img") && without.matches(shown).count() >= 8, "{without}");
}

/// Ten minutes are all that the model remembers second by second; everything else that could grow is at its bound or far beyond.
#[test]
fn a_long_run_is_below_a_mebibyte() {
    let page = page(&"long name ".repeat(20), 600, 500);
    assert!(page.len() < 1 << 20, "{} bytes", page.len());
    assert!(page.contains("for each 3 seconds") && page.contains("940 rows more"));
}

#[test]
fn a_run_in_which_nothing_happened_has_a_page() {
    let plan = plan("calm", 5);
    let model = Model::new(Arc::clone(&plan));
    let (verdict, endpoints) = (verdict::judge(&plan, &model), endpoints("calm"));
    let summary = Summary::new("calm", &model, &verdict, &endpoints, None);
    let mut html = Html::default();
    assert!(html.is_empty());
    html.add(&Ran { summary: &summary, model: &model, traces: &[], link: None, started: OffsetDateTime::UNIX_EPOCH });
    html.add_without_end("other", "the stack did not come up");
    let page = html.to_html();
    assert!(page.contains("No request was due.") && page.contains("no samples"), "{page}");
    // The worst of both is what the page begins with.
    let first = page.find("class=\"banner").unwrap();
    assert!(page[first..].starts_with("class=\"banner fail\"") && page.contains("1 fail, 1 error"), "{page}");
    assert!(!page.contains("NaN") && !page.contains("inf"), "{page}");
}
