//! One of the two groups of requests that are held against each other.

use std::ops::Range;
use std::time::Duration;

use crate::event::{Breakdown, Hop};
use crate::model::Model;

use super::statistics::mean;

/// A group of requests.
#[derive(Debug)]
pub(super) struct Side<'m> {
    /// What it is called: "slow requests (over 52.1 ms)".
    pub(super) label: String,
    /// The run that they are of.
    pub(super) model: &'m Model,
    /// Which.
    pub(super) requests: Vec<&'m Breakdown>,
    /// When that was, for what is known by time alone; `None` for all of the run that the other side does not take.
    pub(super) times: Option<Vec<Range<Duration>>>,
}

impl<'m> Side<'m> {
    /// Of a stretch of the run.
    pub(super) fn of_times(label: String, model: &'m Model, requests: Vec<&'m Breakdown>, times: Vec<Range<Duration>>) -> Self {
        Self { label, model, requests, times: Some(times) }
    }

    /// Of requests wherever they were.
    pub(super) fn of_requests(label: String, model: &'m Model, requests: Vec<&'m Breakdown>) -> Self {
        let times = merged(requests.iter().map(|one| under_way(one)).collect());
        Self { label, model, requests, times: Some(times) }
    }

    /// Of requests, in all of the time that is not the other side's.
    pub(super) fn of_others(label: String, model: &'m Model, requests: Vec<&'m Breakdown>) -> Self {
        Self { label, model, requests, times: None }
    }

    /// Milliseconds on average.
    pub(super) fn mean_ms(&self) -> f64 {
        mean(self.requests.iter().map(|one| ms(one.micros)))
    }

    /// Milliseconds of each request at a hop.
    pub(super) fn at_hop(&self, hop: &Hop) -> Vec<f64> {
        self.requests.iter().map(|one| one.parts.iter().find(|(known, _)| **known == *hop).map_or(0.0, |(_, micros)| ms(*micros))).collect()
    }
}

/// From when it was due until it was answered.
pub(super) fn under_way(one: &Breakdown) -> Range<Duration> {
    one.at..one.at + Duration::from_micros(u64::from(one.micros))
}

/// Whether the two have a moment in common.
pub(super) fn meet(a: &Range<Duration>, b: &Range<Duration>) -> bool {
    a.start <= b.end && b.start <= a.end
}

/// Milliseconds.
pub(super) fn ms(micros: u32) -> f64 {
    f64::from(micros) / 1000.0
}

fn merged(mut times: Vec<Range<Duration>>) -> Vec<Range<Duration>> {
    times.sort_by_key(|time| time.start);
    let mut merged: Vec<Range<Duration>> = Vec::new();
    for time in times {
        match merged.last_mut() {
            Some(last) if time.start <= last.end => last.end = last.end.max(time.end),
            _ => merged.push(time),
        }
    }
    merged
}
