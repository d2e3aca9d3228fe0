//! The service map as a table.

use lab_facts::format::milliseconds;
use maud::{Markup, html};

use crate::report::calls::CallSummary;

/// How many edges are listed.
const EDGES: usize = 100;

/// Nothing where nobody was called.
pub(super) fn calls(calls: &[CallSummary]) -> Markup {
    html! {
        @if !calls.is_empty() {
            section {
                h2 { "Who calls whom" }
                p.soft { "As spans of the one that was called tell." }
                div.scroll { table {
                    thead { tr {
                        th scope="col" { "Caller" } th scope="col" { "Called" }
                        @for name in ["calls", "rate", "errors", "p50", "p95", "p99"] { th.number scope="col" { (name) } }
                    } }
                    tbody {
                        @for edge in calls.iter().take(EDGES) {
                            tr {
                                th scope="row" { (edge.from) }
                                th scope="row" { (edge.to) }
                                td.number { (edge.calls) }
                                td.number { (format!("{:.1}/s", edge.rate)) }
                                td.number { @if edge.errors > 0 { span.mark.fail { (edge.errors) } } @else { "0" } }
                                @for value in [edge.p50_ms, edge.p95_ms, edge.p99_ms] { td.number { (milliseconds(value)) } }
                            }
                        }
                        @if calls.len() > EDGES { tr { td colspan="8" { "and " (calls.len() - EDGES) " more" } } }
                    }
                } }
            }
        }
    }
}
