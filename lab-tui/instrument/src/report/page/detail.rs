//! All that a span tells, and what is known of those that wrote the spans.

use std::collections::BTreeMap;

use lab_facts::event::TraceId;
use lab_facts::trace::{LogLine, Resource, TraceSpan};
use maud::{Markup, html};
use serde_json::Value;

use super::{Shown, share, time};
use crate::report::waterfall::{bare, log_text};

/// How many characters of a value: a stack trace fits.
const LETTERS: usize = 8_000;
/// How many events, log lines or links of one span.
const MOST: usize = 100;

pub(super) fn detail(shown: &Shown<'_>, span: &TraceSpan, logs: &[&LogLine]) -> Markup {
    let critical = shown.waterfall.timing.critical_time(span);
    let after = |unix_nano: u64| format!("+{}", time(unix_nano.saturating_sub(shown.start)));
    html! {
        div.detail {
            dl.facts {
                div { dt { "Kind" } dd { (span.kind) } }
                div { dt { "Status" } dd.bad[span.error] { (span.status.as_str()) @if !span.status_message.is_empty() { ": " (cut(&span.status_message)) } } }
                div { dt { "Began" } dd { (after(span.start_unix_nano)) } }
                div { dt { "Duration" } dd { (time(span.duration_nano)) } }
                div { dt { "Self" } dd { (time(shown.waterfall.timing.own(span))) } }
                div { dt { "Critical path" } dd { (time(critical)) " (" (format!("{:.0} %", share(critical, shown.length) * 100.0)) ")" } }
                div { dt { "Span ID" } dd { code { (span.span_id) } " " button.copy type="button" data-copy=(span.span_id) { "copy" } } }
                @if let Some(parent) = &span.parent_span_id {
                    div { dt { "Parent" } dd { @if shown.has(parent) { a href={ "#" (parent) } { code { (parent) } } } @else { code { (parent) } " (has not come in)" } } }
                }
            }
            @if !span.attributes.is_empty() { h3 { "Attributes" } (table(&span.attributes)) }
            @if !span.events.is_empty() {
                h3 { "Events" }
                @for event in span.events.iter().take(MOST) {
                    div.happened { span.number { (after(event.unix_nano)) } b { (cut(&event.name)) } }
                    @if !event.attributes.is_empty() { (table(&event.attributes)) }
                }
                (and_more(span.events.len()))
            }
            @if !logs.is_empty() {
                h3 { "Log lines" }
                @for log in logs.iter().take(MOST) {
                    @let (level, message) = log_text(log);
                    div.happened {
                        span.number { (after(log.unix_nano)) }
                        span.level.{ "level-" (level.to_ascii_lowercase()) } { (cut(level)) }
                        span.message { (cut(&message)) }
                    }
                }
                (and_more(logs.len()))
            }
            @if !span.links.is_empty() {
                h3 { "Links" }
                @for link in span.links.iter().take(MOST) {
                    p {
                        @match TraceId::parse(&link.trace_id) {
                            Some(id) => a href={ "/trace/" (id) "#" (link.span_id) } { code { (id) } " span " code { (link.span_id) } },
                            None => code { (cut(&link.trace_id)) },
                        }
                    }
                    @if !link.attributes.is_empty() { (table(&link.attributes)) }
                }
                (and_more(span.links.len()))
            }
        }
    }
}

/// The resource of each service, once.
pub(super) fn services(shown: &Shown<'_>) -> Markup {
    let mut resources: Vec<(&str, &Resource)> = Vec::new();
    for span in &shown.trace.spans {
        if !span.resource.attributes().is_empty() && resources.len() < MOST && resources.iter().all(|(_, known)| **known != span.resource) {
            resources.push((&span.service, &span.resource));
        }
    }
    html! {
        @if !resources.is_empty() {
            section.services {
                h2 { "Services" }
                @for (service, resource) in resources {
                    details {
                        summary { span.pip.(shown.colour(service)) {} b { (cut(service)) } }
                        (table(resource.attributes()))
                    }
                }
            }
        }
    }
}

fn table(attributes: &BTreeMap<String, Value>) -> Markup {
    html! {
        table { tbody { @for (key, value) in attributes { tr { th scope="row" { (cut(key)) } td { (cut(&bare(value))) } } } } }
    }
}

fn and_more(count: usize) -> Markup {
    html! { @if count > MOST { p.soft { "and " (count - MOST) " more" } } }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl Shown<'_> {
    fn has(&self, span_id: &str) -> bool {
        self.ids.contains(span_id)
    }
}
