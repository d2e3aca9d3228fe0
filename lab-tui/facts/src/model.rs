//! What is known of a run: facts only, bounded, changed by [`Model::apply`] alone. No clock, no input or output, no terminal.

mod breakdowns;
mod chain;
mod controls;
mod database;
mod distribution;
mod faults;
mod flaws;
mod lab;
mod load;
mod pools;
mod scoped;
mod series;
mod timeline;

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

pub use breakdowns::Breakdowns;
pub use chain::{Chain, Hop};
pub use controls::Controls;
pub use database::{Branch, Database, Moment, blocking};
pub use distribution::Distribution;
pub use faults::FaultState;
pub use lab::LabState;
pub use load::{LATE, Latency, LoadState};
pub use pools::Pools;
pub use series::{Gauge, SeriesTotals};
pub use timeline::{Place, SECONDS, Second, Timeline};

use crate::event::{
    BY_HAND, Drops, Event, Exemplar, Fact, FaultChange, Flaw, Found, LoadWindow, Outcome, ProcessChange, Samples, ScrapedSeries,
    ServiceSignals, WINDOW,
};
use crate::scenario::{Plan, Scope, Selector, Series};
use scoped::{Known, Part, ScopedTotals};
use series::Increases;

/// How many requests each list of them remembers.
const LISTED: usize = 50;
/// How many ends and returns of processes are kept.
const PROCESSES: usize = 1000;

/// The state of one run.
#[derive(Debug)]
pub struct Model {
    plan: Arc<Plan>,
    began: Option<u64>,
    now: Duration,
    loads: Vec<LoadState>,
    scoped: ScopedTotals,
    series: Vec<SeriesTotals>,
    increases: Increases,
    scraped_at: Duration,
    seconds: Timeline<Second>,
    slowest: Vec<Exemplar>,
    failed: VecDeque<Exemplar>,
    newest: VecDeque<Exemplar>,
    chain: Chain,
    breakdowns: Breakdowns,
    pools: Pools,
    database: Database,
    services: Vec<ServiceSignals>,
    flaws: Vec<Flaw>,
    drops: Drops,
    processes: VecDeque<(Duration, String, ProcessChange)>,
    controls: Controls,
    faults: Vec<FaultState>,
    expectations: Vec<Option<Found>>,
    lab: LabState,
    broke: Vec<Option<Duration>>,
    aborted: Option<(Duration, usize)>,
    finished: Option<Finished>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finished {
    /// When.
    pub at: Duration,
    /// Whether it was cut short by the user.
    pub interrupted: bool,
}

impl Model {
    /// Nothing has happened yet.
    pub fn new(plan: Arc<Plan>) -> Self {
        Self {
            loads: plan.loads.iter().map(|_| LoadState::default()).collect(),
            scoped: ScopedTotals::new(&plan),
            series: vec![SeriesTotals::default(); plan.series().len()],
            increases: Increases::new(&plan),
            scraped_at: Duration::ZERO,
            faults: plan.faults.iter().map(|fault| FaultState::new(fault.clone(), false)).collect(),
            expectations: vec![None; plan.expectations.len()],
            broke: vec![None; plan.thresholds.len()],
            plan,
            began: None,
            now: Duration::ZERO,
            seconds: Timeline::default(),
            slowest: Vec::new(),
            failed: VecDeque::new(),
            newest: VecDeque::new(),
            chain: Chain::default(),
            breakdowns: Breakdowns::default(),
            pools: Pools::default(),
            database: Database::default(),
            services: Vec::new(),
            flaws: Vec::new(),
            drops: Drops::default(),
            processes: VecDeque::new(),
            controls: Controls::default(),
            lab: LabState::default(),
            aborted: None,
            finished: None,
        }
    }

    /// Takes in one fact.
    pub fn apply(&mut self, event: Event) {
        let settles = matches!(event.fact, Fact::Tick | Fact::Fault { .. } | Fact::Finished { .. });
        match event.fact {
            Fact::Began { unix_nano } => self.began = Some(unix_nano),
            Fact::Tick => self.now = self.now.max(event.at),
            Fact::Window(window) => self.apply_window(window),
            Fact::LoadDone => {}
            Fact::Process { name, change } => push_bounded(&mut self.processes, (event.at, name, change), PROCESSES),
            Fact::Control { change } => self.controls.add(event.at, change),
            Fact::Hop(spans) => self.chain.add(&spans),
            Fact::Edge { from, to } => self.chain.connect(&from, &to),
            Fact::Calls(calls) => self.chain.add_calls(&calls),
            Fact::Breakdowns(all) => self.breakdowns.extend(all),
            Fact::Pool(pool) => self.pools.push(event.at, pool),
            Fact::Database(sample) => self.database.push(event.at, sample),
            Fact::Scraped(scraped) => self.apply_scraped(event.at, scraped),
            Fact::FaultByHand(fault) => {
                if self.faults.len() < self.plan.faults.len() + BY_HAND {
                    self.faults.push(FaultState::new(fault, true));
                }
            }
            Fact::Fault { index, change } => {
                let Some(fault) = self.faults.get_mut(index) else { return };
                match change {
                    FaultChange::Started => fault.started = Some(event.at),
                    FaultChange::CutShort => fault.cut_short = true,
                    FaultChange::Ended => fault.ended = Some(event.at),
                    FaultChange::Failed(why) => fault.failed = Some(why),
                    FaultChange::Touched(count) => fault.touched = Some(count),
                }
            }
            Fact::Telemetry(services) => self.services = services,
            Fact::Flaws(flaws) => self.flaws = flaws,
            Fact::Drops(drops) => self.drops = drops,
            Fact::Expectation { index, found } => {
                if let Some(expectation) = self.expectations.get_mut(index) {
                    *expectation = Some(found);
                }
            }
            Fact::LabUsage { cpu } => (self.lab.cpu, self.lab.wall) = (cpu, event.at),
            Fact::LabCores(cores) => self.lab.cores = cores,
            Fact::LabDelay(delay) => self.lab.delayed(&delay),
            Fact::Broke { threshold } => {
                if let Some(broke) = self.broke.get_mut(threshold) {
                    broke.get_or_insert(event.at);
                }
            }
            Fact::Aborted { threshold } => self.aborted = Some((event.at, threshold)),
            Fact::Finished { interrupted } => self.finished = Some(Finished { at: event.at, interrupted }),
        }
        if settles {
            self.scoped.settle(known(&self.plan, &self.faults, self.now, self.finished));
        }
    }

    fn apply_window(&mut self, window: LoadWindow) {
        let Some(load) = self.loads.get_mut(window.load) else { return };
        load.add(&window);
        self.scoped.add(&Part::Window(&window), known(&self.plan, &self.faults, self.now, self.finished));
        let (mut ended, mut failed, mut response) = (0, 0, Samples::default());
        for cell in &window.cells {
            response.merge(&cell.response_time);
            ended += cell.response_time.count();
            failed += if expected(&self.plan, window.load, cell.request, cell.outcome) { 0 } else { cell.response_time.count() };
        }
        let windows_per_second = u64::try_from(Duration::from_secs(1).as_millis() / WINDOW.as_millis()).unwrap_or(1);
        let second = self.seconds.at(window.index / windows_per_second);
        second.offered += u64::from(window.offered);
        second.dropped += u64::from(window.dropped);
        second.ended += ended;
        second.failed += failed;
        second.response.merge(&response);
        window.exemplars.iter().for_each(|exemplar| second.keep(*exemplar));
        for exemplar in window.exemplars {
            let place = self.slowest.partition_point(|other| other.micros >= exemplar.micros);
            if place < LISTED {
                self.slowest.insert(place, exemplar);
                self.slowest.truncate(LISTED);
            }
            if exemplar.failed {
                push_bounded(&mut self.failed, exemplar, LISTED);
            }
            push_bounded(&mut self.newest, exemplar, LISTED);
        }
    }

    fn apply_scraped(&mut self, at: Duration, scraped: Vec<ScrapedSeries>) {
        let since = std::mem::replace(&mut self.scraped_at, at).min(at);
        for step in self.increases.step(scraped) {
            let Some(totals) = self.series.get_mut(step.series) else { continue };
            totals.add(&step.what);
            // What grew did so at some time since it was read before; what was read is of now.
            let when = if matches!(step.what, series::What::Was(_)) { at..at } else { since..at };
            self.scoped.add(&Part::Step(when, &step), known(&self.plan, &self.faults, self.now, self.finished));
        }
    }

    /// The scenario that runs.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The start of the run, in nanoseconds since 1970: what telemetry's own times are counted from. Older recordings do not tell.
    pub fn began_unix_nano(&self) -> Option<u64> {
        self.began
    }

    /// Since the start of the run, as of the last tick.
    pub fn now(&self) -> Duration {
        self.now
    }

    /// How much of the time in which arrivals are due has gone by: all of `due` unless the run was cut short or still goes on. The
    /// wait for the last answers does not count, nor does it shorten the time that they came early.
    pub fn elapsed(&self, due: Duration) -> Duration {
        match self.finished {
            Some(Finished { interrupted: false, .. }) if self.aborted.is_none() => due,
            _ => self.now.min(due),
        }
    }

    /// When the last request of a load was due, or will be: at the load's end, or with its last answer where it ends when all is done.
    pub fn due(&self, load: usize) -> Duration {
        let (plan, state) = (&self.plan.loads[load], &self.loads[load]);
        if plan.executor.ends_early() { plan.end().min(state.answered) } else { plan.end() }
    }

    /// The same for the last load.
    pub fn due_of_all(&self) -> Duration {
        (0..self.loads.len()).map(|load| self.due(load)).max().unwrap_or_default()
    }

    /// Each load's totals, in the plan's order.
    pub fn loads(&self) -> &[LoadState] {
        &self.loads
    }

    /// Each load's totals as a promise of the plan sees them: of the part of the run that it is about.
    pub fn loads_in(&self, scope: Option<&Scope>) -> &[LoadState] {
        scope.map_or(&self.loads, |scope| self.scoped.of(scope))
    }

    /// What a series of the plan did, in the part of the run that a promise is about.
    pub fn series_in(&self, series: &Series, scope: Option<&Scope>) -> Option<&SeriesTotals> {
        let index = self.plan.series().into_iter().position(|known| known == series)?;
        scope.map_or(&self.series[..], |scope| self.scoped.series_of(scope)).get(index)
    }

    /// Like [`Self::elapsed`], of the part of the run that a promise is about.
    pub fn elapsed_in(&self, due: Duration, scope: Option<&Scope>) -> Duration {
        let elapsed = self.elapsed(due);
        scope.map_or(elapsed, |scope| known(&self.plan, &self.faults, self.now, self.finished).time_in(scope, elapsed))
    }

    /// Whether a piece of time lies in a scope, as far as that is known by now.
    pub fn is_in(&self, scope: &Scope, piece: &Range<Duration>) -> Option<bool> {
        known(&self.plan, &self.faults, self.now, self.finished).is_in(scope, piece)
    }

    /// The whole run, oldest first: its last minutes second by second, what is older in coarser pieces.
    pub fn seconds(&self) -> &Timeline<Second> {
        &self.seconds
    }

    /// The slowest requests, slowest first.
    pub fn slowest(&self) -> &[Exemplar] {
        &self.slowest
    }

    /// Requests whose answer the scenario does not expect, newest first; of many in a tenth of a second, the slowest few.
    pub fn failed(&self) -> impl Iterator<Item = &Exemplar> {
        self.failed.iter().rev()
    }

    /// Requests that ended lately, newest first; a few of each tenth of a second.
    pub fn newest(&self) -> impl Iterator<Item = &Exemplar> {
        self.newest.iter().rev()
    }

    /// The hops that requests take, as spans tell.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Requests that were looked at: where their time went.
    pub fn breakdowns(&self) -> &Breakdowns {
        &self.breakdowns
    }

    /// States of connection pools.
    pub fn pools(&self) -> &Pools {
        &self.pools
    }

    /// What the stack's database said of itself.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// What each service answered and what of it the telemetry shows.
    pub fn services(&self) -> &[ServiceSignals] {
        &self.services
    }

    /// Whether what telemetry still owed has been awaited, so that its loss is known.
    pub fn is_settled(&self) -> bool {
        !self.services.is_empty() || self.finished.is_some()
    }

    /// Signals that do not reconcile, over all services.
    pub fn telemetry_loss(&self) -> u64 {
        self.services.iter().map(ServiceSignals::loss).sum()
    }

    /// Processes of the stack that ended unasked or came back, oldest first.
    pub fn processes(&self) -> impl Iterator<Item = &(Duration, String, ProcessChange)> {
        self.processes.iter()
    }

    /// Whether only some of the traces there are were asked for.
    pub fn has_sampled_traces(&self) -> bool {
        self.processes().any(|(.., change)| *change == ProcessChange::Sampled)
    }

    /// What the user made of the pace.
    pub fn controls(&self) -> &Controls {
        &self.controls
    }

    /// What became of each fault: those of the plan in its order, then those by hand.
    pub fn faults(&self) -> &[FaultState] {
        &self.faults
    }

    /// What was found of each expectation, in the plan's order; `None` until it has been looked into, and for metrics.
    pub fn expectations(&self) -> &[Option<Found>] {
        &self.expectations
    }

    /// What the lab itself used, and how late it was.
    pub fn lab(&self) -> &LabState {
        &self.lab
    }

    /// When each threshold first broke, in the plan's order; nothing where none did while the run went on, or nobody watched.
    pub fn broke(&self) -> &[Option<Duration>] {
        &self.broke
    }

    /// When a broken promise ended the run, and its index in the plan's thresholds.
    pub fn aborted(&self) -> Option<(Duration, usize)> {
        self.aborted
    }

    /// How the run ended, once it has.
    pub fn finished(&self) -> Option<Finished> {
        self.finished
    }

    /// Requests that a selector lets through and that have ended: load, request, outcome and both latencies. `loads` are
    /// [`Self::loads`] or [`Self::loads_in`].
    pub fn requests<'m>(
        &'m self,
        loads: &'m [LoadState],
        selector: &'m Selector,
    ) -> impl Iterator<Item = (usize, usize, Outcome, &'m Latency)> {
        let wanted = move |load: usize, request: usize, outcome: Outcome| {
            let plan = &self.plan.loads[load];
            selector.load.as_ref().is_none_or(|name| *name == plan.name)
                && selector.request.as_ref().is_none_or(|name| *name == plan.requests[request].name)
                && selector.lets_through(outcome)
        };
        loads.iter().enumerate().flat_map(move |(load, state)| {
            state
                .cells
                .iter()
                .filter(move |((request, outcome), _)| wanted(load, *request, *outcome))
                .map(move |(key, it)| (load, key.0, key.1, it))
        })
    }

    /// Whether an outcome is one that the scenario expects.
    pub fn is_expected(&self, load: usize, request: usize, outcome: Outcome) -> bool {
        expected(&self.plan, load, request, outcome)
    }
}

fn known<'m>(plan: &'m Plan, faults: &'m [FaultState], now: Duration, finished: Option<Finished>) -> Known<'m> {
    Known { plan, faults, told: now, over: finished.is_some() }
}

fn expected(plan: &Plan, load: usize, request: usize, outcome: Outcome) -> bool {
    plan.loads[load].requests[request].expects(outcome)
}

fn push_bounded<T>(queue: &mut VecDeque<T>, one: T, limit: usize) {
    if queue.len() == limit {
        queue.pop_front();
    }
    queue.push_back(one);
}

#[cfg(test)]
mod tests;
