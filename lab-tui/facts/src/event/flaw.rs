//! Telemetry that does not hang together.

use super::TraceId;

/// What is wrong with a span or a log line. Displays as the metric that counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FlawKind {
    /// A span that names a parent which never came in.
    OrphanSpan,
    /// A span whose parent cannot be one, or that lacks the one that called it.
    BrokenParent,
    /// A log line of a request without a trace ID.
    LogWithoutTrace,
    /// A log line that carries the ID of a trace of which no span came in.
    LogOfUnknownTrace,
    /// An attribute that OpenTelemetry's semantic conventions require of a span, and that is missing or has another name.
    SemconvViolation,
}

impl FlawKind {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::OrphanSpan, Self::BrokenParent, Self::LogWithoutTrace, Self::LogOfUnknownTrace, Self::SemconvViolation];

    /// The metric that counts them, such as `orphan_spans`.
    pub fn metric(self) -> &'static str {
        match self {
            Self::OrphanSpan => "orphan_spans",
            Self::BrokenParent => "broken_parents",
            Self::LogWithoutTrace => "logs_without_trace",
            Self::LogOfUnknownTrace => "logs_of_unknown_trace",
            Self::SemconvViolation => "semconv_violations",
        }
    }

    /// By its metric.
    pub fn of_metric(metric: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.metric() == metric)
    }
}

/// Flaws of one kind of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The kind.
    pub kind: FlawKind,
    /// `service.name`.
    pub service: String,
    /// What it is in a few words, such as `http.method instead of http.request.method`; empty where the kind says it all.
    pub what: String,
    /// How many.
    pub count: u64,
    /// Traces to look at, at most [`super::EXAMPLES`].
    pub examples: Vec<TraceId>,
}
