//! What services said of their own metrics, as far as a promise asks for it.

/// What one service said of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct ScrapedSeries {
    /// Index in [`crate::scenario::Plan::series`].
    pub series: usize,
    /// The service.
    pub service: String,
    /// Differs when the service's process was replaced.
    pub process: u64,
    /// What it said; nothing where it has no such metric.
    pub value: Option<ScrapedValue>,
}

/// The value of a series at one moment.
#[derive(Debug, Clone, PartialEq)]
pub enum ScrapedValue {
    /// Of a counter or a gauge.
    Number(f64),
    /// Of a histogram: upper bounds in ascending order, each with how many values lie at or below it; and the sum of all values.
    Histogram(Vec<(f64, f64)>, f64),
}
