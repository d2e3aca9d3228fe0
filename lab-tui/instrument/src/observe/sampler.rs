//! Chooses requests to look at while a run goes on, waits until their traces are whole, and tells where their time went: a bounded sample
//! of each second, and the slowest and failed ones beside it.

mod varied;

use std::cell::RefCell;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lab_facts::event::{Breakdown, Chosen, Exemplar, Fact, Hop, HopKind, Outcome, TraceId};
use lab_facts::explain;
use lab_facts::scenario::Plan;
use lab_facts::trace::Trace;
use varied::Varied;

use super::store::{ClientSpan, Store};

/// How many requests that end in one second are looked at: by chance, and because they were slow or failed.
const SAMPLED: u32 = 20;
const EXEMPLARS: u32 = 10;
/// A run that lasts is looked at less closely, after this time: recordings and memory are bounded.
const LONG: Duration = Duration::from_secs(600);
const SAMPLED_LONG: u32 = 5;
const EXEMPLARS_LONG: u32 = 3;

/// A trace that is still not whole after this long is taken as it is: something in it sends no spans, or they are lost.
const PATIENCE: Duration = Duration::from_secs(4);
/// The same where spans are asked for elsewhere, and take their way there first.
const PATIENCE_FED: Duration = Duration::from_secs(25);
/// Services send their spans some tenths of a second after they end; looking sooner would be in vain.
const SOONEST: Duration = Duration::from_millis(300);
/// How many are waited for at most, and how many that are done with are remembered so that none is told twice.
const WAITING: usize = 1_000;
const DONE: usize = 2_000;

/// What is to be looked at.
#[derive(Debug)]
pub struct Sampler {
    plan: Arc<Plan>,
    start_unix: Duration,
    patience: Duration,
    inner: RefCell<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// In the order in which they ended.
    waiting: VecDeque<Waiting>,
    done: VecDeque<TraceId>,
    is_done: HashSet<TraceId>,
    second: Second,
    varied: Varied,
    /// The spans of any request have come.
    some_came: bool,
}

/// A request that has ended.
#[derive(Debug)]
struct Waiting {
    request: Ended,
    failed: Option<bool>,
    chosen: Chosen,
    since: Instant,
}

/// What the load tells of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ended {
    /// From the start of the run.
    at: Duration,
    load: usize,
    trace_id: TraceId,
    outcome: Outcome,
    micros: u32,
}

/// How many requests have ended in the second under way. Every so many are taken, as the second before tells.
#[derive(Debug)]
struct Second {
    began: Instant,
    first: Instant,
    ended: u32,
    every: u32,
    sampled: u32,
    exemplars: u32,
}

impl Default for Second {
    fn default() -> Self {
        let now = Instant::now();
        Self { began: now, first: now, ended: 0, every: 1, sampled: 0, exemplars: 0 }
    }
}

impl Second {
    fn turn(&mut self) {
        if self.began.elapsed() < Duration::from_secs(1) {
            return;
        }
        let every = self.ended.div_ceil(self.most()).max(1);
        *self = Self { began: Instant::now(), ended: 0, every, sampled: 0, exemplars: 0, ..*self };
    }

    fn most(&self) -> u32 {
        if self.first.elapsed() > LONG { SAMPLED_LONG } else { SAMPLED }
    }

    /// Whether the next request that ended is one of the sample.
    fn takes(&mut self) -> bool {
        self.ended += 1;
        let takes = self.ended.is_multiple_of(self.every) && self.sampled < self.most();
        self.sampled += u32::from(takes);
        takes
    }

    fn takes_exemplar(&mut self) -> bool {
        self.exemplars += 1;
        self.exemplars <= if self.first.elapsed() > LONG { EXEMPLARS_LONG } else { EXEMPLARS }
    }
}

impl Sampler {
    /// For one run. `start_unix` is its start since 1970.
    pub fn new(plan: &Arc<Plan>, start_unix: Duration) -> Self {
        Self { plan: Arc::clone(plan), start_unix, patience: PATIENCE, inner: RefCell::default() }
    }

    /// The same for traces that a [feed](super::feed) brings.
    #[must_use]
    pub fn fed(self) -> Self {
        Self { patience: PATIENCE_FED, ..self }
    }

    /// Requests that the load has sent and that have ended. Returns those of the sample.
    pub fn hear_ended(&self, requests: &[ClientSpan]) -> Vec<TraceId> {
        let inner = &mut *self.inner.borrow_mut();
        inner.second.turn();
        let mut sampled = Vec::new();
        for request in requests {
            if inner.second.takes()
                && let Some(request) = self.ended(request)
            {
                inner.wait_for(request, self.failed(&request), Chosen::Sampled);
                sampled.push(request.trace_id);
            }
        }
        sampled
    }

    /// `None` where its load is none of the plan's.
    fn ended(&self, request: &ClientSpan) -> Option<Ended> {
        let intended = Duration::from_nanos(request.intended_unix_nano);
        let took = Duration::from_nanos(request.ended_unix_nano).saturating_sub(intended);
        Some(Ended {
            at: intended.saturating_sub(self.start_unix),
            load: self.plan.loads.iter().position(|known| *known.name == *request.load)?,
            trace_id: request.trace_id,
            outcome: request.outcome,
            micros: u32::try_from(took.as_micros()).unwrap_or(u32::MAX),
        })
    }

    /// Requests that stand for others.
    pub fn hear_exemplars(&self, exemplars: &[Exemplar]) {
        let inner = &mut *self.inner.borrow_mut();
        inner.second.turn();
        let slowest = exemplars.iter().max_by_key(|one| one.micros).map(|one| (one, Chosen::Slow));
        let failed = exemplars.iter().filter(|one| one.failed).max_by_key(|one| one.micros).map(|one| (one, Chosen::Failed));
        for (one, chosen) in slowest.into_iter().chain(failed) {
            if inner.second.takes_exemplar() {
                let Exemplar { load, at, micros, trace_id, outcome, failed, .. } = *one;
                inner.wait_for(Ended { at, load, trace_id, outcome, micros }, Some(failed), chosen);
            }
        }
    }

    /// Whether the scenario expects something else of every request of its load, or of none.
    fn failed(&self, request: &Ended) -> Option<bool> {
        let mut expected = self.plan.loads.get(request.load)?.requests.iter().map(|one| one.expects(request.outcome));
        let first = expected.next()?;
        expected.all(|other| other == first).then_some(!first)
    }

    /// What has become known of those that were waited for. When this is the `last` time, of all of them.
    pub fn look(&self, store: &Store, last: bool) -> Option<Fact> {
        let inner = &mut *self.inner.borrow_mut();
        let mut found = Vec::new();
        for one in std::mem::take(&mut inner.waiting) {
            let age = one.since.elapsed();
            let trace = if last || age >= SOONEST { store.trace(one.request.trace_id) } else { None };
            let whole = trace.as_ref().is_some_and(|trace| explain::is_whole(&trace.spans));
            if !(whole || last || age >= self.patience) {
                inner.waiting.push_back(one);
                continue;
            }
            inner.forget(one.request.trace_id);
            let came = trace.as_ref().is_some_and(|trace| trace.spans.len() > 1);
            inner.some_came |= came;
            // Of those that are asked for elsewhere not all come, and that says nothing of where their time went.
            if !came && self.patience == PATIENCE_FED && inner.some_came {
                continue;
            }
            found.extend(trace.and_then(|trace| inner.varied.told(&one, &trace, whole)));
        }
        (!found.is_empty()).then_some(Fact::Breakdowns(found))
    }
}

impl Inner {
    fn wait_for(&mut self, request: Ended, failed: Option<bool>, chosen: Chosen) {
        if self.is_done.contains(&request.trace_id) {
            return;
        }
        if let Some(known) = self.waiting.iter_mut().find(|known| known.request.trace_id == request.trace_id) {
            known.failed = known.failed.or(failed);
            // Whoever was drawn by chance stands for all others, whatever else it is.
            if chosen == Chosen::Sampled {
                known.chosen = chosen;
            }
        } else if self.waiting.len() < WAITING {
            self.waiting.push_back(Waiting { request, failed, chosen, since: Instant::now() });
        }
    }

    fn forget(&mut self, id: TraceId) {
        if self.done.len() >= DONE
            && let Some(oldest) = self.done.pop_front()
        {
            self.is_done.remove(&oldest);
        }
        self.done.push_back(id);
        self.is_done.insert(id);
    }
}

/// Time by hop, in microseconds.
type Shares = Vec<(Arc<Hop>, u32)>;

/// The request's time in parts that add up to it: what passed before its send, and of its trace the root's time.
fn parts(request: &Ended, trace: &Trace) -> Option<(Shares, explain::Parts)> {
    let found = explain::breakdown(&trace.spans)?;
    let total = trace.spans[found.root].duration_nano;
    let mut parts = Vec::with_capacity(found.hops.len() + 1);
    let (mut nanos, mut told) = (0_u64, 0_u64);
    for (hop, own) in &found.hops {
        // Rounded so that the sum is, and not each by itself.
        nanos += own;
        let micros = (nanos / 1000).saturating_sub(told);
        told += micros;
        if micros > 0 {
            parts.push((Arc::new(hop.clone()), u32::try_from(micros).ok()?));
        }
    }
    let unsent = u64::from(request.micros).saturating_sub(total / 1000);
    if unsent > 0 {
        let hop = Hop { kind: HopKind::Unsent, name: "".into() };
        parts.push((Arc::new(hop), u32::try_from(unsent).ok()?));
    }
    Some((parts, found))
}

impl Varied {
    fn told(&mut self, one: &Waiting, trace: &Trace, whole: bool) -> Option<Breakdown> {
        let (parts, found) = parts(&one.request, trace)?;
        let traits = explain::traits(&trace.spans, &found.depth, |one| self.is_countable(one));
        let traits = traits.into_iter().map(Arc::new).collect();
        let Ended { at, load, trace_id, outcome, .. } = one.request;
        let micros = parts.iter().try_fold(0_u32, |sum, (_, micros)| sum.checked_add(*micros))?;
        Some(Breakdown { at, load, trace_id, outcome, failed: one.failed, chosen: one.chosen, whole, micros, parts, traits })
    }
}

#[cfg(test)]
mod tests;
