//! The summary for a person at a terminal or a CI log.

use std::fmt::Write as _;

use lab_facts::explain;
use lab_facts::format::{count, milliseconds, number};
use lab_facts::trace::Trace;
use lab_facts::verdict::Word;

use super::drops;
use super::expectation;
use super::flaws;
use super::load::{Latencies, LoadSummary};
use super::summary::{OwnService, Summary, ThresholdSummary};
use super::waterfall::waterfall;
use crate::compare;

/// The columns that a summary is made for.
const WIDTH: usize = 100;

/// The whole summary, with the slowest request's trace where that is known; ends in a line break.
pub fn text(summary: &Summary<'_>, slowest: Option<&Trace>) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut out, summary, slowest);
    out
}

fn write(out: &mut String, summary: &Summary<'_>, slowest: Option<&Trace>) -> std::fmt::Result {
    writeln!(out, "{} ({})", summary.title, summary.scenario)?;
    for load in &summary.loads {
        writeln!(out)?;
        write_load(out, load)?;
    }
    if !summary.thresholds.is_empty() {
        writeln!(out, "\nthresholds")?;
        let promises: Vec<String> = summary.thresholds.iter().map(ThresholdSummary::promise).collect();
        let width = promises.iter().map(|promise| promise.chars().count()).max().unwrap_or_default();
        for (threshold, promise) in summary.thresholds.iter().zip(promises) {
            let sign = if threshold.ok { "kept  " } else { "BROKEN" };
            let value = threshold.value.map_or(threshold.without_value().to_owned(), number);
            writeln!(out, "  {sign}  {promise:width$}  {value}")?;
        }
    }
    expectation::write(out, &summary.expectations)?;
    if !summary.slowest_traces.is_empty() {
        writeln!(out, "\nslowest requests")?;
        for slow in &summary.slowest_traces {
            writeln!(out, "  {:>9}  {:<12}  trace {}", milliseconds(Some(slow.ms)), slow.outcome, slow.trace_id)?;
        }
    }
    if let Some(trace) = slowest {
        write!(out, "\nthe slowest of them: {}", waterfall(trace, WIDTH))?;
    }
    if !summary.telemetry.services.is_empty() {
        writeln!(out, "\n{:<16}{:>10}{:>14}{:>12}{:>8}", "telemetry", "answered", "server spans", "log lines", "lost")?;
        for service in &summary.telemetry.services {
            let lost = match (service.restarted, service.reconciled) {
                (true, _) => "restart".to_owned(),
                (_, false) => "-".to_owned(),
                _ => service.loss.to_string(),
            };
            let answered = if service.silent { "silent".to_owned() } else { service.answered.to_string() };
            writeln!(out, "  {:<14}{:>10}{:>14}{:>12}{:>8}", service.name, answered, service.server_spans, service.log_lines, lost)?;
            if service.sampled {
                writeln!(out, "  {:<14}{:>10}{:>14}  asked of its own Tempo or Loki, so no loss is known", "", "", "")?;
            }
            if service.unsampled > 0 {
                writeln!(out, "  {:<14}{:>10}{:>14}  not sampled, so no loss", "", "", service.unsampled)?;
            }
        }
    }
    for notice in &summary.telemetry.backends {
        writeln!(out, "  {:>7.1} s  {}", notice.at_seconds, notice.what)?;
    }
    flaws::write(out, &summary.telemetry)?;
    drops::write(out, &summary.telemetry)?;
    if !summary.faults.is_empty() {
        writeln!(out, "\nfaults")?;
        for fault in &summary.faults {
            write!(out, "  {:>9}  {:>9}  {}: {}", seconds(fault.started_s), seconds(fault.ended_s), fault.name, fault.what)?;
            writeln!(out, "{}", fault.failed.as_ref().map_or(String::new(), |why| format!("; FAILED: {why}")))?;
        }
    }
    if !summary.processes.is_empty() {
        writeln!(out, "\nprocesses")?;
        for process in &summary.processes {
            let what = process.exited.as_ref().map_or("runs again".to_owned(), |how| format!("ended: {how}"));
            writeln!(out, "  {:>7.1} s  {} {what}", process.at_seconds, process.name)?;
        }
    }
    if !summary.controls.is_empty() {
        writeln!(out, "\npace")?;
        for control in &summary.controls {
            writeln!(out, "  {:>7.1} s  {}", control.at_seconds, control.what)?;
        }
    }
    if summary.verdict == Word::Fail && summary.explanation.requests > 0 {
        write!(out, "\n{}", explain::text(&summary.explanation))?;
    }
    if let Some(comparison) = &summary.comparison {
        write!(out, "\n{}", compare::text(comparison))?;
    }
    let lab = &summary.lab;
    writeln!(
        out,
        "\nlab: schedule lag p50 {}, p99 {}, max {}; loop delay p99 {}; {:.2} s CPU",
        milliseconds(lab.schedule_lag_p50_ms),
        milliseconds(lab.schedule_lag_p99_ms),
        milliseconds(lab.schedule_lag_max_ms),
        milliseconds(lab.load_loop_delay_p99_ms),
        lab.cpu_seconds
    )?;
    writeln!(out, "\n{}", conclusion(summary))
}

/// Since the start of the run.
fn seconds(at: Option<f64>) -> String {
    at.map_or("-".to_owned(), |at| format!("{at:.2} s"))
}

fn write_load(out: &mut String, load: &LoadSummary<'_>) -> std::fmt::Result {
    writeln!(
        out,
        "{}: {}, {:.1} a second; {} failed, {} dropped",
        load.name,
        count(load.requests, "request"),
        load.achieved_rate,
        load.failed,
        load.dropped
    )?;
    writeln!(out, "  {:<14}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}", "", "p50", "p90", "p95", "p99", "p99.9", "max", "mean")?;
    for (name, times) in [("response time", &load.response_time_ms), ("service time", &load.service_time_ms)] {
        let Latencies { p50, p90, p95, p99, p999, max, mean } = times;
        write!(out, "  {name:<14}")?;
        for value in [p50, p90, p95, p99, p999, max, mean] {
            write!(out, "{:>9}", milliseconds(*value))?;
        }
        writeln!(out)?;
    }
    let width = load.outcomes.iter().map(|it| it.request.chars().count()).max().unwrap_or_default();
    let mut last = "";
    for outcome in &load.outcomes {
        let name = if outcome.request == last { "" } else { outcome.request };
        last = outcome.request;
        let note = if outcome.expected { "" } else { "  not expected" };
        writeln!(out, "  {name:<width$}  {:>8}  {}{note}", outcome.count, outcome.words())?;
    }
    Ok(())
}

/// That every single request failed, which no verdict may hide; an inconclusive run has said so where that is why.
fn failed_altogether(summary: &Summary<'_>) -> Option<String> {
    let sum = |figure: fn(&LoadSummary<'_>) -> u64| summary.loads.iter().map(figure).sum::<u64>();
    let (requests, failed) = (sum(|load| load.requests), sum(|load| load.failed));
    if requests == 0 || failed < requests || summary.verdict == Word::Inconclusive {
        return None;
    }
    let most = summary.loads.iter().flat_map(|load| &load.outcomes).max_by_key(|outcome| outcome.count);
    let ended = most.map_or(String::new(), |outcome| format!(" ({})", outcome.words()));
    Some(format!("EVERY request failed{ended}"))
}

/// What came of it, in one sentence.
pub(super) fn conclusion(summary: &Summary<'_>) -> String {
    let broken = summary.thresholds.iter().filter(|threshold| !threshold.ok).count();
    let crashed: Vec<String> = summary.services.iter().filter_map(OwnService::broken).collect();
    let verdict = match summary.verdict {
        Word::Pass
            if summary.thresholds.is_empty()
                && summary.expectations.iter().any(|one| one.skipped)
                && !summary.expectations.iter().any(|one| one.ok.is_some()) =>
        {
            format!("pass: nothing was judged, for {} skipped", count(summary.expectations.len(), "expectation"))
        }
        Word::Pass if !summary.expectations.is_empty() => format!("pass: {} kept", expectation::promises(summary, |_| true)),
        Word::Fail if !summary.expectations.is_empty() => {
            let all = expectation::promises(summary, |_| true);
            format!("fail: {} broken, of {all}", expectation::promises(summary, |ok| !ok))
        }
        Word::Pass if summary.thresholds.is_empty() => "pass: there was no threshold to keep".to_owned(),
        Word::Pass if summary.thresholds.len() == 1 => "pass: the threshold was kept".to_owned(),
        Word::Pass => format!("pass: all {} thresholds kept", summary.thresholds.len()),
        Word::Fail if !crashed.is_empty() => {
            format!("fail: {}; {broken} of {} broken", crashed.join("; "), count(summary.thresholds.len(), "threshold"))
        }
        Word::Fail if summary.thresholds.len() == 1 => "fail: the threshold was broken".to_owned(),
        Word::Fail => format!("fail: {broken} of {} thresholds broken", summary.thresholds.len()),
        Word::Inconclusive => format!("inconclusive: {}{}", summary.inconclusive.join("; "), expectation::broken_as_well(summary)),
    };
    let verdict = match failed_altogether(summary) {
        Some(failed) => format!("{verdict}; {failed}"),
        None => verdict,
    };
    let verdict = match &summary.aborted_by {
        Some(promise) => format!("{verdict}; aborted by {promise}"),
        None => verdict,
    };
    let by_hand = summary.faults.iter().filter(|fault| fault.by_hand && fault.started_s.is_some()).count();
    let verdict = match by_hand {
        0 => verdict,
        // Whatever was kept or broken, the scenario alone did not do it.
        _ => format!("{verdict}; with {} by hand", count(by_hand, "fault")),
    };
    let verdict = match summary.regressed() {
        Some(worse) => format!("{verdict}; but {worse}"),
        None => verdict,
    };
    match summary.intended_verdict {
        _ if summary.running => format!("still running; in {:.0} s so far: {verdict}", summary.duration_seconds),
        _ if summary.interrupted => format!("interrupted; as far as it went: {verdict}"),
        // What nearly all scenarios intend goes without saying.
        Word::Pass => verdict,
        _ if summary.as_intended => format!("{verdict}; as intended"),
        intended => format!("{verdict}; not as intended, which is {}", intended.as_str()),
    }
}
