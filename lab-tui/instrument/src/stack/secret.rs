//! Text that must not be shown.

use std::fmt;

/// A password, a token, or a URL with one in it. Its `Debug` says nothing, and it has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Drawn anew: 128 random bits in hexadecimal.
    pub fn random() -> Self {
        Self(format!("{:032x}", rand::random::<u128>()))
    }

    /// The text itself, for whom it is meant.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn a_secret_is_not_shown_and_no_two_are_alike() {
        let (one, other) = (Secret::random(), Secret::random());
        assert!(one != other && one.expose().len() == 32);
        assert_eq!(format!("{one:?}"), "Secret(…)");
    }
}
