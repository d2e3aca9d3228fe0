//! A message over HTTP: read as it was sent, in one of the two encodings, and answered in the same, refusals as well.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest as _, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use tokio::time::timeout;

use super::{SLOWEST_REQUEST, json};

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// How a message of one kind comes in and is answered.
pub(super) struct Exchange<A> {
    pub(super) name: &'static str,
    pub(super) answer_json: fn(&A) -> String,
}

/// A message as it was sent.
pub(super) enum Sent {
    Protobuf(Bytes),
    Json(Bytes),
}

impl Sent {
    pub(super) fn read<Q: prost::Message + Default>(self, read_json: fn(&[u8]) -> Result<Q, String>) -> Result<Q, String> {
        match self {
            Self::Protobuf(body) => Q::decode(body).map_err(|error| error.to_string()),
            Self::Json(body) => read_json(&body),
        }
    }
}

#[derive(Clone, Copy)]
enum Encoding {
    Protobuf,
    Json,
}

/// `google.rpc.Status`, without its details.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Status {
    /// As gRPC counts them.
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
    #[prost(string, tag = "2")]
    pub(super) message: String,
}

impl<A: prost::Message> Exchange<A> {
    pub(super) async fn answer(&self, request: Request, take_in: impl FnOnce(Sent) -> Result<A, String>) -> Response {
        let Some(encoding) = Encoding::of(&request) else {
            return (StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("send {PROTOBUF} or {JSON}\n")).into_response();
        };
        let body = match timeout(SLOWEST_REQUEST, Bytes::from_request(request, &())).await {
            Ok(Ok(body)) => body,
            Ok(Err(refused)) => return encoding.refuse(refused.status(), refused.body_text()),
            Err(_) => return encoding.refuse(StatusCode::REQUEST_TIMEOUT, too_slow(SLOWEST_REQUEST)),
        };
        let sent = match encoding {
            Encoding::Protobuf => Sent::Protobuf(body),
            Encoding::Json => Sent::Json(body),
        };
        match (take_in(sent), encoding) {
            (Ok(answer), Encoding::Protobuf) => encoding.say(StatusCode::OK, answer.encode_to_vec()),
            (Ok(answer), Encoding::Json) => encoding.say(StatusCode::OK, (self.answer_json)(&answer).into_bytes()),
            (Err(error), _) => encoding.refuse(StatusCode::BAD_REQUEST, format!("no {}: {error}", self.name)),
        }
    }
}

pub(super) fn too_slow(bound: Duration) -> String {
    format!("the request took longer than {} s to come in", bound.as_secs())
}

impl Encoding {
    fn of(request: &Request) -> Option<Self> {
        let content_type = request.headers().get(header::CONTENT_TYPE)?.to_str().ok()?;
        // Media types are the same in either case.
        match content_type.split(';').next()?.trim().to_ascii_lowercase().as_str() {
            PROTOBUF => Some(Self::Protobuf),
            JSON => Some(Self::Json),
            _ => None,
        }
    }

    fn say(self, status: StatusCode, body: Vec<u8>) -> Response {
        let content_type = match self {
            Self::Protobuf => PROTOBUF,
            Self::Json => JSON,
        };
        (status, [(header::CONTENT_TYPE, content_type)], body).into_response()
    }

    /// As the specification wants it: <https://opentelemetry.io/docs/specs/otlp/#failures-1>.
    fn refuse(self, status: StatusCode, message: String) -> Response {
        let code = match status {
            StatusCode::REQUEST_TIMEOUT => tonic::Code::DeadlineExceeded,
            StatusCode::PAYLOAD_TOO_LARGE => tonic::Code::ResourceExhausted,
            _ => tonic::Code::InvalidArgument,
        };
        let refusal = Status { code: code.into(), message };
        let body = match self {
            Self::Protobuf => prost::Message::encode_to_vec(&refusal),
            Self::Json => json::refusal(&refusal).into_bytes(),
        };
        self.say(status, body)
    }
}
