//! `lab` on a terminal: the screen, and the scenarios that can be run on it one after the other.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, stdin, stdout};
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::FutureExt as _;
use lab_facts::event::{Command, Event, Fact};
use lab_facts::exit::Exit;
use lab_facts::model::Model;
use lab_facts::scenario::{Load, Plan, Planned, StackKind};
use lab_facts::verdict;
use lab_instrument::observe::scrape;
use lab_instrument::out;
use lab_instrument::runner;
use lab_instrument::stack::embedded::SERVICES;
use lab_instrument::stack::hosted::Hosted;
use tokio::sync::mpsc;

use super::Failure;
use super::hosted;
use super::record::Records;
use super::run::{defect_on_request, undo_after};
use super::stack::Up;
use crate::tui::{Origin, Screen, Ui, Wish};

/// Whether there is a terminal to draw on and one to read keys from.
pub(crate) fn is_there() -> bool {
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    stdin().is_terminal() && stdout().is_terminal() && !dumb
}

/// Shows the first of the scenarios, then whichever the viewer chooses, until they leave.
pub(crate) async fn run(ui: Ui, up: &mut Up, records: &mut Records) -> Result<Exit, Failure> {
    let (mut current, first) = (0, ui.scenarios.first().and_then(|listed| listed.planned.clone()));
    let Some(mut planned) = first else { return Ok(Exit::Kept) };
    // The first scenario's programs come before the screen, which has nothing to show until they are ready.
    let Some(mut hosted) = hosted::start(&planned, up).await? else {
        out::note(&interrupted());
        return Ok(Exit::Interrupted);
    };
    let mut screen = Screen::enter(ui).map_err(|error| gone(&error))?;
    let (exit, told) = loop {
        let shown = show(&planned, current, &hosted, &mut screen, up, records).await;
        hosted::stop(hosted, up).await;
        match shown? {
            (Wish::Quit, told) => break (Exit::Kept, told),
            (Wish::Interrupt, told) => break (Exit::Interrupted, told),
            // It was understood when the viewer chose it, and what is edited since begins the next time.
            (Wish::Run(next) | Wish::Edit(next), _) => current = next,
        }
        planned = screen.planned(current).unwrap_or(planned);
        match hosted::start(&planned, up).await? {
            Some(next) => hosted = next,
            None => break (Exit::Interrupted, Some(interrupted())),
        }
    };
    // The terminal first, then what is to stay on it.
    drop(screen);
    told.iter().for_each(|told| out::note(told));
    Ok(exit)
}

fn interrupted() -> String {
    format!("lab: {}", hosted::INTERRUPTED)
}

/// What the viewer wishes next, and what became of the recording, in one line.
async fn show(
    planned: &Planned,
    index: usize,
    hosted: &Hosted,
    screen: &mut Screen,
    up: &mut Up,
    records: &mut Records,
) -> Result<(Wish, Option<String>), Failure> {
    let plan = Arc::new(planned.plan.as_ref().clone().for_screen());
    let (wishes, commands) = mpsc::unbounded_channel::<Command>();
    let (recorder, facts, mut events) = records.begin(planned, &plan, &hosted.endpoints, true);
    let mut model = Model::new(Arc::clone(&plan));
    let run = runner::Run {
        plan: &plan,
        scenario: &planned.name,
        endpoints: &hosted.endpoints,
        store: &up.store,
        backends: &up.backends,
        injector: &up.injector,
        database: &up.database,
        notices: &mut up.notices,
    };
    let text = planned.beside.is_none().then(|| planned.text.clone());
    let origin = origin(&planned.name, text, &planned.plan, planned.time_scale, planned.folder.clone());
    let foreign: Vec<&str> = planned.plan.services.iter().map(|service| service.name.as_str()).collect();
    screen.offer(Origin { pages: scrape::pages(&hosted.endpoints, &foreign), ..origin });
    let walked = async {
        match run.walk(commands, facts).await {
            // What was measured can be looked at for as long as the viewer likes.
            Ok(()) => std::future::pending().await,
            Err(error) => Failure::new(Exit::NotReady, error),
        }
    };
    up.desk.begin(&planned.name, &hosted.endpoints);
    let (interrupts, desk) = (&mut up.interrupts, &mut up.desk);
    let shown = async {
        tokio::select! {
            wish = screen.show(index, &mut model, &mut events, &wishes, &up.store, desk) => wish.map_err(|error| gone(&error)),
            failure = walked => Err(failure),
            () = interrupts.of_screen() => Ok(Wish::Interrupt),
            () = defect_on_request() => Ok(Wish::Quit),
        }
    };
    let wish = match AssertUnwindSafe(shown).catch_unwind().await {
        Ok(wish) => wish,
        Err(panic) => return Err(undo_after(&*panic, up).await),
    };
    // Whoever leaves in the middle of a fault leaves nothing of it behind.
    up.injector.clear().await.map_err(|error| Failure::new(Exit::Defect, error))?;
    let wish = wish?;
    if model.finished().is_none() {
        model.apply(Event { at: model.now(), fact: Fact::Finished { interrupted: true } });
    }
    let recorded = records.end(recorder, &model, &verdict::judge(&plan, &model), &up.store).await;
    Ok((wish, recorded.told))
}

/// What can be said of the run that is shown, and done to it. `text` is none where the scenario is not all of it.
pub(super) fn origin(name: &str, text: Option<String>, plan: &Arc<Plan>, time_scale: Option<f64>, folder: PathBuf) -> Origin {
    // Programs have their folders beside the scenario, and variables their files.
    let names_files = !plan.services.is_empty() || plan.loads.iter().any(Load::reads_files);
    Origin {
        name: name.to_owned(),
        text,
        plan: Arc::clone(plan),
        time_scale: time_scale.unwrap_or(1.0),
        folder: names_files.then_some(folder),
        pages: BTreeMap::new(),
        services: if plan.stack == StackKind::Embedded { SERVICES.iter().map(|name| (*name).to_owned()).collect() } else { Vec::new() },
    }
}

pub(super) fn gone(error: &std::io::Error) -> Failure {
    Failure::new(Exit::Interrupted, anyhow::anyhow!("the terminal is gone: {error}"))
}
