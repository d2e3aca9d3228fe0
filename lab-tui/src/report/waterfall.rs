//! A trace as text: each span a bar on the trace's own time axis, children below their parents, log lines below their spans.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::ops::RangeInclusive;

use serde_json::Value;

use super::format::milliseconds;
use crate::observe::trace::{LogLine, Trace, TraceSpan};

/// The columns that a bar may have.
const BARS: RangeInclusive<usize> = 10..=48;

/// What stands beside label and bar on a line: the gaps and the duration.
const BESIDE: usize = 13;

/// The waterfall, ending in a line break. Bars give way first where `width` columns are few.
pub fn waterfall(trace: &Trace, width: usize) -> String {
    let mut out = String::new();
    let view = View::new(trace, width);
    // Writing to a String cannot fail.
    let _ = view.write(&mut out);
    out
}

struct View<'a> {
    trace: &'a Trace,
    children: HashMap<&'a str, Vec<&'a TraceSpan>>,
    logs: HashMap<&'a str, Vec<&'a LogLine>>,
    start: u64,
    length: u64,
    label_width: usize,
    bar_width: usize,
}

impl<'a> View<'a> {
    fn new(trace: &'a Trace, width: usize) -> Self {
        let mut children: HashMap<&str, Vec<&TraceSpan>> = HashMap::new();
        for span in &trace.spans {
            if let Some(parent) = &span.parent_span_id {
                children.entry(parent).or_default().push(span);
            }
        }
        let mut logs: HashMap<&str, Vec<&LogLine>> = HashMap::new();
        for log in &trace.logs {
            logs.entry(log.line["span_id"].as_str().unwrap_or_default()).or_default().push(log);
        }
        let start = trace.spans.iter().map(|span| span.start_unix_nano).min().unwrap_or_default();
        let end = trace.spans.iter().map(|span| span.start_unix_nano + span.duration_nano).max().unwrap_or_default();
        let mut view = Self { trace, children, logs, start, length: (end - start).max(1), label_width: 0, bar_width: 0 };
        let mut widest = 0;
        view.walk(&mut |span, depth| widest = widest.max(label(span, depth).chars().count()));
        view.label_width = widest;
        view.bar_width = width.saturating_sub(widest + BESIDE).clamp(*BARS.start(), *BARS.end());
        view
    }

    /// Every span once, parents first. A span whose parent is not here counts as a root.
    fn walk(&self, visit: &mut dyn FnMut(&'a TraceSpan, usize)) {
        let known: HashSet<&str> = self.trace.spans.iter().map(|span| span.span_id.as_str()).collect();
        let mut seen = HashSet::new();
        let is_root = |span: &&TraceSpan| span.parent_span_id.as_deref().is_none_or(|parent| !known.contains(parent));
        let mut stack: Vec<(&TraceSpan, usize)> = self.trace.spans.iter().filter(is_root).rev().map(|span| (span, 0)).collect();
        while let Some((span, depth)) = stack.pop() {
            // A malformed trace may name a child twice or go round in a circle.
            if seen.insert(span.span_id.as_str()) {
                visit(span, depth);
                let below = self.children.get(span.span_id.as_str()).into_iter().flatten();
                stack.extend(below.rev().map(|child| (*child, depth + 1)));
            }
        }
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let services: HashSet<&str> = self.trace.spans.iter().map(|span| span.service.as_str()).collect();
        let length = milliseconds(Some(self.millis(self.length)));
        let (spans, logs) = (self.trace.spans.len(), self.trace.logs.len());
        writeln!(out, "trace {}  {length}, {spans} spans of {} services, {logs} log lines\n", self.trace.trace_id, services.len())?;
        let mut result = Ok(());
        self.walk(&mut |span, depth| {
            result = result.and_then(|()| self.write_span(out, span, depth));
        });
        result?;
        if let Some(lost) = self.logs.get("") {
            writeln!(out)?;
            lost.iter().try_for_each(|log| self.write_log(out, log, 0))?;
        }
        Ok(())
    }

    fn write_span(&self, out: &mut String, span: &TraceSpan, depth: usize) -> std::fmt::Result {
        let width = self.label_width;
        let time = milliseconds(Some(self.millis(span.duration_nano)));
        let mark = if span.error { "  error" } else { "" };
        let what = span_detail(span);
        writeln!(out, "{:width$}  {}  {time:>9}{mark}{what}", label(span, depth), self.bar(span))?;
        let logs = self.logs.get(span.span_id.as_str()).into_iter().flatten();
        for log in logs {
            self.write_log(out, log, depth + 1)?;
        }
        Ok(())
    }

    fn write_log(&self, out: &mut String, log: &LogLine, depth: usize) -> std::fmt::Result {
        let text = |key: &str| log.line[key].as_str().unwrap_or_default();
        let message = if text("message").is_empty() { log.line.to_string() } else { text("message").to_owned() };
        let mut fields = String::new();
        for (key, value) in log.line.as_object().into_iter().flatten() {
            if !["timestamp", "level", "message", "logger", "service", "trace_id", "span_id"].contains(&key.as_str()) {
                write!(fields, " {key}={}", bare(value))?;
            }
        }
        writeln!(out, "{:indent$}· {} {message}{fields}", "", text("level"), indent = depth * 2)
    }

    fn bar(&self, span: &TraceSpan) -> String {
        let column = |nanos: u64| {
            let columns = u128::from(nanos) * self.bar_width as u128 / u128::from(self.length);
            usize::try_from(columns).unwrap_or(usize::MAX).min(self.bar_width)
        };
        let from = column(span.start_unix_nano - self.start).min(self.bar_width - 1);
        let to = column(span.start_unix_nano - self.start + span.duration_nano).clamp(from + 1, self.bar_width);
        format!("{}{}{}", "·".repeat(from), "█".repeat(to - from), "·".repeat(self.bar_width - to))
    }

    #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a trace stay below 2^52")]
    fn millis(&self, nanos: u64) -> f64 {
        nanos as f64 / 1e6
    }
}

fn label(span: &TraceSpan, depth: usize) -> String {
    format!("{:indent$}{} {}", "", span.service, span.name, indent = depth * 2)
}

/// The one thing that tells most about a span.
fn span_detail(span: &TraceSpan) -> String {
    let keys = ["error.type", "http.response.status_code", "db.query.text"];
    let found = keys.iter().filter(|key| span.error || **key != "error.type").find_map(|key| Some((key, span.attributes.get(*key)?)));
    found.map_or(String::new(), |(key, value)| format!("  {key}={}", bare(value)))
}

fn bare(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(id: &str, parent: Option<&str>, service: &str, start_ms: u64, ms: u64) -> TraceSpan {
        TraceSpan {
            span_id: id.to_owned(),
            parent_span_id: parent.map(str::to_owned),
            service: service.to_owned(),
            name: "GET".to_owned(),
            kind: "client".to_owned(),
            start_unix_nano: start_ms * 1_000_000,
            duration_nano: ms * 1_000_000,
            error: id == "c",
            attributes: [("http.response.status_code".to_owned(), 503.into())].into(),
        }
    }

    #[test]
    fn children_stand_below_their_parents_and_logs_below_their_spans() {
        let line = serde_json::json!({"level": "INFO", "message": "hello", "span_id": "b", "waited_ms": 5});
        let trace = Trace {
            trace_id: "0af7651916cd43dd8448eb211c80319c".to_owned(),
            // `b` and `c` come in before their parent; `d` belongs to a span that is not here.
            spans: vec![
                span("b", Some("a"), "inner", 8, 8),
                span("c", Some("a"), "inner", 16, 16),
                span("a", None, "lab", 0, 32),
                span("d", Some("x"), "far", 4, 1),
            ],
            logs: vec![LogLine { unix_nano: 9_000_000, service: "inner".to_owned(), line }],
        };
        let expected = "\
trace 0af7651916cd43dd8448eb211c80319c  32.0 ms, 4 spans of 3 services, 1 log lines

lab GET      ████████████████████████████████    32.0 ms  http.response.status_code=503
  inner GET  ········████████················    8.00 ms  http.response.status_code=503
    · INFO hello waited_ms=5
  inner GET  ················████████████████    16.0 ms  error  http.response.status_code=503
far GET      ····█···························    1.00 ms  http.response.status_code=503
";
        assert_eq!(waterfall(&trace, 11 + BESIDE + 32), expected);
    }

    #[test]
    fn a_trace_that_goes_round_in_a_circle_is_survived() {
        let spans = vec![span("a", Some("b"), "s", 0, 1), span("b", Some("a"), "s", 0, 1)];
        let shown = waterfall(&Trace { trace_id: String::new(), spans, logs: Vec::new() }, 0);
        assert!(shown.contains("2 spans"));
    }
}
