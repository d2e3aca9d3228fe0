//! What a run says about the plan's expectations.

use super::judge_one;
use crate::event::{Found, TraceId};
use crate::model::Model;
use crate::scenario::{Count, Expectation, Plan, Subject};

/// One expectation and what became of it.
#[derive(Debug, Clone)]
pub struct JudgedExpectation {
    /// What was expected.
    pub expectation: Expectation,
    /// How it stands.
    pub standing: Standing,
    /// The count, or a metric's value. `None` where it is not known or there are no samples.
    pub value: Option<f64>,
    /// A few of the traces that were found.
    pub examples: Vec<TraceId>,
}

/// How an expectation stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is as expected.
    Kept,
    /// It is not.
    Broken,
    /// Nothing can be said; the text says why.
    Unclear(String),
    /// The user allowed to leave it out; the text says why it was.
    Skipped(String),
    /// It is looked into at the end of the run.
    Open,
}

pub(super) fn judge(plan: &Plan, model: &Model) -> Vec<JudgedExpectation> {
    plan.expectations.iter().zip(model.expectations()).map(|(expectation, found)| one(expectation, found.as_ref(), model)).collect()
}

fn one(expectation: &Expectation, found: Option<&Found>, model: &Model) -> JudgedExpectation {
    let (value, standing, examples) = match &expectation.subject {
        Subject::Metric(threshold) => {
            let judged = judge_one(threshold, model);
            (judged.value, if judged.ok { Standing::Kept } else { Standing::Broken }, &[][..])
        }
        Subject::Counted { count, .. } => counted(*count, found, model),
    };
    JudgedExpectation { expectation: expectation.clone(), standing, value, examples: examples.to_vec() }
}

fn counted<'f>(expected: Count, found: Option<&'f Found>, model: &Model) -> (Option<f64>, Standing, &'f [TraceId]) {
    match found {
        Some(Found::Counted { count, examples }) => {
            let standing = if expected.holds(*count) { Standing::Kept } else { Standing::Broken };
            (Some(super::number(*count)), standing, examples)
        }
        Some(Found::Unclear(why)) => (None, Standing::Unclear(why.clone()), &[]),
        Some(Found::Skipped(why)) => (None, Standing::Skipped(why.clone()), &[]),
        None if model.finished().is_none() => (None, Standing::Open, &[]),
        None => (None, Standing::Unclear("the run ended before it was looked into".to_owned()), &[]),
    }
}

impl JudgedExpectation {
    /// Why nothing can be said of it, where that is so.
    pub(super) fn unclear(&self) -> Option<String> {
        match &self.standing {
            Standing::Unclear(why) => Some(format!("the expectation `{}` cannot be judged: {why}", self.expectation.name)),
            _ => None,
        }
    }
}
