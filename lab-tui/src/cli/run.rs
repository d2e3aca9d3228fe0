//! `lab run`: plans every file before anything starts, runs them on one stack, reports.

use std::any::Any;
use std::io::Write as _;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use clap::builder::FalseyValueParser;
use futures_util::FutureExt as _;
use lab_tui::event::Command as Wish;
use lab_tui::exit::Exit;
use lab_tui::headless;
use lab_tui::model::Model;
use lab_tui::out;
use lab_tui::report::{self, Summary, TraceLink};
use lab_tui::runner;
use lab_tui::scenario::{Plan, SHIPPED, shipped};
use lab_tui::stack::embedded::SERVICES;
use lab_tui::tui::Theme;
use lab_tui::verdict;
use tokio::sync::mpsc;

use super::Failure;
use super::stack::{StackFlags, Up};
use super::{ask, screen};

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Scenario files, or names of shipped scenarios
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Run without a screen, as it does anyway where there is no terminal
    #[arg(long, env = "LAB_HEADLESS", value_parser = FalseyValueParser::new())]
    headless: bool,
    /// Colours for a dark or a light background; told by COLORFGBG where the terminal sets it, and left out under NO_COLOR
    #[arg(long, env = "LAB_THEME", value_enum)]
    theme: Option<Background>,
    /// Make trace IDs links to this address, such as http://localhost:3000/trace/{trace_id}
    #[arg(long, value_name = "URL", env = "LAB_TRACE_URL", value_parser = TraceLink::template)]
    trace_url: Option<TraceLink>,
    /// Make trace IDs links to this Grafana's Explore, with its Tempo data source of the uid `tempo`
    #[arg(long, value_name = "URL", env = "LAB_GRAFANA_URL", value_parser = TraceLink::grafana, conflicts_with = "trace_url")]
    grafana_url: Option<TraceLink>,
    /// Write the summary as JSON, without a screen; `-` for standard output in place of the text; an array where several files run
    #[arg(long, value_name = "FILE", env = "LAB_JSON")]
    json: Option<PathBuf>,
    /// Multiply every duration in the scenario, such as 0.1 for a quick look
    #[arg(long, value_name = "FACTOR", env = "LAB_TIME_SCALE", value_parser = time_scale)]
    time_scale: Option<f64>,
    #[command(flatten)]
    stack: StackFlags,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Background {
    Dark,
    Light,
}

impl From<Background> for Theme {
    fn from(background: Background) -> Self {
        match background {
            Background::Dark => Self::Dark,
            Background::Light => Self::Light,
        }
    }
}

/// A scenario that was understood, with the name it goes by.
pub(crate) struct Planned {
    pub(crate) name: String,
    pub(crate) plan: Arc<Plan>,
}

pub(crate) async fn run(flags: Run) -> Result<Exit, Failure> {
    let plans = plan_all(&flags.files, flags.time_scale).map_err(|error| Failure::new(Exit::BadInput, error))?;
    let mut json = flags.json.as_deref().map(Output::open).transpose().map_err(|error| Failure::new(Exit::BadInput, error))?;
    let started = Instant::now();
    let link = flags.trace_url.or(flags.grafana_url);
    let theme = flags.theme.map_or_else(Theme::from_environment, Theme::from);
    // The page of a service that shows trace IDs links them alike.
    let template = link.as_ref().map(|link| ("TRACE_URL_TEMPLATE".to_owned(), link.as_template().to_owned()));
    let Some(mut up) = flags.stack.start(template).await? else { return Ok(Exit::Interrupted) };
    announce(&up, started.elapsed());
    if !flags.headless && json.is_none() && screen::is_there() {
        let left = screen::run(&with_shipped(plans)?, theme, link, &mut up).await;
        up.stack.stop().await;
        return left;
    }

    let mut worst = Exit::Kept;
    let mut summaries = Vec::new();
    for planned in &plans {
        let exit = run_one(planned, &mut up, link.as_ref(), json.as_ref(), &mut summaries).await;
        match exit {
            Ok(exit) => worst = worst.max(exit),
            Err(failure) => {
                up.stack.stop().await;
                return Err(failure);
            }
        }
        if worst == Exit::Interrupted {
            break;
        }
    }
    up.stack.stop().await;
    if let Some(json) = &mut json {
        json.write(&summaries).map_err(|error| Failure::new(Exit::BadInput, error))?;
    }
    Ok(worst)
}

async fn run_one(
    planned: &Planned,
    up: &mut Up,
    link: Option<&TraceLink>,
    json: Option<&Output>,
    summaries: &mut Vec<serde_json::Value>,
) -> Result<Exit, Failure> {
    let (wishes, commands) = mpsc::unbounded_channel();
    let (facts, events) = mpsc::unbounded_channel();
    let mut model = Model::new(Arc::clone(&planned.plan));
    let run = runner::Run {
        plan: &planned.plan,
        scenario: &planned.name,
        endpoints: &up.stack.endpoints,
        store: &up.store,
        injector: &up.injector,
        notices: &mut up.notices,
    };
    let interrupts = &mut up.interrupts;
    let stopper = async {
        loop {
            interrupts.next().await;
            let _ = wishes.send(Wish::Stop);
        }
    };
    let walked = async {
        tokio::select! {
            (walked, ()) = async { tokio::join!(run.walk(commands, facts), headless::watch(&mut model, events)) } => walked,
            () = stopper => Ok(()),
            () = defect_on_request() => Ok(()),
        }
    };
    // However the run ends, nothing that it injected stays: by its own hand, or here.
    match AssertUnwindSafe(walked).catch_unwind().await {
        Ok(walked) => walked.map_err(|error| Failure::new(Exit::NotReady, error))?,
        Err(panic) => return Err(undo_after(&*panic, up).await),
    }
    let verdict = verdict::judge(&planned.plan, &model);
    let summary = Summary::new(&planned.name, &model, &verdict, &up.stack.endpoints, link);
    if json.is_none_or(|json| !json.is_stdout()) {
        let slowest = model.slowest().first().and_then(|slow| up.store.trace(slow.trace_id));
        out::result(&report::text(&summary, slowest.as_ref())).map_err(Failure::unwritable)?;
    }
    if json.is_some() {
        summaries.push(serde_json::to_value(&summary).map_err(|error| Failure::new(Exit::BadInput, error))?);
    }
    Ok(verdict.exit)
}

/// The run fell over its own feet; the panic itself has been shown by Rust's own hook.
pub(crate) async fn undo_after(panic: &(dyn Any + Send), up: &Up) -> Failure {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let what = format!("the run ended in a defect of the lab: {}", text.unwrap_or("it did not say which"));
    match up.injector.clear().await {
        Ok(()) => Failure::new(Exit::Defect, anyhow!("{what}; all faults are undone")),
        Err(error) => Failure::new(Exit::Defect, error.context(what)),
    }
}

/// Debug builds can be asked for a panic in the middle of a run, so that a test can see what becomes of a fault then. Never returns.
pub(crate) async fn defect_on_request() {
    if cfg!(debug_assertions)
        && let Some(after) = std::env::var("LAB_TEST_PANIC_AFTER_MS").ok().and_then(|millis| millis.parse().ok())
    {
        tokio::time::sleep(Duration::from_millis(after)).await;
        #[expect(clippy::panic, reason = "it is what was asked for")]
        {
            panic!("asked for by a test");
        }
    }
    std::future::pending::<()>().await;
}

fn plan_all(files: &[PathBuf], time_scale: Option<f64>) -> anyhow::Result<Vec<Planned>> {
    let default = [PathBuf::from(SHIPPED.first().map_or("", |(name, _)| name))];
    let files = if files.is_empty() { &default } else { files };
    files.iter().map(|file| plan(file, time_scale)).collect()
}

/// The scenarios that were asked for, then the shipped ones.
fn with_shipped(mut plans: Vec<Planned>) -> Result<Vec<Planned>, Failure> {
    for (name, _) in SHIPPED {
        if plans.iter().all(|planned| planned.name != *name) {
            plans.push(plan(Path::new(name), None).map_err(|error| Failure::new(Exit::BadInput, error))?);
        }
    }
    Ok(plans)
}

/// A path where there is such a file, else the name of a shipped scenario.
fn plan(file: &Path, time_scale: Option<f64>) -> anyhow::Result<Planned> {
    let origin = file.display().to_string();
    let text = match (std::fs::read_to_string(file), shipped(&origin)) {
        (Ok(text), _) => text,
        (Err(_), Some(text)) => text.to_owned(),
        (Err(error), None) if error.kind() == std::io::ErrorKind::InvalidData => bail!("{origin} is not UTF-8 text"),
        (Err(error), None) => {
            let names: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
            return Err(error)
                .with_context(|| format!("cannot read {origin}, and no shipped scenario has that name (there are {})", names.join(", ")));
        }
    };
    let plan = Plan::parse(&text, &origin, &SERVICES)?;
    let plan = time_scale.map_or(plan.clone(), |factor| plan.scaled(factor));
    let name = file.file_stem().map_or(origin, |stem| stem.to_string_lossy().into_owned());
    Ok(Planned { name, plan: Arc::new(plan) })
}

fn announce(up: &Up, took: Duration) {
    out::note(&format!("stack ready in {:.2} s", took.as_secs_f64()));
    for line in ask::addresses(&up.stack.endpoints).lines() {
        out::note(&format!("  {line}"));
    }
}

/// Where a report goes; opened before anything starts, so that a run is never lost to a wrong path. What stands there is replaced
/// when there is something to replace it with.
struct Output {
    path: PathBuf,
    file: Option<std::fs::File>,
}

impl Output {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let file = match path.as_os_str() == "-" {
            true => None,
            false => Some(
                std::fs::OpenOptions::new()
                    .write(true)
                    .create(true)
                    .truncate(false)
                    .open(path)
                    .with_context(|| format!("cannot write {}", path.display()))?,
            ),
        };
        Ok(Self { path: path.to_owned(), file })
    }

    fn is_stdout(&self) -> bool {
        self.file.is_none()
    }

    fn write(&mut self, summaries: &[serde_json::Value]) -> anyhow::Result<()> {
        let mut text = match summaries {
            [one] => serde_json::to_vec_pretty(one)?,
            several => serde_json::to_vec_pretty(several)?,
        };
        text.push(b'\n');
        let written = match &mut self.file {
            Some(file) => {
                // A pipe or a device has no length to cut.
                let _ = file.set_len(0);
                file.write_all(&text)
            }
            None => out::result(&String::from_utf8_lossy(&text)),
        };
        written.with_context(|| format!("cannot write {}", self.path.display()))
    }
}

fn time_scale(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(factor) if (0.001..=1000.0).contains(&factor) => Ok(factor),
        _ => Err("write a factor from 0.001 to 1000".to_owned()),
    }
}
