//! Log records over OTLP, kept as the lines that services of the lab write: JSON with timestamp, level, message, IDs and fields.

use axum::extract::{Request, State};
use axum::response::Response;
use lab_facts::event::TraceId;
use lab_facts::scenario::{LEVELS, is_level};
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tonic::codec::CompressionEncoding;

use super::exchange::Exchange;
use super::{LARGEST_MESSAGE, json as encoding};
use crate::observe::import::{attributes, hex, value};
use crate::observe::store::{Store, now, service_name};

/// A longer line is refused. One that a service writes to its output may be as long.
const LONGEST_LINE: usize = 256 << 10;

struct Grpc(Store);

/// The gRPC service.
pub(super) fn grpc(store: Store) -> LogsServiceServer<impl LogsService> {
    LogsServiceServer::new(Grpc(store)).accept_compressed(CompressionEncoding::Gzip).max_decoding_message_size(LARGEST_MESSAGE)
}

#[tonic::async_trait]
impl LogsService for Grpc {
    async fn export(
        &self,
        request: tonic::Request<ExportLogsServiceRequest>,
    ) -> Result<tonic::Response<ExportLogsServiceResponse>, tonic::Status> {
        Ok(tonic::Response::new(take_in(&self.0, request.into_inner())))
    }
}

pub(super) async fn http(State(store): State<Store>, request: Request) -> Response {
    let exchange = Exchange { name: "ExportLogsServiceRequest", answer_json: encoding::logs::answer };
    exchange.answer(request, |sent| Ok(take_in(&store, sent.read(encoding::logs::read)?))).await
}

fn take_in(store: &Store, request: ExportLogsServiceRequest) -> ExportLogsServiceResponse {
    let mut refused = 0;
    for batch in request.resource_logs {
        let service = service_name(batch.resource.as_ref()).to_owned();
        for scope in batch.scope_logs {
            let logger = scope.scope.map(|scope| scope.name).unwrap_or_default();
            for record in scope.log_records {
                let (unix_nano, trace) = (moment(&record), trace_id(&record));
                let line = line(&service, &logger, unix_nano, trace, record);
                if line.len() > LONGEST_LINE {
                    refused += 1;
                } else {
                    store.add_log_record(&service, unix_nano, trace, &line);
                }
            }
        }
    }
    store.count_refused_log_records(refused);
    let partial_success = (refused > 0).then(|| ExportLogsPartialSuccess {
        rejected_log_records: i64::try_from(refused).unwrap_or(i64::MAX),
        error_message: "a log record may have 256 KiB, written as JSON".to_owned(),
    });
    ExportLogsServiceResponse { partial_success }
}

/// When it happened; else when somebody saw it; else now.
fn moment(record: &LogRecord) -> u64 {
    [record.time_unix_nano, record.observed_time_unix_nano].into_iter().find(|moment| *moment > 0).unwrap_or_else(now)
}

/// What is no ID counts as none, as the specification allows.
fn trace_id(record: &LogRecord) -> Option<TraceId> {
    <[u8; 16]>::try_from(&*record.trace_id).ok().filter(|id| *id != [0; 16]).map(TraceId)
}

/// As the lab's services would have written it. An attribute of the name of one of these keys is kept as `attributes.KEY`.
fn line(service: &str, logger: &str, unix_nano: u64, trace: Option<TraceId>, record: LogRecord) -> String {
    let timestamp = OffsetDateTime::from_unix_timestamp_nanos(unix_nano.into()).ok().and_then(|moment| moment.format(&Rfc3339).ok());
    let mut line = Map::new();
    line.insert("timestamp".to_owned(), json!(timestamp));
    line.extend(level(&record).map(|level| ("level".to_owned(), level.into())));
    line.insert("service".to_owned(), service.into());
    if !logger.is_empty() {
        line.insert("logger".to_owned(), logger.into());
    }
    let body = match record.body.map_or(Value::Null, value) {
        Value::Null => record.event_name.clone(),
        Value::String(text) => text,
        other => other.to_string(),
    };
    line.insert("message".to_owned(), body.into());
    if !record.event_name.is_empty() {
        line.insert("event".to_owned(), record.event_name.into());
    }
    if let Some(trace) = trace {
        line.insert("trace_id".to_owned(), trace.to_string().into());
        if record.span_id.len() == 8 {
            line.insert("span_id".to_owned(), hex(&record.span_id).into());
        }
    }
    for (key, value) in attributes(record.attributes) {
        let key = if line.contains_key(&key) || RESERVED.contains(&key.as_str()) { format!("attributes.{key}") } else { key };
        line.insert(key, value);
    }
    Value::Object(line).to_string()
}

/// Keys that mean something else than an attribute.
const RESERVED: [&str; 3] = ["level", "trace_id", "span_id"];

/// The text where it is a level's name, else what the number says.
fn level(record: &LogRecord) -> Option<&'static str> {
    if let Some(known) = LEVELS.into_iter().find(|known| is_level(&record.severity_text, known)) {
        return Some(known);
    }
    // Four numbers a level, from 1 on.
    match record.severity_number {
        1..=4 => Some("TRACE"),
        5..=8 => Some("DEBUG"),
        9..=12 => Some("INFO"),
        13..=16 => Some("WARNING"),
        17..=20 => Some("ERROR"),
        21.. => Some("FATAL"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};

    use super::*;

    fn text(text: &str) -> Option<AnyValue> {
        Some(AnyValue { value: Some(any_value::Value::StringValue(text.to_owned())) })
    }

    #[test]
    fn a_record_becomes_a_line() {
        let attribute = |key: &str, value: &str| KeyValue { key: key.to_owned(), value: text(value), ..KeyValue::default() };
        let record = LogRecord {
            severity_number: 18,
            body: text("stuck"),
            trace_id: vec![1; 16],
            span_id: vec![2; 8],
            attributes: vec![attribute("hinge", "upper"), attribute("message", "another"), attribute("level", "7")],
            ..LogRecord::default()
        };
        let written = line("door", "l", 1_767_323_045_000_006_000, trace_id(&record), record);
        let expected = json!({
            "timestamp": "2026-01-02T03:04:05.000006Z", "level": "ERROR", "service": "door", "logger": "l", "message": "stuck",
            "trace_id": "01010101010101010101010101010101", "span_id": "0202020202020202",
            "hinge": "upper", "attributes.message": "another", "attributes.level": "7",
        });
        assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), expected);
    }

    #[test]
    fn levels_are_told_by_their_name_or_their_number() {
        let level =
            |text: &str, number| level(&LogRecord { severity_number: number, severity_text: text.to_owned(), ..LogRecord::default() });
        let told = [("", 0), ("", 1), ("", 8), ("Information", 9), ("warn", 0), ("", 16), ("CRITICAL", 21), ("", 24), ("", -1), ("odd", 0)];
        let expected =
            [None, Some("TRACE"), Some("DEBUG"), Some("INFO"), Some("WARNING"), Some("WARNING"), Some("CRITICAL"), Some("FATAL")];
        assert_eq!(told.map(|(text, number)| level(text, number))[..8], expected);
        assert_eq!((level("", -1), level("odd", 0)), (None, None));
    }

    #[test]
    fn ids_that_are_none_are_left_out() {
        for id in [vec![], vec![0; 16], vec![1; 3]] {
            assert_eq!(trace_id(&LogRecord { trace_id: id, ..LogRecord::default() }), None);
        }
    }
}
