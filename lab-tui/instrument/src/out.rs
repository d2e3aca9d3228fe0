//! The two streams a command talks to. A reader that has gone (`lab run | head`) ends nothing: what it wanted, it has.

use std::borrow::Cow;
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};

use rustix::termios::tcgetwinsize;

use crate::report::TraceLink;

/// Results, to standard output.
///
/// # Errors
/// When they cannot be written, except to a reader that has gone.
pub fn result(text: &str) -> io::Result<()> {
    written(harmless(text).as_bytes())
}

/// Results, in which trace IDs are links where standard output is a terminal.
///
/// # Errors
/// As of [`result`].
pub fn result_linked(text: &str, link: Option<&TraceLink>) -> io::Result<()> {
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    match link.filter(|_| io::stdout().is_terminal() && !dumb) {
        Some(link) => written(link.in_terminal(&harmless(text)).as_bytes()),
        None => result(text),
    }
}

fn written(bytes: &[u8]) -> io::Result<()> {
    let mut stream = io::stdout().lock();
    match stream.write_all(bytes).and_then(|()| stream.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// Results that come little by little, to standard output. Returns whether somebody still reads.
///
/// # Errors
/// When they cannot be written, except to a reader that has gone.
pub fn piece(text: &str) -> io::Result<bool> {
    let mut stream = io::stdout().lock();
    match stream.write_all(harmless(text).as_bytes()).and_then(|()| stream.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error),
    }
}

/// A line of progress or diagnostics, to standard error.
pub fn note(line: &str) {
    raw(&format!("{}\n", harmless(line)));
}

/// To standard error as it is, control sequences included.
fn raw(text: &str) {
    let mut stream = io::stderr().lock();
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}

/// The line on standard error that is drawn anew in its place, where there is a terminal that can do so. Dropped, it is gone.
#[derive(Debug)]
pub struct MovingLine {
    moves: bool,
    drawn: bool,
}

impl MovingLine {
    /// Nothing is drawn yet.
    pub fn on_stderr() -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { moves: io::stderr().is_terminal() && !dumb, drawn: false }
    }

    /// Whether it can be drawn at all; where not, plain lines have to do.
    pub fn moves(&self) -> bool {
        self.moves
    }

    /// How many columns it may have: one that wraps could not be overwritten.
    pub fn width(&self) -> usize {
        let columns = tcgetwinsize(io::stderr()).map_or(0, |size| usize::from(size.ws_col));
        // Some terminals do not know theirs.
        if columns == 0 { 79 } else { columns - 1 }
    }

    /// Draws it, cut to its width.
    pub fn draw(&mut self, text: &str) {
        if self.moves {
            let shown: String = harmless(text).chars().take(self.width()).collect();
            raw(&format!("\r\x1b[2K{shown}"));
            self.drawn = true;
        }
    }

    /// Writes a line that stays, in its place.
    pub fn say(&mut self, text: &str) {
        self.clear();
        note(text);
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            raw("\r\x1b[2K");
        }
    }
}

impl Drop for MovingLine {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Names and messages of others must not steer the terminal.
fn harmless(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && c != '\n';
    if text.contains(steers) { text.replace(steers, "\u{fffd}").into() } else { text.into() }
}

/// An error with its causes, as one sentence. Some libraries say their cause in their own words already; it is not said again.
pub fn sentence(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain() {
        let database = refusal(cause);
        let text = database.clone().unwrap_or_else(|| cause.to_string());
        if said.is_empty() {
            said = text;
        } else if !said.ends_with(&text) {
            said = format!("{said}: {text}");
        }
        // Behind it is the same once more.
        if database.is_some() {
            break;
        }
    }
    said
}

/// What a database said. The line of PostgreSQL's source that sqlx adds means nothing to a reader; the SQLSTATE does.
fn refusal(cause: &(dyn std::error::Error + 'static)) -> Option<String> {
    let error = cause.downcast_ref::<sqlx::Error>()?.as_database_error()?;
    let code = error.code().map(|code| format!(" (SQLSTATE {code})")).unwrap_or_default();
    Some(format!("{}{code}", error.message()))
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
