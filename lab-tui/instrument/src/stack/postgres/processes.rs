//! Finding and ending server processes by the data folder that they work in.
//!
//! A process id in a file may belong to a stranger by now, and PostgreSQL puts each of its processes into a session of
//! its own, so neither a number nor a process group finds them all. But each of them has the data folder as its working
//! directory, for as long as it lives.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

/// The PostgreSQL processes whose working directory is `data`.
pub fn living_in(data: &Path) -> Vec<Pid> {
    let data = fs::canonicalize(data).unwrap_or_else(|_| data.to_owned());
    // Linux shows the working directory so once it has been removed.
    let deleted = PathBuf::from(format!("{} (deleted)", data.display()));
    // Such a system value is never "unsupported" here: where it is, nothing is found and nothing is ended.
    let Ok(mut system) = System::new() else {
        return Vec::new();
    };
    let wanted = ProcessRefreshKind::nothing().without_tasks().with_cwd(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, wanted);
    let inside = system.processes().values().filter(|process| {
        // Somebody may have gone there with a shell, to look around.
        let name = process.name().to_string_lossy();
        let ours = name.contains("postgres") || name.contains("initdb");
        ours && process.cwd().is_some_and(|cwd| cwd == data || cwd == deleted)
    });
    inside.filter_map(|process| Pid::from_raw(i32::try_from(process.pid().as_u32()).ok()?)).collect()
}

/// Ends every PostgreSQL process that works in `data`: at once without saving anything, and after `grace` by force.
/// Returns when they are gone, at the latest half a second after that.
pub fn end_in(data: &Path, grace: Duration) {
    let mut living = if data.exists() { living_in(data) } else { Vec::new() };
    if living.is_empty() {
        return;
    }
    for (signal, patience) in [(Signal::QUIT, grace), (Signal::KILL, Duration::from_millis(500))] {
        let deadline = Instant::now() + patience;
        for &pid in &living {
            let _ = kill_process(pid, signal);
        }
        while !living.is_empty() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
            living = living_in(data);
        }
    }
    free_shared_memory(data);
}

/// Frees the few bytes of System V shared memory that a killed server leaves in the system, of which some systems have
/// only 32 pieces. To be called right after the server was killed: later the piece may be somebody else's.
pub(super) fn free_shared_memory(data: &Path) {
    // A server that ended by itself has freed it, and removed this file. Its seventh line has the key and the number.
    let Ok(text) = fs::read_to_string(data.join("postmaster.pid")) else {
        return;
    };
    let number = text.lines().nth(6).and_then(|line| line.split_whitespace().nth(1)?.parse::<u32>().ok());
    let Some(number) = number else { return };
    let mut free = Command::new("ipcrm");
    free.arg("-m").arg(number.to_string()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // Without that program the bytes stay until the next boot, which harms nobody soon.
    let _ = free.status();
}
