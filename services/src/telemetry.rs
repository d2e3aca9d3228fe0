//! Traces: who makes spans, where they go, and how a trace gets from one service into the next.
//!
//! Spans are made through the OpenTelemetry API itself, because one request makes many of them. The SDK reads most of the
//! standard variables; this module reads those that it leaves out (`OTEL_SDK_DISABLED`, `OTEL_PROPAGATORS`).

mod exporter;
mod traceparent;

use std::borrow::Cow;
use std::time::Duration;

use http::HeaderMap;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{SpanContext, SpanKind, TraceContextExt, TraceFlags, TraceState, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, SdkTracer, SdkTracerProvider};

use exporter::{Settings, SpanLoss};
pub(crate) use traceparent::{trace_id, traceparent};

/// The telemetry of one service.
#[derive(Debug)]
pub(crate) struct Telemetry {
    sdk: Option<Sdk>,
    trace_context: bool,
    baggage: bool,
    /// Spans that could not be delivered.
    loss: SpanLoss,
}

#[derive(Debug)]
struct Sdk {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

impl Telemetry {
    /// Reads the environment. Must run inside the runtime, which carries the export of spans.
    ///
    /// What cannot be honoured is told in a log line, and the service goes on without it: broken telemetry is no reason
    /// to refuse requests.
    pub(crate) fn from_env(service: &'static str) -> Self {
        let mut telemetry = Self::disabled();
        telemetry.read_propagators(std::env::var("OTEL_PROPAGATORS").ok().as_deref());
        let disabled = std::env::var("OTEL_SDK_DISABLED").is_ok_and(|value| value.eq_ignore_ascii_case("true"));
        let exporter = std::env::var("OTEL_TRACES_EXPORTER").unwrap_or_default();
        if disabled || exporter == "none" {
            return telemetry;
        }
        match Settings::from_env().and_then(|settings| telemetry.export(service, settings)) {
            Ok(()) => {}
            Err(error) => tracing::error!(error, "Span export is off"),
        }
        telemetry
    }

    fn export(&mut self, service: &'static str, settings: Settings) -> Result<(), String> {
        let provider = exporter::build(settings, resource(service), self.loss.clone())?;
        self.sdk = Some(Sdk { tracer: provider.tracer("services"), provider });
        Ok(())
    }

    /// Makes no spans; still hands traces on.
    pub(crate) fn disabled() -> Self {
        Self { sdk: None, trace_context: true, baggage: true, loss: SpanLoss::default() }
    }

    #[cfg(test)]
    pub(crate) fn with_provider(provider: SdkTracerProvider) -> Self {
        let tracer = provider.tracer("services");
        Self { sdk: Some(Sdk { provider, tracer }), ..Self::disabled() }
    }

    fn read_propagators(&mut self, value: Option<&str>) {
        let Some(value) = value.filter(|value| !value.trim().is_empty()) else {
            return;
        };
        (self.trace_context, self.baggage) = (false, false);
        for name in value.split(',').map(str::trim) {
            match name {
                "tracecontext" => self.trace_context = true,
                "baggage" => self.baggage = true,
                "none" | "" => {}
                other => tracing::warn!(propagator = other, "Unknown propagator ignored"),
            }
        }
    }

    /// The caller's trace, when it sent one.
    pub(crate) fn extract(&self, headers: &HeaderMap) -> Context {
        let mut cx = Context::new();
        if self.trace_context && headers.contains_key("traceparent") {
            cx = TraceContextPropagator::new().extract_with_context(&cx, &HeaderExtractor(headers));
        }
        if self.baggage && headers.contains_key("baggage") {
            cx = BaggagePropagator::new().extract_with_context(&cx, &HeaderExtractor(headers));
        }
        cx
    }

    /// Hands the trace of `cx` on.
    pub(crate) fn inject(&self, cx: &Context, headers: &mut HeaderMap) {
        if self.trace_context {
            let span = cx.span();
            let span = span.span_context();
            if let Some(value) = traceparent(span) {
                headers.insert("traceparent", value);
                let state = span.trace_state().header();
                if let Ok(state) = http::HeaderValue::try_from(state)
                    && !state.is_empty()
                {
                    headers.insert("tracestate", state);
                }
            }
        }
        if self.baggage && cx.has_baggage() {
            BaggagePropagator::new().inject_context(cx, &mut HeaderInjector(headers));
        }
    }

    /// Starts a span below `parent` and returns the context that holds it. Attributes are only made for a sampled span.
    ///
    /// Without an SDK there is no span, but there is a valid trace: the caller's, or else a fresh one that is not sampled.
    pub(crate) fn start(
        &self,
        name: impl Into<Cow<'static, str>>,
        kind: SpanKind,
        parent: &Context,
        attributes: impl FnOnce() -> Vec<KeyValue>,
    ) -> Context {
        let Some(Sdk { tracer, .. }) = &self.sdk else {
            if parent.span().span_context().is_valid() {
                return parent.clone();
            }
            let ids = RandomIdGenerator::default();
            let (trace, span) = (ids.new_trace_id(), ids.new_span_id());
            let fresh = SpanContext::new(trace, span, TraceFlags::default(), false, TraceState::default());
            return parent.with_remote_span_context(fresh);
        };
        let builder = tracer.span_builder(name).with_kind(kind).with_attributes(attributes());
        parent.with_span(tracer.build_with_context(builder, parent))
    }

    /// Spans lost so far.
    pub(crate) fn spans_lost(&self) -> u64 {
        self.loss.total()
    }

    /// Delivers what is left, at most for `patience`. The wait happens on a thread of its own: it would block the very
    /// runtime that carries the delivery.
    pub(crate) async fn shutdown(&self, patience: Duration) {
        if let Some(Sdk { provider, .. }) = &self.sdk {
            let provider = provider.clone();
            let flushed = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(patience)).await;
            if let Ok(Err(error)) = flushed {
                tracing::warn!(error = error.to_string(), "Spans were left undelivered");
            }
        }
    }
}

/// Ends a span even when the future that works under it is dropped, and says so in the span.
pub(crate) struct CancelGuard(Option<Context>);

impl CancelGuard {
    pub(crate) fn new(cx: &Context) -> Self {
        Self(Some(cx.clone()))
    }

    /// The work came to its own end.
    pub(crate) fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for CancelGuard {
    fn drop(&mut self) {
        if let Some(cx) = self.0.take() {
            let span = cx.span();
            span.set_attribute(KeyValue::new(opentelemetry_semantic_conventions::attribute::ERROR_TYPE, "cancelled"));
            span.end();
        }
    }
}

/// Whether the older database attributes are wanted beside today's.
pub(crate) fn wants_old_database_attributes() -> bool {
    std::env::var("OTEL_SEMCONV_STABILITY_OPT_IN").is_ok_and(|value| value.split(',').any(|word| word.trim() == "database/dup"))
}

/// Who is telling. `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME` win over what the service says of itself.
fn resource(service: &'static str) -> Resource {
    use opentelemetry_sdk::resource::{EnvResourceDetector, ResourceDetector};
    use opentelemetry_semantic_conventions::attribute;

    let mut builder = Resource::builder_empty()
        .with_attributes([
            KeyValue::new(attribute::SERVICE_NAME, service),
            KeyValue::new(attribute::SERVICE_VERSION, env!("CARGO_PKG_VERSION")),
            KeyValue::new(attribute::SERVICE_INSTANCE_ID, instance_id()),
            KeyValue::new(attribute::PROCESS_PID, i64::from(std::process::id())),
        ])
        .with_detector(Box::new(opentelemetry_sdk::resource::TelemetryResourceDetector));
    let environment = EnvResourceDetector::new().detect();
    builder = builder.with_attributes(environment.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())));
    if let Ok(name) = std::env::var("OTEL_SERVICE_NAME")
        && !name.is_empty()
    {
        builder = builder.with_service_name(name);
    }
    builder.build()
}

/// A random UUID, version 4: two services on one machine must not look like one.
fn instance_id() -> String {
    let bits = (rand::random::<u128>() & !(0xf000 << 64) & !(0xc000 << 48)) | (0x4000 << 64) | (0x8000 << 48);
    let text = format!("{bits:032x}");
    [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
}

trait HasBaggage {
    fn has_baggage(&self) -> bool;
}

impl HasBaggage for Context {
    fn has_baggage(&self) -> bool {
        use opentelemetry::baggage::BaggageExt;
        !self.baggage().is_empty()
    }
}

#[cfg(test)]
mod tests;
