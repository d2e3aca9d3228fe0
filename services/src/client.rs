//! The one way a service calls another: pooled connections, a CLIENT span, a deadline, and failures told apart.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry::trace::{FutureExt, SpanKind, Status, TraceContextExt};
use opentelemetry::{KeyValue, StringValue};
use opentelemetry_semantic_conventions::attribute;

use crate::telemetry::{CancelGuard, Telemetry};

/// Answers of our own services are small; anything larger is not one of them.
const MAX_BODY: usize = 1024 * 1024;

/// Another service: where it answers.
#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    /// Scheme, authority and path prefix, without a slash at the end.
    base: String,
    host: Arc<str>,
    port: u16,
}

impl Upstream {
    /// Reads a URL that the user gave with `flag`.
    pub(crate) fn parse(flag: &str, text: &str) -> Result<Self, String> {
        let refuse = |why: String| Err(format!("invalid value '{text}' for '{flag} <URL>': {why}"));
        let url = match url::Url::parse(text) {
            Ok(url) => url,
            Err(error) => return refuse(format!("{error}; write it like http://127.0.0.1:8109")),
        };
        if url.scheme() != "http" {
            return refuse("it must begin with http://".to_owned());
        }
        let Some(host) = url.host_str().map(Arc::from) else {
            return refuse("it names no host".to_owned());
        };
        if url.query().is_some() || url.fragment().is_some() {
            return refuse("leave out what follows the path".to_owned());
        }
        Ok(Self { base: text.trim_end_matches('/').to_owned(), host, port: url.port_or_known_default().unwrap_or(80) })
    }

    fn uri(&self, path_and_query: &str) -> Result<Uri, ClientError> {
        format!("{}{path_and_query}", self.base).parse().map_err(|error| ClientError::Connection(format!("{error}")))
    }
}

/// What the other side said, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum ClientError {
    /// Nothing, or not everything, came in time.
    Timeout,
    /// No connection, or it broke.
    Connection(String),
}

impl ClientError {
    /// The word for it in labels and in `error.type`.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Connection(_) => "connection_error",
        }
    }
}

impl std::fmt::Display for ClientError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Timeout => f.write_str("timed out"),
            Self::Connection(cause) => f.write_str(cause),
        }
    }
}

/// Pooled HTTP without proxy and without redirects.
#[derive(Debug, Clone)]
pub(crate) struct HttpClient {
    inner: Client<HttpConnector, Full<Bytes>>,
    telemetry: Arc<Telemetry>,
}

impl HttpClient {
    pub(crate) fn new(telemetry: Arc<Telemetry>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let inner = Client::builder(TokioExecutor::new())
            // A request is one small head: gathering it from pieces costs more than copying it.
            .http1_writev(false)
            // Below any server's own patience with idle connections, so that a reused one is rarely a dead one.
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_timer(hyper_util::rt::TokioTimer::new())
            .build(connector);
        Self { inner, telemetry }
    }

    /// GETs within `timeout` as a child of the current span, and passes the trace on.
    pub(crate) async fn get(&self, upstream: &Upstream, path_and_query: &str, timeout: Duration) -> Result<Answer, ClientError> {
        let uri = upstream.uri(path_and_query)?;
        let cx = self.telemetry.start("GET", SpanKind::Client, &opentelemetry::Context::current(), || {
            vec![
                KeyValue::new(attribute::HTTP_REQUEST_METHOD, "GET"),
                KeyValue::new(attribute::URL_FULL, uri.to_string()),
                KeyValue::new(attribute::SERVER_ADDRESS, StringValue::from(Arc::clone(&upstream.host))),
                KeyValue::new(attribute::SERVER_PORT, i64::from(upstream.port)),
            ]
        });
        let mut request = Request::new(Full::default());
        *request.uri_mut() = uri;
        self.telemetry.inject(&cx, request.headers_mut());

        let cancelled = CancelGuard::new(&cx);
        let result = self.exchange(request, timeout).with_context(cx.clone()).await;
        cancelled.disarm();
        let span = cx.span();
        match &result {
            Ok(answer) => {
                span.set_attribute(KeyValue::new(attribute::HTTP_RESPONSE_STATUS_CODE, i64::from(answer.status)));
                if answer.status >= 400 {
                    // To the one who asked, a refusal is a failure too; only the SERVER side calls 4xx a success.
                    span.set_attribute(KeyValue::new(attribute::ERROR_TYPE, answer.status.to_string()));
                    span.set_status(Status::error(""));
                }
            }
            Err(error) => {
                span.set_attribute(KeyValue::new(attribute::ERROR_TYPE, error.kind()));
                span.set_status(Status::error(error.to_string()));
            }
        }
        span.end();
        result
    }

    /// GETs for a health check: no span, no trace passed on. True for a 2xx.
    pub(crate) async fn probe(&self, upstream: &Upstream, path: &str, timeout: Duration) -> bool {
        let Ok(uri) = upstream.uri(path) else {
            return false;
        };
        let mut request = Request::new(Full::default());
        *request.uri_mut() = uri;
        self.exchange(request, timeout).await.is_ok_and(|answer| (200..300).contains(&answer.status))
    }

    async fn exchange(&self, mut request: Request<Full<Bytes>>, timeout: Duration) -> Result<Answer, ClientError> {
        request.headers_mut().insert(http::header::ACCEPT, HeaderValue::from_static("application/json"));
        let exchange = async {
            let response = self.inner.request(request).await.map_err(|error| ClientError::Connection(chain(&error)))?;
            let status = response.status().as_u16();
            let body = Limited::new(response.into_body(), MAX_BODY)
                .collect()
                .await
                .map_err(|error| ClientError::Connection(error.to_string()))?
                .to_bytes();
            Ok(Answer { status, body })
        };
        tokio::time::timeout(timeout, exchange).await.unwrap_or(Err(ClientError::Timeout))
    }
}

/// An error with its causes; hyper's own words alone say only "client error (Connect)".
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    fn upstream(addr: std::net::SocketAddr) -> Upstream {
        Upstream::parse("--x", &format!("http://{addr}/")).unwrap()
    }

    #[tokio::test]
    async fn failures_are_told_apart() {
        let client = HttpClient::new(Arc::new(Telemetry::disabled()));
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let slow = client.get(&upstream(silent.local_addr().unwrap()), "/", Duration::from_millis(50)).await;
        assert_eq!(slow.unwrap_err().kind(), "timeout");

        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = gone.local_addr().unwrap();
        drop(gone);
        let refused = client.get(&upstream(addr), "/", Duration::from_secs(5)).await.unwrap_err();
        assert_eq!(refused.kind(), "connection_error");
        assert!(refused.to_string().contains("refused"), "{refused}");

        let rude = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = rude.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = rude.accept().await {
                let _ = socket.read(&mut [0; 64]).await;
                let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{").await;
            }
        });
        let broken = client.get(&upstream(addr), "/", Duration::from_secs(5)).await;
        assert_eq!(broken.unwrap_err().kind(), "connection_error");
    }
}
