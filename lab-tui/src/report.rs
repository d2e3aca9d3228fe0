//! What a run says at its end: one summary, told as text or as JSON; and a trace as a waterfall.

pub mod format;
mod summary;
mod text;
mod waterfall;

pub use summary::Summary;
pub use text::text;
pub use waterfall::waterfall;
