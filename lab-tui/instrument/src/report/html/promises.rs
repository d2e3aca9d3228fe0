//! Thresholds and expectations: what was promised, what it was, and how far that is from the bound.

use lab_facts::format::{distance_in_words, milliseconds, number};
use lab_facts::scenario::{MetricKind, Threshold};
use maud::{Markup, html};

use super::Ran;
use super::axis::place;
use super::expectations::{self, Expectation};
use crate::report::summary::ThresholdSummary;

/// A table of both kinds; nothing where nothing was promised.
pub(super) fn promises(ran: &Ran<'_>) -> Markup {
    let (thresholds, expectations) = (&ran.summary.thresholds, Expectation::all(ran.summary));
    let planned = |judged: &ThresholdSummary| {
        let all = ran.model.plan().thresholds.iter();
        let mut same = all.filter(|threshold| threshold.selector.source == judged.metric && threshold.expression == judged.expression);
        same.next()
    };
    html! {
        section {
            h2 { "What was promised" }
            @if thresholds.is_empty() && expectations.is_empty() { p.empty { "The scenario promises nothing." } }
            @if !thresholds.is_empty() {
                div.scroll { table {
                    caption { "Thresholds" }
                    thead { tr {
                        th scope="col" { "Kept" } th scope="col" { "Threshold" } th scope="col" { "Scope" }
                        th.number scope="col" { "Was" } th.number scope="col" { "Bound" } th scope="col" { "Distance" }
                    } }
                    tbody { @for judged in thresholds { (row(judged, planned(judged))) } }
                } }
            }
            (expectations::table(&expectations))
        }
    }
}

/// Whether a promise was kept, in words and colour.
pub(super) fn mark(ok: Option<bool>) -> Markup {
    let (class, sign, word) = match ok {
        Some(true) => ("pass", "✓", "kept"),
        Some(false) => ("fail", "✗", "broken"),
        None => ("unclear", "?", "unclear"),
    };
    html! { span.mark.(class) { span aria-hidden="true" { (sign) } " " (word) } }
}

fn row(judged: &ThresholdSummary, planned: Option<&Threshold>) -> Markup {
    let kind = planned.map(|threshold| threshold.selector.metric.kind());
    let show = |value: f64| match kind {
        Some(MetricKind::Trend) => milliseconds(Some(value)),
        Some(MetricKind::Rate) => format!("{} %", number(value * 100.0)),
        _ => number(value),
    };
    html! {
        tr {
            td { (mark(Some(judged.ok))) }
            th scope="row" { code { (judged.metric) " " (judged.expression) } }
            td { (judged.scope.as_deref().unwrap_or("–")) }
            td.number { (judged.value.map_or(judged.without_value().to_owned(), show)) }
            td.number { (planned.map_or(String::new(), |threshold| show(threshold.bound))) }
            td { @if let (Some(threshold), Some(value)) = (planned, judged.value) { (distance(threshold, value, judged.ok, show)) } }
        }
    }
}

/// The value on a line with the bound in its middle, and in words how far it is from it.
fn distance(threshold: &Threshold, value: f64, ok: bool, show: impl Fn(f64) -> String) -> Markup {
    let bound = threshold.bound;
    let share = (bound > 0.0).then(|| (value / bound / 2.0).clamp(0.0, 1.0) * 100.0);
    html! {
        div.distance {
            @if let Some(share) = share {
                span.gauge.(if ok { "pass" } else { "fail" }) aria-hidden="true" { span.value style={ "width:" (place(share)) "%" } {} span.bound {} }
            }
            span { (distance_in_words(threshold.comparison, value, bound, show)) }
        }
    }
}
