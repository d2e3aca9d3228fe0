//! What a key asks for outside of the screen: a browser, the clipboard.

use std::io::{self, Write};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// The program that opens an address in whatever the user has chosen for it.
const OPENER: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };

/// Done once, by whoever holds the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Errand {
    /// Opens an address.
    Open(String),
    /// Puts a text into the clipboard of the terminal, which may be on another machine.
    Copy(String),
    /// Keeps a scenario under a name that is not taken.
    Keep {
        /// The name without a number and `.toml`.
        stem: String,
        /// Where; empty for where the lab was started.
        folder: PathBuf,
        /// All of it.
        text: String,
    },
}

impl Errand {
    /// Runs it; what came of it, for the viewer.
    pub(super) fn run(&self, terminal: &mut impl Write) -> String {
        match self {
            Self::Open(url) => match open(url) {
                Ok(()) => format!("opening {url}"),
                Err(error) => format!("cannot run {OPENER} ({error}); the address is {url}"),
            },
            Self::Copy(text) => match terminal.write_all(clipboard(text).as_bytes()).and_then(|()| terminal.flush()) {
                Ok(()) => format!("copied {text}"),
                Err(error) => format!("cannot copy: {error}"),
            },
            Self::Keep { stem, folder, text } => {
                let name = |number: u32| if number == 1 { format!("{stem}.toml") } else { format!("{stem}-{number}.toml") };
                match keep(folder, name, text) {
                    Ok(path) => format!("saved as {0}; `lab run {0}` does it again", path.display()),
                    Err(why) => why,
                }
            }
        }
    }
}

/// Writes a picture beside where the lab was started, under a name that is not taken; what came of it, for the viewer.
pub(super) fn keep_picture(svg: &str) -> String {
    match keep(Path::new(""), |number| format!("lab-{number}.svg"), svg) {
        Ok(path) => format!("the screen is in {}", path.display()),
        Err(why) => why,
    }
}

/// Writes a text under the first of the names that is not taken; or says why not.
fn keep(folder: &Path, name: impl Fn(u32) -> String, text: &str) -> Result<PathBuf, String> {
    let file = (1..10_000).find_map(|number| {
        let path = folder.join(name(number));
        match std::fs::File::create_new(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => None,
            file => Some((path, file)),
        }
    });
    let (path, file) = file.ok_or("there are ten thousand of that name here already")?;
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    Ok(path)
}

/// No shell reads the address, and nothing but an address of the web is opened: others may name programs.
fn open(url: &str) -> io::Result<()> {
    if !["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut command = Command::new(OPENER);
    // What it says must not come onto the screen, and the lab's Ctrl-C is not its own.
    command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    let mut opener = command.spawn()?;
    // It may last as long as the browser does.
    std::thread::spawn(move || opener.wait());
    Ok(())
}

/// OSC 52.
fn clipboard(text: &str) -> String {
    format!("\x1b]52;c;{}\x07", BASE64.encode(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_goes_to_the_terminal_and_what_is_no_web_address_nowhere() {
        let mut terminal = Vec::new();
        assert_eq!(Errand::Copy("0af7".to_owned()).run(&mut terminal), "copied 0af7");
        assert_eq!(terminal, b"\x1b]52;c;MGFmNw==\x07");
        for url in ["file:///etc/passwd", "-x", "javascript:1", ""] {
            assert!(Errand::Open(url.to_owned()).run(&mut terminal).starts_with("cannot run "), "{url}");
        }
    }
}
