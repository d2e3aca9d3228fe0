//! Metrics that services send: taken in each of the ways, told as Prometheus would tell them, and judged by promises.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lab_facts::event::{Event, Fact, ScrapedValue};
use lab_facts::model::Model;
use lab_facts::scenario::Plan;
use lab_facts::verdict;
use lab_instrument::observe::scrape::Client;
use lab_instrument::observe::scraper::Scraper;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint, Metric,
    NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, metric::Data,
};
use prost::Message as _;
use tonic::codec::CompressionEncoding;

use crate::{PROTOBUF, Receiver, gzip, receiver, request};

const DELTA: i32 = AggregationTemporality::Delta as i32;
const CUMULATIVE: i32 = AggregationTemporality::Cumulative as i32;

/// Of `somebody`.
fn message(name: &str, unit: &str, data: Data) -> ExportMetricsServiceRequest {
    let metric = Metric { name: name.to_owned(), unit: unit.to_owned(), data: Some(data), ..Metric::default() };
    let resource = request(1).resource_spans.remove(0).resource;
    let scope_metrics = vec![ScopeMetrics { metrics: vec![metric], ..ScopeMetrics::default() }];
    ExportMetricsServiceRequest { resource_metrics: vec![ResourceMetrics { resource, scope_metrics, ..ResourceMetrics::default() }] }
}

/// A counter of orders. It began in the year 2100, when the lab had long been there.
fn orders(aggregation_temporality: i32, at: u64, value: i64) -> ExportMetricsServiceRequest {
    let start = 4_102_444_800_000_000_000;
    let point = NumberDataPoint {
        start_time_unix_nano: start,
        time_unix_nano: start + at,
        value: Some(Value::AsInt(value)),
        ..NumberDataPoint::default()
    };
    message("orders.placed", "{order}", Data::Sum(Sum { data_points: vec![point], aggregation_temporality, is_monotonic: true }))
}

fn waits(aggregation_temporality: i32, at: u64, bucket_counts: Vec<u64>) -> ExportMetricsServiceRequest {
    let start = 4_102_444_800_000_000_000;
    let point = HistogramDataPoint {
        start_time_unix_nano: start,
        time_unix_nano: start + at,
        count: bucket_counts.iter().sum(),
        sum: Some(1.5),
        bucket_counts,
        explicit_bounds: vec![0.1, 0.5],
        ..HistogramDataPoint::default()
    };
    message("order.wait", "s", Data::Histogram(Histogram { data_points: vec![point], aggregation_temporality }))
}

impl Receiver {
    async fn post_metrics(&self, content_type: &str, body: Vec<u8>, gzipped: bool) -> reqwest::Response {
        let request = self.client.post(format!("http://{}/v1/metrics", self.http)).header("content-type", content_type);
        let request = if gzipped { request.header("content-encoding", "gzip") } else { request };
        request.body(body).send().await.unwrap()
    }

    async fn push(&self, message: ExportMetricsServiceRequest) {
        assert_eq!(self.post_metrics(PROTOBUF, message.encode_to_vec(), false).await.status(), 200);
    }
}

fn plan(thresholds: &str) -> Arc<Plan> {
    let text = format!(
        "format = 1\ntitle = \"t\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-arrival-rate\"\nrate = 1\nduration = \"1s\"\n\
         [[load.request]]\nget = \"http://x/\"\n[thresholds]\n{thresholds}\n"
    );
    Arc::new(Plan::parse(&text, "t", &[]).unwrap())
}

fn scraper(receiver: &Receiver, plan: &Plan) -> Scraper {
    let client = Client::of(std::iter::empty(), Duration::from_secs(1)).unwrap();
    Scraper::new(client, BTreeMap::new(), receiver.store.clone(), plan)
}

/// What the scraper tells of the first promise's series.
async fn value(scraper: &Scraper) -> ScrapedValue {
    match scraper.read().await.pop() {
        Some(Fact::Scraped(mut series)) => series.pop().unwrap().value.unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn metrics_come_in_as_traces_do() {
    let receiver = receiver().await;
    let scraper = scraper(&receiver, &plan("\"scraped:orders_placed_total\" = [\"count==0\"]"));
    receiver.push(orders(DELTA, 1, 1)).await;
    assert_eq!(receiver.post_metrics(PROTOBUF, gzip(&orders(DELTA, 2, 10).encode_to_vec()), true).await.status(), 200);
    let mut grpc = MetricsServiceClient::connect(format!("http://{}", receiver.grpc)).await.unwrap();
    grpc.export(orders(DELTA, 3, 100)).await.unwrap();
    grpc.send_compressed(CompressionEncoding::Gzip).export(orders(DELTA, 4, 1000)).await.unwrap();
    let json = |at: u64, value: u32| {
        let resource = r#"{"attributes":[{"key":"service.name","value":{"stringValue":"somebody"}}]}"#;
        let point = format!(r#"{{"timeUnixNano":"{}","asInt":"{value}"}}"#, 4_102_444_800_000_000_000 + at);
        let sum = format!(r#"{{"aggregationTemporality":1,"isMonotonic":true,"dataPoints":[{point}]}}"#);
        let metric = format!(r#"{{"name":"orders.placed","unit":"{{order}}","sum":{sum}}}"#);
        format!(r#"{{"resourceMetrics":[{{"resource":{resource},"scopeMetrics":[{{"metrics":[{metric}]}}]}}]}}"#).into_bytes()
    };
    let response = receiver.post_metrics("application/json", json(5, 10_000), false).await;
    assert_eq!((response.status().as_u16(), response.text().await.unwrap().as_str()), (200, "{}"));
    assert_eq!(receiver.post_metrics("application/json", gzip(&json(6, 100_000)), true).await.status(), 200);
    assert_eq!(value(&scraper).await, ScrapedValue::Number(111_111.0));
    receiver.assert_works(1).await;
}

#[tokio::test]
async fn both_temporalities_come_to_the_same() {
    for (temporality, points) in [(DELTA, [3, 4, 5]), (CUMULATIVE, [3, 7, 12])] {
        let receiver = receiver().await;
        let counter = scraper(&receiver, &plan("\"scraped:orders_placed_total\" = [\"count==0\"]"));
        let histogram = scraper(&receiver, &plan("\"scraped:order_wait_seconds\" = [\"p(50)<1\"]"));
        for (at, value) in (1..).zip(points) {
            receiver.push(orders(temporality, at, value)).await;
            let value = value.unsigned_abs();
            receiver.push(waits(temporality, at, vec![value, 0, value])).await;
        }
        assert_eq!(value(&counter).await, ScrapedValue::Number(12.0));
        let ScrapedValue::Histogram(buckets, _) = value(&histogram).await else { panic!("no histogram") };
        assert_eq!(buckets, [(0.1, 12.0), (0.5, 12.0), (f64::INFINITY, 24.0)]);
    }
}

/// From the first reading, before anything was sent, to the verdict.
#[tokio::test]
async fn promises_about_what_is_sent_are_judged() {
    let receiver = receiver().await;
    let plan = plan(
        "\"scraped:orders_placed_total\" = [\"count==7\", \"count<5\"]\n\"scraped:order_wait_seconds\" = [\"p(50)<=0.1\"]\n\
         \"scraped:queue_depth\" = [\"max==9\"]\n\"scraped:nothing_total\" = [\"count==0\"]",
    );
    let (scraper, mut model) = (scraper(&receiver, &plan), Model::new(Arc::clone(&plan)));
    let gauge = |value: f64| {
        let point = NumberDataPoint { value: Some(Value::AsDouble(value)), ..NumberDataPoint::default() };
        message("queue.depth", "", Data::Gauge(Gauge { data_points: vec![point] }))
    };
    let mut messages = [(3, 9.0), (7, 2.0)].into_iter().enumerate();
    for second in 0..3 {
        for fact in scraper.read().await {
            model.apply(Event { at: Duration::from_secs(second), fact });
        }
        let Some((at, (total, depth))) = messages.next() else { continue };
        receiver.push(orders(CUMULATIVE, at as u64 + 1, total)).await;
        receiver.push(waits(DELTA, at as u64 + 1, vec![5, 1, 0])).await;
        receiver.push(gauge(depth)).await;
    }
    let verdict = verdict::judge(&plan, &model);
    let kept: Vec<(bool, bool)> = verdict.thresholds.iter().map(|one| (one.ok, one.absent)).collect();
    let expected = [(true, false), (false, false), (true, false), (true, false), (false, true)];
    assert_eq!(kept, expected, "{:?}", verdict.thresholds);
}

#[tokio::test]
async fn what_the_lab_cannot_tell_is_refused_by_number() {
    let receiver = receiver().await;
    let point = ExponentialHistogramDataPoint::default();
    let exponential =
        Data::ExponentialHistogram(ExponentialHistogram { data_points: vec![point.clone(), point], aggregation_temporality: DELTA });
    for (message, refused, why) in [
        (message("e", "", exponential), 2, "explicit bounds"),
        (orders(0, 1, 1), 1, "cumulative or as deltas"),
        (orders(DELTA, 1, -1), 1, "none below 0"),
        (waits(DELTA, 1, vec![1]), 1, "as many buckets as bounds"),
    ] {
        let answer = receiver.post_metrics(PROTOBUF, message.encode_to_vec(), false).await.bytes().await.unwrap();
        let partial = ExportMetricsServiceResponse::decode(answer).unwrap().partial_success.unwrap();
        assert_eq!(partial.rejected_data_points, refused, "{why}");
        assert!(partial.error_message.contains(why), "{}", partial.error_message);
    }
    assert_eq!(receiver.store.pushed().refused(), 5);
    for (content_type, body, status) in
        [(PROTOBUF, vec![255; 9], 400), ("application/json", b"{\"resourceMetrics\":7}".to_vec(), 400), ("text/plain", Vec::new(), 415)]
    {
        assert_eq!(receiver.post_metrics(content_type, body, false).await.status(), status, "{content_type}");
    }
    receiver.assert_works(1).await;
}
