//! The two streams a command talks to. A reader that has gone (`lab run | head`) ends nothing: what it wanted, it has.

use std::io::Write as _;

/// Results, to standard output.
pub fn result(text: &str) {
    let mut stream = std::io::stdout().lock();
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}

/// Progress and diagnostics, to standard error, without a line break.
pub fn progress(text: &str) {
    let mut stream = std::io::stderr().lock();
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}

/// A line of progress or diagnostics, to standard error.
pub fn note(line: &str) {
    progress(&format!("{line}\n"));
}
