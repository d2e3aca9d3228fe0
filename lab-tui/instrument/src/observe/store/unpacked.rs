//! From a span as it is kept to what was sent.

use std::collections::HashMap;
use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::{Span, Status, span::Event};
use prost::Message as _;

use super::bytes::{Reader, Said};
use super::packed::{Head, Kept, UNNAMED, attribute, part};
use super::texts::{Symbol, Texts};

/// Who knows what symbols stand for.
pub(super) trait Words {
    fn word(&self, symbol: Symbol) -> &str;

    fn read<'w>(&'w self, said: Said<'w>) -> &'w str {
        match said {
            Said::Symbol(symbol) => self.word(symbol),
            Said::Inline(text) => text,
        }
    }
}

impl Words for Texts {
    fn word(&self, symbol: Symbol) -> &str {
        self.text(symbol)
    }
}

/// The words of one trace, to be read when the store is not held any more.
#[derive(Debug, Default)]
pub(super) struct Excerpt(pub(super) HashMap<Symbol, Arc<str>, foldhash::fast::RandomState>);

impl Words for Excerpt {
    fn word(&self, symbol: Symbol) -> &str {
        self.0.get(&symbol).map_or("", |text| text)
    }
}

/// The span as it came in. A parent's ID of zeros, which means none, is not there any more.
pub(super) fn unpack(trace_id: &[u8; 16], head: &Head, tail: &[u8], words: &impl Words) -> Span {
    let mut tail = Reader::new(tail);
    let has = |part: u16| head.parts & part != 0;
    let name = if has(part::NAME) { tail.said() } else { Said::Symbol(head.name) };
    debug_assert!(has(part::NAME) == (head.name == UNNAMED));
    let count = tail.number();
    let attributes = pairs(&mut tail, count, words);
    let message = if has(part::MESSAGE) { text(&mut tail, words) } else { String::new() };
    let trace_state = if has(part::STATE) { text(&mut tail, words) } else { String::new() };
    let flags = if has(part::FLAGS) { u32::try_from(tail.number()).unwrap_or_default() } else { 0 };
    let events = if has(part::EVENTS) { events(&mut tail, head.start, words) } else { Vec::new() };
    let rest = if has(part::REST) { Span::decode(tail.bytes()).unwrap_or_default() } else { Span::default() };
    let code = rest.status.as_ref().map_or(head.status.into(), |status| status.code);
    Span {
        trace_id: trace_id.to_vec(),
        span_id: head.id.to_vec(),
        parent_span_id: if head.parent == [0; 8] { Vec::new() } else { head.parent.to_vec() },
        trace_state,
        flags,
        name: words.read(name).to_owned(),
        kind: if rest.kind == 0 { head.kind.into() } else { rest.kind },
        start_time_unix_nano: head.start,
        end_time_unix_nano: if has(part::BACKWARDS) { rest.end_time_unix_nano } else { head.start.saturating_add(head.duration) },
        attributes,
        events,
        status: has(part::STATUS).then_some(Status { message, code }),
        ..rest
    }
}

fn text(tail: &mut Reader<'_>, words: &impl Words) -> String {
    words.read(tail.said()).to_owned()
}

fn pairs(tail: &mut Reader<'_>, count: u64, words: &impl Words) -> Vec<KeyValue> {
    (0..count)
        .map(|_| {
            let (key, value) = attribute(tail);
            let value = match value {
                Kept::None => None,
                Kept::Empty => Some(None),
                Kept::Text(text) => Some(Some(Value::StringValue(words.read(text).to_owned()))),
                Kept::Flag(flag) => Some(Some(Value::BoolValue(flag))),
                Kept::Int(number) => Some(Some(Value::IntValue(number))),
                Kept::Double(number) => Some(Some(Value::DoubleValue(number))),
                Kept::Other(bytes) => Some(AnyValue::decode(bytes).unwrap_or_default().value),
                Kept::Whole(bytes) => return KeyValue::decode(bytes).unwrap_or_default(),
            };
            KeyValue { key: words.read(key).to_owned(), value: value.map(|value| AnyValue { value }), ..KeyValue::default() }
        })
        .collect()
}

fn events(tail: &mut Reader<'_>, start: u64, words: &impl Words) -> Vec<Event> {
    (0..tail.number())
        .map(|_| {
            let time_unix_nano = start.wrapping_add(tail.signed().cast_unsigned());
            let name = text(tail, words);
            let dropped_attributes_count = u32::try_from(tail.number()).unwrap_or_default();
            let count = tail.number();
            Event { time_unix_nano, name, dropped_attributes_count, attributes: pairs(tail, count, words) }
        })
        .collect()
}
