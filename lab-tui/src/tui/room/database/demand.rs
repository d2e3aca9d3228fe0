//! What requests need of a pool, as those tell that were looked at.

use std::time::Duration;

use lab_facts::event::{Breakdown, Chosen, HopKind};
use lab_facts::model::Model;

/// How far back is looked.
pub(super) const WINDOW: u64 = 10;

/// What requests of some seconds needed of a pool.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Demand {
    /// How many requests that asked for a connection were looked at.
    pub(super) looked_at: usize,
    /// How many of them got none: they waited, and never came to the database.
    pub(super) without: usize,
    /// What 99 of 100 did not wait longer than, in milliseconds.
    pub(super) wait_p99: Option<f64>,
    /// Little's law, where it is known.
    pub(super) little: Option<Little>,
}

/// Connections in use at a time are how many are asked for in a second, times how long each is held.
#[derive(Debug, PartialEq)]
pub(super) struct Little {
    /// Requests a second that ask for a connection.
    pub(super) arrivals: f64,
    /// How long one is held, in milliseconds: the time in the database of those that got one.
    pub(super) held_ms: f64,
}

impl Little {
    /// Connections in use at a time, on average.
    pub(super) fn busy(&self) -> f64 {
        self.arrivals * self.held_ms / 1000.0
    }
}

/// Of the seconds up to and with `second`. Requests that were looked at because they were slow or failed would tell of too much.
pub(super) fn demand(model: &Model, service: &str, second: u64) -> Demand {
    let end = second + 1;
    let begin = end.saturating_sub(WINDOW);
    let within = Duration::from_secs(begin)..Duration::from_secs(end);
    let asked = |one: &&Breakdown| one.chosen == Chosen::Sampled && within.contains(&one.at);
    let (mut passed, mut waits, mut held, mut without) = (0_u32, Vec::new(), Vec::new(), 0);
    for one in model.breakdowns().iter().filter(asked) {
        let of = |kind: HopKind, whose: Option<&str>| {
            let fits = one.parts.iter().filter(move |(hop, _)| hop.kind == kind && whose.is_none_or(|name| hop.name.as_ref() == name));
            fits.map(|(_, micros)| *micros).reduce(u32::saturating_add)
        };
        let (own, wait, database) = (of(HopKind::Service, Some(service)), of(HopKind::Pool, Some(service)), of(HopKind::Database, None));
        passed += u32::from(own.is_some() || wait.is_some());
        let Some(wait) = wait else { continue };
        waits.push(wait);
        match database {
            Some(micros) => held.push(micros),
            None => without += 1,
        }
    }
    waits.sort_unstable();
    let rank = (waits.len() * 99).div_ceil(100).saturating_sub(1);
    let little = little(model, service, begin..end, passed, waits.len(), &held);
    Demand { looked_at: waits.len(), without, wait_p99: waits.get(rank).map(|micros| f64::from(*micros) / 1000.0), little }
}

/// Every request of the service has a span; of these, as many ask for a connection as of those that were looked at.
fn little(model: &Model, service: &str, seconds: std::ops::Range<u64>, passed: u32, asking: usize, held: &[u32]) -> Option<Little> {
    let chain = model.chain().in_order();
    let (_, hop) = chain.iter().find(|(name, _)| *name == service)?;
    let (_, spans) = hop.between(seconds.start, seconds.end);
    // The second that is under way has only begun.
    let over = model.now().min(Duration::from_secs(seconds.end)).checked_sub(Duration::from_secs(seconds.start))?.as_secs_f64();
    if passed == 0 || held.is_empty() || over < 1.0 {
        return None;
    }
    let number = |count: usize| u32::try_from(count).map_or(f64::MAX, f64::from);
    let share = number(asking) / f64::from(passed);
    #[expect(clippy::cast_precision_loss, reason = "requests of ten seconds")]
    let arrivals = spans.count() as f64 / over * share;
    let held_ms = held.iter().map(|micros| f64::from(*micros)).sum::<f64>() / number(held.len()) / 1000.0;
    Some(Little { arrivals, held_ms })
}
