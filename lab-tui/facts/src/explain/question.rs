//! What can be asked: why requests of a run were slow or failed, why a moment was bad, why a run is slower than another.

use std::ops::Range;
use std::time::Duration;

use super::bands::bands;
use super::contrast::{Contrast, FEWEST};
use super::explanation::{Explanation, FORMAT};
use super::failed::has_failed;
use super::side::{Side, ms};
use crate::event::{Breakdown, Chosen, Samples};
use crate::format::{count, milliseconds};
use crate::model::Model;

/// A request is slow that takes longer than a typical fast one by this factor,
const TIMES: f64 = 3.0;
/// and by this many milliseconds.
const MORE_MS: f64 = 20.0;

/// A moment is looked at with this much on either side of its second.
const BESIDE: u64 = 1;
/// How many calm seconds before it, or else after it, are looked for.
const CALM: usize = 10;
/// How long after its end a fault may still be felt.
const SETTLE: Duration = Duration::from_secs(2);

/// Why requests of a run were slow, or failed: held against the normal ones.
pub fn whole_run(model: &Model) -> Explanation {
    let sampled = || model.breakdowns().iter().filter(|one| one.chosen == Chosen::Sampled);
    let limit = slow_limit(model);
    let mut all = Samples::default();
    model.seconds().iter().for_each(|second| all.merge(&second.response));
    let p99 = all.percentile(99.0);
    let mut contrasts = Vec::new();
    if let (Some(limit), Some(p99)) = (limit, p99)
        && p99 > limit
    {
        let slow = model.breakdowns().iter().filter(|one| one.chosen != Chosen::Failed && ms(one.micros) > limit).collect();
        let quick = || sampled().filter(|one| ms(one.micros) <= limit);
        // Quick because it failed is not normal, unless nearly everything fails.
        let mut normal: Vec<&Breakdown> = quick().filter(|one| has_failed(model, one) != Some(true)).collect();
        if normal.len() < FEWEST {
            normal = quick().collect();
        }
        let subject = Side::of_requests(format!("slow requests (over {})", milliseconds(Some(limit))), model, slow);
        contrasts.push(Contrast::new(&subject, &Side::of_others("normal ones".to_owned(), model, normal), false));
    }
    let mut failed: Vec<&Breakdown> = sampled().filter(|one| has_failed(model, one) == Some(true)).collect();
    if failed.len() < FEWEST {
        failed = model.breakdowns().iter().filter(|one| has_failed(model, one) == Some(true)).collect();
    }
    if failed.len() >= FEWEST {
        let fine = sampled().filter(|one| has_failed(model, one) == Some(false)).collect();
        let subject = Side::of_requests("failed requests".to_owned(), model, failed);
        contrasts.push(Contrast::new(&subject, &Side::of_others("others".to_owned(), model, fine), false));
    }
    let nothing = match (limit, contrasts.is_empty()) {
        (None, _) => Some("too few traces have come in to tell slow requests from normal ones".to_owned()),
        (Some(limit), true) => Some(format!(
            "nothing stands apart: the slowest hundredth begins at {}, and a request is slow from {} on",
            milliseconds(p99),
            milliseconds(Some(limit))
        )),
        (Some(_), false) => None,
    };
    explained("why requests were slow, or failed".to_owned(), model, 0..u64::MAX, contrasts, nothing)
}

/// Why a moment was bad: it and a second on either side, held against the calm before it, or the calm after it where there was none.
pub fn at(model: &Model, moment: Duration) -> Explanation {
    let second = moment.as_secs();
    let window = second.saturating_sub(BESIDE)..second + BESIDE + 1;
    let (from, to) = (window.start, window.end.min(model.now().as_secs() + 1).max(window.start));
    let question = format!("what tells the time from {from} s to {to} s from the calm");
    let (calm, whence) = match calm_of(model, (0..window.start).rev()) {
        none if none.is_empty() => (calm_of(model, window.end..model.now().as_secs()), "after"),
        before => (before, "before"),
    };
    if calm.is_empty() {
        let nothing = Some("there is no calm second in the run to hold it against".to_owned());
        return explained(question, model, window, Vec::new(), nothing);
    }
    let of = |seconds: &dyn Fn(u64) -> bool| -> Vec<&Breakdown> {
        model.breakdowns().iter().filter(|one| one.chosen == Chosen::Sampled && seconds(one.at.as_secs())).collect()
    };
    let times = |from: u64, to: u64| Duration::from_secs(from)..Duration::from_secs(to);
    let label = format!("requests due from {from} s to {to} s");
    let subject = Side::of_times(label, model, of(&|at| window.contains(&at)), vec![times(from, to)]);
    let label = format!("the calm {whence} it ({})", count(calm.len(), "second"));
    let calm_times = calm.iter().map(|second| times(*second, second + 1)).collect();
    let baseline = Side::of_times(label, model, of(&|at| calm.contains(&at)), calm_times);
    let contrast = Contrast::new(&subject, &baseline, false);
    let few = subject.requests.len() < FEWEST || baseline.requests.len() < FEWEST;
    let nothing = match (few, contrast.says_something()) {
        (true, _) => Some("too few traces have come in of one of the two to tell them apart".to_owned()),
        (false, false) => Some("nothing tells the two apart".to_owned()),
        (false, true) => None,
    };
    explained(question, model, window, vec![contrast], nothing)
}

/// Why a run is slower than another, whose names are given.
pub fn against(run: (&str, &Model), other: (&str, &Model)) -> Explanation {
    let all = |model| Model::breakdowns(model).iter().filter(|one| one.chosen == Chosen::Sampled).collect();
    let whole = |model: &Model| vec![Duration::ZERO..model.now()];
    let subject = Side::of_times(format!("requests of {}", run.0), run.1, all(run.1), whole(run.1));
    let baseline = Side::of_times(format!("those of {}", other.0), other.1, all(other.1), whole(other.1));
    let contrast = Contrast::new(&subject, &baseline, true);
    let nothing = (!contrast.says_something()).then(|| "nothing tells the two runs apart".to_owned());
    explained(format!("why {} differs from {}", run.0, other.0), run.1, 0..u64::MAX, vec![contrast], nothing)
}

fn explained(question: String, model: &Model, seconds: Range<u64>, contrasts: Vec<Contrast>, nothing: Option<String>) -> Explanation {
    let requests = model.breakdowns().iter().filter(|one| seconds.contains(&one.at.as_secs())).count();
    Explanation { format: FORMAT, question, requests, bands: bands(model, seconds), contrasts, nothing }
}

/// In milliseconds: what a request takes that is not slow. The typical fast one is the first quartile of the sample, which has
/// as many requests of each second: so a time in which everything is slow is told from one in which nothing is.
fn slow_limit(model: &Model) -> Option<f64> {
    let mut sampled: Vec<f64> = model.breakdowns().iter().filter(|one| one.chosen == Chosen::Sampled).map(|one| ms(one.micros)).collect();
    if sampled.len() < 2 * FEWEST {
        return None;
    }
    sampled.sort_by(f64::total_cmp);
    sampled.get(sampled.len() / 4).map(|fast| (fast * TIMES).max(fast + MORE_MS))
}

/// The first of these seconds in which no fault was on and most requests were not slow, up to [`CALM`].
fn calm_of(model: &Model, seconds: impl Iterator<Item = u64>) -> Vec<u64> {
    let limit = slow_limit(model).unwrap_or(f64::INFINITY);
    let disturbed = |second: u64| {
        let (from, to) = (Duration::from_secs(second), Duration::from_secs(second + 1));
        model.faults().iter().any(|fault| {
            let until = fault.ended.map_or(Duration::MAX, |ended| ended.saturating_add(SETTLE));
            fault.started.is_some_and(|started| started < to && from < until)
        })
    };
    let calm = |second: &u64| {
        let usual = model.seconds().get(*second).and_then(|piece| piece.response.percentile(75.0));
        usual.is_some_and(|usual| usual <= limit) && !disturbed(*second)
    };
    seconds.take(3_600).filter(calm).take(CALM).collect()
}
