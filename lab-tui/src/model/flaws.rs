//! What of the telemetry does not hang together.

use super::Model;
use crate::event::{Flaw, FlawKind};

impl Model {
    /// All that was found, by kind and service.
    pub fn flaws(&self) -> &[Flaw] {
        &self.flaws
    }

    /// How many there are of a kind, but for those that are expected.
    pub fn flaws_of(&self, kind: FlawKind) -> u64 {
        if self.are_expected(kind) {
            return 0;
        }
        self.flaws.iter().filter(|flaw| flaw.kind == kind).map(|flaw| flaw.count).sum()
    }

    /// Whether flaws of this kind are no wonder: a service was replaced, and took the spans with it that others hang off.
    pub fn are_expected(&self, kind: FlawKind) -> bool {
        let by_loss = matches!(kind, FlawKind::OrphanSpan | FlawKind::BrokenParent | FlawKind::LogOfUnknownTrace);
        by_loss && self.services.iter().any(|service| service.restarted)
    }
}
