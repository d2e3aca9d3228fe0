//! What a user made of the load's pace, and when.

use std::collections::VecDeque;
use std::time::Duration;

use super::push_bounded;
use crate::event::{Control, Pace};

/// How many commands are kept.
const CONTROLS: usize = 1000;

/// The commands that were obeyed, and the pace that came of them.
#[derive(Debug, Default)]
pub struct Controls {
    pace: Pace,
    obeyed: VecDeque<(Duration, Control)>,
}

impl Controls {
    pub(super) fn add(&mut self, at: Duration, control: Control) {
        self.pace.apply(control);
        push_bounded(&mut self.obeyed, (at, control), CONTROLS);
    }

    /// As it is now.
    pub fn pace(&self) -> Pace {
        self.pace
    }

    /// The commands, oldest first, each with its time from the start of the run; the last thousand of them.
    pub fn obeyed(&self) -> impl Iterator<Item = (Duration, Control)> {
        self.obeyed.iter().copied()
    }
}
