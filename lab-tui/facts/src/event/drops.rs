//! What the lab could not keep of the telemetry that came in.

use serde::{Deserialize, Serialize};

/// What did not get into the lab's store, or not to stay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Drops {
    /// Traces pushed out by newer ones.
    pub evicted_traces: u64,
    /// Their spans.
    pub evicted_spans: u64,
    /// Log lines pushed out, alone or with their traces.
    pub evicted_log_lines: u64,
    /// Spans refused for a trace, span or parent ID that is none.
    pub refused_ids: u64,
    /// Spans refused because their trace is too large already.
    pub refused_too_large: u64,
    /// Log records refused because they are too large.
    pub refused_log_records: u64,
    /// Data points of metrics refused because there is no room for them, or because they are of no kind that the lab knows.
    pub refused_data_points: u64,
}

impl Drops {
    /// What there is of each, in words.
    pub fn told(&self) -> impl Iterator<Item = (u64, &'static str)> {
        let all = [
            (self.evicted_traces, "traces pushed out by newer ones"),
            (self.evicted_spans, "spans pushed out with them"),
            (self.evicted_log_lines, "log lines pushed out by newer ones or with their traces"),
            (self.refused_ids, "spans refused: their IDs are none"),
            (self.refused_too_large, "spans refused: their trace is too large"),
            (self.refused_log_records, "log records refused: they are too large"),
            (self.refused_data_points, "data points of metrics refused: of another kind, or no room"),
        ];
        all.into_iter().filter(|(count, _)| *count > 0)
    }

    /// What has come since another moment.
    pub fn since(&self, before: &Self) -> Self {
        Self {
            evicted_traces: self.evicted_traces.saturating_sub(before.evicted_traces),
            evicted_spans: self.evicted_spans.saturating_sub(before.evicted_spans),
            evicted_log_lines: self.evicted_log_lines.saturating_sub(before.evicted_log_lines),
            refused_ids: self.refused_ids.saturating_sub(before.refused_ids),
            refused_too_large: self.refused_too_large.saturating_sub(before.refused_too_large),
            refused_log_records: self.refused_log_records.saturating_sub(before.refused_log_records),
            refused_data_points: self.refused_data_points.saturating_sub(before.refused_data_points),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_nothing_of_is_not_told() {
        let before = Drops { evicted_traces: 2, refused_ids: 5, ..Drops::default() };
        let now = Drops { evicted_traces: 9, refused_ids: 5, refused_data_points: 1, ..Drops::default() };
        let told: Vec<(u64, &str)> = now.since(&before).told().collect();
        assert_eq!(told.iter().map(|(count, _)| *count).collect::<Vec<_>>(), [7, 1]);
        assert!(told[0].1.starts_with("traces pushed out") && told[1].1.starts_with("data points"));
        assert_eq!(now.since(&now), Drops::default());
    }
}
