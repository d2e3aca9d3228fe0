//! Whether the spans and log lines of a run hang together, known as they come in: children often come before their parents, so what is
//! missing is counted when somebody asks, and no trace is walked for it.
//!
//! A trace is watched until so many newer ones have come in that nothing more is to be expected of it; what it lacks then, it lacks
//! for good. Memory is bounded thereby, whatever is sent.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use lab_facts::event::{EXAMPLES, Flaw, FlawKind, TraceId};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use super::{SpanRef, Store};
use crate::observe::semconv;

/// How many traces are watched: half a minute of a thousand a second.
const TRACES: usize = 1 << 15;

/// How many spans of theirs.
const SPANS: usize = 1 << 20;

/// What is wrong with a parent.
const CONTEXT_DROPPED: &str = "its caller's context was dropped";
const OWN_PARENT: &str = "it is its own parent";
const CIRCLE: &str = "its trace has no root and goes round in a circle";

/// The watch over one run.
#[derive(Debug)]
pub(super) struct Integrity {
    /// What began before, in nanoseconds since 1970, belongs to no run.
    since: u64,
    traces: HashMap<TraceId, Watched>,
    /// Oldest first.
    order: VecDeque<TraceId>,
    spans: usize,
    /// Children and lines that wait for a span of theirs.
    waiting: u64,
    /// Calls that were answered, and of whose SERVER span nothing is known.
    unserved: u64,
    /// SERVER spans without a caller, by service.
    uncalled: BTreeMap<Arc<str>, Tally>,
    /// What is certain.
    certain: Tallies,
}

/// What is watched of a span.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) trace: TraceId,
    pub(super) span: [u8; 8],
    /// All zero for none.
    pub(super) parent: [u8; 8],
    pub(super) start_unix_nano: u64,
    pub(super) is_server: bool,
    /// A CLIENT span of a request that got an answer over HTTP.
    pub(super) is_answered_call: bool,
}

impl Seen {
    pub(super) fn of(trace: TraceId, id: [u8; 8], parent: [u8; 8], span: &SpanRef<'_>) -> Self {
        let has_status = || {
            let mut keys = span.attributes.iter().map(|attribute| attribute.key);
            keys.any(|key| matches!(key, "http.response.status_code" | "http.status_code"))
        };
        Self {
            trace,
            span: id,
            parent,
            start_unix_nano: span.start,
            is_server: span.kind() == SpanKind::Server,
            is_answered_call: span.kind() == SpanKind::Client && has_status(),
        }
    }
}

type Tallies = BTreeMap<(FlawKind, Arc<str>, &'static str), Tally>;

#[derive(Debug, Clone, Default)]
struct Tally {
    count: u64,
    examples: Vec<TraceId>,
}

impl Tally {
    fn add(&mut self, count: u64, trace: Option<TraceId>) {
        self.count += count;
        let new = trace.filter(|trace| self.examples.len() < EXAMPLES && !self.examples.contains(trace));
        self.examples.extend(new);
    }
}

#[derive(Debug, Default)]
struct Watched {
    /// Of the first span that came in.
    service: Option<Arc<str>>,
    has_root: bool,
    nodes: HashMap<[u8; 8], Node>,
    /// Lines that came before any span, by service.
    lines: Vec<(Arc<str>, u64)>,
}

/// A span that has come in, or one that others name as their parent.
#[derive(Debug, Default)]
struct Node {
    came: bool,
    /// A SERVER span has it as its parent.
    served: bool,
    /// It is a call that was answered.
    answered: bool,
    /// The services of its children, while it has not come in.
    children: Vec<Arc<str>>,
}

impl Store {
    /// Watches what comes in from now on and began at this moment, in nanoseconds since 1970, or later; nothing of an earlier watch is
    /// left.
    pub fn watch_integrity(&self, since_unix_nano: u64) {
        self.lock().integrity = Some(Box::new(Integrity::new(since_unix_nano)));
    }

    /// How many children and lines wait for a span of theirs.
    pub fn unsettled(&self) -> u64 {
        self.lock().integrity.as_ref().map_or(0, |integrity| integrity.waiting)
    }

    /// Ends the watch, and tells what does not hang together, by kind and service.
    pub fn flaws(&self) -> Vec<Flaw> {
        let integrity = self.lock().integrity.take();
        integrity.map(|integrity| integrity.flaws()).unwrap_or_default()
    }
}

impl Integrity {
    fn new(since: u64) -> Self {
        Self {
            since,
            traces: HashMap::new(),
            order: VecDeque::new(),
            spans: 0,
            waiting: 0,
            unserved: 0,
            uncalled: BTreeMap::new(),
            certain: Tallies::new(),
        }
    }

    /// A span of a service that came in for the first time.
    pub(super) fn add_span(&mut self, seen: &Seen, service: &Arc<str>) {
        let counts = seen.start_unix_nano >= self.since;
        let trace = watched(&mut self.traces, &mut self.order, seen.trace);
        trace.service.get_or_insert_with(|| Arc::clone(service));
        self.waiting -= trace.lines.drain(..).map(|(_, count)| count).sum::<u64>();
        let node = entry(&mut trace.nodes, &mut self.spans, seen.span);
        node.came = true;
        self.waiting -= std::mem::take(&mut node.children).len() as u64;
        if seen.is_answered_call && counts {
            node.answered = true;
            self.unserved += u64::from(!node.served);
        }
        if seen.parent == [0; 8] {
            trace.has_root = true;
            if seen.is_server && counts {
                self.uncalled.entry(Arc::clone(service)).or_default().add(1, Some(seen.trace));
            }
        } else if seen.parent == seen.span {
            // It hangs off nothing, and is what its trace begins with.
            trace.has_root = true;
            if counts {
                tally(&mut self.certain, FlawKind::BrokenParent, service, OWN_PARENT).add(1, Some(seen.trace));
            }
        } else {
            let parent = entry(&mut trace.nodes, &mut self.spans, seen.parent);
            if seen.is_server && !parent.served {
                parent.served = true;
                self.unserved -= u64::from(parent.answered);
            }
            if !parent.came && counts {
                parent.children.push(Arc::clone(service));
                self.waiting += 1;
            }
        }
        self.keep_bounds();
    }

    /// What the same span says of its call.
    pub(super) fn add_attributes(&mut self, seen: &Seen, service: &Arc<str>, span: &SpanRef<'_>) {
        if seen.start_unix_nano >= self.since {
            let certain = &mut self.certain;
            semconv::violations(span, |what| tally(certain, FlawKind::SemconvViolation, service, what).add(1, Some(seen.trace)));
        }
    }

    /// A log line, with what is known of it: when it was written, its trace, and whether it tells of a request.
    pub(super) fn add_line(&mut self, service: &Arc<str>, unix_nano: u64, trace: Option<TraceId>, is_of_a_request: bool) {
        if unix_nano < self.since {
            return;
        }
        let Some(id) = trace else {
            if is_of_a_request {
                tally(&mut self.certain, FlawKind::LogWithoutTrace, service, "").add(1, None);
            }
            return;
        };
        let trace = watched(&mut self.traces, &mut self.order, id);
        if trace.service.is_some() {
            return;
        }
        self.waiting += 1;
        match trace.lines.iter_mut().find(|(known, _)| known == service) {
            Some((_, count)) => *count += 1,
            None => trace.lines.push((Arc::clone(service), 1)),
        }
        self.keep_bounds();
    }

    fn keep_bounds(&mut self) {
        while self.traces.len() > TRACES || self.spans > SPANS {
            let Some((id, trace)) = self.order.pop_front().and_then(|id| Some((id, self.traces.remove(&id)?))) else { return };
            self.spans -= trace.nodes.len();
            self.waiting -= trace.waiting();
            trace.tell(id, &mut self.certain);
        }
    }

    fn flaws(self) -> Vec<Flaw> {
        let mut all = self.certain;
        for (id, trace) in &self.traces {
            trace.tell(*id, &mut all);
        }
        // A SERVER span without a caller may be of a request that nobody traces. It is one whose caller's context was dropped where there
        // is such a call, one that was answered by nobody known.
        let mut calls = self.unserved;
        for (service, Tally { count, examples }) in self.uncalled {
            let count = count.min(calls);
            calls -= count;
            if count > 0 {
                let tally = tally(&mut all, FlawKind::BrokenParent, &service, CONTEXT_DROPPED);
                examples.into_iter().for_each(|id| tally.add(0, Some(id)));
                tally.count += count;
            }
        }
        let flaw = |((kind, service, what), Tally { count, examples }): ((FlawKind, Arc<str>, &str), Tally)| Flaw {
            kind,
            service: service.to_string(),
            what: what.to_owned(),
            count,
            examples,
        };
        all.into_iter().map(flaw).collect()
    }
}

impl Watched {
    fn waiting(&self) -> u64 {
        let children = self.nodes.values().map(|node| node.children.len() as u64);
        children.chain(self.lines.iter().map(|(_, count)| *count)).sum()
    }

    /// What is wrong with it, should nothing more come in.
    fn tell(&self, id: TraceId, tallies: &mut Tallies) {
        for service in self.nodes.values().flat_map(|node| &node.children) {
            tally(tallies, FlawKind::OrphanSpan, service, "").add(1, Some(id));
        }
        for (service, count) in &self.lines {
            tally(tallies, FlawKind::LogOfUnknownTrace, service, "").add(*count, Some(id));
        }
        if let Some(service) = self.service.as_ref().filter(|_| !self.has_root && self.nodes.values().all(|node| node.came)) {
            tally(tallies, FlawKind::BrokenParent, service, CIRCLE).add(1, Some(id));
        }
    }
}

fn watched<'t>(traces: &'t mut HashMap<TraceId, Watched>, order: &mut VecDeque<TraceId>, id: TraceId) -> &'t mut Watched {
    traces.entry(id).or_insert_with(|| {
        order.push_back(id);
        Watched::default()
    })
}

fn entry<'n>(nodes: &'n mut HashMap<[u8; 8], Node>, count: &mut usize, id: [u8; 8]) -> &'n mut Node {
    nodes.entry(id).or_insert_with(|| {
        *count += 1;
        Node::default()
    })
}

fn tally<'t>(tallies: &'t mut Tallies, kind: FlawKind, service: &Arc<str>, what: &'static str) -> &'t mut Tally {
    tallies.entry((kind, Arc::clone(service), what)).or_default()
}

#[cfg(test)]
mod tests;
