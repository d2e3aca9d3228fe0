//! What ends processes when their guard and the lab are killed in the same instant, as by `pkill -9 lab`.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// A shell that waits for a line from the guard, and ends what it is for if the pipe closes without one. Dropping it sends the line:
/// the process id may belong to a stranger from then on.
#[derive(Debug)]
pub(super) struct LastResort(Option<Child>);

impl LastResort {
    /// Ends a PostgreSQL server, which ends its own processes.
    pub(super) fn for_server(pid: u32) -> Self {
        Self::new("read -r _ || kill -QUIT $0", pid)
    }

    /// Ends every process of a group, which is named after its first.
    pub(super) fn for_group(pid: u32) -> Self {
        Self::new("read -r _ || kill -KILL -$0", pid)
    }

    fn new(script: &str, pid: u32) -> Self {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", script, &pid.to_string()]).env_clear().current_dir("/").process_group(0);
        // Without a shell the next lab's sweep ends the server; a group has to do without this.
        Self(shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok())
    }
}

impl Drop for LastResort {
    fn drop(&mut self) {
        let Some(mut shell) = self.0.take() else { return };
        if let Some(mut stdin) = shell.stdin.take() {
            let _ = stdin.write_all(b"\n");
        }
        let _ = shell.wait();
    }
}
