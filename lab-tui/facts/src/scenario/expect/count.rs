//! How much evidence there must be: `>=5`.

use std::fmt;

use crate::scenario::threshold::Comparison;

/// A comparison with a whole number. Displays as it is written in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    comparison: Comparison,
    bound: u64,
}

impl Default for Count {
    /// `>=1`: that there is any.
    fn default() -> Self {
        Self { comparison: Comparison::GreaterOrEqual, bound: 1 }
    }
}

impl Count {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it, and the way out.
    pub fn parse(text: &str) -> Result<Self, (String, String)> {
        let form = || "write a comparison with a whole number, such as \">=5\" or \"==0\"".to_owned();
        let found = Comparison::ALL.into_iter().find_map(|(sign, comparison)| Some((comparison, text.trim().strip_prefix(sign)?)));
        let Some((comparison, bound)) = found else { return Err((format!("`{text}` compares nothing"), form())) };
        let Ok(bound) = bound.trim().parse() else { return Err((format!("`{}` is no whole number", bound.trim()), form())) };
        let hint = || "write a count that can be kept and can be broken".to_owned();
        match (comparison, bound) {
            (Comparison::GreaterOrEqual, 0) => Err((format!("`{text}` holds whatever happens"), hint())),
            (Comparison::Less, 0) => Err((format!("`{text}` can never hold"), hint())),
            _ => Ok(Self { comparison, bound }),
        }
    }

    /// Whether so many are as expected.
    #[expect(clippy::cast_precision_loss, reason = "nobody counts to 2^53")]
    pub fn holds(self, count: u64) -> bool {
        self.comparison.holds(count as f64, self.bound as f64)
    }
}

impl Count {
    /// Whether so many settle it, even if there are more than have been found so far.
    pub fn is_certain(self, at_least: u64) -> bool {
        match self.comparison {
            Comparison::Greater | Comparison::GreaterOrEqual => self.holds(at_least),
            Comparison::Less => at_least >= self.bound,
            Comparison::LessOrEqual | Comparison::Equal | Comparison::NotEqual => at_least > self.bound,
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.comparison.sign(), self.bound)
    }
}

#[cfg(test)]
mod tests {
    use super::Count;

    /// Each comparison with 3, and whether 2, 3 and 4 hold and whether more of them could change that.
    #[test]
    fn a_count_is_certain_when_more_would_not_change_it() {
        let cases = [
            (">=3", [(false, false), (true, true), (true, true)]),
            (">3", [(false, false), (false, false), (true, true)]),
            ("<3", [(true, false), (false, true), (false, true)]),
            ("<=3", [(true, false), (true, false), (false, true)]),
            ("==3", [(false, false), (true, false), (false, true)]),
            ("!=3", [(true, false), (false, false), (true, true)]),
        ];
        for (text, expected) in cases {
            let count = Count::parse(text).unwrap();
            assert_eq!([2, 3, 4].map(|found| (count.holds(found), count.is_certain(found))), expected, "{text}");
            assert_eq!(count.to_string(), text);
        }
    }
}
