//! `service.latency`: the service waits before its handlers begin.

use lab_facts::scenario::ServiceLatency;
use serde_json::json;

use super::Injected;
use super::services::Services;

pub(super) async fn inject(kind: &ServiceLatency, name: &str, seed: u64, services: &Services) -> anyhow::Result<Injected> {
    services.hold(name, seed, &kind.requests, json!({ "latency": { "ms": kind.latency.as_millis() } })).await
}
