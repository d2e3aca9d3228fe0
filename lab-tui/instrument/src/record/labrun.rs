//! A recording as it is written: events to a half-written file as the run goes on; at its end, with the header in front, to a whole one.

use std::io::{self, Seek as _, Write as _};

use anyhow::Context as _;
use flate2::Compression;
use flate2::write::GzEncoder;
use lab_facts::trace::Trace;
use tempfile::NamedTempFile;

use super::wire::Line;
use super::{Header, History, LONGEST_TEXT};

/// The events of a run that goes on, in gzip.
#[derive(Debug)]
pub(super) struct HalfRun {
    history: History,
    events: GzEncoder<NamedTempFile>,
    text: u64,
}

impl HalfRun {
    pub(super) fn create(history: &History) -> anyhow::Result<Self> {
        Ok(Self { history: history.clone(), events: GzEncoder::new(history.half()?, Compression::fast()), text: 0 })
    }

    /// Adds lines.
    pub(super) fn write(&mut self, lines: &[u8]) -> anyhow::Result<()> {
        self.text += lines.len() as u64;
        anyhow::ensure!(self.text <= LONGEST_TEXT, "the run is longer than a recording may be ({} MiB of events)", LONGEST_TEXT >> 20);
        self.events.write_all(lines).context("the disk takes no more")
    }

    /// Puts the header and the traces in front, and gives it its name. Gzip files may follow one another in one file, so that a list
    /// of runs need not read further than their headers. Returns the run's ID.
    pub(super) fn finish(self, header: &Header, traces: Vec<Trace>, id: &str) -> anyhow::Result<String> {
        let full = "the disk takes no more";
        let mut head = GzEncoder::new(self.history.half()?, Compression::default());
        write_line(&mut head, header)?;
        for trace in traces {
            write_line(&mut head, &Line::of_trace(trace))?;
        }
        let mut whole = head.finish().context(full)?;
        let mut events = self.events.finish().context(full)?;
        events.as_file_mut().rewind()?;
        io::copy(events.as_file_mut(), whole.as_file_mut()).context(full)?;
        // Its name must not come to the disk before its content.
        whole.as_file().sync_all().context(full)?;
        self.history.keep(whole, id)
    }
}

fn write_line(to: &mut impl io::Write, value: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    to.write_all(&line).context("the disk takes no more")
}
