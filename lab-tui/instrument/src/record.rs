//! A run on disk: its stream of events, in a wire type of its own, from which the whole run can be shown and judged again.
//!
//! The text is one JSON object a line: a header, then traces worth keeping, then events. `--events` writes it as it comes; a
//! recording (`.labrun`) is the same text in gzip, with the verdict in its header. `docs/EVENTS.md` is the reference of both.

mod bounds;
mod header;
mod history;
mod keep;
mod labrun;
mod player;
mod reader;
mod recorder;
mod wire;

pub use header::{End, Header};
pub use history::{History, Listed};
pub use player::Player;
pub use reader::{Recording, read, read_header};
pub use recorder::{Outputs, Recorded, Recorder};
pub use wire::WireDatabase;

/// Raised when a line changes its meaning. Facts may be added without that.
pub const FORMAT: u32 = 1;

/// A recording has no more text than this, in bytes: some hours of a busy run. What is read is held in memory.
const LONGEST_TEXT: u64 = 256 << 20;

#[cfg(test)]
mod tests;
