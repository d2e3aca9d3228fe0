//! What a file that was damaged, or made up, must not do to the model: every index is within the plan, every number within reason.

use std::time::Duration;

use lab_facts::event::{
    BY_HAND, DatabaseActivity, DatabaseSample, Event, Fact, REASON_LENGTH, REASONS, Reason, SESSIONS, STATEMENT_LENGTH, STATEMENTS,
    Samples, WINDOW,
};
use lab_facts::scenario::Plan;
use lab_facts::trace::Trace;

use super::wire::Damage;

/// Longer than a run can last: a load may begin after seven days and go on for seven more, and a screen may stay open.
pub(super) const LONGEST_RUN: Duration = Duration::from_secs(30 * 24 * 3600);

/// Counts beyond this are no counts; their sums would overflow.
const MOST: u64 = 1 << 50;

/// No pool has more, nor more who wait.
const MOST_CONNECTIONS: u32 = 1 << 24;

/// More modes of locks, or blockers of one session, are nobody's.
const MOST_OF_ONE: usize = 200;

/// How many requests and spans there have been, which must stay countable, and what events refer to.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    counted: u64,
    faults_by_hand: usize,
}

impl Bounds {
    /// Whether the model can take this event in.
    pub(super) fn check(&mut self, event: &Event, plan: &Plan) -> Result<(), Damage> {
        match &event.fact {
            Fact::Window(window) => {
                let load = plan.loads.get(window.load).ok_or("it is of a load that the scenario does not have")?;
                let known = |request: usize| request < load.requests.len();
                let cells = window.cells.iter().map(|cell| cell.request).chain(window.reasons.iter().map(|reason| reason.request));
                let requests = cells.chain(window.exemplars.iter().map(|one| one.request));
                if !requests.into_iter().all(known) {
                    return Err("it is of a request that the scenario does not have");
                }
                let latest = LONGEST_RUN.as_nanos() / WINDOW.as_nanos();
                if u128::from(window.index) > latest {
                    return Err("its window is later than any run lasts");
                }
                let brief = |reason: &Reason| reason.why.chars().count() <= REASON_LENGTH;
                if window.reasons.len() > REASONS || !window.reasons.iter().all(brief) {
                    return Err("nobody has that many reasons");
                }
                if window.dropped > window.offered {
                    return Err("more arrivals were dropped than there were");
                }
                self.count(&window.lag)?;
                window.cells.iter().try_for_each(|cell| self.count(&cell.response_time).and_then(|()| self.count(&cell.service_time)))
            }
            Fact::Hop(spans) if spans.second > LONGEST_RUN.as_secs() => Err("its second is later than any run lasts"),
            Fact::Hop(spans) => self.count(&spans.durations),
            Fact::Calls(calls) if calls.second > LONGEST_RUN.as_secs() => Err("its second is later than any run lasts"),
            Fact::Calls(calls) => self.count(&calls.durations),
            Fact::Breakdowns(all) if all.iter().any(|one| one.load >= plan.loads.len()) => {
                Err("it is of a load that the scenario does not have")
            }
            Fact::FaultByHand(_) => {
                self.faults_by_hand += 1;
                if self.faults_by_hand <= BY_HAND { Ok(()) } else { Err("nobody begins that many faults") }
            }
            Fact::Fault { index, .. } if *index >= plan.faults.len() + self.faults_by_hand => {
                Err("it is of a fault that the scenario does not have")
            }
            Fact::Scraped(all) if all.iter().any(|one| one.series >= plan.series().len()) => {
                Err("it is of a metric that the scenario does not ask for")
            }
            Fact::Expectation { index, .. } if *index >= plan.expectations.len() => {
                Err("it is of an expectation that the scenario does not have")
            }
            Fact::Broke { threshold } | Fact::Aborted { threshold } if *threshold >= plan.thresholds.len() => {
                Err("it is of a threshold that the scenario does not have")
            }
            Fact::LabDelay(delay) => self.count(&delay.load).and_then(|()| self.count(&delay.run)),
            Fact::Telemetry(services) => {
                let counts = |one: &lab_facts::event::ServiceSignals| [one.answered, one.server_spans, one.log_lines, one.unsampled];
                let reasonable = services.iter().flat_map(counts).all(|count| count < MOST);
                if reasonable && services.len() < 1000 { Ok(()) } else { Err("nobody counts that far") }
            }
            Fact::Flaws(flaws) if flaws.len() >= 10_000 || flaws.iter().any(|flaw| flaw.count >= MOST) => Err("nobody counts that far"),
            Fact::Pool(pool) if [pool.used, pool.idle, pool.pending, pool.max].iter().any(|number| *number > MOST_CONNECTIONS) => {
                Err("no pool has that many connections")
            }
            Fact::Database(sample) => check_database(sample),
            Fact::Began { .. }
            | Fact::Tick
            | Fact::LoadDone
            | Fact::Process { .. }
            | Fact::Fault { .. }
            | Fact::Control { .. }
            | Fact::Scraped(_)
            | Fact::Flaws(_)
            | Fact::Drops(_)
            | Fact::Expectation { .. }
            | Fact::Edge { .. }
            | Fact::Breakdowns(_)
            | Fact::Pool(_)
            | Fact::LabUsage { .. }
            | Fact::LabCores(_)
            | Fact::Broke { .. }
            | Fact::Aborted { .. }
            | Fact::Finished { .. } => Ok(()),
        }
    }

    /// All of a recording's values together still fit the counters of one second.
    fn count(&mut self, samples: &Samples) -> Result<(), Damage> {
        self.counted += samples.count();
        if self.counted <= u64::from(u32::MAX) { Ok(()) } else { Err("nobody counts that far") }
    }
}

/// Whether a database can be like that, and be kept.
fn check_database(sample: &DatabaseSample) -> Result<(), Damage> {
    let DatabaseSample { sessions, more_sessions, since, locks, statements } = sample;
    let statements = statements.as_deref().unwrap_or_default();
    let counts = sessions.len() <= SESSIONS && locks.len() <= MOST_OF_ONE && statements.len() <= STATEMENTS;
    let short = |text: &str| text.chars().count() <= STATEMENT_LENGTH;
    let waits = sessions.iter().filter_map(|session| session.wait.as_ref());
    let texts =
        sessions.iter().flat_map(|session| [&session.application, &session.query]).chain(waits.flat_map(|wait| [&wait.kind, &wait.event]));
    let blockers = sessions.iter().all(|session| session.blocked_by.len() <= MOST_OF_ONE);
    let brief = texts.into_iter().all(|text| short(text))
        && locks.iter().all(|lock| short(&lock.mode))
        && statements.iter().all(|one| short(&one.query));
    let DatabaseActivity { over: _, commits, rollbacks, blocks_hit, blocks_read, deadlocks, temp_bytes } = since.unwrap_or_default();
    let few = [commits, rollbacks, blocks_hit, blocks_read, deadlocks, temp_bytes].into_iter().all(|count| count < MOST)
        && statements.iter().all(|one| one.calls < MOST && one.rows < MOST)
        && locks.iter().all(|lock| lock.granted <= MOST_CONNECTIONS && lock.waiting <= MOST_CONNECTIONS)
        && *more_sessions <= MOST_CONNECTIONS;
    if counts && brief && blockers && few { Ok(()) } else { Err("no database is like that") }
}

/// Whether a trace can be drawn: its spans lie within some days of one another, and sums of its times do not overflow.
pub(super) fn check_trace(trace: &Trace) -> Result<(), Damage> {
    let spans = trace.spans.iter();
    let begin = spans.clone().map(|span| span.start_unix_nano).min().unwrap_or_default();
    let within = |nanos: u64| nanos.checked_sub(begin).is_some_and(|since| since < MOST);
    let possible = spans.into_iter().all(|span| span.start_unix_nano.checked_add(span.duration_nano).is_some_and(within));
    if possible { Ok(()) } else { Err("the times in its trace are none") }
}
