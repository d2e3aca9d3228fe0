//! Requests to stop: SIGTERM, SIGINT, and, for a child of the lab, the end of standard input.

use std::io::Read;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::tasks;

/// The exit code of somebody who would not wait.
const IMPATIENT: i32 = 130;

/// Cancels the token at the first request to stop; a second signal ends the process at once.
pub(crate) fn listen(exit_with_stdin: bool) -> std::io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let asked = token.clone();
    tasks::spawn(async move {
        for first in [true, false] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            asked.cancel();
            if !first {
                std::process::exit(IMPATIENT);
            }
        }
    });
    if exit_with_stdin {
        let asked = token.clone();
        // A thread and not a task: reading from a pipe blocks, and the runtime could not end before it returned.
        std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
            let mut stdin = std::io::stdin().lock();
            let mut ignored = [0; 256];
            while !matches!(stdin.read(&mut ignored), Ok(0) | Err(_)) {}
            asked.cancel();
        })?;
    }
    Ok(token)
}
