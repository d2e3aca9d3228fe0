//! What of the telemetry does not hang together, and what of it could not be kept.

use super::Model;
use crate::event::{Drops, Flaw, FlawKind};

impl Model {
    /// All that was found, by kind and service.
    pub fn flaws(&self) -> &[Flaw] {
        &self.flaws
    }

    /// What the lab could not keep of it.
    pub fn drops(&self) -> &Drops {
        &self.drops
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::event::{Event, Fact, ServiceSignals};
    use crate::scenario::Plan;

    #[test]
    fn what_a_replaced_service_took_with_it_is_expected() {
        let text = "format = 1\ntitle = \"t\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-vus\"\nduration = \"1s\"\n\
            [[load.request]]\nget = \"http://x/\"";
        let mut model = Model::new(Arc::new(Plan::parse(text, "t", &[]).unwrap()));
        let flaw =
            |kind, service: &str, count| Flaw { kind, service: service.to_owned(), what: String::new(), count, examples: Vec::new() };
        let flaws = vec![flaw(FlawKind::OrphanSpan, "a", 2), flaw(FlawKind::OrphanSpan, "b", 3), flaw(FlawKind::SemconvViolation, "a", 7)];
        model.apply(Event { at: Duration::ZERO, fact: Fact::Flaws(flaws) });
        let counts = |model: &Model| FlawKind::ALL.map(|kind| model.flaws_of(kind));
        assert_eq!(counts(&model), [5, 0, 0, 0, 7]);
        let replaced = ServiceSignals { name: "c".to_owned(), restarted: true, ..ServiceSignals::default() };
        model.apply(Event { at: Duration::ZERO, fact: Fact::Telemetry(vec![replaced]) });
        assert_eq!(counts(&model), [0, 0, 0, 0, 7]);
    }
}
