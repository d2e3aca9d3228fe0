//! The slowest requests, each with its trace as a waterfall: spans as bars, log lines below the span that wrote them.

use std::collections::BTreeSet;

use lab_facts::format::milliseconds;
use lab_facts::trace::Trace;
use maud::{Markup, html};

use super::Ran;
use super::axis::place;
use crate::report::waterfall::{Item, Row, Waterfall, duration, log_text, span_detail};

/// How many rows of a trace are shown.
const ROWS: usize = 60;
/// How many characters of a name or a message.
const LETTERS: usize = 160;
/// How many services have a shade of their own; then they begin anew.
const SHADES: usize = 6;

/// A waterfall for each of the slowest requests; nothing where no request ended.
pub(super) fn traces(ran: &Ran<'_>) -> Markup {
    let slowest = &ran.summary.slowest_traces;
    html! {
        @if !slowest.is_empty() {
            section {
                h2 { "Slowest requests" }
                @for (index, slow) in slowest.iter().enumerate() {
                    @let trace = ran.traces.iter().find(|trace| trace.trace_id == slow.trace_id);
                    details.trace open[index == 0] {
                        summary {
                            strong { (milliseconds(Some(slow.ms))) } " " (slow.outcome) " "
                            span.soft { (about(ran, &slow.trace_id)) }
                        }
                        p.soft {
                            "trace " code { (slow.trace_id) } " "
                            @if let Some(url) = &slow.url { a href=(url) rel="noreferrer" { "open the trace" } }
                        }
                        @match trace {
                            Some(trace) => (waterfall(trace)),
                            None => p.empty { "The lab no longer has this trace." },
                        }
                    }
                }
            }
        }
    }
}

/// What was asked for and when.
fn about(ran: &Ran<'_>, trace_id: &str) -> String {
    let exemplar = ran.model.slowest().iter().find(|exemplar| exemplar.trace_id.to_string() == trace_id);
    exemplar.map_or(String::new(), |exemplar| {
        let load = &ran.model.plan().loads[exemplar.load];
        format!("{}: {}, due at {:.2} s", load.name, cut(&load.requests[exemplar.request].name), exemplar.at.as_secs_f64())
    })
}

fn waterfall(trace: &Trace) -> Markup {
    /// Steps of the trace's time axis: tenths of a percent of its width.
    const STEPS: usize = 1000;
    let waterfall = Waterfall::new(trace);
    let services: BTreeSet<&str> = trace.spans.iter().map(|span| span.service.as_str()).collect();
    let shade = |service: &str| services.iter().position(|other| *other == service).unwrap_or_default() % SHADES;
    let telling = waterfall.telling();
    let more = waterfall.rows.len().saturating_sub(ROWS);
    let row = |number: usize, row: &Row<'_>| match row.item {
        Item::Span(span) => {
            let bar = waterfall.bar(span, STEPS);
            #[expect(clippy::cast_precision_loss, reason = "at most a thousand")]
            let (left, width) = (bar.start as f64 / 10.0, bar.len() as f64 / 10.0);
            let why = telling.filter(|(row, _)| *row == number).map(|(_, why)| why);
            html! {
                tr.span.error[span.error].telling[why.is_some()] {
                    th scope="row" style={ "--depth:" (row.depth.min(12)) } {
                        span.service { (cut(&span.service)) } " " (cut(&span.name))
                        @if span.error { " " span.mark.fail { "error" } }
                    }
                    td.track { div.bar.{ "service-" (shade(&span.service)) } style={ "left:" (place(left)) "%;width:" (place(width.max(0.2))) "%" } {} }
                    td.number { (duration(span)) }
                    td.detail { @if let Some(why) = why { strong { "← " (why) } " " } (cut(&span_detail(span).unwrap_or_default())) }
                }
            }
        }
        Item::Log(log) => {
            let (level, message) = log_text(log);
            html! {
                tr.log {
                    td colspan="4" style={ "--depth:" (row.depth.min(12)) } { span.level { (cut(level)) } " " (cut(&message)) }
                }
            }
        }
    };
    html! {
        p { (waterfall.summary()) }
        div.scroll { table.waterfall {
            thead { tr { th scope="col" { "Span" } th scope="col" { "When" } th.number scope="col" { "Duration" } th scope="col" { "Detail" } } }
            tbody { @for (number, it) in waterfall.rows.iter().take(ROWS).enumerate() { (row(number, it)) } }
        } }
        @if more > 0 { p.soft { "and " (more) " rows more; the whole trace is in the lab while it runs" } }
    }
}

/// Long statements and messages would fill the page.
fn cut(text: &str) -> String {
    match text.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
