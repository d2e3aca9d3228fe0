//! Whether a backend answers: what is told of it, and how long it is left alone.

use std::time::{Duration, Instant};

use lab_facts::event::ProcessChange;
use tokio::sync::mpsc::UnboundedSender;

use crate::out::sentence;
use crate::stack::Notice;

/// So many failures in a row are more than bad luck.
const FAILURES: u32 = 3;
const LONGEST: Duration = Duration::from_secs(10);

/// Of one backend.
#[derive(Debug)]
pub(super) struct Health {
    name: &'static str,
    notices: UnboundedSender<Notice>,
    /// In a row.
    failures: u32,
    /// It is left alone until then.
    left_until: Option<Instant>,
    is_sampled: bool,
}

impl Health {
    pub(super) fn new(name: &'static str, notices: &UnboundedSender<Notice>) -> Self {
        Self { name, notices: notices.clone(), failures: 0, left_until: None, is_sampled: false }
    }

    /// It answers.
    pub(super) fn well(&mut self) {
        if std::mem::take(&mut self.failures) >= FAILURES {
            self.tell(ProcessChange::Found);
        }
        self.left_until = None;
    }

    /// It does not. Returns how long it is left alone. What was under way with the question that failed before fails for the same reason.
    pub(super) fn ill(&mut self, error: &anyhow::Error) -> Duration {
        let now = Instant::now();
        if let Some(until) = self.left_until.filter(|until| *until > now) {
            return until - now;
        }
        self.failures += 1;
        if self.failures == FAILURES {
            self.tell(ProcessChange::Lost(sentence(error)));
        }
        let wait = Duration::from_millis(250).saturating_mul(1 << self.failures.min(6)).min(LONGEST);
        self.left_until = Some(now + wait);
        wait
    }

    /// It has more than it is asked for, which is told once.
    pub(super) fn sampled(&mut self) {
        if !std::mem::replace(&mut self.is_sampled, true) {
            self.tell(ProcessChange::Sampled);
        }
    }

    /// Whether it has been told that nobody answers.
    pub(super) fn is_silent(&self) -> bool {
        self.failures >= FAILURES
    }

    fn tell(&self, change: ProcessChange) {
        let _ = self.notices.send(Notice { name: self.name.to_owned(), change });
    }
}
