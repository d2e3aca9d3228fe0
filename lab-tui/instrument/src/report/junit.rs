//! The summaries as JUnit XML, which GitLab, Jenkins and GitHub's actions show as test results.
//!
//! A scenario is a test suite. Its test cases have the same names in every run, so that a CI can tell what is newly broken: the run
//! itself, which is an error when nothing can be said; each service that the scenario brings along, a failure when it ended by itself;
//! each fault, an error when it was not there as planned; each threshold, a failure when it is broken; each expectation likewise, or an
//! error when it cannot be judged; and the comparison with a baseline, a failure when the user wants a regression to be one, an error when
//! nothing can be told. Of a scenario whose turn did not come all of them are skipped.

use std::time::Duration;

use lab_facts::scenario::Plan;
use lab_facts::verdict::Word;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::Summary;

/// The name of all of it together.
const NAME: &str = "lab";

/// What happened in each scenario so far.
#[derive(Debug)]
pub struct Junit {
    report: Report,
}

impl Default for Junit {
    fn default() -> Self {
        Self { report: Report::new(NAME) }
    }
}

impl Junit {
    /// Whether no scenario has been told of.
    pub fn is_empty(&self) -> bool {
        self.report.test_suites.is_empty()
    }

    /// A run that has ended, or as far as it has come.
    pub fn add(&mut self, summary: &Summary<'_>) {
        // Seconds from the clock of the run are neither negative nor endless.
        let took = Duration::try_from_secs_f64(summary.duration_seconds).unwrap_or_default();
        let mut suite = TestSuite::new(summary.scenario);
        suite.set_time(took);
        suite.add_property(("title", summary.title));
        suite.add_property(("seed", summary.seed.to_string().as_str()));
        for (metric, count) in summary.telemetry.numbers() {
            suite.add_property((metric, count.to_string().as_str()));
        }
        let mut run = case(summary.scenario, "run", nothing_can_be_said(summary).map(|why| error("inconclusive", &why)));
        run.set_time(took);
        suite.add_test_case(run);
        for service in &summary.services {
            let crashed = service.broken().map(|why| not_kept(NonSuccessKind::Failure, "service", &why));
            suite.add_test_case(case(summary.scenario, &format!("service {}", service.name), crashed));
        }
        for fault in summary.faults.iter().filter(|fault| !fault.by_hand) {
            let untouched = (fault.touched == Some(0)).then_some("it touched nothing");
            let why = fault.failed.as_deref().or(untouched);
            let failed = why.map(|why| error("fault", &format!("the fault was not there as planned: {why}")));
            suite.add_test_case(case(summary.scenario, &format!("fault {}", fault.name), failed));
        }
        for threshold in &summary.thresholds {
            let broken = threshold.broken().map(|why| not_kept(NonSuccessKind::Failure, "threshold", &why));
            suite.add_test_case(case(summary.scenario, &threshold.promise(), broken));
        }
        for one in &summary.expectations {
            let status = match (&one.why_not, one.ok) {
                (Some(why), None) if one.skipped => Some(skipped(why)),
                (Some(why), None) => Some(error("expectation", why)),
                _ => one.broken().map(|why| not_kept(NonSuccessKind::Failure, "expectation", &why)),
            };
            suite.add_test_case(case(summary.scenario, &format!("expectation {}", one.name), status));
        }
        if let Some(comparison) = &summary.comparison {
            let how = if comparison.tells() { NonSuccessKind::Failure } else { NonSuccessKind::Error };
            let worse = summary.regressed().map(|why| not_kept(how, "baseline", &why));
            suite.add_test_case(case(summary.scenario, "no regression", worse));
        }
        self.push(suite, took);
    }

    /// A run that could not be brought to its end, so that there is no summary of it.
    pub fn add_without_end(&mut self, scenario: &str, why: &str) {
        let mut suite = TestSuite::new(scenario);
        suite.set_time(Duration::ZERO);
        suite.add_test_case(case(scenario, "run", Some(error("lab", why))));
        self.push(suite, Duration::ZERO);
    }

    /// A scenario whose turn did not come: all of its test cases, skipped.
    pub fn add_skipped(&mut self, scenario: &str, plan: &Plan, why: &str) {
        let mut suite = TestSuite::new(scenario);
        suite.set_time(Duration::ZERO);
        suite.add_property(("title", plan.title.as_str()));
        suite.add_property(("seed", plan.seed.to_string().as_str()));
        let services = plan.services.iter().map(|service| format!("service {}", service.name));
        let faults = plan.faults.iter().map(|fault| format!("fault {}", fault.name));
        let thresholds = plan.thresholds.iter().map(|threshold| threshold.words(plan));
        let expectations = plan.expectations.iter().map(|one| format!("expectation {}", one.name));
        for name in ["run".to_owned()].into_iter().chain(services).chain(faults).chain(thresholds).chain(expectations) {
            suite.add_test_case(case(scenario, &name, Some(skipped(why))));
        }
        self.push(suite, Duration::ZERO);
    }

    /// The XML; ends in a line break. Characters that XML cannot hold are left out.
    ///
    /// # Errors
    /// When it cannot be written down as XML, which no summary is known to bring about.
    pub fn to_xml(&self) -> anyhow::Result<String> {
        Ok(self.report.to_string()?)
    }

    fn push(&mut self, suite: TestSuite, took: Duration) {
        self.report.set_time(self.report.time.unwrap_or_default() + took);
        self.report.add_test_suite(suite);
    }
}

fn nothing_can_be_said(summary: &Summary<'_>) -> Option<String> {
    let interrupted = summary.interrupted.then(|| "interrupted; the results are those up to then".to_owned());
    let inconclusive = (summary.verdict == Word::Inconclusive).then(|| format!("inconclusive: {}", summary.inconclusive.join("; ")));
    let why: Vec<String> = interrupted.into_iter().chain(inconclusive).collect();
    (!why.is_empty()).then(|| why.join("; "))
}

fn case(scenario: &str, name: &str, status: Option<TestCaseStatus>) -> TestCase {
    let mut case = TestCase::new(name, status.unwrap_or_else(TestCaseStatus::success));
    case.set_classname(scenario);
    // Times of the parts would add up to more than the run took.
    case.set_time(Duration::ZERO);
    case
}

fn skipped(why: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(why);
    status
}

fn error(kind: &str, why: &str) -> TestCaseStatus {
    not_kept(NonSuccessKind::Error, kind, why)
}

/// GitLab shows the text, Jenkins and GitHub the message.
fn not_kept(how: NonSuccessKind, kind: &str, why: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(how);
    status.set_type(kind).set_message(why).set_description(why);
    status
}
