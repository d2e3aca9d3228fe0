//! One trace as a web page that needs nothing but itself and the lab: a waterfall with all that its spans tell, and where the time went.
//!
//! Whatever a name or a message says is text: `maud` escapes all that it is given, and the page's Content-Security-Policy lets no style
//! and no script come in but the two below. Without the script the page can be read in full, and opens and closes spans by itself; the
//! script folds, filters, copies, moves by keys, and asks again for as long as the trace is still being written.

mod detail;
mod head;
mod rows;

use std::collections::{BTreeSet, HashSet};
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use lab_facts::trace::{Trace, TraceSpan};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use super::waterfall::{Extent, Waterfall};
use crate::observe::growth::Missing;

const STYLE: &str = concat!(include_str!("html/palette.css"), include_str!("page/style.css"));
const SCRIPT: &str = include_str!("page/script.js");

/// How many services have a colour of their own; then they begin anew.
const SHADES: usize = 6;

static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |text: &str| BASE64.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
});

/// The page's Content-Security-Policy, for the header of the answer that it is sent in.
pub fn policy() -> &'static str {
    &POLICY
}

/// A trace, and what is worked out of it for all parts of the page.
struct Shown<'a> {
    trace: &'a Trace,
    waterfall: Waterfall<'a>,
    /// In the order of their names.
    services: BTreeSet<&'a str>,
    /// Of its spans.
    ids: HashSet<&'a str>,
    start: u64,
    /// Nanoseconds; at least one.
    length: u64,
}

impl<'a> Shown<'a> {
    fn new(trace: &'a Trace) -> Self {
        let waterfall = Waterfall::new(trace);
        let services = trace.spans.iter().map(|span| span.service.as_str()).collect();
        let ids = trace.spans.iter().map(|span| span.span_id.as_str()).collect();
        let Extent { start, length } = waterfall.extent;
        Self { trace, waterfall, services, ids, start, length }
    }

    /// The class that has the service's colour.
    fn colour(&self, service: &str) -> String {
        let place = self.services.iter().position(|known| *known == service).unwrap_or_default();
        format!("s{}", place % SHADES)
    }

    /// The span that the others are below of: the one without a parent, else the first that there is.
    fn root(&self) -> Option<&'a TraceSpan> {
        let spans = &self.trace.spans;
        spans.iter().find(|span| span.parent_span_id.is_none()).or(spans.first())
    }

    /// Where a moment lies on the trace's time axis, in thousandths of it.
    fn place(&self, unix_nano: u64) -> f64 {
        share(unix_nano.saturating_sub(self.start), self.length).clamp(0.0, 1.0) * 1000.0
    }
}

/// The page of a trace, as far as it has come in; ends in a line break.
pub fn page(trace: &Trace) -> String {
    let shown = Shown::new(trace);
    let missing = Missing::from(trace);
    let title = shown.root().map_or_else(|| trace.trace_id.clone(), |root| format!("{} {}", root.service, root.name));
    let body = html! {
        main #trace data-complete=(missing.is_empty()) data-version={ (trace.spans.len()) "-" (trace.logs.len()) } {
            (head::head(&shown, &missing))
            (head::went(&shown))
            (rows::rows(&shown))
            (detail::services(&shown))
        }
    };
    whole(&title, &body)
}

/// The page of a trace that the lab does not have. It asks again, because spans may be on their way.
pub fn page_of_none(trace_id: &str) -> String {
    let body = html! {
        main #trace data-complete="false" {
            header {
                p.eyebrow { "lab · trace " code { (trace_id) } }
                h1 { "The lab does not have this trace" }
                p.state.unclear role="status" { span.dot {} span { "Waiting for its first span." } }
                p.about {
                    "Its spans may still be under way. If they do not come, it was not sampled, has been pushed out by newer traces, \
                     or was sent to another lab: " code { "lab traces" } " lists those that this one has."
                }
            }
        }
    };
    whole("no such trace", &body)
}

/// The page that says why there is none.
pub fn page_of_refusal(why: &str) -> String {
    let body = html! {
        main #trace data-complete="true" {
            header { p.eyebrow { "lab · trace" } h1 { "That is no trace ID" } p.about { (why) } }
        }
    };
    whole("no trace ID", &body)
}

fn whole(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) " · lab" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (body)
                footer { p { "lab " (env!("CARGO_PKG_VERSION")) ". The page lasts as long as the lab runs." } }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string() + "\n"
}

/// A part of the whole.
fn share(part: u64, whole: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "shown to three digits")]
    let (part, whole) = (part as f64, whole.max(1) as f64);
    part / whole
}

/// A length of time, given in nanoseconds.
fn time(nanos: u64) -> String {
    lab_facts::format::milliseconds(Some(share(nanos, 1_000_000)))
}
