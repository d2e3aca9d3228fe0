//! Spans over gRPC, handed on as the bytes that came: what `tonic` generates would take every message apart into owned pieces first.

use std::future::{Ready, ready};

use axum::extract::{Request, State};
use axum::middleware::Next;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use prost::bytes::{Buf as _, Bytes};
use tonic::body::Body;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EnabledCompressionEncodings, EncodeBuf, Encoder};
use tonic::server::{Grpc, UnaryService};
use tonic::{Response, Status};

use super::exchange::too_slow;
use super::{LARGEST_MESSAGE, SLOWEST_REQUEST, take_in};
use crate::observe::store::Store;

/// Where exporters send spans.
pub(super) const EXPORT_TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

pub(super) async fn export_traces(State(store): State<Store>, request: Request) -> http::Response<Body> {
    let mut gzip = EnabledCompressionEncodings::default();
    gzip.enable(CompressionEncoding::Gzip);
    Grpc::new(AsSent)
        .apply_compression_config(gzip, EnabledCompressionEncodings::default())
        .apply_max_message_size_config(Some(LARGEST_MESSAGE), None)
        .unary(Export(store), request)
        .await
}

/// Answers for a request that does not come in.
pub(super) async fn in_time(request: Request, next: Next) -> axum::response::Response {
    let slow = |_| Status::deadline_exceeded(too_slow(SLOWEST_REQUEST)).into_http();
    tokio::time::timeout(SLOWEST_REQUEST, next.run(request)).await.unwrap_or_else(slow)
}

struct Export(Store);

impl UnaryService<Bytes> for Export {
    type Response = ExportTraceServiceResponse;
    type Future = Ready<Result<Response<ExportTraceServiceResponse>, Status>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        ready(take_in(&self.0, &request.into_inner()).map(Response::new).map_err(Status::internal))
    }
}

/// A message as it came, and answers as ever.
struct AsSent;

impl Codec for AsSent {
    type Encode = ExportTraceServiceResponse;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for AsSent {
    type Item = ExportTraceServiceResponse;
    type Error = Status;

    fn encode(&mut self, answer: Self::Item, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        answer.encode(out).map_err(|error| Status::internal(error.to_string()))
    }
}

impl Decoder for AsSent {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, message: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(message.copy_to_bytes(message.remaining())))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::body;
    use futures_util::stream;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn half_a_message_is_not_waited_for() {
        let half = body::Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
        let request = Request::post(EXPORT_TRACES).header("content-type", "application/grpc").body(half).unwrap();
        let response = super::super::grpc(Store::new(1 << 20)).oneshot(request).await.unwrap();
        let status = Status::from_header_map(response.headers()).unwrap();
        assert_eq!((status.code(), status.message()), (tonic::Code::DeadlineExceeded, too_slow(SLOWEST_REQUEST).as_str()));
    }
}
