//! What a query speaks of, told of the spans that match it: the attributes beside a search's results.

use std::collections::HashSet;

use serde_json::{Value as Json, json};

use super::Query;
use super::field::{Field, INTRINSICS};
use super::spanset::{Aggregate, Condition, Operand, Spanset, Stage};
use super::tree::Tree;
use super::value::Value;
use crate::trace::Trace;

impl Query {
    /// For each of these spans, by their indices: every field that the query names and that the span has, by its name without a scope, in
    /// the query's order. Durations are nanoseconds.
    pub fn told(&self, trace: &Trace, spans: &[usize]) -> Vec<Vec<(String, Json)>> {
        let mut fields: Vec<&Field> = Vec::new();
        named_by(&self.root, &mut fields);
        let mut known = HashSet::new();
        fields.retain(|field| known.insert(*field));
        let tree = Tree::new(trace);
        let of = |index: usize| {
            let mut told: Vec<(String, Json)> = Vec::new();
            for field in &fields {
                let (name, value) = (name(field), owned(field.of(&tree, index)));
                if !value.is_null() && told.iter().all(|(known, _)| known != name) {
                    told.push((name.to_owned(), value));
                }
            }
            told
        };
        spans.iter().map(|index| of(*index)).collect()
    }
}

fn named_by<'q>(spanset: &'q Spanset, fields: &mut Vec<&'q Field>) {
    match spanset {
        Spanset::Filter(condition) => named_in(condition, fields),
        Spanset::Row(first, others) => {
            named_by(first, fields);
            others.iter().for_each(|(_, other)| named_by(other, fields));
        }
        Spanset::Piped(first, stages) => {
            named_by(first, fields);
            for stage in stages {
                match stage {
                    Stage::Filter(condition) => named_in(condition, fields),
                    Stage::Select(selected) => fields.extend(selected),
                    Stage::Aggregate { aggregate, .. } => match aggregate {
                        Aggregate::Count => {}
                        Aggregate::Min(field) | Aggregate::Max(field) | Aggregate::Avg(field) | Aggregate::Sum(field) => fields.push(field),
                    },
                }
            }
        }
    }
}

fn named_in<'q>(condition: &'q Condition, fields: &mut Vec<&'q Field>) {
    match condition {
        Condition::Always(_) => {}
        Condition::Flag(field) | Condition::Fits { field, .. } => fields.push(field),
        Condition::Not(inner) => named_in(inner, fields),
        Condition::Row(first, others) => {
            named_in(first, fields);
            others.iter().for_each(|(_, other)| named_in(other, fields));
        }
        Condition::Compare(left, _, right) => fields.extend([left, right].into_iter().filter_map(|side| match side {
            Operand::Field(field) => Some(field),
            Operand::Text(_) | Operand::Value(_) => None,
        })),
    }
}

fn name(field: &Field) -> &str {
    match field {
        Field::Span(key) | Field::Resource(key) | Field::Either(key) => key,
        // The first of its spellings is the one without a scope, where there is one.
        Field::Intrinsic(intrinsic) => INTRINSICS.iter().find(|(_, known)| known == intrinsic).map_or("", |(name, _)| name),
    }
}

fn owned(value: Value<'_>) -> Json {
    match value {
        Value::Nil => Json::Null,
        Value::Text(text) | Value::Status(text) | Value::Kind(text) => text.into(),
        Value::Flag(flag) => flag.into(),
        Value::Int(number) | Value::Duration(number) => number.into(),
        Value::Float(number) => json!(number),
        Value::List(list) => list.into(),
    }
}
