//! What a run says at its end: one summary, told as text or as JSON; and a trace as a waterfall.

pub mod format;
mod link;
mod summary;
mod text;
pub mod waterfall;

pub use link::TraceLink;
pub use summary::Summary;
pub use text::text;
pub use waterfall::waterfall;
