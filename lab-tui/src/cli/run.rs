//! `lab run`: plans every file before anything starts, runs them on one stack, reports.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use clap::Args;
use clap::builder::FalseyValueParser;
use futures_util::FutureExt as _;
use lab_facts::event::Command as Wish;
use lab_facts::exit::Exit;
use lab_facts::model::Model;
use lab_facts::scenario::{Given, Plan, Planned, SHIPPED, StackKind};
use lab_facts::verdict;
use lab_instrument::out;
use lab_instrument::report::annotation::{annotations, without_end};
use lab_instrument::report::tally::Tally;
use lab_instrument::report::{self, Summary, TraceLink};
use lab_instrument::runner;
use lab_instrument::stack::Endpoints;
use lab_instrument::stack::embedded::SERVICES;
use lab_instrument::stack::hosted::Hosted;
use tokio::sync::mpsc;

use super::Failure;
use super::backends::BackendFlags;
use super::beside::{APP, Beside, ExecFlags};
use super::check::refusals;
use super::record::{RecordFlags, Records};
use super::reports::{ReportFlags, Reports};
use super::scenario::plan;
use super::settings::SettingsFlags;
use super::stack::{INTERRUPTED, StackFlags, Up};
use super::{ask, github, hosted, screen};
use crate::headless;
use crate::tui::{Listed, Palette, Shelf, Theme, Ui};

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Scenario files, or names of shipped scenarios; `-` is standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Run without a screen, as it does anyway where there is no terminal
    #[arg(long, env = "LAB_HEADLESS", value_parser = FalseyValueParser::new())]
    headless: bool,
    #[command(flatten)]
    settings: SettingsFlags,
    /// Multiply every duration in the scenario, such as 0.1 for a quick look
    #[arg(long, value_name = "FACTOR", env = "LAB_TIME_SCALE", value_parser = time_scale)]
    time_scale: Option<f64>,
    #[command(flatten)]
    exec: ExecFlags,
    #[command(flatten)]
    reports: ReportFlags,
    #[command(flatten)]
    record: RecordFlags,
    #[command(flatten)]
    backends: Box<BackendFlags>,
    #[command(flatten)]
    stack: StackFlags,
}

pub(crate) async fn run(flags: Run) -> Result<Exit, Failure> {
    let bad = |error| Failure::new(Exit::BadInput, error);
    let settings = flags.settings.in_force()?;
    let (stack, attached) = flags.stack.attached().map_err(bad)?;
    let attached = attached.services.into_keys().collect();
    let beside = flags.exec.read(stack, attached, !flags.files.is_empty()).map_err(bad)?;
    let plans = plan_all(&flags.files, flags.time_scale, &beside)?;
    let needed = needed(&plans).map_err(bad)?;
    let mut reports = flags.reports.open(plans.len())?;
    let mut records = flags.record.open(plans.len(), reports.take_stdout())?;
    let started = Instant::now();
    let link = settings.link();
    // The page of a service that shows trace IDs links them alike.
    let template = link.as_ref().map(|link| ("TRACE_URL_TEMPLATE".to_owned(), link.as_template().to_owned()));
    let mut up = match flags.stack.start(Some(needed), template).await {
        Ok(Some(up)) => up,
        not_up => {
            let why = not_up.as_ref().err().map_or(INTERRUPTED.to_owned(), Failure::to_string);
            plans.iter().for_each(|planned| reports.add_without_end(&planned.name, &why));
            if let (Err(failure), Some(first)) = (&not_up, plans.first()) {
                github::show(&[without_end(first, &out::sentence(&failure.error))]);
            }
            let written = reports.write();
            not_up?;
            written?;
            return Ok(Exit::Interrupted);
        }
    };
    up.backends = (*flags.backends).into();
    announce(&up, started.elapsed());
    if !flags.headless && !reports.are_wanted() && !records.are_wanted() && screen::is_there() {
        let plans = with_shipped(plans, &beside.given(), needed)?;
        // For as long as the screen is there, the lab's own page is.
        let link = link.or_else(|| TraceLink::lab(up.stack.endpoints.tempo.as_deref()?).ok());
        let mut ui = Ui::new(Palette::new(Theme::Dark), link, plans.into_iter().map(Listed::from).collect());
        settings.apply(&mut ui);
        ui.shelf = shelf(beside, needed);
        ui.backends = up.backends.clone();
        let left = screen::run(ui, &mut up, &mut records).await;
        stop(up, &left).await;
        return left;
    }

    let ran = run_all(&plans, &mut up, link.as_ref(), &mut reports, &mut records).await;
    stop(up, &ran).await;
    // What was measured before a failure is written as well, and the failure is what the user hears of.
    let written = reports.write();
    let worst = ran?;
    written?;
    Ok(worst)
}

/// Ends the stack, and waits for programs whose start was interrupted.
async fn stop(mut up: Up, ran: &Result<Exit, Failure>) {
    up.stack.stop().await;
    if matches!(ran, Ok(Exit::Interrupted)) {
        up.interrupts.cleaned_up().await;
    }
}

async fn run_all(
    plans: &[Planned],
    up: &mut Up,
    link: Option<&TraceLink>,
    reports: &mut Reports,
    records: &mut Records,
) -> Result<Exit, Failure> {
    let (mut ended, mut tally) = (Ok(Exit::Kept), Tally::default());
    let mut left = plans.iter();
    for planned in left.by_ref() {
        let ran = run_one(planned, up, link, reports, records).await;
        tally.add(ran.as_ref().ok().copied());
        if let Err(failure) = &ran {
            reports.add_without_end(&planned.name, &failure.to_string());
            github::show(&[without_end(planned, &out::sentence(&failure.error))]);
        }
        ended = match (ran, ended) {
            (Ok(exit), Ok(worst)) => Ok(worst.max(exit)),
            (ran, _) => ran,
        };
        if matches!(ended, Err(_) | Ok(Exit::Interrupted)) {
            break;
        }
    }
    let why = if ended.is_ok() { "interrupted before its turn" } else { "the lab gave up before its turn" };
    left.for_each(|planned| reports.add_skipped(planned, why));
    if plans.len() > 1 {
        let line = tally.line(plans.len());
        match reports.take_stdout() || records.take_stdout() {
            true => out::note(&line),
            false => out::result(&format!("\n{line}\n")).map_err(Failure::unwritable)?,
        }
    }
    ended
}

async fn run_one(
    planned: &Planned,
    up: &mut Up,
    link: Option<&TraceLink>,
    reports: &mut Reports,
    records: &mut Records,
) -> Result<Exit, Failure> {
    let Some(hosted) = hosted::start(planned, up).await? else {
        out::note(&format!("lab: {}", hosted::INTERRUPTED));
        reports.add_without_end(&planned.name, hosted::INTERRUPTED);
        return Ok(Exit::Interrupted);
    };
    hosted::announce(planned, &hosted);
    let ran = run_hosted(planned, &hosted, up, link, reports, records).await;
    hosted::stop(hosted, up).await;
    ran
}

async fn run_hosted(
    planned: &Planned,
    hosted: &Hosted,
    up: &mut Up,
    link: Option<&TraceLink>,
    reports: &mut Reports,
    records: &mut Records,
) -> Result<Exit, Failure> {
    let (wishes, commands) = mpsc::unbounded_channel();
    let (recorder, facts, events) = records.begin(planned, &planned.plan, &hosted.endpoints, false);
    let mut model = Model::new(Arc::clone(&planned.plan));
    let began = time::OffsetDateTime::now_utc();
    let run = runner::Run {
        plan: &planned.plan,
        scenario: &planned.name,
        endpoints: &hosted.endpoints,
        store: &up.store,
        backends: &up.backends,
        injector: &up.injector,
        database: &up.database,
        notices: &mut up.notices,
    };
    up.desk.begin(&planned.name, &hosted.endpoints);
    let (interrupts, desk) = (&mut up.interrupts, &mut up.desk);
    let stopper = async {
        loop {
            interrupts.next().await;
            let _ = wishes.send(Wish::Stop);
        }
    };
    let walked = async {
        tokio::select! {
            (walked, ()) = async { tokio::join!(run.walk(commands, facts), headless::watch(&mut model, events, &wishes, desk)) } => walked,
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
    let recorded = records.end(recorder, &model, &verdict, &up.store).await;
    recorded.told.iter().for_each(|told| out::note(told));
    let exit = records.exit(verdict.exit, recorded.comparison.as_ref());
    let summary = Summary::new(&planned.name, &model, &verdict, &hosted.endpoints, link);
    let summary = Summary { comparison: recorded.comparison, exit_code: exit, ..summary };
    if !reports.take_stdout() && !records.take_stdout() {
        let slowest = model.slowest().first().and_then(|slow| up.store.trace(slow.trace_id));
        out::result_linked(&report::text(&summary, slowest.as_ref()), link).map_err(Failure::unwritable)?;
    }
    github::show(&annotations(&summary, planned));
    reports.add(&summary)?;
    recorded.written?;
    reports.add_page(&summary, &model, |id| up.store.trace(id), link, began);
    Ok(exit)
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

/// The stack that all of them can run on: what one of them needs is there for the others too.
fn needed(plans: &[Planned]) -> anyhow::Result<StackKind> {
    let on = |kind: StackKind| plans.iter().find(|planned| planned.plan.stack == kind);
    match (on(StackKind::Embedded), on(StackKind::Attach)) {
        (Some(one), Some(other)) => anyhow::bail!(
            "{} is for the embedded stack and {} for what is attached, and one command has one stack; run them one by one",
            one.name,
            other.name
        ),
        (Some(_), None) => Ok(StackKind::Embedded),
        (None, Some(_)) => Ok(StackKind::Attach),
        (None, None) => Ok(StackKind::None),
    }
}

/// All of them, or all that is wrong with any of them.
fn plan_all(files: &[PathBuf], time_scale: Option<f64>, beside: &Beside) -> Result<Vec<Planned>, Failure> {
    let bad = |error| Failure::new(Exit::BadInput, error);
    if let Some(plan) = beside.plan() {
        let (text, plan) = plan.map_err(bad)?;
        let folder = std::env::current_dir().map_err(|error| bad(error.into()))?;
        let plan = scaled(plan, time_scale);
        return Ok(vec![Planned {
            name: APP.to_owned(),
            file: None,
            folder,
            plan,
            text: text.to_owned(),
            beside: Some(APP.to_owned()),
            time_scale,
        }]);
    }
    let default = [PathBuf::from(SHIPPED.first().map_or("", |(name, _)| name))];
    let files = if files.is_empty() { &default } else { files };
    let (mut plans, mut refused) = (Vec::new(), Vec::new());
    for file in files {
        match plan(file, time_scale, &beside.given()) {
            Ok(planned) => plans.push(planned),
            Err(error) => {
                github::show(&refusals(file, &error));
                refused.push(out::sentence(&error));
            }
        }
    }
    if refused.is_empty() { Ok(plans) } else { Err(bad(anyhow!(refused.join("\n")))) }
}

/// The scenarios that were asked for, then the shipped ones: on the embedded stack all of them, of what is attached those that it has the
/// services for.
fn with_shipped(mut plans: Vec<Planned>, given: &Given<'_>, stack: StackKind) -> Result<Vec<Planned>, Failure> {
    let embedded = Given { services: &SERVICES, ..Given::default() };
    for (name, _) in SHIPPED {
        if plans.iter().any(|planned| planned.name == *name) {
            continue;
        }
        match stack {
            StackKind::Embedded => {
                plans.push(plan(Path::new(name), None, &embedded).map_err(|error| Failure::new(Exit::BadInput, error))?);
            }
            StackKind::Attach => plans.extend(plan(Path::new(name), None, given).ok()),
            StackKind::None => {}
        }
    }
    Ok(plans)
}

/// Reads files for the screen, as those were that the user named; what needs a stack that is not up is refused.
fn shelf(beside: Beside, up: StackKind) -> Shelf {
    Shelf::reading(Arc::new(move |file: &Path, time_scale| {
        let planned = plan(file, time_scale, &beside.given()).map_err(|error| out::sentence(&error))?;
        match planned.plan.stack {
            StackKind::Embedded if up != StackKind::Embedded => Err(format!(
                "{0}: it needs the lab's own services, which were not started (run it by itself: `lab run {0}`)",
                file.display()
            )),
            StackKind::Attach if up != StackKind::Attach => Err(format!(
                "{}: it needs services that run already, and none was attached (start the lab with --service NAME=URL)",
                file.display()
            )),
            _ => Ok(planned),
        }
    }))
}

pub(super) fn scaled(plan: Plan, time_scale: Option<f64>) -> Arc<Plan> {
    Arc::new(match time_scale {
        Some(factor) => plan.scaled(factor),
        None => plan,
    })
}

fn announce(up: &Up, took: Duration) {
    let Endpoints { services, attached, .. } = &up.stack.endpoints;
    match (services.is_empty(), attached.is_empty()) {
        (true, _) => out::note("without a stack; telemetry is taken in at"),
        (false, true) => out::note(&format!("stack ready in {:.2} s", took.as_secs_f64())),
        (false, false) => out::note("attached to what runs already; telemetry is taken in as well"),
    }
    for line in ask::addresses(&up.stack.endpoints).lines() {
        out::note(&format!("  {line}"));
    }
    up.stack.remarks.iter().for_each(|remark| out::note(&format!("  {remark}")));
}

fn time_scale(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(factor) if (0.001..=1000.0).contains(&factor) => Ok(factor),
        _ => Err("write a factor from 0.001 to 1000".to_owned()),
    }
}
