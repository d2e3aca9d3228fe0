//! The two streams a command talks to. A reader that has gone (`lab run | head`) ends nothing: what it wanted, it has.

use std::borrow::Cow;
use std::io::{self, ErrorKind, Write as _};

/// Results, to standard output.
///
/// # Errors
/// When they cannot be written, except to a reader that has gone.
pub fn result(text: &str) -> io::Result<()> {
    let mut stream = io::stdout().lock();
    match stream.write_all(harmless(text).as_bytes()).and_then(|()| stream.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// Progress, to standard error: as it is, control sequences included.
pub fn progress(text: &str) {
    let mut stream = io::stderr().lock();
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}

/// A line of progress or diagnostics, to standard error.
pub fn note(line: &str) {
    progress(&format!("{}\n", harmless(line)));
}

/// Names and messages of others must not steer the terminal.
fn harmless(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && c != '\n';
    if text.contains(steers) { text.replace(steers, "\u{fffd}").into() } else { text.into() }
}

/// An error with its causes, as one sentence. Some libraries say their cause in their own words already; it is not said again.
pub fn sentence(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |said, cause| match cause.to_string() {
        text if said.is_empty() => text,
        text if said.ends_with(&text) => said,
        text => format!("{said}: {text}"),
    })
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::sentence;

    #[test]
    fn a_cause_is_said_once() {
        let error = anyhow!("no such table").context("the database said: no such table").context("cannot lock it");
        assert_eq!(sentence(&error), "cannot lock it: the database said: no such table");
    }
}
