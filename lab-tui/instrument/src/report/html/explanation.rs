//! Where the milliseconds go, and what tells slow and failed requests from the others.

use lab_facts::explain::{self, Band, Contrast, Explanation};
use lab_facts::format::milliseconds;
use maud::{Markup, html};

use crate::report::TraceLink;

/// How many hops the table has.
const HOPS: usize = 16;

/// Nothing where no trace came in.
pub(super) fn explanation(explanation: &Explanation, link: Option<&TraceLink>) -> Markup {
    html! {
        @if explanation.requests > 0 {
            section {
                h2 { "Why" }
                p { (explain::sentence(explanation)) }
                (bands(&explanation.bands))
                @for contrast in &explanation.contrasts { (told(contrast, link)) }
                p.soft {
                    "Of " (explanation.requests) " requests that were looked at. What is found is attributed to a hop or coincides with something; neither says that it is the cause."
                }
            }
        }
    }
}

fn bands(bands: &[Band]) -> Markup {
    let most = bands.iter().find(|band| !band.parts.is_empty());
    html! {
        @if let Some(most) = most {
            div.scroll { table {
                caption { "Where the milliseconds go, on average, by percentile of the response time" }
                thead { tr { th scope="col" { "Hop" } @for band in bands { th.number scope="col" { (band.name) } } } }
                tbody {
                    @for (index, part) in most.parts.iter().take(HOPS).enumerate() {
                        tr {
                            th scope="row" { (part.hop) }
                            @for band in bands { td.number { (milliseconds(band.parts.get(index).map(|part| part.ms))) } }
                        }
                    }
                    tr { th scope="row" { "response time" } @for band in bands { td.number { (milliseconds(band.mean_ms)) } } }
                    tr { th scope="row" { "requests looked at" } @for band in bands { td.number { (band.requests) } } }
                }
            } }
        }
    }
}

/// The same text as on the command line, which is laid out in columns.
fn told(contrast: &Contrast, link: Option<&TraceLink>) -> Markup {
    html! {
        details.contrast open[contrast.says_something()] {
            summary { strong { (contrast.subject) } " against " (contrast.baseline) }
            div.scroll { pre { (TraceLink::in_page(link, &explain::contrast_text(contrast))) } }
        }
    }
}
