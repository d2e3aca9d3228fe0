//! Where something stands in a document, and what is known about it.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::scenario::keys::{Key, SCENARIO, Shape, Table};

/// The way to a value, or to its key.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) steps: Vec<Step>,
    pub(super) is_key: bool,
}

/// One step of the way.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

impl Place {
    /// The value, or the key, at the end of these steps.
    pub(super) fn value(steps: &[Step]) -> Self {
        Self { steps: steps.to_vec(), is_key: false }
    }

    /// What stands exactly at the span, the innermost where several do; without one, the whole document.
    pub(super) fn find(document: &Spanned<DeTable<'_>>, span: Option<&Range<usize>>) -> Option<Self> {
        let mut steps = Vec::new();
        let Some(span) = span.filter(|span| **span != document.span()) else { return Some(Self { steps, is_key: false }) };
        if let Some(is_key) = in_table(document.get_ref(), span, &mut steps) {
            return Some(Self { steps, is_key });
        }
        // Within a text there are no places of the document's own: a query tells which of its words is wrong, a selector which tag.
        let around = text_around(document.get_ref(), span)?;
        let is_key = in_table(document.get_ref(), &around, &mut steps)?;
        Some(Self { steps, is_key })
    }
}

/// Where the text stands that has this span within it.
fn text_around(table: &DeTable<'_>, span: &Range<usize>) -> Option<Range<usize>> {
    fn in_value(value: &Spanned<DeValue<'_>>, span: &Range<usize>) -> Option<Range<usize>> {
        match value.get_ref() {
            DeValue::Table(table) => text_around(table, span),
            DeValue::Array(list) => list.iter().find_map(|value| in_value(value, span)),
            DeValue::String(_) => (value.span().start < span.start && span.end < value.span().end).then(|| value.span()),
            _ => None,
        }
    }
    table.iter().find_map(|(key, value)| {
        let key = key.span();
        if key.start < span.start && span.end < key.end { Some(key) } else { in_value(value, span) }
    })
}

/// Adds the steps to what stands at the span; whether it is a key.
fn in_table(table: &DeTable<'_>, span: &Range<usize>, steps: &mut Vec<Step>) -> Option<bool> {
    for (key, value) in table {
        steps.push(Step::Key(key.get_ref().to_string()));
        let found = match in_value(value, span, steps) {
            // A table that is there because of dots in a key has the span of that key.
            Some(false) if key.span() == *span => Some(false),
            found => found.or_else(|| (key.span() == *span).then_some(true)),
        };
        if found.is_some() {
            return found;
        }
        steps.pop();
    }
    None
}

fn in_value(value: &Spanned<DeValue<'_>>, span: &Range<usize>, steps: &mut Vec<Step>) -> Option<bool> {
    let within = match value.get_ref() {
        DeValue::Table(table) => in_table(table, span, steps),
        DeValue::Array(list) => list.iter().enumerate().find_map(|(index, value)| {
            steps.push(Step::Index(index));
            let found = in_value(value, span, steps);
            if found.is_none() {
                steps.pop();
            }
            found
        }),
        _ => None,
    };
    within.or_else(|| (value.span() == *span).then_some(false))
}

/// What is known about the value at the end of these steps.
pub(super) fn shape(steps: &[Step]) -> Option<Shape> {
    steps.iter().try_fold(Shape::Table(&SCENARIO), step_into)
}

fn step_into(shape: Shape, step: &Step) -> Option<Shape> {
    match (shape, step) {
        (Shape::Table(table), Step::Key(name)) => table.key(name).map(|key| key.shape),
        (Shape::Named(inner), Step::Key(_)) | (Shape::List(inner, _), Step::Index(_)) => Some(*inner),
        (Shape::Thresholds(promises), Step::Key(_)) => Some(Shape::List(promises, true)),
        (Shape::Either(shapes), _) => shapes.iter().find_map(|shape| step_into(*shape, step)),
        _ => None,
    }
}

/// The table that a value of this shape may be.
pub(super) fn table_of(shape: Shape) -> Option<&'static Table> {
    match shape {
        Shape::Table(table) => Some(table),
        Shape::Either(shapes) => shapes.iter().find_map(|shape| table_of(*shape)),
        _ => None,
    }
}

/// The key whose value these steps lead to, or into a list of.
pub(super) fn key(steps: &[Step]) -> Option<&'static Key> {
    let last = steps.iter().rposition(|step| matches!(step, Step::Key(_)))?;
    let (Step::Key(name), before) = (steps.get(last)?, steps.get(..last)?) else { return None };
    table_of(shape(before)?)?.key(name)
}
