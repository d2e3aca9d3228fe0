//! Lines that GitHub Actions shows beside the code and on the page of the workflow's run:
//! <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>.

use std::fmt;

use lab_facts::scenario::{Place, Planned};

use super::Summary;
use crate::compare::Comparison;

/// One remark. Displays as GitHub's workflow command, in one line without its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// Whether it is why the command failed.
    pub severity: Severity,
    /// The file as the user named it; `None` where the scenario is no file.
    pub file: Option<String>,
    /// Line and column, counted from 1.
    pub place: Option<Place>,
    /// In a few words.
    pub title: String,
    /// In a sentence.
    pub message: String,
}

/// How grave it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// A promise is broken, a file refused.
    Error,
    /// Nothing can be said.
    Warning,
}

impl fmt::Display for Annotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.severity {
            Severity::Error => "::error ",
            Severity::Warning => "::warning ",
        })?;
        if let Some(file) = &self.file {
            write!(f, "file={},", property(file))?;
        }
        if let Some((line, column)) = self.place {
            write!(f, "line={line},col={column},")?;
        }
        write!(f, "title={}::{}", property(&self.title), data(&self.message))
    }
}

/// One for each service that ended by itself, each broken threshold or expectation, a regression that fails the command, and each reason
/// why nothing can be said; those of something that stands in the scenario's file beside its line.
pub fn annotations(summary: &Summary<'_>, planned: &Planned) -> Vec<Annotation> {
    let places = planned.places();
    let remark = |severity, place, message: &str| remark(planned, severity, place, message);
    let broken = summary.thresholds.iter().enumerate().filter_map(|(index, threshold)| {
        let place = places.thresholds.get(index).copied();
        Some(remark(Severity::Error, place, &threshold.broken()?))
    });
    let unmet = summary.expectations.iter().filter_map(|one| {
        let place = places.expectations.get(&one.name).copied();
        Some(remark(Severity::Error, place, &one.broken()?))
    });
    let crashed = summary.services.iter().filter_map(|service| {
        let place = places.services.get(service.name).copied();
        Some(remark(Severity::Error, place, &service.broken()?))
    });
    let unclear = summary.inconclusive.iter().map(|why| remark(Severity::Warning, None, &format!("inconclusive: {why}")));
    let severity = if summary.comparison.as_ref().is_some_and(Comparison::tells) { Severity::Error } else { Severity::Warning };
    let regressed = summary.regressed().map(|why| remark(severity, None, &why));
    crashed.chain(broken).chain(unmet).chain(regressed).chain(unclear).collect()
}

/// A run that could not be brought to its end, such as one whose service did not start.
pub fn without_end(planned: &Planned, why: &str) -> Annotation {
    // Which of several services it was is in the sentence alone.
    let only = match planned.plan.services.as_slice() {
        [one] if why.contains(&one.name) => planned.places().services.get(&one.name).copied(),
        _ => None,
    };
    remark(planned, Severity::Error, only, why)
}

fn remark(planned: &Planned, severity: Severity, place: Option<Place>, message: &str) -> Annotation {
    Annotation {
        severity,
        file: planned.file.clone(),
        place,
        title: format!("{} ({})", planned.plan.title, planned.name),
        message: message.to_owned(),
    }
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_command_or_a_property_is_escaped() {
        let annotation = Annotation {
            severity: Severity::Error,
            file: Some("a,b:c.toml".to_owned()),
            place: Some((7, 12)),
            title: "100 %: all, or none".to_owned(),
            message: "rate<1%, was: 2\r\n::warning::no".to_owned(),
        };
        assert_eq!(
            annotation.to_string(),
            "::error file=a%2Cb%3Ac.toml,line=7,col=12,title=100 %25%3A all%2C or none::rate<1%25, was: 2%0D%0A::warning::no"
        );
        let bare = Annotation { severity: Severity::Warning, file: None, place: None, ..annotation };
        assert!(bare.to_string().starts_with("::warning title=100"), "{bare}");
    }
}
