//! Two groups of requests held against each other: at which hops the one spends more time, and what else tells it from the other.

use std::collections::BTreeSet;

use serde::Serialize;

use super::coincidence::{Coincidence, PoolState, coincidences, pools};
use super::examples::{Example, slowest, typical};
use super::over_represented::{Overrepresented, over_represented};
use super::side::Side;
use super::statistics::{fisher, mean};
use crate::event::Hop;

/// With fewer requests a side, nothing is said.
pub(super) const FEWEST: usize = 5;
/// The subject is slower where its mean is higher by this many milliseconds, and by this share of the baseline's.
const SLOWER_MS: f64 = 10.0;
const SLOWER_SHARE: f64 = 0.5;
/// Time is attributed to a hop with this share of the difference.
const SHARE: f64 = 0.15;
/// Both only where more requests take long than chance explains: below this p-value of Fisher's exact test. It asks for no more than that
/// some are slow; a test of ranks would miss a tail behind a baseline that is a little slower throughout.
const LEVEL: f64 = 0.01;
/// Long is what takes more than this share of the baseline's requests.
const USUAL: f64 = 0.95;
/// A hop that hardly differs is not told: less than this share of the difference.
const TOLD: f64 = 0.01;

/// What tells a group of requests from another.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Contrast {
    /// Which requests are explained, such as `slow requests (over 52.1 ms)`.
    pub subject: String,
    /// Which they are held against.
    pub baseline: String,
    /// How many of the subject were looked at.
    pub subject_requests: usize,
    /// How many of the baseline.
    pub baseline_requests: usize,
    /// Response time on average, in milliseconds; null without requests.
    pub subject_ms: Option<f64>,
    /// The same of the baseline.
    pub baseline_ms: Option<f64>,
    /// Whether the subject is slower by more than chance and noise; only then is time attributed to hops.
    pub slower: bool,
    /// Each hop whose time differs, the largest growth first. Growths of all hops add up to the difference of the means.
    pub hops: Vec<Growth>,
    /// What spans of the subject say more often.
    pub over_represented: Vec<Overrepresented>,
    /// What went on at the same time.
    pub coincides: Vec<Coincidence>,
    /// Connection pools for which more requests waited.
    pub pools: Vec<PoolState>,
    /// The slowest of the subject.
    pub subject_examples: Vec<Example>,
    /// Typical ones of the baseline.
    pub baseline_examples: Vec<Example>,
}

/// By how much a hop's time differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Growth {
    /// `service` (own time), `pool` (wait for a connection), `database`, `network`, `unseen` (no spans) or `unsent` (still in the lab).
    pub kind: &'static str,
    /// Of whom; two names with an arrow for `network` and `unseen`.
    pub name: String,
    /// Both in a few words.
    pub hop: String,
    /// Milliseconds of a request of the subject on average.
    pub subject_ms: f64,
    /// Milliseconds of one of the baseline.
    pub baseline_ms: f64,
    /// By how much the subject's is more, in milliseconds.
    pub growth_ms: f64,
    /// The share of the whole difference that this is; more than 1 where another hop takes less. Null where nothing differs.
    pub share: Option<f64>,
    /// How many requests of the subject took longer there than 95 in 100 of the baseline's do.
    pub longer: usize,
    /// How likely that many are by chance: Fisher's exact test, one-sided.
    pub p: f64,
    /// Whether the difference is attributed to it.
    pub attributed: bool,
}

impl Contrast {
    /// Holds one side against another. `two_runs` leaves out what differs from run to run by itself.
    pub(super) fn new(subject: &Side<'_>, baseline: &Side<'_>, two_runs: bool) -> Self {
        let (size, others) = (subject.requests.len(), baseline.requests.len());
        let enough = size >= FEWEST && others >= FEWEST;
        let (mean_subject, mean_baseline) = (subject.mean_ms(), baseline.mean_ms());
        let difference = mean_subject - mean_baseline;
        let whole = |side: &Side<'_>| side.requests.iter().map(|one| f64::from(one.micros)).collect::<Vec<f64>>();
        let (_, p) = longer(&whole(subject), &whole(baseline));
        let slower = enough && p < LEVEL && difference >= SLOWER_MS && difference >= SLOWER_SHARE * mean_baseline;
        Self {
            subject: subject.label.clone(),
            baseline: baseline.label.clone(),
            subject_requests: size,
            baseline_requests: others,
            subject_ms: (size > 0).then_some(mean_subject),
            baseline_ms: (others > 0).then_some(mean_baseline),
            slower,
            hops: if enough { growths(subject, baseline, difference, slower) } else { Vec::new() },
            over_represented: if enough { over_represented(subject, baseline, two_runs) } else { Vec::new() },
            coincides: if enough { coincidences(subject, baseline) } else { Vec::new() },
            pools: if enough { pools(subject, baseline) } else { Vec::new() },
            subject_examples: slowest(subject),
            baseline_examples: typical(baseline),
        }
    }

    /// Whether anything tells the two apart.
    pub fn says_something(&self) -> bool {
        self.slower || !self.over_represented.is_empty()
    }

    /// The hops to which the difference is attributed, the largest growth first.
    pub fn attributed(&self) -> impl Iterator<Item = &Growth> {
        self.hops.iter().filter(|hop| hop.attributed)
    }
}

fn growths(subject: &Side<'_>, baseline: &Side<'_>, difference: f64, slower: bool) -> Vec<Growth> {
    let all = subject.requests.iter().chain(&baseline.requests).flat_map(|one| one.parts.iter().map(|(hop, _)| hop.as_ref()));
    let hops: BTreeSet<&Hop> = all.collect();
    let growth = |hop: &Hop| {
        let (now, before) = (subject.at_hop(hop), baseline.at_hop(hop));
        let (subject_ms, baseline_ms) = (mean(now.iter().copied()), mean(before.iter().copied()));
        let growth_ms = subject_ms - baseline_ms;
        let share = (difference != 0.0).then(|| growth_ms / difference);
        let (longer, p) = longer(&now, &before);
        let attributed = slower && share.is_some_and(|share| share >= SHARE) && longer >= FEWEST && p < LEVEL;
        let (kind, name) = (hop.kind.as_str(), hop.name.to_string());
        Growth { kind, name, hop: hop.to_string(), subject_ms, baseline_ms, growth_ms, share, longer, p, attributed }
    };
    let mut growths: Vec<Growth> = hops.into_iter().map(growth).collect();
    growths.retain(|one| one.growth_ms.abs() >= TOLD * difference.abs());
    growths.sort_by(|a, b| b.growth_ms.total_cmp(&a.growth_ms));
    growths
}

/// How many values are higher than nearly all of the baseline's, and how likely that many are by chance.
fn longer(values: &[f64], baseline: &[f64]) -> (usize, f64) {
    let mut sorted = baseline.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank among thousands")]
    let rank = (sorted.len() as f64 * USUAL).ceil() as usize;
    let usual = sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default();
    let above = |values: &[f64]| values.iter().filter(|value| **value > usual).count();
    let longer = above(values);
    (longer, fisher(longer, values.len(), longer + above(baseline), values.len() + baseline.len()))
}
