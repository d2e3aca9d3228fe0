//! Which attributes can be counted by value: those that have few of them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use lab_facts::event::Trait;
use lab_facts::explain::VALUES;

/// How many attributes are counted.
const KEYS: usize = 512;

/// So far.
type Values = HashSet<Arc<str>>;

/// The values of each service's attributes so far; nothing for those that have too many.
#[derive(Debug, Default)]
pub(super) struct Varied(HashMap<(Arc<str>, Arc<str>), Option<Values>>);

impl Varied {
    pub(super) fn is_countable(&mut self, one: &Trait) -> bool {
        let key = (Arc::clone(&one.service), Arc::clone(&one.key));
        if !self.0.contains_key(&key) && self.0.len() >= KEYS {
            return false;
        }
        let values = self.0.entry(key).or_insert_with(|| Some(HashSet::new()));
        match values {
            None => false,
            Some(known) if known.contains(&one.value) => true,
            Some(known) if known.len() < VALUES => known.insert(Arc::clone(&one.value)),
            Some(_) => {
                *values = None;
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_with_ever_new_values_is_given_up() {
        let mut varied = Varied::default();
        let mut told = |key: &str, value: u32| {
            varied.is_countable(&Trait { service: "s".into(), key: key.into(), value: value.to_string().as_str().into() })
        };
        assert!((0..10_000).all(|number| told("http.response.status_code", 200 + number % 5)));
        let ports = (0..1000).filter(|port| told("client.port", *port)).count();
        assert_eq!(ports, VALUES);
        assert!(!told("client.port", 1), "for good");
        assert_eq!((0..1000).filter(|key| told(&key.to_string(), 1)).count(), KEYS - 2);
    }
}
