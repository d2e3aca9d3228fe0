//! What the trace store takes and gives, for `benches/store` to print: one figure a line, `NAME VALUE`. Times are the processor time of
//! one thread. `store` measures the store, `store bound` whether it keeps to its bound, `store receive` the OTLP receiver in front of it at
//! 20,000 spans a second.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::hint::black_box;
use std::time::{Duration, Instant};

use lab_facts::event::{Outcome, TraceId};
use lab_facts::query::Query;
use lab_instrument::observe::otlp::serve_grpc;
use lab_instrument::observe::store::{ClientSpan, Store};
use lab_instrument::out;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message as _;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use rustix::time::{ClockId, clock_gettime};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const SPANS: usize = 7;
/// How many traces an exporter's batches are about.
const TRACES: usize = 128;
const MILLION: usize = 1_000_000;
/// What is done the old way is done to so many spans only: it takes twice the memory.
const OLD: usize = 200_000;

const QUERIES: [(&str, &str); 6] = [
    ("status", "{ status = error }"),
    ("duration", "{ duration > 2s }"),
    ("service", r#"{ resource.service.name = "die-service" && name = "pool.wait" && duration > 100ms }"#),
    ("attribute", r#"{ span.db.system.name = "postgresql" && duration > 100ms }"#),
    ("either", "{ .http.response.status_code = 500 }"),
    ("nothing", r#"{ span.die.type = "loaded" }"#),
];

fn main() -> anyhow::Result<()> {
    match std::env::args().nth(1).as_deref() {
        None => measure(),
        Some("bound") => bound(),
        Some("receive") => tokio::runtime::Runtime::new()?.block_on(receive()),
        Some(address) => tokio::runtime::Runtime::new()?.block_on(send(address)),
    }
}

fn say(name: &str, value: impl Display) -> anyhow::Result<()> {
    Ok(out::result(&format!("{name} {value}\n"))?)
}

fn cpu(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// What that took of this thread's time, added to `sum`.
fn timed<T>(sum: &mut Duration, work: impl FnOnce() -> T) -> T {
    let before = cpu(ClockId::ThreadCPUTime);
    let done = work();
    *sum += cpu(ClockId::ThreadCPUTime).saturating_sub(before);
    done
}

/// As the store kept spans before: each as protobuf, beside the IDs that are there.
#[derive(Default)]
struct Encoded(HashMap<TraceId, EncodedTrace>);

#[derive(Default)]
struct EncodedTrace {
    spans: Vec<Box<[u8]>>,
    ids: HashSet<[u8; 8]>,
}

impl Encoded {
    fn add(&mut self, request: ExportTraceServiceRequest) {
        let scopes = request.resource_spans.into_iter().flat_map(|batch| batch.scope_spans);
        for span in scopes.flat_map(|scope| scope.spans) {
            let (Ok(trace), Ok(id)) = (span.trace_id.as_slice().try_into(), span.span_id.as_slice().try_into()) else { continue };
            let kept = self.0.entry(TraceId(trace)).or_default();
            if kept.ids.insert(id) {
                kept.spans.push(span.encode_to_vec().into_boxed_slice());
            }
        }
    }

    /// At least: what tables and allocators keep for themselves is left out.
    fn bytes(&self) -> usize {
        let of_trace = |trace: &EncodedTrace| {
            let spans = trace.spans.iter().map(|span| size_of::<Box<[u8]>>() + span.len());
            size_of::<EncodedTrace>() + spans.sum::<usize>() + trace.ids.len() * 8
        };
        self.0.values().map(of_trace).sum()
    }
}

fn measure() -> anyhow::Result<()> {
    let mut random = StdRng::seed_from_u64(1);
    let [mut decoding, mut adding, mut adding_heard, mut old] = [Duration::ZERO; 4];
    let heard_store = Store::new(64 << 20);
    let mut heard = heard_store.listen();
    let mut encoded = Encoded::default();
    let (mut ids, mut spans, mut wire) = (Vec::new(), 0, 0);
    let store = Store::new(1 << 30);
    let resident = resident();
    let (mut kept_old, mut bytes_old) = (0, 0.0);
    while spans < MILLION {
        for batch in batches(&mut random, &mut ids) {
            let bytes = ExportTraceServiceRequest { resource_spans: vec![batch] }.encode_to_vec();
            wire += bytes.len();
            let decode = || ExportTraceServiceRequest::decode(&*bytes);
            let request = timed(&mut decoding, decode)?;
            if spans < OLD {
                timed(&mut old, || decode().map(|request| encoded.add(request)))?;
                timed(&mut adding_heard, || heard_store.take_message(&bytes))?;
                while heard.try_recv().is_ok() {}
                kept_old = spans;
            }
            spans += request.resource_spans[0].scope_spans[0].spans.len();
            let refused = timed(&mut adding, || store.take_message(&bytes))?.count();
            anyhow::ensure!(refused == 0, "{refused} spans were refused");
        }
        if spans >= OLD && !encoded.0.is_empty() {
            bytes_old = encoded.bytes() as f64 / encoded.0.values().map(|trace| trace.spans.len()).sum::<usize>() as f64;
            encoded = Encoded::default();
        }
    }
    drop((heard, heard_store));
    let rate = |time: Duration, spans: usize| (spans as f64 / time.as_secs_f64()).round();
    say("spans_per_second", rate(adding, spans))?;
    say("spans_per_second_heard", rate(adding_heard, kept_old))?;
    say("spans_per_second_prost_alone", rate(decoding, spans))?;
    say("spans_per_second_old_way", rate(old, kept_old))?;
    say("bytes_per_span", store.bytes() / spans)?;
    say("bytes_per_span_resident", resident_since(resident) / spans)?;
    say("bytes_per_span_on_the_wire", wire / spans)?;
    say("bytes_per_span_old_way", bytes_old)?;
    let mut gets: Vec<Duration> = Vec::new();
    for _ in 0..2000 {
        let id = ids[random.random_range(0..ids.len())];
        let begun = Instant::now();
        let trace = black_box(store.trace(id));
        gets.push(begun.elapsed());
        anyhow::ensure!(trace.is_some_and(|trace| trace.spans.len() == SPANS), "{id} is not whole");
    }
    gets.sort_unstable();
    say("get_p50_us", gets[gets.len() / 2].as_secs_f64() * 1e6)?;
    say("get_p99_us", gets[gets.len() * 99 / 100].as_secs_f64() * 1e6)?;
    for (name, query) in QUERIES {
        let query = Query::parse(query)?;
        let (mut time, mut found) = (Duration::ZERO, 0);
        let always = 0..u64::MAX;
        timed(&mut time, || store.search(&query, std::slice::from_ref(&always), |_, _| found += 1));
        say(&format!("filter_{name}_ms"), time.as_secs_f64() * 1e3)?;
        say(&format!("filter_{name}_found"), found)?;
    }
    let (query, always) = (Query::parse("{ }")?, 0..u64::MAX);
    let mut time = Duration::ZERO;
    timed(&mut time, || store.search_newest(&query, std::slice::from_ref(&always), 20, |_, _| {}));
    say("newest_20_ms", time.as_secs_f64() * 1e3)?;
    drop(store);
    let store = Store::new(256 << 20);
    let mut time = Duration::ZERO;
    for _ in 0..OLD / 4000 {
        let requests = requests(&mut random, 4000);
        timed(&mut time, || store.add_client_spans("a scenario", &requests));
    }
    say("client_span_us", time.as_secs_f64() * 1e6 / OLD as f64)?;
    say("client_span_bytes", store.bytes() / OLD)
}

/// What a store takes that is offered three times as much as it may keep.
fn bound() -> anyhow::Result<()> {
    const BOUND: usize = 64 << 20;
    let (mut random, mut ids) = (StdRng::seed_from_u64(3), Vec::new());
    let (resident, store) = (resident(), Store::new(BOUND));
    let (mut spans, mut each, mut most) = (0, 0.0, 0);
    while each * (spans as f64) < 3.0 * (BOUND as f64) {
        for batch in batches(&mut random, &mut ids) {
            spans += batch.scope_spans[0].spans.len();
            store.add_spans(batch);
            most = most.max(store.bytes());
        }
        if store.evicted_traces() == 0 {
            each = store.bytes() as f64 / spans as f64;
        }
    }
    say("bound_bytes", BOUND)?;
    say("offered_bytes", each * spans as f64)?;
    say("most_bytes", most)?;
    say("resident_bytes", resident_since(resident))
}

/// In bytes.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    pages.and_then(|pages| pages.split(' ').nth(1)?.parse::<usize>().ok()).unwrap_or_default() * 4096
}

fn resident_since(before: usize) -> usize {
    resident().saturating_sub(before)
}

/// What a load sends in a tenth of a second.
fn requests(random: &mut StdRng, count: usize) -> Vec<ClientSpan> {
    let (load, server) = ("a load".into(), Some(("127.0.0.1".into(), 8111)));
    let one = |start: u64| ClientSpan {
        trace_id: TraceId(random.random::<u128>().to_be_bytes()),
        span_id: random.random::<u64>().to_be_bytes(),
        load: std::sync::Arc::clone(&load),
        method: "GET",
        url: format!("http://127.0.0.1:8111/roll?die={}", ["fair", "risky", "extreme"][random.random_range(0..3)]),
        server: server.clone(),
        intended_unix_nano: start,
        sent_unix_nano: start + 31_000,
        ended_unix_nano: start + random.random_range(500_000..5_000_000),
        outcome: Outcome::Status(200),
        expected: true,
        why: None,
    };
    (0..count as u64).map(|number| 1_790_000_000_000_000_000 + number * 25_000).map(one).collect()
}

/// A batch of each of the three services about the same traces.
fn batches(random: &mut StdRng, ids: &mut Vec<TraceId>) -> [ResourceSpans; 3] {
    let mut services = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..TRACES {
        let id = TraceId(random.random::<u128>().to_be_bytes());
        ids.push(id);
        // Each trace a millisecond after the one before.
        let start = 1_790_000_000_000_000_000 + ids.len() as u64 * 1_000_000;
        for (service, spans) in services.iter_mut().zip(seven(random, id, start)) {
            service.extend(spans);
        }
    }
    let [frontend, roller, die] = services;
    [batch("frontend", frontend), batch("dice-roller", roller), batch("die-service", die)]
}

fn batch(service: &str, spans: Vec<Span>) -> ResourceSpans {
    let attributes =
        vec![text("service.name", service), text("service.version", "0.1.0"), text("service.instance.id", "1"), int("process.pid", 4711)];
    let scope = Some(InstrumentationScope { name: "services".to_owned(), ..InstrumentationScope::default() });
    ResourceSpans {
        resource: Some(Resource { attributes, ..Resource::default() }),
        scope_spans: vec![ScopeSpans { scope, spans, ..ScopeSpans::default() }],
        ..ResourceSpans::default()
    }
}

fn any(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn text(key: &str, value: &str) -> KeyValue {
    any(key, Value::StringValue(value.to_owned()))
}

fn int(key: &str, value: i64) -> KeyValue {
    any(key, Value::IntValue(value))
}

/// A roll through the chain as the services tell it: spans of frontend, dice-roller and die-service.
fn seven(random: &mut StdRng, trace: TraceId, start: u64) -> [Vec<Span>; 3] {
    let die = ["fair", "risky", "extreme"][random.random_range(0..3)];
    // One in a hundred fails, one in a thousand is slow.
    let status = if random.random_range(0..100) == 0 { 500 } else { 200 };
    let total = if random.random_range(0..1000) == 0 { 3_000_000_000 } else { random.random_range(2_000_000..9_000_000) };
    let ids: [[u8; 8]; SPANS] = std::array::from_fn(|_| random.random::<u64>().to_be_bytes());
    let roll = random.random_range(1..7);
    let span = |number: usize, kind: i32, name: &str, attributes: Vec<KeyValue>| Span {
        trace_id: trace.0.to_vec(),
        span_id: ids[number].to_vec(),
        parent_span_id: if number == 0 { Vec::new() } else { ids[if number == 6 { 4 } else { number - 1 }].to_vec() },
        flags: 0x101,
        name: name.to_owned(),
        kind,
        start_time_unix_nano: start + number as u64 * 100_000,
        end_time_unix_nano: start + total - number as u64 * 100_000,
        status: Some(Status { message: String::new(), code: if status == 500 && number < 3 { 2 } else { 0 } }),
        attributes,
        ..Span::default()
    };
    let query = format!("die={die}");
    let server = |port: i64, path: &str, query: &str, status: i64| {
        let mut attributes = vec![
            text("http.request.method", "GET"),
            text("http.route", path),
            text("url.scheme", "http"),
            text("url.path", path),
            text("url.query", query),
            text("network.protocol.version", "1.1"),
            text("server.address", "127.0.0.1"),
            int("server.port", port),
            text("client.address", "127.0.0.1"),
            int("http.response.status_code", status),
        ];
        attributes.extend((status == 500).then(|| text("error.type", "500")));
        attributes
    };
    let client = |port: i64, path: &str, status: i64| {
        vec![
            text("http.request.method", "GET"),
            text("url.full", &format!("http://127.0.0.1:{port}{path}")),
            text("server.address", "127.0.0.1"),
            int("server.port", port),
            int("http.response.status_code", status),
        ]
    };
    let mut front = server(8111, "/roll", &query, status);
    front.extend([text("user_agent.original", "obslab/0.1.0"), text("die.type", die), int("roll.value", roll)]);
    let mut backend = client(8110, &format!("/roll?{query}"), status);
    backend.push(int("backend.status_code", status));
    let mut roller = server(8110, "/roll", &query, status);
    roller.extend([text("die.type", die), int("roll.value", roll), text("die.result", "success")]);
    let mut service = server(8109, "/dice", &format!("identifier={die}"), 200);
    let faces = (1..7).map(|face| AnyValue { value: Some(Value::IntValue(face)) }).collect();
    service.extend([
        text("die.identifier", die),
        any("die.found", Value::BoolValue(true)),
        any("die.faces", Value::ArrayValue(ArrayValue { values: faces })),
        any("die.error_rate", Value::DoubleValue(0.1)),
    ]);
    let sql = "SELECT faces, error_rate FROM die_specifications WHERE identifier = $1";
    let database = vec![
        text("db.system.name", "postgresql"),
        text("db.namespace", "dicedb"),
        text("db.operation.name", "SELECT"),
        text("db.collection.name", "die_specifications"),
        text("db.query.text", sql),
        text("db.query.summary", "SELECT die_specifications"),
        text("server.address", "127.0.0.1"),
        int("server.port", 5432),
        text("db.system", "postgresql"),
        text("db.statement", sql),
    ];
    [
        vec![span(0, 2, "GET /roll", front), span(1, 3, "GET", backend)],
        vec![span(2, 2, "GET /roll", roller), span(3, 3, "GET", client(8109, &format!("/dice?identifier={die}"), 200))],
        vec![
            span(4, 2, "GET /dice", service),
            span(5, 1, "pool.wait", vec![text("db.client.connection.pool.name", "dicedb")]),
            span(6, 3, "SELECT die_specifications", database),
        ],
    ]
}

const RATE: u64 = 20_000;
const RECEIVED_FOR: Duration = Duration::from_secs(5);

/// What share of a core it takes to receive.
async fn receive() -> anyhow::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = format!("http://{}", listener.local_addr()?);
    let (store, stop) = (Store::new(256 << 20), CancellationToken::new());
    let server = tokio::spawn(serve_grpc(listener, store.clone(), stop.clone()));
    let before = cpu(ClockId::ProcessCPUTime);
    let mut sender = tokio::process::Command::new(std::env::current_exe()?).arg(address).spawn()?;
    anyhow::ensure!(sender.wait().await?.success(), "the sender failed");
    let spent = cpu(ClockId::ProcessCPUTime).saturating_sub(before);
    stop.cancel();
    server.await?;
    let spans: u64 = ["frontend", "dice-roller", "die-service"].iter().map(|service| store.counts(service).spans).sum();
    say("received_per_second", spans as f64 / RECEIVED_FOR.as_secs_f64())?;
    say("receiver_percent_of_a_core", spent.as_secs_f64() / RECEIVED_FOR.as_secs_f64() * 100.0)
}

async fn send(address: &str) -> anyhow::Result<()> {
    let mut client = TraceServiceClient::connect(address.to_owned()).await?;
    let mut random = StdRng::seed_from_u64(2);
    let spans = (TRACES * SPANS) as u64;
    let mut turn = tokio::time::interval(Duration::from_secs(1) * u32::try_from(spans)? / u32::try_from(RATE)?);
    for _ in 0..RATE * RECEIVED_FOR.as_secs() / spans {
        turn.tick().await;
        for batch in batches(&mut random, &mut Vec::new()) {
            client.export(ExportTraceServiceRequest { resource_spans: vec![batch] }).await?;
        }
    }
    Ok(())
}
