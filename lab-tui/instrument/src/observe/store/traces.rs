//! Traces as they are kept, in a row, and found by their IDs.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use lab_facts::event::TraceId;

use super::marks::Marks;
use super::packed::{Head, each_symbol, part};
use super::texts::Symbol;

/// What a trace costs beside its spans and lines: its own place, those of its ID, and what an allocator keeps for itself.
pub(super) const COST: usize = size_of::<Stored>() + 128;

/// From this many spans on a trace has an index of their IDs.
const INDEXED: usize = 48;

/// A trace as it is kept.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) id: TraceId,
    /// Counted through all traces, so that they can be put in the order in which they came.
    pub(super) number: u64,
    pub(super) heads: Vec<Head>,
    tails: Vec<u8>,
    index: Option<Box<Index>>,
    /// What its spans are like.
    pub(super) marks: Marks,
    /// The earliest and the latest start of a span or moment of a line, in nanoseconds since 1970.
    pub(super) between: Option<(u64, u64)>,
    /// With all that belongs to it, its lines included.
    pub(super) bytes: usize,
    /// How much it is worth keeping, if anybody asked for that.
    pub(super) pinned: Option<u32>,
    /// It is kept although its time is over.
    pub(super) held: bool,
}

#[derive(Debug, Default)]
struct Index {
    spans: HashMap<[u8; 8], u32, RandomState>,
    /// Calls of hops, by their parents: children often arrive before these.
    calls: HashMap<[u8; 8], Vec<u32>, RandomState>,
}

impl Stored {
    fn new(id: TraceId, number: u64) -> Self {
        let (heads, tails) = (Vec::new(), Vec::new());
        Self { id, number, heads, tails, index: None, marks: Marks::default(), between: None, bytes: COST, pinned: None, held: false }
    }

    /// Counts that moment among those of the trace.
    pub(super) fn reaches(&mut self, unix_nano: u64) {
        let (earliest, latest) = self.between.unwrap_or((unix_nano, unix_nano));
        self.between = Some((earliest.min(unix_nano), latest.max(unix_nano)));
    }

    pub(super) fn find(&self, span_id: [u8; 8]) -> Option<&Head> {
        match &self.index {
            Some(index) => self.heads.get(*index.spans.get(&span_id)? as usize),
            None => self.heads.iter().find(|head| head.id == span_id),
        }
    }

    /// The calls of hops that a span made, as far as they are here.
    pub(super) fn calls_by(&self, span_id: [u8; 8]) -> impl Iterator<Item = &Head> {
        let few = if self.index.is_none() { &*self.heads } else { &[] };
        let indexed = self.index.as_ref().and_then(|index| index.calls.get(&span_id)).into_iter().flatten();
        let few = few.iter().filter(move |head| head.parent == span_id && is_call(head));
        few.chain(indexed.filter_map(|place| self.heads.get(*place as usize)))
    }

    /// What a span says beyond its head, and whatever follows it.
    pub(super) fn tail(&self, head: &Head) -> &[u8] {
        self.tails.get(head.tail as usize..).unwrap_or_default()
    }

    /// Each with its own tail, in the order in which they came in.
    pub(super) fn spans(&self) -> impl Iterator<Item = (&Head, &[u8])> {
        let ends = self.heads.iter().skip(1).map(|next| next.tail as usize).chain([self.tails.len()]);
        self.heads.iter().zip(ends).map(|(head, end)| (head, self.tails.get(head.tail as usize..end).unwrap_or_default()))
    }

    /// Adds a span that is not here yet, and gives how many bytes more it takes, and its head, which knows its tail now.
    pub(super) fn push(&mut self, mut head: Head, tail: &[u8]) -> (usize, Head) {
        let before = self.bytes_of_spans();
        make_room(&mut self.heads, 1);
        make_room(&mut self.tails, tail.len());
        // A trace is never as large; see the bound of the store.
        head.tail = u32::try_from(self.tails.len()).unwrap_or(u32::MAX);
        self.tails.extend_from_slice(tail);
        self.heads.push(head);
        self.reaches(head.start);
        if let Some(index) = &mut self.index {
            index.add(self.heads.len() - 1, &head);
        } else if self.heads.len() > INDEXED {
            let mut index = Index::default();
            self.heads.iter().enumerate().for_each(|(place, head)| index.add(place, head));
            self.index = Some(Box::new(index));
        }
        let more = self.bytes_of_spans() - before;
        self.bytes += more;
        (more, head)
    }

    /// Each use of a symbol in it.
    pub(super) fn each_symbol(&self, mut each: impl FnMut(Symbol)) {
        self.heads.iter().for_each(|head| each_symbol(head, self.tail(head), &mut each));
    }

    fn bytes_of_spans(&self) -> usize {
        // Of an index: an ID, a place and a list for each span, in tables with room to grow.
        let index = if self.index.is_some() { self.heads.capacity() * 96 } else { 0 };
        self.heads.capacity() * size_of::<Head>() + self.tails.capacity() + index
    }
}

impl Index {
    fn add(&mut self, place: usize, head: &Head) {
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        self.spans.insert(head.id, place);
        if is_call(head) {
            self.calls.entry(head.parent).or_default().push(place);
        }
    }
}

pub(super) fn is_call(head: &Head) -> bool {
    head.parts & (part::SERVER | part::DATABASE) != 0
}

/// Grows by halves: there are many traces, and doubling would leave a third of them empty.
fn make_room<T>(list: &mut Vec<T>, more: usize) {
    let wanted = list.len() + more;
    if wanted > list.capacity() {
        list.reserve_exact(wanted.max(list.len() + list.len() / 2) - list.len());
    }
}

/// All traces there are.
#[derive(Debug, Default)]
pub(super) struct Traces {
    places: HashMap<TraceId, u32, RandomState>,
    row: Vec<Option<Stored>>,
    free: Vec<u32>,
    /// How many there ever were.
    count: u64,
}

impl Traces {
    pub(super) fn get(&self, id: &TraceId) -> Option<&Stored> {
        self.row.get(*self.places.get(id)? as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, id: &TraceId) -> Option<&mut Stored> {
        self.row.get_mut(*self.places.get(id)? as usize)?.as_mut()
    }

    /// The trace of that ID, an empty one where there was none; and whether there was none.
    pub(super) fn get_or_insert(&mut self, id: TraceId) -> (&mut Stored, bool) {
        let (row, free) = (&mut self.row, &mut self.free);
        let place = *self.places.entry(id).or_insert_with(|| {
            free.pop().unwrap_or_else(|| {
                row.push(None);
                // Each takes some hundred bytes.
                u32::try_from(row.len() - 1).unwrap_or(u32::MAX)
            })
        });
        let place = &mut self.row[place as usize];
        let is_new = place.is_none();
        self.count += u64::from(is_new);
        (place.get_or_insert_with(|| Stored::new(id, self.count)), is_new)
    }

    pub(super) fn remove(&mut self, id: &TraceId) -> Option<Stored> {
        let place = self.places.remove(id)?;
        self.free.push(place);
        self.row.get_mut(place as usize)?.take()
    }

    /// Those of a stretch of places, of which there are [`Self::places`]. In no order.
    pub(super) fn stretch(&self, from: usize, count: usize) -> impl Iterator<Item = &Stored> {
        self.row.iter().skip(from).take(count).flatten()
    }

    pub(super) fn places(&self) -> usize {
        self.row.len()
    }
}
