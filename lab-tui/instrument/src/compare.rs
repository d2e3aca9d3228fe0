//! Two runs held against each other: which figures differ by more than chance and noise explain, and where the difference begins.

mod comparison;
mod series;
mod statistics;
mod words;

pub use comparison::{Change, Compared, Comparison, Kind, Measure, Row, Run, compare};
pub use series::Series;
pub use words::{markdown, text, worse};

#[cfg(test)]
mod tests;
