//! What rooms want to know beside the model: asked of the store, or of a Tempo and a Loki, while the screen goes on.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::event::TraceId;
use crate::observe::found::FoundTrace;
use crate::observe::logs::{LogQuestion, LogText};
use crate::observe::source::Source;
use crate::observe::store::Store;
use crate::observe::trace::Trace;
use crate::query::Query;

/// How many traces a search finds at most.
pub(super) const FOUND: usize = 500;
/// How many log lines: the newest.
pub(super) const LINES: usize = 5_000;

/// What is wanted.
#[derive(Debug, Clone, PartialEq)]
pub enum Question {
    /// One trace, as far as it has come in.
    Trace(TraceId),
    /// The newest traces that match.
    Traces(Query),
    /// The newest log lines that fit.
    Logs(LogQuestion),
}

/// What became known; a search comes with what it was for, because the viewer may look for something else by now.
#[derive(Debug)]
pub enum Answer {
    /// That trace, where it is there.
    Trace(TraceId, Option<Trace>),
    /// Newest first; or why not.
    Traces(Query, Result<Vec<FoundTrace>, String>),
    /// Oldest first; or why not.
    Logs(LogQuestion, Result<Vec<LogText>, String>),
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
pub(super) struct Asker {
    side: Side,
    sender: mpsc::UnboundedSender<Answer>,
    answers: mpsc::UnboundedReceiver<Answer>,
    under_way: Vec<Question>,
}

impl Asker {
    pub(super) fn live(store: Store) -> Self {
        Self::new(Side::Live(Source::Store(store)))
    }

    pub(super) fn recorded(traces: Arc<HashMap<TraceId, Trace>>) -> Self {
        Self::new(Side::Recorded(traces))
    }

    fn new(side: Side) -> Self {
        let (sender, answers) = mpsc::unbounded_channel();
        Self { side, sender, answers, under_way: Vec::new() }
    }

    /// Asks, unless something of that kind is under way: then whoever wants it asks again.
    pub(super) fn ask(&mut self, question: Question) {
        let kind = std::mem::discriminant(&question);
        if self.under_way.iter().any(|other| std::mem::discriminant(other) == kind) {
            return;
        }
        self.under_way.push(question.clone());
        let (side, sender) = (self.side.clone(), self.sender.clone());
        tokio::spawn(async move {
            // The screen may have gone.
            let _ = sender.send(side.answer(question).await);
        });
    }

    /// The next answer.
    pub(super) async fn answer(&mut self) -> Answer {
        // This holds a sender, so there is always one.
        let Some(answer) = self.answers.recv().await else { std::future::pending().await };
        let asked = match &answer {
            Answer::Trace(id, _) => Question::Trace(*id),
            Answer::Traces(query, _) => Question::Traces(query.clone()),
            Answer::Logs(question, _) => Question::Logs(question.clone()),
        };
        self.under_way.retain(|other| *other != asked);
        answer
    }
}

impl Side {
    async fn answer(&self, question: Question) -> Answer {
        match question {
            Question::Trace(id) => Answer::Trace(id, self.trace(id).await),
            Question::Traces(query) => {
                let found = self.search(&query).await;
                Answer::Traces(query, found)
            }
            Question::Logs(question) => {
                let found = self.logs(&question).await;
                Answer::Logs(question, found)
            }
        }
    }

    async fn trace(&self, id: TraceId) -> Option<Trace> {
        match self {
            Self::Live(source) => source.trace(id).await.ok().flatten(),
            Self::Recorded(traces) => traces.get(&id).cloned(),
        }
    }

    async fn search(&self, query: &Query) -> Result<Vec<FoundTrace>, String> {
        match self {
            Self::Live(source) => source.search(query, 0..u64::MAX, FOUND).await.map_err(|error| format!("{error:#}")),
            Self::Recorded(traces) => {
                let matched = traces.values().map(|trace| (trace, query.matches(trace).len())).filter(|(_, matched)| *matched > 0);
                let mut found: Vec<FoundTrace> = matched.map(|(trace, matched)| FoundTrace::new(trace, matched)).collect();
                found.sort_by_key(|one| std::cmp::Reverse(one.start_unix_nano));
                Ok(found)
            }
        }
    }

    async fn logs(&self, question: &LogQuestion) -> Result<Vec<LogText>, String> {
        let mut lines = match self {
            Self::Live(source) => source.logs(question, 0..u64::MAX).await.map_err(|error| format!("{error:#}"))?,
            Self::Recorded(traces) => recorded_lines(traces, question)?,
        };
        lines.drain(..lines.len().saturating_sub(LINES));
        Ok(lines)
    }
}

/// The lines of the traces that a recording kept, by time.
fn recorded_lines(traces: &HashMap<TraceId, Trace>, question: &LogQuestion) -> Result<Vec<LogText>, String> {
    let filter = question.filter()?;
    let of_trace = traces.iter().filter(|(id, _)| filter.trace().is_none_or(|wanted| wanted == **id));
    let texts = of_trace.flat_map(|(_, trace)| &trace.logs).map(LogText::from);
    let mut lines: Vec<LogText> = texts.filter(|line| filter.fits_text(line.unix_nano, &line.service, &line.text)).collect();
    lines.sort_by_key(|line| line.unix_nano);
    Ok(lines)
}
