//! `intended_verdict`: what the author of a scenario means it to reach. A lesson about a lock may be meant to break its promise.

use toml::Spanned;

use super::refusal::{Wrong, suggest};

/// A verdict in one word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Word {
    /// Every promise was kept.
    #[default]
    Pass,
    /// One was broken.
    Fail,
    /// Nothing can be said.
    Inconclusive,
}

impl Word {
    const ALL: [(&str, Self); 3] = [("pass", Self::Pass), ("fail", Self::Fail), ("inconclusive", Self::Inconclusive)];

    /// As files and reports have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
        }
    }

    pub(super) fn read(text: Option<&Spanned<String>>) -> Result<Self, Wrong> {
        let Some(text) = text else { return Ok(Self::default()) };
        let known = Self::ALL.into_iter().find(|(name, _)| name == text.get_ref());
        let refused = || {
            let hint = suggest(text.get_ref(), &Self::ALL.map(|(name, _)| name));
            Wrong::new(text.span(), format!("`{}` is no verdict", text.get_ref()), hint)
        };
        known.map(|(_, word)| word).ok_or_else(refused)
    }
}
