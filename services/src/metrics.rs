//! Metrics of one service: a recorder of its own, so that several services can live in one process (a test does that).

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Label, Level, Metadata, Recorder, SharedString};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use crate::process::ProcessMetrics;

/// Buckets of HTTP and backend durations, in seconds.
pub(crate) const HTTP_BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Buckets of database durations, in seconds: a query is quicker than a request.
const DATABASE_BUCKETS: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Every histogram has its own buckets; one without an entry here would turn into a summary.
const BUCKETS: &[(&str, &[f64])] = &[
    ("http_request_duration_seconds", HTTP_BUCKETS),
    ("backend_request_duration_seconds", HTTP_BUCKETS),
    ("die_service_request_duration_seconds", HTTP_BUCKETS),
    ("async_roll_duration_seconds", HTTP_BUCKETS),
    ("database_query_duration_seconds", DATABASE_BUCKETS),
    ("database_connection_acquire_duration_seconds", DATABASE_BUCKETS),
    ("dice_roll_value", &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]),
    ("async_roll_batch_size", &[1.0, 2.0, 3.0, 5.0, 10.0, 15.0, 20.0]),
];

const METADATA: Metadata<'static> = Metadata::new("services", Level::INFO, None);

/// Where a service registers what it counts.
#[derive(Clone)]
pub(crate) struct Metrics {
    recorder: Arc<PrometheusRecorder>,
    handle: PrometheusHandle,
    process: ProcessMetrics,
}

impl Metrics {
    pub(crate) fn new() -> Result<Self, String> {
        let mut builder = PrometheusBuilder::new();
        for (name, buckets) in BUCKETS {
            builder = builder.set_buckets_for_metric(Matcher::Full((*name).to_owned()), buckets).map_err(|error| error.to_string())?;
        }
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        let process = ProcessMetrics::new(|name, about| gauge(&recorder, name, about, &[]));
        Ok(Self { recorder: Arc::new(recorder), handle, process })
    }

    /// A counter, described and present with its value from now on.
    pub(crate) fn counter(&self, name: &'static str, about: &'static str, labels: &[(&'static str, &str)]) -> Counter {
        self.recorder.describe_counter(KeyName::from(name), None, SharedString::const_str(about));
        self.recorder.register_counter(&key(name, labels), &METADATA)
    }

    pub(crate) fn gauge(&self, name: &'static str, about: &'static str, labels: &[(&'static str, &str)]) -> Gauge {
        gauge(&self.recorder, name, about, labels)
    }

    pub(crate) fn histogram(&self, name: &'static str, about: &'static str, labels: &[(&'static str, &str)]) -> Histogram {
        self.recorder.describe_histogram(KeyName::from(name), None, SharedString::const_str(about));
        self.recorder.register_histogram(&key(name, labels), &METADATA)
    }

    /// Everything in Prometheus' text format, with the process' own numbers read now.
    pub(crate) fn render(&self) -> String {
        self.process.read();
        self.handle.render()
    }

    /// Folds recorded samples into their buckets now and then: without it they pile up until somebody scrapes.
    pub(crate) async fn upkeep(self) {
        let mut every = tokio::time::interval(Duration::from_secs(5));
        loop {
            every.tick().await;
            self.handle.run_upkeep();
        }
    }
}

fn gauge(recorder: &PrometheusRecorder, name: &'static str, about: &'static str, labels: &[(&'static str, &str)]) -> Gauge {
    recorder.describe_gauge(KeyName::from(name), None, SharedString::const_str(about));
    recorder.register_gauge(&key(name, labels), &METADATA)
}

/// Makes the handle for a set of labels.
type Make<H> = Box<dyn Fn(&[(&'static str, &str)]) -> H + Send + Sync>;

/// Handles of one metric by their label values, so that a request finds its own without building a key.
///
/// Label values come from closed sets, which keeps the list short enough to walk.
pub(crate) struct Family<H> {
    keys: &'static [&'static str],
    make: Make<H>,
    known: RwLock<Vec<(Vec<String>, H)>>,
}

impl<H: Clone> Family<H> {
    /// The handle for these values, in the order of the family's keys.
    pub(crate) fn with(&self, values: &[&str]) -> H {
        let matches = |(known, _): &&(Vec<String>, H)| known.iter().map(String::as_str).eq(values.iter().copied());
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, handle)) = known.iter().find(matches) {
            return handle.clone();
        }
        drop(known);
        let labels: Vec<_> = self.keys.iter().copied().zip(values.iter().copied()).collect();
        // The recorder gives the same handle to two that ask at once, so a double entry is harmless.
        let handle = (self.make)(&labels);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.push((values.iter().map(|value| (*value).to_owned()).collect(), handle.clone()));
        handle
    }
}

impl Metrics {
    pub(crate) fn counters(&self, name: &'static str, about: &'static str, keys: &'static [&'static str]) -> Family<Counter> {
        let metrics = self.clone();
        Family { keys, make: Box::new(move |labels| metrics.counter(name, about, labels)), known: RwLock::default() }
    }

    pub(crate) fn histograms(&self, name: &'static str, about: &'static str, keys: &'static [&'static str]) -> Family<Histogram> {
        let metrics = self.clone();
        Family { keys, make: Box::new(move |labels| metrics.histogram(name, about, labels)), known: RwLock::default() }
    }
}

fn key(name: &'static str, labels: &[(&'static str, &str)]) -> Key {
    let labels: Vec<Label> = labels.iter().map(|(key, value)| Label::new(*key, (*value).to_owned())).collect();
    Key::from_parts(name, labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histograms_have_buckets_and_counters_start_at_zero() {
        let metrics = Metrics::new().unwrap();
        let labels = [("die_type", "fair"), ("result", "success")];
        drop(metrics.counter("dice_rolls_total", "Rolls.", &labels));
        for (name, _) in BUCKETS {
            metrics.histogram(name, "About.", &[]).record(1.0);
        }
        let text = metrics.render();
        assert!(text.contains("# TYPE dice_rolls_total counter"), "{text}");
        assert!(text.contains("dice_rolls_total{die_type=\"fair\",result=\"success\"} 0"), "{text}");
        for (name, buckets) in BUCKETS {
            assert!(text.contains(&format!("# TYPE {name} histogram")), "{name}");
            let lines = text.lines().filter(|line| line.starts_with(&format!("{name}_bucket"))).count();
            assert_eq!(lines, buckets.len() + 1, "{name}");
        }
        for own in [
            "process_cpu_seconds_total",
            "process_resident_memory_bytes",
            "process_open_fds",
            "process_max_fds",
            "process_start_time_seconds",
        ] {
            let value = text.lines().find_map(|line| line.strip_prefix(own)?.trim().parse::<f64>().ok());
            assert!(value.is_some_and(|value| value >= 0.0 && (value > 0.0 || own.contains("cpu"))), "{own} in {text}");
        }
    }
}
