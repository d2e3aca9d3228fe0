//! `lab check`: whether scenarios are understood, without running them.

use std::path::{Path, PathBuf};

use clap::Args;
use lab_facts::exit::Exit;
use lab_facts::format;
use lab_facts::scenario::{Given, Plan, Refusals};
use lab_instrument::out;
use lab_instrument::report::annotation::{Annotation, Severity};
use lab_instrument::stack::embedded::SERVICES;

use super::Failure;
use super::github;
use super::scenario::plan;

#[derive(Debug, Args)]
pub(crate) struct CheckFlags {
    /// Scenario files, or names of shipped scenarios; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

/// A line on standard output for each file that is understood, and on standard error one for each problem of each that is not:
/// `file:line:column: what (way out)`, as editors read it.
pub(crate) fn check(flags: &CheckFlags) -> Result<Exit, Failure> {
    let mut exit = Exit::Kept;
    for file in &flags.files {
        match plan(file, None, &Given { services: &SERVICES, ..Given::default() }) {
            Ok(planned) => {
                let name = planned.file.as_ref().unwrap_or(&planned.name);
                out::result(&format!("{name}: {}\n", contents(&planned.plan))).map_err(Failure::unwritable)?;
            }
            Err(error) => {
                out::note(&out::sentence(&error));
                github::show(&refusals(file, &error));
                exit = Exit::BadInput;
            }
        }
    }
    Ok(exit)
}

/// As in `Load on the database; 1 load, 0 faults, 3 thresholds, 30.0 s`.
fn contents(plan: &Plan) -> String {
    let counts = [(plan.loads.len(), "load"), (plan.faults.len(), "fault"), (plan.thresholds.len(), "threshold")];
    let counts = counts.map(|(count, what)| format::count(count, what)).join(", ");
    let expected = plan.expectations.len();
    let counts = if expected > 0 { format!("{counts}, {}", format::count(expected, "expectation")) } else { counts };
    format!("{}; {counts}, {}", plan.title, format::seconds(plan.duration()))
}

/// A remark for each problem of a file that was refused.
pub(super) fn refusals(file: &Path, error: &anyhow::Error) -> Vec<Annotation> {
    let remark = |place, message| Annotation {
        severity: Severity::Error,
        file: Some(file.display().to_string()),
        place,
        title: "The scenario is not understood".to_owned(),
        message,
    };
    match error.downcast_ref::<Refusals>() {
        Some(refusals) => refusals.iter().map(|refusal| remark(refusal.place, refusal.to_string())).collect(),
        None => vec![remark(None, out::sentence(error))],
    }
}
