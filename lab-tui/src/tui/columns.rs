//! The seconds of a run as the columns of a plot show them.
//!
//! Several seconds in one column are told as what is true of all of them together. Response times are merged before percentiles are taken
//! of them: a mean or a maximum of percentiles is the percentile of nothing. What one bad second was stays in sight all the same: errors are
//! those of the worst second, and so is the stem that stands on the line of the 99th percentile.

use std::borrow::Cow;
use std::ops::Range;

use lab_facts::event::{Exemplar, Samples};
use lab_facts::model::{Model, Second};

use super::axis::TimeAxis;

/// How many requests of a moment are worth a row.
const WORST: usize = 24;

/// What is known of the seconds that a column shows; or several columns, where they show the same.
pub(super) struct Column<'m> {
    /// Where they are.
    pub(super) columns: Range<u16>,
    pieces: Vec<&'m Second>,
    model: &'m Model,
}

/// All columns of which anything is known, from left to right.
pub(super) fn columns(model: &Model, axis: TimeAxis) -> Vec<Column<'_>> {
    let mut all: Vec<Column<'_>> = Vec::new();
    for column in 0..axis.columns {
        let pieces: Vec<&Second> = pieces(model, axis.seconds_of(column)).collect();
        let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else { continue };
        match all.last_mut() {
            Some(before) if before.seconds() == (first.place.index..last.place.end()) => before.columns.end = column + 1,
            _ => all.push(Column { columns: column..column + 1, pieces, model }),
        }
    }
    all
}

/// What figures above a plot read: the column under the cursor, else the last whole second.
pub(super) fn read(model: &Model, axis: TimeAxis, cursor: Option<u64>) -> Column<'_> {
    let last = model.now().as_secs().saturating_sub(1);
    moment(model, cursor.map_or(last..last + 1, |second| axis.around(second)))
}

/// What is known of some seconds.
pub(super) fn moment(model: &Model, seconds: Range<u64>) -> Column<'_> {
    Column { columns: 0..0, pieces: pieces(model, seconds).collect(), model }
}

fn pieces(model: &Model, seconds: Range<u64>) -> impl Iterator<Item = &Second> {
    model.seconds().range(seconds.start, seconds.end)
}

impl<'m> Column<'m> {
    /// The seconds that are told: more than were asked for, where they are known only together with others.
    pub(super) fn seconds(&self) -> Range<u64> {
        let (first, last) = (self.pieces.first(), self.pieces.last());
        first.map_or(0, |piece| piece.place.index)..last.map_or(0, |piece| piece.place.end())
    }

    /// How many of them anything is known of.
    pub(super) fn known(&self) -> u64 {
        self.sum(|piece| piece.place.length)
    }

    /// In how many pieces they are told.
    pub(super) fn pieces(&self) -> usize {
        self.pieces.len()
    }

    /// A count, over all of them.
    pub(super) fn sum(&self, of: impl Fn(&Second) -> u64) -> u64 {
        self.pieces.iter().map(|piece| of(piece)).sum()
    }

    /// The highest value that one of them has.
    pub(super) fn worst(&self, of: impl Fn(&Second) -> Option<f64>) -> Option<f64> {
        self.pieces.iter().filter_map(|piece| of(piece)).reduce(f64::max)
    }

    /// Response times as they are known by now. Without a copy where that is one second, and nothing of it is in flight.
    pub(super) fn response(&self) -> Cow<'m, Samples> {
        let so_far = |piece: &&'m Second| match piece.in_flight() {
            0 => Cow::Borrowed(&piece.response),
            _ => Cow::Owned(piece.response_so_far(self.model.now())),
        };
        match self.pieces.as_slice() {
            [] => Cow::default(),
            [piece] => so_far(piece),
            pieces => {
                let all: Vec<Cow<'_, Samples>> = pieces.iter().map(so_far).collect();
                Cow::Owned(Samples::merged(all.iter().map(AsRef::as_ref)))
            }
        }
    }

    /// The highest percentile that one of them has alone, where there are several.
    pub(super) fn worst_percentile(&self, percentile: f64) -> Option<f64> {
        if self.pieces.len() < 2 {
            return None;
        }
        self.worst(|piece| piece.response.percentile(percentile))
    }

    /// The second with the highest 99th percentile.
    pub(super) fn worst_second(&self) -> Option<u64> {
        let each = self.pieces.iter().filter_map(|piece| Some((piece.place.index, piece.response.percentile(99.0)?)));
        each.reduce(|worst, next| if next.1 > worst.1 { next } else { worst }).map(|(second, _)| second)
    }

    /// Some of its requests, slowest first.
    pub(super) fn requests(&self) -> Vec<Exemplar> {
        let mut requests: Vec<Exemplar> = self.pieces.iter().flat_map(|piece| piece.exemplars.iter().copied()).collect();
        requests.sort_by_key(|request| std::cmp::Reverse(request.micros));
        requests.truncate(WORST);
        requests
    }
}
