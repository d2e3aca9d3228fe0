//! A trace as it is drawn, worked out once for each state of it: a frame is drawn more often than spans come in.

use std::collections::HashSet;
use std::ops::Range;

use lab_facts::trace::{LogLine, Trace, TraceSpan};
use lab_instrument::observe::growth::Missing;
use lab_instrument::report::waterfall::{Extent, Item, Waterfall};

/// All rows of a trace, folded or not, and what stands above them.
#[derive(Debug)]
pub(super) struct Shape {
    /// How many spans and log lines it was worked out from.
    state: (usize, usize),
    pub(super) rows: Vec<Row>,
    pub(super) extent: Extent,
    /// How long it is and what there is of it.
    pub(super) summary: String,
    /// What has not come in.
    pub(super) missing: Vec<Missing>,
    /// The row that tells most, and why.
    pub(super) telling: Option<(usize, &'static str)>,
    /// Columns of the widest label of a span, the mark of folding included.
    pub(super) label_width: usize,
}

/// One row.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) depth: usize,
    pub(super) what: What,
    /// How many rows are nested in it.
    pub(super) below: usize,
    /// How many of them are spans.
    pub(super) spans_below: usize,
    /// Nanoseconds that a span spent in itself.
    pub(super) own: u64,
    /// When the whole waited for this span, in nanoseconds since 1970.
    pub(super) critical: Vec<Range<u64>>,
}

/// What a row shows, by its place among the trace's spans or log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Span(usize),
    Log(usize),
}

impl Shape {
    pub(super) fn of(trace: &Trace) -> Self {
        let waterfall = Waterfall::new(trace);
        let row = |row: &lab_instrument::report::waterfall::Row<'_>| {
            let (what, own, critical) = match row.item {
                Item::Span(span) => (What::Span(row.index), waterfall.timing.own(span), waterfall.timing.critical(span).to_vec()),
                Item::Log(_) => (What::Log(row.index), 0, Vec::new()),
            };
            Row { depth: row.depth, what, below: 0, spans_below: 0, own, critical }
        };
        let mut rows: Vec<Row> = waterfall.rows.iter().map(row).collect();
        nest(&mut rows);
        Self {
            state: state(trace),
            rows,
            extent: waterfall.extent,
            summary: waterfall.summary(),
            missing: Missing::from(trace),
            telling: waterfall.telling(),
            label_width: waterfall.label_width() + 2,
        }
    }

    /// Whether it is what would be worked out of the trace now: spans and lines come in, and none is changed.
    pub(super) fn is_of(&self, trace: &Trace) -> bool {
        self.state == state(trace)
    }

    /// The rows that are not hidden, by their numbers.
    pub(super) fn visible(&self, trace: &Trace, folded: &HashSet<String>) -> Vec<usize> {
        let (mut visible, mut number) = (Vec::with_capacity(self.rows.len()), 0);
        while let Some(row) = self.rows.get(number) {
            visible.push(number);
            let is_folded = !folded.is_empty() && row.span(trace).is_some_and(|span| folded.contains(&span.span_id));
            number += 1 + if is_folded { row.below } else { 0 };
        }
        visible
    }
}

impl Row {
    /// How long the whole waited for this span itself, in nanoseconds.
    pub(super) fn critical_time(&self) -> u64 {
        self.critical.iter().map(|stretch| stretch.end - stretch.start).sum()
    }

    pub(super) fn span<'t>(&self, trace: &'t Trace) -> Option<&'t TraceSpan> {
        match self.what {
            What::Span(index) => trace.spans.get(index),
            What::Log(_) => None,
        }
    }

    pub(super) fn log<'t>(&self, trace: &'t Trace) -> Option<&'t LogLine> {
        match self.what {
            What::Span(_) => None,
            What::Log(index) => trace.logs.get(index),
        }
    }
}

fn state(trace: &Trace) -> (usize, usize) {
    (trace.spans.len(), trace.logs.len())
}

/// Counts for each row what is nested in it: the rows that follow it and are deeper.
fn nest(rows: &mut [Row]) {
    let (mut open, mut spans): (Vec<(usize, usize)>, usize) = (Vec::new(), 0);
    for number in 0..=rows.len() {
        let depth = rows.get(number).map(|row| row.depth);
        while let Some((outer, before)) = open.pop_if(|(outer, _)| depth.is_none_or(|depth| rows[*outer].depth >= depth)) {
            (rows[outer].below, rows[outer].spans_below) = (number - outer - 1, spans - before);
        }
        if let Some(row) = rows.get(number) {
            spans += usize::from(matches!(row.what, What::Span(_)));
            open.push((number, spans));
        }
    }
}
