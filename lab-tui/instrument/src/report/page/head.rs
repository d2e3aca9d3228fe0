//! The top of the page: what the trace is, whether it is all there, and where its time went.

use std::collections::HashMap;

use lab_facts::format::count;
use maud::{Markup, html};
use time::OffsetDateTime;

use super::{Shown, share, time};
use crate::observe::growth::{self, Missing};

/// How many of the spans that took most are named.
const NAMED: usize = 6;

pub(super) fn head(shown: &Shown<'_>, missing: &[Missing]) -> Markup {
    let trace = shown.trace;
    let errors = trace.spans.iter().filter(|span| span.error).count();
    html! {
        header {
            p.eyebrow {
                "lab · trace " code { (trace.trace_id) } " "
                button.copy type="button" data-copy=(trace.trace_id) title="Copy the trace ID (c)" { "copy" } " "
                a href={ "/api/v2/traces/" (trace.trace_id) } { "JSON" }
            }
            @match shown.root() {
                Some(root) => h1 { span.pip.(shown.colour(&root.service)) {} (root.service) " " span.name { (root.name) } },
                None => h1 { "No span has come in yet" },
            }
            (state(missing, errors))
            dl.tiles {
                div { dt { "Duration" } dd { (time(shown.length)) } }
                div { dt { "Began" } dd { (moment(shown.start)) } }
                div { dt { "Spans" } dd { (trace.spans.len()) } }
                div { dt { "Services" } dd { (shown.services.len()) } }
                div.bad[errors > 0] { dt { "Errors" } dd { (errors) } }
                div { dt { "Log lines" } dd { (trace.logs.len()) } }
            }
        }
    }
}

fn state(missing: &[Missing], errors: usize) -> Markup {
    html! {
        @if let Some(why) = growth::words(missing) {
            p.state.unclear role="status" { span.dot.live {} span { "Still being written: " (why) } }
        } @else {
            p.state.fail[errors > 0].pass[errors == 0] role="status" {
                span.dot {} span { "Complete" @if errors > 0 { ", with " (count(errors, "span")) " that failed" } }
            }
        }
    }
}

/// `2026-01-31 15:04:05.678 UTC`.
fn moment(unix_nano: u64) -> String {
    let Ok(at) = OffsetDateTime::from_unix_timestamp_nanos(unix_nano.into()) else { return "-".to_owned() };
    let (hour, minute, second, milli) = at.to_hms_milli();
    format!("{} {hour:02}:{minute:02}:{second:02}.{milli:03} UTC", at.date())
}

/// What the whole waited for: one bar of the critical path, and the spans that took most of it, those alike taken together.
pub(super) fn went(shown: &Shown<'_>) -> Markup {
    let mut parts: Vec<(&str, &str, &str, u64)> = Vec::new();
    let mut places: HashMap<(&str, &str), usize> = HashMap::new();
    for span in &shown.trace.spans {
        let took = shown.waterfall.timing.critical_time(span);
        if took == 0 {
            continue;
        }
        let key = (span.service.as_str(), span.name.as_str());
        match places.get(&key) {
            Some(place) => parts[*place].3 += took,
            None => {
                places.insert(key, parts.len());
                parts.push((key.0, key.1, &span.span_id, took));
            }
        }
    }
    let whole: u64 = parts.iter().map(|(.., took)| took).sum();
    parts.sort_by_key(|(.., took)| std::cmp::Reverse(*took));
    let bars = parts.iter().scan(0.0, |end, part| {
        let (from, width) = (*end, share(part.3, whole) * 1000.0);
        *end += width;
        Some((part, from, width))
    });
    html! {
        @if whole > 0 {
            section.went {
                h2 { "Where the time went" }
                svg.path viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" aria-label=(said(&parts, whole)) {
                    @for ((service, name, _, took), from, width) in bars {
                        rect.(shown.colour(service)) x=(format!("{from:.2}")) y="0" height="10" width=(format!("{:.2}", (width - 1.5).max(0.5))) {
                            title { (service) " " (name) ": " (time(*took)) }
                        }
                    }
                }
                ol {
                    @for (service, name, id, took) in parts.iter().take(NAMED) {
                        li {
                            a href={ "#" (id) } { span.pip.(shown.colour(service)) {} b { (service) } " " (super::rows::cut(name)) }
                            span.number { (time(*took)) }
                            span.number.soft { (format!("{:.0} %", share(*took, whole) * 100.0)) }
                        }
                    }
                }
                @if parts.len() > NAMED {
                    @let rest = parts[NAMED..].iter().map(|(.., took)| took).sum::<u64>();
                    p.soft.note { "and " (time(rest)) " in " (count(parts.len() - NAMED, "other")) }
                }
                p.soft.note { "The critical path: when it was this span, and none below it, that the whole waited for." }
            }
        }
    }
}

/// The picture in words.
fn said(parts: &[(&str, &str, &str, u64)], whole: u64) -> String {
    let part = |(service, name, _, took): &(&str, &str, &str, u64)| format!("{service} {name} {:.0} percent", share(*took, whole) * 100.0);
    let named: Vec<String> = parts.iter().take(NAMED).map(part).collect();
    format!("The critical path: {}", named.join(", "))
}
