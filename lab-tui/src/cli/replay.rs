//! `lab replay`: a recorded run once more, with no stack.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use clap::builder::FalseyValueParser;
use lab_facts::exit::Exit;
use lab_facts::model::Model;
use lab_facts::scenario::Planned;
use lab_facts::verdict;
use lab_instrument::out;
use lab_instrument::record::{self, Header, History, Player, Recording};
use lab_instrument::report::{self, Summary, TraceLink};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Failure;
use super::backends::BackendUrls;
use super::reports::{ReportFlags, Reports};
use super::screen;
use super::settings::SettingsFlags;
use super::stack::Interrupts;
use crate::tui::{Listed, Origin, Palette, Screen, Theme, Ui, Wish};

#[derive(Debug, Args)]
pub(crate) struct ReplayFlags {
    /// An ID that `lab runs` lists, `last`, or the path of a recording or of a file of --events
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Print the summary, as it does anyway where there is no terminal
    #[arg(long, env = "LAB_HEADLESS", value_parser = FalseyValueParser::new())]
    headless: bool,
    /// How fast the screen shows it, as a factor; the keys [ and ] change it
    #[arg(long, value_name = "FACTOR", env = "LAB_SPEED", default_value = "1", value_parser = speed)]
    speed: f64,
    #[command(flatten)]
    backends: BackendUrls,
    #[command(flatten)]
    settings: SettingsFlags,
    #[command(flatten)]
    reports: ReportFlags,
}

pub(crate) async fn replay(flags: ReplayFlags) -> Result<Exit, Failure> {
    let settings = flags.settings.in_force()?;
    let recording = find(&flags.run)?;
    let reports = flags.reports.open(1)?;
    let link = settings.link();
    if flags.headless || reports.are_wanted() || !screen::is_there() {
        return summary(recording, link.as_ref(), reports);
    }
    let listed = vec![listed(&recording)];
    let traces = recording.traces.clone();
    let origin = origin(&recording.header)?;
    let mut player = Player::new(recording, flags.speed);
    let mut interrupts = Interrupts::listen()?;
    let mut ui = Ui::new(Palette::new(Theme::Dark), link, listed);
    settings.apply(&mut ui);
    ui.backends = flags.backends.into();
    let mut screen = Screen::enter(ui).map_err(|error| screen::gone(&error))?;
    screen.offer(origin);
    let wish = tokio::select! {
        wish = screen.replay(&mut player, Arc::new(traces)) => wish.map_err(|error| screen::gone(&error))?,
        () = interrupts.next() => Wish::Interrupt,
    };
    Ok(if wish == Wish::Interrupt { Exit::Interrupted } else { Exit::Kept })
}

/// So that what was done by hand then can be saved now.
fn origin(header: &Header) -> Result<Origin, Failure> {
    let plan = header.plan_of_file().map_err(|error| Failure::new(Exit::BadInput, error))?;
    let folder = header.file.as_ref().and_then(|file| Path::new(file).parent()).unwrap_or(Path::new("")).to_owned();
    let text = header.beside.is_none().then(|| header.text.clone());
    Ok(screen::origin(&header.scenario, text, &Arc::new(plan), header.time_scale, folder))
}

/// The scenario that ran, which is all that there is to choose from.
pub(super) fn listed(Recording { header, plan, .. }: &Recording) -> Listed {
    Listed {
        name: header.scenario.clone(),
        file: None,
        planned: Some(Arc::new(Planned {
            name: header.scenario.clone(),
            file: header.file.clone(),
            folder: PathBuf::new(),
            plan: Arc::new(header.plan_of_file().unwrap_or_else(|_| plan.clone())),
            text: header.text.clone(),
            beside: header.beside.clone(),
            time_scale: header.time_scale,
        })),
        problems: Vec::new(),
    }
}

fn speed(text: &str) -> Result<f64, String> {
    match text.trim_end_matches(['x', '×']).parse() {
        Ok(factor) if (0.125..=64.0).contains(&factor) => Ok(factor),
        _ => Err("write a factor from 0.125 to 64, such as 4".to_owned()),
    }
}

/// Reads the run of that ID or path.
pub(super) fn find(run: &Path) -> Result<Recording, Failure> {
    find_named(run).map(|(_, recording)| recording)
}

/// The same, with the name it goes by: its ID where it is in the history, else its path.
pub(super) fn find_named(run: &Path) -> Result<(String, Recording), Failure> {
    let bad = |error| Failure::new(Exit::BadInput, error);
    let path = History::of_user().and_then(|history| history.find(run)).map_err(bad)?;
    let recording = record::read(&path).map_err(bad)?;
    if recording.cut_off {
        out::note(&format!("{} ends before its run does; this is as far as it goes", run.display()));
    }
    let id = path.file_stem().filter(|_| path != run).map(|id| id.to_string_lossy().into_owned());
    Ok((id.unwrap_or_else(|| run.display().to_string()), recording))
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
        out::result_linked(&report::text(&summary, slowest), link).map_err(Failure::unwritable)?;
    }
    reports.add(&summary)?;
    // A moment that nobody can read does not keep the rest from being shown.
    let started = OffsetDateTime::parse(&header.started, &Rfc3339).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    reports.add_page(&summary, &model, |id| traces.get(&id).cloned(), link, started);
    reports.write()?;
    Ok(verdict.exit)
}
