//! Remarks for GitHub Actions, where the lab runs in one of its steps.

use lab_tui::out;
use lab_tui::report::annotation::Annotation;

/// To standard error, which GitHub reads as it reads standard output: that is for results, and may be a report that something parses.
pub(crate) fn show(annotations: &[Annotation]) {
    if std::env::var("GITHUB_ACTIONS").is_ok_and(|set| set == "true") {
        annotations.iter().for_each(|annotation| out::note(&annotation.to_string()));
    }
}
