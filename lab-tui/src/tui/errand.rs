//! What a key asks for outside of the screen: a browser, the clipboard.

use std::io::{self, Write};
use std::os::unix::process::CommandExt as _;
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
        }
    }
}

/// Writes a picture beside where the lab was started, under a name that is not taken; what came of it, for the viewer.
pub(super) fn keep_picture(svg: &str) -> String {
    let file = (1..10_000).find_map(|number| {
        let name = format!("lab-{number}.svg");
        let file = std::fs::File::create_new(&name);
        match file {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => None,
            file => Some((name, file)),
        }
    });
    match file.map(|(name, file)| (name, file.and_then(|mut file| file.write_all(svg.as_bytes())))) {
        Some((name, Ok(()))) => format!("the screen is in {name}"),
        Some((name, Err(error))) => format!("cannot write {name}: {error}"),
        None => "there are ten thousand pictures here already".to_owned(),
    }
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
