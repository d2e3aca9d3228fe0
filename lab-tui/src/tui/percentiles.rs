//! Percentiles by column, kept for as long as nothing is added to a column: so a long run is as cheap to draw as a short one.

use std::collections::HashMap;
use std::ops::Range;

use lab_facts::model::{Model, Second};

use super::axis::TimeAxis;
use super::columns::{self, Column};

/// What is drawn of response times.
pub(super) const DRAWN: [f64; 3] = [50.0, 95.0, 99.0];

/// Response times of a column, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Percentiles {
    /// [`DRAWN`], of all of its requests.
    pub(super) drawn: [f64; 3],
    /// The highest of the last of these that one of its seconds has alone, where there are several.
    pub(super) worst: Option<f64>,
}

/// What has been worked out, by the seconds of a column.
#[derive(Debug, Default)]
pub(super) struct Known(HashMap<Range<u64>, (Told, Option<Percentiles>)>);

/// How many requests had ended, and in how many pieces they are told: both change when anything is added.
type Told = (u64, usize);

impl Known {
    /// Those of the columns in sight; what is out of sight is forgotten.
    pub(super) fn of(&mut self, model: &Model, axis: TimeAxis) -> Vec<(Range<u16>, Range<u64>, Percentiles)> {
        let mut before = std::mem::take(&mut self.0);
        let mut shown = Vec::new();
        for column in columns::columns(model, axis) {
            let (seconds, told) = (column.seconds(), (column.sum(|piece| piece.ended), column.pieces()));
            let known = before.remove(&seconds).filter(|(then, _)| *then == told);
            let percentiles = known.map_or_else(|| percentiles(&column), |(_, percentiles)| percentiles);
            shown.extend(percentiles.map(|percentiles| (column.columns.clone(), seconds.clone(), percentiles)));
            // Requests in flight grow older by themselves.
            if column.sum(Second::in_flight) == 0 {
                self.0.insert(seconds, (told, percentiles));
            }
        }
        shown
    }
}

fn percentiles(column: &Column<'_>) -> Option<Percentiles> {
    let response = column.response();
    let [Some(p50), Some(p95), Some(p99)] = DRAWN.map(|percentile| response.percentile(percentile)) else { return None };
    Some(Percentiles { drawn: [p50, p95, p99], worst: column.worst_percentile(DRAWN[2]) })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use lab_facts::event::{Cell, Event, Fact, LoadWindow, Outcome, Samples};
    use lab_facts::scenario::{Plan, shipped};

    use super::*;
    use crate::tui::axis::TimeScale;

    #[test]
    fn what_is_added_to_a_column_is_seen_whatever_was_known() {
        let mut model = Model::new(Arc::new(Plan::parse(shipped("first-minute").unwrap(), "first-minute", &["frontend"]).unwrap()));
        let add = |model: &mut Model, second: u64, offered: u32, millis: &[u32]| {
            let times = Samples::from_micros(millis.iter().map(|ms| ms * 1000).collect());
            let cell = Cell { request: 0, outcome: Outcome::Status(200), response_time: times.clone(), service_time: times };
            let window = LoadWindow { load: 0, index: second * 10, offered, cells: vec![cell], ..LoadWindow::default() };
            model.apply(Event { at: Duration::from_secs(second + 1), fact: Fact::Window(window) });
            model.apply(Event { at: Duration::from_secs(second + 1), fact: Fact::Tick });
        };
        let axis = TimeAxis::beginning_at(0, 10, TimeScale::folded(2));
        let mut known = Known::default();
        let mut drawn = |model: &Model| {
            let again = known.of(model, axis);
            assert_eq!(again, Known::default().of(model, axis), "what was known is what would be found");
            // Values are known to three digits.
            again.iter().map(|(columns, _, percentiles)| (columns.start, (percentiles.drawn[2] / 10.0).round() * 10.0)).collect::<Vec<_>>()
        };
        add(&mut model, 0, 2, &[10, 20]);
        assert_eq!(drawn(&model), [(0, 20.0)]);
        add(&mut model, 1, 1, &[400]);
        add(&mut model, 2, 1, &[30]);
        assert_eq!(drawn(&model), [(0, 400.0), (1, 30.0)]);
        // One more is in flight, and gets older; then its answer comes.
        add(&mut model, 3, 1, &[]);
        assert_eq!(drawn(&model), [(0, 400.0), (1, 30.0)]);
        model.apply(Event { at: Duration::from_secs(9), fact: Fact::Tick });
        assert_eq!(drawn(&model), [(0, 400.0), (1, 5_500.0)]);
        add(&mut model, 3, 0, &[5_700]);
        assert_eq!(drawn(&model), [(0, 400.0), (1, 5_700.0)]);
    }
}
