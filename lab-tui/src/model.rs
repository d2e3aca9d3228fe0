//! What is known of a run: facts only, bounded, changed by [`Model::apply`] alone. No clock, no input or output, no terminal.

mod distribution;
mod outside;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

pub use distribution::Distribution;

use crate::event::{Event, Fact, FaultChange, LoadWindow, Outcome, ProcessChange, ServiceSignals, SlowRequest, WINDOW};
use crate::scenario::{Outside, Plan, Selector};
use outside::OutsideTotals;

/// How many of the slowest requests are remembered.
const SLOWEST: usize = 5;
/// How many seconds of history are kept.
const SECONDS: usize = 600;
/// How many ends and returns of processes are kept.
const PROCESSES: usize = 1000;

/// The state of one run.
#[derive(Debug)]
pub struct Model {
    plan: Arc<Plan>,
    now: Duration,
    loads: Vec<LoadState>,
    outside: OutsideTotals,
    seconds: VecDeque<Second>,
    slowest: Vec<SlowRequest>,
    services: Vec<ServiceSignals>,
    processes: VecDeque<(Duration, String, ProcessChange)>,
    faults: Vec<FaultState>,
    lab_cpu: Duration,
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

/// What became of one fault of the plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FaultState {
    /// When the system was really disturbed from.
    pub started: Option<Duration>,
    /// When that was undone.
    pub ended: Option<Duration>,
    /// Why it could not be brought about or undone.
    pub failed: Option<String>,
}

/// Totals of one load since the run began.
#[derive(Debug, Default)]
pub struct LoadState {
    /// Arrivals that were due.
    pub offered: u64,
    /// Arrivals that were not sent.
    pub dropped: u64,
    /// From the intended to the actual send.
    pub lag: Distribution,
    /// Requests that have ended, by index of the request in its load and by outcome.
    pub cells: BTreeMap<(usize, Outcome), Latency>,
}

/// Both latencies of the same requests.
#[derive(Debug, Default)]
pub struct Latency {
    /// From the intended start to the last byte.
    pub response: Distribution,
    /// From the actual send to the last byte.
    pub service: Distribution,
}

/// One second of the run, over all loads; a request counts where its intended start lies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Second {
    /// Counted from the start of the run.
    pub index: u64,
    /// Arrivals that were due.
    pub offered: u64,
    /// Arrivals that were not sent.
    pub dropped: u64,
    /// Requests that have ended.
    pub ended: u64,
    /// Of these, with an answer that the scenario does not expect.
    pub failed: u64,
}

impl LoadState {
    fn add(&mut self, window: &LoadWindow) {
        self.offered += u64::from(window.offered);
        self.dropped += u64::from(window.dropped);
        self.lag.add(&window.lag);
        for cell in &window.cells {
            let latency = self.cells.entry((cell.request, cell.outcome)).or_default();
            latency.response.add(&cell.response_time);
            latency.service.add(&cell.service_time);
        }
    }
}

impl Model {
    /// Nothing has happened yet.
    pub fn new(plan: Arc<Plan>) -> Self {
        Self {
            loads: plan.loads.iter().map(|_| LoadState::default()).collect(),
            outside: OutsideTotals::new(&plan),
            faults: vec![FaultState::default(); plan.faults.len()],
            plan,
            now: Duration::ZERO,
            seconds: VecDeque::new(),
            slowest: Vec::new(),
            services: Vec::new(),
            processes: VecDeque::new(),
            lab_cpu: Duration::ZERO,
            finished: None,
        }
    }

    /// Takes in one fact.
    pub fn apply(&mut self, event: Event) {
        match event.fact {
            Fact::Tick => self.now = self.now.max(event.at),
            Fact::Window(window) => self.apply_window(window),
            Fact::LoadDone => {}
            Fact::Process { name, change } => {
                if self.processes.len() == PROCESSES {
                    self.processes.pop_front();
                }
                self.processes.push_back((event.at, name, change));
            }
            Fact::Fault { index, change } => {
                let Some(fault) = self.faults.get_mut(index) else { return };
                match change {
                    FaultChange::Started => fault.started = Some(event.at),
                    FaultChange::Ended => fault.ended = Some(event.at),
                    FaultChange::Failed(why) => fault.failed = Some(why),
                }
            }
            Fact::Telemetry(services) => self.services = services,
            Fact::LabUsage { cpu } => self.lab_cpu = cpu,
            Fact::Finished { interrupted } => self.finished = Some(Finished { at: event.at, interrupted }),
        }
    }

    fn apply_window(&mut self, window: LoadWindow) {
        let Some(load) = self.loads.get_mut(window.load) else { return };
        load.add(&window);
        self.outside.add(&window, &self.faults);
        let (mut ended, mut failed) = (0, 0);
        for cell in &window.cells {
            ended += cell.response_time.count();
            failed += if expected(&self.plan, window.load, cell.request, cell.outcome) { 0 } else { cell.response_time.count() };
        }
        self.slowest.extend(window.slowest);
        self.slowest.sort_by_key(|request| std::cmp::Reverse(request.micros));
        self.slowest.truncate(SLOWEST);
        let windows_per_second = u64::try_from(Duration::from_secs(1).as_millis() / WINDOW.as_millis()).unwrap_or(1);
        if let Some(second) = self.second(window.index / windows_per_second) {
            second.offered += u64::from(window.offered);
            second.dropped += u64::from(window.dropped);
            second.ended += ended;
            second.failed += failed;
        }
    }

    /// The second of that index, made where it is new; `None` when it has been forgotten already.
    fn second(&mut self, index: u64) -> Option<&mut Second> {
        while self.seconds.back().is_none_or(|last| last.index < index) {
            let next = self.seconds.back().map_or(index, |last| last.index + 1);
            self.seconds.push_back(Second { index: next, ..Second::default() });
            if self.seconds.len() > SECONDS {
                self.seconds.pop_front();
            }
        }
        let first = self.seconds.front()?.index;
        self.seconds.get_mut(usize::try_from(index.checked_sub(first)?).ok()?)
    }

    /// The scenario that runs.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Since the start of the run, as of the last tick.
    pub fn now(&self) -> Duration {
        self.now
    }

    /// How much of the time in which arrivals are due has gone by: all of `due` unless the run was cut short or still goes on. The
    /// wait for the last answers does not count, nor does it shorten the time that they came early.
    pub fn elapsed(&self, due: Duration) -> Duration {
        match self.finished {
            Some(Finished { interrupted: false, .. }) => due,
            _ => self.now.min(due),
        }
    }

    /// Each load's totals, in the plan's order.
    pub fn loads(&self) -> &[LoadState] {
        &self.loads
    }

    /// Each load's totals as a promise of the plan sees them: without what it leaves out, if anything.
    pub fn loads_outside(&self, outside: Option<&Outside>) -> &[LoadState] {
        outside.map_or(&self.loads, |outside| self.outside.of(outside))
    }

    /// Like [`Self::elapsed`], without what a promise leaves out.
    pub fn elapsed_outside(&self, due: Duration, outside: Option<&Outside>) -> Duration {
        let elapsed = self.elapsed(due);
        outside.map_or(elapsed, |outside| outside::undisturbed(outside, &self.faults, elapsed))
    }

    /// The last minutes, second by second, oldest first.
    pub fn seconds(&self) -> &VecDeque<Second> {
        &self.seconds
    }

    /// The slowest requests, slowest first.
    pub fn slowest(&self) -> &[SlowRequest] {
        &self.slowest
    }

    /// What each service answered and what of it the telemetry shows.
    pub fn services(&self) -> &[ServiceSignals] {
        &self.services
    }

    /// Signals that do not reconcile, over all services.
    pub fn telemetry_loss(&self) -> u64 {
        self.services.iter().map(ServiceSignals::loss).sum()
    }

    /// Processes of the stack that ended unasked or came back, oldest first.
    pub fn processes(&self) -> impl Iterator<Item = &(Duration, String, ProcessChange)> {
        self.processes.iter()
    }

    /// What became of each fault, in the plan's order.
    pub fn faults(&self) -> &[FaultState] {
        &self.faults
    }

    /// Processor time that the lab itself has used.
    pub fn lab_cpu(&self) -> Duration {
        self.lab_cpu
    }

    /// How the run ended, once it has.
    pub fn finished(&self) -> Option<Finished> {
        self.finished
    }

    /// Requests that a selector lets through and that have ended: load, request, outcome and both latencies. `loads` are
    /// [`Self::loads`] or [`Self::loads_outside`].
    pub fn requests<'m>(
        &'m self,
        loads: &'m [LoadState],
        selector: &'m Selector,
    ) -> impl Iterator<Item = (usize, usize, Outcome, &'m Latency)> {
        let wanted = move |load: usize, request: usize, outcome: Outcome| {
            let plan = &self.plan.loads[load];
            selector.load.as_ref().is_none_or(|name| *name == plan.name)
                && selector.request.as_ref().is_none_or(|name| *name == plan.requests[request].name)
                && selector.status.is_none_or(|status| outcome == Outcome::Status(status))
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

fn expected(plan: &Plan, load: usize, request: usize, outcome: Outcome) -> bool {
    match outcome {
        Outcome::Status(status) => plan.loads[load].requests[request].expects(status),
        // Cut off by the user, not failed by the system.
        Outcome::Interrupted => true,
        Outcome::Timeout | Outcome::ConnectionFailed | Outcome::ConnectionBroken => false,
    }
}
