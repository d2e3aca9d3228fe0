//! What is shown of the sessions: those of now, or those of the second under the cursor.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use lab_facts::event::{DatabaseSample, LockCount, Session, SessionState, Statement};
use lab_facts::format;
use lab_facts::model::{Model, Moment};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Widget as _;

use crate::tui::palette::Palette;
use crate::tui::plot::{self, clock};
use crate::tui::waits;

/// The database is asked once a second; after that long it does not answer.
const STALE: Duration = Duration::from_secs(3);

/// What there is to show.
pub(super) struct Shown<'m> {
    model: &'m Model,
    read: Option<Range<u64>>,
    moment: Option<&'m Moment>,
    newest: Option<&'m (Duration, DatabaseSample)>,
}

impl<'m> Shown<'m> {
    /// Of the seconds under the cursor, else of now.
    pub(super) fn of(model: &'m Model, read: Option<Range<u64>>) -> Self {
        let moment = read.clone().and_then(|seconds| model.database().moment(seconds));
        Self { model, read, moment, newest: model.database().newest() }
    }

    /// Of the past, those that were busy, as far as they are kept.
    pub(super) fn sessions(&self) -> &'m [Session] {
        match (&self.read, self.moment, self.newest) {
            (Some(_), Some(moment), _) => &moment.sessions,
            (None, _, Some((_, sample))) => &sample.sessions,
            _ => &[],
        }
    }

    pub(super) fn session(&self, pid: Option<u32>) -> Option<&'m Session> {
        self.sessions().iter().find(|session| Some(session.pid) == pid)
    }

    /// As of now, whatever is under the cursor.
    pub(super) fn locks(&self) -> &'m [LockCount] {
        self.newest.map(|(_, sample)| sample.locks.as_slice()).unwrap_or_default()
    }

    /// The same.
    pub(super) fn statements(&self) -> Option<&'m [Statement]> {
        self.newest?.1.statements.as_deref()
    }

    /// Whether anything was ever heard of the database.
    pub(super) fn is_known(&self) -> bool {
        self.newest.is_some()
    }

    /// How many are not idle.
    pub(super) fn busy(&self) -> usize {
        let told = self.moment.and_then(|moment| usize::try_from(moment.busy()).ok());
        told.unwrap_or_else(|| self.sessions().iter().filter(|session| session.state != SessionState::Idle).count())
    }

    /// How many are busy, and how many idle where that is known.
    pub(super) fn counts(&self) -> String {
        let busy = self.busy();
        if self.read.is_some() {
            return format!("{busy:>2} busy");
        }
        let idle = self.sessions().len() - busy;
        let more = self.newest.filter(|(_, sample)| sample.more_sessions > 0).map(|(_, sample)| format!(", {} more", sample.more_sessions));
        format!("{:>2} busy, {idle:>2} idle{}", busy, more.unwrap_or_default())
    }

    /// How many wait for others.
    pub(super) fn blocked(&self) -> usize {
        self.sessions().iter().filter(|session| !session.blocked_by.is_empty()).count()
    }

    /// How many wait for each session, itself.
    pub(super) fn waiting(&self) -> BTreeMap<u32, usize> {
        let mut waiting = BTreeMap::new();
        for pid in self.sessions().iter().flat_map(|session| &session.blocked_by) {
            *waiting.entry(*pid).or_default() += 1;
        }
        waiting
    }

    /// Whether the database did not answer lately.
    pub(super) fn is_stale(&self) -> bool {
        let live = self.read.is_none() && self.model.finished().is_none();
        live && self.newest.is_some_and(|(at, _)| self.model.now().saturating_sub(*at) > STALE)
    }

    /// Of when it is.
    pub(super) fn when(&self) -> String {
        match (&self.read, self.newest) {
            (Some(seconds), _) => plot::span(seconds),
            (None, Some((at, _))) if self.is_stale() => format!("no answer since {}", clock(*at)),
            (None, Some(_)) => "now".to_owned(),
            (None, None) => String::new(),
        }
    }

    /// Why there is nothing.
    pub(super) fn why_nothing(&self) -> &'static str {
        if self.is_known() {
            return "the database was not asked in that second";
        }
        waits::why_nothing(self.model)
    }
}

/// The row of the session that is chosen; the first where that has gone.
pub(super) fn chosen(pids: &[u32], pid: Option<u32>) -> usize {
    pids.iter().position(|one| Some(*one) == pid).unwrap_or_default()
}

/// As in `idle in tx`, in ten columns.
pub(super) fn short(state: SessionState) -> &'static str {
    match state {
        SessionState::IdleInTransaction => "idle in tx",
        SessionState::Aborted => "aborted tx",
        other => other.as_str(),
    }
}

/// How long, in eight columns.
pub(super) fn age(age: Duration) -> String {
    if age >= Duration::from_secs(3600) {
        return format!("{:>6} h", age.as_secs() / 3600);
    }
    if age >= Duration::from_secs(60) {
        return format!("{:>8}", clock(age));
    }
    format!("{:>8}", format::milliseconds(Some(age.as_secs_f64() * 1000.0)))
}

/// A sentence in place of rows.
pub(super) fn instead(buffer: &mut Buffer, area: Rect, text: &str, palette: &Palette) {
    Line::styled(format!(" {text}"), palette.dim).render(area, buffer);
}
