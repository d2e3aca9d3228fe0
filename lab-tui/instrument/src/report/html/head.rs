//! The top of a run: what it was, what came of it and why, and the figures that everyone asks for first.

use lab_facts::format::{milliseconds, number};
use lab_facts::model::Distribution;
use lab_facts::verdict::Word;
use maud::{Markup, html};
use time::OffsetDateTime;

use super::Ran;
use super::expectations::Expectation;
use crate::report::Summary;
use crate::report::load::LoadSummary;
use crate::report::summary::ThresholdSummary;
use crate::report::text::conclusion;

/// What became of a scenario; the later, the graver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    Pass,
    /// Its turn did not come.
    Skipped,
    Inconclusive,
    Fail,
    /// It was judged as far as it went.
    Interrupted,
    /// It has no results.
    NotRun,
}

impl Verdict {
    pub(super) const ALL: [Self; 6] = [Self::Pass, Self::Skipped, Self::Inconclusive, Self::Fail, Self::Interrupted, Self::NotRun];

    pub(super) fn of(summary: &Summary<'_>) -> Self {
        match summary.verdict {
            _ if summary.interrupted => Self::Interrupted,
            Word::Pass => Self::Pass,
            Word::Fail => Self::Fail,
            Word::Inconclusive => Self::Inconclusive,
        }
    }

    /// The word, a sign for those who do not see colours, and the class that has the colour.
    fn look(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Pass => ("pass", "✓", "pass"),
            Self::Skipped => ("skipped", "–", "unclear"),
            Self::Inconclusive => ("inconclusive", "?", "unclear"),
            Self::Fail => ("fail", "✗", "fail"),
            Self::Interrupted => ("interrupted", "■", "unclear"),
            Self::NotRun => ("error", "✗", "fail"),
        }
    }

    pub(super) fn word(self) -> &'static str {
        self.look().0
    }
}

/// The verdict in a table.
pub(super) fn mark(verdict: Verdict) -> Markup {
    let (word, sign, class) = verdict.look();
    html! { span.mark.(class) { span aria-hidden="true" { (sign) } " " (word) } }
}

/// The verdict in one word and one sentence, with its reasons.
pub(super) fn banner(verdict: Verdict, sentence: &str, reasons: &[String]) -> Markup {
    let (word, sign, class) = verdict.look();
    html! {
        div.banner.(class) role="status" {
            span.sign aria-hidden="true" { (sign) }
            div {
                p { strong { (word) } " " span { (sentence) } }
                @if !reasons.is_empty() { ul { @for reason in reasons { li { (reason) } } } }
            }
        }
    }
}

/// Title, verdict, facts and first figures.
pub(super) fn head(ran: &Ran<'_>) -> Markup {
    let (summary, plan) = (ran.summary, ran.model.plan());
    html! {
        header {
            p.eyebrow { "lab · " (summary.scenario) }
            h1 { (summary.title) }
            @if !plan.about.is_empty() { p.about { (plan.about) } }
            (banner(Verdict::of(summary), &sentence(summary), &reasons(summary)))
            dl.meta {
                div { dt { "Date" } dd { (moment(ran.started)) } }
                div { dt { "Duration" } dd { (format!("{:.1} s", summary.duration_seconds)) } }
                div { dt { "Seed" } dd { (summary.seed) } }
                div { dt { "Exit code" } dd { (u8::from(summary.exit_code)) } }
            }
        }
        (tiles(ran))
    }
}

/// `2026-01-31 15:04:05 UTC`.
fn moment(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    let (hour, minute, second) = at.to_hms();
    format!("{} {hour:02}:{minute:02}:{second:02} UTC", at.date())
}

/// The conclusion, without the word that stands before it already.
pub(super) fn sentence(summary: &Summary<'_>) -> String {
    let whole = conclusion(summary);
    let rest = whole.strip_prefix(Verdict::of(summary).word()).unwrap_or(&whole);
    rest.trim_start_matches([':', ';', ' ']).to_owned()
}

/// Each broken promise by value and bound. What makes a run inconclusive is in the sentence already.
fn reasons(summary: &Summary<'_>) -> Vec<String> {
    let broken = summary.thresholds.iter().filter_map(ThresholdSummary::broken);
    let expectations = Expectation::all(summary);
    broken.chain(expectations.iter().filter_map(Expectation::broken)).collect()
}

fn tiles(ran: &Ran<'_>) -> Markup {
    let (summary, model) = (ran.summary, ran.model);
    let mut response = Distribution::default();
    for load in model.loads() {
        load.cells.values().for_each(|latency| response.merge(&latency.response));
    }
    let sum = |figure: fn(&LoadSummary<'_>) -> u64| summary.loads.iter().map(figure).sum::<u64>();
    let (requests, failed, dropped) = (sum(|load| load.requests), sum(|load| load.failed), sum(|load| load.dropped));
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    let share = if requests > 0 { failed as f64 * 100.0 / requests as f64 } else { 0.0 };
    let offered: u64 = model.loads().iter().map(|load| load.offered).sum();
    let per_second = (offered - dropped.min(offered), model.elapsed(model.due_of_all()).as_secs_f64());
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    let rate = if per_second.1 > 0.0 { per_second.0 as f64 / per_second.1 } else { 0.0 };
    let (planned, faults) = (summary.faults.iter().filter(|fault| !fault.by_hand).count(), summary.faults.len());
    html! {
        section.tiles aria-label="Figures at a glance" {
            (tile("Requests", &requests.to_string(), &format!("{rate:.1} a second"), false))
            (tile("Failed", &failed.to_string(), &format!("{} %", number((share * 100.0).round() / 100.0)), failed > 0))
            (tile("Dropped", &dropped.to_string(), &format!("of {offered} due"), dropped > 0))
            (tile("p50", &milliseconds(response.percentile(50.0)), "half below", false))
            (tile("p95", &milliseconds(response.percentile(95.0)), "95 % below", false))
            (tile("p99", &milliseconds(response.percentile(99.0)), &format!("max {}", milliseconds(response.max())), false))
            (tile("Telemetry loss", &summary.telemetry.loss.to_string(), "spans, log lines", summary.telemetry.loss > 0))
            @if faults > 0 { (tile("Faults", &faults.to_string(), &as_planned(summary, faults - planned), count_as_planned(summary) < planned)) }
        }
    }
}

fn count_as_planned(summary: &Summary<'_>) -> usize {
    summary.faults.iter().filter(|fault| !fault.by_hand && fault.failed.is_none() && fault.started_s.is_some()).count()
}

fn as_planned(summary: &Summary<'_>, by_hand: usize) -> String {
    let by_hand = if by_hand > 0 { format!(", {by_hand} by hand") } else { String::new() };
    format!("{} as planned{by_hand}", count_as_planned(summary))
}

fn tile(name: &str, value: &str, note: &str, warns: bool) -> Markup {
    html! {
        div.tile.warns[warns] {
            p.name { (name) }
            p.value { @if warns { span aria-hidden="true" { "! " } } (value) }
            p.note { (note) }
        }
    }
}
