//! The files that a run leaves behind: the JSON summary, the HTML and the JUnit report, and what GitHub shows of a step.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser as _};
use lab_facts::event::TraceId;
use lab_facts::exit::Exit;
use lab_facts::model::Model;
use lab_facts::scenario::Planned;
use lab_facts::trace::Trace;
use lab_instrument::report::{Html, Junit, Ran, Summary, TraceLink, markdown, markdown_skipped, markdown_without_end};
use time::OffsetDateTime;

use super::Failure;
use super::github::StepSummary;
use super::output::{Output, is_stdout};

#[derive(Debug, Args)]
pub(crate) struct ReportFlags {
    /// Write the summary as JSON, without a screen; `-` for standard output in place of the text; an array where several files run
    #[arg(long, value_name = "FILE", env = "LAB_JSON", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    json: Option<PathBuf>,
    /// Write the thresholds as JUnit XML for a CI, without a screen; `-` for standard output in place of the text
    #[arg(long, value_name = "FILE", env = "LAB_JUNIT", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    junit: Option<PathBuf>,
    /// Write a page with plots, thresholds and the slowest traces, without a screen; `-` for standard output in place of the text
    #[arg(long, value_name = "FILE", env = "LAB_HTML", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    html: Option<PathBuf>,
}

/// What is to be written at the end, and what is known of it so far.
pub(crate) struct Reports {
    /// How many scenarios were asked for, whatever becomes of them.
    asked: usize,
    json: Option<(Output, Vec<serde_json::Value>)>,
    junit: Option<(Output, Junit)>,
    html: Option<(Output, Html)>,
    step: Option<StepSummary>,
}

impl ReportFlags {
    /// Opens every file, so that a run is never lost to a wrong path. A variable that is set to nothing counts as not set.
    /// `asked` is how many scenarios are to run.
    pub(crate) fn open(self, asked: usize) -> Result<Reports, Failure> {
        let bad = |error| Failure::new(Exit::BadInput, error);
        let [json, junit, html] = [self.json, self.junit, self.html].map(|path| path.filter(|path| !path.as_os_str().is_empty()));
        let named: Vec<(&str, &Path)> = [("--json", &json), ("--junit", &junit), ("--html", &html)]
            .into_iter()
            .filter_map(|(flag, path)| Some((flag, path.as_deref()?)))
            .collect();
        for (index, (flag, path)) in named.iter().enumerate() {
            if let Some((other, _)) = named[..index].iter().find(|(_, other)| other == path) {
                let place = if is_stdout(path) { "standard output".to_owned() } else { path.display().to_string() };
                return Err(bad(anyhow!("{other} and {flag} cannot both be written to {place}; name a file for one of them")));
            }
        }
        let open = |path: Option<&Path>| path.map(Output::open).transpose().map_err(bad);
        Ok(Reports {
            asked,
            json: open(json.as_deref())?.map(|output| (output, Vec::new())),
            junit: open(junit.as_deref())?.map(|output| (output, Junit::default())),
            html: open(html.as_deref())?.map(|output| (output, Html::default())),
            step: StepSummary::from_environment().map_err(bad)?,
        })
    }
}

impl Reports {
    /// Whether any is wanted.
    pub(crate) fn are_wanted(&self) -> bool {
        self.json.is_some() || self.junit.is_some() || self.html.is_some()
    }

    /// Whether one of them takes the place of the text.
    pub(crate) fn take_stdout(&self) -> bool {
        let (json, junit) = (self.json.as_ref().map(|(output, _)| output), self.junit.as_ref().map(|(output, _)| output));
        let html = self.html.as_ref().map(|(output, _)| output);
        [json, junit, html].into_iter().flatten().any(Output::is_stdout)
    }

    /// A run that has ended.
    pub(crate) fn add(&mut self, summary: &Summary<'_>) -> Result<(), Failure> {
        if let Some((_, summaries)) = &mut self.json {
            summaries.push(serde_json::to_value(summary).map_err(|error| Failure::new(Exit::BadInput, error))?);
        }
        if let Some((_, junit)) = &mut self.junit {
            junit.add(summary);
        }
        if let Some(step) = &mut self.step {
            step.add(&markdown(summary));
        }
        Ok(())
    }

    /// The same run for the page, which shows more than the summary has. `trace` finds those that are known.
    pub(crate) fn add_page(
        &mut self,
        summary: &Summary<'_>,
        model: &Model,
        trace: impl Fn(TraceId) -> Option<Trace>,
        link: Option<&TraceLink>,
        started: OffsetDateTime,
    ) {
        if let Some((_, html)) = &mut self.html {
            let slowest = summary.slowest_traces.iter().filter_map(|slow| TraceId::parse(&slow.trace_id));
            let traces: Vec<Trace> = slowest.filter_map(trace).collect();
            html.add(&Ran { summary, model, traces: &traces, link, started });
        }
    }

    /// A run that could not be brought to its end.
    pub(crate) fn add_without_end(&mut self, scenario: &str, why: &str) {
        if let Some((_, junit)) = &mut self.junit {
            junit.add_without_end(scenario, why);
        }
        if let Some((_, html)) = &mut self.html {
            html.add_without_end(scenario, why);
        }
        if let Some(step) = &mut self.step {
            step.add(&markdown_without_end(scenario, why));
        }
    }

    /// A scenario whose turn did not come.
    pub(crate) fn add_skipped(&mut self, planned: &Planned, why: &str) {
        let (name, plan) = (&planned.name, &planned.plan);
        if let Some((_, junit)) = &mut self.junit {
            junit.add_skipped(name, plan, why);
        }
        if let Some((_, html)) = &mut self.html {
            html.add_skipped(name, &plan.title, why);
        }
        if let Some(step) = &mut self.step {
            step.add(&markdown_skipped(name, &plan.title, why));
        }
    }

    /// Writes them. Where no run has ended, JSON has nothing to say, and what stands in its file stays.
    pub(crate) fn write(self) -> Result<(), Failure> {
        let json = self.json.filter(|(_, summaries)| !summaries.is_empty());
        let json = json.map(|(output, summaries)| output.write(&json_of(&summaries, self.asked)?));
        let junit = self.junit.filter(|(_, junit)| !junit.is_empty()).map(|(output, junit)| output.write(&junit.to_xml()?));
        let html = self.html.filter(|(_, html)| !html.is_empty()).map(|(output, html)| output.write(&html.to_html()));
        let step = self.step.map(StepSummary::write);
        // One that cannot be written does not keep the others from being written.
        let written: Vec<anyhow::Result<()>> = [json, junit, html, step].into_iter().flatten().collect();
        written.into_iter().collect::<anyhow::Result<()>>().map_err(|error| Failure::new(Exit::BadInput, error))
    }
}

/// One summary where one was asked for, else an array of those that there are: what a script reads does not depend on what became of them.
fn json_of(summaries: &[serde_json::Value], asked: usize) -> serde_json::Result<String> {
    let text = match summaries {
        [one] if asked == 1 => serde_json::to_string_pretty(one)?,
        several => serde_json::to_string_pretty(several)?,
    };
    Ok(text + "\n")
}
