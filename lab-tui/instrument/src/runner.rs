//! Walks a plan on one clock: starts the load, listens to the stack, and turns all of it into one stream of events.

mod expectations;
mod faults;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{FusedFuture as _, LocalBoxFuture};
use lab_facts::event::{Command, Event, Fact, Pace};
use lab_facts::scenario::{Plan, StackKind};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::fault::Injector;
use crate::load::{self, HttpSender, Report, RunClock};
use crate::observe::backends::Backends;
use crate::observe::database::DatabaseWatch;
use crate::observe::feed::Feed;
use crate::observe::live;
use crate::observe::sampler::Sampler;
use crate::observe::scrape;
use crate::observe::scraper::Scraper;
use crate::observe::signals::{Foreign, Signals};
use crate::observe::store::Store;
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
    /// Who is asked for what the store does not have.
    pub backends: &'a Backends,
    /// What brings faults about, the plan's and those by hand.
    pub injector: &'a Injector,
    /// What the stack's database says of itself.
    pub database: &'a DatabaseWatch,
    /// What becomes of the stack's processes.
    pub notices: &'a mut mpsc::UnboundedReceiver<Notice>,
}

impl<'a> Run<'a> {
    /// Runs the plan to its end. Events go to `events`; the last one is [`Fact::Finished`].
    ///
    /// # Errors
    /// When the load cannot be started.
    pub fn walk(
        self,
        mut commands: mpsc::UnboundedReceiver<Command>,
        events: mpsc::UnboundedSender<Event>,
    ) -> LocalBoxFuture<'a, anyhow::Result<()>> {
        async move {
            let hosted: Vec<&str> = self.plan.services.iter().map(|service| service.name.as_str()).collect();
            let pages = scrape::pages(self.endpoints, &hosted);
            let client = scrape::Client::of(pages.values(), SCRAPE)?;
            let foreign = Foreign { hosted: &hosted, attached: &self.endpoints.attached };
            let signals = Signals::since_now(client.clone(), self.store.clone(), pages.clone(), foreign).await;
            let sender = HttpSender::new(self.plan, &self.endpoints.services)?;
            let scraper = Scraper::new(client, pages, self.store.clone(), self.plan);
            // What counters are before the first request is what they grow from.
            let before = scraper.read().await;
            let clock = RunClock::start_now();
            let dropped = self.store.drops();
            self.store.watch_integrity(clock.unix_nanos(Duration::ZERO));
            let mut watch = watch::Watch::since_now();
            // A model that is gone wants to hear nothing more.
            let tell = |fact| drop(events.send(Event { at: clock.offset(), fact }));
            let expectations = expectations::Expectations::new(self.plan, clock.start_unix());
            tell(Fact::Began { unix_nano: clock.unix_nanos(Duration::ZERO) });
            before.into_iter().for_each(tell);
            let stop = CancellationToken::new();
            let over = stop.child_token();
            let faults = faults::Faults {
                plan: self.plan,
                injector: self.injector,
                clock,
                over: over.clone(),
                tell: |event| {
                    expectations.hear(&event);
                    drop(events.send(event));
                },
            };
            let (to_faults, wishes) = mpsc::unbounded_channel();
            let mut faults = std::pin::pin!(faults.walk(wishes).fuse());
            let (mut reports, setter) = load::start(self.plan, sender, clock, stop.clone())?;
            let mut pace = Pace::default();
            let heard_all = CancellationToken::new();
            let sampler = Sampler::new(self.plan, clock.start_unix());
            let (feed, mut trouble) = match self.plan.stack {
                StackKind::Attach => Feed::start(self.backends, self.store, &self.endpoints.attached)?,
                StackKind::Embedded | StackKind::None => Feed::none(),
            };
            let sampler = if feed.asks_for_traces() { sampler.fed() } else { sampler };
            let listening = live::listen(self.store.clone(), &scraper, &sampler, clock.start_unix(), heard_all.clone(), &tell);
            tokio::pin!(listening);
            let mut database = std::pin::pin!(self.database.tell_all(&tell));
            let mut aborted = false;
            let mut tick = tokio::time::interval(TICK);
            tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
            loop {
                tokio::select! {
                    report = reports.recv() => match report {
                        Some(Report::Window(window)) => {
                            for exemplar in &window.exemplars {
                                // One that failed is worth more than any that was slow.
                                self.store.pin(exemplar.trace_id, if exemplar.failed { u32::MAX } else { exemplar.micros });
                            }
                            sampler.hear_exemplars(&window.exemplars);
                            feed.hear_exemplars(&window.exemplars);
                            tell(Fact::Window(window));
                        }
                        Some(Report::Ended(requests)) => {
                            let sampled = sampler.hear_ended(&requests);
                            feed.hear_ended(&requests, &sampled);
                            self.store.add_client_spans(self.scenario, &requests);
                        }
                        Some(Report::Turned(late)) => watch.load_turned(late),
                        None => break,
                    },
                    Some(notice) = trouble.recv() => tell(Fact::Process { name: notice.name, change: notice.change }),
                    Some(notice) = self.notices.recv() => tell(Fact::Process { name: notice.name, change: notice.change }),
                    Some(command) = commands.recv() => match command {
                        Command::Stop => stop.cancel(),
                        Command::Broke { threshold } => tell(Fact::Broke { threshold }),
                        Command::Abort { threshold } => {
                            if !stop.is_cancelled() {
                                aborted = true;
                                tell(Fact::Aborted { threshold });
                            }
                            stop.cancel();
                        }
                        // A run that is being stopped begins none any more.
                        Command::Inject { kind, duration } => {
                            let _ = to_faults.send(faults::Wish::Begin { at: clock.offset(), kind, duration });
                        }
                        Command::EndFault { index } => drop(to_faults.send(faults::Wish::End { index })),
                        Command::Rate(_) if !self.plan.has_rates() => {}
                        command => {
                            let at = clock.offset();
                            if let Some(change) = pace.obey(&command).filter(|change| setter.obey(*change, at)) {
                                drop(events.send(Event { at, fact: Fact::Control { change } }));
                            }
                        }
                    },
                    () = &mut faults => {}
                    due = tick.tick() => {
                        watch.run_turned(due.elapsed()).into_iter().for_each(tell);
                        tell(Fact::Tick);
                    }
                    () = &mut listening => {}
                    () = &mut database => {}
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
                settled = signals.settle_after(feed.settle()) => settled,
                // Does not end yet: the last spans are still coming in.
                () = &mut listening => Vec::new(),
                () = stopped(&mut commands) => {
                    aborted = false;
                    stop.cancel();
                    signals.read().await
                }
            };
            // What ended while the last spans were awaited ended in this run.
            while let Ok(notice) = self.notices.try_recv().or_else(|_| trouble.try_recv()) {
                tell(Fact::Process { name: notice.name, change: notice.change });
            }
            heard_all.cancel();
            listening.await;
            scraper.read().await.into_iter().for_each(tell);
            let gaps = feed.gaps(&settled);
            tell(Fact::Telemetry(settled));
            tell(Fact::Flaws(self.store.flaws()));
            tell(Fact::Drops(self.store.drops().since(&dropped)));
            let looked = tokio::select! {
                () = expectations.look(self.store, self.backends, gaps, &tell) => true,
                // Whoever cannot wait for what backends still lack is told what is known.
                () = stopped(&mut commands) => false,
            };
            if !looked {
                aborted = false;
                stop.cancel();
            }
            tell(watch.delay());
            watch.usage().into_iter().for_each(tell);
            tell(Fact::Finished { interrupted: stop.is_cancelled() && !aborted });
            Ok(())
        }
        .boxed_local()
    }
}

/// Until the run is to be stopped; there is nothing else left to wish for.
async fn stopped(commands: &mut mpsc::UnboundedReceiver<Command>) {
    while let Some(command) = commands.recv().await {
        if command == Command::Stop {
            return;
        }
    }
    std::future::pending::<()>().await;
}
