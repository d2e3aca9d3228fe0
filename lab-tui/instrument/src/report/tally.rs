//! What became of several scenarios, in one line.

use lab_facts::exit::Exit;
use lab_facts::format::count;

/// How each scenario ended that was begun.
#[derive(Debug, Default)]
pub struct Tally {
    ends: Vec<&'static str>,
}

impl Tally {
    /// One that has ended, or that came to no end: `None`.
    pub fn add(&mut self, end: Option<Exit>) {
        self.ends.push(match end {
            Some(Exit::Kept) => "pass",
            Some(Exit::Broken) => "fail",
            Some(Exit::Inconclusive) => "inconclusive",
            Some(Exit::Interrupted) => "interrupted",
            _ => "error",
        });
    }

    /// As in `3 scenarios: 1 pass, 1 fail, 1 skipped`; `asked` is how many there were to run.
    pub fn line(&self, asked: usize) -> String {
        let number = |wanted: &str| self.ends.iter().filter(|end| **end == wanted).count();
        let known = ["pass", "fail", "inconclusive", "interrupted", "error"].map(|word| (number(word), word));
        let skipped = (asked.saturating_sub(self.ends.len()), "skipped");
        let each = known.into_iter().chain([skipped]).filter(|(many, _)| *many > 0).map(|(many, word)| format!("{many} {word}"));
        format!("{}: {}", count(asked, "scenario"), each.collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_that_was_asked_for_is_counted_once() {
        let mut tally = Tally::default();
        [Some(Exit::Kept), Some(Exit::Broken), Some(Exit::Kept)].into_iter().for_each(|end| tally.add(end));
        assert_eq!(tally.line(3), "3 scenarios: 2 pass, 1 fail");
        tally.add(Some(Exit::Interrupted));
        assert_eq!(tally.line(6), "6 scenarios: 2 pass, 1 fail, 1 interrupted, 2 skipped");
        tally.add(None);
        assert_eq!(tally.line(5), "5 scenarios: 2 pass, 1 fail, 1 interrupted, 1 error");
    }
}
