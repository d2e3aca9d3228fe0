//! The user's own editor, which has the terminal for as long as it runs.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

/// An editor at work on a file; ended with it when this is dropped.
#[derive(Debug)]
pub(super) struct Editing {
    child: Child,
    editor: String,
    /// What is edited.
    pub(super) path: PathBuf,
}

/// What the user has chosen as editor: `VISUAL`, else `EDITOR`, else the one that POSIX promises.
fn chosen() -> String {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    variable("VISUAL").or_else(|| variable("EDITOR")).unwrap_or_else(|| "vi".to_owned())
}

impl Editing {
    /// Starts it on the terminal, which nobody else uses now. It stays in the lab's process group, so that Ctrl-Z stops both.
    ///
    /// # Errors
    /// In a sentence: there is no shell.
    pub(super) fn begin(path: PathBuf) -> Result<Self, String> {
        let editor = chosen();
        let mut command = Command::new("sh");
        // As git does it: what the user wrote may have arguments, and the path is one word whatever is in it.
        command.arg("-c").arg(format!("{editor} \"$@\"")).arg(&editor).arg(argument(&path));
        command.stdin(Stdio::inherit()).stdout(Stdio::inherit()).stderr(Stdio::inherit());
        let child = command.spawn().map_err(|error| format!("cannot run sh for the editor: {error}"))?;
        Ok(Self { child, editor, path })
    }

    /// Waits for its end; what there is to say of it, if anything.
    pub(super) async fn ended(&mut self) -> Option<String> {
        match self.child.wait().await {
            Ok(status) => told(&self.editor, status),
            Err(error) => Some(format!("the editor cannot be waited for: {error}")),
        }
    }
}

impl Drop for Editing {
    fn drop(&mut self) {
        let pid = self.child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        // Asked rather than killed, so that it can put the terminal right and save what is not saved.
        if let Some(pid) = pid {
            let _ = kill_process(pid, Signal::TERM);
        }
    }
}

/// A name that begins with a dash is no option.
fn argument(path: &Path) -> PathBuf {
    if path.is_absolute() { path.to_owned() } else { Path::new(".").join(path) }
}

fn told(editor: &str, status: ExitStatus) -> Option<String> {
    match status.code() {
        Some(0) => None,
        // What a shell says of a program that it cannot find, or may not start.
        Some(126 | 127) => Some(format!("cannot run the editor `{editor}`: set VISUAL or EDITOR to one that is there")),
        Some(code) => Some(format!("the editor `{editor}` ended with code {code}; the file is as it left it")),
        None => Some(format!("the editor `{editor}` was ended by a signal; the file is as it left it")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn an_editor_that_fails_is_told_with_the_way_out() {
        let told = |raw| told("vim -n", ExitStatus::from_raw(raw));
        assert_eq!(told(0), None);
        assert_eq!(told(127 << 8).unwrap(), "cannot run the editor `vim -n`: set VISUAL or EDITOR to one that is there");
        assert_eq!(told(1 << 8).unwrap(), "the editor `vim -n` ended with code 1; the file is as it left it");
        assert_eq!(told(15).unwrap(), "the editor `vim -n` was ended by a signal; the file is as it left it");
    }

    #[test]
    fn a_path_is_never_an_option() {
        assert_eq!(argument(Path::new("-x.toml")), Path::new("./-x.toml"));
        assert_eq!(argument(Path::new("/a/b.toml")), Path::new("/a/b.toml"));
    }
}
