//! Log lines of a trace as OTLP in JSON.

use lab_facts::trace::{LogLine, Trace};
use serde_json::{Value, json};

use super::{any_value, of_json};

/// Each service's lines, by its name.
pub(super) fn resource_logs(trace: &Trace) -> Value {
    let mut services: Vec<(&str, Vec<Value>)> = Vec::new();
    for log in &trace.logs {
        let record = record(log, &trace.trace_id);
        match services.iter_mut().find(|(service, _)| *service == log.service) {
            Some((_, records)) => records.push(record),
            None => services.push((&log.service, vec![record])),
        }
    }
    let batch = |(service, records): (&str, Vec<Value>)| {
        let name = json!({ "key": "service.name", "value": { "stringValue": service } });
        json!({ "resource": { "attributes": [name] }, "scopeLogs": [{ "scope": {}, "logRecords": records }] })
    };
    services.into_iter().map(batch).collect()
}

/// What has a place of its own in a log record, or is said for all of them, is no attribute.
const PLACED: [&str; 6] = ["timestamp", "level", "message", "service", "trace_id", "span_id"];

fn record(log: &LogLine, trace_id: &str) -> Value {
    let text = |key: &str| log.line[key].as_str();
    let body = text("message").map_or_else(|| any_value(&of_json(&log.line)), |message| json!({ "stringValue": message }));
    let mut record = json!({ "timeUnixNano": log.unix_nano.to_string(), "body": body, "traceId": trace_id });
    if let Some(level) = text("level") {
        record["severityText"] = level.into();
        record["severityNumber"] = severity(level).into();
    }
    if let Some(span_id) = text("span_id") {
        record["spanId"] = span_id.into();
    }
    let fields = log.line.as_object().into_iter().flatten().filter(|(key, _)| text("message").is_some() && !PLACED.contains(&key.as_str()));
    let attributes: Vec<Value> = fields.map(|(key, value)| json!({ "key": key, "value": any_value(&of_json(value)) })).collect();
    if !attributes.is_empty() {
        record["attributes"] = attributes.into();
    }
    record
}

/// The lowest number of each level; 0 where it is not known.
fn severity(level: &str) -> u8 {
    match level.to_ascii_uppercase().as_str() {
        "TRACE" => 1,
        "DEBUG" => 5,
        "INFO" => 9,
        "WARN" | "WARNING" => 13,
        "ERROR" => 17,
        "FATAL" | "CRITICAL" => 21,
        _ => 0,
    }
}
