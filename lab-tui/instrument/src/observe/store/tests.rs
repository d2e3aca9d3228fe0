use opentelemetry_proto::tonic::common::v1::{ArrayValue, InstrumentationScope, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::{ScopeSpans, Span, Status};

use super::*;

fn span(trace: u8, span: u8, kind: SpanKind) -> Span {
    Span { trace_id: vec![trace; 16], span_id: vec![span; 8], name: "n".to_owned(), kind: kind.into(), ..Span::default() }
}

pub(super) fn batch(service: &str, spans: Vec<Span>) -> ResourceSpans {
    let value = Some(AnyValue { value: Some(Value::StringValue(service.to_owned())) });
    let name = KeyValue { key: "service.name".to_owned(), value, ..KeyValue::default() };
    ResourceSpans {
        resource: Some(Resource { attributes: vec![name], ..Resource::default() }),
        scope_spans: vec![ScopeSpans { spans, ..ScopeSpans::default() }],
        ..ResourceSpans::default()
    }
}

#[test]
fn spans_are_counted_once_however_often_they_come() {
    let store = Store::new(DEFAULT_BYTES);
    let spans = || vec![span(1, 1, SpanKind::Server), span(1, 2, SpanKind::Client)];
    assert_eq!(store.add_spans(batch("a", spans())), 0);
    assert_eq!(store.add_spans(batch("a", spans())), 0);
    let counts = store.counts("a");
    assert_eq!((counts.spans, counts.server_spans), (2, 1));
    assert_eq!(store.trace(TraceId([1; 16])).unwrap().spans.len(), 2);
}

#[test]
fn ids_that_are_none_are_refused() {
    let store = Store::new(DEFAULT_BYTES);
    let broken =
        vec![span(0, 1, SpanKind::Server), span(1, 0, SpanKind::Server), Span { trace_id: vec![1], ..span(1, 1, SpanKind::Server) }];
    assert_eq!(store.add_spans(batch("a", broken)), 3);
    assert_eq!(store.counts("a").spans, 0);
}

#[test]
fn the_oldest_traces_make_room_as_a_whole() {
    let store = Store::new(5000);
    for trace in 1..=20 {
        store.add_spans(batch("a", vec![span(trace, 1, SpanKind::Server), span(trace, 2, SpanKind::Client)]));
        assert!(store.bytes() <= 5000);
    }
    assert!(store.trace(TraceId([1; 16])).is_none());
    assert_eq!(store.trace(TraceId([20; 16])).unwrap().spans.len(), 2);
    assert!(store.evicted_traces() > 8);
    assert_eq!(store.counts("a").spans, 40);
}

/// A span that begins so many nanoseconds after 1970.
fn at(start: u64, trace: u8, id: u8) -> Span {
    Span { start_time_unix_nano: start, end_time_unix_nano: start + 5, ..span(trace, id, SpanKind::Server) }
}

fn found(store: &Store, query: &str, window: std::ops::Range<u64>) -> Vec<(u8, usize)> {
    let mut found = Vec::new();
    let id = |trace: &Trace| u8::from_str_radix(&trace.trace_id[..2], 16).unwrap();
    store.search(&lab_facts::query::Query::parse(query).unwrap(), std::slice::from_ref(&window), |trace, matched| {
        found.push((id(trace), matched.len()));
    });
    found
}

#[test]
fn a_search_knows_resources_and_counts_spans_by_their_start() {
    let store = Store::new(DEFAULT_BYTES);
    store.add_spans(batch("a", vec![at(10, 1, 1), at(20, 1, 2), at(20, 2, 1)]));
    store.add_spans(batch("b", vec![at(30, 3, 1)]));
    assert_eq!(found(&store, "{ }", 0..100), [(1, 2), (2, 1), (3, 1)]);
    assert_eq!(found(&store, "{ }", 20..30), [(1, 1), (2, 1)]);
    assert_eq!(found(&store, r#"{ resource.service.name = "b" }"#, 0..100), [(3, 1)]);
    assert_eq!(found(&store, "{ } | count() = 2", 20..21), [(1, 1)], "the trace as a whole is held against the query");
}

#[test]
fn a_resource_is_kept_once_and_given_back_with_its_last_span() {
    let store = Store::new(5000);
    let with = |version: &str, spans: Vec<Span>| {
        let mut batch = batch("a", spans);
        batch.resource.as_mut().unwrap().attributes.push(pair("v", Some(Value::StringValue(version.to_owned()))));
        batch
    };
    store.add_spans(with("1", vec![span(1, 1, SpanKind::Server)]));
    let one = store.bytes();
    store.add_spans(with("1", vec![span(2, 1, SpanKind::Server)]));
    let more = store.bytes() - one;
    store.add_spans(with("2", vec![span(3, 1, SpanKind::Server)]));
    assert!(store.bytes() - one > 2 * more + 200, "another resource");
    store.add_spans(with("3", Vec::new()));
    assert!(store.bytes() < 5000, "nobody has it");
    for trace in 10..100 {
        store.add_spans(with("2", vec![span(trace, 1, SpanKind::Server)]));
    }
    assert_eq!(store.lock().origins.each().count(), 1, "the first one went with its spans");
}

fn pair(key: &str, value: Option<Value>) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value }), ..KeyValue::default() }
}

/// One that says all that a span can say, of which some is nonsense; `twist` makes it another.
pub(super) fn talkative(twist: i64) -> Span {
    let text = |text: &str| Some(Value::StringValue(text.to_owned()));
    let any = |value| AnyValue { value };
    let list = Value::ArrayValue(ArrayValue { values: vec![any(text("x")), any(Some(Value::IntValue(twist))), any(None)] });
    let map = Value::KvlistValue(KeyValueList { values: vec![pair("k", Some(list.clone())), pair("k", None)] });
    let attributes = vec![
        pair("text", text("a text that is said often")),
        pair("long", text(&"x".repeat(5000))),
        pair("empty", text("")),
        pair("", text("no key")),
        pair("yes", Some(Value::BoolValue(true))),
        pair("no", Some(Value::BoolValue(false))),
        pair("int", Some(Value::IntValue(i64::MIN + twist))),
        pair("double", Some(Value::DoubleValue(f64::NEG_INFINITY))),
        pair("bytes", Some(Value::BytesValue(vec![0, 255, 128]))),
        pair("list", Some(list)),
        pair("map", Some(map)),
        pair("none of a kind", None),
        KeyValue { key: "nothing".to_owned(), ..KeyValue::default() },
        KeyValue { key_strindex: 7, ..pair("strange", Some(Value::StringValueStrindex(3))) },
        pair("twice", text("1")),
        pair("twice", text("2")),
    ];
    let event = |time_unix_nano: u64| Event {
        time_unix_nano,
        name: "exception".to_owned(),
        attributes: attributes.clone(),
        dropped_attributes_count: 3,
    };
    let link = Link {
        trace_id: vec![9; 3],
        span_id: vec![8; 8],
        trace_state: "a=b".to_owned(),
        attributes: attributes.clone(),
        dropped_attributes_count: 4,
        flags: 0x301,
    };
    Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        parent_span_id: vec![3; 8],
        trace_state: "vendor=state".to_owned(),
        flags: u32::MAX,
        name: "GET /everything".to_owned(),
        kind: SpanKind::Producer.into(),
        start_time_unix_nano: 1_700_000_000_000_000_000,
        end_time_unix_nano: 1_700_000_000_000_000_000 + twist.unsigned_abs(),
        events: vec![event(1_700_000_000_000_000_001), event(0), event(u64::MAX)],
        links: vec![link, Link::default()],
        dropped_attributes_count: 1,
        dropped_events_count: 2,
        dropped_links_count: u32::MAX,
        status: Some(Status { message: "it said why".to_owned(), code: 2 }),
        attributes,
    }
}

#[test]
fn all_that_a_span_says_comes_out_as_it_went_in() {
    let variants: [fn(Span) -> Span; 9] = [
        |span| span,
        |span| Span { parent_span_id: Vec::new(), status: None, ..span },
        |span| Span { status: Some(Status::default()), flags: 0, trace_state: String::new(), ..span },
        |span| Span { status: Some(Status { code: 77, message: String::new() }), kind: -5, ..span },
        |span| Span { end_time_unix_nano: 0, ..span },
        |span| Span { end_time_unix_nano: 0, links: Vec::new(), dropped_links_count: 0, ..span },
        |span| Span { start_time_unix_nano: u64::MAX, end_time_unix_nano: u64::MAX, name: String::new(), ..span },
        |span| Span { start_time_unix_nano: 0, end_time_unix_nano: u64::MAX, kind: 6, ..span },
        |span| Span { trace_id: span.trace_id, span_id: span.span_id, ..Span::default() },
    ];
    let scope = InstrumentationScope {
        name: "my.library".to_owned(),
        version: "1.2".to_owned(),
        attributes: vec![pair("s", Some(Value::IntValue(1)))],
        dropped_attributes_count: 5,
    };
    // With texts that are kept once, and without.
    for limit in [DEFAULT_BYTES, 400_000] {
        let store = Store::new(limit);
        for round in 0..3 {
            for (trace, variant) in (1 + round * 20..).zip(variants) {
                let span = Span { trace_id: vec![trace; 16], ..variant(talkative(round.into())) };
                let mut sent = batch("a", vec![span]);
                sent.schema_url = "https://example.com/resource".to_owned();
                sent.resource.as_mut().unwrap().dropped_attributes_count = 9;
                sent.scope_spans[0].scope = Some(scope.clone());
                sent.scope_spans[0].schema_url = "https://example.com/scope".to_owned();
                assert_eq!(store.add_spans(sent.clone()), 0);
                assert_eq!(store.resource_spans(TraceId([trace; 16])), Some(vec![sent]), "{trace}");
                assert_eq!(store.trace(TraceId([trace; 16])).unwrap().spans.len(), 1);
            }
        }
    }
}

#[test]
fn what_was_kept_once_goes_with_the_last_that_said_it() {
    let store = Store::new(1 << 20);
    for trace in 1..200 {
        store.add_spans(batch("a", vec![Span { trace_id: vec![trace; 16], ..talkative(1) }]));
    }
    assert!(store.lock().texts.bytes() > 0);
    let mut inner = store.lock();
    inner.limit = 0;
    inner.make_room();
    let services = "a".len() + OVERHEAD;
    assert_eq!((inner.used(), inner.texts.bytes(), inner.origins.bytes()), (services, 0, 0));
    assert_eq!((inner.drops.evicted_traces, inner.drops.evicted_spans), (199, 199));
}

#[test]
fn what_was_pushed_out_is_known_by_its_time() {
    let store = Store::new(5000);
    assert!(!store.has_evicted_since(0));
    for trace in 1..=20 {
        store.add_spans(batch("a", vec![at(u64::from(trace) * 10, trace, 1)]));
    }
    let first = found(&store, "{ }", 0..1000)[0].0;
    assert!(first > 1);
    assert!(store.has_evicted_since(u64::from(first) * 10 - 10));
    assert!(!store.has_evicted_since(u64::from(first) * 10));
}

/// What each of these finds, it finds by taking every trace apart as well.
#[test]
fn a_search_passes_over_nothing_that_matches() {
    let store = Store::new(DEFAULT_BYTES);
    let mut traces = Vec::new();
    for trace in 1..60_u8 {
        let kind = [SpanKind::Server, SpanKind::Client, SpanKind::Internal][usize::from(trace % 3)];
        let child = Span {
            parent_span_id: vec![2; 8],
            attributes: vec![pair("n", Some(Value::IntValue((trace % 7).into()))), pair("only", Some(Value::DoubleValue(f64::NAN)))],
            status: Some(Status { code: (trace % 3).into(), message: String::new() }),
            ..at(10 * u64::from(trace), trace, 3)
        };
        let spans = vec![Span { trace_id: vec![trace; 16], kind: kind.into(), ..talkative((trace % 5).into()) }, child];
        store.add_spans(batch(["a", "b"][usize::from(trace % 2)], spans));
        traces.push(store.trace(TraceId([trace; 16])).unwrap());
    }
    for (query, some) in [
        ("{ }", true),
        ("{ false }", false),
        ("{ status = error }", true),
        ("{ status != error && kind = server }", true),
        ("{ name = \"GET /everything\" && span.int > 0 }", false),
        ("{ span.int < 0 || resource.service.name = \"a\" }", true),
        ("{ resource.service.name = \"b\" && .n = 3 }", true),
        ("{ .service.name =~ \"a|c\" && duration > 3ns }", true),
        ("{ resource.service.name = \"nobody\" }", false),
        ("{ span.twice = \"2\" }", true),
        ("{ span.twice = \"1\" }", false),
        ("{ span.list = 3 }", true),
        ("{ span.list = 9 }", false),
        ("{ span.map = nil }", true),
        ("{ span.only = nil && span.n != 2 }", true),
        ("{ span.absent = nil }", true),
        ("{ span.absent != nil }", false),
        ("{ !(span.yes && span.no) }", true),
        ("{ span.yes && !span.no && span.text =~ \"a text.*\" && span.long !~ \"y+\" }", true),
        ("{ rootName = \"n\" || childCount > 0 }", true),
        ("{ traceDuration > 1ns && kind = producer }", false),
        ("{ kind = client } > { status = ok }", true),
        ("{ kind = client } >> { status = ok && span.n = 1 } || { span.n = 0 && kind = consumer }", true),
        ("{ span.n = 4 } | count() > 1", false),
        ("{ kind = server } && { span.n = 2 } | avg(duration) > 0ns", true),
    ] {
        let query = lab_facts::query::Query::parse(query).unwrap();
        let expected: Vec<&str> =
            traces.iter().filter(|trace| !query.matches(trace).is_empty()).map(|trace| trace.trace_id.as_str()).collect();
        let everywhere = 0..u64::MAX;
        let (mut found, mut newest) = (Vec::new(), Vec::new());
        store.search(&query, std::slice::from_ref(&everywhere), |trace, _| found.push(trace.trace_id.clone()));
        assert_eq!(found, expected, "{query}");
        assert_eq!(!expected.is_empty(), some, "{query}");
        store.search_newest(&query, std::slice::from_ref(&everywhere), 3, |trace, _| newest.push(trace.trace_id.clone()));
        let latest: Vec<&str> = expected.iter().rev().take(3).copied().collect();
        assert_eq!(newest, latest, "{query}");
    }
}

/// Three times what fits, with every tenth trace pinned and one of them worth more than all others.
#[test]
fn the_bound_holds_and_what_is_pinned_stays() {
    const LIMIT: usize = 1 << 20;
    let id = |number: u64| TraceId(u128::from(number).to_be_bytes());
    let (store, mut number, mut fit) = (Store::new(LIMIT), 0, None);
    while fit.is_none_or(|fit| number < 3 * fit) {
        number += 1;
        if number % 10 == 0 {
            // The exemplar is told before its trace comes in, or after it.
            store.pin(id(number), if number == 50 { 1000 } else { u32::try_from(number % 7).unwrap() });
        }
        for kind in [SpanKind::Server, SpanKind::Client] {
            let span = Span { trace_id: id(number).0.to_vec(), span_id: vec![u8::try_from(kind as i32).unwrap(); 8], ..at(number, 1, 1) };
            store.add_spans(batch("a", vec![Span { kind: kind.into(), ..span }]));
        }
        store.add_log("a", &format!(r#"{{"message":"m","trace_id":"{}"}}"#, id(number)));
        store.add_log("a", "of no trace");
        assert!(store.bytes() <= LIMIT);
        fit = fit.or((store.drops().evicted_traces > 0).then_some(number));
    }
    let drops = store.drops();
    assert_eq!((drops.evicted_spans, store.counts("a").spans), (drops.evicted_traces * 2, number * 2));
    let here: Vec<u64> = (1..=number).filter(|number| store.trace(id(*number)).is_some()).collect();
    assert_eq!(here.len() as u64, number - drops.evicted_traces);
    assert!(here.contains(&50), "the worst of all is kept to the end");
    let last_gap = (1..=number).rev().find(|number| !here.contains(number)).unwrap();
    let old: Vec<&u64> = here.iter().filter(|number| **number < last_gap).collect();
    assert!(old.len() > 20 && old.iter().all(|number| **number % 10 == 0), "{old:?}");
    let inner = store.lock();
    let held: usize = inner.pins.held.iter().map(|id| inner.traces.get(id).unwrap().bytes).sum();
    assert!(held <= LIMIT / 4 && held > LIMIT / 16, "{held}");
}

#[test]
fn a_trace_without_end_pushes_out_nobody_elses() {
    let store = Store::new(16 << 20);
    store.add_spans(batch("a", vec![span(1, 1, SpanKind::Server)]));
    let mut refused = 0;
    for number in 1..100_000_u64 {
        let span = Span { span_id: number.to_be_bytes().to_vec(), parent_span_id: vec![7; 8], ..span(2, 1, SpanKind::Server) };
        refused += store.add_spans(batch("a", vec![span]));
    }
    assert!(refused > 1000);
    assert_eq!((store.drops().refused_too_large, store.drops().evicted_traces), (refused, 0));
    assert!(store.bytes() < 4 << 20 && store.trace(TraceId([1; 16])).is_some());
    let found = store.trace(TraceId([2; 16])).unwrap();
    assert!(found.spans.len() > 10_000);
    // One that is here already is none too many.
    assert_eq!(store.add_spans(batch("a", vec![span(2, 1, SpanKind::Server)])), 1);
    let first = Span { span_id: 1_u64.to_be_bytes().to_vec(), ..span(2, 1, SpanKind::Server) };
    assert_eq!(store.add_spans(batch("a", vec![first])), 0);
}

/// Ten thousand spans, each child before its parent, and half of them twice.
#[test]
fn a_large_trace_comes_in_any_order() {
    let store = Store::new(DEFAULT_BYTES);
    let mut heard = store.listen();
    let id = |number: u64| number.to_be_bytes().to_vec();
    for number in (1..=10_000_u64).rev() {
        let parent_span_id = if number == 1 { Vec::new() } else { id(number / 2) };
        let one = || Span { span_id: id(number), parent_span_id: parent_span_id.clone(), ..at(number, 1, 1) };
        store.add_spans(batch(if number % 2 == 0 { "even" } else { "odd" }, vec![one(), one()]));
    }
    let trace = store.trace(TraceId([1; 16])).unwrap();
    assert_eq!(trace.spans.len(), 10_000);
    assert!(trace.spans.is_sorted_by_key(|span| span.start_unix_nano));
    let (mut edges, mut hops) = (0, 0);
    while let Ok(one) = heard.try_recv() {
        match one {
            Heard::Edge { .. } => edges += 1,
            Heard::Hop { .. } => hops += 1,
        }
    }
    assert_eq!((edges, hops), (9_999, 10_000));
}
