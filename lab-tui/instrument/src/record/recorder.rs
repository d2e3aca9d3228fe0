//! What a run's events pass by on their way to the model. Writing happens elsewhere, so that a slow disk delays nothing.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use lab_facts::event::{Event, Fact};
use lab_facts::model::Model;
use lab_facts::verdict::Verdict;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinHandle;

use super::labrun::HalfRun;
use super::wire::Line;
use super::{End, Header, History, keep};
use crate::compare::Series;
use crate::observe::store::Store;
use crate::tasks;

/// Where events go beside the model.
#[derive(Debug, Default)]
pub struct Outputs {
    stream: Option<Stream>,
    half: Option<HalfRun>,
    /// Why there is no recording, where one was wanted.
    no_recording: Option<anyhow::Error>,
    series: Option<Series>,
}

/// Lines that somebody reads while the run goes on.
#[derive(Debug)]
struct Stream {
    name: PathBuf,
    /// Standard output where there is none.
    file: Option<File>,
    failed: Option<io::Error>,
}

impl Outputs {
    /// With `--events`, to a file or, where there is none, to standard output.
    pub fn stream(&mut self, name: &Path, file: Option<File>) {
        self.stream = Some(Stream { name: name.to_owned(), file, failed: None });
    }

    /// With a recording in the history. That it cannot be written is told at the end and is no failure.
    pub fn record(&mut self, history: anyhow::Result<History>) {
        match history.and_then(|history| HalfRun::create(&history)) {
            Ok(half) => self.half = Some(half),
            Err(error) => self.no_recording = Some(error),
        }
    }

    /// With values a second, to be compared.
    pub fn series(&mut self, series: Series) {
        self.series = Some(series);
    }

    fn write(&mut self, lines: &[u8]) {
        if let Some(stream) = &mut self.stream {
            stream.write(lines);
        }
        if let Some(half) = &mut self.half
            && let Err(error) = half.write(lines)
        {
            (self.half, self.no_recording) = (None, Some(error));
        }
    }
}

impl Stream {
    fn write(&mut self, lines: &[u8]) {
        if self.failed.is_none() {
            let written = match &mut self.file {
                Some(file) => file.write_all(lines),
                None => {
                    let mut stream = io::stdout().lock();
                    stream.write_all(lines).and_then(|()| stream.flush())
                }
            };
            self.failed = written.err();
        }
    }
}

/// The recording of one run.
#[derive(Debug)]
pub struct Recorder {
    header: Header,
    writer: JoinHandle<Outputs>,
    passed: JoinHandle<()>,
}

/// What became of it.
#[derive(Debug)]
pub struct Recorded {
    /// The run's ID in the history. `None` where none was wanted, or nothing was sent; else why there is none.
    pub run: anyhow::Result<Option<String>>,
    /// Whether `--events` could be written, except to a reader that has gone.
    pub events: anyhow::Result<()>,
    /// With its values a second, where they were wanted.
    pub series: Option<Series>,
    /// What was recorded.
    pub header: Header,
}

impl Recorder {
    /// Puts itself between those who tell events and those who take them in. Needs a runtime.
    pub fn between(header: Header, outputs: Outputs) -> (Self, UnboundedSender<Event>, UnboundedReceiver<Event>) {
        let (facts, mut told) = mpsc::unbounded_channel::<Event>();
        let (teller, events) = mpsc::unbounded_channel();
        let (copies, to_write) = mpsc::unbounded_channel();
        let first = serde_json::to_vec(&header).unwrap_or_default();
        let writer = tokio::task::spawn_blocking(move || write(outputs, &first, to_write));
        let passed = tasks::spawn(async move {
            let (mut last, mut finished) = (std::time::Duration::ZERO, false);
            while let Some(event) = told.recv().await {
                (last, finished) = (last.max(event.at), matches!(event.fact, Fact::Finished { .. }));
                let _ = copies.send(event.clone());
                // A model that is gone wants to hear nothing more; the recording does.
                let _ = teller.send(event);
            }
            // Whoever leaves in the middle of a run ends it.
            if !finished {
                let _ = copies.send(Event { at: last, fact: Fact::Finished { interrupted: true } });
            }
        });
        (Self { header, writer, passed }, facts, events)
    }

    /// Waits until all is written, then keeps the recording. Those who tell events must be gone. The traces worth keeping are taken
    /// from the store.
    pub fn end<'a>(self, model: &'a Model, verdict: &'a Verdict, store: &'a Store) -> BoxFuture<'a, Recorded> {
        async move {
            let Self { mut header, writer, passed } = self;
            let _ = passed.await;
            let mut outputs = match writer.await {
                Ok(outputs) => outputs,
                Err(error) => return Recorded { run: Err(error.into()), events: Ok(()), series: None, header },
            };
            let events = match outputs.stream.take() {
                Some(Stream { name, failed: Some(error), .. }) if error.kind() != io::ErrorKind::BrokenPipe => {
                    Err(error).with_context(|| format!("cannot write the events to {}", name.display()))
                }
                _ => Ok(()),
            };
            let end = End::of(model, verdict);
            let empty = end.requests == 0;
            header.end = Some(end);
            let run = match (outputs.half, outputs.no_recording) {
                // Whoever leafs through the scenarios does not push real runs out of the history.
                (Some(_), _) if empty => Ok(None),
                (Some(half), _) => {
                    let traces = keep::worth_keeping(model, store);
                    let header = header.clone();
                    let kept = tokio::task::spawn_blocking(move || half.finish(&header, traces, &id(&header.started))).await;
                    kept.map_err(anyhow::Error::new).and_then(|kept| kept).map(Some)
                }
                (None, Some(error)) => Err(error),
                (None, None) => Ok(None),
            };
            Recorded { run, events, series: outputs.series, header }
        }
        .boxed()
    }
}

fn write(mut outputs: Outputs, header: &[u8], mut events: UnboundedReceiver<Event>) -> Outputs {
    let mut lines = header.to_vec();
    lines.push(b'\n');
    // The recording gets its header at the end, when there is more to say.
    if let Some(stream) = &mut outputs.stream {
        stream.write(&lines);
    }
    while let Some(event) = events.blocking_recv() {
        lines.clear();
        // What comes at once is written at once.
        let mut next = Some(event);
        while let Some(event) = next {
            if let Some(series) = &mut outputs.series {
                series.apply(&event);
            }
            // Of numbers, texts and lists: serde_json can write all of it to memory.
            let _ = serde_json::to_writer(&mut lines, &Line::of_event(&event));
            lines.push(b'\n');
            next = events.try_recv().ok().filter(|_| lines.len() < 1 << 16);
        }
        outputs.write(&lines);
    }
    outputs
}

/// `2026-11-24T01:50:36Z` is `20261124-015036`.
fn id(started: &str) -> String {
    let digits: String = started.chars().take(19).filter(char::is_ascii_digit).collect();
    let (day, time) = digits.split_at_checked(8).unwrap_or((&digits, "0"));
    format!("{day}-{time}")
}
