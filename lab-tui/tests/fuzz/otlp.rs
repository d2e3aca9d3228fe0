//! OTLP in its three encodings, through the receiver itself: refused in the sender's own words, or taken in by a small store that can
//! tell all of it again.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::LazyLock;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use flate2::Compression;
use flate2::write::GzEncoder;
use lab_facts::query::Query;
use lab_facts::scenario::Plan;
use lab_instrument::observe::otlp;
use lab_instrument::observe::scrape::Client;
use lab_instrument::observe::scraper::Scraper;
use lab_instrument::observe::store::Store;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, number_data_point::Value,
};
use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message as _;
use tokio::runtime::{Builder, Runtime};
use tonic::codegen::Service as _;

/// A store so small that what is taken in also pushes out.
const STORE: usize = 64 << 10;

/// Each of the signals: its path over HTTP and over gRPC.
const SIGNALS: [(&str, &str); 3] = [
    ("/v1/traces", "/opentelemetry.proto.collector.trace.v1.TraceService/Export"),
    ("/v1/logs", "/opentelemetry.proto.collector.logs.v1.LogsService/Export"),
    ("/v1/metrics", "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"),
];

/// What a service sends, one message a signal, in JSON.
const MESSAGES: [&str; 3] = [
    r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"door"}}]},"scopeSpans":[{"scope":{"name":"l"},
"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","parentSpanId":"eee19b7ec3c1b173","name":"GET /","kind":2,
"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"1544712661000000000","status":{"code":2,"message":"no"},
"events":[{"timeUnixNano":"5","name":"e","attributes":[]}],"links":[{"traceId":"00","spanId":"01"}],
"attributes":[{"key":"a","value":{"intValue":"-7"}},{"key":"b","value":{"doubleValue":1.5}},{"key":"c","value":{"bytesValue":"aGk_"}},
{"key":"d","value":{"arrayValue":{"values":[{"stringValue":"x"}]}}},{"key":"e","value":{"kvlistValue":{"values":[]}}}]}]}]}]}"#,
    r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"door"}}]},"scopeLogs":[{"scope":{"name":"l"},
"logRecords":[{"timeUnixNano":"5","observedTimeUnixNano":"6","severityNumber":17,"severityText":"Error","body":{"stringValue":"stuck"},
"attributes":[{"key":"level","value":{"boolValue":true}}],"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174",
"eventName":"door.stuck"}]}]}]}"#,
    r#"{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.instance.id","value":{"stringValue":"1"}}]},"scopeMetrics":[{"metrics":[
{"name":"a.b","unit":"By/s","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{"startTimeUnixNano":"5","asInt":"7"},
{"timeUnixNano":"6","asDouble":0.5,"attributes":[{"key":"a","value":{"intValue":"7"}}]}]}},{"name":"g","gauge":{"dataPoints":[{"flags":1}]}},
{"name":"h","unit":"s","histogram":{"aggregationTemporality":1,"dataPoints":[{"count":"3","sum":0.5,"bucketCounts":["1","2"],
"explicitBounds":[0.25]}]}},{"name":"e","exponentialHistogram":{"dataPoints":[{}]}}]}]}]}"#,
];

/// The first byte tells the signal.
fn with_signal(signal: usize, body: &[u8]) -> Vec<u8> {
    [&[b'0' + u8::try_from(signal).unwrap()], body].concat()
}

fn signal_of(input: &[u8]) -> (&'static (&'static str, &'static str), Vec<u8>) {
    let (first, body) = input.split_first().map_or((0, &[][..]), |(first, body)| (*first, body));
    (&SIGNALS[usize::from(first) % SIGNALS.len()], body.to_vec())
}

pub(crate) fn json_corpus() -> Vec<Vec<u8>> {
    MESSAGES.iter().enumerate().map(|(signal, message)| with_signal(signal, message.as_bytes())).collect()
}

pub(crate) fn protobuf_corpus() -> Vec<Vec<u8>> {
    messages().into_iter().map(|(signal, message)| with_signal(signal, &message)).collect()
}

/// The same with gRPC's five bytes before it, plain and compressed.
pub(crate) fn grpc_corpus() -> Vec<Vec<u8>> {
    let mut corpus = Vec::new();
    for (signal, message) in messages() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&message).unwrap();
        for (flag, message) in [(0, message), (1, encoder.finish().unwrap())] {
            let length = u32::try_from(message.len()).unwrap().to_be_bytes();
            corpus.push(with_signal(signal, &[&[flag], &length[..], &message].concat()));
        }
    }
    corpus
}

/// As protobuf: a trace as a Tempo once recorded it, and log records and metrics.
fn messages() -> Vec<(usize, Vec<u8>)> {
    let recorded = TracesData::decode(include_bytes!("../../instrument/tests/recorded/tempo-trace-v1-protobuf.pb").as_slice()).unwrap();
    let traces = ExportTraceServiceRequest { resource_spans: recorded.resource_spans };
    let text = |text: &str| Some(AnyValue { value: Some(any_value::Value::StringValue(text.to_owned())) });
    let attributes = vec![KeyValue { key: "level".to_owned(), value: text("x"), ..KeyValue::default() }];
    let record = LogRecord { time_unix_nano: 5, trace_id: vec![7; 16], span_id: vec![7; 8], body: text("stuck"), ..LogRecord::default() };
    let log_records = vec![LogRecord { severity_number: 17, attributes: attributes.clone(), ..record }];
    let scope_logs = vec![ScopeLogs { log_records, ..ScopeLogs::default() }];
    let logs = ExportLogsServiceRequest { resource_logs: vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }] };
    let number = NumberDataPoint { time_unix_nano: 6, value: Some(Value::AsInt(7)), attributes, ..NumberDataPoint::default() };
    let buckets =
        HistogramDataPoint { bucket_counts: vec![1, 2], explicit_bounds: vec![0.25], sum: Some(0.5), ..HistogramDataPoint::default() };
    let metric = |name: &str, data| Metric { name: name.to_owned(), unit: "s".to_owned(), data: Some(data), ..Metric::default() };
    let metrics = vec![
        metric("a", Data::Sum(Sum { data_points: vec![number.clone()], aggregation_temporality: 2, is_monotonic: true })),
        metric("g", Data::Gauge(Gauge { data_points: vec![number] })),
        metric("h", Data::Histogram(Histogram { data_points: vec![buckets], aggregation_temporality: 1 })),
    ];
    let scope_metrics = vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }];
    let metrics = ExportMetricsServiceRequest { resource_metrics: vec![ResourceMetrics { scope_metrics, ..ResourceMetrics::default() }] };
    vec![(0, traces.encode_to_vec()), (1, logs.encode_to_vec()), (2, metrics.encode_to_vec())]
}

static CLIENT: LazyLock<Client> = LazyLock::new(|| Client::of(std::iter::empty(), Duration::from_secs(1)).unwrap());

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Builder::new_current_thread().enable_time().build().unwrap());

/// A promise of each kind about what the messages send.
static PLAN: LazyLock<Plan> = LazyLock::new(|| {
    let text = "format = 1\ntitle = \"t\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-vus\"\nduration = \"1s\"\n[[load.request]]\n\
        get = \"http://x/\"\n[thresholds]\n\"scraped:a_seconds_total\" = [\"count<9\"]\n\"scraped:g_seconds\" = [\"max<9\"]\n\
        \"scraped:h_seconds\" = [\"p(95)<9\"]\n";
    Plan::parse(text, "x.toml", &[]).unwrap()
});

pub(crate) fn read_json(input: &[u8]) {
    read_http("application/json", input);
}

pub(crate) fn read_protobuf(input: &[u8]) {
    read_http("application/x-protobuf", input);
}

fn read_http(content_type: &str, input: &[u8]) {
    let ((path, _), body) = signal_of(input);
    let store = Store::new(STORE);
    let request = Request::post(*path).header("content-type", content_type).body(Body::from(body)).unwrap();
    let status = RUNTIME.block_on(otlp::http(store.clone()).call(request)).unwrap().status();
    assert!([200, 400].contains(&status.as_u16()), "{status}");
    tell(&store);
}

pub(crate) fn read_grpc(input: &[u8]) {
    let ((_, path), body) = signal_of(input);
    let store = Store::new(STORE);
    let request = Request::post(*path).header("content-type", "application/grpc").header("grpc-encoding", "gzip");
    let answered = RUNTIME.block_on(otlp::grpc(store.clone()).call(request.body(Body::from(body)).unwrap())).unwrap();
    assert_eq!(answered.status(), 200);
    tell(&store);
}

/// All that the store has is taken apart once more.
fn tell(store: &Store) {
    let always = 0..u64::MAX;
    store.search(&Query::parse("{ }").unwrap(), std::slice::from_ref(&always), |trace, _| {
        let id = lab_facts::event::TraceId::parse(&trace.trace_id.to_string()).unwrap();
        assert!(store.trace(id).is_some_and(|again| again.spans == trace.spans), "{id}");
    });
    store.each_log(std::slice::from_ref(&always), |_, line| assert!(!line.service.is_empty()));
    let scraper = Scraper::new(CLIENT.clone(), BTreeMap::new(), store.clone(), &PLAN);
    RUNTIME.block_on(scraper.read());
}
