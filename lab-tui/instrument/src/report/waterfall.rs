//! A trace as text: each span a bar on the trace's own time axis, children below their parents, log lines below their spans.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::ops::{Range, RangeInclusive};

use lab_facts::format::{count, nanoseconds};
use lab_facts::trace::{LogLine, Trace, TraceSpan};
use serde_json::Value;

use super::timing::Timing;

/// The columns that a bar may have.
const BARS: RangeInclusive<usize> = 10..=48;

/// What stands beside label and bar on a line: the gaps, the duration and the time of its own.
const BESIDE: usize = 24;

/// How many levels are indented; how many more there are is told in words, for no line is as wide.
const DEEPEST: usize = 20;

/// The waterfall, ending in a line break. Bars give way first where `width` columns are few.
pub fn waterfall(trace: &Trace, width: usize) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut out, &Waterfall::new(trace), width);
    out
}

/// A trace in the order in which it is shown: children below their parents, log lines below their spans.
#[derive(Debug)]
pub struct Waterfall<'a> {
    /// The trace.
    pub trace: &'a Trace,
    /// Top to bottom.
    pub rows: Vec<Row<'a>>,
    /// Where its time went.
    pub timing: Timing<'a>,
    /// From the first beginning to the last end.
    pub extent: Extent,
}

/// The time that a trace takes; its bars lie on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Nanoseconds since 1970.
    pub start: u64,
    /// Nanoseconds; at least one.
    pub length: u64,
}

impl Extent {
    /// Of all spans of a trace.
    pub fn of(trace: &Trace) -> Self {
        let start = trace.spans.iter().map(|span| span.start_unix_nano).min().unwrap_or_default();
        let end = trace.spans.iter().map(|span| span.start_unix_nano.saturating_add(span.duration_nano)).max().unwrap_or_default();
        Self { start, length: (end - start).max(1) }
    }

    /// Which of `columns` columns a stretch of it takes, in nanoseconds since 1970; at least one.
    pub fn bar(&self, stretch: Range<u64>, columns: usize) -> Range<usize> {
        let column = |unix_nano: u64| {
            let place = u128::from(unix_nano.saturating_sub(self.start)) * columns as u128 / u128::from(self.length);
            usize::try_from(place).unwrap_or(usize::MAX).min(columns)
        };
        let from = column(stretch.start).min(columns.saturating_sub(1));
        from..column(stretch.end).clamp(from + 1, columns.max(from + 1))
    }
}

/// One line of a waterfall.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// How deep it is nested.
    pub depth: usize,
    /// Its place among the trace's spans or log lines.
    pub index: usize,
    /// What it shows.
    pub item: Item<'a>,
}

/// What a line of a waterfall shows.
#[derive(Debug, Clone, Copy)]
pub enum Item<'a> {
    /// A span.
    Span(&'a TraceSpan),
    /// A log line written in the span above, or in one that has not come in.
    Log(&'a LogLine),
}

impl<'a> Waterfall<'a> {
    /// Brings a trace into order. A span whose parent is not here counts as a root.
    pub fn new(trace: &'a Trace) -> Self {
        let mut children: HashMap<&str, Vec<(usize, &TraceSpan)>> = HashMap::new();
        for (index, span) in trace.spans.iter().enumerate() {
            if let Some(parent) = &span.parent_span_id {
                children.entry(parent).or_default().push((index, span));
            }
        }
        let known: HashSet<&str> = trace.spans.iter().map(|span| span.span_id.as_str()).collect();
        let mut logs: HashMap<&str, Vec<(usize, &LogLine)>> = HashMap::new();
        for (index, log) in trace.logs.iter().enumerate() {
            let span = log.line["span_id"].as_str().filter(|span| known.contains(span)).unwrap_or_default();
            logs.entry(span).or_default().push((index, log));
        }
        let mut rows = Vec::new();
        let mut seen = HashSet::new();
        let is_root = |(_, span): &(usize, &TraceSpan)| span.parent_span_id.as_deref().is_none_or(|parent| !known.contains(parent));
        let mut stack: Vec<_> = trace.spans.iter().enumerate().filter(is_root).rev().map(|root| (root, 0)).collect();
        while let Some(((index, span), depth)) = stack.pop() {
            // A malformed trace may name a child twice or go round in a circle.
            if !seen.insert(span.span_id.as_str()) {
                continue;
            }
            rows.push(Row { depth, index, item: Item::Span(span) });
            let below = logs.remove(span.span_id.as_str()).into_iter().flatten();
            rows.extend(below.map(|(index, log)| Row { depth: depth + 1, index, item: Item::Log(log) }));
            let below = children.get(span.span_id.as_str()).into_iter().flatten();
            stack.extend(below.rev().map(|child| (*child, depth + 1)));
        }
        let lost = logs.remove("").into_iter().flatten();
        rows.extend(lost.map(|(index, log)| Row { depth: 0, index, item: Item::Log(log) }));
        Self { trace, rows, timing: Timing::of(trace), extent: Extent::of(trace) }
    }

    /// How long it is and what there is of it.
    pub fn summary(&self) -> String {
        let services: HashSet<&str> = self.trace.spans.iter().map(|span| span.service.as_str()).collect();
        let (spans, logs) = (self.trace.spans.len(), self.trace.logs.len());
        let took = nanoseconds(self.extent.length);
        format!("{took}, {} of {}, {}", count(spans, "span"), count(services.len(), "service"), count(logs, "log line"))
    }

    /// The row that tells most, and why: the span that spent at least half of the trace's time in itself, in none of its children; else
    /// the deepest that failed; else the one with the most time of its own. `None` for a trace without spans.
    pub fn telling(&self) -> Option<(usize, &'static str)> {
        let (row, own) = self.most_self_time()?;
        let failed = |row: &&(usize, &Row<'_>)| matches!(row.1.item, Item::Span(span) if span.error);
        let rows: Vec<(usize, &Row<'_>)> = self.rows.iter().enumerate().collect();
        match rows.iter().filter(failed).max_by_key(|(_, row)| row.depth) {
            Some((row, _)) if own < self.extent.length / 2 => Some((*row, "the deepest error")),
            _ => Some((row, "most time of its own")),
        }
    }

    fn most_self_time(&self) -> Option<(usize, u64)> {
        let rows = self.rows.iter().enumerate().filter_map(|(number, row)| match row.item {
            Item::Span(span) => Some((number, self.timing.own(span))),
            Item::Log(_) => None,
        });
        rows.reduce(|most, next| if next.1 > most.1 { next } else { most })
    }

    /// Columns of the widest label of a span.
    pub fn label_width(&self) -> usize {
        self.spans().map(|(span, depth)| label(span, depth).chars().count()).max().unwrap_or_default()
    }

    fn spans(&self) -> impl Iterator<Item = (&'a TraceSpan, usize)> {
        self.rows.iter().filter_map(|row| match row.item {
            Item::Span(span) => Some((span, row.depth)),
            Item::Log(_) => None,
        })
    }

    /// Which of `columns` columns a span takes on the trace's time axis; at least one.
    pub fn bar(&self, span: &TraceSpan, columns: usize) -> Range<usize> {
        self.extent.bar(span.start_unix_nano..span.start_unix_nano.saturating_add(span.duration_nano), columns)
    }
}

fn write(out: &mut String, waterfall: &Waterfall<'_>, width: usize) -> std::fmt::Result {
    writeln!(out, "trace {}  {}\n", waterfall.trace.trace_id, waterfall.summary())?;
    let label_width = waterfall.label_width();
    let bar_width = width.saturating_sub(label_width + BESIDE).clamp(*BARS.start(), *BARS.end());
    let columns = label_width + bar_width + 4;
    writeln!(out, "{:columns$}{:>9}  {:>9}", "", "duration", "self")?;
    for row in &waterfall.rows {
        match row.item {
            Item::Span(span) => {
                let own = nanoseconds(waterfall.timing.own(span));
                let bar = waterfall.bar(span, bar_width);
                let bar = format!("{}{}{}", "·".repeat(bar.start), "█".repeat(bar.len()), "·".repeat(bar_width - bar.end));
                let mark = if span.error { "  error" } else { "" };
                let detail = span_detail(span).map_or(String::new(), |detail| format!("  {}", one_line(&detail)));
                writeln!(out, "{:label_width$}  {bar}  {:>9}  {own:>9}{mark}{detail}", one_line(&label(span, row.depth)), duration(span))?;
            }
            Item::Log(log) => {
                let (level, message) = log_text(log);
                writeln!(out, "{}· {level} {}", indent(row.depth), one_line(&message))?;
            }
        }
    }
    Ok(())
}

/// Service and name of a span, indented.
pub fn label(span: &TraceSpan, depth: usize) -> String {
    format!("{}{} {}", indent(depth), span.service, span.name)
}

/// What stands before a row of that depth.
pub fn indent(depth: usize) -> String {
    let more = depth.saturating_sub(DEEPEST);
    let told = if more > 0 { format!("+{} ", count(more, "level")) } else { String::new() };
    "  ".repeat(depth.min(DEEPEST)) + &told
}

/// How long a span took.
pub fn duration(span: &TraceSpan) -> String {
    nanoseconds(span.duration_nano)
}

/// What others say stays in its line: in the log of a CI, a line may be a command.
pub(super) fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], "⏎")
}

/// A log line's level, and its message with the fields that are its own.
pub fn log_text(log: &LogLine) -> (&str, String) {
    let text = |key: &str| log.line[key].as_str().unwrap_or_default();
    let mut message = if text("message").is_empty() { log.line.to_string() } else { text("message").to_owned() };
    for (key, value) in own_fields(&log.line) {
        message += &format!(" {key}={}", bare(value));
    }
    (text("level"), message)
}

/// The fields of a log line that only lines of its kind have.
pub fn own_fields(line: &Value) -> impl Iterator<Item = (&String, &Value)> {
    const OF_ALL: [&str; 7] = ["timestamp", "level", "message", "logger", "service", "trace_id", "span_id"];
    line.as_object().into_iter().flatten().filter(|(key, _)| !OF_ALL.contains(&key.as_str()))
}

/// The one thing that tells most about a span.
pub fn span_detail(span: &TraceSpan) -> Option<String> {
    let keys = ["error.message", "error.type", "http.response.status_code", "db.query.text"];
    let found = keys.iter().filter(|key| span.error || **key != "error.type").find_map(|key| Some((key, span.attributes.get(*key)?)));
    found.map(|(key, value)| format!("{key}={}", bare(value)))
}

/// A value as it reads: text without its quotes.
pub fn bare(value: &Value) -> String {
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
            ..TraceSpan::default()
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
trace 0af7651916cd43dd8448eb211c80319c  32.0 ms, 4 spans of 3 services, 1 log line

                                                duration       self
lab GET      ████████████████████████████████    32.0 ms    8.00 ms  http.response.status_code=503
  inner GET  ········████████················    8.00 ms    8.00 ms  http.response.status_code=503
    · INFO hello waited_ms=5
  inner GET  ················████████████████    16.0 ms    16.0 ms  error  http.response.status_code=503
far GET      ····█···························    1.00 ms    1.00 ms  http.response.status_code=503
";
        assert_eq!(waterfall(&trace, 11 + BESIDE + 32), expected);
        // `a` has 8 of its 32 ms for itself, `c` all of its 16.
        assert_eq!(Waterfall::new(&trace).most_self_time(), Some((3, 16_000_000)));
        assert_eq!(Waterfall::new(&trace).telling(), Some((3, "most time of its own")));
        // Time spread over many: what failed tells more.
        let spans = vec![span("a", None, "lab", 0, 30), span("c", Some("a"), "inner", 0, 10), span("b", Some("a"), "inner", 10, 11)];
        let trace = Trace { spans, logs: Vec::new(), ..trace };
        assert_eq!(Waterfall::new(&trace).telling(), Some((1, "the deepest error")));
    }

    #[test]
    fn a_deep_trace_is_as_long_as_it_is_deep_and_no_wider() {
        let ids: Vec<String> = (0..10_000).map(|number| number.to_string()).collect();
        let parent = |number: usize| number.checked_sub(1).map(|parent| ids[parent].as_str());
        let spans = (0..10_000).map(|number| span(&ids[number], parent(number), "s", 0, 1)).collect();
        let line = serde_json::json!({"level": "INFO", "message": "deep", "span_id": "9999"});
        let logs = vec![LogLine { unix_nano: 1, service: "s".to_owned(), line }];
        let shown = waterfall(&Trace { trace_id: String::new(), spans, logs }, 120);
        assert!(shown.lines().all(|line| line.chars().count() < 200), "{}", shown.lines().map(str::len).max().unwrap_or_default());
        assert!(shown.contains(&format!("\n{}+1 level s GET ", "  ".repeat(DEEPEST))), "{shown:.5000}");
        assert!(shown.ends_with(&format!("\n{}+9980 levels · INFO deep\n", "  ".repeat(DEEPEST))));
    }

    #[test]
    fn a_trace_that_goes_round_in_a_circle_is_survived() {
        let spans = vec![span("a", Some("b"), "s", 0, 1), span("b", Some("a"), "s", 0, 1)];
        let shown = waterfall(&Trace { trace_id: String::new(), spans, logs: Vec::new() }, 0);
        assert!(shown.contains("2 spans"));
    }
}
