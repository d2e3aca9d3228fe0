//! Looking through the store. What is at hand of each span tells most traces that cannot match; the others are copied out one by one
//! and taken apart when the store is not held any more, so that nobody who brings spans waits for whoever looks.

use std::ops::Range;

use lab_facts::event::TraceId;
use lab_facts::query::{Glance, Glimpse, Mark, Query, Sieve};
use lab_facts::trace::Trace;
use serde_json::Value as Json;

use super::bytes::{Reader, Said};
use super::packed::{Head, Kept, UNNAMED, attribute, attributes};
use super::texts::{Symbol, Texts};
use super::unpacked::Words as _;
use super::{Inner, Store, Stored};

/// How many traces are looked at before somebody else has a turn: about a millisecond's worth.
const TURN: usize = 2048;

/// A trace that may match.
struct Candidate {
    id: TraceId,
    /// In the order in which they came in.
    number: u64,
    /// The start of its first span, in nanoseconds since 1970.
    start: u64,
}

impl Store {
    /// Every trace that matches with a span that began in one of `windows`, in nanoseconds since 1970: the trace without its log lines, and
    /// the indices of those spans. In the order in which the traces came in, oldest first.
    pub fn search(&self, query: &Query, windows: &[Range<u64>], mut found: impl FnMut(&Trace, &[usize])) {
        let mut candidates = self.candidates(&query.sieve(), windows);
        candidates.sort_unstable_by_key(|candidate| candidate.number);
        for candidate in candidates {
            self.look_at(candidate.id, query, windows, &mut found);
        }
    }

    /// The same for the traces that began last, latest first, and of these at most `limit`: the others are not taken apart.
    pub fn search_newest(&self, query: &Query, windows: &[Range<u64>], limit: usize, mut found: impl FnMut(&Trace, &[usize])) {
        let mut candidates = self.candidates(&query.sieve(), windows);
        candidates.sort_unstable_by_key(|candidate| (std::cmp::Reverse(candidate.start), candidate.number));
        let mut count = 0;
        for candidate in candidates {
            if count == limit {
                return;
            }
            count += usize::from(self.look_at(candidate.id, query, windows, &mut found));
        }
    }

    /// Whether something was pushed out that may have happened at that moment, in nanoseconds since 1970, or later.
    pub fn has_evicted_since(&self, unix_nano: u64) -> bool {
        let inner = self.lock();
        inner.evicted_until > 0 && inner.evicted_until >= unix_nano
    }

    fn candidates(&self, sieve: &Sieve<'_>, windows: &[Range<u64>]) -> Vec<Candidate> {
        let (mut found, mut place) = (Vec::new(), 0);
        loop {
            let inner = self.lock();
            if place >= inner.traces.places() {
                return found;
            }
            let glasses = Glasses::new(&inner, sieve.keys());
            let may_match = |trace: &&Stored| {
                let has = |mark: &Mark<'_>| match mark {
                    Mark::Resource(key) => glasses.may_be_of_resources(key),
                    mark => trace.marks.may_have(mark),
                };
                trace.is_within(windows) && sieve.may_let_through(&has)
            };
            for trace in inner.traces.stretch(place, TURN).filter(may_match) {
                let spans = trace.heads.iter().map(|head| Seen { head, trace, glasses: &glasses });
                if sieve.lets_through(&spans) {
                    let start = trace.heads.iter().map(|head| head.start).min().unwrap_or_default();
                    found.push(Candidate { id: trace.id, number: trace.number, start });
                }
            }
            place += TURN;
        }
    }

    /// Whether a trace matches indeed.
    fn look_at(&self, id: TraceId, query: &Query, windows: &[Range<u64>], found: &mut impl FnMut(&Trace, &[usize])) -> bool {
        // It may have been pushed out a moment ago.
        let Some(trace) = self.spans_of(id) else { return false };
        let mut matched = query.matches(&trace);
        matched.retain(|index| is_within(windows, trace.spans[*index].start_unix_nano));
        if !matched.is_empty() {
            found(&trace, &matched);
        }
        !matched.is_empty()
    }
}

impl Stored {
    fn is_within(&self, windows: &[Range<u64>]) -> bool {
        self.between.is_some_and(|(earliest, latest)| windows.iter().any(|window| earliest < window.end && latest >= window.start))
    }
}

pub(super) fn is_within(windows: &[Range<u64>], unix_nano: u64) -> bool {
    windows.iter().any(|window| window.contains(&unix_nano))
}

/// What is looked up once for many spans.
struct Glasses<'i> {
    texts: &'i Texts,
    /// Each key that is asked for, and its symbol.
    keys: Vec<(&'i str, Option<Symbol>)>,
    /// What each origin's resource has of each key, by the origin's number and the key's.
    resources: Vec<Glimpse<'i>>,
}

impl<'i> Glasses<'i> {
    fn new(inner: &'i Inner, keys: &[&'i str]) -> Self {
        let mut resources = vec![Glimpse::Absent; inner.origins.len() * keys.len()];
        for (number, origin) in inner.origins.each() {
            for (place, key) in resources[number * keys.len()..].iter_mut().zip(keys) {
                *place = origin.attributes.get(key).map_or(Glimpse::Absent, of_json);
            }
        }
        Self { texts: &inner.texts, keys: keys.iter().map(|key| (*key, inner.texts.find(key))).collect(), resources }
    }

    /// Whether anybody's resource has an attribute of that key.
    fn may_be_of_resources(&self, key: &str) -> bool {
        let place = self.keys.iter().position(|(known, _)| *known == key);
        place.is_none_or(|place| self.resources.iter().skip(place).step_by(self.keys.len()).any(|seen| *seen != Glimpse::Absent))
    }
}

/// A span as it is kept, looked at through these.
struct Seen<'i, 'g> {
    head: &'i Head,
    trace: &'i Stored,
    glasses: &'g Glasses<'i>,
}

impl Glance for Seen<'_, '_> {
    fn name(&self) -> &str {
        if self.head.name != UNNAMED {
            return self.glasses.texts.text(self.head.name);
        }
        self.glasses.texts.read(Reader::new(self.trace.tail(self.head)).said())
    }

    fn kind(&self) -> &str {
        match self.head.kind {
            2 => "server",
            3 => "client",
            4 => "producer",
            5 => "consumer",
            _ => "internal",
        }
    }

    fn status(&self) -> &str {
        match self.head.status {
            1 => "ok",
            2 => "error",
            _ => "unset",
        }
    }

    fn duration_nano(&self) -> u64 {
        self.head.duration
    }

    fn attribute(&self, key: usize) -> Glimpse<'_> {
        let (wanted, symbol) = self.glasses.keys[key];
        let mut tail = Reader::new(self.trace.tail(self.head));
        let mut found = Glimpse::Absent;
        for _ in 0..attributes(self.head, &mut tail) {
            let (key, value) = attribute(&mut tail);
            let is_wanted = match key {
                Said::Symbol(key) => Some(key) == symbol,
                Said::Inline(key) => key == wanted,
            };
            // The last one of a key counts, as everywhere.
            if is_wanted {
                found = match value {
                    Kept::None | Kept::Empty => Glimpse::Nil,
                    Kept::Text(text) => Glimpse::Text(self.glasses.texts.read(text)),
                    Kept::Flag(flag) => Glimpse::Flag(flag),
                    Kept::Int(number) => Glimpse::Int(number),
                    Kept::Double(number) if number.is_finite() => Glimpse::Float(number),
                    Kept::Double(_) => Glimpse::Nil,
                    Kept::Other(_) | Kept::Whole(_) => Glimpse::Hidden,
                };
            }
        }
        found
    }

    fn resource(&self, key: usize) -> Glimpse<'_> {
        let place = self.head.origin as usize * self.glasses.keys.len() + key;
        self.glasses.resources.get(place).copied().unwrap_or(Glimpse::Hidden)
    }
}

fn of_json(value: &Json) -> Glimpse<'_> {
    match value {
        Json::String(text) => Glimpse::Text(text),
        Json::Bool(flag) => Glimpse::Flag(*flag),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(int), _) => Glimpse::Int(int),
            (None, Some(float)) => Glimpse::Float(float),
            (None, None) => Glimpse::Nil,
        },
        Json::Array(_) => Glimpse::Hidden,
        Json::Null | Json::Object(_) => Glimpse::Nil,
    }
}
