//! What a run says at its end: one summary, told as text, JSON, JUnit XML or as annotations; and a trace as a waterfall.

pub mod annotation;
mod control;
mod expectation;
pub mod format;
mod junit;
mod link;
mod summary;
mod text;
pub mod waterfall;

pub use expectation::ExpectationSummary;
pub use junit::Junit;
pub use link::TraceLink;
pub use summary::Summary;
pub use text::text;
pub use waterfall::waterfall;
