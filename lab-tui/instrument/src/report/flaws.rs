//! What of the telemetry does not hang together, as rows of the reports.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::TraceLink;
use super::summary::{FlawSummary, Telemetry};

impl Telemetry<'_> {
    /// The numbers, each with the metric of that name.
    pub(super) fn numbers(&self) -> [(&'static str, u64); 5] {
        [
            ("orphan_spans", self.orphan_spans),
            ("broken_parents", self.broken_parents),
            ("logs_without_trace", self.logs_without_trace),
            ("logs_of_unknown_trace", self.logs_of_unknown_trace),
            ("semconv_violations", self.semconv_violations),
        ]
    }
}

impl FlawSummary<'_> {
    fn what(&self) -> String {
        let kind = match self.metric {
            "orphan_spans" => "orphan spans",
            "broken_parents" => "broken parents",
            "logs_without_trace" => "log lines without a trace",
            "logs_of_unknown_trace" => "log lines of unknown traces",
            _ => "against the conventions",
        };
        let what = if self.what.is_empty() { String::new() } else { format!(": {}", self.what) };
        format!("{kind}{what}{}", if self.expected { " (expected: a service was replaced)" } else { "" })
    }
}

/// A line for each; nothing where there are none.
pub(super) fn write(out: &mut String, telemetry: &Telemetry<'_>) -> std::fmt::Result {
    if telemetry.services.is_empty() && !telemetry.flaws.is_empty() {
        writeln!(out, "\ntelemetry")?;
    }
    for flaw in &telemetry.flaws {
        let examples = if flaw.examples.is_empty() { String::new() } else { format!("; trace {}", flaw.examples.join(", ")) };
        writeln!(out, "  {:<14}{:>10}  {}{examples}", flaw.service, flaw.count, flaw.what())?;
    }
    Ok(())
}

/// A sentence where there are none, else a table.
pub(super) fn markup(telemetry: &Telemetry<'_>, link: Option<&TraceLink>) -> Markup {
    html! {
        @if telemetry.flaws.is_empty() {
            p.soft { "Spans and log lines hang together: every parent came in, every request's line carries its trace, every call has today's attributes." }
        } @else {
            div.scroll { table {
                thead { tr {
                    th scope="col" { "Service" }
                    th.number scope="col" { "count" }
                    th scope="col" { "What does not hang together" }
                    th scope="col" { "For example" }
                } }
                tbody {
                    @for flaw in &telemetry.flaws {
                        tr {
                            th scope="row" { (flaw.service) }
                            td.number { (flaw.count) }
                            td { (flaw.what()) }
                            td { @for id in &flaw.examples { code { (TraceLink::in_page(link, id)) } " " } }
                        }
                    }
                }
            } }
        }
    }
}
