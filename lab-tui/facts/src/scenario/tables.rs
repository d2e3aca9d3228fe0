//! Where a table belongs, no list will do: read as they come, the values of `stages = [[100, "10s"]]` would be taken for its keys'.

use toml::Spanned;
use toml::de::DeValue;

use super::keys::Shape;
use super::refusal::Wrong;

/// Refuses the first list that stands where only a table can.
pub(super) fn check(shape: Shape, value: &Spanned<DeValue<'_>>) -> Result<(), Wrong> {
    match (shape, value.get_ref()) {
        (Shape::Table(_), DeValue::Array(_)) => {
            let what = "found a list where the scenario needs a table".to_owned();
            Err(Wrong { span: Some(value.span()), what, hint: None })
        }
        (Shape::Table(table), DeValue::Table(given)) => check_keys(given, |name| table.key(name).map(|key| key.shape)),
        (Shape::Named(inner), DeValue::Table(given)) => check_keys(given, |_| Some(*inner)),
        (Shape::Thresholds(promise), DeValue::Table(given)) => {
            let promises = given.values().filter_map(|promises| promises.get_ref().as_array()).flatten();
            promises.into_iter().try_for_each(|one| check(*promise, one))
        }
        (Shape::List(inner, _), DeValue::Array(list)) => list.iter().try_for_each(|one| check(*inner, one)),
        (Shape::Either(shapes), written) => {
            let fits = |shape: &&Shape| match (written, shape) {
                (DeValue::Array(_), Shape::List(..)) => true,
                (DeValue::Array(_), _) => false,
                (_, shape) => matches!(shape, Shape::Table(_)) == matches!(written, DeValue::Table(_)),
            };
            let or_a_table = shapes.iter().find(|shape| matches!(shape, Shape::Table(_)));
            shapes.iter().find(fits).or(or_a_table).map_or(Ok(()), |shape| check(*shape, value))
        }
        _ => Ok(()),
    }
}

/// In the order in which they are written.
pub(super) fn check_keys(given: &toml::de::DeTable<'_>, shape: impl Fn(&str) -> Option<Shape>) -> Result<(), Wrong> {
    let mut given: Vec<_> = given.iter().collect();
    given.sort_by_key(|(key, _)| key.span().start);
    given.into_iter().try_for_each(|(key, value)| shape(key.get_ref()).map_or(Ok(()), |shape| check(shape, value)))
}
