//! The process `lab guard-program`: starts one program in a process group of its own, and ends the whole group when the lab is gone.
//!
//! Other people's programs do not watch a pipe, and a lab that is killed can clean up nothing. So this small process stands between
//! them, as `lab guard` does for PostgreSQL. Its standard input is a socket from the lab: one line of [`Settings`] comes in, [`Event`]s
//! go out, one JSON object a line, and the end of what comes in is the end of the lab. Its other streams are the program's.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, ErrorKind, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use serde::{Deserialize, Serialize};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::stack::last_resort::LastResort;

/// How long a program may take to end once it was asked to.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// What the lab tells the guard. It has no `Debug`: there may be secrets in the environment.
#[derive(Serialize, Deserialize)]
pub struct Settings {
    /// Program and arguments.
    pub command: Vec<String>,
    /// The whole environment.
    pub env: BTreeMap<String, String>,
    /// The working folder.
    pub dir: PathBuf,
}

/// What the guard tells the lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The program runs.
    Started,
    /// It cannot be started; the guard ends.
    Failed {
        /// Why.
        reason: String,
    },
    /// It has ended, and so has its group; the guard ends.
    Exited {
        /// As in `exit status: 1`.
        status: String,
    },
}

/// What wakes the guard.
enum Wake {
    LabGone,
    ProgramEnded,
}

/// The process's main: prints nothing, for its streams belong to the program.
pub fn main() -> ExitCode {
    let Ok(socket) = io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from) else { return ExitCode::FAILURE };
    let Ok(copy) = socket.try_clone() else { return ExitCode::FAILURE };
    let mut from_lab = BufReader::new(copy);
    let mut line = String::new();
    let settings: Settings = match from_lab.read_line(&mut line).map(|_| serde_json::from_str(&line)) {
        Ok(Ok(settings)) => settings,
        // Started by hand, or the lab ended already.
        _ => {
            crate::out::note("`lab guard-program` is a part of the lab, which starts it by itself");
            return ExitCode::FAILURE;
        }
    };
    // It ends when the lab does and not before: whoever signals every process at once must not make it leave its program alone.
    for signal in [SIGTERM, SIGINT, SIGHUP] {
        let _ = signal_hook::flag::register(signal, Arc::default());
    }
    let event = match start(&settings) {
        Ok(child) => {
            tell(&socket, &Event::Started);
            watch(child, from_lab)
        }
        Err(reason) => Event::Failed { reason },
    };
    tell(&socket, &event);
    ExitCode::SUCCESS
}

fn start(settings: &Settings) -> Result<Child, String> {
    let Some((program, arguments)) = settings.command.split_first() else { return Err("no program is named".to_owned()) };
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(&settings.env).current_dir(&settings.dir);
    command.stdin(Stdio::null()).process_group(0).spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound if program.contains('/') => format!("there is no {program}"),
        ErrorKind::NotFound => format!("there is no program `{program}` on PATH"),
        ErrorKind::PermissionDenied => format!("{program} may not be run"),
        _ => format!("{program}: {error}"),
    })
}

/// Returns when the program and its group have ended.
fn watch(mut child: Child, from_lab: BufReader<UnixStream>) -> Event {
    let last_resort = LastResort::for_group(child.id());
    let group = Pid::from_child(&child);
    let (waker, wake) = channel();
    listen(from_lab, &waker);
    await_end(group, waker);
    if let Ok(Wake::LabGone) = wake.recv() {
        let _ = kill_process_group(group, Signal::TERM);
        patience(&wake);
    }
    // The program has not been waited for yet, so its number still belongs to its group, and to nobody else.
    let _ = kill_process_group(group, Signal::KILL);
    let status = child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
    drop(last_resort);
    Event::Exited { status }
}

/// Until the program has ended, or has had its time to.
fn patience(wake: &Receiver<Wake>) {
    while let Ok(Wake::LabGone) = wake.recv_timeout(PATIENCE) {}
}

/// Wakes the guard when the lab says no more.
fn listen(mut from_lab: BufReader<UnixStream>, waker: &Sender<Wake>) {
    // A lab that cannot be listened to counts as gone, here and below.
    let heard = thread::Builder::new().name("lab".to_owned()).spawn({
        let waker = waker.clone();
        move || {
            let _ = io::copy(&mut from_lab, &mut io::sink());
            let _ = waker.send(Wake::LabGone);
        }
    });
    if heard.is_err() {
        let _ = waker.send(Wake::LabGone);
    }
}

/// Wakes the guard when the program has ended, and leaves it to be waited for.
fn await_end(program: Pid, waker: Sender<Wake>) {
    let spare = waker.clone();
    let waiting = thread::Builder::new().name("program".to_owned()).spawn(move || {
        while matches!(waitid(WaitId::Pid(program), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT), Err(Errno::INTR)) {}
        let _ = waker.send(Wake::ProgramEnded);
    });
    if waiting.is_err() {
        let _ = spare.send(Wake::LabGone);
    }
}

fn tell(mut socket: &UnixStream, event: &Event) {
    let Ok(mut line) = serde_json::to_vec(event) else { return };
    line.push(b'\n');
    // The lab may be gone.
    let _ = socket.write_all(&line);
}
