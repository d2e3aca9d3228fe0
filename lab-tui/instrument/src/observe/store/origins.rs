//! Who made spans: a resource and a scope, kept once for all spans that share them, and given back with the last of these.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use lab_facts::trace::Resource;
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use prost::Message as _;

use crate::observe::import;

/// What one costs beside what it says, which is kept twice: as it was sent, and as attributes by their keys.
const COST: usize = 896;
const COST_OF_ATTRIBUTE: usize = 128;

#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub(super) service: Arc<str>,
    /// The batch as it was sent, without its spans.
    pub(super) said: Arc<[u8]>,
    pub(super) attributes: Resource,
}

#[derive(Debug, Default)]
pub(super) struct Origins {
    numbers: HashMap<Arc<[u8]>, u32, RandomState>,
    kept: Vec<Option<Held>>,
    free: Vec<u32>,
    bytes: usize,
    scratch: Vec<u8>,
}

#[derive(Debug)]
struct Held {
    origin: Origin,
    uses: usize,
    bytes: usize,
}

impl Origins {
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The number of the origin that a batch without its spans tells, and one use of it. `service` names it.
    pub(super) fn take(&mut self, empty: &ResourceSpans, service: impl FnOnce() -> Arc<str>) -> u32 {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        // A buffer that grows has room for everything.
        let _ = empty.encode(&mut scratch);
        let number = match self.numbers.get(&*scratch) {
            Some(number) => *number,
            None => self.insert(empty, &scratch, service()),
        };
        self.again(number);
        self.scratch = scratch;
        number
    }

    /// One use more.
    pub(super) fn again(&mut self, number: u32) {
        if let Some(Some(held)) = self.kept.get_mut(number as usize) {
            held.uses += 1;
        }
    }

    /// One use less.
    pub(super) fn give_back(&mut self, number: u32) {
        let Some(place) = self.kept.get_mut(number as usize) else { return };
        let Some(held) = place else { return };
        held.uses = held.uses.saturating_sub(1);
        if held.uses == 0 {
            self.bytes -= held.bytes;
            self.numbers.remove(&held.origin.said);
            *place = None;
            self.free.push(number);
        }
    }

    pub(super) fn get(&self, number: u32) -> Option<&Origin> {
        Some(&self.kept.get(number as usize)?.as_ref()?.origin)
    }

    /// Each that is in use, with its number.
    pub(super) fn each(&self) -> impl Iterator<Item = (usize, &Origin)> {
        self.kept.iter().enumerate().filter_map(|(number, held)| Some((number, &held.as_ref()?.origin)))
    }

    /// One more than the highest number.
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    fn insert(&mut self, empty: &ResourceSpans, said: &[u8], service: Arc<str>) -> u32 {
        let attributes = empty.resource.as_ref().map(|resource| resource.attributes.clone()).unwrap_or_default();
        let bytes = COST + 2 * said.len() + COST_OF_ATTRIBUTE * attributes.len();
        let said: Arc<[u8]> = said.into();
        let origin = Origin { service, said: Arc::clone(&said), attributes: import::resource(attributes) };
        let held = Some(Held { origin, uses: 0, bytes });
        let number = self.free.pop().unwrap_or_else(|| {
            self.kept.push(None);
            // There are never as many spans, of which each origin has one.
            u32::try_from(self.kept.len() - 1).unwrap_or(u32::MAX)
        });
        self.kept[number as usize] = held;
        self.numbers.insert(said, number);
        self.bytes += bytes;
        number
    }
}
