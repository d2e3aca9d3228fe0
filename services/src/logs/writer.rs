//! A writer that never makes a service wait: lines gather in memory, and a thread of its own writes them in batches.
//!
//! Batching is what makes logging cheap here: a busy service pays one write for hundreds of lines. When the reader at the
//! other end of the pipe stops reading, lines beyond the buffer are dropped and counted, and the count is told (in a log
//! line as soon as there is room, and as a metric).

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What may wait in memory. At some 300 bytes a line this is 14,000 lines.
const CAPACITY: usize = 4 * 1024 * 1024;

/// How long the thread lets lines gather. Short enough for a live view, long enough for a batch.
const GATHER: Duration = Duration::from_millis(5);

/// The end that services write to. Clones share one buffer and one thread.
#[derive(Debug, Clone)]
pub(crate) struct LogWriter {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Told when lines wait, and when they are to be written without delay.
    filled: Condvar,
    /// Told when everything has been written.
    drained: Condvar,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<u8>,
    /// A batch is being written right now.
    writing: bool,
    /// Somebody waits for the buffer to be empty.
    flush: bool,
    /// The other end is gone for good.
    broken: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LogWriter {
    /// Starts the thread. `report` makes the line that tells how many lines were dropped.
    pub(crate) fn start(output: impl Write + Send + 'static, report: impl Fn(u64) -> Vec<u8> + Send + 'static) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State::default()),
            filled: Condvar::new(),
            drained: Condvar::new(),
            dropped: AtomicU64::new(0),
        });
        let theirs = Arc::clone(&shared);
        std::thread::Builder::new().name("logs".to_owned()).spawn(move || write_all(&theirs, output, &report))?;
        Ok(Self { shared })
    }

    /// Takes one whole line, its newline included, or counts it as dropped.
    pub(crate) fn write(&self, line: &[u8]) {
        let mut state = self.shared.state();
        if state.broken || state.lines.len() + line.len() > CAPACITY {
            drop(state);
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let wake = state.lines.is_empty();
        state.lines.extend_from_slice(line);
        drop(state);
        if wake {
            self.shared.filled.notify_one();
        }
    }

    /// Lines dropped so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    /// Waits until everything is written, at most `patience`.
    pub(crate) fn flush(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        let mut state = self.shared.state();
        state.flush = true;
        self.shared.filled.notify_one();
        while !state.broken && (state.writing || !state.lines.is_empty()) {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                return;
            };
            state = self.shared.drained.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn write_all(shared: &Shared, mut output: impl Write, report: &impl Fn(u64) -> Vec<u8>) {
    let mut batch = Vec::new();
    let mut reported = 0;
    loop {
        {
            let mut state = shared.state();
            while state.lines.is_empty() {
                state = shared.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if !state.flush {
                drop(state);
                std::thread::sleep(GATHER);
                state = shared.state();
            }
            std::mem::swap(&mut state.lines, &mut batch);
            state.writing = true;
        }
        let dropped = shared.dropped.load(Ordering::Relaxed);
        let mut result = output.write_all(&batch);
        if result.is_ok() && dropped > reported {
            result = output.write_all(&report(dropped - reported));
            reported = dropped;
        }
        let result = result.and_then(|()| output.flush());
        batch.clear();
        let mut state = shared.state();
        state.writing = false;
        if result.is_err() {
            // Nobody reads any more. Lines are counted from here on, and the service goes on serving.
            state.broken = true;
            state.lines = Vec::new();
        }
        let broken = state.broken;
        drop(state);
        shared.drained.notify_all();
        if broken {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// Blocks in its first write until it is allowed to go on.
    struct Stuck {
        gate: mpsc::Receiver<()>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let _ = self.gate.recv();
            self.written.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_stuck_reader_costs_lines_and_no_time_and_the_loss_is_told() {
        let (open, gate) = mpsc::channel();
        let written = Arc::new(Mutex::new(Vec::new()));
        let writer = LogWriter::start(Stuck { gate, written: Arc::clone(&written) }, |lost| format!("lost {lost}\n").into_bytes()).unwrap();
        let line = vec![b'x'; CAPACITY / 4];
        for _ in 0..40 {
            writer.write(&line);
        }
        let dropped = writer.dropped();
        assert!(dropped >= 30, "{dropped}");
        drop(open);
        writer.flush(Duration::from_secs(10));
        let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        assert!(text.contains(&format!("lost {dropped}\n")));
        assert_eq!(text.matches('x').count(), (40 - usize::try_from(dropped).unwrap()) * (CAPACITY / 4));
    }

    struct Gone;

    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_broken_pipe_ends_the_thread_and_nothing_else() {
        let writer = LogWriter::start(Gone, |_| Vec::new()).unwrap();
        writer.write(b"a\n");
        writer.flush(Duration::from_secs(10));
        writer.write(b"b\n");
        writer.flush(Duration::from_secs(10));
        assert_eq!(writer.dropped(), 1);
    }
}
