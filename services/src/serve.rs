//! From a listener to the last flushed span: accepting, and stopping without losing anything that can be kept.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use futures_util::FutureExt as _;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// What requests in flight get once the service is asked to stop.
const IN_FLIGHT_PATIENCE: Duration = Duration::from_millis(900);

/// Serves `router` until `shutdown`, then lets requests in flight finish for a bounded time.
///
/// When this returns, no request is at work any more: each was answered, or dropped and recorded as such. It tells the moment at
/// which it was asked to stop.
pub(crate) async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) -> Instant {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    // As in `tasks`.
                    connections.spawn(connection(stream, peer, router.clone(), shutdown.clone()).boxed());
                }
                Err(error) => {
                    // Out of descriptors, or a client that left before it was accepted. Trying at once would spin.
                    tracing::warn!(error = error.to_string(), "Connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
    let asked = Instant::now();
    drop(listener);
    let finished = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(IN_FLIGHT_PATIENCE, finished).await.is_err() {
        connections.shutdown().await;
    }
    asked
}

async fn connection(stream: TcpStream, peer: SocketAddr, router: Router, shutdown: CancellationToken) {
    // An answer is one small write; waiting to merge it with a next one only adds latency.
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(peer);
        router.clone().oneshot(request.map(Body::new))
    });
    // Without a timer an idle connection stays open for as long as the client likes, so that it is never closed under a
    // request that is on its way.
    let connection = hyper::server::conn::http1::Builder::new().writev(false).serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    // How a connection ends (a client that resets it, nonsense instead of a request) is the client's affair.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
