//! What the spans of a trace are like, in a few bits, set as they come in: a search passes by traces that lack a bit that it needs.
//! Like every index of this kind it may let through what does not match, and never passes by what does.

use std::hash::{BuildHasher as _, Hash};

use foldhash::fast::FixedState;
use lab_facts::query::{Mark, Number};

use super::bytes::Reader;
use super::packed::{Head, Kept, UNNAMED, attribute, attributes};
use super::texts::{Texts, hash_of};

/// Of states, services and names; of attributes and their values; of durations by powers of two.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Marks {
    who: u64,
    /// Two bits for each: one alone is too often somebody else's.
    says: [u64; 4],
    lasts: u64,
}

/// The lowest bits are those of `unset`, `ok` and `error`.
const STATES: [&str; 3] = ["unset", "ok", "error"];

/// In the place of the hash of a value that takes more than a glance, such as a list: the attribute may be whatever is asked for.
const ANYTHING: u64 = 0x616e_7974_6869_6e67;

impl Marks {
    /// Adds what a span is like.
    pub(super) fn add(&mut self, head: &Head, tail: &[u8], service: &str, texts: &Texts) {
        let name = if head.name == UNNAMED { hash_of(Reader::new(tail).said(), texts) } else { texts.hash(head.name) };
        self.who |= of_who(name) | of_who(hash(service)) | 1 << head.status.min(2);
        self.lasts |= 1 << band(head.duration);
        let mut tail = Reader::new(tail);
        for _ in 0..attributes(head, &mut tail) {
            let (key, value) = attribute(&mut tail);
            let key = hash_of(key, texts);
            match value {
                Kept::Text(text) => self.say(key, hash_of(text, texts)),
                Kept::Flag(flag) => self.say(key, hash(&flag)),
                Kept::Int(number) => self.say(key, hash(&Number::of_int(number))),
                Kept::Double(number) => self.say(key, hash(&Number::of_float(number))),
                Kept::None | Kept::Empty => {}
                Kept::Other(_) | Kept::Whole(_) => self.say(key, ANYTHING),
            }
        }
    }

    /// Whether a span of the trace may be like that.
    pub(super) fn may_have(&self, mark: &Mark<'_>) -> bool {
        match mark {
            Mark::AtLeast(nanos) => self.lasts & (u64::MAX << band(*nanos)) != 0,
            Mark::AtMost(nanos) => self.lasts & (u64::MAX >> (u64::BITS - 1 - band(*nanos))) != 0,
            Mark::Status(status) => STATES.iter().position(|state| state == status).is_none_or(|state| self.who & 1 << state != 0),
            Mark::Name(text) | Mark::Service(text) => self.who & of_who(hash(*text)) != 0,
            Mark::Text(key, text) => self.may_say(hash(*key), hash(*text)),
            Mark::Flag(key, flag) => self.may_say(hash(*key), hash(flag)),
            Mark::Number(key, number) => self.may_say(hash(*key), hash(number)),
            // That is for whoever knows the resources.
            Mark::Resource(_) => true,
        }
    }

    fn say(&mut self, key: u64, value: u64) {
        places(key, value).into_iter().for_each(|(word, bit)| self.says[word] |= bit);
    }

    fn may_say(&self, key: u64, value: u64) -> bool {
        let has = |value| places(key, value).into_iter().all(|(word, bit)| self.says[word] & bit != 0);
        has(value) || has(ANYTHING)
    }
}

/// As texts are hashed: what is kept knows its own.
pub(super) fn hash(what: &(impl Hash + ?Sized)) -> u64 {
    FixedState::default().hash_one(what)
}

fn of_who(hash: u64) -> u64 {
    1 << (3 + hash % 61)
}

fn places(key: u64, value: u64) -> [(usize, u64); 2] {
    let both = (key.rotate_left(23) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    // The upper bits of a product are the good ones.
    [both >> 56, both >> 48 & 255].map(|place| (usize::try_from(place / 64).unwrap_or(0), 1 << (place % 64)))
}

/// Which power of two a duration is next below; nothing and one nanosecond are alike.
fn band(nanos: u64) -> u32 {
    u64::BITS - 1 - nanos.max(1).leading_zeros()
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, any_value::Value};
    use opentelemetry_proto::tonic::trace::v1::{Span, Status};

    use super::super::packed::pack;
    use super::*;

    /// What a store makes of a span that says that.
    fn marks(name: &str, service: &str, nanos: u64, status: i32, attributes: Vec<KeyValue>) -> Marks {
        let (mut texts, mut tail) = (Texts::new(1 << 20), Vec::new());
        let span = Span {
            name: name.to_owned(),
            end_time_unix_nano: nanos,
            status: Some(Status { code: status, ..Status::default() }),
            attributes,
            ..Span::default()
        };
        let mut marks = Marks::default();
        // From its second time on a text is kept elsewhere.
        for _ in 0..2 {
            tail.clear();
            let head = pack((&span).into(), ([1; 8], [0; 8]), 0, &mut texts, &mut tail);
            let mut these = Marks::default();
            these.add(&head, &tail, service, &texts);
            assert!(marks.says == [0; 4] || marks.says == these.says, "a text is marked alike wherever it stands");
            marks = these;
        }
        marks
    }

    fn said(key: &str, value: Value) -> KeyValue {
        KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
    }

    #[test]
    fn what_is_marked_is_found_and_durations_have_two_sides() {
        let attributes = [
            said("key", Value::StringValue("value".to_owned())),
            said("flag", Value::BoolValue(true)),
            said("number", Value::IntValue(200)),
            said("zero", Value::DoubleValue(-0.0)),
            said("list", Value::ArrayValue(ArrayValue::default())),
        ];
        let marks = marks("GET /", "door", 700, 2, attributes.to_vec());
        let has = |mark| marks.may_have(&mark);
        assert!(has(Mark::Name("GET /")) && has(Mark::Service("door")) && has(Mark::Status("error")) && !has(Mark::Status("ok")));
        assert!(has(Mark::Text("key", "value")) && has(Mark::Flag("flag", true)));
        assert!(has(Mark::Number("number", Number::of_float(200.0))) && has(Mark::Number("zero", Number::of_int(0))));
        assert!(has(Mark::Text("list", "value")) && has(Mark::Number("list", Number::of_int(7))), "a list is not looked into");
        assert!(!has(Mark::Text("key", "others")) && !has(Mark::Flag("flag", false)) && !has(Mark::Number("number", Number::of_int(201))));
        assert!(has(Mark::AtLeast(700)) && has(Mark::AtLeast(0)) && !has(Mark::AtLeast(1024)) && !has(Mark::AtLeast(u64::MAX)));
        assert!(has(Mark::AtMost(700)) && has(Mark::AtMost(u64::MAX)) && !has(Mark::AtMost(511)) && !has(Mark::AtMost(0)));
    }

    #[test]
    fn few_of_what_was_not_said_may_be_there() {
        let attributes = (0..50).map(|number| said("there", Value::IntValue(number))).collect();
        let marks = marks("n", "s", 1, 0, attributes);
        let wrong = (0..1000).filter(|number| marks.may_have(&Mark::Number("elsewhere", Number::of_int(*number)))).count();
        assert!(wrong < 150, "{wrong} of 1000");
    }
}
