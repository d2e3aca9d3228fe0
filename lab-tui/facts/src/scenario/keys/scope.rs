//! Which part of a run something is about: the same keys for promises and for expectations.

use super::{Key, MOMENT, Shape, key};

const NAMES: Shape = Shape::Either(&[Shape::Text, Shape::List(&Shape::Text, true)]);

/// One of these four, or none.
pub(in crate::scenario) const RELATIONS: [&str; 4] = ["outside", "during", "before", "after"];

pub(super) const OUTSIDE: Key =
    key(RELATIONS[0], NAMES, "The faults or phases outside of which it counts: a name or a list of names.").example("\"table locked\"");
pub(super) const DURING: Key = key(RELATIONS[1], NAMES, "The faults or phases during which it counts.").example("\"table locked\"");
pub(super) const BEFORE: Key = key(RELATIONS[2], NAMES, "The faults or phases before which it counts.").example("\"table locked\"");
pub(super) const AFTER: Key = key(RELATIONS[3], NAMES, "The faults or phases after which it counts.").example("\"table locked\"");
pub(super) const SETTLE: Key = key("settle", MOMENT, "How long after each of them nothing counts either, beside `outside` or `after`.")
    .default("\"0s\"")
    .example("\"2s\"");
pub(super) const WITHIN: Key = key("within", MOMENT, "The same as `settle`, beside `after`.").default("\"0s\"").example("\"2s\"");
