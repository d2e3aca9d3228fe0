//! When promises first broke: told once of each, as the run goes on.

use super::{Verdict, abort};
use crate::event::Command;
use crate::model::Model;
use crate::scenario::Comparison;

/// What has been seen of each threshold, in the plan's order.
#[derive(Debug, Default)]
pub struct Breaks(Vec<Seen>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Seen {
    #[default]
    Nothing,
    Kept,
    Broken,
}

impl Breaks {
    /// What is to be wished of the run: that news be told, and that it end where a broken promise says so.
    pub fn wishes(&mut self, verdict: &Verdict, model: &Model) -> impl Iterator<Item = Command> + use<> {
        let news = self.news(verdict, model).into_iter().map(|threshold| Command::Broke { threshold });
        news.chain(abort(verdict, model).map(|threshold| Command::Abort { threshold }))
    }

    /// Thresholds that have broken since this was asked last. What has to grow first, such as a count of at least a hundred, breaks only
    /// once it was kept; what is known at the end alone does not break before.
    fn news(&mut self, verdict: &Verdict, model: &Model) -> Vec<usize> {
        if model.finished().is_some() {
            return Vec::new();
        }
        self.0.resize(verdict.thresholds.len(), Seen::Nothing);
        let mut news = Vec::new();
        for (index, (judged, seen)) in verdict.thresholds.iter().zip(&mut self.0).enumerate() {
            let threshold = &judged.threshold;
            let is_limit = matches!(threshold.comparison, Comparison::Less | Comparison::LessOrEqual);
            let may_break = !threshold.selector.metric.is_of_the_whole_run() && (is_limit || *seen == Seen::Kept);
            match *seen {
                Seen::Broken => {}
                _ if judged.ok => *seen = Seen::Kept,
                _ if judged.value.is_some() && may_break => {
                    *seen = Seen::Broken;
                    news.push(index);
                }
                _ => {}
            }
        }
        news
    }
}
