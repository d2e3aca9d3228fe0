//! Walks a plan on one clock: starts the load, listens to the stack, and turns all of it into one stream of events.

mod faults;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::FusedFuture as _;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::event::{Command, Event, Fact};
use crate::fault::Injector;
use crate::http;
use crate::load::{self, Report, RunClock};
use crate::observe::live;
use crate::observe::scraper::Scraper;
use crate::observe::signals::Signals;
use crate::observe::store::Store;
use crate::scenario::Plan;
use crate::stack::{Endpoints, Notice};

/// How often time passes in the model.
const TICK: Duration = Duration::from_millis(100);

/// A service that takes longer to say what it answered is counted as silent.
const SCRAPE: Duration = Duration::from_secs(1);

/// What a run works with.
#[derive(Debug)]
pub struct Run<'a> {
    /// What to do.
    pub plan: &'a Arc<Plan>,
    /// The scenario's name, for its spans.
    pub scenario: &'a str,
    /// Where the system is.
    pub endpoints: &'a Endpoints,
    /// Where telemetry comes in.
    pub store: &'a Store,
    /// What brings the plan's faults about.
    pub injector: &'a Injector,
    /// What becomes of the stack's processes.
    pub notices: &'a mut mpsc::UnboundedReceiver<Notice>,
}

impl Run<'_> {
    /// Runs the plan to its end. Events go to `events`; the last one is [`Fact::Finished`].
    ///
    /// # Errors
    /// When the load cannot be started.
    pub async fn walk(self, mut commands: mpsc::UnboundedReceiver<Command>, events: mpsc::UnboundedSender<Event>) -> anyhow::Result<()> {
        let http = http::local().timeout(SCRAPE).build()?;
        let signals = Signals::since_now(http.clone(), self.store.clone(), &self.endpoints.services).await;
        let scraper = Scraper::new(http, &self.endpoints.services, self.plan);
        // What counters are before the first request is what they grow from.
        let before = scraper.read().await;
        let clock = RunClock::start_now();
        let mut watch = watch::Watch::since_now();
        // A model that is gone wants to hear nothing more.
        let tell = |fact| drop(events.send(Event { at: clock.offset(), fact }));
        before.into_iter().for_each(tell);
        let stop = CancellationToken::new();
        let over = stop.child_token();
        let faults = faults::Faults {
            plan: &self.plan.faults,
            injector: self.injector,
            clock,
            over: over.clone(),
            tell: |event| drop(events.send(event)),
        };
        let mut faults = std::pin::pin!(faults.walk().fuse());
        let mut reports = load::start(self.plan, &self.endpoints.services, self.scenario, clock, stop.clone())?;
        let listening = live::listen(self.store.clone(), &scraper, clock.start_unix(), &tell);
        tokio::pin!(listening);
        let mut aborted = false;
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                report = reports.recv() => match report {
                    Some(Report::Window(window)) => tell(Fact::Window(window)),
                    Some(Report::Spans(spans)) => drop(self.store.add_spans(spans)),
                    Some(Report::Turned(late)) => watch.load_turned(late),
                    None => break,
                },
                Some(notice) = self.notices.recv() => tell(Fact::Process { name: notice.name, change: notice.change }),
                Some(command) = commands.recv() => {
                    if let (Command::Abort { threshold }, false) = (command, stop.is_cancelled()) {
                        aborted = true;
                        tell(Fact::Aborted { threshold });
                    }
                    stop.cancel();
                }
                () = &mut faults => {}
                due = tick.tick() => {
                    watch.run_turned(due.elapsed()).into_iter().for_each(tell);
                    tell(Fact::Tick);
                }
                () = &mut listening => {}
            }
        }
        // Nobody is left to be disturbed, and what follows is to be read from a system that is itself again.
        over.cancel();
        if !faults.is_terminated() {
            faults.await;
        }
        tell(Fact::Tick);
        tell(Fact::LoadDone);
        let settled = tokio::select! {
            settled = signals.settle() => settled,
            // Never ends: the last spans are still coming in.
            () = &mut listening => Vec::new(),
            Some(Command::Stop) = commands.recv() => {
                aborted = false;
                stop.cancel();
                signals.read().await
            }
        };
        scraper.read().await.into_iter().for_each(tell);
        tell(Fact::Telemetry(settled));
        tell(watch.delay());
        watch.usage().into_iter().for_each(tell);
        tell(Fact::Finished { interrupted: stop.is_cancelled() && !aborted });
        Ok(())
    }
}
