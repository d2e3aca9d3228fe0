use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, span::SpanKind};

use super::*;

const START: Duration = Duration::from_secs(1_000);

fn plan() -> Arc<Plan> {
    let text = "format = 1\ntitle = \"t\"\n[[load]]\nname = \"other\"\nexecutor = \"constant-vus\"\nduration = \"1s\"\n[[load.request]]\n\
                get = \"http://x/\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-vus\"\nduration = \"1s\"\n[[load.request]]\nget = \"http://x/\"\n\
                [[load.request]]\nname = \"b\"\nget = \"http://x/\"\nexpect_status = [200, 404]\n";
    Arc::new(Plan::parse(text, "t", &[]).unwrap())
}

fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

/// A request that was due so many milliseconds after the start, was sent 2 ms later, and took 10 ms from then.
fn request(number: u64, due_ms: u64, status: u16) -> ClientSpan {
    let due = 1_000_000_000_000 + due_ms * 1_000_000;
    ClientSpan {
        trace_id: TraceId((u128::from(number) + 1).to_be_bytes()),
        span_id: [1; 8],
        load: "l".into(),
        method: "GET",
        url: "http://x/".to_owned(),
        server: None,
        intended_unix_nano: due,
        sent_unix_nano: due + 2_000_000,
        ended_unix_nano: due + 12_000_000,
        outcome: Outcome::Status(status),
        expected: status < 400,
        why: None,
    }
}

/// The span of the service that answers it, 4 ms long.
fn answer(request: &ClientSpan) -> Span {
    let start_time_unix_nano = request.sent_unix_nano + 3_000_000;
    Span {
        trace_id: request.trace_id.0.to_vec(),
        span_id: vec![2; 8],
        parent_span_id: request.span_id.to_vec(),
        kind: SpanKind::Server.into(),
        start_time_unix_nano,
        end_time_unix_nano: start_time_unix_nano + 4_000_000,
        attributes: vec![pair("http.route", Value::StringValue("/x".to_owned()))],
        ..Span::default()
    }
}

fn batch(service: &str, spans: Vec<Span>) -> ResourceSpans {
    let resource = Resource { attributes: vec![pair("service.name", Value::StringValue(service.to_owned()))], ..Resource::default() };
    ResourceSpans { resource: Some(resource), scope_spans: vec![ScopeSpans { spans, ..ScopeSpans::default() }], ..ResourceSpans::default() }
}

fn told(fact: Option<Fact>) -> Vec<Breakdown> {
    match fact {
        Some(Fact::Breakdowns(all)) => all,
        None => Vec::new(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_trace_is_told_once_it_is_whole_and_its_parts_add_up_from_the_intended_start() {
    let (store, sampler) = (Store::new(1 << 20), Sampler::new(&plan(), START));
    let spans: Vec<ClientSpan> =
        [(1, 500, 200), (2, 1_700, 404), (3, 1_800, 500)].map(|(number, due, status)| request(number, due, status)).into();
    sampler.hear_ended(&spans);
    store.add_client_spans("t", &spans);
    assert!(sampler.look(&store, false).is_none(), "too soon");
    store.add_spans(batch("door", vec![answer(&spans[0])]));
    let deadline = Instant::now() + Duration::from_secs(60);
    let first = loop {
        let first = told(sampler.look(&store, false));
        if !first.is_empty() || Instant::now() > deadline {
            break first;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let [one] = first.as_slice() else { panic!("{first:?}") };
    assert_eq!((one.at, one.load, one.micros, one.failed, one.whole), (Duration::from_millis(500), 1, 12_000, Some(false), true));
    let parts: Vec<(String, u32)> = one.parts.iter().map(|(hop, micros)| (hop.to_string(), *micros)).collect();
    let expected = [("door (own time)", 4_000), ("network lab → door", 6_000), ("lab, before it was sent", 2_000)];
    assert_eq!(parts, expected.map(|(hop, micros)| (hop.to_owned(), micros)));
    assert_eq!(&*one.traits[0].key, "lab.load", "what is told of all comes first");
    assert_eq!(one.traits[1].to_string(), "door http.route=/x", "then the deepest");
    // What is still not whole at the end is told as far as it goes.
    let rest = told(sampler.look(&store, true));
    let told_of: Vec<_> = rest.iter().map(|one| (one.outcome, one.failed, one.whole, one.micros)).collect();
    assert_eq!(told_of, [(Outcome::Status(404), None, false, 12_000), (Outcome::Status(500), Some(true), false, 12_000)]);
    // And none of them a second time, whoever speaks of it.
    sampler.hear_ended(&spans);
    assert!(sampler.look(&store, true).is_none());
}

#[test]
fn no_second_has_more_than_its_share_and_who_is_drawn_stands_for_all() {
    let (store, sampler) = (Store::new(64 << 20), Sampler::new(&plan(), START));
    let spans: Vec<ClientSpan> = (0..5_000).map(|number| request(number, 0, 200)).collect();
    let exemplar = |number: u64, failed: bool| Exemplar {
        load: 1,
        request: 0,
        at: Duration::ZERO,
        micros: 12_000,
        trace_id: TraceId((u128::from(number) + 1).to_be_bytes()),
        outcome: Outcome::Status(200),
        failed,
    };
    // The first is known as the slowest before it is drawn, and as failed from the one who knows.
    sampler.hear_exemplars(&[exemplar(0, true)]);
    sampler.hear_ended(&spans);
    (100..200).for_each(|number| sampler.hear_exemplars(&[exemplar(number, false)]));
    store.add_client_spans("t", &spans);
    let all = told(sampler.look(&store, true));
    let count = |chosen: Chosen| all.iter().filter(|one| one.chosen == chosen).count();
    assert_eq!(count(Chosen::Sampled), SAMPLED as usize);
    assert!((1..=EXEMPLARS as usize).contains(&count(Chosen::Slow)), "{}", count(Chosen::Slow));
    assert_eq!((all[0].chosen, all[0].failed), (Chosen::Sampled, Some(true)));
}
