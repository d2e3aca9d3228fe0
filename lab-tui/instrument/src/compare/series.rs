//! A run as values a second: of each load, each kind of request and each hop.

use std::collections::{BTreeMap, BTreeSet};

use lab_facts::event::{Event, Fact, LoadWindow, Outcome, Samples, WINDOW};
use lab_facts::model::Distribution;
use lab_facts::scenario::Plan;

use super::comparison::Measure;
use crate::record::Recording;

/// What figures are of. Names, so that two runs can be held against each other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// All requests of a load.
    Load(String),
    /// Those of one kind: load, request.
    Request(String, String),
    /// Spans of a service, or of calls to a database.
    Hop(String),
}

/// One run, second by second; as long as the run.
#[derive(Debug)]
pub struct Series {
    plan: Plan,
    subjects: BTreeMap<Subject, BTreeMap<u64, Bucket>>,
    edges: BTreeSet<(String, String)>,
}

/// What happened in a second.
#[derive(Debug, Clone, Default)]
pub(super) struct Bucket {
    /// Requests that were sent.
    sent: u64,
    /// Requests that have ended, or spans.
    ended: u64,
    failed: u64,
    times: Samples,
}

impl Bucket {
    fn merge(&mut self, other: &Self) {
        self.sent += other.sent;
        self.ended += other.ended;
        self.failed += other.failed;
        self.times.merge(&other.times);
    }
}

impl Series {
    /// Nothing has happened yet.
    pub fn new(plan: &Plan) -> Self {
        Self { plan: plan.clone(), subjects: BTreeMap::new(), edges: BTreeSet::new() }
    }

    /// Of a run that was recorded.
    pub fn of(recording: &Recording) -> Self {
        let mut series = Self::new(&recording.plan);
        recording.events.iter().for_each(|event| series.apply(event));
        series
    }

    /// Takes in what counts of an event.
    pub fn apply(&mut self, event: &Event) {
        match &event.fact {
            Fact::Window(window) => self.add_window(window),
            Fact::Hop(spans) => {
                let hop = self.subjects.entry(Subject::Hop(spans.hop.clone())).or_default();
                let (ended, failed) = (spans.durations.count(), u64::from(spans.errors));
                hop.entry(spans.second).or_default().merge(&Bucket { sent: ended, ended, failed, times: spans.durations.clone() });
            }
            Fact::Edge { from, to } => {
                self.edges.insert((from.to_string(), to.to_string()));
            }
            _ => {}
        }
    }

    fn add_window(&mut self, window: &LoadWindow) {
        let Some(load) = self.plan.loads.get(window.load) else { return };
        let second = u64::try_from(u128::from(window.index) * WINDOW.as_millis() / 1000).unwrap_or(u64::MAX);
        let mut of_load = Bucket { sent: u64::from(window.offered.saturating_sub(window.dropped)), ..Bucket::default() };
        // What the user cut off says nothing about the system.
        for cell in window.cells.iter().filter(|cell| cell.outcome != Outcome::Interrupted) {
            let Some(request) = load.requests.get(cell.request) else { continue };
            let ended = cell.response_time.count();
            let failed = if request.expects(cell.outcome) { 0 } else { ended };
            let bucket = Bucket { sent: ended, ended, failed, times: cell.response_time.clone() };
            of_load.merge(&Bucket { sent: 0, ..bucket.clone() });
            // A load of one kind of request has been told with it.
            if load.requests.len() > 1 {
                let kind = self.subjects.entry(Subject::Request(load.name.clone(), request.name.clone())).or_default();
                kind.entry(second).or_default().merge(&bucket);
            }
        }
        self.subjects.entry(Subject::Load(load.name.clone())).or_default().entry(second).or_default().merge(&of_load);
    }

    pub(super) fn subjects(&self) -> impl Iterator<Item = &Subject> {
        self.subjects.keys()
    }

    /// Hops that a hop calls.
    pub(super) fn callees(&self, hop: &str) -> impl Iterator<Item = &str> {
        self.edges.iter().filter(move |(from, to)| from == hop && to != hop).map(|(_, to)| to.as_str())
    }

    /// From the first second of a subject to its last.
    pub(super) fn seconds(&self, subject: &Subject) -> u64 {
        let Some(buckets) = self.subjects.get(subject) else { return 0 };
        let (first, last) = (buckets.keys().next(), buckets.keys().next_back());
        first.zip(last).map_or(0, |(first, last)| last - first + 1)
    }

    /// One value for each window of so many seconds; a window without an answer has a rate, and no time.
    pub(super) fn windows(&self, subject: &Subject, measure: Measure, seconds: u64) -> Vec<f64> {
        let Some(buckets) = self.subjects.get(subject) else { return Vec::new() };
        let first = buckets.keys().next().copied().unwrap_or_default();
        let mut windows: Vec<Bucket> = Vec::new();
        for (second, bucket) in buckets {
            let index = usize::try_from((second - first) / seconds).unwrap_or(usize::MAX);
            // Seconds without anything are there as well, with a rate of 0.
            if windows.len() <= index {
                windows.resize_with(index + 1, Bucket::default);
            }
            windows[index].merge(bucket);
        }
        windows.iter().filter_map(|window| value(measure, window, seconds, |percentile| window.times.percentile(percentile))).collect()
    }

    /// Over the whole run.
    pub(super) fn whole(&self, subject: &Subject, measure: Measure) -> Option<f64> {
        let buckets = self.subjects.get(subject)?;
        let (mut all, mut times) = (Bucket::default(), Distribution::default());
        for bucket in buckets.values() {
            (all.sent, all.ended, all.failed) = (all.sent + bucket.sent, all.ended + bucket.ended, all.failed + bucket.failed);
            times.add(&bucket.times);
        }
        match measure {
            Measure::Mean => times.mean(),
            measure => value(measure, &all, self.seconds(subject), |percentile| times.percentile(percentile)),
        }
    }
}

/// Milliseconds, a share or a number a second; `None` where nothing has ended to tell it by.
fn value(measure: Measure, bucket: &Bucket, seconds: u64, percentile: impl Fn(f64) -> Option<f64>) -> Option<f64> {
    match measure {
        Measure::P50 => percentile(50.0),
        Measure::P95 => percentile(95.0),
        Measure::P99 => percentile(99.0),
        Measure::Mean => ratio(bucket.times.sum(), bucket.times.count()).map(|micros| micros / 1000.0),
        Measure::Failed => ratio(bucket.failed, bucket.ended),
        Measure::Rate => ratio(bucket.sent, seconds),
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts and sums of microseconds stay below 2^52")]
fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
