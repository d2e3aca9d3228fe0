//! How the lab itself does.

use super::Samples;

/// How late the lab's own loops were, each time that they should have turned since this was told before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabDelay {
    /// Of the loop that sends requests and takes their answers, in microseconds: answers are measured that late.
    pub load: Samples,
    /// Of the loop that walks the plan, in microseconds: faults and scrapes come that late.
    pub run: Samples,
}
