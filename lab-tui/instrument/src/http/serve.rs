//! The one way in which the lab answers requests: its receiver, its Tempo and its control socket.

use std::io;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::tasks;

/// How long a client may take for the head of a request, the time before it included: longer than exporters wait between two.
const SLOWEST_HEAD: Duration = Duration::from_secs(150);
/// How long to wait when no connection can be taken, such as for want of descriptors. Trying at once would spin.
const BREATH: Duration = Duration::from_millis(50);

/// What connections come from. Both kinds are one type, so that the protocols are compiled once.
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// What is spoken.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Protocol {
    Http1,
    /// As gRPC has it: without TLS, and without asking first.
    Http2,
}

/// Answers until `stop`, then lets requests in flight finish.
pub(crate) async fn serve(listener: Listener, protocol: Protocol, router: Router, stop: CancellationToken) {
    let mut builder = match protocol {
        Protocol::Http1 => Builder::new(TokioExecutor::new()).http1_only(),
        Protocol::Http2 => Builder::new(TokioExecutor::new()).http2_only(),
    };
    builder.http1().timer(TokioTimer::new()).header_read_timeout(SLOWEST_HEAD);
    let connections = GracefulShutdown::new();
    loop {
        let stream = tokio::select! {
            stream = listener.accept() => stream,
            () = stop.cancelled() => break,
        };
        let Ok(stream) = stream else {
            tokio::time::sleep(BREATH).await;
            continue;
        };
        let asked = CancellationToken::new();
        let first = asked.clone();
        let service = TowerToHyperService::new(router.clone().map_request(move |request: Request<_>| {
            first.cancel();
            request
        }));
        let connection = connections.watch(builder.serve_connection(TokioIo::new(stream), service).into_owned());
        tasks::spawn(async move {
            // Over HTTP/2, nothing else bounds the time that the beginning of a connection may take.
            let never_asked = async {
                if tokio::time::timeout(SLOWEST_HEAD, asked.cancelled()).await.is_ok() {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                // How a connection ends is the client's affair.
                _ = connection => {}
                () = never_asked => {}
            }
        });
    }
    drop(listener);
    connections.shutdown().await;
}

impl Listener {
    async fn accept(&self) -> io::Result<Either<TcpStream, UnixStream>> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // An answer is one small write; waiting to merge it with a next one only adds latency.
                let _ = stream.set_nodelay(true);
                Ok(Either::Left(stream))
            }
            Self::Unix(listener) => Ok(Either::Right(listener.accept().await?.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::net::SocketAddr;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    // The clock goes on when nothing else does.
    #[tokio::test(start_paused = true)]
    async fn half_a_head_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let router = Router::new().route("/", get(|| ready("here")));
        let serving = tokio::spawn(serve(Listener::Tcp(listener), Protocol::Http1, router, stop.clone()));
        for (sent, is_answered) in [("GET / HTTP/1.1\r\nHost: x\r\n\r\n", true), ("GET / HTTP/1.1\r\nHo", false), ("", false)] {
            let answer = answer(address, sent).await;
            assert_eq!(answer.ends_with(b"here"), is_answered, "{answer:?}");
        }
        stop.cancel();
        serving.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn http2_that_never_begins_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let serving = tokio::spawn(serve(Listener::Tcp(listener), Protocol::Http2, Router::new(), stop.clone()));
        let settings = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0";
        for sent in ["", "PRI * HT", settings] {
            answer(address, sent).await;
        }
        stop.cancel();
        serving.await.unwrap();
    }

    /// All that comes until the other side closes the connection.
    async fn answer(address: SocketAddr, sent: &str) -> Vec<u8> {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(sent.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).await.unwrap();
        answer
    }
}
