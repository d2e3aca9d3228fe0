//! Who is asked for traces and log lines: the lab's own store, or a Tempo and a Loki. Who asks cannot tell which.

use std::ops::Range;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use lab_facts::event::TraceId;
use lab_facts::query::Query;
use lab_facts::trace::Trace;
use url::Url;

use super::backends::Backends;
use super::found::FoundTrace;
use super::growth::Missing;
use super::logs::{LogQuestion, LogReader, LogText};
use super::store::{Store, StoredLine, now};

/// Lines come into a Loki somewhat later than they were written, and clocks differ.
const LATE: u64 = 600_000_000_000;

/// Whoever follows a Loki reads so much of the past once more, because lines come in late.
const OVERLAP: u64 = 10_000_000_000;
/// And begins with the last minute.
const RECENT: u64 = 60_000_000_000;

/// How far somebody has read the log lines as they come in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogMark {
    /// Nothing yet.
    #[default]
    Start,
    /// Of a store: all lines below this number.
    Number(u64),
    /// Of a Loki: what it had at this moment, in nanoseconds since 1970.
    Moment(u64),
}

/// Log lines that somebody had not read yet.
#[derive(Debug)]
pub struct LogPage {
    /// In the order in which they came in. Of a Loki some come again: the same line has the same time and number.
    pub lines: Vec<StoredLine>,
    /// How far that leads.
    pub next: LogMark,
    /// Whether there is more to be read at once.
    pub more: bool,
}

/// How often a trace that is still being written is asked for again, and how long after the time before. What then lacks may never come:
/// something in it sends no spans, or they are lost.
const TIMES: usize = 8;
const AGAIN: Duration = Duration::from_millis(300);

/// One of the two sides.
#[derive(Debug, Clone)]
pub enum Source {
    /// The lab's own.
    Store(Store),
    /// A Tempo for traces, a Loki for log lines.
    Backends(Box<Backends>),
}

impl Source {
    /// The traces with a span that matches and began within the window, in nanoseconds since 1970; newest first, at most `limit`.
    ///
    /// # Errors
    /// When a backend is not there, does not answer, or refuses the query.
    pub fn search<'a>(&'a self, query: &'a Query, window: Range<u64>, limit: usize) -> BoxFuture<'a, anyhow::Result<Vec<FoundTrace>>> {
        async move {
            match self {
                Self::Store(store) => {
                    let (store, query) = (store.clone(), query.clone());
                    // A store full of traces takes a while to look through, which is no work for the runtime's threads.
                    let looked = tokio::task::spawn_blocking(move || {
                        let mut found = Vec::new();
                        let keep = |trace: &Trace, matched: &[usize]| found.push(FoundTrace::new(trace, matched.len()));
                        store.search_newest(&query, std::slice::from_ref(&window), limit, keep);
                        found
                    });
                    Ok(looked.await?)
                }
                Self::Backends(backends) => {
                    super::backends::search(tempo(backends)?, query, window, limit).await.context("Tempo could not be asked")
                }
            }
        }
        .boxed()
    }

    /// The trace of that ID, as far as it has come in, with its log lines where there is somebody to ask for them.
    ///
    /// # Errors
    /// When a backend is not there or does not answer.
    pub fn trace(&self, id: TraceId) -> BoxFuture<'_, anyhow::Result<Option<Trace>>> {
        async move {
            let backends = match self {
                Self::Store(store) => return Ok(store.trace(id)),
                Self::Backends(backends) => backends,
            };
            let found = super::backends::by_id(tempo(backends)?, id).await.context("Tempo could not be asked")?;
            let Some(mut trace) = found else { return Ok(None) };
            if backends.loki.is_some() {
                let start = trace.spans.first().map_or(0, |span| span.start_unix_nano);
                let end = trace.spans.iter().map(|span| span.start_unix_nano.saturating_add(span.duration_nano)).max().unwrap_or(start);
                let window = start.saturating_sub(LATE)..end.saturating_add(LATE);
                let question = LogQuestion { trace: Some(id.to_string()), ..LogQuestion::default() };
                trace.logs = self.logs(&question, window).await?.iter().map(LogText::log_line).collect();
            }
            Ok(Some(trace))
        }
        .boxed()
    }

    /// The log lines that came in since: a store's by their numbers, so that none is lost, however late it came.
    ///
    /// # Errors
    /// When a backend is not there or does not answer.
    pub fn logs_since(&self, mark: LogMark) -> BoxFuture<'_, anyhow::Result<LogPage>> {
        async move {
            match self {
                Self::Store(store) => {
                    let from = if let LogMark::Number(number) = mark { number } else { 0 };
                    let lines = store.logs_from(from);
                    let next = lines.last().map_or(from, |last| last.number + 1);
                    Ok(LogPage { next: LogMark::Number(next), more: !lines.is_empty(), lines })
                }
                Self::Backends(_) => {
                    let now = now();
                    let from = if let LogMark::Moment(moment) = mark { moment.saturating_sub(OVERLAP) } else { now.saturating_sub(RECENT) };
                    let lines = self.logs(&LogQuestion::default(), from..now).await?;
                    Ok(LogPage { lines: lines.into_iter().map(StoredLine::from).collect(), next: LogMark::Moment(now), more: false })
                }
            }
        }
        .boxed()
    }

    /// The same as soon as it is complete: nothing is missing that its spans tell of. One that stays incomplete is given as far as it has
    /// come; [`Missing`] says what it lacks.
    ///
    /// # Errors
    /// When a backend is not there or does not answer.
    pub fn complete_trace(&self, id: TraceId) -> BoxFuture<'_, anyhow::Result<Option<Trace>>> {
        async move {
            let mut found = self.trace(id).await?;
            for _ in 0..TIMES {
                if found.as_ref().is_none_or(|trace| Missing::from(trace).is_empty()) {
                    break;
                }
                tokio::time::sleep(AGAIN).await;
                found = self.trace(id).await?;
            }
            Ok(found)
        }
        .boxed()
    }

    /// The log lines that fit, by time: those of the window, in nanoseconds since 1970; of a Loki, those that came in then.
    ///
    /// # Errors
    /// When the question is none, or a backend is not there or does not answer.
    pub fn logs<'a>(&'a self, question: &'a LogQuestion, window: Range<u64>) -> BoxFuture<'a, anyhow::Result<Vec<LogText>>> {
        async move {
            match self {
                Self::Store(store) => {
                    let mut reader = LogReader::new(store.clone(), question.filter().map_err(anyhow::Error::msg)?, false);
                    let mut lines = Vec::new();
                    while let Some(page) = reader.next().await {
                        lines.extend(page.into_iter().filter(|line| window.contains(&line.unix_nano)));
                    }
                    Ok(lines)
                }
                Self::Backends(backends) => {
                    let loki = backends.loki.as_ref().ok_or_else(|| anyhow!("there is no Loki to ask; name one with --loki-url"))?;
                    super::backends::lines(loki, question, window).await.context("Loki could not be asked")
                }
            }
        }
        .boxed()
    }
}

fn tempo(backends: &Backends) -> anyhow::Result<&Url> {
    backends.tempo.as_ref().ok_or_else(|| anyhow!("there is no Tempo to ask; name one with --tempo-url"))
}

#[cfg(test)]
mod tests;
