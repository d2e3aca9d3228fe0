//! What rooms want to know beside the model: asked of the store, or of a Tempo and a Loki, while the screen goes on.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use lab_facts::event::TraceId;
use lab_facts::query::Query;
use lab_facts::scenario::Backend;
use lab_facts::trace::Trace;
use lab_instrument::observe::backends::{Backends, QueryResult, RangeQuery, Unanswered};
use lab_instrument::observe::found::FoundTrace;
use lab_instrument::observe::logs::LogText;
use lab_instrument::observe::source::{LogMark, LogPage, Source};
use lab_instrument::observe::store::{Store, StoredLine};
use tokio::sync::mpsc;

use crate::tui::room::logs::{Kept, Record};
use crate::tui::room::queries::Answered;
use crate::tui::shelf::{Had, Shelf, Wanted};

/// How many traces a search finds at most.
pub(super) const FOUND: usize = 500;

/// What is wanted.
#[derive(Debug, Clone, PartialEq)]
pub enum Question {
    /// One trace, as far as it has come in.
    Trace(TraceId),
    /// The newest traces that match.
    Traces(Query),
    /// The log lines that came in since.
    Logs(LogMark),
    /// What a query gives over the time of the run.
    Query(RangeQuery),
    /// What lies on this machine's disk.
    Shelf(Wanted),
}

/// What became known; a search comes with what it was for, because the viewer may look for something else by now.
#[derive(Debug)]
pub enum Answer {
    /// That trace, where it is there.
    Trace(TraceId, Option<Trace>),
    /// Newest first; or why not.
    Traces(Query, Result<Vec<FoundTrace>, String>),
    /// The newest of those, read, with how far that leads; or why not.
    Logs(LogMark, Result<(Kept, LogMark), String>),
    /// What it gave, or why nothing.
    Query(RangeQuery, Result<Answered, Unanswered>),
    /// What it had of that.
    Shelf(Wanted, Had),
}

/// Who is asked.
#[derive(Debug, Clone)]
enum Side {
    Live(Source),
    /// A replay has the traces that its recording kept, and their log lines.
    Recorded(Arc<HashMap<TraceId, Trace>>),
}

/// Asks one thing of a kind at a time.
#[derive(Debug)]
pub struct Asker {
    side: Side,
    backends: Backends,
    shelf: Shelf,
    sender: mpsc::UnboundedSender<Answer>,
    answers: mpsc::UnboundedReceiver<Answer>,
    under_way: Vec<Question>,
}

impl Asker {
    /// Of a run that goes on.
    pub fn live(store: Store, backends: Backends, shelf: Shelf) -> Self {
        Self::new(Side::Live(Source::Store(store)), backends, shelf)
    }

    pub(super) fn recorded(traces: Arc<HashMap<TraceId, Trace>>, backends: Backends, shelf: Shelf) -> Self {
        Self::new(Side::Recorded(traces), backends, shelf)
    }

    fn new(side: Side, backends: Backends, shelf: Shelf) -> Self {
        let (sender, answers) = mpsc::unbounded_channel();
        Self { side, backends, shelf, sender, answers, under_way: Vec::new() }
    }

    /// Asks, unless something of that kind is under way: then whoever wants it asks again.
    pub fn ask(&mut self, question: Question) {
        let kind = std::mem::discriminant(&question);
        if self.under_way.iter().any(|other| std::mem::discriminant(other) == kind) {
            return;
        }
        self.under_way.push(question.clone());
        let (side, backends, shelf, sender) = (self.side.clone(), self.backends.clone(), self.shelf.clone(), self.sender.clone());
        tokio::spawn(async move {
            // The screen may have gone.
            let _ = sender.send(side.answer(question, &backends, shelf).await);
        });
    }

    /// The next answer.
    pub async fn answer(&mut self) -> Answer {
        // This holds a sender, so there is always one.
        let Some(answer) = self.answers.recv().await else { std::future::pending().await };
        let asked = match &answer {
            Answer::Trace(id, _) => Question::Trace(*id),
            Answer::Traces(query, _) => Question::Traces(query.clone()),
            Answer::Logs(mark, _) => Question::Logs(*mark),
            Answer::Query(query, _) => Question::Query(query.clone()),
            Answer::Shelf(wanted, _) => Question::Shelf(wanted.clone()),
        };
        self.under_way.retain(|other| *other != asked);
        answer
    }
}

impl Side {
    async fn answer(&self, question: Question, backends: &Backends, shelf: Shelf) -> Answer {
        match question {
            Question::Trace(id) => {
                let trace = match self.trace(id).await {
                    // A Tempo may have what came to it alone, or was pushed out here.
                    None if backends.tempo.is_some() => Source::Backends(Box::new(backends.clone())).trace(id).await.ok().flatten(),
                    known => known,
                };
                Answer::Trace(id, trace)
            }
            Question::Traces(query) => {
                let found = self.search(&query, 0..u64::MAX).await;
                Answer::Traces(query, found)
            }
            Question::Logs(mark) => Answer::Logs(mark, self.logs(mark).await),
            Question::Query(query) => {
                let result = match query.backend {
                    Backend::Tempo if backends.tempo.is_none() => self.traceql(&query).await,
                    _ => backends.query(&query).await,
                };
                Answer::Query(query, result.map(Answered::from))
            }
            Question::Shelf(wanted) => {
                let had = shelf.ask(wanted.clone()).await;
                Answer::Shelf(wanted, had)
            }
        }
    }

    async fn trace(&self, id: TraceId) -> Option<Trace> {
        match self {
            Self::Live(source) => source.trace(id).await.ok().flatten(),
            Self::Recorded(traces) => traces.get(&id).cloned(),
        }
    }

    /// The newest that match and began within the window, in nanoseconds since 1970.
    async fn search(&self, query: &Query, window: Range<u64>) -> Result<Vec<FoundTrace>, String> {
        match self {
            Self::Live(source) => source.search(query, window, FOUND).await.map_err(|error| format!("{error:#}")),
            Self::Recorded(traces) => {
                let matched = traces.values().map(|trace| (trace, query.matches(trace).len())).filter(|(_, matched)| *matched > 0);
                let found = matched.map(|(trace, matched)| FoundTrace::new(trace, matched));
                let mut found: Vec<FoundTrace> = found.filter(|one| window.contains(&one.start_unix_nano)).collect();
                found.sort_by_key(|one| std::cmp::Reverse(one.start_unix_nano));
                Ok(found)
            }
        }
    }

    /// What a Tempo would find, of the traces that are here.
    async fn traceql(&self, asked: &RangeQuery) -> Result<QueryResult, Unanswered> {
        let found = self.search(&Query::parse(&asked.text)?, asked.window.clone()).await;
        found.map(QueryResult::Traces).map_err(|why| Unanswered { why, at: None })
    }

    /// Reads lines here, so that the screen need not.
    async fn logs(&self, mut mark: LogMark) -> Result<(Kept, LogMark), String> {
        let mut kept = Kept::default();
        loop {
            let LogPage { lines, next, more } = match self {
                Self::Live(source) => source.logs_since(mark).await.map_err(|error| format!("{error:#}"))?,
                Self::Recorded(traces) => recorded_lines(traces, mark),
            };
            lines.iter().for_each(|line| kept.add(Record::read(line)));
            mark = next;
            if !more {
                return Ok((kept, mark));
            }
            // A store full of lines is read without keeping others from their turn.
            tokio::task::yield_now().await;
        }
    }
}

/// The lines of the traces that a recording kept: all at once.
fn recorded_lines(traces: &HashMap<TraceId, Trace>, mark: LogMark) -> LogPage {
    let lines = traces.values().filter(|_| mark == LogMark::Start).flat_map(|trace| &trace.logs);
    let lines: Vec<StoredLine> = lines.map(|line| StoredLine::from(LogText::from(line))).collect();
    LogPage { lines, next: LogMark::Number(0), more: false }
}
