//! The time axis that rooms share: which seconds the columns of a plot show, and where its labels stand.

use std::ops::Range;

/// Seconds by column. Either a column shows several seconds, or a second is several columns wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeAxis {
    /// The second in the first column.
    pub(super) first: u64,
    /// How many columns.
    pub(super) columns: u16,
    pub(super) scale: TimeScale,
}

/// So many seconds are so many columns wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimeScale {
    pub(super) seconds: u64,
    pub(super) columns: u64,
}

impl TimeScale {
    /// One column a second.
    pub(super) const PLAIN: Self = Self { seconds: 1, columns: 1 };

    /// So many seconds in each column.
    pub(super) const fn folded(seconds: u64) -> Self {
        Self { seconds, columns: 1 }
    }

    /// So many columns for each second.
    pub(super) const fn stretched(columns: u64) -> Self {
        Self { seconds: 1, columns }
    }

    /// Whether it shows more than another in as many columns, by a quarter at the least.
    pub(super) fn is_coarser(self, than: Self) -> bool {
        4 * self.seconds * than.columns >= 5 * than.seconds * self.columns
    }

    /// How many seconds a column shows; 1 where a second is wider than a column.
    pub(super) fn step(self) -> u64 {
        (self.seconds / self.columns).max(1)
    }
}

impl TimeAxis {
    /// Begins at the column that holds a second.
    pub(super) fn beginning_at(first: u64, columns: u16, scale: TimeScale) -> Self {
        // Seconds that share a column share it wherever the axis begins, so that what is drawn moves and does not change.
        Self { first: first / scale.step() * scale.step(), columns, scale }
    }

    /// Ends with `last`; begins at the start of the run while that is in sight.
    pub(super) fn ending_at(last: u64, columns: u16, scale: TimeScale) -> Self {
        let step = scale.step();
        let last = (last / step + 1) * step;
        Self::beginning_at(last.saturating_sub(scale.in_sight(columns)), columns, scale)
    }

    /// The second after the last one in sight.
    pub(super) fn end(&self) -> u64 {
        self.columns.checked_sub(1).map_or(self.first, |last| self.seconds_of(last).end)
    }

    /// The first column of a second, if it is in sight.
    pub(super) fn column(&self, second: u64) -> Option<u16> {
        let columns = self.columns_of(second..second.saturating_add(1));
        (second >= self.first && !columns.is_empty()).then_some(columns.start)
    }

    /// Those columns in sight that show any of some seconds.
    pub(super) fn columns_of(&self, seconds: Range<u64>) -> Range<u16> {
        let (from, to) = (seconds.start.max(self.first), seconds.end.min(self.end()));
        if from >= to {
            return 0..0;
        }
        let TimeScale { seconds, columns } = self.scale;
        let begin = |second: u64| (second - self.first).saturating_mul(columns) / seconds;
        let clipped = |column: u64| u16::try_from(column).unwrap_or(u16::MAX).min(self.columns);
        clipped(begin(from))..clipped(begin(to).max(begin(to - 1) + 1))
    }

    /// The seconds that a column shows; several columns may show the same.
    pub(super) fn seconds_of(&self, column: u16) -> Range<u64> {
        let (TimeScale { seconds, columns }, column) = (self.scale, u64::from(column));
        if seconds >= columns {
            return self.first + column * seconds..self.first + (column + 1) * seconds;
        }
        let second = self.first + ((column + 1) * seconds - 1) / columns;
        second..second + 1
    }

    /// Where a moment lies, in columns from the left, if it is in sight.
    #[expect(clippy::cast_precision_loss, reason = "a place on an axis of seconds")]
    pub(super) fn place(&self, second: f64) -> Option<f64> {
        let place = (second - self.first as f64) * self.scale.columns as f64 / self.scale.seconds as f64;
        (0.0..f64::from(self.columns)).contains(&place).then_some(place)
    }

    /// The seconds that share a column with one, wherever it is.
    pub(super) fn around(&self, second: u64) -> Range<u64> {
        let begin = second / self.scale.step() * self.scale.step();
        begin..begin + self.scale.step()
    }

    /// Round seconds to label, in sight: so far apart that their labels have room.
    pub(super) fn ticks(&self) -> impl Iterator<Item = u64> + use<> {
        let least = if self.columns > 150 { 20 } else { 10 };
        let width = |seconds: u64| seconds.saturating_mul(self.scale.columns) / self.scale.seconds;
        let days = (1..).map(|days| days * 86_400);
        let step = TICKS.into_iter().chain(days).find(|step| width(*step) >= least).unwrap_or(u64::MAX);
        (self.first.div_ceil(step)..self.end().div_ceil(step)).map(move |number| number * step)
    }
}

impl TimeScale {
    /// How many seconds whole columns show.
    fn in_sight(self, columns: u16) -> u64 {
        u64::from(columns) * self.seconds / self.columns
    }
}

/// What labels may be apart, in seconds.
const TICKS: [u64; 16] = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 21_600, 43_200];

#[cfg(test)]
mod tests {
    use super::*;

    const SCALES: [TimeScale; 8] = [
        TimeScale::stretched(4),
        TimeScale::stretched(2),
        TimeScale { seconds: 62, columns: 111 },
        TimeScale::PLAIN,
        TimeScale::folded(2),
        TimeScale::folded(10),
        TimeScale::folded(30),
        TimeScale::folded(3_600),
    ];

    #[test]
    fn the_axis_grows_from_the_left_and_then_moves() {
        let axis = TimeAxis::ending_at(4, 10, TimeScale::PLAIN);
        assert_eq!((axis.first, axis.column(0), axis.column(4), axis.column(10)), (0, Some(0), Some(4), None));
        let axis = TimeAxis::ending_at(24, 10, TimeScale::PLAIN);
        assert_eq!((axis.first, axis.column(24), axis.column(14), axis.end()), (15, Some(9), None, 25));
        let columns = |seconds: Range<u64>| axis.columns_of(seconds).collect::<Vec<_>>();
        assert_eq!((columns(10..20), columns(24..25), columns(30..40)), (vec![0, 1, 2, 3, 4], vec![9], vec![]));
    }

    #[test]
    fn every_column_shows_the_seconds_that_say_so() {
        for scale in SCALES {
            for last in [0, 7, 61, 999, 100_000] {
                let axis = TimeAxis::ending_at(last, 111, scale);
                assert!(axis.column(last).is_some(), "{axis:?} shows {last}");
                let mut end = axis.first;
                for column in 0..axis.columns {
                    let seconds = axis.seconds_of(column);
                    assert!(seconds.start == end || seconds.end == end, "no gap at {column} of {axis:?}");
                    end = seconds.end;
                    assert!(axis.columns_of(seconds.clone()).contains(&column), "{seconds:?} at {column} of {axis:?}");
                    assert!(scale.seconds < scale.columns || axis.around(seconds.start) == seconds);
                }
                assert_eq!(end, axis.end());
            }
        }
    }

    #[test]
    fn what_shares_a_column_shares_it_a_second_later() {
        let shared = |last| TimeAxis::ending_at(last, 50, TimeScale::folded(10)).seconds_of(30);
        assert_eq!((shared(1_234), shared(1_239), shared(1_240)), (1_040..1_050, 1_040..1_050, 1_050..1_060));
    }

    #[test]
    fn ticks_are_round_and_apart() {
        for scale in SCALES {
            let axis = TimeAxis::ending_at(100_000, 111, scale);
            let columns: Vec<u16> = axis.ticks().filter_map(|second| axis.column(second)).collect();
            assert!(columns.len() >= 2 && columns.windows(2).all(|two| two[1] - two[0] >= 10), "{columns:?} of {axis:?}");
        }
        let ticks: Vec<u64> = TimeAxis::beginning_at(0, 111, TimeScale::folded(40)).ticks().take(3).collect();
        assert_eq!(ticks, [0, 600, 1_200]);
    }
}
