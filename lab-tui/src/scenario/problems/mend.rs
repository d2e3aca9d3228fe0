//! A document whose refused places are mended, so that a reader gets to what is behind them.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

use super::place::{Place, Step, key, shape};
use crate::scenario::keys::{Case, Key, Shape, Table};
use crate::scenario::refusal::{Wrong, nearest};

/// A document that is being mended. What is put into it has spans behind the end of the text, each its own.
pub(super) struct Mender<'t> {
    document: Spanned<DeTable<'t>>,
    services: &'t [&'t str],
    /// Where the text ends.
    end: usize,
    given: usize,
    /// Whether something in the file lost its name, so that whoever refers to it seems to be wrong.
    pub(super) lost_a_name: bool,
}

impl<'t> Mender<'t> {
    pub(super) fn new(document: Spanned<DeTable<'t>>, end: usize, services: &'t [&'t str]) -> Self {
        Self { document, services, end, given: 0, lost_a_name: false }
    }

    pub(super) fn document(&self) -> Spanned<DeTable<'t>> {
        self.document.clone()
    }

    /// Whether what stands there is not what the author wrote.
    pub(super) fn is_mended(&self, span: Option<&Range<usize>>) -> bool {
        span.is_some_and(|span| span.start > self.end)
    }

    pub(super) fn find(&self, span: Option<&Range<usize>>) -> Option<Place> {
        Place::find(&self.document, span)
    }

    /// Adds what the readers do not know: which key was meant where one seems to be missing, and what a value looks like.
    pub(super) fn word(&mut self, wrong: &mut Wrong, place: &Place) {
        if let (Some(missing), Some(Shape::Table(table))) = (wrong.missing_key(), shape(&place.steps)) {
            let Some(Container::Table(given)) = self.container(&place.steps) else { return };
            let strange = given.keys().filter(|key| table.key(key.get_ref()).is_none());
            if let Some(key) = strange.into_iter().find(|key| nearest(key.get_ref(), &[missing]).is_some()) {
                *wrong = Wrong::new(key.span(), format!("unknown key `{}`", key.get_ref()), format!("did you mean `{missing}`?"));
            }
        } else if wrong.hint.is_none()
            && let Some(key) = key(&place.steps)
            && let Some(example) = key.example.or(key.default)
        {
            wrong.hint = Some(format!("write it as in `{} = {example}`", key.name));
        }
    }

    /// Mends what is wrong, with as little change as possible. Whether there was a change.
    pub(super) fn mend(&mut self, wrong: &Wrong) -> bool {
        let Some(Place { steps, is_key }) = self.find(wrong.span.as_ref()) else { return false };
        if is_key {
            return self.mend_key(&steps);
        }
        let is_table = matches!(self.container(&steps), Some(Container::Table(_)));
        match shape(&steps) {
            Some(Shape::Table(table)) if is_table => self.mend_table(&steps, table, wrong.missing_key()),
            Some(Shape::List(Shape::Table(_), _)) if is_table => self.wrap(&steps),
            _ => self.replace(&steps),
        }
    }

    /// Takes away what was mended and is refused again; the more often it is refused, the more of what is around it.
    pub(super) fn remove(&mut self, place: &Place, times: usize) -> bool {
        // What is left lacks no key that it needs.
        let needed = usize::from(key(&place.steps).is_some_and(|key| key.needed));
        let left = place.steps.len().saturating_sub(times.saturating_sub(1) + needed);
        let Some((last, before)) = place.steps.get(..left).and_then(<[Step]>::split_last) else { return false };
        self.lost_a_name = true;
        match (self.container(before), last) {
            (Some(Container::Table(table)), Step::Key(name)) => table.remove(name.as_str()).is_some(),
            (Some(Container::List(list)), Step::Index(index)) if *index < list.len() => {
                let kept = std::mem::replace(list, DeArray::new()).into_iter().enumerate().filter(|(at, _)| at != index);
                *list = kept.map(|(_, value)| value).collect();
                true
            }
            _ => false,
        }
    }

    /// A key that is not known becomes the one that was meant, a selector loses its tags, and all else is taken away.
    fn mend_key(&mut self, steps: &[Step]) -> bool {
        let Some((Step::Key(name), before)) = steps.split_last() else { return false };
        let span = self.new_span();
        let known = shape(before);
        let Some(Container::Table(table)) = self.container(before) else { return false };
        let meant = match known {
            Some(Shape::Table(known)) => {
                let absent: Vec<&str> = known.keys_of(chosen(known, table)).map(|key| key.name).collect();
                nearest(name, &absent)
            }
            Some(Shape::Thresholds(_)) => name.split_once('{').map(|(metric, _)| metric),
            _ => None,
        };
        let Some(value) = table.remove(name.as_str()) else { return false };
        if let Some(meant) = meant.filter(|meant| !table.contains_key(*meant)) {
            table.insert(Spanned::new(span, DeString::from(meant.to_owned())), value);
        }
        true
    }

    /// Adds what a table lacks. Where it lacks nothing, it becomes another one of the same name.
    fn mend_table(&mut self, steps: &[Step], table: &'static Table, missing: Option<&str>) -> bool {
        if table.choice.as_ref().is_some_and(|choice| Some(choice.by) == missing) {
            return self.choose(steps, table);
        }
        let Some(Container::Table(given)) = self.container(steps) else { return false };
        let keys = table.keys_of(chosen(table, given));
        let absent: Vec<&Key> = match missing {
            Some(name) => keys.filter(|key| key.name == name).collect(),
            None => keys.filter(|key| key.needed && !given.contains_key(key.name)).collect(),
        };
        if !absent.is_empty() {
            return absent.into_iter().fold(false, |changed, key| self.put(steps, key) || changed);
        }
        let name = given.remove_entry("name");
        let mut filled = self.own(DeValue::Table(table.filled()));
        if let (Some((key, value)), DeValue::Table(filled)) = (name, filled.get_mut()) {
            filled.remove("name");
            filled.insert(key, value);
        }
        self.value_mut(steps).map(|place| *place = filled).is_some()
    }

    /// One table where there may be several: [load] in place of [[load]].
    fn wrap(&mut self, steps: &[Step]) -> bool {
        let span = self.new_span();
        let Some(value) = self.value_mut(steps) else { return false };
        let table = std::mem::replace(value, Spanned::new(span, DeValue::Boolean(false)));
        *value.get_mut() = DeValue::Array([table].into_iter().collect::<DeArray<'_>>());
        true
    }

    /// Gives a table the executor or the kind that fits most of its keys, and takes away the keys that do not fit.
    fn choose(&mut self, steps: &[Step], table: &'static Table) -> bool {
        let Some(choice) = &table.choice else { return false };
        let Some(Container::Table(given)) = self.container(steps) else { return false };
        let fitting = |case: &&Case| case.keys.iter().filter(|key| given.contains_key(key.name)).count();
        // Of several the first one, which is the most usual.
        let Some(case) = choice.cases.iter().rev().max_by_key(fitting) else { return false };
        for strange in choice.cases.iter().flat_map(|case| case.keys).filter(|key| case.keys.iter().all(|own| own.name != key.name)) {
            given.remove(strange.name);
        }
        given.remove(choice.by);
        let lacking: Vec<&Key> = case.keys.iter().filter(|key| key.needed && !given.contains_key(key.name)).collect();
        let word = self.own(DeValue::String(DeString::from(case.name)));
        self.insert(steps, choice.by, word);
        for key in lacking {
            self.put(steps, key);
        }
        true
    }

    /// Puts what stands in for its value at a key that is not there.
    fn put(&mut self, steps: &[Step], key: &Key) -> bool {
        self.lost_a_name |= key.name == "name";
        self.stand_in(key).is_some_and(|value| self.insert(steps, key.name, value))
    }

    fn insert(&mut self, steps: &[Step], key: &'static str, value: Spanned<DeValue<'t>>) -> bool {
        let key = Spanned::new(self.new_span(), DeString::from(key));
        let Some(Container::Table(table)) = self.container(steps) else { return false };
        table.insert(key, value).is_none()
    }

    /// Puts what stands in for it in the place of a value.
    fn replace(&mut self, steps: &[Step]) -> bool {
        let place = Place { steps: steps.to_vec(), is_key: false };
        let (Some(key), Some((last, before))) = (key(steps), steps.split_last()) else { return self.remove(&place, 1) };
        self.lost_a_name |= key.name == "name";
        let stand_in = match (last, shape(before)) {
            (Step::Key(_), Some(Shape::Table(table))) if table.choice.as_ref().is_some_and(|choice| choice.by == key.name) => {
                let names: Vec<&str> = table.choice.iter().flat_map(|choice| choice.cases).map(|case| case.name).collect();
                let meant = self.value_mut(steps).and_then(|value| nearest(value.get_ref().as_str()?, &names));
                let Some(meant) = meant else { return self.choose(before, table) };
                Some(self.own(DeValue::String(DeString::from(meant.to_owned()))))
            }
            (Step::Index(_), Some(Shape::List(Shape::Table(table), _))) => Some(self.own(DeValue::Table(table.filled()))),
            // The first of the list that stands in for the whole one.
            (Step::Index(_), _) => self.stand_in(key).and_then(|list| match list.into_inner() {
                DeValue::Array(list) => list.into_iter().next(),
                _ => None,
            }),
            (Step::Key(_), _) => self.stand_in(key),
        };
        match (stand_in, self.value_mut(steps)) {
            (Some(value), Some(place)) => {
                *place = value;
                true
            }
            _ => self.remove(&place, 1),
        }
    }

    fn stand_in(&mut self, key: &Key) -> Option<Spanned<DeValue<'t>>> {
        let value = match key.name {
            // No two may have the same.
            "name" => DeValue::String(DeString::from(format!("stand-in {}", self.given))),
            "service" => DeValue::String(DeString::from((*self.services.first()?).to_owned())),
            _ => key.stand_in_value()?,
        };
        Some(self.own(value))
    }

    /// What came from no text, with spans of its own.
    fn own(&mut self, value: DeValue<'t>) -> Spanned<DeValue<'t>> {
        let span = self.new_span();
        let value = match value {
            DeValue::Array(list) => DeValue::Array(list.into_iter().map(|value| self.own(value.into_inner())).collect()),
            DeValue::Table(table) => DeValue::Table(
                table
                    .into_iter()
                    .map(|(key, value)| {
                        let value = match (key.get_ref().as_ref(), self.services.first()) {
                            ("service", Some(service)) => DeValue::String(DeString::from((*service).to_owned())),
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

    fn new_span(&mut self) -> Range<usize> {
        self.given += 1;
        self.end + self.given..self.end + self.given
    }

    fn value_mut(&mut self, steps: &[Step]) -> Option<&mut Spanned<DeValue<'t>>> {
        let (last, before) = steps.split_last()?;
        match (self.container(before)?, last) {
            (Container::Table(table), Step::Key(name)) => table.get_mut(name.as_str()),
            (Container::List(list), Step::Index(index)) => list.get_mut(*index),
            _ => None,
        }
    }

    fn container(&mut self, steps: &[Step]) -> Option<Container<'_, 't>> {
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

enum Container<'c, 't> {
    Table(&'c mut DeTable<'t>),
    List(&'c mut DeArray<'t>),
}

fn chosen(table: &'static Table, given: &DeTable<'_>) -> Option<&'static Case> {
    let by = table.choice.as_ref()?.by;
    table.case(given.get(by)?.get_ref().as_str()?)
}
