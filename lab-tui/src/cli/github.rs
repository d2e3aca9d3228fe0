//! Remarks for GitHub Actions, where the lab runs in one of its steps.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use lab_instrument::out;
use lab_instrument::report::annotation::Annotation;

/// To standard error, which GitHub reads as it reads standard output: that is for results, and may be a report that something parses.
pub(crate) fn show(annotations: &[Annotation]) {
    if std::env::var("GITHUB_ACTIONS").is_ok_and(|set| set == "true") {
        annotations.iter().for_each(|annotation| out::note(&annotation.to_string()));
    }
}

/// What GitHub shows on the page of the workflow's run, as the step's summary; earlier commands of the step may have written to it.
#[derive(Debug)]
pub(crate) struct StepSummary {
    path: PathBuf,
    file: File,
    text: String,
}

impl StepSummary {
    /// The file that GitHub has set for the step, if this is one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn from_environment() -> anyhow::Result<Option<Self>> {
        let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()).map(PathBuf::from) else {
            return Ok(None);
        };
        let opened = OpenOptions::new().append(true).create(true).open(&path);
        let file = opened.with_context(|| format!("cannot write {}, which GITHUB_STEP_SUMMARY names", path.display()))?;
        Ok(Some(Self { path, file, text: String::new() }))
    }

    /// Markdown of one run.
    pub(crate) fn add(&mut self, markdown: &str) {
        self.text += markdown;
    }

    /// Appends what was added.
    pub(crate) fn write(mut self) -> anyhow::Result<()> {
        self.file.write_all(self.text.as_bytes()).with_context(|| format!("cannot write {}", self.path.display()))
    }
}
