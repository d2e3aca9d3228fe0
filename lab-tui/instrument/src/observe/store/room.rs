//! What makes room: the oldest traces and lines go first, as a whole. Pinned traces stay, in a share of the store of their own.

use std::collections::{HashMap, VecDeque};

use foldhash::fast::RandomState;
use lab_facts::event::TraceId;

use super::{Entry, Inner, Store};

/// Pinned traces whose time is over take at most this part of the store: a quarter.
const SHARE: usize = 4;

/// So many pins are remembered of traces that have not come in yet: an exemplar is told as soon as its request has ended, and its
/// trace comes when its exporters get to it.
const AWAITED: usize = 4096;

/// What a pin costs whose trace is not here.
const COST: usize = 96;

#[derive(Debug, Default)]
pub(super) struct Pins {
    /// Of traces that are not here yet.
    awaited: HashMap<TraceId, u32, RandomState>,
    asked: VecDeque<TraceId>,
    /// Pinned traces whose time is over, oldest first, and what they take.
    pub(super) held: VecDeque<TraceId>,
    bytes_held: usize,
}

impl Pins {
    pub(super) fn bytes(&self) -> usize {
        self.asked.len() * COST
    }

    /// What a trace is worth that comes in now.
    pub(super) fn awaited(&mut self, id: TraceId) -> Option<u32> {
        if self.awaited.is_empty() { None } else { self.awaited.remove(&id) }
    }

    /// A trace that is held takes so many bytes more.
    pub(super) fn grew(&mut self, more: usize) {
        self.bytes_held += more;
    }

    fn wait(&mut self, id: TraceId, worth: u32) {
        if self.awaited.insert(id, worth).is_none() {
            self.asked.push_back(id);
        }
        if self.asked.len() > AWAITED {
            self.asked.pop_front().and_then(|oldest| self.awaited.remove(&oldest));
        }
    }
}

impl Store {
    /// Keeps a trace that is here or will be, when others of its time are pushed out. Traces that are kept so take at most a quarter of
    /// the store; where they would take more, of each two neighbours in time the one that is worth less goes. So the one that is worth
    /// most of all stays to the end, and the rest thin out evenly.
    pub fn pin(&self, id: TraceId, worth: u32) {
        let mut inner = self.lock();
        match inner.traces.get_mut(&id) {
            Some(trace) => trace.pinned = trace.pinned.max(Some(worth)),
            None => inner.pins.wait(id, worth),
        }
    }
}

impl Inner {
    pub(super) fn make_room(&mut self) {
        while self.used() > self.limit {
            match self.order.pop_front() {
                Some(Entry::Log(number)) => {
                    let (bytes, unix_nano) = self.logs.evict(number);
                    self.bytes -= bytes;
                    self.drops.evicted_log_lines += 1;
                    self.evicted_until = self.evicted_until.max(unix_nano);
                }
                Some(Entry::Trace(id)) => self.hold_or_evict(id),
                None if self.pins.held.is_empty() => return,
                None => self.thin_out(),
            }
            while self.pins.bytes_held > self.limit / SHARE {
                self.thin_out();
            }
        }
    }

    fn hold_or_evict(&mut self, id: TraceId) {
        match self.traces.get_mut(&id) {
            Some(trace) if trace.pinned.is_some() => {
                trace.held = true;
                self.pins.bytes_held += trace.bytes;
                self.pins.held.push_back(id);
            }
            _ => self.evict(id),
        }
    }

    /// Of each two that are held, one goes; the last one of all as well.
    fn thin_out(&mut self) {
        let worth = |inner: &Self, id: &TraceId| inner.traces.get(id).and_then(|trace| trace.pinned);
        let held = std::mem::take(&mut self.pins.held);
        let is_last = held.len() == 1;
        let mut pairs = held.into_iter();
        while let Some(one) = pairs.next() {
            let keeps = match pairs.next() {
                Some(other) if worth(self, &one) >= worth(self, &other) => (Some(one), Some(other)),
                Some(other) => (Some(other), Some(one)),
                None if is_last => (None, Some(one)),
                None => (Some(one), None),
            };
            self.pins.held.extend(keeps.0);
            keeps.1.into_iter().for_each(|id| self.evict(id));
        }
        if self.pins.held.is_empty() {
            self.pins.bytes_held = 0;
        }
    }

    fn evict(&mut self, id: TraceId) {
        let Some(trace) = self.traces.remove(&id) else { return };
        self.drops.evicted_log_lines += self.logs.evict_trace(id);
        if trace.held {
            self.pins.bytes_held = self.pins.bytes_held.saturating_sub(trace.bytes);
        }
        self.bytes -= trace.bytes;
        self.drops.evicted_traces += 1;
        self.drops.evicted_spans += trace.heads.len() as u64;
        self.evicted_until = self.evicted_until.max(trace.between.map_or(0, |(_, latest)| latest));
        trace.each_symbol(|symbol| self.texts.give_back(symbol));
        trace.heads.iter().for_each(|head| self.origins.give_back(head.origin));
    }
}
