//! Whether the lab itself was what was slow, in which case nothing can be said about the system.

use super::schedule_lag;
use crate::model::{Distribution, LATE, Model};

/// 99 of 100 requests may not leave late. Of fewer requests than this, 95 of 100: one in a hundred of them is a handful, which one hiccup of
/// a busy machine can hold up.
const MANY: u64 = 1000;

/// The same hiccup can hold up all of a crowd that comes at one moment. Whoever is late for less than half a second was held up once.
const LATE_WINDOWS: u64 = 5;

/// An answer is measured when the load's loop comes to it, so what makes that late makes the answer look late. One in twenty and not one
/// in a hundred: on a busy machine of two cores, a loop is now and then held up for tens of milliseconds, and a short run has few turns.
const LOAD_DELAY_MS: f64 = 100.0;

/// The loop that walks the plan measures nothing; but when it is this late, faults are not where the plan wants them.
const RUN_DELAY_MS: f64 = 500.0;

/// Of fewer turns (ten come a second) one in twenty is too rare to tell a lab that is slow from one that was held up once.
const TURNS: u64 = 40;

/// A lab that takes nearly all of the machine leaves nothing of it to a system on the same machine.
const CPU_SHARE: f64 = 0.9;

/// One sentence with the figures.
pub(super) fn bottleneck(model: &Model) -> Option<String> {
    let lab = model.lab();
    let late = |delay: &Distribution, most: f64| delay.percentile(95.0).filter(|p95| delay.count() >= TURNS && *p95 > most);
    let mut reasons = Vec::new();
    let lag = schedule_lag(model);
    let percentile = if lag.count() < MANY { 95.0 } else { 99.0 };
    let held_up_once = model.loads().iter().all(|load| load.late_windows < LATE_WINDOWS);
    let most = LATE.as_secs_f64() * 1000.0;
    if let Some(late) = lag.percentile(percentile).filter(|late| *late > most && !held_up_once) {
        reasons.push(format!("the lab sent late: schedule lag p({percentile}) was {late:.0} ms"));
    }
    if let Some(p95) = late(&lab.load_delay, LOAD_DELAY_MS) {
        reasons.push(format!("the lab took answers late: its load loop's delay p(95) was {p95:.0} ms"));
    }
    if let Some(p95) = late(&lab.run_delay, RUN_DELAY_MS) {
        reasons.push(format!("the lab was held up: its run loop's delay p(95) was {p95:.0} ms"));
    }
    if let Some(share) = lab.cpu_share().filter(|share| *share > CPU_SHARE) {
        let (cpu, wall) = (lab.cpu.as_secs_f64(), lab.wall.as_secs_f64());
        reasons.push(format!("the lab took {:.0} % of the machine: {cpu:.1} s CPU in {wall:.1} s on {} cores", share * 100.0, lab.cores));
    }
    if reasons.is_empty() {
        return None;
    }
    // Requests that the lab itself kept in flight too long may be why there was no room for others.
    let dropped: u64 = model.loads().iter().map(|load| load.dropped).sum();
    if dropped > 0 {
        reasons.push(format!("{dropped} arrivals were dropped, which may be why"));
    }
    Some(reasons.join("; "))
}
