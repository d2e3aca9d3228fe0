//! The summaries as one HTML page that needs nothing but itself: no network, no fonts, no script to be read.
//!
//! Whatever a name or a message says is text: `maud` escapes all that it is given, and the page's own Content-Security-Policy lets
//! nothing be loaded and no script run but the one below. The size is bounded whatever the run was: a picture has at most 240 columns,
//! a heat map 120 by 24 cells, and of traces there are five with 60 rows each.

mod axis;
mod calls;
mod columns;
mod distribution;
mod expectations;
mod explanation;
mod facts;
mod figures;
mod head;
mod heat;
mod panel;
mod path;
mod pool;
mod promises;
mod tables;
mod timeline;
mod traces;

use head::Verdict;
use lab_facts::model::Model;
use lab_facts::trace::Trace;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use time::OffsetDateTime;

use super::{Summary, TraceLink};

const STYLE: &str = concat!(include_str!("html/palette.css"), include_str!("html/style.css"));
const SCRIPT: &str = include_str!("html/hover.js");

/// The script that may run, by its SHA-256. A browser names the right one in its console when the script has changed.
const SCRIPT_HASH: &str = "sha256-EUjQnNrVLnYyVfsGz2XZLon28+23iuj0mCsL/7hDJws=";

/// A run that has ended, or as far as it has come, with all that is told of it.
#[derive(Debug)]
pub struct Ran<'a> {
    /// Its figures.
    pub summary: &'a Summary<'a>,
    /// What is known of it second by second.
    pub model: &'a Model,
    /// Those of the slowest requests, as far as they are known.
    pub traces: &'a [Trace],
    /// Where traces can be looked at.
    pub link: Option<&'a TraceLink>,
    /// When it began.
    pub started: OffsetDateTime,
}

/// The page, with what happened in each scenario so far.
#[derive(Debug, Default)]
pub struct Html {
    runs: Vec<Shown>,
}

/// One scenario on the page.
#[derive(Debug)]
struct Shown {
    scenario: String,
    title: String,
    verdict: Verdict,
    /// What came of it.
    sentence: String,
    section: Markup,
}

impl Html {
    /// Whether no scenario has been told of.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// A run that has ended, or as far as it has come.
    pub fn add(&mut self, ran: &Ran<'_>) {
        let number = self.runs.len() + 1;
        self.runs.push(Shown {
            scenario: ran.summary.scenario.to_owned(),
            title: ran.summary.title.to_owned(),
            verdict: Verdict::of(ran.summary),
            sentence: head::sentence(ran.summary),
            section: section(ran, number),
        });
    }

    /// A run that could not be brought to its end, so that there is no summary of it.
    pub fn add_without_end(&mut self, scenario: &str, why: &str) {
        let number = self.runs.len() + 1;
        self.runs.push(Shown {
            scenario: scenario.to_owned(),
            title: scenario.to_owned(),
            verdict: Verdict::NotRun,
            sentence: why.to_owned(),
            section: html! {
                article.run id={ "run-" (number) } {
                    h1 { (scenario) }
                    (head::banner(Verdict::NotRun, "there are no results of this scenario", &[why.to_owned()]))
                }
            },
        });
    }

    /// A scenario whose turn did not come.
    pub fn add_skipped(&mut self, scenario: &str, title: &str, why: &str) {
        let number = self.runs.len() + 1;
        self.runs.push(Shown {
            scenario: scenario.to_owned(),
            title: title.to_owned(),
            verdict: Verdict::Skipped,
            sentence: why.to_owned(),
            section: html! {
                article.run id={ "run-" (number) } {
                    header {
                        p.eyebrow { "lab · " (scenario) }
                        h1 { (title) }
                        (head::banner(Verdict::Skipped, why, &[]))
                    }
                }
            },
        });
    }

    /// The page; ends in a line break.
    pub fn to_html(&self) -> String {
        let title = match self.runs.as_slice() {
            [one] => format!("{}: {}", one.verdict.word(), one.title),
            several => format!("{} scenarios", several.len()),
        };
        let policy =
            format!("default-src 'none'; style-src 'unsafe-inline'; script-src '{SCRIPT_HASH}'; base-uri 'none'; form-action 'none'");
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (title) " · lab" }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    main {
                        @if self.runs.len() > 1 { (self.overview()) }
                        @for run in &self.runs { (run.section) }
                    }
                    (footer())
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        };
        page.into_string() + "\n"
    }

    /// What became of each of several scenarios.
    fn overview(&self) -> Markup {
        let worst = self.runs.iter().map(|run| run.verdict).max().unwrap_or(Verdict::Pass);
        let count = |wanted: Verdict| self.runs.iter().filter(|run| run.verdict == wanted).count();
        let counts = Verdict::ALL.into_iter().filter(|kind| count(*kind) > 0).map(|kind| format!("{} {}", count(kind), kind.word()));
        html! {
            header.overview {
                h1 { (self.runs.len()) " scenarios" }
                (head::banner(worst, &counts.collect::<Vec<_>>().join(", "), &[]))
                div.scroll { table {
                    thead { tr { th scope="col" { "Scenario" } th scope="col" { "Verdict" } th scope="col" { "Why" } } }
                    tbody {
                        @for (index, run) in self.runs.iter().enumerate() {
                            tr {
                                th scope="row" { a href={ "#run-" (index + 1) } { (run.title) } " " span.soft { (run.scenario) } }
                                td { (head::mark(run.verdict)) }
                                td { (run.sentence) }
                            }
                        }
                    }
                } }
            }
        }
    }
}

fn section(ran: &Ran<'_>, number: usize) -> Markup {
    let summary = ran.summary;
    html! {
        article.run id={ "run-" (number) } {
            (head::head(ran))
            (timeline::timeline(ran))
            (promises::promises(ran))
            (explanation::explanation(&summary.explanation, ran.link))
            (distribution::distributions(ran))
            (tables::loads(summary))
            (tables::hops(ran.model))
            (calls::calls(&summary.calls))
            (traces::traces(ran))
            (facts::telemetry(summary, ran.link))
            (facts::lab(summary))
            (facts::endpoints(summary))
        }
    }
}

fn footer() -> Markup {
    html! {
        footer {
            p {
                "Response times count from the moment a request was " em { "due" } ", which is what a user would have waited; service times from the moment it was "
                em { "sent" } ". A request belongs to the second in which it was due, a span to the one in which it began."
            }
            p { "Written by lab " (env!("CARGO_PKG_VERSION")) "." }
        }
    }
}

#[cfg(test)]
mod tests;
