//! The trace that is being looked at: what of it is chosen, and what is folded.

use std::collections::HashSet;

use lab_facts::event::TraceId;
use lab_facts::trace::{Trace, TraceSpan};

use super::shape::{Row, Shape};

/// A trace that is being looked at.
#[derive(Debug)]
pub struct Open {
    /// Its ID.
    pub trace_id: TraceId,
    /// What is known of its request beside the trace, such as `503 after 1.96 s`.
    pub told: String,
    /// As far as its spans have come in.
    pub trace: Option<Trace>,
    /// How it is drawn, as far as it had come in when that was worked out.
    shape: Option<Shape>,
    /// The rows of it that are not hidden.
    visible: Vec<usize>,
    /// The spans of which nothing below is shown.
    folded: HashSet<String>,
    /// The viewer's row: a span, and which row after it, for its log lines have no IDs. Until then the one that tells most.
    chosen: Option<(String, usize)>,
    /// Which row of all that is, as far as the trace had come in.
    row: Option<usize>,
    /// Set by drawing: which of the rows that are not hidden is the first in sight.
    pub(super) first: usize,
    /// The first line in sight of all that the chosen row tells, where that is shown in place of the rows.
    pub(in crate::tui) details: Option<usize>,
}

impl Open {
    /// None of its spans is there yet.
    pub(in crate::tui) fn new(trace_id: TraceId, told: String) -> Self {
        Self {
            trace_id,
            told,
            trace: None,
            shape: None,
            visible: Vec::new(),
            folded: HashSet::new(),
            chosen: None,
            row: None,
            first: 0,
            details: None,
        }
    }

    /// What the store has of it by now; what has been pushed out meanwhile stays here.
    pub(in crate::tui) fn hear(&mut self, trace: Option<Trace>) {
        match (&trace, &self.shape) {
            (Some(trace), Some(shape)) if shape.is_of(trace) => {}
            (Some(_), _) => self.trace = trace,
            (None, _) => {}
        }
    }

    /// Works out how it is drawn, where more of it has come in.
    pub(super) fn refresh(&mut self) {
        let Some(trace) = &self.trace else { return };
        if self.shape.as_ref().is_none_or(|shape| !shape.is_of(trace)) {
            let shape = Shape::of(trace);
            let of_span = |id: &str| shape.rows.iter().position(|row| row.span(trace).is_some_and(|span| span.span_id == id));
            self.row = self.chosen.as_ref().and_then(|(id, after)| Some(of_span(id)? + after));
            self.visible = shape.visible(trace, &self.folded);
            self.shape = Some(shape);
        }
    }

    /// The trace, and how it is drawn.
    pub(super) fn shape(&self) -> Option<(&Trace, &Shape)> {
        Some((self.trace.as_ref()?, self.shape.as_ref()?))
    }

    /// The rows that are not hidden, by their numbers.
    pub(super) fn visible(&self) -> &[usize] {
        &self.visible
    }

    /// Whether what is below a row is hidden.
    pub(super) fn is_folded(&self, row: &Row) -> bool {
        let span = self.trace.as_ref().and_then(|trace| row.span(trace));
        span.is_some_and(|span| self.folded.contains(&span.span_id))
    }

    /// The chosen one of the rows that are not hidden: where the viewer's is hidden, the one that it is hidden in.
    pub(super) fn place(&self) -> usize {
        let telling = self.shape.as_ref().and_then(|shape| shape.telling);
        let row = self.row.or(telling.map(|(row, _)| row)).unwrap_or_default();
        self.visible.partition_point(|visible| *visible <= row).saturating_sub(1)
    }

    /// The chosen row.
    pub(super) fn chosen(&self) -> Option<&Row> {
        self.shape.as_ref()?.rows.get(*self.visible.get(self.place())?)
    }

    /// The chosen span.
    pub(in crate::tui) fn span(&self) -> Option<&TraceSpan> {
        self.chosen()?.span(self.trace.as_ref()?)
    }

    /// Chooses a row by its place among those that are not hidden; whether it was chosen already. Scrolls instead where all that the
    /// chosen row tells is shown.
    pub(in crate::tui) fn choose(&mut self, next: impl FnOnce(usize) -> usize) -> bool {
        if let Some(line) = &mut self.details {
            *line = next(*line);
            return false;
        }
        self.refresh();
        let before = self.place();
        let place = next(before).min(self.visible.len().saturating_sub(1));
        if let Some(row) = self.visible.get(place) {
            self.choose_row(*row);
        }
        place == before
    }

    fn choose_row(&mut self, row: usize) {
        let Some((trace, shape)) = self.shape() else { return };
        let span = (0..=row).rev().find_map(|number| Some((number, shape.rows.get(number)?.span(trace)?)));
        self.chosen = span.map(|(number, span)| (span.span_id.clone(), row - number));
        self.row = Some(row);
    }

    /// The next span that failed, or the one before, hidden or not; round and round.
    pub(in crate::tui) fn next_error(&mut self, back: bool) {
        self.refresh();
        let Some((trace, shape)) = self.shape() else { return };
        let failed = |number: &usize| shape.rows[*number].span(trace).is_some_and(|span| span.error);
        let failed: Vec<usize> = (0..shape.rows.len()).filter(failed).collect();
        let here = self.visible.get(self.place()).copied().unwrap_or_default();
        let next = if back {
            failed.iter().rev().find(|row| **row < here).or(failed.last())
        } else {
            failed.iter().find(|row| **row > here).or(failed.first())
        };
        let Some(row) = next.copied() else { return };
        self.unfold_around(row);
        self.choose_row(row);
    }

    fn unfold_around(&mut self, row: usize) {
        let (Some(trace), Some(shape)) = (&self.trace, &self.shape) else { return };
        let around = shape.rows.iter().take(row).enumerate().filter(|(number, outer)| number + outer.below >= row);
        for span in around.filter_map(|(_, outer)| outer.span(trace)) {
            self.folded.remove(&span.span_id);
        }
        self.refold();
    }

    /// Hides what is below the chosen row, or shows it again.
    pub(in crate::tui) fn fold(&mut self) {
        self.refresh();
        // What is unfolded may hold the viewer's row, which would be chosen in its place.
        if let Some(row) = self.visible.get(self.place()) {
            self.choose_row(*row);
        }
        let Some(id) = self.chosen().filter(|row| row.below > 0).and(self.span()).map(|span| span.span_id.clone()) else { return };
        if !self.folded.remove(&id) {
            self.folded.insert(id);
        }
        self.refold();
    }

    /// Hides what is below any span; where something is hidden, shows all.
    pub(in crate::tui) fn fold_all(&mut self) {
        self.refresh();
        let is_folded = !self.folded.is_empty();
        let Some((trace, shape)) = self.shape() else { return };
        let outer = shape.rows.iter().filter(|row| row.below > 0 && !is_folded).filter_map(|row| row.span(trace));
        self.folded = outer.map(|span| span.span_id.clone()).collect();
        self.refold();
    }

    fn refold(&mut self) {
        if let (Some(trace), Some(shape)) = (&self.trace, &self.shape) {
            self.visible = shape.visible(trace, &self.folded);
        }
    }
}
