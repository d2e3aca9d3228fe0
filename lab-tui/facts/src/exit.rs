//! The exit codes that scripts rely on.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(into = "u8")]
#[repr(u8)]
pub enum Exit {
    /// Every promise was kept.
    Kept = 0,
    /// Nothing can be said: the lab was the bottleneck, a fault was not there as planned, nobody answered, or an expectation cannot be judged.
    Inconclusive = 98,
    /// A threshold or an expectation was broken, or a service of the scenario's own ended by itself.
    Broken = 99,
    /// The stack, or a service of the scenario's own, did not become ready; or the database of `lab up` is gone for good.
    NotReady = 100,
    /// The lab itself failed, which is a defect in it; what it had injected was undone, and the stack ended.
    Defect = 101,
    /// A bad file, a bad flag or an output that cannot be written; found before anything starts.
    BadInput = 104,
    /// Interrupted by the user.
    Interrupted = 105,
}

impl From<Exit> for u8 {
    fn from(exit: Exit) -> Self {
        exit as Self
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(u8::from(exit))
    }
}
