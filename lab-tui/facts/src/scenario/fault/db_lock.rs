//! `db.lock`: nobody else reads or writes the table.

use std::fmt;

use serde::Deserialize;
use toml::{Spanned, Value};

use super::Kind;
use crate::scenario::refusal::Wrong;

/// `db.lock`: nobody else reads or writes the table.
#[derive(Debug, Clone, PartialEq)]
pub struct DbLock {
    /// A plain name: lower case, digits and underscores, so that it needs no quoting.
    pub table: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys {
    table: Spanned<String>,
}

impl Kind for DbLock {
    const NAME: &'static str = "db.lock";

    type Keys = Keys;

    fn check(Keys { table }: Keys, _services: &[&str]) -> Result<Self, Wrong> {
        let name = table.get_ref();
        let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !plain || !name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_') || name.len() > 63 {
            let hint = "write a plain name in lower case, such as \"die_specifications\"";
            return Err(Wrong::new(table.span(), format!("`{name}` cannot be locked by that name"), hint));
        }
        Ok(Self { table: table.into_inner() })
    }

    fn keys(&self) -> Vec<(&'static str, Value)> {
        vec![("table", self.table.clone().into())]
    }

    fn exclusive(&self) -> Option<String> {
        Some(format!("the table `{}`", self.table))
    }

    fn untouched(&self) -> String {
        format!("nobody waited for {}", self.table)
    }
}

impl fmt::Display for DbLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "locks {}", self.table)
    }
}
