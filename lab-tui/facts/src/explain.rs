//! Why requests are slow, or fail: where the time of a trace goes, and what tells those that are slow from those that are not.
//!
//! Everything here is worked out from the stream of events, so a replay says the same. What is found is attributed to a hop, and never said
//! to be caused by one: a wait shows where time passes, not why.

mod bands;
mod breakdown;
mod coincidence;
mod contrast;
mod examples;
mod explanation;
mod failed;
mod hop;
mod over_represented;
mod question;
mod side;
mod statistics;
mod traits;
mod whole;
mod words;

pub use bands::{Band, BandPart, bands};
pub use breakdown::{Parts, breakdown};
pub use coincidence::{Coincidence, PoolState};
pub use contrast::{Contrast, Growth};
pub use examples::Example;
pub use explanation::Explanation;
pub use over_represented::Overrepresented;
pub use question::{against, at, whole_run};
pub use traits::{VALUES, traits};
pub use whole::is_whole;
pub use words::{contrast_text, sentence, text};

#[cfg(test)]
mod tests;
