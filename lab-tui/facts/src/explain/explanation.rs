//! All that is found, in the shape in which JSON has it.

use serde::Serialize;

use super::bands::Band;
use super::contrast::Contrast;
use super::examples::Example;

/// Raised when a field changes its meaning or goes away.
pub(super) const FORMAT: u32 = 1;

/// What tells slow requests from normal ones, a window from the calm before it, or a run from another.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Explanation {
    /// Of this shape.
    pub format: u32,
    /// What is explained, in a few words.
    pub question: String,
    /// How many requests were looked at.
    pub requests: usize,
    /// Where the milliseconds go; empty where no trace came in.
    pub bands: Vec<Band>,
    /// Group against group; empty where nothing stands apart.
    pub contrasts: Vec<Contrast>,
    /// Why nothing is said, where that is so.
    pub nothing: Option<String>,
}

impl Explanation {
    /// Whether it names anything.
    pub fn says_something(&self) -> bool {
        self.contrasts.iter().any(Contrast::says_something)
    }

    /// All requests that are named as examples, of both sides.
    pub fn examples(&self) -> impl Iterator<Item = &Example> {
        self.contrasts.iter().flat_map(|contrast| contrast.subject_examples.iter().chain(&contrast.baseline_examples))
    }
}
