//! What became of a fault.

use std::time::Duration;

use crate::scenario::Fault;

/// A fault, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultState {
    /// What was wanted.
    pub fault: Fault,
    /// The user asked for it while the run went on; the plan knows nothing of it.
    pub by_hand: bool,
    /// When the system was really disturbed from.
    pub started: Option<Duration>,
    /// When that was undone.
    pub ended: Option<Duration>,
    /// Why it could not be brought about or undone.
    pub failed: Option<String>,
    /// The user ended it before its time.
    pub cut_short: bool,
    /// How many requests met it, as its kind counts them; `None` where that is not known.
    pub touched: Option<u64>,
}

impl FaultState {
    pub(super) fn new(fault: Fault, by_hand: bool) -> Self {
        Self { fault, by_hand, started: None, ended: None, failed: None, cut_short: false, touched: None }
    }

    /// Why it was not there as the plan has it, or as a user wanted it.
    pub fn not_as_wanted(&self) -> Option<&str> {
        let cut_short = self.cut_short && !self.by_hand;
        self.failed.as_deref().or(cut_short.then_some("it was ended by hand before its time"))
    }

    /// Whether the system is disturbed by it now.
    pub fn is_on(&self) -> bool {
        self.started.is_some() && self.ended.is_none()
    }
}
