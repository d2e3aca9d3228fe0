//! Where the time of a trace went: what each span spent in itself, and which of them the whole waited for.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use lab_facts::trace::{Trace, TraceSpan};

/// Times of the spans of a trace, by their IDs.
#[derive(Debug, Default)]
pub struct Timing<'a> {
    own: HashMap<&'a str, u64>,
    critical: HashMap<&'a str, Vec<Range<u64>>>,
}

impl<'a> Timing<'a> {
    /// Works them out.
    pub fn of(trace: &'a Trace) -> Self {
        let family = Family::of(trace);
        let own = trace.spans.iter().map(|span| (span.span_id.as_str(), family.own(span))).collect();
        Self { own, critical: family.critical_path() }
    }

    /// What a span spent in itself, in none of its children; nanoseconds.
    pub fn own(&self, span: &TraceSpan) -> u64 {
        self.own.get(span.span_id.as_str()).copied().unwrap_or_default()
    }

    /// When it was this span, and none of its children, that the longest root waited for: in nanoseconds since 1970, latest first. A trace
    /// becomes shorter where these become shorter, and only there.
    pub fn critical(&self, span: &TraceSpan) -> &[Range<u64>] {
        self.critical.get(span.span_id.as_str()).map_or(&[], Vec::as_slice)
    }

    /// The length of that, in nanoseconds.
    pub fn critical_time(&self, span: &TraceSpan) -> u64 {
        self.critical(span).iter().map(|stretch| stretch.end - stretch.start).sum()
    }
}

/// Who is whose child.
struct Family<'a> {
    children: HashMap<&'a str, Vec<&'a TraceSpan>>,
    /// The longest of the spans that have no parent here.
    root: Option<&'a TraceSpan>,
}

/// A span on the way back through time, from its end.
struct Step<'a> {
    span: &'a TraceSpan,
    start: u64,
    /// The end of what whoever waited for it shares with it.
    last: u64,
    /// Until here it has been explained.
    until: u64,
    /// Its children that have not been looked at; the one that ended last comes first.
    children: std::vec::IntoIter<&'a TraceSpan>,
}

impl<'a> Family<'a> {
    fn of(trace: &'a Trace) -> Self {
        let known: HashSet<&str> = trace.spans.iter().map(|span| span.span_id.as_str()).collect();
        let mut children: HashMap<&str, Vec<&TraceSpan>> = HashMap::new();
        let mut root: Option<&TraceSpan> = None;
        for span in &trace.spans {
            match span.parent_span_id.as_deref().filter(|parent| known.contains(parent)) {
                Some(parent) => children.entry(parent).or_default().push(span),
                None if root.is_none_or(|root| root.duration_nano < span.duration_nano) => root = Some(span),
                None => {}
            }
        }
        Self { children, root }
    }

    fn children(&self, span: &TraceSpan) -> Vec<&'a TraceSpan> {
        self.children.get(span.span_id.as_str()).cloned().unwrap_or_default()
    }

    fn own(&self, span: &TraceSpan) -> u64 {
        let mut below = self.children(span);
        below.sort_by_key(|child| child.start_unix_nano);
        let (mut covered, mut until) = (0, span.start_unix_nano);
        for child in below {
            // Children may overlap each other, and outlast their parent.
            let (from, to) = (child.start_unix_nano.max(until), end(child).min(end(span)));
            covered += to.saturating_sub(from);
            until = until.max(to);
        }
        span.duration_nano.saturating_sub(covered)
    }

    /// From the root's end back to its start: a span waits for its child that ended last, that one for its own, and what a child did not
    /// take before the next one began, the span took itself. A child that went on while a later one had begun held nobody up.
    fn critical_path(&self) -> HashMap<&'a str, Vec<Range<u64>>> {
        let mut path: HashMap<&str, Vec<Range<u64>>> = HashMap::new();
        let Some(root) = self.root else { return path };
        let step = |span: &'a TraceSpan, start: u64, until: u64| {
            let mut children = self.children(span);
            children.sort_by_key(|child| std::cmp::Reverse(end(child)));
            Step { span, start, last: until, until, children: children.into_iter() }
        };
        // Spans that claim to be each other's parents have no root, so nobody comes by twice.
        let mut way = vec![step(root, root.start_unix_nano, end(root))];
        while let Some(here) = way.last_mut() {
            let mut took = |span: &'a TraceSpan, from: u64, to: u64| {
                if from < to {
                    path.entry(span.span_id.as_str()).or_default().push(from..to);
                }
            };
            let (start, until, last) = (here.start, here.until, here.last);
            // A clock that is off, or a child that nobody waited for any longer, may reach over the end of those above it.
            let stretch = |child: &TraceSpan| (child.start_unix_nano.max(start), end(child).min(last));
            let next = here.children.find(|child| {
                let (from, to) = stretch(child);
                from < to && to <= until
            });
            let span = here.span;
            match next {
                Some(child) => {
                    let (from, to) = stretch(child);
                    took(span, to, until);
                    here.until = from;
                    way.push(step(child, from, to));
                }
                None => {
                    took(span, start, until);
                    way.pop();
                }
            }
        }
        path
    }
}

fn end(span: &TraceSpan) -> u64 {
    span.start_unix_nano.saturating_add(span.duration_nano)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(id, parent, from, to)`.
    fn trace(rows: &[(&str, &str, u64, u64)]) -> Trace {
        let span = |(id, parent, from, to): &(&str, &str, u64, u64)| TraceSpan {
            span_id: (*id).to_owned(),
            parent_span_id: (!parent.is_empty()).then(|| (*parent).to_owned()),
            start_unix_nano: *from,
            duration_nano: to - from,
            ..TraceSpan::default()
        };
        Trace { trace_id: String::new(), spans: rows.iter().map(span).collect(), logs: Vec::new() }
    }

    /// `id own critical` of each span, the critical stretches in the order of time.
    fn told(trace: &Trace) -> Vec<String> {
        let timing = Timing::of(trace);
        let one = |span: &TraceSpan| {
            let critical = timing.critical(span).iter().rev().map(|stretch| format!("{}-{}", stretch.start, stretch.end));
            format!("{} {} {}", span.span_id, timing.own(span), critical.collect::<Vec<_>>().join(","))
        };
        trace.spans.iter().map(one).collect()
    }

    #[test]
    fn a_chain_is_critical_all_the_way_and_each_span_has_what_its_children_leave() {
        let chain = trace(&[("a", "", 0, 100), ("b", "a", 10, 90), ("c", "b", 20, 40), ("d", "b", 50, 80)]);
        assert_eq!(told(&chain), ["a 20 0-10,90-100", "b 30 10-20,40-50,80-90", "c 20 20-40", "d 30 50-80"]);
        let timing = Timing::of(&chain);
        assert_eq!(chain.spans.iter().map(|span| timing.critical_time(span)).sum::<u64>(), 100);
    }

    /// Of two that ran side by side, the whole waited for the later one alone.
    #[test]
    fn what_ran_beside_the_last_to_end_is_not_critical() {
        let beside = trace(&[("a", "", 0, 100), ("b", "a", 0, 60), ("c", "a", 5, 95), ("d", "a", 0, 4)]);
        assert_eq!(told(&beside), ["a 5 4-5,95-100", "b 60 ", "c 90 5-95", "d 4 0-4"]);
    }

    /// Who gave up waiting did so because of what went on below, however long that took to notice.
    #[test]
    fn a_caller_that_gave_up_waited_for_all_that_went_on_below() {
        let cut = trace(&[("a", "", 0, 100), ("b", "a", 10, 90), ("c", "b", 20, 95), ("d", "c", 30, 94)]);
        assert_eq!(told(&cut), ["a 20 0-10,90-100", "b 10 10-20", "c 11 20-30", "d 64 30-90"]);
    }

    #[test]
    fn clocks_that_are_off_and_parents_that_are_missing_are_survived() {
        // A child that begins before its parent and ends after it.
        let skewed = trace(&[("a", "", 10, 50), ("b", "a", 0, 70), ("c", "b", 60, 69)]);
        assert_eq!(told(&skewed), ["a 0 ", "b 61 10-50", "c 9 "]);
        let lost = trace(&[("a", "x", 0, 5), ("b", "y", 2, 30), ("c", "b", 3, 4)]);
        assert_eq!(told(&lost), ["a 5 ", "b 27 2-3,4-30", "c 1 3-4"]);
        let circle = trace(&[("a", "b", 0, 5), ("b", "a", 0, 5)]);
        assert_eq!(told(&circle), ["a 0 ", "b 0 "]);
        assert!(told(&trace(&[])).is_empty());
    }
}
