//! The OTLP receiver: traces, logs and metrics over gRPC and over HTTP, there as protobuf or JSON, gzip accepted, into the store.

pub(super) mod json;
mod logs;
mod metrics;

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::codec::CompressionEncoding;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tower_http::decompression::RequestDecompressionLayer;

use super::store::Store;

/// The largest message taken, after decompression. Exporters send a few hundred spans at a time, far below it.
pub const LARGEST_MESSAGE: usize = 16 << 20;

/// How long a client may take to send a request.
const SLOWEST_REQUEST: Duration = Duration::from_secs(10);

/// Serves OTLP over gRPC until `stop`.
///
/// # Errors
/// When the listener breaks.
pub async fn serve_grpc(listener: TcpListener, store: Store, stop: CancellationToken) -> anyhow::Result<()> {
    tonic::transport::Server::builder()
        .timeout(SLOWEST_REQUEST)
        .add_routes(grpc(store))
        .serve_with_incoming_shutdown(TcpIncoming::from(listener).with_nodelay(Some(true)), stop.cancelled_owned())
        .await?;
    Ok(())
}

/// What answers over gRPC.
pub fn grpc(store: Store) -> Routes {
    let traces = TraceServiceServer::new(GrpcTraces(store.clone()))
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(LARGEST_MESSAGE);
    Routes::new(traces).add_service(logs::grpc(store.clone())).add_service(metrics::grpc(store))
}

/// Serves OTLP over HTTP until `stop`, as protobuf and as JSON.
///
/// # Errors
/// When the listener breaks.
pub async fn serve_http(listener: TcpListener, store: Store, stop: CancellationToken) -> anyhow::Result<()> {
    axum::serve(listener, http(store)).with_graceful_shutdown(stop.cancelled_owned()).await?;
    Ok(())
}

/// What answers over HTTP.
pub fn http(store: Store) -> Router {
    Router::new()
        .route("/v1/traces", post(http_traces))
        .route("/v1/logs", post(logs::http))
        .route("/v1/metrics", post(metrics::http))
        .layer(DefaultBodyLimit::max(LARGEST_MESSAGE))
        .layer(RequestDecompressionLayer::new())
        .with_state(store)
}

struct GrpcTraces(Store);

#[tonic::async_trait]
impl TraceService for GrpcTraces {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        Ok(tonic::Response::new(take_in(&self.0, request.into_inner())))
    }
}

async fn http_traces(State(store): State<Store>, headers: HeaderMap, body: Bytes) -> Response {
    let exchange = Exchange { name: "ExportTraceServiceRequest", read_json: json::read, answer_json: json::answer };
    exchange.answer(&headers, body, |request| take_in(&store, request))
}

/// How a message of one kind comes in over HTTP and is answered.
struct Exchange<Q, A> {
    name: &'static str,
    read_json: fn(&[u8]) -> Result<Q, String>,
    answer_json: fn(&A) -> String,
}

impl<Q: prost::Message + Default, A: prost::Message> Exchange<Q, A> {
    /// The answer speaks as the question did, in its refusals as well.
    fn answer(&self, headers: &HeaderMap, body: Bytes, take_in: impl FnOnce(Q) -> A) -> Response {
        const PROTOBUF: &str = "application/x-protobuf";
        const JSON: &str = "application/json";
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        // Media types are the same in either case.
        let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let refused = |error: &dyn std::fmt::Display| format!("no {}: {error}", self.name);
        match media_type.as_str() {
            PROTOBUF => match Q::decode(body) {
                Ok(request) => ([(header::CONTENT_TYPE, PROTOBUF)], take_in(request).encode_to_vec()).into_response(),
                Err(error) => (StatusCode::BAD_REQUEST, refused(&error) + "\n").into_response(),
            },
            JSON => match (self.read_json)(&body) {
                Ok(request) => ([(header::CONTENT_TYPE, JSON)], (self.answer_json)(&take_in(request))).into_response(),
                Err(error) => (StatusCode::BAD_REQUEST, [(header::CONTENT_TYPE, JSON)], json::refusal(&refused(&error))).into_response(),
            },
            _ => (StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("send {PROTOBUF} or {JSON}\n")).into_response(),
        }
    }
}

fn take_in(store: &Store, request: ExportTraceServiceRequest) -> ExportTraceServiceResponse {
    let refused: u64 = request.resource_spans.into_iter().map(|batch| store.add_spans(batch)).sum();
    let partial_success = (refused > 0).then(|| ExportTracePartialSuccess {
        rejected_spans: i64::try_from(refused).unwrap_or(i64::MAX),
        error_message: "a trace ID has 16 bytes, a span ID 8, and neither is all zero".to_owned(),
    });
    ExportTraceServiceResponse { partial_success }
}
