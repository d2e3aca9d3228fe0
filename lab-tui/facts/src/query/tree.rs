//! A trace with its spans' kinship worked out.

use std::collections::HashMap;

use crate::trace::Trace;

/// A trace, and who is whose parent in it.
#[derive(Debug)]
pub(super) struct Tree<'t> {
    pub(super) trace: &'t Trace,
    /// The parent of each span, where it is known.
    pub(super) parents: Vec<Option<usize>>,
    /// The earliest span that has no parent.
    pub(super) root: Option<usize>,
    /// From the first beginning to the last end, in nanoseconds.
    pub(super) duration: u64,
}

impl<'t> Tree<'t> {
    pub(super) fn new(trace: &'t Trace) -> Self {
        let spans = &trace.spans;
        let places: HashMap<&str, usize> = spans.iter().enumerate().map(|(index, span)| (span.span_id.as_str(), index)).collect();
        let parents = spans.iter().map(|span| places.get(span.parent_span_id.as_deref()?).copied()).collect();
        let roots = spans.iter().enumerate().filter(|(_, span)| span.parent_span_id.is_none());
        let begin = spans.iter().map(|span| span.start_unix_nano).min().unwrap_or_default();
        let end = spans.iter().map(|span| span.start_unix_nano.saturating_add(span.duration_nano)).max().unwrap_or_default();
        Self {
            trace,
            parents,
            root: roots.min_by_key(|(_, span)| span.start_unix_nano).map(|(index, _)| index),
            duration: end.saturating_sub(begin),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.parents.len()
    }

    /// The parents of those that are marked.
    pub(super) fn parents_of(&self, marked: &[bool]) -> Vec<bool> {
        let mut found = vec![false; self.len()];
        self.each(marked).filter_map(|index| self.parents[index]).for_each(|parent| found[parent] = true);
        found
    }

    /// Their parents, and the parents of these, up to the root.
    pub(super) fn ancestors_of(&self, marked: &[bool]) -> Vec<bool> {
        let mut found = vec![false; self.len()];
        for index in self.each(marked) {
            let mut next = self.parents[index];
            // Where somebody has been, the rest of the way is marked; so spans that claim to be each other's parents end it as well.
            while let Some(parent) = next.filter(|parent| !found[*parent]) {
                found[parent] = true;
                next = self.parents[parent];
            }
        }
        found
    }

    /// The children of those that are marked.
    pub(super) fn children_of(&self, marked: &[bool]) -> Vec<bool> {
        self.parents.iter().map(|parent| parent.is_some_and(|parent| marked[parent])).collect()
    }

    /// Their children, and the children of these, down to the leaves.
    pub(super) fn descendants_of(&self, marked: &[bool]) -> Vec<bool> {
        let mut children = vec![Vec::new(); self.len()];
        for (index, parent) in self.parents.iter().enumerate() {
            parent.iter().for_each(|parent| children[*parent].push(index));
        }
        let mut found = vec![false; self.len()];
        let mut open: Vec<usize> = self.each(marked).collect();
        while let Some(index) = open.pop() {
            for child in &children[index] {
                if !std::mem::replace(&mut found[*child], true) {
                    open.push(*child);
                }
            }
        }
        found
    }

    /// The other children of the parents of those that are marked.
    pub(super) fn siblings_of(&self, marked: &[bool]) -> Vec<bool> {
        // How many marked children each parent has: one that is marked itself needs another.
        let mut counts = vec![0_usize; self.len()];
        self.each(marked).filter_map(|index| self.parents[index]).for_each(|parent| counts[parent] += 1);
        let each = self.parents.iter().zip(marked);
        each.map(|(parent, marked)| parent.is_some_and(|parent| counts[parent] > usize::from(*marked))).collect()
    }

    fn each<'m>(&self, marked: &'m [bool]) -> impl Iterator<Item = usize> + use<'m> {
        marked.iter().enumerate().filter_map(|(index, marked)| marked.then_some(index))
    }
}
