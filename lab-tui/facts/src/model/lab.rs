//! The lab's view of itself.

use std::time::Duration;

use super::Distribution;
use crate::event::LabDelay;

/// What the lab itself used, and how late it was.
#[derive(Debug, Default)]
pub struct LabState {
    /// Processor time, all threads.
    pub cpu: Duration,
    /// The time in which it was used.
    pub wall: Duration,
    /// How many processors there are; 0 while that is not known.
    pub cores: u32,
    /// How late the loop was that sends requests and takes their answers.
    pub load_delay: Distribution,
    /// How late the loop was that walks the plan.
    pub run_delay: Distribution,
}

impl LabState {
    pub(super) fn delayed(&mut self, delay: &LabDelay) {
        self.load_delay.add(&delay.load);
        self.run_delay.add(&delay.run);
    }

    /// The share of all processors that it used, 0 to 1.
    pub fn cpu_share(&self) -> Option<f64> {
        let most = self.wall.as_secs_f64() * f64::from(self.cores);
        (most > 0.0).then(|| self.cpu.as_secs_f64() / most)
    }
}
