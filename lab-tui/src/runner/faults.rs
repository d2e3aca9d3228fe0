//! The plan's faults on the run's clock: each begins and ends at its time, and the stream hears when it really did.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use tokio_util::sync::CancellationToken;

use crate::event::{Event, Fact, FaultChange};
use crate::fault::{End, Injector};
use crate::load::RunClock;
use crate::out::sentence;
use crate::scenario::Fault;

/// How long before its time a fault is prepared.
const HEAD_START: Duration = Duration::from_secs(2);

/// All faults of a run.
pub(super) struct Faults<'r, T> {
    pub(super) plan: &'r [Fault],
    pub(super) injector: &'r Injector,
    pub(super) clock: RunClock,
    /// Everything is undone at once.
    pub(super) over: CancellationToken,
    pub(super) tell: T,
}

impl<T: Fn(Event)> Faults<'_, T> {
    /// Returns when every fault has ended, at its time or because the run is over.
    pub(super) async fn walk(self) {
        let gone: Vec<CancellationToken> = self.plan.iter().map(|_| CancellationToken::new()).collect();
        let mut under_way: FuturesUnordered<_> = (0..self.plan.len()).map(|index| self.one(index, &gone)).collect();
        let mut stuck = Vec::new();
        while let Some((index, is_stuck)) = under_way.next().await {
            gone[index].cancel();
            stuck.extend(is_stuck.then_some(index));
        }
        if self.plan.is_empty() {
            return;
        }
        // What was cut off while it began is made sure of as well.
        match self.injector.clear().await {
            Ok(()) => stuck.into_iter().for_each(|index| self.told(index, FaultChange::Ended)),
            Err(error) => stuck.into_iter().for_each(|index| self.told(index, FaultChange::Failed(sentence(&error)))),
        }
    }

    /// The fault's index, and whether it could not be undone.
    async fn one(&self, index: usize, gone: &[CancellationToken]) -> (usize, bool) {
        let fault = &self.plan[index];
        if !self.waited(self.clock.moment(fault.at.saturating_sub(HEAD_START))).await {
            return (index, false);
        }
        tokio::select! {
            () = self.injector.prepare(fault) => {}
            () = self.over.cancelled() => return (index, false),
        }
        if !self.waited(self.clock.moment(fault.at)).await {
            return (index, false);
        }
        // Where one begins as another of its kind ends, the other is undone first.
        let before = |other: &usize| self.plan[*other].end() <= fault.at && self.plan[*other].kind.name() == fault.kind.name();
        let earlier = (0..self.plan.len()).filter(before).map(|other| gone[other].cancelled());
        let begun = async {
            join_all(earlier).await;
            self.injector.inject(fault).await
        };
        let injected = tokio::select! {
            injected = begun => injected,
            () = self.over.cancelled() => return (index, false),
        };
        let injected = match injected {
            Ok(injected) => injected,
            Err(error) => {
                self.told(index, FaultChange::Failed(sentence(&error)));
                return (index, false);
            }
        };
        self.told_at(index, FaultChange::Started, self.clock.offset_of(injected.since));
        self.waited(injected.since + fault.duration).await;
        let undone = injected.undo().await;
        if let Some(count) = undone.touched {
            self.told(index, FaultChange::Touched(count));
        }
        match undone.end {
            End::Undone => self.told(index, FaultChange::Ended),
            End::Early(why) => {
                self.told(index, FaultChange::Failed(why));
                self.told(index, FaultChange::Ended);
            }
            End::Stuck(why) => {
                self.told(index, FaultChange::Failed(why));
                return (index, true);
            }
        }
        (index, false)
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
