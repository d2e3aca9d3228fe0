//! `--events`, `--no-record` and `--baseline`: where a run's events go beside the screen.

use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use clap::Args;
use clap::builder::{FalseyValueParser, OsStringValueParser, TypedValueParser as _};
use lab_facts::event::Event;
use lab_facts::exit::Exit;
use lab_facts::model::Model;
use lab_facts::scenario::{Plan, Planned, StackKind};
use lab_facts::verdict::Verdict;
use lab_instrument::compare::{Compared, Comparison, Series};
use lab_instrument::observe::store::Store;
use lab_instrument::out;
use lab_instrument::record::{Header, History, Outputs, Recorder};
use lab_instrument::stack::Endpoints;
use lab_instrument::stack::embedded::SERVICES;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::Failure;
use super::compare::{Baseline, BaselineFlags};

#[derive(Debug, Args)]
pub(crate) struct RecordFlags {
    /// Write every event as a line of JSON as it happens, without a screen; `-` for standard output in place of the text
    #[arg(long, value_name = "FILE", env = "LAB_EVENTS", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    events: Option<PathBuf>,
    /// Keep no recording of the run; else `lab runs` lists it and `lab replay` shows it again
    #[arg(long, env = "LAB_NO_RECORD", value_parser = FalseyValueParser::new())]
    no_record: bool,
    #[command(flatten)]
    baseline: BaselineFlags,
}

/// What is to be recorded.
pub(crate) struct Records {
    /// Its name, and the file where it is not standard output.
    events: Option<(PathBuf, Option<File>)>,
    history: bool,
    baseline: Option<Baseline>,
}

/// What became of the recording of a run.
pub(crate) struct Ended {
    /// In one line, where there is anything to say.
    pub(crate) told: Option<String>,
    /// With the baseline, where there is one.
    pub(crate) comparison: Option<Comparison>,
    /// Whether `--events` could be written.
    pub(crate) written: Result<(), Failure>,
}

impl RecordFlags {
    /// Opens what will be written to, so that a run is never lost to a wrong path.
    pub(crate) fn open(self, runs: usize, stdout_is_taken: bool) -> Result<Records, Failure> {
        let bad = |error| Failure::new(Exit::BadInput, error);
        let baseline = self.baseline.open(runs)?;
        let Some(path) = self.events.filter(|path| !path.as_os_str().is_empty()) else {
            return Ok(Records { events: None, history: !self.no_record, baseline });
        };
        if runs > 1 {
            return Err(bad(anyhow!("--events writes the events of one run, and {runs} were asked for; run them one by one")));
        }
        let file = match path.as_os_str() == "-" {
            true if stdout_is_taken => {
                return Err(bad(anyhow!(
                    "--events and another report cannot both be written to standard output; name a file for one of them"
                )));
            }
            true => None,
            // What stands there is replaced when there is something to replace it with.
            false => Some(OpenOptions::new().write(true).create(true).truncate(false).open(&path)),
        };
        let file = file.transpose().with_context(|| format!("cannot write {}", path.display())).map_err(bad)?;
        Ok(Records { events: Some((path, file)), history: !self.no_record, baseline })
    }
}

impl Records {
    /// Whether somebody reads the events as they come, or the comparison at the end: then there is no screen.
    pub(crate) fn are_wanted(&self) -> bool {
        self.events.is_some() || self.baseline.is_some()
    }

    /// Whether they take the place of the text.
    pub(crate) fn take_stdout(&self) -> bool {
        matches!(self.events, Some((_, None)))
    }

    /// A run begins: where its events are to be told, and where they come out again.
    pub(crate) fn begin(
        &mut self,
        planned: &Planned,
        plan: &Arc<Plan>,
        endpoints: &Endpoints,
        on_screen: bool,
    ) -> (Recorder, UnboundedSender<Event>, UnboundedReceiver<Event>) {
        let mut outputs = Outputs::default();
        if let Some((name, file)) = self.events.take() {
            // A pipe or a device has no length to cut.
            let _ = file.as_ref().map(|file| file.set_len(0));
            outputs.stream(&name, file);
        }
        if self.history {
            outputs.record(History::of_user());
        }
        if self.baseline.is_some() {
            outputs.series(Series::new(plan));
        }
        let header = Header {
            scenario: planned.name.clone(),
            file: planned.file.clone(),
            started: OffsetDateTime::now_utc().replace_nanosecond(0).ok().and_then(|now| now.format(&Rfc3339).ok()).unwrap_or_default(),
            time_scale: planned.time_scale,
            on_screen,
            services: match plan.stack {
                StackKind::Embedded => SERVICES.map(str::to_owned).into(),
                StackKind::Attach => endpoints.attached.clone(),
                StackKind::None => Vec::new(),
            },
            beside: planned.beside.clone(),
            text: planned.text.clone(),
            ..Header::new(plan, endpoints)
        };
        Recorder::between(header, outputs)
    }

    /// The run is over, and whoever told its events is gone.
    pub(crate) async fn end(&self, recorder: Recorder, model: &Model, verdict: &Verdict, store: &Store) -> Ended {
        let recorded = recorder.end(model, verdict, store).await;
        let name = recorded.run.as_ref().ok().cloned().flatten();
        let told = match recorded.run {
            Ok(run) => run.map(|id| format!("recorded as {id}: lab replay {id}")),
            Err(error) => Some(format!("the run is not recorded: {}", out::sentence(&error))),
        };
        let comparison = self.baseline.as_ref().zip(recorded.series.as_ref()).map(|(baseline, series)| {
            let name = name.unwrap_or_else(|| "this run".to_owned());
            baseline.against(&Compared { name, header: &recorded.header, series })
        });
        Ended { told, comparison, written: recorded.events.map_err(|error| Failure::new(Exit::BadInput, error)) }
    }

    /// How the command ends: a regression is a broken promise where the user wants it so.
    pub(crate) fn exit(&self, verdict: Exit, comparison: Option<&Comparison>) -> Exit {
        let fails = self.baseline.as_ref().is_some_and(Baseline::fails_on_regression);
        match comparison {
            Some(comparison) if fails && verdict == Exit::Kept => comparison.exit(),
            _ => verdict,
        }
    }
}
