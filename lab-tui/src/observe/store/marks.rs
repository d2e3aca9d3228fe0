//! What the spans of a trace are like, in a few bits, set as they come in: a search passes by traces that lack a bit that it needs.
//! Like every index of this kind it may let through what does not match, and never passes by what does.

use std::hash::{BuildHasher as _, Hash};

use foldhash::fast::FixedState;

use super::bytes::Reader;
use super::packed::{Head, Kept, UNNAMED, attribute, attributes};
use super::texts::Texts;
use super::unpacked::Words as _;
use crate::query::{Mark, Number};

/// Of services, names and states; of attributes and their values; of durations by powers of two.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Marks {
    who: u64,
    says: [u64; 3],
    lasts: u64,
}

impl Marks {
    /// Adds what a span is like.
    pub(super) fn add(&mut self, head: &Head, tail: &[u8], service: &str, texts: &Texts) {
        let name = if head.name == UNNAMED { texts.read(Reader::new(tail).said()) } else { texts.text(head.name) };
        self.mark(&Mark::Name(name));
        self.mark(&Mark::Service(service));
        self.mark(&Mark::Status(["unset", "ok", "error"].get(usize::from(head.status)).unwrap_or(&"unset")));
        self.lasts |= 1 << band(head.duration);
        let mut tail = Reader::new(tail);
        for _ in 0..attributes(head, &mut tail) {
            let (key, value) = attribute(&mut tail);
            let key = texts.read(key);
            match value {
                Kept::Text(text) => self.mark(&Mark::Text(key, texts.read(text))),
                Kept::Flag(flag) => self.mark(&Mark::Flag(key, flag)),
                Kept::Int(number) => self.mark(&Mark::Number(key, Number::of_int(number))),
                Kept::Double(number) => self.mark(&Mark::Number(key, Number::of_float(number))),
                Kept::None | Kept::Empty => {}
                // What it is takes more than a glance: it may be anything.
                Kept::Other(_) | Kept::Whole(_) => self.says = [u64::MAX; 3],
            }
        }
    }

    /// Whether a span of the trace may be like that.
    pub(super) fn may_have(&self, mark: &Mark<'_>) -> bool {
        match mark {
            Mark::AtLeast(nanos) => self.lasts & (u64::MAX << band(*nanos)) != 0,
            Mark::AtMost(nanos) => self.lasts & (u64::MAX >> (u64::BITS - 1 - band(*nanos))) != 0,
            Mark::Name(_) | Mark::Service(_) | Mark::Status(_) => self.who & 1 << (hash(mark) % 64) != 0,
            Mark::Text(..) | Mark::Flag(..) | Mark::Number(..) => {
                let (word, bit) = place(hash(mark));
                self.says[word] & bit != 0
            }
        }
    }

    fn mark(&mut self, mark: &Mark<'_>) {
        match mark {
            Mark::Name(_) | Mark::Service(_) | Mark::Status(_) => self.who |= 1 << (hash(mark) % 64),
            _ => {
                let (word, bit) = place(hash(mark));
                self.says[word] |= bit;
            }
        }
    }
}

fn hash(mark: &impl Hash) -> u64 {
    FixedState::default().hash_one(mark)
}

fn place(hash: u64) -> (usize, u64) {
    let word = if hash >> 32 & 3 == 3 { hash >> 40 & 1 } else { hash >> 32 & 3 };
    (usize::try_from(word).unwrap_or(0), 1 << (hash % 64))
}

/// Which power of two a duration is next below; nothing and one nanosecond are alike.
fn band(nanos: u64) -> u32 {
    u64::BITS - 1 - nanos.max(1).leading_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_marked_is_found_and_durations_have_two_sides() {
        let mut marks = Marks { lasts: 1 << band(700), ..Marks::default() };
        let said = [Mark::Name("GET /"), Mark::Service("door"), Mark::Status("error"), Mark::Text("k", "v"), Mark::Flag("k", true)];
        let numbers = [Mark::Number("k", Number::of_int(200)), Mark::Number("z", Number::of_float(-0.0))];
        assert!(said.iter().all(|mark| !marks.may_have(mark)));
        said.iter().chain(&numbers).for_each(|mark| marks.mark(mark));
        assert!(said.iter().chain(&numbers).all(|mark| marks.may_have(mark)));
        assert!(marks.may_have(&Mark::Number("k", Number::of_float(200.0))) && marks.may_have(&Mark::Number("z", Number::of_int(0))));
        let has = |mark| marks.may_have(&mark);
        assert!(has(Mark::AtLeast(700)) && has(Mark::AtLeast(0)) && !has(Mark::AtLeast(1024)) && !has(Mark::AtLeast(u64::MAX)));
        assert!(has(Mark::AtMost(700)) && has(Mark::AtMost(u64::MAX)) && !has(Mark::AtMost(511)) && !has(Mark::AtMost(0)));
    }

    #[test]
    fn few_of_what_was_not_said_may_be_there() {
        let mut marks = Marks::default();
        (0..50).for_each(|number| marks.mark(&Mark::Number("there", Number::of_int(number))));
        let wrong = (0..1000).filter(|number| marks.may_have(&Mark::Number("elsewhere", Number::of_int(*number)))).count();
        assert!(wrong < 350, "{wrong} of 1000");
    }
}
