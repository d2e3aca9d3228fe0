//! One trace, taken apart into time per hop. Every instant of the root counts for exactly one span, so the parts add up to its duration.
//!
//! An instant counts for the innermost span that was open in it; where several children were open at once, for the one that ended last,
//! because that is the one that was waited for. So the spans that have time of their own are the trace's critical path.

use std::collections::{BTreeMap, HashMap};

use crate::event::Hop;
use crate::trace::TraceSpan;

use super::hop;

/// A trace by where its time went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// Index of the root among the spans.
    pub root: usize,
    /// Nanoseconds by hop; together the root's duration.
    pub hops: BTreeMap<Hop, u64>,
    /// Nanoseconds that each span has for itself on the critical path, by its index.
    pub own: Vec<u64>,
    /// How deep each span is nested; the root and what cannot be reached from it are at 0.
    pub depth: Vec<usize>,
}

/// A stretch of time to be shared out among a span and its children, in nanoseconds since 1970 on the root's clock.
struct Stretch {
    span: usize,
    /// What is added to the span's times, because its clock is not the root's.
    offset: i128,
    from: i128,
    to: i128,
}

/// Takes the spans of a trace apart, in whatever order; `None` where there are none.
///
/// A span that comes twice counts once. One whose parent is not there hangs below the root. A child counts for the time that it shares
/// with its parent; a SERVER span that lies outside of the CLIENT span above it is moved, with all below it, for then their clocks differ.
pub fn breakdown(spans: &[TraceSpan]) -> Option<Parts> {
    let tree = Tree::new(spans)?;
    let (mut hops, mut own) = (BTreeMap::new(), vec![0; spans.len()]);
    let root = &spans[tree.root];
    let start = i128::from(root.start_unix_nano);
    let mut stretches = vec![Stretch { span: tree.root, offset: 0, from: start, to: start + i128::from(root.duration_nano) }];
    while let Some(stretch) = stretches.pop() {
        let (mut free, mut until) = (0, stretch.to);
        for (from, to, child, offset) in tree.placed(&stretch) {
            let to = to.min(until);
            if from < to {
                free += until - to;
                until = from;
                stretches.push(Stretch { span: child, offset, from, to });
            }
        }
        free += until - stretch.from;
        let free = u64::try_from(free).unwrap_or_default();
        own[stretch.span] = free;
        let children: Vec<&TraceSpan> = tree.children[stretch.span].iter().map(|child| &spans[*child]).collect();
        *hops.entry(hop::of(&spans[stretch.span], &children)).or_default() += free;
    }
    Some(Parts { root: tree.root, hops, own, depth: tree.depths() })
}

/// Who is below whom.
struct Tree<'t> {
    spans: &'t [TraceSpan],
    children: Vec<Vec<usize>>,
    root: usize,
}

impl<'t> Tree<'t> {
    fn new(spans: &'t [TraceSpan]) -> Option<Self> {
        let mut places: HashMap<&str, usize> = HashMap::with_capacity(spans.len());
        for (index, span) in spans.iter().enumerate() {
            places.entry(&span.span_id).or_insert(index);
        }
        let parent = |span: &TraceSpan| span.parent_span_id.as_ref().map(|parent| places.get(parent.as_str()).copied());
        let is_first = |index: &usize| places.get(spans[*index].span_id.as_str()) == Some(index);
        let singles: Vec<usize> = (0..spans.len()).filter(is_first).collect();
        // The one without a parent; else one whose parent is not there; else any, of a trace that goes round in a circle.
        let rank = |index: &usize| match parent(&spans[*index]) {
            None => 0,
            Some(None) => 1,
            Some(Some(_)) => 2,
        };
        let begun = |index: &usize| (rank(index), spans[*index].start_unix_nano, u64::MAX - spans[*index].duration_nano);
        let root = singles.iter().copied().min_by_key(begun)?;
        let mut children = vec![Vec::new(); spans.len()];
        for index in singles.into_iter().filter(|index| *index != root) {
            children[parent(&spans[index]).flatten().unwrap_or(root)].push(index);
        }
        Some(Self { spans, children, root })
    }

    fn depths(&self) -> Vec<usize> {
        let (mut depths, mut next) = (vec![0; self.spans.len()], vec![self.root]);
        while let Some(span) = next.pop() {
            for child in &self.children[span] {
                depths[*child] = depths[span] + 1;
                next.push(*child);
            }
        }
        depths
    }

    /// The children of a span, each with its part of the stretch on the root's clock and what is added to its times; whoever ended last
    /// comes first. Whoever has no part has one that ends before it begins.
    fn placed(&self, stretch: &Stretch) -> Vec<(i128, i128, usize, i128)> {
        let parent = &self.spans[stretch.span];
        let begin = i128::from(parent.start_unix_nano) + stretch.offset;
        let end = begin + i128::from(parent.duration_nano);
        let place = |child: &usize| {
            let span = &self.spans[*child];
            let (start, length) = (i128::from(span.start_unix_nano) + stretch.offset, i128::from(span.duration_nano));
            let is_remote = parent.kind == "client" && span.kind == "server" && span.parent_span_id.as_ref() == Some(&parent.span_id);
            let inside = begin <= start && start + length <= end;
            let moved = match () {
                () if inside || !is_remote => start,
                // As far from the one end as from the other, for there is nothing to tell the way there from the way back.
                () if length <= end - begin => begin + (end - begin - length) / 2,
                // The client did not wait for its end.
                () if start < begin || start >= end => begin,
                () => start,
            };
            (moved.max(stretch.from), (moved + length).min(stretch.to), *child, stretch.offset + moved - start)
        };
        let mut placed: Vec<_> = self.children[stretch.span].iter().map(place).collect();
        placed.sort_by_key(|(from, to, child, _)| (-to, *from, *child));
        placed
    }
}

#[cfg(test)]
mod tests;
