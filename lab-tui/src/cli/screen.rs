//! `lab` on a terminal: the screen, and the scenarios that can be run on it one after the other.

use std::io::{IsTerminal as _, stdin, stdout};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use lab_tui::event::Command;
use lab_tui::exit::Exit;
use lab_tui::model::Model;
use lab_tui::report::TraceLink;
use lab_tui::runner;
use lab_tui::tui::{Listed, Palette, Screen, Theme, Ui, Wish, promise};
use tokio::sync::mpsc;

use super::Failure;
use super::run::{Planned, defect_on_request, undo_after};
use super::stack::Up;

/// Whether there is a terminal to draw on and one to read keys from.
pub(crate) fn is_there() -> bool {
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    stdin().is_terminal() && stdout().is_terminal() && !dumb
}

/// Shows the first of the scenarios, then whichever the viewer chooses, until they leave.
pub(crate) async fn run(scenarios: &[Planned], theme: Theme, link: Option<TraceLink>, up: &mut Up) -> Result<Exit, Failure> {
    let listed = scenarios.iter().map(listed).collect();
    let ui = Ui::new(Palette::new(theme), link, listed);
    let mut screen = Screen::enter(ui).map_err(|error| gone(&error))?;
    let mut current = 0;
    loop {
        let planned = &scenarios[current];
        match show(planned, current, &mut screen, up).await? {
            Wish::Quit => return Ok(Exit::Kept),
            Wish::Interrupt => return Ok(Exit::Interrupted),
            Wish::Run(next) => current = next,
        }
    }
}

async fn show(planned: &Planned, index: usize, screen: &mut Screen, up: &mut Up) -> Result<Wish, Failure> {
    let plan = Arc::new(planned.plan.as_ref().clone().for_screen());
    let (wishes, commands) = mpsc::unbounded_channel::<Command>();
    let (facts, mut events) = mpsc::unbounded_channel();
    let mut model = Model::new(Arc::clone(&plan));
    let run = runner::Run {
        plan: &plan,
        scenario: &planned.name,
        endpoints: &up.stack.endpoints,
        store: &up.store,
        backends: &up.backends,
        injector: &up.injector,
        notices: &mut up.notices,
    };
    let walked = async {
        match run.walk(commands, facts).await {
            // What was measured can be looked at for as long as the viewer likes.
            Ok(()) => std::future::pending().await,
            Err(error) => Failure::new(Exit::NotReady, error),
        }
    };
    let interrupts = &mut up.interrupts;
    let shown = async {
        tokio::select! {
            wish = screen.show(index, &mut model, &mut events, &wishes, &up.store) => wish.map_err(|error| gone(&error)),
            failure = walked => Err(failure),
            () = interrupts.next() => Ok(Wish::Interrupt),
            () = defect_on_request() => Ok(Wish::Quit),
        }
    };
    let wish = match AssertUnwindSafe(shown).catch_unwind().await {
        Ok(wish) => wish,
        Err(panic) => return Err(undo_after(&*panic, up).await),
    };
    // Whoever leaves in the middle of a fault leaves nothing of it behind.
    up.injector.clear().await.map_err(|error| Failure::new(Exit::Defect, error))?;
    wish
}

fn listed(planned: &Planned) -> Listed {
    let thresholds = planned.plan.thresholds.iter().map(|threshold| promise(&planned.plan, threshold));
    let expectations = planned.plan.expectations.iter().map(|expectation| expectation.name.clone());
    Listed {
        name: planned.name.clone(),
        title: planned.plan.title.clone(),
        about: planned.plan.about.clone(),
        thresholds: thresholds.chain(expectations).collect(),
    }
}

fn gone(error: &std::io::Error) -> Failure {
    Failure::new(Exit::Interrupted, anyhow::anyhow!("the terminal is gone: {error}"))
}
