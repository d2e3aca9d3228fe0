//! One program under its guard, from the lab's side.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use lab_facts::event::ProcessChange;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::Spec;
use super::guard::{Event, PATIENCE, Settings};
use super::readiness::Sign;
use crate::observe::child_logs;
use crate::observe::store::Store;
use crate::stack::Notice;
use crate::tasks;

/// Beyond the time that a guard gives its program.
const MARGIN: Duration = Duration::from_secs(2);
/// How long the last lines of a program that is gone may take.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Lines shown of a program that does not start.
const LAST_LINES: usize = 5;

/// A program that is ready. Dropped, it ends soon and unwatched.
#[derive(Debug)]
pub(super) struct Program {
    stop: DropGuard,
    watcher: JoinHandle<()>,
}

/// The guard, and both ends of what it says and hears. It ends the program when it hears no more from the lab.
struct Guarded {
    guard: Child,
    events: Lines<BufReader<OwnedReadHalf>>,
    life: OwnedWriteHalf,
}

/// How the wait for a program ended.
enum Awaited {
    Ready,
    TooLate,
    Gone(Option<Event>),
}

impl Program {
    /// Starts a program and waits until it is ready.
    pub(super) async fn start(
        spec: &Spec,
        limit: Duration,
        store: &Store,
        notices: &mpsc::UnboundedSender<Notice>,
    ) -> anyhow::Result<Self> {
        let name = &spec.name;
        let (heard, mut lines) = mpsc::channel(64);
        let mut guarded = guarded(spec, store, heard).await.with_context(|| format!("cannot start {name}"))?;
        let mut last = VecDeque::with_capacity(LAST_LINES);
        let mut said = String::new();
        let sign = Sign::of(spec)?;
        let ready = async {
            if let Some(sign) = &sign {
                sign.awaited(&mut said).await;
            }
        };
        let awaited = {
            let mut ready = std::pin::pin!(tokio::time::timeout(limit, ready));
            loop {
                tokio::select! {
                    // A program that is gone is not ready, whoever answers in its place.
                    biased;
                    event = next_event(&mut guarded.events) => break Awaited::Gone(event),
                    ready = &mut ready => break ready.map_or(Awaited::TooLate, |()| Awaited::Ready),
                    Some(line) = lines.recv() => keep(&mut last, line),
                }
            }
        };
        let why = match awaited {
            Awaited::Ready => {
                let stop = CancellationToken::new();
                let watcher = tasks::spawn(watch(name.clone(), guarded, notices.clone(), stop.clone()));
                return Ok(Self { stop: stop.drop_guard(), watcher });
            }
            Awaited::Gone(Some(Event::Exited { status })) => format!("{name} ended before it was ready ({status})"),
            Awaited::Gone(_) => format!("{name} ended before it was ready, and its guard with it"),
            Awaited::TooLate => format!("{name} was not ready within {}: {said}", humantime::format_duration(limit)),
        };
        guarded.end().await;
        // Both pipes close when the program is gone.
        let _ = tokio::time::timeout(LAST_WORDS, async {
            while let Some(line) = lines.recv().await {
                keep(&mut last, line);
            }
        })
        .await;
        if last.is_empty() {
            bail!("{why}, and said nothing");
        }
        bail!("{why}; its last words:\n  {}", Vec::from(last).join("\n  "))
    }

    /// Asks it to end and waits for that.
    pub(super) async fn stop(self) {
        drop(self.stop);
        // The watcher ends when the guard has; a panic in it has nothing to add here.
        let _ = self.watcher.await;
    }
}

impl Guarded {
    async fn end(mut self) {
        let _ = self.life.shutdown().await;
        drop(self.life);
        if tokio::time::timeout(PATIENCE + MARGIN, self.guard.wait()).await.is_err() {
            let _ = self.guard.kill().await;
        }
    }
}

fn keep(last: &mut VecDeque<String>, line: String) {
    if last.len() == LAST_LINES {
        last.pop_front();
    }
    last.push_back(line);
}

/// Tells of the program's end, unless it was asked for.
async fn watch(name: String, mut guarded: Guarded, notices: mpsc::UnboundedSender<Notice>, stop: CancellationToken) {
    tokio::select! {
        event = next_event(&mut guarded.events) => {
            let how = match event {
                Some(Event::Exited { status }) => status,
                _ => "its guard is gone, and took it along".to_owned(),
            };
            let _ = notices.send(Notice { name, change: ProcessChange::Exited(how) });
        }
        () = stop.cancelled() => {}
    }
    guarded.end().await;
}

/// Returns when the program has been started.
async fn guarded(spec: &Spec, store: &Store, heard: mpsc::Sender<String>) -> anyhow::Result<Guarded> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let mut guard = spawn_guard(theirs)?;
    let pipes = (guard.stdout.take().context("its guard has no pipes")?, guard.stderr.take().context("its guard has no pipes")?);
    // The guard itself says nothing there: what comes through is the program's.
    tasks::spawn(child_logs::read(spec.name.clone(), pipes.0, store.clone(), heard.clone()));
    tasks::spawn(child_logs::read(spec.name.clone(), pipes.1, store.clone(), heard));
    let (read, mut life) = UnixStream::from_std(ours)?.into_split();
    let settings = Settings { command: spec.command.clone(), env: spec.env.clone(), dir: spec.dir.clone() };
    let mut line = serde_json::to_vec(&settings).context("its folder has a name that is not UTF-8")?;
    line.push(b'\n');
    life.write_all(&line).await.context("its guard does not listen")?;
    let mut guarded = Guarded { guard, events: BufReader::new(read).lines(), life };
    match next_event(&mut guarded.events).await {
        Some(Event::Started) => Ok(guarded),
        Some(Event::Failed { reason }) => bail!(reason),
        Some(Event::Exited { .. }) | None => bail!("its guard ended unexpectedly"),
    }
}

fn spawn_guard(theirs: std::os::unix::net::UnixStream) -> anyhow::Result<Child> {
    let exe = std::env::current_exe().context("cannot find the lab's own program")?;
    let mut command = Command::new(&exe);
    // In its own process group, because Ctrl-C in the terminal is for the lab to answer.
    command.arg("guard-program").env_clear().current_dir("/").process_group(0);
    command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::piped()).stderr(Stdio::piped());
    // With the command goes the lab's own copy of the guard's end.
    command.spawn().with_context(|| format!("cannot start {} guard-program", exe.display()))
}

/// The guard's next event; nothing when it has ended.
async fn next_event(events: &mut Lines<BufReader<OwnedReadHalf>>) -> Option<Event> {
    serde_json::from_str(&events.next_line().await.ok()??).ok()
}
