//! A document whose refused places are mended, so that a reader gets to what is behind them.

mod stand_in;
mod tree;

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

use super::place::{Place, Step, key, shape, table_of};
use crate::scenario::keys::{Case, Key, METHODS, RELATIONS, Shape, Table};
use crate::scenario::refusal::{Wrong, nearest, suggest};
use crate::scenario::selector::Selector;
use tree::Container;

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
    pub(super) fn word(&mut self, wrong: &mut Wrong, Place { steps, is_key }: &Place) {
        if *is_key {
            self.word_key(wrong, steps);
        } else if let Some(missing) = wrong.missing_key() {
            let (Some(table), Some(Container::Table(given))) = (shape(steps).and_then(table_of), self.container(steps)) else { return };
            let mut strange = given.keys().filter(|key| table.key(key.get_ref()).is_none());
            if let Some(key) = strange.find(|key| nearest(key.get_ref(), &[missing]).is_some()) {
                *wrong = Wrong::new(key.span(), format!("unknown key `{}`", key.get_ref()), format!("did you mean `{missing}`?"));
            }
        } else if wrong.hint.is_none() {
            if let Some(DeValue::Datetime(_)) = self.value_mut(steps).map(|value| value.get_ref()) {
                "a date is no value here".clone_into(&mut wrong.what);
            }
            wrong.hint = (1..=steps.len()).rev().find_map(|length| {
                let key = key(steps.get(..length)?)?;
                match key.shape {
                    Shape::List(Shape::Table(_), _) if key.example.is_none() => Some(format!("write it as [[{}]]", dotted(steps))),
                    _ => Some(format!("write it as in `{} = {}`", key.name, key.example.or(key.default)?)),
                }
            });
        }
    }

    /// A reader suggests keys that it knows, and not only those that are not there yet.
    fn word_key(&mut self, wrong: &mut Wrong, steps: &[Step]) {
        let Some((Step::Key(name), before)) = steps.split_last() else { return };
        let (Some(table), Some(Container::Table(given))) = (shape(before).and_then(table_of), self.container(before)) else { return };
        // Of tables there may be one more.
        let is_list = |key: &str| table.key(key).is_some_and(|key| matches!(key.shape, Shape::List(Shape::Table(_), _)));
        let is_there =
            |hint: &String| given.keys().any(|key| !is_list(key.get_ref()) && *hint == format!("did you mean `{}`?", key.get_ref()));
        if wrong.hint.as_ref().is_some_and(is_there) {
            let absent: Vec<&str> =
                table.keys_of(chosen(table, given)).map(|key| key.name).filter(|key| !given.contains_key(*key)).collect();
            wrong.hint = Some(suggest(name, &absent));
        }
    }

    /// Mends what is wrong, with as little change as possible. Whether there was a change.
    pub(super) fn mend(&mut self, wrong: &Wrong) -> bool {
        let Some(Place { steps, is_key }) = self.find(wrong.span.as_ref()) else { return false };
        if is_key {
            return self.mend_key(&steps, wrong);
        }
        if let [Step::Key(load), Step::Index(_), Step::Key(vars), Step::Key(_), ..] = steps.as_slice()
            && load == "load"
            && vars == "vars"
        {
            return self.replace_variable(&steps[..4]);
        }
        let is_table = matches!(self.container(&steps), Some(Container::Table(_)));
        let shape = shape(&steps);
        match (shape, shape.and_then(table_of)) {
            (_, Some(table)) if is_table => self.mend_table(&steps, table, wrong.missing_key()),
            (Some(Shape::List(Shape::Table(_), _)), _) if is_table => self.wrap(&steps),
            _ => self.replace(&steps, wrong),
        }
    }

    /// Takes away what was mended and is refused again; the more often it is refused, the more of what is around it.
    pub(super) fn remove(&mut self, place: &Place, times: usize) -> bool {
        let needed = usize::from(self.is_needed(&place.steps));
        let left = place.steps.len().saturating_sub(times.saturating_sub(1) + needed);
        let Some((last, before)) = place.steps.get(..left).and_then(<[Step]>::split_last) else { return false };
        let in_place = match (last, shape(before)) {
            // A list of tables may need one.
            (Step::Index(_), Some(Shape::List(Shape::Table(table), true))) => Some(self.own(DeValue::Table(table.filled()))),
            _ => None,
        };
        let lost = match (self.container(before), last) {
            (Some(Container::Table(table)), Step::Key(name)) => table.remove(name.as_str()),
            (Some(Container::List(list)), Step::Index(index)) => {
                let (lost, kept): (Vec<_>, Vec<_>) =
                    std::mem::replace(list, DeArray::new()).into_iter().enumerate().partition(|(at, _)| at == index);
                *list = kept.into_iter().map(|(_, value)| value).chain(in_place).collect();
                lost.into_iter().next().map(|(_, value)| value)
            }
            _ => None,
        };
        // A list that the author did not leave empty is not the author's any more.
        if matches!(self.container(before), Some(Container::List(list)) if list.is_empty()) {
            let emptied = self.own(DeValue::Array(DeArray::new()));
            self.value_mut(before).into_iter().for_each(|list| *list = emptied.clone());
        }
        if matches!((before, last), ([Step::Key(load), Step::Index(_)], Step::Key(key)) if load == "load" && key == "service") {
            self.send_elsewhere(before);
        }
        self.lost_a_name |= place.steps.get(..left).and_then(shape).is_some_and(has_names);
        lost.is_some()
    }

    /// A variable has the same name and one value, whatever it was to be drawn from: what is left of a range or of a file is none.
    fn replace_variable(&mut self, steps: &[Step]) -> bool {
        let list = DeArray::from_iter([Spanned::new(0..0, DeValue::String(DeString::from("stand-in")))]);
        let list = self.own(DeValue::Array(list));
        self.value_mut(steps).map(|place| *place = list).is_some()
    }

    /// The requests of a load that has lost its service go to URLs, in the same places, lest each of them asks for one.
    fn send_elsewhere(&mut self, load: &[Step]) {
        let requests: Vec<Step> = load.iter().cloned().chain([Step::Key("request".to_owned())]).collect();
        let Some(Container::List(requests)) = self.container(&requests) else { return };
        let mut unnamed = false;
        for request in requests.iter_mut() {
            let DeValue::Table(request) = request.get_mut() else { continue };
            unnamed |= !request.contains_key("name");
            for method in METHODS {
                let Some(target) = request.get_mut(method).map(Spanned::get_mut) else { continue };
                if let Some(path) = target.as_str().filter(|path| path.starts_with('/')) {
                    *target = DeValue::String(DeString::from(format!("http://127.0.0.1{path}")));
                }
            }
        }
        self.lost_a_name |= unnamed;
    }

    /// A name of a part of the run that is none becomes another one, so that what stands beside it keeps its meaning. A relation that is one
    /// too many goes, with what belongs to it.
    fn replace_relation(&mut self, steps: &[Step], relation: &[Step], wrong: &Wrong) -> bool {
        let name = self.a_stretch().filter(|_| !wrong.is_one_too_many());
        let name = name.map(|name| self.own(DeValue::String(DeString::from(name))));
        match (name, self.value_mut(steps)) {
            (Some(name), Some(place)) => {
                *place = name;
                true
            }
            _ => self.remove_with_others(relation, &["settle", "within"]),
        }
    }

    /// Takes away a key, and what has no meaning without it.
    fn remove_with_others(&mut self, steps: &[Step], others: &[&str]) -> bool {
        let Some((Step::Key(name), before)) = steps.split_last() else { return false };
        let Some(Container::Table(table)) = self.container(before) else { return false };
        for other in others {
            table.remove(*other);
        }
        table.remove(name.as_str()).is_some()
    }

    /// Whether the table around a value is refused without it.
    fn is_needed(&mut self, steps: &[Step]) -> bool {
        let Some((Step::Key(name), before)) = steps.split_last() else { return false };
        let (Some(table), Some(Container::Table(given))) = (shape(before).and_then(table_of), self.container(before)) else { return false };
        let others = table.one_of.iter().filter(|key| *key != name && given.contains_key(**key)).count();
        let is_last = table.one_of.contains(&name.as_str()) && others == 0;
        is_last || table.keys_of(chosen(table, given)).any(|key| key.needed && key.name == name)
    }

    /// A key that is not known becomes the one that was meant, a selector loses the tag that is wrong, and all else is taken away.
    fn mend_key(&mut self, steps: &[Step], wrong: &Wrong) -> bool {
        let Some((Step::Key(name), before)) = steps.split_last() else { return false };
        let span = self.new_span();
        let known = shape(before);
        let Some(Container::Table(table)) = self.container(before) else { return false };
        if matches!(known, Some(Shape::Thresholds(_)))
            && let Some(rest) = without_its_wrong_tag(name, wrong)
            && let Some(written) = table.get_key_value(name.as_str()).map(|(key, _)| key.span())
            && !table.contains_key(rest.as_str())
            && let Some(value) = table.remove(name.as_str())
        {
            // It is still the author's place, so that what else is wrong with it is told as well.
            table.insert(Spanned::new(written, DeString::from(rest)), value);
            return true;
        }
        let meant = match (known, known.and_then(table_of)) {
            (_, Some(known)) => {
                let names: Vec<&str> = known.keys_of(chosen(known, table)).map(|key| key.name).collect();
                nearest(name, &names)
            }
            (Some(Shape::Thresholds(_)), _) => name.split_once('{').map(|(metric, _)| metric),
            _ => None,
        };
        let Some(value) = table.remove(name.as_str()) else { return false };
        let at = value.span();
        match (meant.map(|meant| (meant, table.get_mut(meant).map(Spanned::get_mut))), value.into_inner()) {
            (Some((_, Some(DeValue::Array(others)))), DeValue::Array(more)) => more.into_iter().for_each(|one| others.push(one)),
            (Some((meant, None)), inner) => {
                table.insert(Spanned::new(span, DeString::from(meant.to_owned())), Spanned::new(at, inner));
            }
            _ => {}
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
            None => {
                let first = table.one_of.first().filter(|_| table.one_of.iter().all(|key| given.get(*key).is_none_or(is_empty)));
                keys.filter(|key| key.needed && given.get(key.name).is_none_or(is_empty) || first == Some(&key.name)).collect()
            }
        };
        if !absent.is_empty() {
            let put = absent.into_iter().filter(|key| self.put(steps, key));
            return put.count() > 0;
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
        let names: Vec<&str> = choice.cases.iter().map(|case| case.name).collect();
        let written = given.remove(choice.by);
        let meant = written.as_ref().and_then(|written| nearest(written.get_ref().as_str()?, &names));
        let fitting = |case: &&Case| {
            let keys = case.keys.iter().filter(|key| given.contains_key(key.name)).count();
            (keys, Some(case.name) == meant)
        };
        // Of several the first one, which is the most usual.
        let Some(case) = choice.cases.iter().rev().max_by_key(fitting) else { return false };
        for strange in choice.cases.iter().flat_map(|case| case.keys).filter(|key| case.keys.iter().all(|own| own.name != key.name)) {
            given.remove(strange.name);
        }
        let lacking: Vec<&Key> = case.keys.iter().filter(|key| key.needed && !given.contains_key(key.name)).collect();
        // A misspelt key is renamed when it is its turn, which a stand-in in its place would prevent.
        let strange: Vec<String> = given.keys().map(|key| key.get_ref().to_string()).filter(|key| table.key(key).is_none()).collect();
        let word = self.own(DeValue::String(DeString::from(case.name)));
        self.insert(steps, choice.by, word);
        for key in lacking.into_iter().filter(|key| strange.iter().all(|strange| nearest(strange, &[key.name]).is_none())) {
            self.put(steps, key);
        }
        true
    }

    /// Puts what stands in for its value at a key that is not there.
    fn put(&mut self, steps: &[Step], key: &Key) -> bool {
        self.lost_a_name |= self.names(steps, key);
        self.stand_in(key, steps).is_some_and(|value| self.insert(steps, key.name, value))
    }

    /// Whether others may refer to the table by the value of this key. A request without a name has that of what it gets.
    fn names(&mut self, steps: &[Step], key: &Key) -> bool {
        let named = matches!(self.container(steps), Some(Container::Table(table)) if table.contains_key("name"));
        key.name == "name" || METHODS.contains(&key.name) && !named
    }

    fn insert(&mut self, steps: &[Step], key: &'static str, value: Spanned<DeValue<'t>>) -> bool {
        let key = Spanned::new(self.new_span(), DeString::from(key));
        let Some(Container::Table(table)) = self.container(steps) else { return false };
        table.insert(key, value);
        true
    }

    /// Puts what stands in for it in the place of a value.
    fn replace(&mut self, steps: &[Step], wrong: &Wrong) -> bool {
        let Some((last, before)) = steps.split_last() else { return false };
        let around = shape(before);
        match last {
            Step::Key(name) if RELATIONS.contains(&name.as_str()) => return self.replace_relation(steps, steps, wrong),
            Step::Index(_) if matches!(before.last(), Some(Step::Key(name)) if RELATIONS.contains(&name.as_str())) => {
                return self.replace_relation(steps, before, wrong);
            }
            Step::Key(name) if name == "abort_on_fail" => return self.remove_with_others(steps, &["delay_abort_eval"]),
            _ => {}
        }
        let stand_in = match (key(steps), last) {
            (Some(key), Step::Key(_)) => {
                if let Some(table) =
                    around.and_then(table_of).filter(|table| table.choice.as_ref().is_some_and(|choice| choice.by == key.name))
                {
                    return self.choose(before, table);
                }
                self.lost_a_name |= self.names(before, key);
                self.stand_in(key, steps)
            }
            (Some(key), Step::Index(_)) if table_of(key.shape).is_none() && !matches!(key.shape, Shape::List(Shape::Table(_), _)) => {
                // The first of the list that stands in for the whole one.
                self.stand_in(key, steps).and_then(|list| match list.into_inner() {
                    DeValue::Array(list) => list.into_iter().next(),
                    _ => None,
                })
            }
            _ => shape(steps).and_then(Shape::stand_in).map(|value| self.own(value)),
        };
        match (stand_in, self.value_mut(steps)) {
            (Some(value), Some(place)) => {
                *place = value;
                true
            }
            _ => self.remove(&Place::value(steps), 1),
        }
    }
}

fn is_empty(value: &Spanned<DeValue<'_>>) -> bool {
    match value.get_ref() {
        DeValue::Array(list) => list.is_empty(),
        DeValue::Table(table) => table.is_empty(),
        _ => false,
    }
}

/// Whether others may refer to it, or to what is in it.
fn has_names(shape: Shape) -> bool {
    match shape {
        Shape::List(shape, _) => has_names(*shape),
        shape => table_of(shape).is_some_and(|table| table.key("name").is_some()),
    }
}

/// As a header names it: load.request.
fn dotted(steps: &[Step]) -> String {
    let names = steps.iter().filter_map(|step| match step {
        Step::Key(name) => Some(name.as_str()),
        Step::Index(_) => None,
    });
    names.collect::<Vec<_>>().join(".")
}

fn chosen(table: &'static Table, given: &DeTable<'_>) -> Option<&'static Case> {
    let by = table.choice.as_ref()?.by;
    table.case(given.get(by)?.get_ref().as_str()?)
}

/// The selector without the first of its tags that its metric cannot have, or else the one that names nothing; `None` where there is none.
fn without_its_wrong_tag(selector: &str, wrong: &Wrong) -> Option<String> {
    let (metric, tags) = selector.split_once('{')?;
    let mut tags: Vec<&str> = tags.strip_suffix('}')?.split(',').collect();
    let with = |tags: &[&str]| format!("{metric}{{{}}}", tags.join(","));
    Selector::parse(metric).ok()?;
    let misread = (0..tags.len()).find(|last| Selector::parse(&with(&tags[..=*last])).is_err());
    let lost = || tags.iter().position(|tag| tag.split(':').next().map(str::trim) == wrong.tag_that_leads_nowhere());
    let at = misread.or_else(lost)?;
    tags.remove(at);
    Some(if tags.is_empty() { metric.to_owned() } else { with(&tags) })
}
