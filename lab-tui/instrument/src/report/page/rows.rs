//! The waterfall: a row for each span, which opens to all that it tells, and log lines below the span that wrote them.

use std::collections::HashMap;

use lab_facts::trace::{LogLine, TraceSpan};
use maud::{Markup, html};

use super::{Shown, detail, time};
use crate::report::waterfall::{Item, Row, log_text, span_detail};

/// How many rows there are; a browser becomes slow with many more.
const ROWS: usize = 3_000;
/// How many characters of a name or a message.
const LETTERS: usize = 300;
/// From this depth on, rows move no further to the right.
const DEEPEST: usize = 24;

pub(super) fn rows(shown: &Shown<'_>) -> Markup {
    let all = &shown.waterfall.rows;
    let more = all.len().saturating_sub(ROWS);
    let telling = shown.waterfall.telling();
    let mut logs: HashMap<&str, Vec<&LogLine>> = HashMap::new();
    for log in &shown.trace.logs {
        logs.entry(log.line["span_id"].as_str().unwrap_or_default()).or_default().push(log);
    }
    let has_rows_below = |number: usize, row: &Row<'_>| all.get(number + 1).is_some_and(|next| next.depth > row.depth);
    html! {
        section.waterfall {
            h2 { "Spans" }
            div.tools {
                label { span { "Filter" } input #filter type="search" autocomplete="off" spellcheck="false" placeholder="a name, an attribute, a message"; }
                span #found.soft role="status" {}
                span.buttons {
                    button #fold type="button" { "fold all" }
                    button #unfold type="button" { "unfold all" }
                    @if shown.trace.spans.iter().any(|span| span.error) { button #error type="button" { "next error" } }
                }
            }
            p.legend {
                @for service in &shown.services { span { span.pip.(shown.colour(service)) {} (cut(service)) } }
                span.soft { "solid: the critical path; │ an event or a log line" }
            }
            div.axis aria-hidden="true" {
                span {}
                span.ticks { @for quarter in 0..=4 { span { (time(shown.length / 4 * quarter)) } } }
                span.number { "Duration" }
                span.number { "Self" }
            }
            ol.rows data-nanos=(shown.length) {
                @for (number, row) in all.iter().take(ROWS).enumerate() {
                    @match row.item {
                        Item::Span(span) => {
                            @let below = logs.get(span.span_id.as_str()).map_or(&[][..], Vec::as_slice);
                            @let why = telling.filter(|(telling, _)| *telling == number).map(|(_, why)| why);
                            (span_row(shown, row, span, below, has_rows_below(number, row), why))
                        }
                        Item::Log(log) => (log_row(row, log)),
                    }
                }
            }
            @if more > 0 { p.soft { "and " (more) " rows more; " code { "lab trace " (shown.trace.trace_id) } " has them all" } }
            p.keys.soft {
                kbd { "↑" } kbd { "↓" } " span  " kbd { "←" } kbd { "→" } " fold, unfold  " kbd { "Enter" } " open  "
                kbd { "/" } " filter  " kbd { "e" } " next error  " kbd { "x" } " fold all  " kbd { "c" } " copy the ID"
            }
        }
    }
}

fn span_row(shown: &Shown<'_>, row: &Row<'_>, span: &TraceSpan, logs: &[&LogLine], folds: bool, why: Option<&str>) -> Markup {
    let detail = span_detail(span).unwrap_or_default();
    html! {
        li.row.error[span.error].telling[why.is_some()] data-depth=(row.depth) {
            details id=(span.span_id) {
                summary {
                    span.label {
                        (indent(row.depth))
                        @if folds { button.twisty type="button" tabindex="-1" aria-expanded="true" aria-label="fold what is below" {} } @else { span.twisty {} }
                        span.pip.(shown.colour(&span.service)) {}
                        span.text title={ (span.service) " " (span.name) } { b { (cut(&span.service)) } " " (cut(&span.name)) }
                        @if span.error { span.mark.fail { "error" } }
                        @if let Some(why) = why { span.why { (if why.contains("error") { why } else { "most self time" }) } }
                    }
                    (track(shown, span, logs))
                    span.number { (time(span.duration_nano)) }
                    span.number.soft { (time(shown.waterfall.timing.own(span))) }
                    span.hint.soft { (cut(&detail)) }
                }
                (detail::detail(shown, span, logs))
            }
        }
    }
}

/// The bar of a span on the trace's time axis.
fn track(shown: &Shown<'_>, span: &TraceSpan, logs: &[&LogLine]) -> Markup {
    let colour = shown.colour(&span.service);
    let bar = |from: u64, to: u64| {
        let (from, to) = (shown.place(from), shown.place(to));
        // What is too short to be seen is shown nevertheless.
        let from = from.min(997.0);
        (format!("{from:.2}"), format!("{:.2}", (to - from).max(3.0)))
    };
    let moments = span.events.iter().map(|event| event.unix_nano).chain(logs.iter().map(|log| log.unix_nano));
    let (x, width) = bar(span.start_unix_nano, span.start_unix_nano.saturating_add(span.duration_nano));
    html! {
        svg.track viewBox="0 0 1000 16" preserveAspectRatio="none" aria-hidden="true" {
            rect.bar.(colour) x=(x) y="2" width=(width) height="12" {}
            @for stretch in shown.waterfall.timing.critical(span) {
                @let (x, width) = bar(stretch.start, stretch.end);
                rect.critical.(colour) x=(x) y="2" width=(width) height="12" {}
            }
            @for moment in moments.take(50) { rect.moment x=(format!("{:.2}", shown.place(moment))) y="0" width="1.5" height="16" {} }
        }
    }
}

fn log_row(row: &Row<'_>, log: &LogLine) -> Markup {
    let (level, message) = log_text(log);
    html! {
        li.row.log data-depth=(row.depth) {
            (indent(row.depth)) span.twisty {}
            span.level.{ "level-" (level.to_ascii_lowercase()) } { (cut(level)) } " "
            span.message { (cut(&message)) }
        }
    }
}

/// One guide line for each level.
fn indent(depth: usize) -> Markup {
    html! { @for _ in 0..depth.min(DEEPEST) { i.guide {} } }
}

/// Long statements and messages would fill the page.
pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
