//! Whether a trace is all there, or still being written. Judged by what is missing from it, and by no wait.

use std::collections::HashSet;
use std::fmt;

use lab_facts::trace::{Trace, TraceSpan};

/// What a trace lacks that is told of in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// No span without a parent has ended yet.
    Root,
    /// So many spans have a parent that has not come in.
    Parents(usize),
    /// So many calls have no span of whoever they called. It may never come, where that one sends none.
    Callees(usize),
}

impl Missing {
    /// Nothing where the trace is complete: its root has ended, and every remote parent has its child.
    pub fn from(trace: &Trace) -> Vec<Self> {
        let known: HashSet<&str> = trace.spans.iter().map(|span| span.span_id.as_str()).collect();
        let parents: HashSet<&str> = trace.spans.iter().filter_map(|span| span.parent_span_id.as_deref()).collect();
        let has_root = trace.spans.iter().any(|span| span.parent_span_id.is_none());
        let orphans =
            trace.spans.iter().filter(|span| span.parent_span_id.as_deref().is_some_and(|parent| !known.contains(parent))).count();
        let waiting = trace.spans.iter().filter(|span| expects_a_callee(span) && !parents.contains(span.span_id.as_str())).count();
        let all = [
            (!has_root).then_some(Self::Root),
            (orphans > 0).then_some(Self::Parents(orphans)),
            (waiting > 0).then_some(Self::Callees(waiting)),
        ];
        all.into_iter().flatten().collect()
    }
}

/// What is missing, in words; `None` where that is nothing.
pub fn words(missing: &[Missing]) -> Option<String> {
    let words: Vec<String> = missing.iter().map(Missing::to_string).collect();
    (!words.is_empty()).then(|| words.join("; "))
}

/// A call to another service. Databases send no spans, and a call that failed may have reached nobody.
fn expects_a_callee(span: &TraceSpan) -> bool {
    let of_a_database = || span.attributes.contains_key("db.system.name") || span.attributes.contains_key("db.system");
    span.kind == "client" && !span.error && !of_a_database()
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => write!(f, "its root has not ended"),
            Self::Parents(1) => write!(f, "the parent of a span has not come in"),
            Self::Parents(number) => write!(f, "the parents of {number} spans have not come in"),
            Self::Callees(1) => write!(f, "the other side of a call has not come in"),
            Self::Callees(number) => write!(f, "the other sides of {number} calls have not come in"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(id: &str, parent: &str, kind: &str, attribute: Option<&str>, error: bool) -> TraceSpan {
        TraceSpan {
            span_id: id.to_owned(),
            parent_span_id: (!parent.is_empty()).then(|| parent.to_owned()),
            kind: kind.to_owned(),
            error,
            attributes: attribute.map(|key| (key.to_owned(), "x".into())).into_iter().collect(),
            ..TraceSpan::default()
        }
    }

    #[test]
    fn a_trace_is_complete_when_nothing_that_it_tells_of_is_missing() {
        let all = [
            span("a", "", "server", None, false),
            span("b", "a", "client", None, false),
            span("c", "b", "server", None, false),
            span("d", "c", "client", Some("db.system.name"), false),
            span("e", "a", "client", None, true),
        ];
        let missing = |which: &str| {
            let spans = all.iter().filter(|span| which.contains(&span.span_id)).cloned().collect();
            Missing::from(&Trace { trace_id: String::new(), spans, logs: Vec::new() })
        };
        assert_eq!(missing("abcde"), []);
        assert_eq!(missing("ab"), [Missing::Callees(1)]);
        assert_eq!(missing("cd"), [Missing::Root, Missing::Parents(1)]);
        assert_eq!(missing("acd"), [Missing::Parents(1)]);
        assert_eq!(missing(""), [Missing::Root]);
        assert_eq!(words(&[]), None);
        let told = "its root has not ended; the other sides of 2 calls have not come in";
        assert_eq!(words(&[Missing::Root, Missing::Callees(2)]).as_deref(), Some(told));
    }
}
