//! What spans of the one side say more often than those of the other: attributes, routes, instances, statuses.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::Serialize;

use super::side::Side;
use super::statistics::{count, fisher};
use super::traits::{FIRST, MOST, VALUES};
use crate::event::Trait;
use crate::model::Model;

/// So many requests of the side must have it.
pub(super) const FEWEST: usize = 5;
/// How likely by chance it may be, after the correction for how many were tested (Bonferroni).
pub(super) const LEVEL: f64 = 0.01;
/// Its share must be higher than on the other side by this factor.
const LIFT: f64 = 1.5;
/// How many groups are told.
const TOLD: usize = 6;

/// Attributes that differ from run to run by themselves.
const OF_A_RUN: [&str; 7] =
    ["server.port", "network.peer.port", "url.full", "service.instance.id", "host.name", "container.id", "k8s.pod.name"];

/// Something that spans say, with the requests that have it on both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Overrepresented {
    /// `service.name` of the spans.
    pub service: String,
    /// An attribute, or `status` or `name` of the span.
    pub key: String,
    /// Its value.
    pub value: String,
    /// Requests of the subject that have it.
    pub subject: usize,
    /// Requests of the baseline that have it; those with more attributes than are counted may, and count as if they did.
    pub baseline: usize,
    /// Fisher's exact test, one-sided, times the number of values tested.
    pub p: f64,
    /// Others that exactly the same requests have, as in `frontend http.response.status_code=503`.
    pub alike: Vec<String>,
}

/// What is over-represented, the least likely first.
pub(super) fn over_represented(subject: &Side<'_>, baseline: &Side<'_>, two_runs: bool) -> Vec<Overrepresented> {
    let mut requests: HashMap<&Arc<Trait>, (Vec<usize>, usize)> = HashMap::new();
    // In the order in which they come: those of the deepest spans first.
    let mut order: Vec<&Arc<Trait>> = Vec::new();
    for (index, one) in subject.requests.iter().enumerate() {
        for found in &one.traits {
            let have = requests.entry(found).or_insert_with(|| {
                order.push(found);
                (Vec::new(), 0)
            });
            have.0.push(index);
        }
    }
    for one in &baseline.requests {
        for found in &one.traits {
            if let Some(have) = requests.get_mut(found) {
                have.1 += 1;
            }
        }
    }
    // What was left out of a request, nobody may say that it lacks.
    let given_up: HashSet<Key<'_>> = given_up(subject.model).chain(given_up(baseline.model)).collect();
    for one in baseline.requests.iter().filter(|one| one.traits.len() >= MOST) {
        let own: HashSet<&Arc<Trait>> = one.traits.iter().collect();
        let names_are_cut = one.traits.iter().all(|one| FIRST.contains(&&*one.key));
        let unknown = |found: &Trait| names_are_cut || !FIRST.contains(&&*found.key);
        requests.iter_mut().filter(|(found, _)| unknown(found) && !own.contains(*found)).for_each(|(_, have)| have.1 += 1);
    }
    let differs = |one: &Trait| two_runs && OF_A_RUN.contains(&&*one.key);
    order.retain(|one| requests[one].0.len() >= FEWEST && !differs(one) && !given_up.contains(&key(one)));
    let (size, others) = (subject.requests.len(), baseline.requests.len());
    let mut groups: Vec<(Overrepresented, &Vec<usize>)> = Vec::new();
    for one in &order {
        let (with, without) = &requests[one];
        let lift = count(with.len()) * count(others) / (count(size) * count(*without)).max(f64::MIN_POSITIVE);
        let p = fisher(with.len(), size, with.len() + without, size + others) * count(order.len());
        if p >= LEVEL || lift < LIFT {
            continue;
        }
        if let Some((first, _)) = groups.iter_mut().find(|(first, same)| first.baseline == *without && *same == with) {
            first.alike.push(one.to_string());
            continue;
        }
        let [service, key, value] = [&one.service, &one.key, &one.value].map(ToString::to_string);
        groups.push((Overrepresented { service, key, value, subject: with.len(), baseline: *without, p, alike: Vec::new() }, with));
    }
    groups.sort_by(|(a, _), (b, _)| a.p.total_cmp(&b.p));
    groups.into_iter().take(TOLD).map(|(group, _)| group).collect()
}

/// Service and key.
type Key<'m> = (&'m str, &'m str);

fn key(one: &Trait) -> Key<'_> {
    (&one.service, &one.key)
}

/// Attributes that have had too many values: from then on they are not told any more, so who does not have them may have them.
fn given_up(model: &Model) -> impl Iterator<Item = Key<'_>> {
    let mut values: HashMap<Key<'_>, usize> = HashMap::new();
    model.breakdowns().traits().for_each(|one| *values.entry(key(one)).or_default() += 1);
    values.into_iter().filter(|(_, count)| *count >= VALUES).map(|(key, _)| key)
}

#[cfg(test)]
mod tests;
