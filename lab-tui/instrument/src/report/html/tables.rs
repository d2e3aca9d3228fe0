//! Loads with their outcomes, and hops.

use lab_facts::event::Samples;
use lab_facts::format::{milliseconds, number};
use lab_facts::model::Model;
use maud::{Markup, html};

use crate::report::Summary;
use crate::report::load::{Latencies, LoadSummary};

/// How many outcomes of a load are listed.
const OUTCOMES: usize = 100;

/// What each load sent, how long that took, and what came back.
pub(super) fn loads(summary: &Summary<'_>) -> Markup {
    html! {
        section {
            h2 { "Loads" }
            div.scroll { table {
                thead { tr {
                    th scope="col" { "Load" } th scope="col" { "Latency" }
                    @for name in ["p50", "p90", "p95", "p99", "p99.9", "max", "mean"] { th.number scope="col" { (name) } }
                } }
                tbody { @for load in &summary.loads { (latencies(load)) } }
            } }
            div.scroll { table {
                caption { "Outcomes" }
                thead { tr {
                    th scope="col" { "Load" } th scope="col" { "Request" } th scope="col" { "Outcome" }
                    th.number scope="col" { "Requests" } th.number scope="col" { "Share" } th scope="col" { "Expected" }
                } }
                tbody { @for load in &summary.loads { (outcomes(load)) } }
            } }
        }
    }
}

fn latencies(load: &LoadSummary<'_>) -> Markup {
    let row = |name: &str, times: &Latencies| {
        let Latencies { p50, p90, p95, p99, p999, max, mean } = times;
        html! { td { (name) } @for value in [p50, p90, p95, p99, p999, max, mean] { td.number { (milliseconds(*value)) } } }
    };
    html! {
        tr {
            th scope="rowgroup" rowspan="2" {
                (load.name)
                br;
                span.soft { (load.requests) " requests, " (format!("{:.1}", load.achieved_rate)) "/s, " (load.failed) " failed, " (load.dropped) " dropped" }
            }
            (row("response time", &load.response_time_ms))
        }
        tr { (row("service time", &load.service_time_ms)) }
    }
}

fn outcomes(load: &LoadSummary<'_>) -> Markup {
    let more = load.outcomes.len().saturating_sub(OUTCOMES);
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    let share = |count: u64| count as f64 * 100.0 / load.requests.max(1) as f64;
    html! {
        @for outcome in load.outcomes.iter().take(OUTCOMES) {
            tr {
                td { (load.name) } th scope="row" { (outcome.request) } td { (outcome.words()) } td.number { (outcome.count) }
                td.number { (number((share(outcome.count) * 100.0).round() / 100.0)) " %" }
                td { @if outcome.expected { "yes" } @else { span.mark.fail { span aria-hidden="true" { "✗" } " no" } } }
            }
        }
        @if more > 0 { tr { td colspan="6" { "and " (more) " more" } } }
    }
}

/// What spans tell of each service and database on the way; nothing where there were none.
pub(super) fn hops(model: &Model) -> Markup {
    let hops: Vec<(&str, (u64, Samples))> =
        model.chain().in_order().into_iter().map(|(name, hop)| (name, hop.between(0, u64::MAX))).collect();
    let seconds = model.elapsed(model.due_of_all()).as_secs_f64().max(0.001);
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    let rate = |count: u64| format!("{:.1}/s", count as f64 / seconds);
    html! {
        @if !hops.is_empty() {
            section {
                h2 { "Hops" }
                p.soft { "What spans tell of each service and database, nearest to the load first." }
                div.scroll { table {
                    thead { tr {
                        th scope="col" { "Hop" }
                        @for name in ["spans", "rate", "errors", "p50", "p95", "p99", "max"] { th.number scope="col" { (name) } }
                    } }
                    tbody {
                        @for (name, (errors, durations)) in &hops {
                            tr {
                                th scope="row" { (name) }
                                td.number { (durations.count()) }
                                td.number { (rate(durations.count())) }
                                td.number { @if *errors > 0 { span.mark.fail { (errors) } } @else { "0" } }
                                @for of in [50.0, 95.0, 99.0] { td.number { (milliseconds(durations.percentile(of))) } }
                                td.number { (milliseconds((durations.count() > 0).then(|| f64::from(durations.max()) / 1000.0))) }
                            }
                        }
                    }
                } }
            }
        }
    }
}
