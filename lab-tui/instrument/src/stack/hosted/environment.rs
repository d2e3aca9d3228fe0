//! What a program of a scenario finds in its environment.

use std::collections::BTreeMap;

use crate::stack::Endpoints;

/// What is kept of the lab's own environment; all else would make a run differ from machine to machine.
const KEPT: [&str; 3] = ["PATH", "HOME", "LANG"];

/// The whole environment of a service: a few variables of the lab's own, where its telemetry goes, and `own`, which wins.
pub(super) fn of(name: &str, endpoints: &Endpoints, own: impl Iterator<Item = (String, String)>) -> BTreeMap<String, String> {
    let kept = KEPT.into_iter().filter_map(|name| Some((name, std::env::var(name).ok()?)));
    let telemetry = [
        ("OTEL_SERVICE_NAME", name),
        // What most SDKs speak by default.
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoints.otlp_http.as_str()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        // What a program writes is its log already; most would send the same again.
        ("OTEL_LOGS_EXPORTER", "none"),
        // By default an SDK keeps spans for five seconds and metrics for a minute, which is longer than the lab waits at the end.
        ("OTEL_BSP_SCHEDULE_DELAY", "500"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "500"),
    ];
    let telemetry = telemetry.map(|(name, value)| (name, value.to_owned()));
    kept.chain(telemetry).map(|(name, value)| (name.to_owned(), value)).chain(own).collect()
}
