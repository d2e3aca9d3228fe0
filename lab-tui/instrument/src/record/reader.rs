//! From a file to a run. Whatever the file is, reading it takes no more than a recording may hold, and ends in a run or in one sentence.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read as _, Seek as _};
use std::path::Path;

use anyhow::{Context as _, anyhow, bail, ensure};
use flate2::bufread::MultiGzDecoder;
use lab_facts::event::{Event, Fact, TraceId};
use lab_facts::scenario::Plan;
use lab_facts::trace::Trace;
use serde::Deserialize;

use super::bounds::{Bounds, check_trace};
use super::wire::{Held, Line};
use super::{FORMAT, Header, LONGEST_TEXT};

/// No line is longer, in bytes.
const LONGEST_LINE: u64 = 16 << 20;
/// A recording has far fewer.
const MOST_TRACES: usize = 1000;

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A whole run, in memory.
#[derive(Debug)]
pub struct Recording {
    /// The first line.
    pub header: Header,
    /// What ran.
    pub plan: Plan,
    /// In the order in which the model took them in. The last one is [`Fact::Finished`].
    pub events: Vec<Event>,
    /// Those that were worth keeping.
    pub traces: HashMap<TraceId, Trace>,
    /// The file ends before its run does, as one of `--events` does when the lab was killed. The end that `events` has was put there.
    pub cut_off: bool,
}

/// Reads a recording, or what `--events` wrote.
///
/// # Errors
/// One sentence that names the file: it cannot be read, is something else, is damaged, or is of a newer version.
pub fn read(path: &Path) -> anyhow::Result<Recording> {
    let mut lines = Lines::open(path)?;
    lines.recording().map_err(|error| plain(&error)).with_context(|| format!("cannot read {}", path.display()))
}

/// Reads no more than the first line.
///
/// # Errors
/// As [`read`].
pub fn read_header(path: &Path) -> anyhow::Result<Header> {
    let mut lines = Lines::open(path)?;
    lines.header().map_err(|error| plain(&error)).with_context(|| format!("cannot read {}", path.display()))
}

/// Lines of text, compressed or not.
struct Lines {
    text: Box<dyn BufRead + Send>,
    line: Vec<u8>,
    number: usize,
    left: u64,
    compressed: bool,
}

impl Lines {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let opened = || format!("cannot read {}", path.display());
        let mut file = File::open(path).with_context(opened)?;
        ensure!(file.metadata().with_context(opened)?.is_file(), "cannot read {}: it is no file", path.display());
        let mut first = Vec::new();
        (&file).take(2).read_to_end(&mut first).with_context(opened)?;
        file.rewind().with_context(opened)?;
        let compressed = first == GZIP;
        let file = BufReader::new(file);
        let text: Box<dyn BufRead + Send> = if compressed { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) };
        Ok(Self { text, line: Vec::new(), number: 0, left: LONGEST_TEXT, compressed })
    }

    /// The next line without its end; `None` at the end of the file. Half a line at the end is none where a killed lab may have left it.
    fn next(&mut self) -> anyhow::Result<Option<&[u8]>> {
        self.line.clear();
        self.number += 1;
        let most = LONGEST_LINE.min(self.left + 1);
        let read = (&mut self.text).take(most).read_until(b'\n', &mut self.line);
        let read = read.map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof if self.compressed => anyhow!("it is cut off; only what was written to its end can be replayed"),
            ErrorKind::InvalidInput | ErrorKind::InvalidData if self.compressed => anyhow!("it is damaged"),
            _ => anyhow::Error::new(error),
        })?;
        let read = read as u64;
        ensure!(read <= self.left, "it holds more than a recording may ({} MiB of text)", LONGEST_TEXT >> 20);
        self.left -= read;
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
            return Ok(Some(&self.line));
        }
        ensure!(read < LONGEST_LINE, "line {} is longer than any of a recording", self.number);
        match self.line.is_empty() || !self.compressed && self.number > 1 {
            true => Ok(None),
            false => bail!("it is cut off in line {}; only what was written to its end can be replayed", self.number),
        }
    }

    fn header(&mut self) -> anyhow::Result<Header> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
            #[serde(default)]
            lab: String,
        }
        let foreign = "it is no recording of the lab (name a .labrun, a file of --events, or an ID that `lab runs` lists)";
        let first = self.next()?.context(foreign)?;
        let version: Version = serde_json::from_slice(first).map_err(|_| anyhow!(foreign))?;
        let (format, by) = (version.format, version.lab);
        ensure!(
            format <= FORMAT,
            "it has format {format}, written by lab {by}; this lab ({}) reads up to {FORMAT}: update it",
            env!("CARGO_PKG_VERSION")
        );
        serde_json::from_slice(first).map_err(|error| match version.format {
            FORMAT if !by.is_empty() => anyhow!("its header is damaged: {error}"),
            _ => anyhow!(foreign),
        })
    }

    fn recording(&mut self) -> anyhow::Result<Recording> {
        let header = self.header()?;
        let plan = header.plan()?;
        let (mut events, mut traces, mut bounds) = (Vec::<Event>::new(), HashMap::new(), Bounds::default());
        while let Some(line) = self.next()? {
            let held = serde_json::from_slice::<Line>(line).map_err(|error| error.to_string()).and_then(|line| Ok(line.held()?));
            let checked = held.and_then(|held| match held {
                Held::Event(_) if matches!(events.last(), Some(Event { fact: Fact::Finished { .. }, .. })) => {
                    Err("the run was over".to_owned())
                }
                Held::Event(event) => {
                    bounds.check(&event, &plan)?;
                    events.push(event);
                    Ok(())
                }
                Held::Trace(trace) => {
                    check_trace(&trace)?;
                    let id = TraceId::parse(&trace.trace_id).ok_or("a trace ID is none")?;
                    traces.insert(id, trace);
                    if traces.len() <= MOST_TRACES { Ok(()) } else { Err("these are more traces than a recording has".to_owned()) }
                }
            });
            let newer =
                || if header.lab == env!("CARGO_PKG_VERSION") { String::new() } else { format!(" (it was written by lab {})", header.lab) };
            checked.map_err(|why| anyhow!("line {} is not understood: {why}{}", self.number, newer()))?;
        }
        let cut_off = !matches!(events.last(), Some(Event { fact: Fact::Finished { .. }, .. }));
        ensure!(!cut_off || !self.compressed, "it is cut off; only what was written to its end can be replayed");
        if cut_off {
            let at = events.iter().map(|event| event.at).max().unwrap_or_default();
            events.push(Event { at, fact: Fact::Finished { interrupted: true } });
        }
        Ok(Recording { header, plan, events, traces, cut_off })
    }
}

/// What is wrong repeats what was found, which may be long, and may have lines or a terminal's commands in it.
fn plain(error: &anyhow::Error) -> anyhow::Error {
    const LONGEST: usize = 1000;
    let why = crate::out::sentence(error);
    let mut plain = String::new();
    for character in why.chars().take(LONGEST) {
        match character {
            control if control.is_control() => plain.extend(control.escape_default()),
            other => plain.push(other),
        }
    }
    if why.chars().nth(LONGEST).is_some() {
        plain.push('…');
    }
    anyhow!(plain)
}
