//! Metrics over OTLP, into the table of what services send of their own metrics.

use axum::extract::{Request, State};
use axum::response::Response;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{MetricsService, MetricsServiceServer};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, HistogramDataPoint, NumberDataPoint};
use opentelemetry_proto::tonic::resource::v1::Resource;
use tonic::codec::CompressionEncoding;

use super::exchange::Exchange;
use super::{LARGEST_MESSAGE, json as encoding};
use crate::observe::pushed::name::{Shape, labels, metric as exposed};
use crate::observe::pushed::{Point, Told, Unfit};
use crate::observe::store::{Store, service_name, text};

/// The bit of a data point's flags that says that there is no value any more.
const NO_VALUE: u32 = 1;

struct Grpc(Store);

/// The gRPC service.
pub(super) fn grpc(store: Store) -> MetricsServiceServer<impl MetricsService> {
    MetricsServiceServer::new(Grpc(store)).accept_compressed(CompressionEncoding::Gzip).max_decoding_message_size(LARGEST_MESSAGE)
}

#[tonic::async_trait]
impl MetricsService for Grpc {
    async fn export(
        &self,
        request: tonic::Request<ExportMetricsServiceRequest>,
    ) -> Result<tonic::Response<ExportMetricsServiceResponse>, tonic::Status> {
        Ok(tonic::Response::new(take_in(&self.0, request.into_inner())))
    }
}

pub(super) async fn http(State(store): State<Store>, request: Request) -> Response {
    let exchange = Exchange { name: "ExportMetricsServiceRequest", answer_json: encoding::metrics::answer };
    exchange.answer(request, |sent| Ok(take_in(&store, sent.read(encoding::metrics::read)?))).await
}

fn take_in(store: &Store, request: ExportMetricsServiceRequest) -> ExportMetricsServiceResponse {
    let mut refused: Vec<Unfit> = Vec::new();
    for batch in request.resource_metrics {
        let service = service_name(batch.resource.as_ref()).to_owned();
        let instance = batch.resource.as_ref().and_then(instance);
        for metric in batch.scope_metrics.into_iter().flat_map(|scope| scope.metrics) {
            let (shape, points) = read(metric.data);
            let name = exposed(&metric.name, &metric.unit, shape);
            let take = |read: Read| {
                let (attributes, point) = read?;
                let labels = labels(attributes, instance);
                match point {
                    Some(point) => store.pushed().add(&service, &name, labels, point)?,
                    None => store.pushed().forget(&service, &name, labels),
                }
                Ok::<(), Unfit>(())
            };
            refused.extend(points.into_iter().map(take).filter_map(Result::err));
        }
    }
    store.pushed().count_refused(refused.len() as u64);
    let partial_success = refused.first().map(|unfit: &Unfit| ExportMetricsPartialSuccess {
        rejected_data_points: i64::try_from(refused.len()).unwrap_or(i64::MAX),
        error_message: unfit.why().to_owned(),
    });
    ExportMetricsServiceResponse { partial_success }
}

fn instance(resource: &Resource) -> Option<&str> {
    let attribute = resource.attributes.iter().find(|attribute| attribute.key == "service.instance.id");
    attribute.and_then(|attribute| text(attribute.value.as_ref()))
}

/// What a data point says: its attributes, and nothing else where there is no value any more.
type Read = Result<(Vec<KeyValue>, Option<Point>), Unfit>;

fn read(data: Option<Data>) -> (Shape, Vec<Read>) {
    let unfit = |count: usize| (Shape::Other, std::iter::repeat_with(|| Err(Unfit::Kind)).take(count).collect());
    match data {
        Some(Data::Gauge(gauge)) => (Shape::Gauge, numbers(gauge.data_points, Told::AsIs, false)),
        Some(Data::Sum(sum)) => match (told(sum.aggregation_temporality), sum.is_monotonic) {
            (Some(told), true) => (Shape::Counter, numbers(sum.data_points, told, true)),
            // What goes up and down is as it is, unless it is told in steps.
            (Some(Told::More), false) => (Shape::Other, numbers(sum.data_points, Told::More, false)),
            (Some(_), false) => (Shape::Other, numbers(sum.data_points, Told::AsIs, false)),
            (None, _) => unfit(sum.data_points.len()),
        },
        Some(Data::Histogram(histogram)) => match told(histogram.aggregation_temporality) {
            Some(told) => (Shape::Other, histogram.data_points.into_iter().map(|point| buckets(point, told)).collect()),
            None => unfit(histogram.data_points.len()),
        },
        Some(Data::ExponentialHistogram(histogram)) => unfit(histogram.data_points.len()),
        Some(Data::Summary(summary)) => unfit(summary.data_points.len()),
        None => unfit(0),
    }
}

fn told(temporality: i32) -> Option<Told> {
    match AggregationTemporality::try_from(temporality) {
        Ok(AggregationTemporality::Delta) => Some(Told::More),
        Ok(AggregationTemporality::Cumulative) => Some(Told::Total),
        Ok(AggregationTemporality::Unspecified) | Err(_) => None,
    }
}

fn numbers(points: Vec<NumberDataPoint>, told: Told, only_grows: bool) -> Vec<Read> {
    let read = |point: NumberDataPoint| {
        if point.flags & NO_VALUE != 0 {
            return Ok((point.attributes, None));
        }
        let value = match point.value {
            Some(Value::AsDouble(value)) => value,
            Some(Value::AsInt(value)) => value as f64,
            None => return Err(Unfit::Number),
        };
        if !value.is_finite() || only_grows && value < 0.0 {
            return Err(Unfit::Number);
        }
        let (start_unix_nano, unix_nano) = (point.start_time_unix_nano, point.time_unix_nano);
        Ok((point.attributes, Some(Point { told, start_unix_nano, unix_nano, bounds: None, values: vec![value] })))
    };
    points.into_iter().map(read).collect()
}

/// A histogram has one bucket more than bounds, and the last one has no end. One that has no buckets at all has its count.
fn buckets(point: HistogramDataPoint, told: Told) -> Read {
    if point.flags & NO_VALUE != 0 {
        return Ok((point.attributes, None));
    }
    let counts = if point.bucket_counts.is_empty() { vec![point.count] } else { point.bucket_counts };
    let mut bounds = point.explicit_bounds;
    bounds.push(f64::INFINITY);
    let (mut so_far, sum) = (0.0, point.sum.unwrap_or_default());
    let ascends = bounds.windows(2).all(|pair| pair[0] < pair[1]);
    if bounds.len() != counts.len() || !ascends || !sum.is_finite() {
        return Err(Unfit::Number);
    }
    let mut values: Vec<f64> = Vec::with_capacity(counts.len() + 1);
    for count in counts {
        so_far += count as f64;
        values.push(so_far);
    }
    values.push(sum);
    let (start_unix_nano, unix_nano) = (point.start_time_unix_nano, point.time_unix_nano);
    Ok((point.attributes, Some(Point { told, start_unix_nano, unix_nano, bounds: Some(bounds), values })))
}
