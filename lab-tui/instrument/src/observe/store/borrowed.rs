//! Spans as they lie in the message that brought them: what is put into the store is copied once, to where it stays.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::{self as otlp, ResourceSpans, span::SpanKind, status::StatusCode};

/// Spans of one scope of one resource.
#[derive(Debug, PartialEq)]
pub(super) struct Batch<'m> {
    /// Everything but the spans.
    pub(super) empty: ResourceSpans,
    pub(super) spans: Vec<SpanRef<'m>>,
}

/// A span, borrowed.
#[derive(Debug, Default, PartialEq)]
pub(in crate::observe) struct SpanRef<'m> {
    pub(super) trace_id: &'m [u8],
    pub(super) span_id: &'m [u8],
    pub(super) parent_span_id: &'m [u8],
    pub(super) trace_state: &'m str,
    pub(super) flags: u32,
    pub(super) name: &'m str,
    /// As OTLP counts them, or any number.
    pub(super) kind: i32,
    /// Nanoseconds since 1970.
    pub(super) start: u64,
    /// Nanoseconds since 1970.
    pub(super) end: u64,
    pub(in crate::observe) attributes: Vec<Attribute<'m>>,
    pub(super) events: Vec<Event<'m>>,
    pub(super) status: Option<Status<'m>>,
    /// Links, and counts of what was dropped. Few spans have any.
    pub(super) rest: Option<Box<otlp::Span>>,
}

/// A status, borrowed.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Status<'m> {
    pub(super) message: &'m str,
    /// As OTLP counts them, or any number.
    pub(super) code: i32,
}

/// An event, borrowed.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Event<'m> {
    /// Nanoseconds since 1970.
    pub(super) time: u64,
    pub(super) name: &'m str,
    pub(super) attributes: Vec<Attribute<'m>>,
    pub(super) dropped_attributes_count: u32,
}

/// An attribute, borrowed.
#[derive(Debug, Default, PartialEq)]
pub(in crate::observe) struct Attribute<'m> {
    pub(in crate::observe) key: &'m str,
    pub(super) value: Value<'m>,
}

/// A value, borrowed as far as it is of an everyday kind.
#[derive(Debug, Default, PartialEq)]
pub(super) enum Value<'m> {
    /// There is none.
    #[default]
    None,
    /// There is one of no kind.
    Empty,
    Text(&'m str),
    Flag(bool),
    Int(i64),
    Double(f64),
    Other(Box<AnyValue>),
    /// The attribute has more to it than a key and a value.
    Whole(Box<KeyValue>),
}

impl SpanRef<'_> {
    pub(in crate::observe) fn kind(&self) -> SpanKind {
        SpanKind::try_from(self.kind).unwrap_or_default()
    }

    /// To say something there.
    pub(super) fn rest(&mut self) -> &mut otlp::Span {
        self.rest.get_or_insert_default()
    }

    pub(in crate::observe) fn failed(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.code == StatusCode::Error as i32)
    }
}

impl<'m> From<&'m otlp::Span> for SpanRef<'m> {
    fn from(span: &'m otlp::Span) -> Self {
        let rest = otlp::Span {
            links: span.links.clone(),
            dropped_attributes_count: span.dropped_attributes_count,
            dropped_events_count: span.dropped_events_count,
            dropped_links_count: span.dropped_links_count,
            ..otlp::Span::default()
        };
        let event = |event: &'m otlp::span::Event| Event {
            time: event.time_unix_nano,
            name: &event.name,
            attributes: event.attributes.iter().map(Attribute::from).collect(),
            dropped_attributes_count: event.dropped_attributes_count,
        };
        Self {
            trace_id: &span.trace_id,
            span_id: &span.span_id,
            parent_span_id: &span.parent_span_id,
            trace_state: &span.trace_state,
            flags: span.flags,
            name: &span.name,
            kind: span.kind,
            start: span.start_time_unix_nano,
            end: span.end_time_unix_nano,
            attributes: span.attributes.iter().map(Attribute::from).collect(),
            events: span.events.iter().map(event).collect(),
            status: span.status.as_ref().map(|status| Status { message: &status.message, code: status.code }),
            rest: (rest != otlp::Span::default()).then(|| Box::new(rest)),
        }
    }
}

impl<'m> From<&'m KeyValue> for Attribute<'m> {
    fn from(attribute: &'m KeyValue) -> Self {
        use any_value::Value as Otlp;
        let value = match &attribute.value {
            _ if attribute.key_strindex != 0 => Value::Whole(Box::new(attribute.clone())),
            None => Value::None,
            Some(AnyValue { value: None }) => Value::Empty,
            Some(AnyValue { value: Some(Otlp::StringValue(text)) }) => Value::Text(text),
            Some(AnyValue { value: Some(Otlp::BoolValue(flag)) }) => Value::Flag(*flag),
            Some(AnyValue { value: Some(Otlp::IntValue(number)) }) => Value::Int(*number),
            Some(AnyValue { value: Some(Otlp::DoubleValue(number)) }) => Value::Double(*number),
            Some(other) => Value::Other(Box::new(other.clone())),
        };
        Self { key: &attribute.key, value }
    }
}
