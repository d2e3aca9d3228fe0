//! The plan's expectations at the end of a run: which time each is about, and what the store has of it.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use lab_facts::event::{EXAMPLES, Event, Fact, FaultChange, Found, TraceId};
use lab_facts::scenario::{Count, Evidence, Plan, Relation, Scope, Stretch, Subject};

use crate::observe::backends::{self, Backends};
use crate::observe::feed::Gaps;
use crate::observe::store::Store;

/// When each fault of the plan really began and ended, as the stream of events tells.
#[derive(Debug)]
pub(super) struct Expectations<'r> {
    plan: &'r Arc<Plan>,
    start_unix: Duration,
    faults: RefCell<Vec<(Option<Duration>, Option<Duration>)>>,
}

/// Something that is to be counted in the store.
struct Question {
    index: usize,
    evidence: Evidence,
    /// How much is expected.
    count: Count,
    /// Nanoseconds since 1970.
    windows: Vec<Range<u64>>,
    /// When faults began that what is asked for is to be free of, likewise: what they found under way is not counted.
    faults: Vec<u64>,
}

impl<'r> Expectations<'r> {
    /// `start_unix` is the start of the run since 1970.
    pub(super) fn new(plan: &'r Arc<Plan>, start_unix: Duration) -> Self {
        Self { plan, start_unix, faults: RefCell::new(vec![(None, None); plan.faults.len()]) }
    }

    /// Listens for what becomes of faults.
    pub(super) fn hear(&self, event: &Event) {
        let Fact::Fault { index, change } = &event.fact else { return };
        let mut faults = self.faults.borrow_mut();
        let Some((started, ended)) = faults.get_mut(*index) else { return };
        match change {
            FaultChange::Started => *started = Some(event.at),
            FaultChange::Ended => *ended = Some(event.at),
            FaultChange::CutShort | FaultChange::Failed(_) | FaultChange::Touched(_) => {}
        }
    }

    /// Looks into all of them, and tells of each what was found. What telemetry owes should have come in. Metrics are not among them: the
    /// model knows what they say. Where the store has not all of it, no more is said than is certain.
    pub(super) async fn look(&self, store: &Store, backends: &Backends, gaps: Gaps, tell: impl Fn(Fact)) {
        let (mut asked, mut questions) = (Vec::new(), Vec::new());
        for (index, expectation) in self.plan.expectations.iter().enumerate() {
            let Subject::Counted { evidence, scope, count } = &expectation.subject else { continue };
            match (self.windows(scope.as_ref()), evidence) {
                (Err(why), _) => tell(Fact::Expectation { index, found: Found::Unclear(why) }),
                (Ok(windows), Evidence::Asked(backend, query)) => asked.push((index, *backend, query, *count, windows)),
                (Ok(windows), _) => {
                    let (evidence, faults) = (evidence.clone(), self.to_be_free_of(scope.as_ref()));
                    questions.push(Question { index, evidence, count: *count, windows, faults });
                }
            }
        }
        // A store full of traces takes a second or two to look through, which is no work for the runtime's threads.
        let store = store.clone();
        let answered = tokio::task::spawn_blocking(move || {
            let found = |question: Question| {
                let found = count(&store, &question);
                let gap = match question.evidence {
                    Evidence::Traces(_) => gaps.traces,
                    Evidence::Logs(_) => gaps.lines,
                    Evidence::Asked(..) => None,
                };
                let found = match (found, gap) {
                    (Found::Counted { count, .. }, Some(why)) if !question.count.is_certain(count) => Found::Unclear(why.to_owned()),
                    (found, _) => found,
                };
                Fact::Expectation { index: question.index, found }
            };
            questions.into_iter().map(found).collect::<Vec<_>>()
        });
        // What was not answered because of a defect is judged as not known.
        answered.await.unwrap_or_default().into_iter().for_each(&tell);
        // All at once: each may have to be waited for.
        let asked = asked.iter().map(async |(index, backend, query, count, windows)| {
            let question = backends::Question { backend: *backend, query, count: *count, windows };
            tell(Fact::Expectation { index: *index, found: backends.ask(&question).await });
        });
        join_all(asked).await;
    }

    /// When a scope was, in nanoseconds since 1970; or why it never was. Time after the run belongs to it where no end is given: a span
    /// that the run brought about may begin a moment later.
    fn windows(&self, scope: Option<&Scope>) -> Result<Vec<Range<u64>>, String> {
        const ZERO: Duration = Duration::ZERO;
        let stretches = scope.iter().flat_map(|scope| &scope.stretches).map(|stretch| self.stretch(*stretch));
        let mut stretches = stretches.collect::<Result<Vec<Range<Duration>>, String>>()?;
        stretches.sort_by_key(|stretch| stretch.start);
        let first = stretches.first().map_or(ZERO, |stretch| stretch.start);
        let last = stretches.iter().map(|stretch| stretch.end).max().unwrap_or(ZERO);
        let windows = match scope {
            None => vec![ZERO..Duration::MAX],
            Some(scope) => match scope.relation {
                Relation::Before => vec![ZERO..first],
                Relation::After => vec![last.saturating_add(scope.settle)..Duration::MAX],
                Relation::During => stretches,
                Relation::Outside => {
                    let mut free = vec![ZERO..Duration::MAX];
                    for stretch in stretches {
                        // They are in order, so each takes something of the last piece that is left.
                        let Some(rest) = free.pop() else { break };
                        let settled = stretch.end.saturating_add(scope.settle);
                        free.push(rest.start..stretch.start.max(rest.start));
                        free.push(settled.max(rest.start)..rest.end);
                    }
                    free
                }
            },
        };
        let unix = |offset| self.unix(offset);
        Ok(windows.into_iter().filter(|window| !window.is_empty()).map(|window| unix(window.start)..unix(window.end)).collect())
    }

    fn to_be_free_of(&self, scope: Option<&Scope>) -> Vec<u64> {
        let scope = scope.filter(|scope| matches!(scope.relation, Relation::Before | Relation::Outside));
        let faults = scope.into_iter().flat_map(|scope| &scope.stretches).filter(|stretch| matches!(stretch, Stretch::Fault(_)));
        faults.filter_map(|fault| self.stretch(*fault).ok()).map(|stretch| self.unix(stretch.start)).collect()
    }

    /// Nanoseconds since 1970.
    fn unix(&self, offset: Duration) -> u64 {
        u64::try_from(self.start_unix.saturating_add(offset).as_nanos()).unwrap_or(u64::MAX)
    }

    fn stretch(&self, stretch: Stretch) -> Result<Range<Duration>, String> {
        match stretch {
            Stretch::Phase(index) => Ok(self.plan.phases.get(index).map_or(Duration::ZERO..Duration::ZERO, |phase| phase.at..phase.end())),
            Stretch::Fault(index) => match self.faults.borrow().get(index) {
                Some((Some(started), ended)) => Ok(*started..ended.unwrap_or(Duration::MAX)),
                _ => Err(format!("the fault `{}` did not begin", self.plan.name_of(stretch))),
            },
        }
    }
}

fn count(store: &Store, question: &Question) -> Found {
    let (mut count, mut examples) = (0, Vec::new());
    let mut keep = |trace: TraceId| {
        if examples.len() < EXAMPLES && !examples.contains(&trace) {
            examples.push(trace);
        }
    };
    match &question.evidence {
        Evidence::Traces(query) => store.search(query, &question.windows, |trace, _| {
            let start = trace.spans.iter().map(|span| span.start_unix_nano).min().unwrap_or_default();
            let end = trace.spans.iter().map(|span| span.start_unix_nano.saturating_add(span.duration_nano)).max().unwrap_or_default();
            if question.faults.iter().any(|fault| (start..end).contains(fault)) {
                return;
            }
            count += 1;
            TraceId::parse(&trace.trace_id).into_iter().for_each(&mut keep);
        }),
        Evidence::Logs(pattern) => store.each_log(&question.windows, |trace, log| {
            if pattern.fits(&log.service, &log.line) {
                count += 1;
                trace.into_iter().for_each(&mut keep);
            }
        }),
        Evidence::Asked(..) => {}
    }
    // Asked last: what is pushed out while somebody counts is missed as well.
    if question.windows.first().is_some_and(|window| store.has_evicted_since(window.start)) {
        return Found::Unclear("traces of that time were pushed out of the store by newer ones, so they cannot be counted".to_owned());
    }
    Found::Counted { count, examples }
}

#[cfg(test)]
mod tests;
