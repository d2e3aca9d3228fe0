//! `dice.error_rate`: a die fails as often as the fault says.

use std::fmt;

use serde::Deserialize;
use toml::{Spanned, Value};

use super::{Kind, check};
use crate::scenario::refusal::Wrong;

/// `dice.error_rate`: a die's error rate in the table, restored afterwards.
#[derive(Debug, Clone, PartialEq)]
pub struct DiceErrorRate {
    /// Its identifier. Whether there is such a die, only the database knows.
    pub die: String,
    /// 0 to 1.
    pub rate: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys {
    die: Spanned<String>,
    rate: Spanned<f64>,
}

impl Kind for DiceErrorRate {
    const NAME: &'static str = "dice.error_rate";

    type Keys = Keys;

    fn check(Keys { die, rate }: Keys, _services: &[&str]) -> Result<Self, Wrong> {
        if die.get_ref().is_empty() || die.get_ref().contains('\0') {
            return Err(Wrong::new(die.span(), "no die is called so", "write an identifier such as \"fair\""));
        }
        Ok(Self { rate: check::share("rate", &rate)?, die: die.into_inner() })
    }

    fn keys(&self) -> Vec<(&'static str, Value)> {
        vec![("die", self.die.clone().into()), ("rate", self.rate.into())]
    }

    fn exclusive(&self) -> Option<String> {
        Some(format!("the die `{}`", self.die))
    }

    fn untouched(&self) -> String {
        format!("nobody rolled the die {}", self.die)
    }
}

impl fmt::Display for DiceErrorRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error rate of {} becomes {}", self.die, self.rate)
    }
}
