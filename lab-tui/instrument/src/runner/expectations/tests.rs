use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

use super::*;

const START: u64 = 1_000_000_000;

/// A fault at 10 s and one at 20 s, both of 5 s; a phase from 2 s to 4 s.
fn plan(expectations: &str) -> Arc<Plan> {
    let fault = |name: &str, at: u64| {
        format!("[[fault]]\nname = \"{name}\"\nkind = \"db.lock\"\ntable = \"{name}\"\nat = \"{at}s\"\nduration = \"5s\"\n")
    };
    let text = format!(
        "format = 1\ntitle = \"t\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-arrival-rate\"\nrate = 1\nduration = \"30s\"\n\
         [[load.request]]\nget = \"http://x/\"\n{}{}[[phase]]\nname = \"calm\"\nat = \"2s\"\nduration = \"2s\"\n{expectations}",
        fault("a", 10),
        fault("b", 20)
    );
    Arc::new(Plan::parse(&text, "t", &["s"]).unwrap_or_else(|refusal| panic!("{refusal}")))
}

/// The fault `a` really was from 11 s to 15 s; `b` never was.
fn heard(plan: &Arc<Plan>) -> Expectations<'_> {
    let expectations = Expectations::new(plan, Duration::from_secs(START));
    for (second, change) in [(11, FaultChange::Started), (15, FaultChange::Ended)] {
        expectations.hear(&Event { at: Duration::from_secs(second), fact: Fact::Fault { index: 0, change } });
    }
    expectations.hear(&Event { at: Duration::from_secs(20), fact: Fact::Fault { index: 1, change: FaultChange::Failed("x".to_owned()) } });
    expectations
}

/// One span in a trace of its own for every second from one before the start to 29 s, named after it. That of second 10 is under way when
/// the fault `a` begins.
fn store(bytes: usize) -> Store {
    let store = Store::new(bytes);
    let nanos = |second: u64| (START + second) * 1_000_000_000;
    let span = |second: u64, start: u64| Span {
        trace_id: [&[7; 8][..], &second.to_be_bytes()].concat(),
        span_id: vec![1; 8],
        name: format!("second {second}"),
        start_time_unix_nano: start,
        end_time_unix_nano: start + if second == 10 { 1_500_000_000 } else { 1 },
        ..Span::default()
    };
    let mut spans = vec![span(99, nanos(0) - 1)];
    spans.extend((0..30).map(|second| span(second, nanos(second))));
    for span in spans {
        let name = KeyValue {
            key: "service.name".to_owned(),
            value: Some(AnyValue { value: Some(Value::StringValue("s".to_owned())) }),
            ..KeyValue::default()
        };
        store.add_spans(ResourceSpans {
            resource: Some(Resource { attributes: vec![name], ..Resource::default() }),
            scope_spans: vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }],
            ..ResourceSpans::default()
        });
    }
    store
}

async fn found(expectation: &str, store: &Store) -> Found {
    let plan = plan(&format!("[[expect]]\nname = \"n\"\n{expectation}"));
    let told = RefCell::new(Vec::new());
    heard(&plan).look(store, &Backends::default(), Gaps::default(), |fact| told.borrow_mut().push(fact)).await;
    match told.into_inner().as_slice() {
        [Fact::Expectation { index: 0, found }] => found.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_span_belongs_to_the_time_of_its_start() {
    let store = store(1 << 20);
    let cases = [
        ("", 30),
        ("before = \"a\"", 10),
        ("during = \"a\"", 4),
        ("after = \"a\"", 15),
        ("after = \"a\"\nwithin = \"3s\"", 12),
        ("outside = \"a\"", 25),
        ("outside = \"a\"\nsettle = \"5s\"", 20),
        ("during = [\"a\", \"calm\"]", 6),
        ("outside = [\"a\", \"calm\"]", 23),
        ("before = [\"a\", \"calm\"]", 2),
        ("after = [\"calm\", \"a\"]", 15),
    ];
    for (scope, expected) in cases {
        let Found::Counted { count, examples } = found(&format!("traces = '{{ }}'\n{scope}"), &store).await else { panic!("{scope}") };
        assert_eq!((count, examples.len()), (expected, EXAMPLES.min(usize::try_from(expected).unwrap())), "{scope}");
    }
    assert_eq!(
        found("traces = '{ name = \"second 11\" }'\nbefore = \"a\"", &store).await,
        Found::Counted { count: 0, examples: Vec::new() }
    );
}

#[tokio::test]
async fn log_lines_belong_to_their_timestamp() {
    let store = Store::new(1 << 20);
    let id = "0af7651916cd43dd8448eb211c80319c";
    let stamp = |second: u64| {
        let moment = time::OffsetDateTime::from_unix_timestamp(i64::try_from(START + second).unwrap()).unwrap();
        moment.format(&time::format_description::well_known::Rfc3339).unwrap()
    };
    for second in [5, 12, 13] {
        store.add_log("s", &format!(r#"{{"timestamp":"{}","level":"ERROR","message":"m","trace_id":"{id}"}}"#, stamp(second)));
        store.add_log("s", &format!(r#"{{"timestamp":"{}","level":"INFO","message":"m"}}"#, stamp(second)));
    }
    let examples = vec![TraceId::parse(id).unwrap()];
    let during = "logs = { service = \"s\", message = \"m\" }\nduring = \"a\"";
    assert_eq!(found(during, &store).await, Found::Counted { count: 4, examples: examples.clone() });
    assert_eq!(found("logs = { level = \"ERROR\" }", &store).await, Found::Counted { count: 3, examples });
    assert_eq!(found("logs = { level = \"INFO\" }\nbefore = \"a\"", &store).await, Found::Counted { count: 1, examples: Vec::new() });
}

#[tokio::test]
async fn what_cannot_be_counted_is_said_to_be_unclear() {
    let Found::Unclear(why) = found("traces = '{ }'\nduring = \"b\"", &store(1 << 20)).await else { panic!("it was never there") };
    assert_eq!(why, "the fault `b` did not begin");
    // Room for about ten of the traces, the newest.
    let small = store(3000);
    let Found::Unclear(why) = found("traces = '{ }'", &small).await else { panic!("some were pushed out") };
    assert!(why.contains("pushed out"), "{why}");
    let Found::Counted { count: 2, .. } = found("traces = '{ }'\nafter = \"a\"\nwithin = \"13s\"", &small).await else {
        panic!("what is left tells of the last seconds")
    };
}
