//! What is awaited while the stack starts, and how far the fetch of PostgreSQL is: a bar that moves on a terminal, a few plain lines elsewhere.

use std::time::{Duration, Instant};

use lab_instrument::out::{self, MovingLine};
use lab_instrument::stack::postgres::fetch::Progress;

/// How often the bar moves.
const FRAME: Duration = Duration::from_millis(100);
/// How often a plain line is written where nothing can move.
const PLAIN: Duration = Duration::from_secs(5);
/// Columns of the bar itself.
const BAR: u64 = 30;

/// Shows [`Progress`] on standard error; leaves no half-drawn line behind, also where the fetch is interrupted.
#[derive(Debug)]
pub(super) struct Fetching {
    line: MovingLine,
    last: Instant,
}

impl Fetching {
    pub(super) fn new() -> Self {
        Self { line: MovingLine::on_stderr(), last: Instant::now() }
    }

    /// What takes its time before there is anything else to see.
    pub(super) fn begin(&mut self) {
        self.line.draw("starting PostgreSQL and the services");
    }

    pub(super) fn show(&mut self, progress: Progress) {
        match progress {
            Progress::Waiting => self.line.say("another lab is fetching PostgreSQL; waiting for it"),
            Progress::Started { version, from, bytes } => {
                let size = bytes.map_or(String::new(), |bytes| format!(", {}", megabytes(bytes)));
                self.line.say(&format!("fetching PostgreSQL {version}, once ({from}{size})"));
            }
            Progress::Received { bytes, of } => self.received(bytes, of),
            Progress::Unpacking => self.line.draw("unpacking"),
            Progress::Ready { folder } => self.line.say(&format!("PostgreSQL is in {}", folder.display())),
        }
    }

    fn received(&mut self, bytes: u64, of: Option<u64>) {
        let done = of == Some(bytes) && self.line.moves();
        if !done && self.last.elapsed() < if self.line.moves() { FRAME } else { PLAIN } {
            return;
        }
        self.last = Instant::now();
        let text = line(bytes, of);
        if self.line.moves() { self.line.draw(&text) } else { out::note(&format!("  {text}")) }
    }
}

fn line(bytes: u64, of: Option<u64>) -> String {
    let Some(of) = of.filter(|of| *of > 0) else { return megabytes(bytes) };
    let full = bytes.min(of) * BAR / of;
    let bar: String = (0..BAR).map(|column| if column < full { '█' } else { '·' }).collect();
    format!("{:>3} %  {bar}  {} of {}", bytes.min(of) * 100 / of, megabytes(bytes), megabytes(of))
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_says_how_much_of_how_much() {
        assert_eq!(line(15_000_000, Some(30_000_000)), format!(" 50 %  {}{}  15.0 MB of 30.0 MB", "█".repeat(15), "·".repeat(15)));
        assert_eq!(line(30_000_000, Some(30_000_000)), format!("100 %  {}  30.0 MB of 30.0 MB", "█".repeat(30)));
        assert_eq!(line(1_500_000, None), "1.5 MB");
        assert_eq!(line(0, Some(0)), "0.0 MB");
    }
}
