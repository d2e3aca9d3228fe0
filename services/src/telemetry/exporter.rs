//! The way of a span out of the process, with every span that gets lost on it counted.
//!
//! The SDK's batch processor counts what it drops but tells nobody, and calls a failed export a debug matter. So it is
//! wrapped on both sides: [`Counted`] in front refuses what would not fit into its queue, and [`Watched`] behind it sees
//! which batches were delivered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry::Context;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter as OtlpExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, Span, SpanData, SpanExporter, SpanProcessor};
use tokio::runtime::Handle;

/// Spans that may wait for their export when the user says nothing else.
const QUEUE: usize = 16_384;

/// How often spans are sent when the user says nothing else. Somebody may be watching live.
const DELAY: Duration = Duration::from_millis(200);

/// How spans leave, as the environment asks for it. What the exporter crate reads itself (endpoint, headers, timeout,
/// compression, batch size) is not repeated here.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) protocol: Protocol,
    /// Wins over the environment.
    pub(super) endpoint: Option<String>,
    /// Spans that may wait.
    pub(super) queue: usize,
    /// How often they are sent; without it the environment decides.
    pub(super) delay: Option<Duration>,
}

/// The two ways of OTLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Grpc,
    Http,
}

impl Settings {
    pub(super) fn from_env() -> Result<Self, String> {
        let asked = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"]
            .into_iter()
            .find_map(|name| std::env::var(name).ok().filter(|value| !value.trim().is_empty()));
        Ok(Self {
            protocol: protocol(asked.as_deref())?,
            endpoint: None,
            queue: number("OTEL_BSP_MAX_QUEUE_SIZE").unwrap_or(QUEUE),
            delay: if number("OTEL_BSP_SCHEDULE_DELAY").is_some() { None } else { Some(DELAY) },
        })
    }
}

fn protocol(asked: Option<&str>) -> Result<Protocol, String> {
    match asked.map(str::trim) {
        None | Some("grpc") => Ok(Protocol::Grpc),
        Some("http/protobuf") => Ok(Protocol::Http),
        Some(other) => Err(format!("OTLP protocol '{other}' is not supported; use grpc or http/protobuf")),
    }
}

/// Builds the provider. Must run inside the runtime, which carries the export.
pub(super) fn build(settings: Settings, resource: Resource, loss: SpanLoss) -> Result<SdkTracerProvider, String> {
    let exporter = match settings.protocol {
        Protocol::Grpc => {
            let mut builder = OtlpExporter::builder().with_tonic();
            if let Some(endpoint) = settings.endpoint {
                builder = builder.with_endpoint(endpoint);
            }
            builder.build()
        }
        Protocol::Http => {
            let mut builder = OtlpExporter::builder().with_http().with_http_client(RuntimeClient::new());
            if let Some(endpoint) = settings.endpoint {
                builder = builder.with_endpoint(endpoint);
            }
            builder.build()
        }
    }
    .map_err(|error| error.to_string())?;

    let mut config = BatchConfigBuilder::default()
        // The wrapper in front is the one that refuses, and it counts from outside: leave it room to be late.
        .with_max_queue_size(settings.queue + 1024);
    if let Some(delay) = settings.delay {
        config = config.with_scheduled_delay(delay);
    }
    let watched = Watched { inner: exporter, loss: loss.clone(), failing: AtomicBool::new(false) };
    let processor = BatchSpanProcessor::builder(watched).with_batch_config(config.build()).build();
    Ok(SdkTracerProvider::builder()
        .with_resource(resource)
        .with_span_processor(Counted { inner: processor, queue: settings.queue, loss })
        .build())
}

fn number(name: &str) -> Option<usize> {
    std::env::var(name).ok()?.trim().parse().ok()
}

/// Counts spans that did not reach the receiver. Clones count together.
#[derive(Debug, Clone, Default)]
pub(crate) struct SpanLoss {
    shared: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    lost: AtomicU64,
    waiting: AtomicUsize,
}

impl SpanLoss {
    /// Spans lost so far: refused by a full queue, or in a batch that could not be delivered.
    pub(crate) fn total(&self) -> u64 {
        self.shared.lost.load(Ordering::Relaxed)
    }
}

/// Stands before the batch processor and keeps its queue from overflowing unseen.
#[derive(Debug)]
struct Counted {
    inner: BatchSpanProcessor,
    queue: usize,
    loss: SpanLoss,
}

impl SpanProcessor for Counted {
    fn on_start(&self, span: &mut Span, cx: &Context) {
        self.inner.on_start(span, cx);
    }

    fn on_end(&self, span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        let counts = &self.loss.shared;
        if counts.waiting.fetch_add(1, Ordering::Relaxed) >= self.queue {
            counts.waiting.fetch_sub(1, Ordering::Relaxed);
            counts.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.inner.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// Stands behind the batch processor and sees what became of each batch.
#[derive(Debug)]
struct Watched<E> {
    inner: E,
    loss: SpanLoss,
    failing: AtomicBool,
}

impl<E: SpanExporter> SpanExporter for Watched<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        self.loss.shared.waiting.fetch_sub(spans, Ordering::Relaxed);
        let result = self.inner.export(batch).await;
        match &result {
            Ok(()) => self.failing.store(false, Ordering::Relaxed),
            Err(error) => {
                self.loss.shared.lost.fetch_add(spans as u64, Ordering::Relaxed);
                // One line when it begins to fail, not one every 200 ms while a receiver is away.
                if !self.failing.swap(true, Ordering::Relaxed) {
                    tracing::warn!(error = error.to_string(), spans, "Span export failed");
                }
            }
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// An HTTP client for the batch processor, whose thread knows no runtime: it hands each request to the service's own.
#[derive(Debug)]
struct RuntimeClient {
    client: Client<HttpConnector, Full<Bytes>>,
    runtime: Handle,
    timeout: Duration,
}

impl RuntimeClient {
    fn new() -> Self {
        let timeout = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"]
            .into_iter()
            .find_map(number)
            .map_or(Duration::from_secs(10), |milliseconds| Duration::from_millis(milliseconds as u64));
        Self { client: Client::builder(TokioExecutor::new()).build(HttpConnector::new()), runtime: Handle::current(), timeout }
    }
}

#[async_trait]
impl HttpClient for RuntimeClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (client, timeout) = (self.client.clone(), self.timeout);
        let exchange = async move {
            let (head, body) = client.request(request.map(Full::new)).await?.into_parts();
            let body = Limited::new(body, 4 * 1024 * 1024).collect().await?.to_bytes();
            Ok::<_, HttpError>(Response::from_parts(head, body))
        };
        self.runtime.spawn(async move { tokio::time::timeout(timeout, exchange).await? }).await?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocol_is_the_users_and_a_wrong_one_is_named() {
        assert_eq!(protocol(None), Ok(Protocol::Grpc));
        assert_eq!(protocol(Some("grpc")), Ok(Protocol::Grpc));
        assert_eq!(protocol(Some(" http/protobuf")), Ok(Protocol::Http));
        assert!(protocol(Some("http/json")).unwrap_err().contains("http/json"));
    }
}
