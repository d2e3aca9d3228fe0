//! A log line for a person at a terminal.

use lab_facts::trace::LogLine;
use time::OffsetDateTime;

use super::waterfall::{bare, log_text, one_line};

/// Time (UTC), service, level, message with its fields, trace; ends in a line break. A line that is no JSON is shown as it is.
pub fn log(line: &LogLine) -> String {
    let (level, message) = if line.line.is_object() { log_text(line) } else { ("", bare(&line.line)) };
    let trace = line.line["trace_id"].as_str().map_or(String::new(), |id| format!("  trace={id}"));
    let message = one_line(&message);
    format!("{}  {:<14} {level:<8} {message}{trace}\n", moment(line.unix_nano), line.service)
}

/// To the millisecond, as RFC 3339 has it.
fn moment(unix_nano: u64) -> String {
    let Ok(moment) = OffsetDateTime::from_unix_timestamp_nanos(unix_nano.into()) else { return String::new() };
    let (hour, minute, second) = moment.to_hms();
    format!("{}T{hour:02}:{minute:02}:{second:02}.{:03}Z", moment.date(), moment.millisecond())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_shows_what_it_has() {
        let line = |line| LogLine { unix_nano: 1_767_323_045_000_006_000, service: "door".to_owned(), line };
        let full = json!({"timestamp": "x", "level": "INFO", "service": "door", "message": "Opened\nwide", "ms": 1.5, "trace_id": "0a", "span_id": "b"});
        assert_eq!(log(&line(full)), "2026-01-02T03:04:05.000Z  door           INFO     Opened⏎wide ms=1.5  trace=0a\n");
        assert!(!log(&line("a\r\n::error::b".into())).trim_end_matches('\n').contains(['\r', '\n']), "a line stays one");
        assert_eq!(log(&line("thread panicked".into())), "2026-01-02T03:04:05.000Z  door                    thread panicked\n");
    }
}
