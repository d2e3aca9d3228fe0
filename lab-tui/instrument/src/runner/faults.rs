//! Faults on the run's clock: those of the plan begin and end at their times, others when a user says so. The stream hears when each
//! really did.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use lab_facts::event::{BY_HAND, Event, Fact, FaultChange};
use lab_facts::scenario::{Fault, FaultKind, Plan};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::fault::{End, Injector};
use crate::load::RunClock;
use crate::out::sentence;

/// How long before its time a fault is prepared.
const HEAD_START: Duration = Duration::from_secs(2);

/// All faults of a run.
pub(super) struct Faults<'r, T> {
    pub(super) plan: &'r Plan,
    pub(super) injector: &'r Injector,
    pub(super) clock: RunClock,
    /// Everything is undone at once, and nothing begins any more.
    pub(super) over: CancellationToken,
    pub(super) tell: T,
}

/// What a user wishes of faults, and when.
#[derive(Debug)]
pub(super) enum Wish {
    Begin { at: Duration, kind: FaultKind, duration: Duration },
    End { index: usize },
}

/// One fault, and how others learn of its end.
#[derive(Debug)]
struct Known {
    index: usize,
    fault: Fault,
    /// It is to end before its time.
    ended: CancellationToken,
    /// Nothing is left of it.
    gone: CancellationToken,
}

impl<T: Fn(Event)> Faults<'_, T> {
    /// Returns when the run is over and every fault has ended.
    pub(super) async fn walk(self, mut wishes: mpsc::UnboundedReceiver<Wish>) {
        let known = |(index, fault): (usize, &Fault)| Known::new(index, fault.clone());
        let mut all: Vec<Arc<Known>> = self.plan.faults.iter().enumerate().map(known).collect();
        let mut under_way: FuturesUnordered<_> = all.iter().map(|fault| self.one(Arc::clone(fault), earlier(fault, &all))).collect();
        let mut stuck = Vec::new();
        loop {
            tokio::select! {
                Some((fault, is_stuck)) = under_way.next() => {
                    fault.gone.cancel();
                    stuck.extend(is_stuck.then_some(fault.index));
                }
                Some(wish) = wishes.recv(), if !self.over.is_cancelled() => match wish {
                    Wish::End { index } => all.get(index).into_iter().for_each(|fault| fault.ended.cancel()),
                    Wish::Begin { at, kind, duration } if all.len() < self.plan.faults.len() + BY_HAND => {
                        let fault = Fault { name: self.free_name(&kind, &all), at, duration, kind };
                        (self.tell)(Event { at, fact: Fact::FaultByHand(fault.clone()) });
                        let fault = Known::new(all.len(), fault);
                        under_way.push(self.one(Arc::clone(&fault), earlier(&fault, &all)));
                        all.push(fault);
                    }
                    Wish::Begin { .. } => {}
                },
                () = self.over.cancelled(), if under_way.is_empty() => break,
            }
        }
        if all.is_empty() {
            return;
        }
        // What was cut off while it began is made sure of as well.
        match self.injector.clear().await {
            Ok(()) => stuck.into_iter().for_each(|index| self.told(index, FaultChange::Ended)),
            Err(error) => stuck.into_iter().for_each(|index| self.told(index, FaultChange::Failed(sentence(&error)))),
        }
    }

    /// As in `service.error by hand 2`.
    fn free_name(&self, kind: &FaultKind, all: &[Arc<Known>]) -> String {
        let is_taken =
            |name: &String| all.iter().any(|other| other.fault.name == *name) || self.plan.phases.iter().any(|phase| phase.name == *name);
        let plain = format!("{} by hand", kind.name());
        let numbered = (2..).map(|number| format!("{plain} {number}"));
        std::iter::once(plain.clone()).chain(numbered).find(|name| !is_taken(name)).unwrap_or(plain)
    }

    /// The fault, and whether it could not be undone.
    async fn one(&self, known: Arc<Known>, earlier: Vec<CancellationToken>) -> (Arc<Known>, bool) {
        let is_stuck = self.begin_and_end(&known, earlier).await;
        (known, is_stuck)
    }

    /// Whether it could not be undone.
    async fn begin_and_end(&self, known: &Known, earlier: Vec<CancellationToken>) -> bool {
        let Known { index, fault, .. } = known;
        if !self.waited(self.clock.moment(fault.at.saturating_sub(HEAD_START))).await {
            return false;
        }
        tokio::select! {
            () = self.injector.prepare(fault) => {}
            () = self.over.cancelled() => return false,
        }
        if !self.waited(self.clock.moment(fault.at)).await {
            return false;
        }
        let begun = async {
            join_all(earlier.iter().map(CancellationToken::cancelled)).await;
            self.injector.inject(fault, u64::from(self.plan.seed) << 32 | *index as u64).await
        };
        let injected = tokio::select! {
            injected = begun => injected,
            () = self.over.cancelled() => return false,
        };
        let injected = match injected {
            Ok(injected) => injected,
            Err(error) => {
                self.told(*index, FaultChange::Failed(sentence(&error)));
                return false;
            }
        };
        self.told_at(*index, FaultChange::Started, self.clock.offset_of(injected.since));
        tokio::select! {
            _ = self.waited(injected.since + fault.duration) => {}
            () = known.ended.cancelled() => self.told(*index, FaultChange::CutShort),
        }
        let undone = injected.undo().await;
        if let Some(count) = undone.touched {
            self.told(*index, FaultChange::Touched(count));
        }
        match undone.end {
            End::Undone => self.told(*index, FaultChange::Ended),
            End::Early(why) => {
                self.told(*index, FaultChange::Failed(why));
                self.told(*index, FaultChange::Ended);
            }
            End::Stuck(why) => {
                self.told(*index, FaultChange::Failed(why));
                return true;
            }
        }
        false
    }

    /// Whether the moment came before everything was over.
    async fn waited(&self, moment: Instant) -> bool {
        tokio::select! {
            () = tokio::time::sleep_until(moment.into()) => true,
            () = self.over.cancelled() => false,
        }
    }

    fn told(&self, index: usize, change: FaultChange) {
        self.told_at(index, change, self.clock.offset());
    }

    fn told_at(&self, index: usize, change: FaultChange, at: Duration) {
        (self.tell)(Event { at, fact: Fact::Fault { index, change } });
    }
}

impl Known {
    fn new(index: usize, fault: Fault) -> Arc<Self> {
        Arc::new(Self { index, fault, ended: CancellationToken::new(), gone: CancellationToken::new() })
    }
}

/// Where one begins as another of its kind ends, the other is undone first.
fn earlier(fault: &Known, all: &[Arc<Known>]) -> Vec<CancellationToken> {
    let is_over = |other: &&Arc<Known>| other.fault.end() <= fault.fault.at || other.ended.is_cancelled();
    let same = |other: &&Arc<Known>| other.index != fault.index && other.fault.kind.name() == fault.fault.kind.name();
    all.iter().filter(same).filter(is_over).map(|other| other.gone.clone()).collect()
}
