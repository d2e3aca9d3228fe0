//! Log lines: what is read of them as they come in, and how they are found again, by their trace and by their time.

use std::ops::Range;
use std::sync::Arc;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::search::is_within;
use super::{Entry, OVERHEAD, Store, now};
use crate::event::TraceId;
use crate::observe::trace::LogLine;

/// The message of an access log line, written once for each request that a service answers.
const ACCESS_LOG: &str = "Request completed";

/// Unix nanoseconds, the service, the text as it was written.
pub(super) type Line = (u64, Arc<str>, Box<str>);

impl Store {
    /// Takes in one line that a service wrote, JSON or not.
    pub fn add_log(&self, service: &str, line: &str) {
        let facts = Facts::read(line);
        // A line that does not say when it was written was written just now.
        let unix_nano = facts.unix_nano.unwrap_or_else(now);
        let mut inner = self.lock();
        let service = inner.service(service);
        let size = line.len() + OVERHEAD;
        inner.bytes += size;
        let counts = inner.services.entry(Arc::clone(&service)).or_default();
        counts.log_lines += 1;
        counts.access_log_lines += u64::from(facts.is_access_log);
        let kept: Line = (unix_nano, service, line.into());
        match facts.trace_id {
            Some(id) => {
                let trace = inner.trace(id);
                trace.logs.push(kept);
                trace.reaches(unix_nano);
                trace.bytes += size;
            }
            None => inner.order.push_back(Entry::Log(kept)),
        }
        inner.make_room();
    }

    /// Every log line of one of these windows, in nanoseconds since 1970, with its trace if it has one. In no order.
    pub fn each_log(&self, windows: &[Range<u64>], mut each: impl FnMut(Option<TraceId>, &LogLine)) {
        for id in self.ids(windows) {
            self.logs_of(id).iter().filter(|log| is_within(windows, log.unix_nano)).for_each(|log| each(Some(id), log));
        }
        let of_no_trace = |entry: &Entry| match entry {
            Entry::Log(line) if is_within(windows, line.0) => Some(line.clone()),
            _ => None,
        };
        let lines: Vec<Line> = self.lock().order.iter().filter_map(of_no_trace).collect();
        lines.iter().for_each(|line| each(None, &log_line(line)));
    }

    pub(super) fn logs_of(&self, id: TraceId) -> Vec<LogLine> {
        let kept: Vec<Line> = self.lock().traces.get(&id).map(|trace| trace.logs.clone()).unwrap_or_default();
        kept.iter().map(log_line).collect()
    }
}

fn log_line((unix_nano, service, line): &Line) -> LogLine {
    let line = serde_json::from_str(line).unwrap_or_else(|_| line.to_string().into());
    LogLine { unix_nano: *unix_nano, service: service.to_string(), line }
}

/// What the store needs to know of a log line.
#[derive(Debug, Default, PartialEq)]
struct Facts {
    unix_nano: Option<u64>,
    trace_id: Option<TraceId>,
    is_access_log: bool,
}

impl Facts {
    fn read(line: &str) -> Self {
        #[derive(serde::Deserialize)]
        struct Line<'a> {
            #[serde(borrow)]
            timestamp: Option<std::borrow::Cow<'a, str>>,
            #[serde(borrow)]
            message: Option<std::borrow::Cow<'a, str>>,
            #[serde(borrow)]
            trace_id: Option<std::borrow::Cow<'a, str>>,
        }
        let Ok(line) = serde_json::from_str::<Line<'_>>(line) else { return Self::of_any(line) };
        let moment = line.timestamp.and_then(|text| OffsetDateTime::parse(&text, &Rfc3339).ok());
        Self {
            unix_nano: moment.and_then(|moment| u64::try_from(moment.unix_timestamp_nanos()).ok()),
            trace_id: line.trace_id.and_then(|text| TraceId::parse(&text)),
            is_access_log: line.message.is_some_and(|message| message == ACCESS_LOG),
        }
    }

    /// Of a line that is no JSON, or in which something is written in another way: a time as a number, say.
    fn of_any(line: &str) -> Self {
        let line: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
        Self { unix_nano: None, trace_id: line["trace_id"].as_str().and_then(TraceId::parse), is_access_log: line["message"] == ACCESS_LOG }
    }
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
