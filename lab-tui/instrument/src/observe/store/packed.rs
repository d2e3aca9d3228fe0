//! A span as it is kept: a head of a fixed size, and behind it what it says beyond that, in few bytes.
//!
//! Everything that OTLP knows of a span comes out again as it went in. What spans say every day has a short form; what they rarely say
//! (links, values of values, counts of what was dropped) stays as protobuf.

use opentelemetry_proto::tonic::trace::v1 as otlp;
use prost::Message as _;

use super::borrowed::{Attribute, Event, SpanRef, Value};
use super::bytes::{Reader, Said, put_bytes, put_number, put_signed};
use super::texts::{Symbol, Texts};

/// What every span has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) id: [u8; 8],
    /// All zero for a root.
    pub(super) parent: [u8; 8],
    /// Nanoseconds since 1970.
    pub(super) start: u64,
    /// Nanoseconds.
    pub(super) duration: u64,
    /// [`UNNAMED`] where it stands in the tail.
    pub(super) name: Symbol,
    /// Who made it.
    pub(super) origin: u32,
    /// Where its tail begins.
    pub(super) tail: u32,
    /// As OTLP counts them.
    pub(super) kind: u8,
    pub(super) status: u8,
    /// What there is of it.
    pub(super) parts: u16,
}

/// The name is no text that is kept once.
pub(super) const UNNAMED: Symbol = Symbol::MAX;

/// What a tail has beside its attributes, in this order.
pub(super) mod part {
    pub(in crate::observe::store) const NAME: u16 = 1;
    /// There is a status, if only an empty one.
    pub(in crate::observe::store) const STATUS: u16 = 1 << 1;
    pub(in crate::observe::store) const MESSAGE: u16 = 1 << 2;
    pub(in crate::observe::store) const STATE: u16 = 1 << 3;
    pub(in crate::observe::store) const FLAGS: u16 = 1 << 4;
    pub(in crate::observe::store) const EVENTS: u16 = 1 << 5;
    /// What is rare, as protobuf.
    pub(in crate::observe::store) const REST: u16 = 1 << 6;
    /// It says that it ended before it began; the rest says when.
    pub(in crate::observe::store) const BACKWARDS: u16 = 1 << 7;
    /// It is a call of its service.
    pub(in crate::observe::store) const SERVER: u16 = 1 << 8;
    /// It is a call of a database, which an attribute names.
    pub(in crate::observe::store) const DATABASE: u16 = 1 << 9;
}

const SERVER: u8 = 2;
const CLIENT: u8 = 3;

/// The attribute that names a database.
pub(super) const DATABASE: &str = "db.system.name";

/// How a value is written.
mod tag {
    /// There is no value.
    pub(super) const NONE: u8 = 0;
    /// There is one of no kind.
    pub(super) const EMPTY: u8 = 1;
    pub(super) const TEXT: u8 = 2;
    pub(super) const FALSE: u8 = 3;
    pub(super) const TRUE: u8 = 4;
    pub(super) const INT: u8 = 5;
    pub(super) const DOUBLE: u8 = 6;
    /// A value as protobuf.
    pub(super) const OTHER: u8 = 7;
    /// The whole attribute as protobuf.
    pub(super) const WHOLE: u8 = 8;
}

/// Appends what a text is: a symbol, or itself.
pub(super) fn put_text(out: &mut Vec<u8>, texts: &mut Texts, text: &str) {
    match texts.take(text) {
        Some(symbol) => put_symbol(out, symbol),
        None => put_inline(out, text),
    }
}

pub(super) fn put_symbol(out: &mut Vec<u8>, symbol: Symbol) {
    put_number(out, u64::from(symbol) << 1);
}

pub(super) fn put_inline(out: &mut Vec<u8>, text: &str) {
    put_number(out, (text.len() as u64) << 1 | 1);
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn put_int(out: &mut Vec<u8>, number: i64) {
    out.push(tag::INT);
    put_signed(out, number);
}

pub(super) fn put_double(out: &mut Vec<u8>, number: f64) {
    out.push(tag::DOUBLE);
    out.extend_from_slice(&number.to_le_bytes());
}

/// What goes before a text that is a value.
pub(super) fn put_text_tag(out: &mut Vec<u8>) {
    out.push(tag::TEXT);
}

fn put_attributes(out: &mut Vec<u8>, texts: &mut Texts, attributes: &[Attribute<'_>]) {
    put_number(out, attributes.len() as u64);
    for attribute in attributes {
        put_attribute(out, texts, attribute);
    }
}

fn put_attribute(out: &mut Vec<u8>, texts: &mut Texts, attribute: &Attribute<'_>) {
    put_text(out, texts, attribute.key);
    match &attribute.value {
        Value::None => out.push(tag::NONE),
        Value::Empty => out.push(tag::EMPTY),
        Value::Text(text) => {
            put_text_tag(out);
            put_text(out, texts, text);
        }
        Value::Flag(flag) => out.push(if *flag { tag::TRUE } else { tag::FALSE }),
        Value::Int(number) => put_int(out, *number),
        Value::Double(number) => put_double(out, *number),
        Value::Other(value) => {
            out.push(tag::OTHER);
            put_bytes(out, &value.encode_to_vec());
        }
        Value::Whole(attribute) => {
            out.push(tag::WHOLE);
            put_bytes(out, &attribute.encode_to_vec());
        }
    }
}

/// Appends a span's tail to `out`, and gives its head; where the tail will be is for the caller to say. Its IDs are good.
pub(super) fn pack(mut span: SpanRef<'_>, ids: ([u8; 8], [u8; 8]), origin: u32, texts: &mut Texts, out: &mut Vec<u8>) -> Head {
    let (id, parent) = ids;
    let (start, end) = (span.start, span.end);
    let mut parts = 0;
    let sent = span.kind;
    let kind = u8::try_from(sent).ok().filter(|kind| *kind <= 5).unwrap_or_else(|| {
        span.rest().kind = sent;
        0
    });
    match kind {
        SERVER => parts |= part::SERVER,
        CLIENT if span.attributes.iter().any(names_database) => parts |= part::DATABASE,
        _ => {}
    }
    if end < start {
        span.rest().end_time_unix_nano = end;
        parts |= part::BACKWARDS;
    }
    let name = texts.take(span.name).unwrap_or(UNNAMED);
    if name == UNNAMED {
        parts |= part::NAME;
        put_inline(out, span.name);
    }
    put_attributes(out, texts, &span.attributes);
    let mut status = 0;
    if let Some(said) = span.status.take() {
        parts |= part::STATUS;
        status = u8::try_from(said.code).ok().filter(|code| *code <= 2).unwrap_or_else(|| {
            span.rest().status = Some(otlp::Status { code: said.code, ..otlp::Status::default() });
            0
        });
        if !said.message.is_empty() {
            parts |= part::MESSAGE;
            put_text(out, texts, said.message);
        }
    }
    if !span.trace_state.is_empty() {
        parts |= part::STATE;
        put_text(out, texts, span.trace_state);
    }
    if span.flags != 0 {
        parts |= part::FLAGS;
        put_number(out, span.flags.into());
    }
    if !span.events.is_empty() {
        parts |= part::EVENTS;
        put_events(out, texts, start, &span.events);
    }
    if let Some(rest) = span.rest {
        parts |= part::REST;
        put_bytes(out, &rest.encode_to_vec());
    }
    Head { id, parent, start, duration: end.saturating_sub(start), name, origin, tail: 0, kind, status, parts }
}

fn put_events(out: &mut Vec<u8>, texts: &mut Texts, start: u64, events: &[Event<'_>]) {
    put_number(out, events.len() as u64);
    for event in events {
        put_signed(out, event.time.wrapping_sub(start).cast_signed());
        put_text(out, texts, event.name);
        put_number(out, event.dropped_attributes_count.into());
        put_attributes(out, texts, &event.attributes);
    }
}

fn names_database(attribute: &Attribute<'_>) -> bool {
    attribute.key == DATABASE && matches!(attribute.value, Value::Text(_))
}

/// A value as it is kept.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kept<'b> {
    None,
    Empty,
    Text(Said<'b>),
    Flag(bool),
    Int(i64),
    Double(f64),
    Other(&'b [u8]),
    Whole(&'b [u8]),
}

/// The next attribute. A tail that ends too early, which none does, gives nothing more.
pub(super) fn attribute<'b>(tail: &mut Reader<'b>) -> (Said<'b>, Kept<'b>) {
    let key = tail.said();
    let value = match tail.byte() {
        tag::EMPTY => Kept::Empty,
        tag::TEXT => Kept::Text(tail.said()),
        tag::FALSE => Kept::Flag(false),
        tag::TRUE => Kept::Flag(true),
        tag::INT => Kept::Int(tail.signed()),
        tag::DOUBLE => Kept::Double(f64::from_le_bytes(tail.array())),
        tag::OTHER => Kept::Other(tail.bytes()),
        tag::WHOLE => Kept::Whole(tail.bytes()),
        _ => Kept::None,
    };
    (key, value)
}

/// Passes over what goes before the attributes, and gives their number.
pub(super) fn attributes(head: &Head, tail: &mut Reader<'_>) -> u64 {
    if head.parts & part::NAME != 0 {
        tail.said();
    }
    tail.number()
}

/// Each use of a symbol in a span.
pub(super) fn each_symbol(head: &Head, tail: &[u8], mut each: impl FnMut(Symbol)) {
    let mut tail = Reader::new(tail);
    let mut symbol = |said: Said<'_>| {
        if let Said::Symbol(symbol) = said {
            each(symbol);
        }
    };
    let pairs = |tail: &mut Reader<'_>, count: u64, symbol: &mut dyn FnMut(Said<'_>)| {
        for _ in 0..count {
            let (key, value) = attribute(tail);
            symbol(key);
            if let Kept::Text(text) = value {
                symbol(text);
            }
        }
    };
    if head.name != UNNAMED {
        symbol(Said::Symbol(head.name));
    }
    let count = attributes(head, &mut tail);
    pairs(&mut tail, count, &mut symbol);
    for text in [part::MESSAGE, part::STATE] {
        if head.parts & text != 0 {
            symbol(tail.said());
        }
    }
    if head.parts & part::FLAGS != 0 {
        tail.number();
    }
    if head.parts & part::EVENTS != 0 {
        for _ in 0..tail.number() {
            tail.signed();
            symbol(tail.said());
            tail.number();
            let count = tail.number();
            pairs(&mut tail, count, &mut symbol);
        }
    }
}
