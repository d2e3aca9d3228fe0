//! `service.error`: the service answers with an error in place of its handlers.

use lab_facts::scenario::ServiceError;
use serde_json::json;

use super::Injected;
use super::services::Services;

pub(super) async fn inject(kind: &ServiceError, name: &str, seed: u64, services: &Services) -> anyhow::Result<Injected> {
    services.hold(name, seed, &kind.requests, json!({ "error": { "status": kind.status } })).await
}
