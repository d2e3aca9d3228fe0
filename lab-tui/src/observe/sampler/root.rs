//! What the load's own CLIENT span tells of its request.

use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;

use super::Ended;
use crate::event::{Outcome, TraceId};
use crate::scenario::Plan;

/// The request of a span; `None` where it is none of the load's.
pub(super) fn ended(span: &Span, plan: &Plan, start_unix: Duration) -> Option<Ended> {
    let value = |key: &str| span.attributes.iter().find(|one| one.key == key)?.value.as_ref()?.value.as_ref();
    let number = |key: &str| if let Some(Value::IntValue(number)) = value(key) { u64::try_from(*number).ok() } else { None };
    let text = |key: &str| if let Some(Value::StringValue(text)) = value(key) { Some(text.as_str()) } else { None };
    let intended = Duration::from_nanos(number("lab.intended_start_unix_nano")?);
    let load = text("lab.load")?;
    let outcome = match (number("http.response.status_code"), text("error.type")) {
        (Some(status), _) => Outcome::Status(u16::try_from(status).ok()?),
        (None, Some("timeout")) => Outcome::Timeout,
        (None, Some("outlasted")) => Outcome::Outlasted,
        (None, Some("cancelled")) => Outcome::Interrupted,
        // It does not say when the connection was lost.
        (None, _) => Outcome::ConnectionBroken,
    };
    let took = Duration::from_nanos(span.end_time_unix_nano).saturating_sub(intended);
    Some(Ended {
        at: intended.saturating_sub(start_unix),
        load: plan.loads.iter().position(|known| known.name == load)?,
        trace_id: TraceId(span.trace_id.as_slice().try_into().ok()?),
        outcome,
        micros: u32::try_from(took.as_micros()).unwrap_or(u32::MAX),
    })
}
