//! The process `lab guard`: starts PostgreSQL, restarts it when it is killed, and ends it when the lab is gone.
//!
//! PostgreSQL cannot watch a pipe, and a lab that is killed can clean up nothing. So this small process stands between
//! them. Its standard input is a pipe from the lab: one line of [`Settings`], then nothing, and its end is the end of
//! the lab. On its standard output it tells [`Event`]s, one JSON object a line.

use std::fs;
use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use serde::{Deserialize, Serialize};

use super::inbox::Inbox;
use super::programs::Programs;
use super::server::{Outcome, Running, Server, describe};
use super::template::Template;
use crate::stack::port::{self, Port, PortTaken};
use crate::stack::run_folder::{self, GuardLock};

/// What the lab tells its guard.
#[derive(Debug, Serialize, Deserialize)]
pub struct Settings {
    pub programs: Programs,
    /// The run folder, which exists and is locked by the lab.
    pub folder: PathBuf,
    /// Where templates are kept.
    pub cache: Option<PathBuf>,
    pub port: Port,
}

/// What the guard tells the lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The server accepts connections.
    Started { pid: u32, port: u16, from_template: bool },
    /// It ended, and nobody had asked it to: it is started again. Like `signal 9`.
    Exited { status: String },
    /// The port that the user named is taken; the guard ends.
    PortTaken(PortTaken),
    /// The first start failed; the guard ends. With the last lines of the server's log.
    Failed { reason: String },
}

/// The process's main: never prints anything but events, for the terminal belongs to the lab.
pub fn main() -> ExitCode {
    let mut line = String::new();
    let settings: Settings = match io::stdin().lock().read_line(&mut line).map(|_| serde_json::from_str(&line)) {
        Ok(Ok(settings)) => settings,
        // Started by hand, or the lab ended already.
        _ => {
            crate::out::note("`lab guard` is a part of the lab, which starts it by itself");
            return ExitCode::FAILURE;
        }
    };
    let folder = settings.folder.clone();
    let Ok(lock) = GuardLock::take(&folder) else {
        return ExitCode::FAILURE;
    };
    let result = Inbox::open().context("cannot listen to signals").and_then(|inbox| guard(settings, &inbox));
    let _ = fs::remove_dir_all(folder.join("postgres"));
    let code = match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&match error.downcast::<PortTaken>() {
                Ok(taken) => Event::PortTaken(taken),
                Err(error) => Event::Failed { reason: format!("{error:#}") },
            });
            ExitCode::FAILURE
        }
    };
    // If the lab is gone as well, nobody needs the folder any more.
    drop(lock);
    run_folder::remove_if_dead(&folder);
    code
}

/// Returns when the lab has ended, and the server too.
fn guard(settings: Settings, inbox: &Inbox) -> Result<()> {
    let template = settings.cache.as_deref().map(|cache| Template::of(cache, &settings.programs));
    let first_choice = settings.port.choose("postgres")?;
    let server = Server::prepare(settings.programs, &settings.folder)?;
    let first = first_start(&server, template.as_ref(), settings.port, first_choice, inbox);
    let Some((running, port, from_template)) = first? else {
        return Ok(());
    };
    tell(&Event::Started { pid: running.child.id(), port, from_template });
    watch(&server, running, port, inbox)
}

/// Starts the server for the first time; nothing where the lab ended meanwhile.
fn first_start(
    server: &Server,
    template: Option<&Template>,
    wish: Port,
    mut port: u16,
    inbox: &Inbox,
) -> Result<Option<(Running, u16, bool)>> {
    let Some(mut from_template) = server.fill(template, inbox)? else {
        return Ok(None);
    };
    let mut lost_races = 0;
    loop {
        let from = server.log_length();
        let status = match server.start(port, inbox)? {
            Outcome::Done(running) => return Ok(Some((running, port, from_template))),
            Outcome::Ended => return Ok(None),
            Outcome::Died(status) => status,
        };
        server.end_leftovers();
        let log = server.log_tail(from);
        if log.contains("could not bind IPv4 address") && lost_races < 10 {
            // Somebody took it between the choice and the start.
            match wish {
                Port::Named(port) => return Err(PortTaken::new("postgres", port).into()),
                Port::Preferred(_) => port = port::another(),
            }
            lost_races += 1;
        } else if let (true, Some(template)) = (from_template, template) {
            // Every file had its size, and yet the server does not like them.
            template.discard();
            let Some(again) = server.fill(Some(template), inbox)? else {
                return Ok(None);
            };
            from_template = again;
        } else {
            return Err(anyhow!("PostgreSQL ended while it started ({})\n{log}", describe(status)));
        }
    }
}

/// Keeps the server alive for as long as the lab is.
fn watch(server: &Server, mut running: Running, port: u16, inbox: &Inbox) -> Result<()> {
    let mut backoff = Backoff::default();
    loop {
        let started = Instant::now();
        let mut status = loop {
            if inbox.ended() {
                server.end(&mut running.child, inbox);
                return Ok(());
            }
            if let Some(status) = running.child.try_wait()? {
                break status;
            }
            server.trim_log();
            inbox.wait(Duration::from_secs(5));
        };
        backoff.lived(started.elapsed());
        running = loop {
            tell(&Event::Exited { status: describe(status) });
            server.end_leftovers();
            if inbox.pause(backoff.next_pause()) {
                return Ok(());
            }
            match server.start(port, inbox)? {
                Outcome::Done(running) => break running,
                Outcome::Ended => return Ok(()),
                Outcome::Died(again) => status = again,
            }
        };
        tell(&Event::Started { pid: running.child.id(), port, from_template: false });
    }
}

/// How long to wait before the next attempt: 10 ms, then twice as long each time, at most 2 s.
#[derive(Debug, Default)]
struct Backoff {
    failures: u32,
}

impl Backoff {
    fn lived(&mut self, duration: Duration) {
        if duration > Duration::from_secs(10) {
            self.failures = 0;
        }
    }

    fn next_pause(&mut self) -> Duration {
        let pause = Duration::from_millis(10 << self.failures.min(8)).min(Duration::from_secs(2));
        self.failures += 1;
        pause
    }
}

fn tell(event: &Event) {
    let Ok(line) = serde_json::to_string(event) else {
        return;
    };
    let mut stdout = io::stdout().lock();
    // The lab may be gone.
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}
