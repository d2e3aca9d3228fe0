//! Spans out of a message's bytes, borrowed: what lies in a message today's way is read here, at a fraction of the cost of taking it apart
//! into owned pieces. Whatever else may lie in one (fields that are not known, fields that come twice, damage) is left to `prost`.
//!
//! The fields and their numbers: <https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto>.
//! How they are written: <https://protobuf.dev/programming-guides/encoding/>.

use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::Link;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};
use prost::Message as _;

use super::borrowed::{Attribute, Batch, Event, SpanRef, Status, Value};

/// How many attributes there is room for at first: most spans have fewer.
const ATTRIBUTES: usize = 12;

/// One span for so many bytes of a message there is room for at first: most take more.
const BYTES: usize = 256;

/// What a field holds, by how it is written.
#[derive(Debug, Clone, Copy)]
enum Field<'m> {
    Number(u64),
    Eight([u8; 8]),
    Four([u8; 4]),
    Bytes(&'m [u8]),
}

use Field::{Bytes, Eight, Four, Number};

/// The spans of an `ExportTraceServiceRequest`; none where `prost` has to look at it.
pub(super) fn read(message: &[u8]) -> Option<Vec<Batch<'_>>> {
    let mut batches = Vec::new();
    each(message, |number, field| match (number, field) {
        (1, Bytes(resource_spans)) => read_resource_spans(resource_spans, &mut batches),
        _ => None,
    })?;
    Some(batches)
}

fn read_resource_spans<'m>(message: &'m [u8], batches: &mut Vec<Batch<'m>>) -> Option<()> {
    let mut said = ResourceSpans::default();
    let first = batches.len();
    each(message, |number, field| {
        match (number, field) {
            (1, Bytes(resource)) if said.resource.is_none() => said.resource = Some(Resource::decode(resource).ok()?),
            (2, Bytes(scope_spans)) => batches.push(read_scope_spans(scope_spans)?),
            (3, Bytes(url)) => text(url)?.clone_into(&mut said.schema_url),
            _ => return None,
        }
        Some(())
    })?;
    // It may come behind the spans.
    for batch in batches.get_mut(first..)? {
        (batch.empty.resource, batch.empty.schema_url) = (said.resource.clone(), said.schema_url.clone());
    }
    Some(())
}

fn read_scope_spans(message: &[u8]) -> Option<Batch<'_>> {
    let (mut said, mut spans) = (ScopeSpans::default(), Vec::with_capacity(message.len() / BYTES));
    each(message, |number, field| {
        match (number, field) {
            (1, Bytes(scope)) if said.scope.is_none() => said.scope = Some(InstrumentationScope::decode(scope).ok()?),
            (2, Bytes(span)) => spans.push(read_span(span)?),
            (3, Bytes(url)) => text(url)?.clone_into(&mut said.schema_url),
            _ => return None,
        }
        Some(())
    })?;
    Some(Batch { empty: ResourceSpans { scope_spans: vec![said], ..ResourceSpans::default() }, spans })
}

fn read_span(message: &[u8]) -> Option<SpanRef<'_>> {
    let mut span = SpanRef { attributes: Vec::with_capacity(ATTRIBUTES), ..SpanRef::default() };
    each(message, |number, field| {
        match (number, field) {
            (1, Bytes(id)) => span.trace_id = id,
            (2, Bytes(id)) => span.span_id = id,
            (3, Bytes(state)) => span.trace_state = text(state)?,
            (4, Bytes(id)) => span.parent_span_id = id,
            (5, Bytes(name)) => span.name = text(name)?,
            (6, Number(kind)) => span.kind = kind as i32,
            (7, Eight(start)) => span.start = u64::from_le_bytes(start),
            (8, Eight(end)) => span.end = u64::from_le_bytes(end),
            (9, Bytes(attribute)) => span.attributes.push(read_attribute(attribute)?),
            (11, Bytes(event)) => span.events.push(read_event(event)?),
            (15, Bytes(status)) if span.status.is_none() => span.status = Some(read_status(status)?),
            (16, Four(flags)) => span.flags = u32::from_le_bytes(flags),
            (10 | 12 | 14, Number(count)) if count as u32 == 0 => {}
            (10, Number(count)) => span.rest().dropped_attributes_count = count as u32,
            (12, Number(count)) => span.rest().dropped_events_count = count as u32,
            (13, Bytes(link)) => span.rest().links.push(Link::decode(link).ok()?),
            (14, Number(count)) => span.rest().dropped_links_count = count as u32,
            _ => return None,
        }
        Some(())
    })?;
    Some(span)
}

fn read_event(message: &[u8]) -> Option<Event<'_>> {
    let mut event = Event::default();
    each(message, |number, field| {
        match (number, field) {
            (1, Eight(time)) => event.time = u64::from_le_bytes(time),
            (2, Bytes(name)) => event.name = text(name)?,
            (3, Bytes(attribute)) => event.attributes.push(read_attribute(attribute)?),
            (4, Number(count)) => event.dropped_attributes_count = count as u32,
            _ => return None,
        }
        Some(())
    })?;
    Some(event)
}

fn read_status(message: &[u8]) -> Option<Status<'_>> {
    let mut status = Status::default();
    each(message, |number, field| {
        match (number, field) {
            (2, Bytes(message)) => status.message = text(message)?,
            (3, Number(code)) => status.code = code as i32,
            _ => return None,
        }
        Some(())
    })?;
    Some(status)
}

fn read_attribute(message: &[u8]) -> Option<Attribute<'_>> {
    let mut attribute = Attribute::default();
    each(message, |number, field| {
        match (number, field) {
            (1, Bytes(key)) => attribute.key = text(key)?,
            (2, Bytes(value)) if matches!(attribute.value, Value::None) => attribute.value = read_value(value)?,
            _ => return None,
        }
        Some(())
    })?;
    Some(attribute)
}

fn read_value(message: &[u8]) -> Option<Value<'_>> {
    let mut value = Value::Empty;
    each(message, |number, field| {
        value = match (number, field) {
            // The last of several counts, but parts of values grow together.
            _ if !matches!(value, Value::Empty) => return None,
            (1, Bytes(said)) => Value::Text(text(said)?),
            (2, Number(flag)) => Value::Flag(flag != 0),
            (3, Number(number)) => Value::Int(number.cast_signed()),
            (4, Eight(number)) => Value::Double(f64::from_le_bytes(number)),
            (5..=7, Bytes(_)) => Value::Other(Box::new(AnyValue::decode(message).ok()?)),
            _ => return None,
        };
        Some(())
    })?;
    Some(value)
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// Calls for each field with its number; none as soon as that gives none, or the message is not written as it should be.
fn each<'m>(mut left: &'m [u8], mut call: impl FnMut(u64, Field<'m>) -> Option<()>) -> Option<()> {
    while !left.is_empty() {
        let key = number(&mut left)?;
        let field = match key & 7 {
            0 => Number(number(&mut left)?),
            1 => Eight(take(&mut left)?),
            2 => {
                let length = usize::try_from(number(&mut left)?).ok()?;
                let (bytes, behind) = left.split_at_checked(length)?;
                left = behind;
                Bytes(bytes)
            }
            5 => Four(take(&mut left)?),
            _ => return None,
        };
        call(key >> 3, field)?;
    }
    Some(())
}

fn take<const N: usize>(left: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, behind) = left.split_first_chunk()?;
    *left = behind;
    Some(*taken)
}

/// Seven bits a byte, the lowest first; the eighth says that more follow. Ten bytes at most, and the tenth can have one bit.
fn number(left: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let [byte] = take(left)?;
        if shift == 63 && byte > 1 {
            return None;
        }
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests;
