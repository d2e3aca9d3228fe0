//! What the guard waits for: the end of the lab, a signal, the end of a child.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Wakes the guard whenever something happened; it then looks what it was.
#[derive(Debug)]
pub(super) struct Inbox {
    ended: Arc<AtomicBool>,
    wake: Receiver<()>,
}

impl Inbox {
    /// Begins to listen to standard input, whose end is the end of the lab, and to signals.
    pub(super) fn open() -> io::Result<Self> {
        let (waker, wake) = channel();
        let ended = Arc::new(AtomicBool::new(false));
        let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP, SIGCHLD])?;
        let (end, bell) = (Arc::clone(&ended), waker.clone());
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for signal in signals.forever() {
                if signal != SIGCHLD {
                    end.store(true, Ordering::Relaxed);
                }
                let _ = bell.send(());
            }
        })?;
        let end = Arc::clone(&ended);
        thread::Builder::new().name("stdin".to_owned()).spawn(move || {
            // Whatever else comes through the pipe means nothing; its end means everything, and so does an error.
            let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
            end.store(true, Ordering::Relaxed);
            let _ = waker.send(());
        })?;
        Ok(Self { ended, wake })
    }

    /// Whether the lab is gone or the guard was told to end.
    pub(super) fn ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Set when [`Inbox::ended`] becomes true, for what works on other threads.
    pub(super) fn flag(&self) -> &AtomicBool {
        &self.ended
    }

    /// Waits until something happens, at most this long.
    pub(super) fn wait(&self, at_most: Duration) {
        if self.wake.recv_timeout(at_most).is_err() {
            return;
        }
        // Several bells are one wake-up.
        while self.wake.try_recv().is_ok() {}
    }

    /// Waits this long, unless the end comes first. Returns whether it came.
    pub(super) fn pause(&self, duration: Duration) -> bool {
        let deadline = Instant::now() + duration;
        while !self.ended() && Instant::now() < deadline {
            self.wait(deadline.saturating_duration_since(Instant::now()));
        }
        self.ended()
    }
}
