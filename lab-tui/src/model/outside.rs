//! Totals of the requests that no fault disturbed, for promises that leave faults out.

use std::ops::Range;
use std::time::Duration;

use super::{FaultState, LoadState};
use crate::event::{LoadWindow, WINDOW};
use crate::scenario::{Outside, Plan};

/// One set of totals for each different thing that a promise of the plan leaves out.
#[derive(Debug)]
pub(super) struct OutsideTotals(Vec<(Outside, Vec<LoadState>)>);

impl OutsideTotals {
    pub(super) fn new(plan: &Plan) -> Self {
        let mut all: Vec<(Outside, Vec<LoadState>)> = Vec::new();
        for outside in plan.thresholds.iter().filter_map(|threshold| threshold.outside.as_ref()) {
            if all.iter().all(|(known, _)| known != outside) {
                all.push((outside.clone(), plan.loads.iter().map(|_| LoadState::default()).collect()));
            }
        }
        Self(all)
    }

    /// Decided as a part of a window comes in: a fault that has begun and not ended is under way. A part that was told before the
    /// fault began holds requests that had ended by then.
    pub(super) fn add(&mut self, window: &LoadWindow, faults: &[FaultState]) {
        for (outside, loads) in &mut self.0 {
            let disturbed = outside.faults.iter().any(|fault| overlaps(window.index, &faults[*fault], outside.settle));
            if let Some(load) = loads.get_mut(window.load).filter(|_| !disturbed) {
                load.add(window);
            }
        }
    }

    pub(super) fn of(&self, outside: &Outside) -> &[LoadState] {
        self.0.iter().find(|(known, _)| known == outside).map_or(&[], |(_, loads)| loads)
    }
}

/// The windows that a fault disturbs, as the first and the one after the last.
fn disturbed(fault: &FaultState, settle: Duration) -> Option<Range<u64>> {
    let index = |at: Duration| u64::try_from(at.as_nanos() / WINDOW.as_nanos()).unwrap_or(u64::MAX);
    Some(index(fault.started?)..fault.ended.map_or(u64::MAX, |ended| index(ended + settle) + 1))
}

fn overlaps(index: u64, fault: &FaultState, settle: Duration) -> bool {
    disturbed(fault, settle).is_some_and(|windows| windows.contains(&index))
}

/// How much of the first `due` lies in windows that no fault disturbed.
pub(super) fn undisturbed(outside: &Outside, faults: &[FaultState], due: Duration) -> Duration {
    let begin = |index: u64| u32::try_from(index).map_or(due, |index| due.min(WINDOW.saturating_mul(index)));
    let mut lost: Vec<Range<u64>> = outside.faults.iter().filter_map(|fault| disturbed(&faults[*fault], outside.settle)).collect();
    lost.sort_by_key(|windows| windows.start);
    let (mut left, mut counted) = (due, Duration::ZERO);
    for windows in lost {
        let (from, to) = (begin(windows.start).max(counted), begin(windows.end));
        left -= to.saturating_sub(from);
        counted = counted.max(to);
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(started: u64, ended: Option<u64>) -> FaultState {
        FaultState { started: Some(Duration::from_millis(started)), ended: ended.map(Duration::from_millis), failed: None }
    }

    #[test]
    fn a_window_is_disturbed_when_any_of_it_lies_between_start_and_settled_end() {
        let settle = Duration::from_millis(150);
        let disturbed = |fault: &FaultState| (0..12).filter(|index| overlaps(*index, fault, settle)).collect::<Vec<_>>();
        assert_eq!(disturbed(&fault(250, Some(499))), [2, 3, 4, 5, 6]);
        assert_eq!(disturbed(&fault(300, Some(450))), [3, 4, 5, 6], "a window that begins at the very end counts as disturbed");
        assert_eq!(disturbed(&fault(950, None)), [9, 10, 11]);
        assert_eq!(disturbed(&FaultState::default()), [0; 0]);
    }

    #[test]
    fn time_outside_is_what_no_fault_took() {
        let faults = [fault(250, Some(449)), fault(400, Some(520)), fault(5_000, Some(6_000)), FaultState::default()];
        let left = |which: &[usize], due| {
            let outside = Outside { faults: which.to_vec(), settle: Duration::ZERO };
            undisturbed(&outside, &faults, Duration::from_millis(due)).as_millis()
        };
        assert_eq!(left(&[0], 1000), 700);
        assert_eq!(left(&[0, 1], 1000), 600, "what two took counts once");
        assert_eq!(left(&[1, 0, 2, 3], 450), 200, "only what is due");
        assert_eq!(left(&[3], 1000), 1000);
    }
}
