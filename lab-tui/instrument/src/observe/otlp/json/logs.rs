//! Log records as JSON.

use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use serde_json::json;

use super::{Object, Refused, any_value, attributes, id, list, number, object, one, resource, scope, text};

/// A message as it was sent.
pub(in crate::observe::otlp) fn read(body: &[u8]) -> Result<ExportLogsServiceRequest, Refused> {
    Ok(ExportLogsServiceRequest { resource_logs: list(&object(body)?, "resourceLogs", resource_logs)? })
}

pub(in crate::observe::otlp) fn answer(response: &ExportLogsServiceResponse) -> String {
    match &response.partial_success {
        None => json!({}),
        Some(part) => {
            json!({ "partialSuccess": { "rejectedLogRecords": part.rejected_log_records.to_string(), "errorMessage": part.error_message } })
        }
    }
    .to_string()
}

fn resource_logs(from: &Object) -> Result<ResourceLogs, Refused> {
    Ok(ResourceLogs {
        resource: resource(from)?,
        scope_logs: list(from, "scopeLogs", |from| {
            Ok(ScopeLogs { scope: scope(from)?, log_records: list(from, "logRecords", record)?, ..ScopeLogs::default() })
        })?,
        ..ResourceLogs::default()
    })
}

fn record(from: &Object) -> Result<LogRecord, Refused> {
    Ok(LogRecord {
        time_unix_nano: number(from, "timeUnixNano")?,
        observed_time_unix_nano: number(from, "observedTimeUnixNano")?,
        severity_number: number(from, "severityNumber")?,
        severity_text: text(from, "severityText")?,
        body: one(from, "body", any_value)?,
        attributes: attributes(from)?,
        flags: number(from, "flags")?,
        trace_id: id(from, "traceId")?,
        span_id: id(from, "spanId")?,
        event_name: text(from, "eventName")?,
        ..LogRecord::default()
    })
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::any_value::Value;

    use super::*;

    #[test]
    fn every_field_is_read() {
        let body = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"door"}}]},
            "scopeLogs":[{"scope":{"name":"hinge"},"logRecords":[{"timeUnixNano":"5","observedTimeUnixNano":6,"severityNumber":17,
            "severityText":"Error","body":{"stringValue":"stuck"},"attributes":[{"key":"a","value":{"intValue":"7"}}],
            "traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"eee19b7ec3c1b174","eventName":"door.stuck","flags":1,"new":{}}]}]}]}"#;
        let logs = read(body.as_bytes()).unwrap().resource_logs.remove(0).scope_logs.remove(0);
        assert_eq!(logs.scope.unwrap().name, "hinge");
        let record = &logs.log_records[0];
        assert_eq!((record.time_unix_nano, record.observed_time_unix_nano, record.severity_number, record.flags), (5, 6, 17, 1));
        assert_eq!((record.severity_text.as_str(), record.event_name.as_str()), ("Error", "door.stuck"));
        assert_eq!((record.trace_id.len(), record.span_id[0], record.attributes[0].key.as_str()), (16, 0xee, "a"));
        assert_eq!(record.body.clone().unwrap().value, Some(Value::StringValue("stuck".to_owned())));
        assert_eq!(read(br#"{"resourceLogs":[{"scopeLogs":{}}]}"#).unwrap_err(), "`scopeLogs` is no list");
    }
}
