//! What differs. A change counts when ranks of windows as uneven as these are unlikely by chance, and when it is larger than noise.

use lab_facts::exit::Exit;
use serde::{Deserialize, Serialize};

use super::series::{Series, Subject};
use super::statistics::{hodges_lehmann, mann_whitney, median};
use crate::record::Header;

/// Raised when a field changes its meaning or goes away.
const FORMAT: u32 = 1;
/// How likely by chance a change may be that counts.
const LEVEL: f64 = 0.01;
/// With fewer windows a side, the test cannot tell.
const FEWEST: usize = 8;
/// A long run is told in longer windows, so that there are no more than this.
const MOST: u64 = 600;

/// Two runs held against each other.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Comparison {
    /// Of this shape.
    pub format: u32,
    /// What was before.
    pub baseline: Run,
    /// What is now.
    pub current: Run,
    /// A change up to this share of the baseline is noise.
    pub noise_threshold: f64,
    /// The p-value below which a change counts.
    pub level: f64,
    /// Figures that are worse.
    pub regressions: usize,
    /// Figures that are better.
    pub improvements: usize,
    /// Hops that are slower and whose own callees are not.
    pub slowdown_begins_at: Vec<String>,
    /// Why the two can hardly be compared; empty where they can.
    pub warnings: Vec<String>,
    /// Every figure, by load, request and hop.
    pub rows: Vec<Row>,
}

impl Comparison {
    /// Whether the runs are long enough for anything to be told.
    pub fn tells(&self) -> bool {
        self.rows.iter().any(|row| !matches!(row.change, Change::TooShort | Change::OnlyInOne))
    }

    /// How a command ends that a regression is to fail.
    pub fn exit(&self) -> Exit {
        match self.regressions {
            0 if self.tells() => Exit::Kept,
            0 => Exit::Inconclusive,
            _ => Exit::Broken,
        }
    }
}

/// A run that is compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Run {
    /// As it was named: an ID, a path, or `this run`.
    pub name: String,
    /// Name of its scenario.
    pub scenario: String,
    /// When it began: RFC 3339, UTC.
    pub started: String,
    /// Version of the lab that ran it.
    pub lab: String,
}

/// One figure of one load, request or hop.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Row {
    /// What it is of.
    pub kind: Kind,
    /// Its name; a request's with its load's, as `load / request`.
    pub name: String,
    /// Which figure.
    pub measure: Measure,
    /// Over the whole run. Milliseconds, a share, or requests a second.
    pub baseline: Option<f64>,
    /// Over the whole run.
    pub current: Option<f64>,
    /// By how much a typical window lies higher: Hodges-Lehmann; of the share that failed, the difference of the whole runs.
    pub shift: Option<f64>,
    /// The same as a share of the baseline's typical window; null where that is 0.
    pub relative_shift: Option<f64>,
    /// Of the Mann-Whitney test over windows.
    pub p: Option<f64>,
    /// How many windows each run has.
    pub windows: [usize; 2],
    /// How long a window is.
    pub window_seconds: u64,
    /// What to make of it.
    pub change: Change,
}

/// What a figure is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A load.
    Load,
    /// One kind of request of a load that has several.
    Request,
    /// Spans of a service, or calls to a database.
    Hop,
}

/// Which figure. Times of loads and requests count from the intended start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Milliseconds.
    P50,
    /// Milliseconds.
    P95,
    /// Milliseconds.
    P99,
    /// Milliseconds.
    Mean,
    /// Share of requests with an outcome that the scenario does not expect, or of spans with an error.
    Failed,
    /// Requests sent a second.
    Rate,
}

/// What to make of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Worse than before.
    Regression,
    /// Better than before.
    Improvement,
    /// No more than chance and noise explain.
    None,
    /// Too few windows to tell.
    TooShort,
    /// Only one of the runs has it.
    OnlyInOne,
}

/// One side of a comparison.
#[derive(Debug)]
pub struct Compared<'a> {
    /// As it was named.
    pub name: String,
    /// Of its recording.
    pub header: &'a Header,
    /// Its values.
    pub series: &'a Series,
}

/// Holds two runs against each other. A change up to `noise_threshold`, a share of the baseline, is noise.
pub fn compare(baseline: &Compared<'_>, current: &Compared<'_>, noise_threshold: f64) -> Comparison {
    let mut subjects: Vec<&Subject> = baseline.series.subjects().chain(current.series.subjects()).collect();
    subjects.sort();
    subjects.dedup();
    let each = subjects.iter().flat_map(|subject| measures(subject).iter().map(move |measure| (*subject, *measure)));
    let rows: Vec<Row> = each.map(|(subject, measure)| row(baseline.series, current.series, subject, measure, noise_threshold)).collect();
    let count = |change| rows.iter().filter(|row| row.change == change).count();
    let run = |side: &Compared<'_>| Run {
        name: side.name.clone(),
        scenario: side.header.scenario.clone(),
        started: side.header.started.clone(),
        lab: side.header.lab.clone(),
    };
    Comparison {
        format: FORMAT,
        baseline: run(baseline),
        current: run(current),
        noise_threshold,
        level: LEVEL,
        regressions: count(Change::Regression),
        improvements: count(Change::Improvement),
        slowdown_begins_at: begins_at(&rows, current.series),
        warnings: warnings(baseline.header, current.header),
        rows,
    }
}

fn measures(subject: &Subject) -> &'static [Measure] {
    match subject {
        Subject::Load(_) | Subject::Request(..) => {
            &[Measure::P50, Measure::P95, Measure::P99, Measure::Mean, Measure::Failed, Measure::Rate]
        }
        Subject::Hop(_) => &[Measure::P95, Measure::Mean, Measure::Failed],
    }
}

fn row(baseline: &Series, current: &Series, subject: &Subject, measure: Measure, noise: f64) -> Row {
    let seconds = baseline.seconds(subject).max(current.seconds(subject));
    let window_seconds = seconds.div_ceil(MOST).max(1);
    let [before, now] = [baseline, current].map(|series| series.windows(subject, measure, window_seconds));
    let [whole_before, whole_now] = [baseline, current].map(|series| series.whole(subject, measure));
    let p = mann_whitney(&before, &now);
    let difference = whole_before.zip(whole_now).map(|(before, now)| now - before);
    let windows = [before.len(), now.len()];
    // Most seconds of most runs have no failure, so the typical one says nothing about how many there were.
    let (shift, typical) = match measure {
        Measure::Failed => (difference, whole_before),
        _ => (hodges_lehmann(&before, &now), median(before)),
    };
    let relative_shift = shift.zip(typical).filter(|(_, typical)| *typical > 0.0).map(|(shift, typical)| shift / typical);
    let beyond_noise = match (shift, relative_shift) {
        (_, Some(relative)) => relative.abs() > noise,
        (Some(shift), None) => shift != 0.0,
        (None, None) => false,
    };
    let worse = shift.is_some_and(|shift| (shift > 0.0) != (measure == Measure::Rate));
    let change = match p {
        None => Change::OnlyInOne,
        Some(_) if windows.iter().any(|windows| *windows < FEWEST) => Change::TooShort,
        Some(p) if p >= LEVEL || !beyond_noise => Change::None,
        Some(_) if worse => Change::Regression,
        Some(_) => Change::Improvement,
    };
    let (kind, name) = match subject {
        Subject::Load(load) => (Kind::Load, load.clone()),
        Subject::Request(load, request) => (Kind::Request, format!("{load} / {request}")),
        Subject::Hop(hop) => (Kind::Hop, hop.clone()),
    };
    let (baseline, current) = (whole_before, whole_now);
    Row { kind, name, measure, baseline, current, shift, relative_shift, p, windows, window_seconds, change }
}

/// Whoever waits for a slow hop is slow as well; it begins at those who wait for none.
fn begins_at(rows: &[Row], series: &Series) -> Vec<String> {
    let is_slower = |hop: &str| {
        let slow =
            |row: &&Row| row.kind == Kind::Hop && row.name == hop && row.change == Change::Regression && row.measure != Measure::Failed;
        rows.iter().any(|row| slow(&row))
    };
    let mut hops: Vec<&str> = rows.iter().filter(|row| row.kind == Kind::Hop).map(|row| row.name.as_str()).collect();
    hops.dedup();
    let first = |hop: &&str| is_slower(hop) && !series.callees(hop).any(is_slower);
    hops.into_iter().filter(first).map(str::to_owned).collect()
}

fn warnings(baseline: &Header, current: &Header) -> Vec<String> {
    let mut warnings = Vec::new();
    if baseline.scenario != current.scenario {
        warnings.push(format!("the scenarios differ: {} and {}", baseline.scenario, current.scenario));
    } else if baseline.text != current.text {
        warnings.push(format!("the scenario {} was changed between the runs", current.scenario));
    }
    if baseline.time_scale != current.time_scale {
        let scale = |header: &Header| header.time_scale.unwrap_or(1.0);
        warnings.push(format!("the time scales differ: {} and {}", scale(baseline), scale(current)));
    }
    warnings
}
