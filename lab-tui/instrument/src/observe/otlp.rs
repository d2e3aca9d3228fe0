//! The OTLP receiver: traces, logs and metrics over gRPC and over HTTP, there as protobuf or JSON, gzip accepted, into the store.

mod exchange;
mod grpc;
pub(super) mod json;
mod logs;
mod metrics;

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware;
use axum::response::Response;
use axum::routing::post;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTracePartialSuccess, ExportTraceServiceResponse};
use prost::Message as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tower_http::decompression::RequestDecompressionLayer;

use self::exchange::{Exchange, Sent};
use super::store::{RefusedSpans, Store};
use crate::http::serve::{Listener, Protocol, serve};

/// The largest message taken, after decompression. Exporters send a few hundred spans at a time, far below it.
pub const LARGEST_MESSAGE: usize = 16 << 20;

/// How long a client may take to send a request, over gRPC as over HTTP.
const SLOWEST_REQUEST: Duration = Duration::from_secs(10);

/// Serves OTLP over gRPC until `stop`.
pub fn serve_grpc(listener: TcpListener, store: Store, stop: CancellationToken) -> BoxFuture<'static, ()> {
    serve(Listener::Tcp(listener), Protocol::Http2, grpc(store), stop).boxed()
}

/// What answers over gRPC.
pub fn grpc(store: Store) -> Router {
    let others = Routes::new(logs::grpc(store.clone())).add_service(metrics::grpc(store.clone()));
    let router = others.into_axum_router().route(grpc::EXPORT_TRACES, post(grpc::export_traces).with_state(store));
    router.layer(middleware::from_fn(grpc::in_time))
}

/// Serves OTLP over HTTP until `stop`, as protobuf and as JSON.
pub fn serve_http(listener: TcpListener, store: Store, stop: CancellationToken) -> BoxFuture<'static, ()> {
    serve(Listener::Tcp(listener), Protocol::Http1, http(store), stop).boxed()
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

async fn http_traces(State(store): State<Store>, request: Request) -> Response {
    let exchange = Exchange { name: "ExportTraceServiceRequest", answer_json: json::answer };
    let take_in = |sent| match sent {
        Sent::Protobuf(message) => take_in(&store, &message),
        Sent::Json(message) => take_in(&store, &json::read(&message)?.encode_to_vec()),
    };
    exchange.answer(request, take_in).await
}

/// Takes in an `ExportTraceServiceRequest` as it was sent.
fn take_in(store: &Store, message: &[u8]) -> Result<ExportTraceServiceResponse, String> {
    let refused = store.take_message(message).map_err(|error| error.to_string())?;
    let partial_success = (refused.count() > 0).then(|| ExportTracePartialSuccess {
        rejected_spans: i64::try_from(refused.count()).unwrap_or(i64::MAX),
        error_message: why(refused),
    });
    Ok(ExportTraceServiceResponse { partial_success })
}

fn why(refused: RefusedSpans) -> String {
    let ids = (refused.ids > 0).then_some("a trace ID has 16 bytes, a span ID 8, and neither is all zero");
    let too_large = (refused.too_large > 0).then_some("a trace may take an eighth of the lab's store, and this one has");
    ids.into_iter().chain(too_large).collect::<Vec<_>>().join("; ")
}
