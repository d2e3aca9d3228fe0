//! The one work loop: takes turns as they come due, sends them, and tells in windows what came back.

mod users;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use lab_facts::event::{Exemplar, Outcome, TraceId, WINDOW};
use lab_facts::scenario::{Executor, Plan};
use rand::RngExt as _;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use self::users::{Crew, Next};
use super::draw::{draw, think};
use super::pacer::{Arrival, EARLIEST, Turn};
use super::sender::{Ending, Outgoing, Sender};
use super::span::{Ended, Spans};
use super::window::{Windows, micros};
use super::{INTERRUPT_GRACE, Report, RunClock};

pub(super) struct Worker<S, C> {
    plan: Arc<Plan>,
    sender: S,
    windows: Windows,
    spans: Spans,
    reports: mpsc::UnboundedSender<Report>,
    /// Injected, so that tests run on simulated time.
    clock: C,
    /// No user goes on.
    paused: Arc<AtomicBool>,
}

/// The worker's clock.
pub(super) trait Clock {
    /// Since the start of the run.
    fn now(&self) -> Duration;
    /// Waits for a moment that is at most [`EARLIEST`] ahead, and does not miss it.
    fn reach(&self, moment: Duration) -> impl Future<Output = ()>;
}

impl Clock for RunClock {
    fn now(&self) -> Duration {
        self.offset()
    }

    /// Awake: a timer may be 2 ms late.
    async fn reach(&self, moment: Duration) {
        while self.offset() < moment {
            tokio::task::yield_now().await;
        }
    }
}

/// A request that has ended.
struct Done {
    arrival: Arrival,
    /// The number of the user who sent it, where there are users.
    user: Option<u64>,
    request: usize,
    trace_id: TraceId,
    span_id: [u8; 8],
    url: String,
    sent: Duration,
    ended: Duration,
    outcome: Outcome,
    why: Option<String>,
}

impl Done {
    /// When its user is ready again.
    fn next_turn(&self, plan: &Plan) -> Option<Turn> {
        let Arrival { load, index, .. } = self.arrival;
        let (Executor::Users(users), Some(number)) = (&plan.loads[load].executor, self.user) else { return None };
        Some(Turn { due: self.ended + think(plan.seed, users.think_time, load, index), load, number })
    }

    fn exemplar(&self, plan: &Plan) -> Exemplar {
        Exemplar {
            load: self.arrival.load,
            request: self.request,
            at: self.arrival.intended,
            micros: micros(self.ended.saturating_sub(self.arrival.intended)),
            trace_id: self.trace_id,
            outcome: self.outcome,
            failed: !plan.loads[self.arrival.load].requests[self.request].expects(self.outcome),
        }
    }
}

impl<S: Sender, C: Clock> Worker<S, C> {
    /// Reads whether users are paused from `paused`.
    pub(super) fn new(
        plan: Arc<Plan>,
        sender: S,
        spans: Spans,
        reports: mpsc::UnboundedSender<Report>,
        clock: C,
        paused: Arc<AtomicBool>,
    ) -> Self {
        Self { plan, sender, windows: Windows::default(), spans, reports, clock, paused }
    }

    /// Until all turns are over and every request has ended; sooner, after a moment's grace, when stopped. `ask` is for turns that
    /// users want later; it is dropped when nobody will want one.
    pub(super) async fn run(mut self, mut turns: mpsc::UnboundedReceiver<Turn>, ask: impl Fn(Turn), stop: CancellationToken) {
        let plan = Arc::clone(&self.plan);
        let Self { sender, windows, spans, reports, clock, paused, .. } = &mut self;
        let (sender, clock) = (&*sender, &*clock);
        let mut per_load = vec![0_usize; plan.loads.len()];
        let mut crew = Crew::new(&plan);
        let mut ask = Some(ask).filter(|_| !crew.is_gone());
        let abort = CancellationToken::new();
        let mut in_flight = FuturesUnordered::new();
        let give_up = async {
            stop.cancelled().await;
            tokio::time::sleep(INTERRUPT_GRACE).await;
            abort.cancel();
        };
        tokio::pin!(give_up);
        let mut flush = tokio::time::interval(WINDOW);
        flush.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut scheduled, mut given_up) = (true, false);
        while scheduled || !in_flight.is_empty() {
            let turn = tokio::select! {
                // Requests that wait to be sent come before further arrivals, so that a burst does not make the first ones late.
                biased;
                Some(done) = in_flight.next(), if !in_flight.is_empty() => {
                    let mut done: Done = done;
                    per_load[done.arrival.load] -= 1;
                    windows.ended(done.arrival, done.sent, done.ended, done.exemplar(&plan), done.why.as_deref());
                    let request = &plan.loads[done.arrival.load].requests[done.request];
                    spans.push(Ended {
                        trace_id: done.trace_id,
                        span_id: done.span_id,
                        load: done.arrival.load,
                        method: request.method,
                        url: std::mem::take(&mut done.url),
                        intended: done.arrival.intended,
                        sent: done.sent,
                        ended: done.ended,
                        outcome: done.outcome,
                        expected: request.expects(done.outcome),
                        why: done.why.take(),
                    });
                    done.next_turn(&plan)
                }
                turn = turns.recv(), if scheduled => {
                    scheduled = turn.is_some();
                    turn
                }
                due = flush.tick() => {
                    let _ = reports.send(Report::Turned(due.elapsed()));
                    report(windows, spans, reports);
                    None
                }
                () = &mut give_up, if !given_up => {
                    given_up = true;
                    None
                }
            };
            let Some(turn) = turn else { continue };
            let load = &plan.loads[turn.load];
            match &load.executor {
                Executor::Arrivals(arrivals) => {
                    let arrival = Arrival { load: turn.load, index: turn.number, intended: turn.due };
                    windows.offered(arrival);
                    if per_load[turn.load] >= arrivals.max_vus {
                        windows.dropped(arrival);
                    } else {
                        per_load[turn.load] += 1;
                        in_flight.push(request(&plan, arrival, None, load.end() + load.graceful_stop, sender, clock, &abort));
                    }
                }
                // A stopped run begins nothing; nor does it wait for those who would.
                Executor::Users(_) if stop.is_cancelled() => {}
                // Only a turn that has come is one; an answer and no time to think make the next one come at once.
                Executor::Users(_) if turn.due > clock.now() + EARLIEST => ask.iter().for_each(|ask| ask(turn)),
                // The pacer keeps it until the pause is over, or the load is.
                Executor::Users(_) if paused.load(Ordering::Relaxed) && turn.due < load.end() => ask.iter().for_each(|ask| ask(turn)),
                Executor::Users(users) => match crew.ready(&plan, users, turn) {
                    Next::Send(arrival, last) => {
                        per_load[turn.load] += 1;
                        windows.offered(arrival);
                        in_flight.push(request(&plan, arrival, Some(turn.number), last, sender, clock, &abort));
                    }
                    Next::Wait(turn) => ask.iter().for_each(|ask| ask(turn)),
                    Next::Leave(undone) => {
                        windows.undone(turn.load, load.end(), undone);
                        ask = ask.filter(|_| !crew.is_gone());
                    }
                },
            }
        }
        drop(in_flight);
        report(windows, spans, reports);
    }
}

fn report(windows: &mut Windows, spans: &mut Spans, reports: &mpsc::UnboundedSender<Report>) {
    // A receiver that is gone wants to hear nothing more.
    for window in windows.take() {
        let _ = reports.send(Report::Window(window));
    }
    let ended = spans.take();
    if !ended.is_empty() {
        let _ = reports.send(Report::Ended(ended));
    }
}

/// Sends what an arrival becomes. At the moment `last` it is given up, even if its timeout is not over.
async fn request<S: Sender>(
    plan: &Plan,
    arrival: Arrival,
    user: Option<u64>,
    last: Duration,
    sender: &S,
    clock: &impl Clock,
    abort: &CancellationToken,
) -> Done {
    let load = &plan.loads[arrival.load];
    let drawn = draw(plan.seed, load, arrival);
    let (trace_id, span_id) = new_ids();
    let traceparent = traceparent(trace_id, span_id);
    let kind = &load.requests[drawn.request];
    let url = sender.url(&kind.target, &drawn.url);
    let outgoing = Outgoing { method: kind.method, url: &url, headers: &drawn.headers, body: drawn.body, traceparent };
    // The pacer hands arrivals over a little early; see there.
    clock.reach(arrival.intended).await;
    let sent = clock.now();
    let left = last.saturating_sub(sent);
    let (limit, beyond) = if left < load.timeout { (left, Outcome::Outlasted) } else { (load.timeout, Outcome::Timeout) };
    let Ending { outcome, why } = tokio::select! {
        ending = tokio::time::timeout(limit, sender.send(outgoing)) => ending.unwrap_or_else(|_| beyond.into()),
        () = abort.cancelled() => Outcome::Interrupted.into(),
    };
    let ended = clock.now();
    Done { arrival, user, request: drawn.request, trace_id, span_id, url, sent, ended, outcome, why }
}

/// As W3C Trace Context writes it, sampled. By hand: formatting costs ten times as much, for each request.
fn traceparent(trace_id: TraceId, span_id: [u8; 8]) -> String {
    let mut text = String::with_capacity(55);
    text.push_str("00-");
    push_hex(&mut text, &trace_id.0);
    text.push('-');
    push_hex(&mut text, &span_id);
    text.push_str("-01");
    text
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    let digit = |value: u8| char::from(if value < 10 { b'0' + value } else { b'a' + value - 10 });
    text.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
}

/// Random and not zero, as W3C Trace Context wants them.
fn new_ids() -> (TraceId, [u8; 8]) {
    let mut random = rand::rng();
    let trace_id: u128 = random.random_range(1..=u128::MAX);
    let span_id: u64 = random.random_range(1..=u64::MAX);
    (TraceId(trace_id.to_be_bytes()), span_id.to_be_bytes())
}

#[cfg(test)]
mod tests;
