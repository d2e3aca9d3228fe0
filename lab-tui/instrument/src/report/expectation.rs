//! Expectations in a summary.

use lab_facts::format::{count, number};
use lab_facts::model::Model;
use lab_facts::scenario::{Evidence, Subject};
use lab_facts::verdict::{JudgedExpectation, Standing};
use serde::Serialize;

use super::Summary;

/// One expectation.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ExpectationSummary {
    /// From the scenario.
    pub name: String,
    /// What was looked at, such as `traces { status = error }`.
    pub what: String,
    /// Which part of the run it is about, such as `during table locked`; null for all of it.
    pub scope: Option<String>,
    /// What it had to be, such as `>=5`.
    pub expected: String,
    /// A count, or a metric's value; null where it is not known.
    pub value: Option<f64>,
    /// Whether it was kept; null where that cannot be said, and where it was skipped.
    pub ok: Option<bool>,
    /// Why it was not kept, cannot be judged or was skipped; null where it was kept.
    pub why_not: Option<String>,
    /// Whether it was left out because a backend was missing and the user allowed it.
    pub skipped: bool,
    /// A few of the traces that were found, 32 hex digits each.
    pub traces: Vec<String>,
}

impl ExpectationSummary {
    pub(super) fn new(judged: &JudgedExpectation, model: &Model) -> Self {
        let expectation = &judged.expectation;
        let (ok, why_not) = match &judged.standing {
            Standing::Kept => (Some(true), None),
            Standing::Broken => (Some(false), Some(broken(judged))),
            Standing::Unclear(why) | Standing::Skipped(why) => (None, Some(why.clone())),
            Standing::Open => (None, Some("it is looked into at the end of the run".to_owned())),
        };
        Self {
            name: expectation.name.clone(),
            what: expectation.what(),
            scope: expectation.scope().map(|scope| scope.words(model.plan())),
            expected: expectation.expected(),
            value: judged.value,
            ok,
            why_not,
            skipped: matches!(judged.standing, Standing::Skipped(_)),
            traces: judged.examples.iter().map(ToString::to_string).collect(),
        }
    }

    /// As in `traces { status = error } during table locked`.
    pub(super) fn subject(&self) -> String {
        self.scope.as_ref().map_or_else(|| self.what.clone(), |scope| format!("{} {scope}", self.what))
    }

    /// Why it is broken, in one sentence, where it is.
    pub(super) fn broken(&self) -> Option<String> {
        let why = self.why_not.as_ref().filter(|_| self.ok == Some(false))?;
        Some(format!("the expectation `{}` is broken: {why}; it is about {}", self.name, self.subject()))
    }
}

/// What there was in place of what was expected.
fn broken(judged: &JudgedExpectation) -> String {
    let expected = judged.expectation.expected();
    let there = match (&judged.expectation.subject, judged.value) {
        (Subject::Metric(_), None) => "there were no samples".to_owned(),
        (Subject::Metric(_), Some(value)) => format!("it was {}", number(value)),
        (Subject::Counted { .. }, None) => "nothing was counted".to_owned(),
        (Subject::Counted { evidence, .. }, Some(value)) => {
            let what = match evidence {
                Evidence::Traces(_) => "trace",
                Evidence::Logs(_) => "log line",
                Evidence::Asked(..) => "result",
            };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count is whole and positive")]
            let found = value as u64;
            format!("there {} {}", if found == 1 { "was" } else { "were" }, count(found, what))
        }
    };
    format!("{there}, expected {expected}")
}

/// A line for each in the text, and another for those that were not kept.
pub(super) fn write(out: &mut String, expectations: &[ExpectationSummary]) -> std::fmt::Result {
    use std::fmt::Write as _;
    if expectations.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nexpectations")?;
    let width = expectations.iter().map(|one| one.name.chars().count()).max().unwrap_or_default();
    for one in expectations {
        let sign = match one.ok {
            Some(true) => "kept   ",
            Some(false) => "BROKEN ",
            None if one.skipped => "skipped",
            None => "UNCLEAR",
        };
        let value = one.value.map_or("-".to_owned(), number);
        writeln!(out, "  {sign}  {:width$}  {value} (expected {})", one.name, one.expected)?;
        if let Some(why) = &one.why_not {
            writeln!(out, "           {}: {why}", one.subject())?;
            one.traces.iter().try_for_each(|trace| writeln!(out, "           trace {trace}"))?;
        }
    }
    Ok(())
}

/// What is broken although nothing can be said of the whole, as in `; 3 thresholds and 1 expectation are broken as well`.
pub(super) fn broken_as_well(summary: &Summary<'_>) -> String {
    let broken = summary.thresholds.iter().map(|one| one.ok).chain(summary.expectations.iter().filter_map(|one| one.ok));
    match broken.filter(|ok| !ok).count() {
        0 => String::new(),
        many => format!("; {} {} broken as well", promises(summary, |ok| !ok), if many == 1 { "is" } else { "are" }),
    }
}

/// As in `3 thresholds and 1 expectation`; what was skipped does not count.
pub(super) fn promises(summary: &Summary<'_>, counts: impl Fn(bool) -> bool) -> String {
    let thresholds = summary.thresholds.iter().filter(|threshold| counts(threshold.ok)).count();
    let expectations = summary.expectations.iter().filter_map(|one| one.ok).filter(|ok| counts(*ok)).count();
    match (thresholds, expectations) {
        (0, expectations) => count(expectations, "expectation"),
        (thresholds, 0) => count(thresholds, "threshold"),
        (thresholds, expectations) => format!("{} and {}", count(thresholds, "threshold"), count(expectations, "expectation")),
    }
}
