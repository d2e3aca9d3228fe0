//! `lab replay`: a recorded run once more, with no stack.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use clap::builder::FalseyValueParser;
use lab_tui::exit::Exit;
use lab_tui::model::Model;
use lab_tui::out;
use lab_tui::record::{self, History, Recording};
use lab_tui::report::{self, Summary, TraceLink};
use lab_tui::verdict;

use super::Failure;
use super::reports::{ReportFlags, Reports};

#[derive(Debug, Args)]
pub(crate) struct ReplayFlags {
    /// An ID that `lab runs` lists, `last`, or the path of a recording or of a file of --events
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Print the summary, as it does anyway where there is no terminal
    #[arg(long, env = "LAB_HEADLESS", value_parser = FalseyValueParser::new())]
    headless: bool,
    /// Make trace IDs links to this address, such as http://localhost:3000/trace/{trace_id}
    #[arg(long, value_name = "URL", env = "LAB_TRACE_URL", value_parser = TraceLink::template)]
    trace_url: Option<TraceLink>,
    /// Make trace IDs links to this Grafana's Explore, with its Tempo data source of the uid `tempo`
    #[arg(long, value_name = "URL", env = "LAB_GRAFANA_URL", value_parser = TraceLink::grafana, conflicts_with = "trace_url")]
    grafana_url: Option<TraceLink>,
    #[command(flatten)]
    reports: ReportFlags,
}

pub(crate) async fn replay(flags: ReplayFlags) -> Result<Exit, Failure> {
    let recording = find(&flags.run)?;
    let reports = flags.reports.open()?;
    let link = flags.trace_url.or(flags.grafana_url);
    summary(recording, link.as_ref(), reports)
}

/// Reads the run of that ID or path.
pub(super) fn find(run: &Path) -> Result<Recording, Failure> {
    let found = History::of_user().and_then(|history| history.find(run));
    let read = found.and_then(|path| record::read(&path)).map_err(|error| Failure::new(Exit::BadInput, error))?;
    if read.cut_off {
        out::note(&format!("{} ends before its run does; this is as far as it goes", run.display()));
    }
    Ok(read)
}

/// What `lab run` said at the run's end.
fn summary(recording: Recording, link: Option<&TraceLink>, mut reports: Reports) -> Result<Exit, Failure> {
    let Recording { header, plan, events, traces, .. } = recording;
    let plan = Arc::new(plan);
    let mut model = Model::new(Arc::clone(&plan));
    events.into_iter().for_each(|event| model.apply(event));
    let verdict = verdict::judge(&plan, &model);
    let summary = Summary::new(&header.scenario, &model, &verdict, &header.endpoints, link);
    if !reports.take_stdout() {
        let slowest = model.slowest().first().and_then(|slow| traces.get(&slow.trace_id));
        out::result(&report::text(&summary, slowest)).map_err(Failure::unwritable)?;
    }
    reports.add(&summary)?;
    reports.write()?;
    Ok(verdict.exit)
}
