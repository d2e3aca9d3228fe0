//! One service as a real child process: started, watched, brought back when it dies, ended with the lab.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use lab_facts::event::ProcessChange;
use serde_json::Value;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use super::Notice;
use super::port::{self, Port, PortTaken};
use crate::observe::child_logs;
use crate::observe::store::Store;
use crate::tasks;

/// How long a service may take until it listens.
const START: Duration = Duration::from_secs(10);
/// How long a service may take to end once asked; it bounds itself to less.
const STOP: Duration = Duration::from_secs(3);
/// Before a service that died is started again.
const RESTART_DELAY: Duration = Duration::from_millis(500);
/// Lines shown when a service does not start.
const LAST_LINES: usize = 5;

/// What to start. It has no `Debug`: there are secrets in the environment.
#[derive(Clone)]
pub(super) struct Spec {
    /// As in `lab serve NAME`.
    pub(super) name: &'static str,
    /// The whole environment; nothing is inherited.
    pub(super) env: Vec<(String, String)>,
    pub(super) port: Port,
    /// The lab's own program.
    pub(super) exe: PathBuf,
}

/// A running service. Dropping it ends the process.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) url: Url,
    stop: DropGuard,
    watcher: JoinHandle<()>,
}

/// One life of the process. Its end of the pipe is what keeps it alive: the service ends when standard input closes, which the
/// kernel does however the lab dies.
struct Life {
    child: Child,
    stdin: ChildStdin,
    address: SocketAddr,
}

enum Failure {
    AddressInUse,
    Other(anyhow::Error),
}

impl Service {
    /// Starts the process and waits until it listens.
    pub(super) async fn start(spec: Spec, store: Store, notices: mpsc::UnboundedSender<Notice>) -> anyhow::Result<Self> {
        let chosen = spec.port.choose(spec.name)?;
        let life = match (spawn(&spec, chosen, &store).await, spec.port) {
            (Ok(life), _) => life,
            // Somebody was quicker.
            (Err(Failure::AddressInUse), Port::Preferred(_)) => spawn(&spec, port::another(), &store).await.map_err(Failure::into_error)?,
            (Err(Failure::AddressInUse), Port::Named(number)) => bail!(PortTaken::new(spec.name, number)),
            (Err(failure), _) => return Err(failure.into_error()),
        };
        let url = Url::parse(&format!("http://{}", life.address))?;
        let stop = CancellationToken::new();
        let watcher = tasks::spawn(watch(spec, life, store, notices, stop.clone()));
        Ok(Self { url, stop: stop.drop_guard(), watcher })
    }

    /// Asks it to end, which flushes its telemetry, and waits for that.
    pub(super) async fn stop(self) {
        drop(self.stop);
        // The watcher ends when the process has; a panic in it has nothing to add here.
        let _ = self.watcher.await;
    }
}

impl Failure {
    fn into_error(self) -> anyhow::Error {
        match self {
            Self::AddressInUse => anyhow::anyhow!("its address is in use"),
            Self::Other(error) => error,
        }
    }
}

async fn watch(spec: Spec, first: Life, store: Store, notices: mpsc::UnboundedSender<Notice>, stop: CancellationToken) {
    let port = first.address.port();
    let tell = |change| drop(notices.send(Notice { name: spec.name.to_owned(), change }));
    let mut life = Some(first);
    loop {
        if let Some(Life { mut child, stdin, .. }) = life.take() {
            tokio::select! {
                status = child.wait() => tell(ProcessChange::Exited(status.map_or_else(|error| error.to_string(), |status| status.to_string()))),
                () = stop.cancelled() => {
                    drop(stdin);
                    if tokio::time::timeout(STOP, child.wait()).await.is_err() {
                        let _ = child.kill().await;
                    }
                    return;
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(RESTART_DELAY) => {}
            () = stop.cancelled() => return,
        }
        // The same address as before: the others know it.
        if let Ok(again) = spawn(&spec, port, &store).await {
            tell(ProcessChange::Restarted);
            life = Some(again);
        }
    }
}

async fn spawn(spec: &Spec, port: u16, store: &Store) -> Result<Life, Failure> {
    let (heard, mut lines) = mpsc::channel(64);
    let mut child = command(spec, port)
        .spawn()
        .with_context(|| format!("cannot start {} from {}", spec.name, spec.exe.display()))
        .map_err(Failure::Other)?;
    let missing_pipe = || Failure::Other(anyhow::anyhow!("{} has no pipes", spec.name));
    let stdin = child.stdin.take().ok_or_else(missing_pipe)?;
    let stdout = child.stdout.take().ok_or_else(missing_pipe)?;
    let stderr = child.stderr.take().ok_or_else(missing_pipe)?;
    tasks::spawn(child_logs::read(spec.name.to_owned(), stdout, store.clone(), heard.clone()));
    tasks::spawn(child_logs::read(spec.name.to_owned(), stderr, store.clone(), heard));
    let mut last = VecDeque::with_capacity(LAST_LINES);
    let listening = async {
        // Ends when both pipes have: the process is gone.
        while let Some(line) = lines.recv().await {
            let log: Value = serde_json::from_str(&line).unwrap_or_default();
            match log["message"].as_str() {
                Some("listening") => return log["addr"].as_str().and_then(|address| address.parse().ok()).ok_or(None),
                Some("cannot listen") if log["reason"] == "address in use" => return Err(Some(Failure::AddressInUse)),
                _ => {}
            }
            if last.len() == LAST_LINES {
                last.pop_front();
            }
            last.push_back(line);
        }
        Err(None)
    };
    match tokio::time::timeout(START, listening).await {
        Ok(Ok(address)) => Ok(Life { child, stdin, address }),
        Ok(Err(Some(failure))) => Err(failure),
        Ok(Err(None)) => {
            let said = Vec::from(last).join("\n  ");
            Err(Failure::Other(anyhow::anyhow!("{} ended before it listened; its last words:\n  {said}", spec.name)))
        }
        Err(_) => Err(Failure::Other(anyhow::anyhow!("{} did not listen within {} s", spec.name, START.as_secs()))),
    }
}

fn command(spec: &Spec, port: u16) -> Command {
    let mut command = Command::new(&spec.exe);
    command
        .args(["serve", spec.name, "--exit-with-stdin"])
        .env_clear()
        .envs(spec.env.iter().map(|(name, value)| (name, value)))
        .env("LISTEN_ADDR", format!("127.0.0.1:{port}"))
        .current_dir(Path::new("/"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C in the terminal is for the lab, which then ends its children in order.
        .process_group(0)
        .kill_on_drop(true);
    command
}
