//! A query as it is understood, and how it chooses spans.

use regex_lite::Regex;

use super::field::Field;
use super::tree::Tree;
use super::value::{Comparison, Value, fits, is_text};

/// Chooses spans of a trace. What stands in a row is kept in a row, so that a long query is no deep one.
#[derive(Debug, Clone)]
pub(super) enum Spanset {
    /// `{ … }`
    Filter(Condition),
    /// Read from left to right.
    Row(Box<Self>, Vec<(Relation, Self)>),
    /// `… | … | …`
    Piped(Box<Self>, Vec<Stage>),
}

/// Between two spansets: which spans are chosen of those that the two choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    /// All of both, where both choose any.
    And,
    /// All of both.
    Or,
    /// Of the right ones, those whose parent is a left one; and so on.
    Child,
    Descendant,
    Parent,
    Ancestor,
    Sibling,
}

/// After a `|`: lets spans through.
#[derive(Debug, Clone)]
pub(super) enum Stage {
    /// Those that match as well.
    Filter(Condition),
    /// All of them or none.
    Aggregate { aggregate: Aggregate, comparison: Comparison, bound: f64 },
    /// All of them; what a search shall tell of each of them besides.
    Select(Vec<Field>),
}

/// One number of many spans.
#[derive(Debug, Clone)]
pub(super) enum Aggregate {
    Count,
    Min(Field),
    Max(Field),
    Avg(Field),
    Sum(Field),
}

/// Whether a span is chosen.
#[derive(Debug, Clone)]
pub(super) enum Condition {
    Always(bool),
    /// An attribute that is true or false.
    Flag(Field),
    Not(Box<Self>),
    /// Read from left to right.
    Row(Box<Self>, Vec<(Joint, Self)>),
    Compare(Operand, Comparison, Operand),
    Fits {
        field: Field,
        pattern: Regex,
        negated: bool,
    },
}

/// Between two conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joint {
    And,
    Or,
}

/// One side of a comparison.
#[derive(Debug, Clone)]
pub(super) enum Operand {
    Field(Field),
    Text(String),
    Value(Value<'static>),
}

impl Spanset {
    /// Which spans are chosen, one flag for each.
    pub(super) fn select(&self, tree: &Tree<'_>) -> Vec<bool> {
        match self {
            Self::Filter(condition) => (0..tree.len()).map(|index| condition.holds(tree, index)).collect(),
            Self::Row(first, others) => {
                let first = first.select(tree);
                others.iter().fold(first, |left, (relation, right)| relation.of(tree, &left, &right.select(tree)))
            }
            Self::Piped(first, stages) => stages.iter().fold(first.select(tree), |chosen, stage| stage.let_through(tree, chosen)),
        }
    }
}

impl Relation {
    fn of(self, tree: &Tree<'_>, left: &[bool], right: &[bool]) -> Vec<bool> {
        let any = |marked: &[bool]| marked.contains(&true);
        let of_the_right = |related: Vec<bool>| related.iter().zip(right).map(|(related, right)| *related && *right).collect();
        match self {
            Self::And if !any(left) || !any(right) => vec![false; tree.len()],
            Self::And | Self::Or => left.iter().zip(right).map(|(left, right)| *left || *right).collect(),
            Self::Child => of_the_right(tree.children_of(left)),
            Self::Descendant => of_the_right(tree.descendants_of(left)),
            Self::Parent => of_the_right(tree.parents_of(left)),
            Self::Ancestor => of_the_right(tree.ancestors_of(left)),
            Self::Sibling => of_the_right(tree.siblings_of(left)),
        }
    }
}

impl Stage {
    fn let_through(&self, tree: &Tree<'_>, chosen: Vec<bool>) -> Vec<bool> {
        match self {
            Self::Filter(also) => chosen.into_iter().enumerate().map(|(index, chosen)| chosen && also.holds(tree, index)).collect(),
            Self::Select(_) => chosen,
            Self::Aggregate { aggregate, comparison, bound } => {
                let value = aggregate.of(tree, &chosen).and_then(|value| value.partial_cmp(bound));
                if value.is_some_and(|ordering| comparison.holds(ordering)) { chosen } else { vec![false; tree.len()] }
            }
        }
    }
}

impl Aggregate {
    /// Nothing where no span has the field.
    fn of(&self, tree: &Tree<'_>, chosen: &[bool]) -> Option<f64> {
        let each = || chosen.iter().enumerate().filter_map(|(index, chosen)| chosen.then_some(index));
        let numbers = |field: &Field| -> Vec<f64> { each().filter_map(|index| field.of(tree, index).number()).collect() };
        #[expect(clippy::cast_precision_loss, reason = "a trace has far less than 2^52 spans")]
        match self {
            // Without spans there is no spanset to count.
            Self::Count => Some(each().count()).filter(|count| *count > 0).map(|count| count as f64),
            Self::Min(field) => numbers(field).into_iter().reduce(f64::min),
            Self::Max(field) => numbers(field).into_iter().reduce(f64::max),
            Self::Sum(field) => numbers(field).into_iter().reduce(|sum, number| sum + number),
            Self::Avg(field) => {
                let numbers = numbers(field);
                (!numbers.is_empty()).then(|| numbers.iter().sum::<f64>() / numbers.len() as f64)
            }
        }
    }
}

impl Condition {
    fn holds(&self, tree: &Tree<'_>, index: usize) -> bool {
        match self {
            Self::Always(flag) => *flag,
            Self::Flag(field) => field.of(tree, index) == Value::Flag(true),
            Self::Not(inner) => !inner.holds(tree, index),
            Self::Row(first, others) => others.iter().fold(first.holds(tree, index), |left, (joint, right)| match joint {
                Joint::And => left && right.holds(tree, index),
                Joint::Or => left || right.holds(tree, index),
            }),
            Self::Compare(left, comparison, right) => comparison.compares(&left.of(tree, index), &right.of(tree, index)),
            Self::Fits { field, pattern, negated } => {
                let value = field.of(tree, index);
                is_text(&value) && fits(&value, pattern) != *negated
            }
        }
    }
}

impl Operand {
    fn of<'t>(&'t self, tree: &Tree<'t>, index: usize) -> Value<'t> {
        match self {
            Self::Field(field) => field.of(tree, index),
            Self::Text(text) => Value::Text(text),
            Self::Value(value) => *value,
        }
    }
}
