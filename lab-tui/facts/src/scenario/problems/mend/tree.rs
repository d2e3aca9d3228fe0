//! Ways through the document, and new places in it.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

use super::Mender;
use crate::scenario::problems::place::Step;

pub(super) enum Container<'c, 't> {
    Table(&'c mut DeTable<'t>),
    List(&'c mut DeArray<'t>),
}

impl<'t> Mender<'t> {
    /// What came from no text, with spans of its own.
    pub(super) fn own(&mut self, value: DeValue<'t>) -> Spanned<DeValue<'t>> {
        let span = self.new_span();
        let value = match value {
            DeValue::Array(list) => DeValue::Array(list.into_iter().map(|value| self.own(value.into_inner())).collect()),
            DeValue::Table(table) => DeValue::Table(
                table
                    .into_iter()
                    .map(|(key, value)| {
                        let value = match (key.get_ref().as_ref(), self.services.first()) {
                            ("service", Some(service)) => DeValue::String(DeString::from((*service).to_owned())),
                            ("name", _) => DeValue::String(DeString::from(format!("stand-in-{}", self.given))),
                            _ => value.into_inner(),
                        };
                        (Spanned::new(self.new_span(), key.into_inner()), self.own(value))
                    })
                    .collect(),
            ),
            other => other,
        };
        Spanned::new(span, value)
    }

    pub(super) fn new_span(&mut self) -> Range<usize> {
        self.given += 1;
        self.end + self.given..self.end + self.given
    }

    pub(super) fn value_mut(&mut self, steps: &[Step]) -> Option<&mut Spanned<DeValue<'t>>> {
        let (last, before) = steps.split_last()?;
        match (self.container(before)?, last) {
            (Container::Table(table), Step::Key(name)) => table.get_mut(name.as_str()),
            (Container::List(list), Step::Index(index)) => list.get_mut(*index),
            _ => None,
        }
    }

    pub(super) fn container(&mut self, steps: &[Step]) -> Option<Container<'_, 't>> {
        steps.iter().try_fold(Container::Table(self.document.get_mut()), |container, step| {
            let value = match (container, step) {
                (Container::Table(table), Step::Key(name)) => table.get_mut(name.as_str())?,
                (Container::List(list), Step::Index(index)) => list.get_mut(*index)?,
                _ => return None,
            };
            match value.get_mut() {
                DeValue::Table(table) => Some(Container::Table(table)),
                DeValue::Array(list) => Some(Container::List(list)),
                _ => None,
            }
        })
    }
}
