//! Log lines: what is read of them as they come in, and how they are found again: by their trace, by their time, or in the order in
//! which they came in.

pub(super) mod facts;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::{Bound, Range};
use std::sync::Arc;

use facts::Facts;
use lab_facts::event::TraceId;
use lab_facts::trace::LogLine;
use tokio::sync::Notify;

use super::fed::Way;
use super::{Entry, Inner, Store, now};
use crate::observe::logs::LogText;

/// What a line costs beside its own bytes: its place in the tables and in its trace.
const OVERHEAD: usize = 160;

/// How many lines are copied out at once, so that nobody who brings telemetry waits for whoever looks.
const PAGE: usize = 1000;

/// All lines that are kept.
#[derive(Debug, Default)]
pub(super) struct Logs {
    /// By number: the order in which they came in.
    lines: BTreeMap<u64, StoredLine>,
    /// By moment and number.
    times: BTreeSet<(u64, u64)>,
    /// The numbers of those that carry a trace's ID.
    traces: HashMap<TraceId, Vec<u64>>,
    /// The number of the next line.
    next: u64,
    came: Arc<Notify>,
}

/// A line as it is kept. Cheap to clone.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredLine {
    /// In the order in which lines came in, from 0.
    pub number: u64,
    /// Nanoseconds since 1970.
    pub unix_nano: u64,
    /// The service that wrote it.
    pub service: Arc<str>,
    /// As it was written.
    pub text: Arc<str>,
    /// The trace whose ID it carries.
    pub trace: Option<TraceId>,
}

impl StoredLine {
    /// As JSON; a line that is none is a text.
    pub fn log_line(&self) -> LogLine {
        let line = serde_json::from_str(&self.text).unwrap_or_else(|_| self.text.to_string().into());
        LogLine { unix_nano: self.unix_nano, service: self.service.to_string(), line }
    }
}

/// A line that no store has numbered: the same line has always the same number.
impl From<LogText> for StoredLine {
    fn from(line: LogText) -> Self {
        let LogText { unix_nano, service, text } = line;
        let mut hasher = DefaultHasher::new();
        (&service, &text).hash(&mut hasher);
        let trace = Facts::read(&text).trace_id;
        Self { number: hasher.finish(), unix_nano, service: service.into(), text: text.into(), trace }
    }
}

impl Store {
    /// Takes in one line that a service wrote, JSON or not.
    pub fn add_log(&self, service: &str, line: &str) {
        let facts = Facts::read(line);
        // A line that does not say when it was written was written just now.
        let unix_nano = facts.unix_nano.unwrap_or_else(now);
        let mut inner = self.lock();
        inner.add_log(service, unix_nano, &facts, line, Way::Sent);
        inner.make_room();
    }

    /// Takes in a line that says all of this in another way as well: when it was written, in nanoseconds since 1970, and in which trace.
    pub fn add_log_record(&self, service: &str, unix_nano: u64, trace_id: Option<TraceId>, line: &str) {
        let facts = Facts { trace_id, ..Facts::read(line) };
        let mut inner = self.lock();
        inner.add_log(service, unix_nano, &facts, line, Way::Sent);
        inner.make_room();
    }

    /// Every log line of one of these windows, in nanoseconds since 1970, with its trace if it has one. By time.
    pub fn each_log(&self, windows: &[Range<u64>], mut each: impl FnMut(Option<TraceId>, &LogLine)) {
        for window in apart(windows) {
            let mut after = None;
            loop {
                let page = self.logs_within(&window, after);
                let Some(last) = page.last() else { break };
                after = Some((last.unix_nano, last.number));
                page.iter().for_each(|line| each(line.trace, &line.log_line()));
            }
        }
    }

    /// A page of the lines of a window, in nanoseconds since 1970: by moment and number, those behind `after`. Empty at the end.
    pub fn logs_within(&self, window: &Range<u64>, after: Option<(u64, u64)>) -> Vec<StoredLine> {
        let from = after.map_or(Bound::Included((window.start, 0)), Bound::Excluded);
        let logs = &self.lock().logs;
        let numbers = logs.times.range((from, Bound::Unbounded)).take_while(|(moment, _)| *moment < window.end).take(PAGE);
        numbers.filter_map(|(_, number)| logs.lines.get(number).cloned()).collect()
    }

    /// A page of the lines from this number on, in the order in which they came in. Empty when there is none yet.
    pub fn logs_from(&self, number: u64) -> Vec<StoredLine> {
        self.lock().logs.lines.range(number..).take(PAGE).map(|(_, line)| line.clone()).collect()
    }

    /// Every line that carries the ID of this trace, by time.
    pub fn logs_of_trace(&self, id: TraceId) -> Vec<StoredLine> {
        let mut lines = self.lock().logs.of(id);
        lines.sort_by_key(|line| (line.unix_nano, line.number));
        lines
    }

    /// The number that the next line will have.
    pub fn next_log(&self) -> u64 {
        self.lock().logs.next
    }

    /// Wakes whoever waits on it at each line that comes in.
    pub fn log_came(&self) -> Arc<Notify> {
        Arc::clone(&self.lock().logs.came)
    }

    pub(super) fn logs_of(&self, id: TraceId) -> Vec<LogLine> {
        let lines = self.lock().logs.of(id);
        lines.iter().map(StoredLine::log_line).collect()
    }
}

impl Inner {
    /// Keeps a line. Whoever calls this makes room afterwards.
    pub(super) fn add_log(&mut self, service: &str, unix_nano: u64, facts: &Facts, text: &str, way: Way) {
        let service = self.service(service);
        let size = text.len() + OVERHEAD;
        self.bytes += size;
        if let Some(counts) = self.services.get_mut(&service) {
            counts.log_lines += 1;
            counts.access_log_lines += u64::from(facts.is_access_log);
            counts.fed += u64::from(way == Way::Fed);
        }
        if let Some(integrity) = self.integrity.as_mut().filter(|_| way == Way::Sent) {
            integrity.add_line(&service, unix_nano, facts.trace_id, facts.is_of_a_request);
        }
        match facts.trace_id {
            Some(id) => {
                let trace = self.trace(id);
                trace.reaches(unix_nano);
                trace.bytes += size;
                if trace.held {
                    self.pins.grew(size);
                }
            }
            None => self.order.push_back(Entry::Log(self.logs.next)),
        }
        self.logs.add(unix_nano, service, text, facts.trace_id);
    }
}

impl Logs {
    fn add(&mut self, unix_nano: u64, service: Arc<str>, text: &str, trace: Option<TraceId>) {
        let number = self.next;
        self.next += 1;
        self.lines.insert(number, StoredLine { number, unix_nano, service, text: text.into(), trace });
        self.times.insert((unix_nano, number));
        if let Some(trace) = trace {
            self.traces.entry(trace).or_default().push(number);
        }
        self.came.notify_waiters();
    }

    /// Those of one moment.
    pub(super) fn of_moment(&self, unix_nano: u64) -> impl Iterator<Item = &StoredLine> {
        self.times.range((unix_nano, 0)..=(unix_nano, u64::MAX)).filter_map(|(_, number)| self.lines.get(number))
    }

    fn of(&self, id: TraceId) -> Vec<StoredLine> {
        self.traces.get(&id).into_iter().flatten().filter_map(|number| self.lines.get(number).cloned()).collect()
    }

    /// Pushes a line out: its bytes, and its moment.
    pub(super) fn evict(&mut self, number: u64) -> (usize, u64) {
        let Some(line) = self.lines.remove(&number) else { return (0, 0) };
        self.times.remove(&(line.unix_nano, number));
        (line.text.len() + OVERHEAD, line.unix_nano)
    }

    /// Pushes out the lines of a trace, whose bytes are the trace's own. Returns how many there were.
    pub(super) fn evict_trace(&mut self, id: TraceId) -> u64 {
        let numbers = self.traces.remove(&id).unwrap_or_default();
        for number in &numbers {
            self.evict(*number);
        }
        numbers.len() as u64
    }
}

/// The same time without any moment twice.
fn apart(windows: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut windows: Vec<Range<u64>> = windows.iter().filter(|window| !window.is_empty()).cloned().collect();
    windows.sort_by_key(|window| window.start);
    let mut apart: Vec<Range<u64>> = Vec::new();
    for window in windows {
        match apart.last_mut() {
            Some(last) if window.start <= last.end => last.end = last.end.max(window.end),
            _ => apart.push(window),
        }
    }
    apart
}

#[cfg(test)]
mod tests {
    use super::super::DEFAULT_BYTES;
    use super::*;

    #[test]
    fn log_lines_join_their_trace() {
        let store = Store::new(DEFAULT_BYTES);
        let id = "0af7651916cd43dd8448eb211c80319c";
        store.add_log("a", &format!(r#"{{"timestamp":"2026-01-02T03:04:05.000006Z","message":"Request completed","trace_id":"{id}"}}"#));
        store.add_log("a", "thread 'main' panicked");
        let counts = store.counts("a");
        assert_eq!((counts.log_lines, counts.access_log_lines), (2, 1));
        let trace = store.trace(TraceId::parse(id).unwrap()).unwrap();
        assert_eq!(trace.logs[0].unix_nano, 1_767_323_045_000_006_000);
        assert_eq!(trace.logs[0].line["message"], "Request completed");
    }

    #[test]
    fn log_lines_are_found_by_their_time_with_and_without_a_trace() {
        let store = Store::new(DEFAULT_BYTES);
        let id = "0af7651916cd43dd8448eb211c80319c";
        store.add_log("a", &format!(r#"{{"timestamp":"1970-01-01T00:00:01Z","message":"one","trace_id":"{id}"}}"#));
        store.add_log("a", r#"{"timestamp":"1970-01-01T00:00:02Z","message":"two"}"#);
        let before = now();
        store.add_log("a", "thread 'main' panicked");
        let found = |window| {
            let mut found = Vec::new();
            store.each_log(std::slice::from_ref(&window), |trace, log| {
                found.push((trace.is_some(), log.line.get("message").unwrap_or(&log.line).to_string()));
            });
            found
        };
        assert_eq!(found(0..1_500_000_000), [(true, "\"one\"".to_owned())]);
        assert_eq!(found(1_500_000_000..2_000_000_001), [(false, "\"two\"".to_owned())]);
        assert_eq!(found(before..u64::MAX), [(false, "\"thread 'main' panicked\"".to_owned())], "it counts for when it came in");
    }
}
