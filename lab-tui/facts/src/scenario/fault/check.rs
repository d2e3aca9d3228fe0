//! Checks that several kinds of fault share.

use toml::Spanned;

use crate::scenario::refusal::Wrong;

/// A number from 0 to 1.
pub(super) fn share(key: &str, number: &Spanned<f64>) -> Result<f64, Wrong> {
    let share = *number.get_ref();
    if (0.0..=1.0).contains(&share) {
        return Ok(share);
    }
    Err(Wrong::new(number.span(), format!("{key} = {share} is no share"), "write a number from 0 to 1"))
}
