//! Shapes in a plot's own units, as short as SVG allows.

use super::axis::{HEIGHT, place};

/// A line through the middles of the columns. It reaches to the edges where it begins and ends, so that a single column is seen too,
/// and is broken where there is no value. Each column is its left and right edge and its value's place.
pub(super) fn line(columns: impl Iterator<Item = (f64, f64, Option<f64>)>) -> String {
    let mut path = String::new();
    let mut last_edge = None;
    for (left, right, y) in columns {
        match (y, last_edge) {
            (Some(y), None) => path += &format!("M{} {}H{}", place(left), place(y), place(f64::midpoint(left, right))),
            (Some(y), Some(_)) => path += &format!("L{} {}", place(f64::midpoint(left, right)), place(y)),
            (None, Some(edge)) => path += &format!("H{}", place(edge)),
            (None, None) => {}
        }
        last_edge = y.map(|_| right);
    }
    if let Some(edge) = last_edge {
        path += &format!("H{}", place(edge));
    }
    path
}

/// Bars from one place to another above it. Each is its left and right edge, its bottom and its top.
pub(super) fn bars(bars: impl Iterator<Item = (f64, f64, f64, f64)>) -> String {
    let shown = bars.filter(|(left, right, bottom, top)| right > left && bottom > top);
    let bar = |(left, right, bottom, top): (f64, f64, f64, f64)| {
        format!("M{} {}H{}V{}H{}z", place(left), place(bottom), place(right), place(top), place(left))
    };
    shown.map(bar).collect()
}

/// Lines across the whole plot at these heights.
pub(super) fn grid(heights: impl Iterator<Item = f64>) -> String {
    heights.map(|y| format!("M0 {}h1000", place(y))).collect()
}

/// Lines from top to bottom at these places.
pub(super) fn uprights(places: impl Iterator<Item = f64>) -> String {
    places.map(|x| format!("M{} 0v{HEIGHT}", place(x))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_broken_where_nothing_is_known() {
        let columns = [(0.0, 10.0, Some(5.0)), (10.0, 20.0, Some(6.55)), (20.0, 30.0, None), (30.0, 40.0, Some(7.0))];
        assert_eq!(line(columns.into_iter()), "M0 5H5L15 6.5H20M30 7H35H40");
        assert_eq!(line(std::iter::empty()), "");
        assert_eq!(bars([(0.0, 9.0, 100.0, 40.0), (10.0, 19.0, 100.0, 100.0)].into_iter()), "M0 100H9V40H0z");
    }
}
