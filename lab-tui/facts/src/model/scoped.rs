//! Totals of parts of a run, for promises that are about one: outside of a fault, during it, before it, after it.
//!
//! Each part of a window is added to a scope's totals or not as it comes in, so memory does not grow with the run. Where it cannot be
//! known yet, because a fault that is due has not told whether it has begun, or because the window is not over, it is held until then.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use super::series::Step;
use super::{FaultState, LoadState, SeriesTotals};
use crate::event::{LoadWindow, WINDOW};
use crate::scenario::{Plan, Relation, Scope, Stretch};

/// How many parts a scope holds back at most. A fault tells within seconds whether it has begun; the rest is for a stream gone wrong.
const HELD: usize = 2000;

/// One set of totals for each different scope of the plan.
#[derive(Debug)]
pub(super) struct ScopedTotals(Vec<Totals>);

#[derive(Debug)]
struct Totals {
    scope: Scope,
    loads: Vec<LoadState>,
    series: Vec<SeriesTotals>,
    held: VecDeque<Held>,
}

/// What belongs to a scope or does not.
#[derive(Debug)]
pub(super) enum Part<'m> {
    Window(&'m LoadWindow),
    /// And when that was.
    Step(Range<Duration>, &'m Step),
}

#[derive(Debug)]
enum Held {
    Window(LoadWindow),
    Step(Range<Duration>, Step),
}

impl Part<'_> {
    fn when(&self) -> Range<Duration> {
        match self {
            Self::Window(window) => window_of(window.index),
            Self::Step(when, _) => when.clone(),
        }
    }

    fn piece(&self) -> Piece {
        let when = self.when();
        let Self::Window(window) = self else { return Piece { done: when.end, when } };
        // No request of it ended later than the latest would have, had it been the slowest.
        let latest = window.exemplars.iter().map(|request| request.at).max().unwrap_or_default();
        let slowest = window.exemplars.iter().map(|request| request.micros).max().unwrap_or_default();
        Piece { done: when.end.max(latest + Duration::from_micros(slowest.into())), when }
    }

    fn held(&self) -> Held {
        match self {
            Self::Window(window) => Held::Window((*window).clone()),
            Self::Step(when, step) => Held::Step(when.clone(), (*step).clone()),
        }
    }
}

impl Held {
    fn part(&self) -> Part<'_> {
        match self {
            Self::Window(window) => Part::Window(window),
            Self::Step(when, step) => Part::Step(when.clone(), step),
        }
    }
}

/// A piece of time, and when all that began in it was done: what a fault finds under way is neither before it nor outside of it.
#[derive(Debug)]
struct Piece {
    when: Range<Duration>,
    done: Duration,
}

impl From<Range<Duration>> for Piece {
    fn from(when: Range<Duration>) -> Self {
        Self { done: when.end, when }
    }
}

/// What is known of the run's stretches. Everything that happened before `told` has been told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'m> {
    pub(super) plan: &'m Plan,
    pub(super) faults: &'m [FaultState],
    pub(super) told: Duration,
    /// Nothing more will be told.
    pub(super) over: bool,
}

impl ScopedTotals {
    pub(super) fn new(plan: &Plan) -> Self {
        let mut all: Vec<Totals> = Vec::new();
        for scope in plan.promises().filter_map(|threshold| threshold.scope.as_ref()) {
            if all.iter().all(|known| known.scope != *scope) {
                let loads = plan.loads.iter().map(|_| LoadState::default()).collect();
                let series = vec![SeriesTotals::default(); plan.series().len()];
                all.push(Totals { scope: scope.clone(), loads, series, held: VecDeque::new() });
            }
        }
        Self(all)
    }

    pub(super) fn add(&mut self, part: &Part<'_>, known: Known<'_>) {
        for totals in &mut self.0 {
            totals.appear(part);
            match known.has(&totals.scope, &part.piece()) {
                Some(true) => totals.count(part),
                Some(false) => {}
                None => {
                    totals.held.push_back(part.held());
                    if totals.held.len() > HELD {
                        totals.release(Known { over: true, ..known }, 1);
                    }
                }
            }
        }
    }

    /// Looks again at what is held.
    pub(super) fn settle(&mut self, known: Known<'_>) {
        for totals in &mut self.0 {
            totals.release(known, totals.held.len());
        }
    }

    pub(super) fn of(&self, scope: &Scope) -> &[LoadState] {
        self.0.iter().find(|known| known.scope == *scope).map_or(&[], |totals| &totals.loads)
    }

    pub(super) fn series_of(&self, scope: &Scope) -> &[SeriesTotals] {
        self.0.iter().find(|known| known.scope == *scope).map_or(&[], |totals| &totals.series)
    }
}

impl Totals {
    fn count(&mut self, part: &Part<'_>) {
        match part {
            Part::Window(window) => {
                if let Some(load) = self.loads.get_mut(window.load) {
                    load.add(window);
                }
            }
            Part::Step(_, step) => {
                if let Some(series) = self.series.get_mut(step.series) {
                    series.add(&step.what);
                }
            }
        }
    }

    /// A metric that is there is there in every part of the run.
    fn appear(&mut self, part: &Part<'_>) {
        if let Part::Step(_, step) = part
            && let Some(series) = self.series.get_mut(step.series)
        {
            series.appeared = true;
        }
    }

    /// Decides what can be decided of the oldest `count` parts.
    fn release(&mut self, known: Known<'_>, count: usize) {
        for _ in 0..count {
            let Some(held) = self.held.pop_front() else { return };
            match known.has(&self.scope, &held.part().piece()) {
                Some(true) => self.count(&held.part()),
                Some(false) => {}
                None => self.held.push_back(held),
            }
        }
    }
}

impl Known<'_> {
    /// Whether a piece of time lies in a scope; `None` while that cannot be known.
    pub(super) fn is_in(self, scope: &Scope, piece: &Range<Duration>) -> Option<bool> {
        self.has(scope, &piece.clone().into())
    }

    fn has(self, scope: &Scope, piece: &Piece) -> Option<bool> {
        // Outside, before and after are promised of all stretches; during, of any.
        let of_one = scope.relation == Relation::During;
        let mut all = Some(!of_one);
        for stretch in &scope.stretches {
            match self.lies(scope, *stretch, piece) {
                Some(lies) if lies == of_one => return Some(of_one),
                Some(_) => {}
                None => all = None,
            }
        }
        all
    }

    /// The same for one stretch: known when it is so however the stretch turns out.
    fn lies(self, scope: &Scope, stretch: Stretch, piece: &Piece) -> Option<bool> {
        let piece = if matches!(stretch, Stretch::Phase(_)) { &Piece::from(piece.when.clone()) } else { piece };
        let [first, others @ ..] = self.possible(stretch).map(|stretch| lies(scope, stretch.as_ref(), piece));
        others.iter().all(|other| *other == first).then_some(first)
    }

    /// The extremes of when a stretch may have been: never, as short, and as long as can be.
    fn possible(self, stretch: Stretch) -> [Option<Range<Duration>>; 3] {
        let (at, state) = match stretch {
            Stretch::Phase(index) => {
                return self
                    .plan
                    .phases
                    .get(index)
                    .map_or([const { None }; 3], |phase| [const { None }; 3].map(|_: Option<()>| Some(phase.at..phase.end())));
            }
            Stretch::Fault(index) => match self.faults.get(index) {
                Some(state) => (state.fault.at, state),
                None => return [const { None }; 3],
            },
        };
        match (state.started, state.ended) {
            (Some(started), Some(ended)) => [const { None }; 3].map(|_: Option<()>| Some(started..ended)),
            // What goes on when all is over goes on for ever.
            (Some(started), None) => {
                let now = if self.over { Duration::MAX } else { self.told.max(started) };
                [Some(started..Duration::MAX), Some(started..now), Some(started..Duration::MAX)]
            }
            (None, _) if self.over || state.failed.is_some() => [const { None }; 3],
            // It begins no sooner than planned, but may have begun without having told.
            (None, _) => [None, Some(at..self.told.max(at)), Some(at..Duration::MAX)],
        }
    }

    /// How much of the first `due` lies in windows of a scope.
    pub(super) fn time_in(self, scope: &Scope, due: Duration) -> Duration {
        let known = Self { over: true, ..self };
        let mut cuts = vec![Duration::ZERO, due];
        for stretch in &scope.stretches {
            if let [Some(stretch), ..] = known.possible(*stretch) {
                for moment in [stretch.start, stretch.end, stretch.end.saturating_add(scope.settle)] {
                    let index = window_at(moment);
                    cuts.extend([index, index.saturating_add(1)].map(|index| window_of(index).start.min(due)));
                }
            }
        }
        cuts.sort_unstable();
        cuts.dedup();
        // Between two cuts all windows are alike.
        let pieces = cuts.windows(2).map(|pair| (pair[0], pair[1] - pair[0]));
        pieces.filter(|(from, _)| known.is_in(scope, &(*from..from.saturating_add(WINDOW))) == Some(true)).map(|(_, length)| length).sum()
    }
}

fn lies(scope: &Scope, stretch: Option<&Range<Duration>>, Piece { when: piece, done }: &Piece) -> bool {
    let Some(stretch) = stretch else { return matches!(scope.relation, Relation::Outside | Relation::Before) };
    let settled = stretch.end.saturating_add(scope.settle);
    match scope.relation {
        Relation::Outside => *done <= stretch.start || settled <= piece.start,
        Relation::During => stretch.start <= piece.start && piece.end <= stretch.end,
        Relation::Before => *done <= stretch.start,
        Relation::After => settled <= piece.start,
    }
}

fn window_of(index: u64) -> Range<Duration> {
    let start = u32::try_from(index).map_or(Duration::MAX, |index| WINDOW.saturating_mul(index));
    start..start.saturating_add(WINDOW)
}

fn window_at(moment: Duration) -> u64 {
    u64::try_from(moment.as_nanos() / WINDOW.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
