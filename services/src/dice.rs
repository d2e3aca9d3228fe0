//! Which dice may be a label. A name counts as itself once die-service has confirmed it; all others are `unknown`, so that
//! a client who invents names cannot fill the metrics with them.

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

/// The label of a die that nobody has confirmed.
pub(crate) const UNKNOWN: &str = "unknown";

/// More dice than this are not worth a label each.
const MOST: usize = 64;

/// The confirmed names.
#[derive(Debug, Default)]
pub(crate) struct KnownDice(RwLock<BTreeSet<String>>);

impl KnownDice {
    /// Remembers that die-service has this die.
    pub(crate) fn confirm(&self, name: &str) {
        if self.has(name) {
            return;
        }
        let mut names = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if names.len() < MOST {
            names.insert(name.to_owned());
        }
    }

    /// The name as a label.
    pub(crate) fn label<'a>(&self, name: &'a str) -> &'a str {
        if self.has(name) { name } else { UNKNOWN }
    }

    /// Whether the name is its own label.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_confirmed_names_are_labels_and_their_number_is_bounded() {
        let dice = KnownDice::default();
        assert_eq!(dice.label("fair"), UNKNOWN);
        dice.confirm("fair");
        assert_eq!(dice.label("fair"), "fair");
        for number in 0..1000 {
            dice.confirm(&format!("die{number}"));
        }
        assert_eq!(dice.label("die999"), UNKNOWN);
    }
}
