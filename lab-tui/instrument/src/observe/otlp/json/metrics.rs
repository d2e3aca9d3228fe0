//! Metrics as JSON.

use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics,
    ScopeMetrics, Sum, Summary, SummaryDataPoint, metric::Data,
};
use serde_json::{Value as Json, json};

use super::{Object, Refused, attributes, field, float, list, number, object, one, resource, scope, text, whole};

/// A message as it was sent.
pub(in crate::observe::otlp) fn read(body: &[u8]) -> Result<ExportMetricsServiceRequest, Refused> {
    Ok(ExportMetricsServiceRequest { resource_metrics: list(&object(body)?, "resourceMetrics", resource_metrics)? })
}

pub(in crate::observe::otlp) fn answer(response: &ExportMetricsServiceResponse) -> String {
    match &response.partial_success {
        None => json!({}),
        Some(part) => {
            json!({ "partialSuccess": { "rejectedDataPoints": part.rejected_data_points.to_string(), "errorMessage": part.error_message } })
        }
    }
    .to_string()
}

fn resource_metrics(from: &Object) -> Result<ResourceMetrics, Refused> {
    Ok(ResourceMetrics {
        resource: resource(from)?,
        scope_metrics: list(from, "scopeMetrics", |from| {
            Ok(ScopeMetrics { scope: scope(from)?, metrics: list(from, "metrics", metric)?, ..ScopeMetrics::default() })
        })?,
        ..ResourceMetrics::default()
    })
}

fn metric(from: &Object) -> Result<Metric, Refused> {
    Ok(Metric { name: text(from, "name")?, unit: text(from, "unit")?, data: data(from)?, ..Metric::default() })
}

/// Of the kinds that the lab does not take, it is only read how many points there are.
fn data(from: &Object) -> Result<Option<Data>, Refused> {
    let gauge = one(from, "gauge", |from| Ok(Data::Gauge(Gauge { data_points: list(from, "dataPoints", number_point)? })))?;
    let sum = one(from, "sum", |from| {
        Ok(Data::Sum(Sum {
            data_points: list(from, "dataPoints", number_point)?,
            aggregation_temporality: number(from, "aggregationTemporality")?,
            is_monotonic: flag(from, "isMonotonic")?,
        }))
    })?;
    let histogram = one(from, "histogram", |from| {
        Ok(Data::Histogram(Histogram {
            data_points: list(from, "dataPoints", histogram_point)?,
            aggregation_temporality: number(from, "aggregationTemporality")?,
        }))
    })?;
    let exponential = one(from, "exponentialHistogram", |from| {
        let data_points = list(from, "dataPoints", |_| Ok(ExponentialHistogramDataPoint::default()))?;
        Ok(Data::ExponentialHistogram(ExponentialHistogram { data_points, ..ExponentialHistogram::default() }))
    })?;
    let summary = one(from, "summary", |from| {
        Ok(Data::Summary(Summary { data_points: list(from, "dataPoints", |_| Ok(SummaryDataPoint::default()))? }))
    })?;
    Ok(gauge.or(sum).or(histogram).or(exponential).or(summary))
}

fn number_point(from: &Object) -> Result<NumberDataPoint, Refused> {
    let value = match double(from, "asDouble")? {
        Some(value) => Some(Value::AsDouble(value)),
        None => field(from, "asInt").map(|_| number(from, "asInt").map(Value::AsInt)).transpose()?,
    };
    Ok(NumberDataPoint {
        attributes: attributes(from)?,
        start_time_unix_nano: number(from, "startTimeUnixNano")?,
        time_unix_nano: number(from, "timeUnixNano")?,
        flags: number(from, "flags")?,
        value,
        ..NumberDataPoint::default()
    })
}

fn histogram_point(from: &Object) -> Result<HistogramDataPoint, Refused> {
    Ok(HistogramDataPoint {
        attributes: attributes(from)?,
        start_time_unix_nano: number(from, "startTimeUnixNano")?,
        time_unix_nano: number(from, "timeUnixNano")?,
        flags: number(from, "flags")?,
        count: number(from, "count")?,
        sum: double(from, "sum")?,
        bucket_counts: numbers(from, "bucketCounts", whole)?,
        explicit_bounds: numbers(from, "explicitBounds", float)?,
        ..HistogramDataPoint::default()
    })
}

fn double(from: &Object, name: &str) -> Result<Option<f64>, Refused> {
    field(from, name).map(|value| float(value).ok_or_else(|| format!("`{name}` is no number"))).transpose()
}

fn flag(from: &Object, name: &str) -> Result<bool, Refused> {
    let Some(value) = field(from, name) else { return Ok(false) };
    value.as_bool().ok_or_else(|| format!("`{name}` is neither true nor false"))
}

fn numbers<T>(from: &Object, name: &str, read: impl Fn(&Json) -> Option<T>) -> Result<Vec<T>, Refused> {
    let Some(value) = field(from, name) else { return Ok(Vec::new()) };
    let list = value.as_array().ok_or_else(|| format!("`{name}` is no list"))?;
    list.iter().map(|one| read(one).ok_or_else(|| format!("`{name}` holds something that is no number of its size"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_read() {
        let metrics = |metrics: &str| format!(r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{metrics}]}}]}}]}}"#);
        let body = metrics(
            r#"{"name":"c","unit":"s","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{"startTimeUnixNano":"5",
            "timeUnixNano":6,"asInt":"7","flags":1,"attributes":[{"key":"a","value":{"intValue":"7"}}]}]}},
            {"name":"g","gauge":{"dataPoints":[{"asDouble":1.5},{"asDouble":"NaN"},{}]}},
            {"name":"h","histogram":{"aggregationTemporality":1,"dataPoints":[{"count":"3","sum":0.5,"bucketCounts":["1",2],
            "explicitBounds":[0.25],"new":{}}]}},
            {"name":"e","exponentialHistogram":{"dataPoints":[{"scale":1},{}]}},{"name":"s","summary":{"dataPoints":[{}]}}"#,
        );
        let all = read(body.as_bytes()).unwrap().resource_metrics.remove(0).scope_metrics.remove(0).metrics;
        let Some(Data::Sum(sum)) = &all[0].data else { panic!("no sum") };
        let point = &sum.data_points[0];
        assert_eq!((all[0].unit.as_str(), sum.aggregation_temporality, sum.is_monotonic, point.flags), ("s", 2, true, 1));
        assert_eq!((point.start_time_unix_nano, point.time_unix_nano, point.value), (5, 6, Some(Value::AsInt(7))));
        assert_eq!(point.attributes[0].key, "a");
        let Some(Data::Gauge(gauge)) = &all[1].data else { panic!("no gauge") };
        assert_eq!((gauge.data_points[0].value, gauge.data_points[2].value), (Some(Value::AsDouble(1.5)), None));
        assert!(matches!(gauge.data_points[1].value, Some(Value::AsDouble(value)) if value.is_nan()));
        let Some(Data::Histogram(histogram)) = &all[2].data else { panic!("no histogram") };
        let point = &histogram.data_points[0];
        assert_eq!((point.count, point.sum, &*point.bucket_counts, &*point.explicit_bounds), (3, Some(0.5), &[1, 2][..], &[0.25][..]));
        assert!(matches!(&all[3].data, Some(Data::ExponentialHistogram(histogram)) if histogram.data_points.len() == 2));
        assert!(matches!(&all[4].data, Some(Data::Summary(summary)) if summary.data_points.len() == 1));
        let point = |point: &str| metrics(&format!(r#"{{"sum":{{"dataPoints":[{point}]}}}}"#));
        for (body, why) in [
            (point(r#"{"asInt":1.5}"#), "`asInt` is no whole number of its size"),
            (point(r#"{"asDouble":"much"}"#), "`asDouble` is no number"),
            (metrics(r#"{"sum":{"isMonotonic":1}}"#), "`isMonotonic` is neither true nor false"),
            (
                metrics(r#"{"histogram":{"dataPoints":[{"bucketCounts":[-1]}]}}"#),
                "`bucketCounts` holds something that is no number of its size",
            ),
        ] {
            assert_eq!(read(body.as_bytes()).unwrap_err(), why);
        }
    }
}
