//! What a run says at its end: one summary, told as text, JSON, HTML, JUnit XML, Markdown or as annotations; and a trace as a waterfall.

pub mod annotation;
mod calls;
mod control;
pub mod database;
mod drops;
mod expectation;
mod flaws;
mod html;
mod junit;
mod link;
mod load;
pub mod log;
mod markdown;
pub mod page;
pub mod percentile_axis;
pub mod schema;
pub mod shades;
mod summary;
pub mod tally;
mod text;
pub mod timing;
pub mod waterfall;

pub use calls::CallSummary;
pub use expectation::ExpectationSummary;
pub use html::{Html, Ran};
pub use junit::Junit;
pub use link::TraceLink;
pub use markdown::{markdown, markdown_skipped, markdown_without_end};
pub use summary::Summary;
pub use text::text;
pub use waterfall::waterfall;
