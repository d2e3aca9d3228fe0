//! The lab watches itself: how late its loops turn, and what they cost.

use std::time::Duration;

use lab_facts::event::{Fact, LabDelay, Samples};
use rustix::time::{ClockId, clock_gettime};

/// How many turns of the run's loop are told together.
const TOLD: usize = 10;

/// Gathers what is to be told.
#[derive(Debug)]
pub(super) struct Watch {
    cpu_before: Duration,
    load: Vec<u32>,
    run: Vec<u32>,
}

impl Watch {
    pub(super) fn since_now() -> Self {
        Self { cpu_before: process_cpu(), load: Vec::new(), run: Vec::new() }
    }

    /// The load's loop turned so late.
    pub(super) fn load_turned(&mut self, late: Duration) {
        self.load.push(micros(late));
    }

    /// The run's loop turned so late. Now and then there is something to tell.
    pub(super) fn run_turned(&mut self, late: Duration) -> Option<Fact> {
        self.run.push(micros(late));
        (self.run.len() >= TOLD).then(|| self.delay())
    }

    /// What has not been told yet.
    pub(super) fn delay(&mut self) -> Fact {
        let take = |values: &mut Vec<u32>| Samples::from_micros(std::mem::take(values));
        Fact::LabDelay(LabDelay { load: take(&mut self.load), run: take(&mut self.run) })
    }

    /// What it has cost by now, and on how many processors.
    pub(super) fn usage(&self) -> [Fact; 2] {
        let cores = std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX));
        [Fact::LabCores(cores), Fact::LabUsage { cpu: process_cpu().saturating_sub(self.cpu_before) }]
    }
}

fn micros(late: Duration) -> u32 {
    u32::try_from(late.as_micros()).unwrap_or(u32::MAX)
}

/// User and system time of all threads of this process.
fn process_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), u32::try_from(time.tv_nsec).unwrap_or_default())
}
