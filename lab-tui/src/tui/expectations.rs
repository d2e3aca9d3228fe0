//! Expectations, in a row each below the thresholds.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::palette::Palette;
use crate::report::format;
use crate::scenario::Subject;
use crate::verdict::{JudgedExpectation, Standing, Verdict};

/// How many rows thresholds and expectations take together.
pub(super) fn promises(verdict: &Verdict) -> usize {
    verdict.thresholds.len() + verdict.expectations.len()
}

/// One expectation with its value, or when it will have one.
pub(super) fn row<'r>(judged: &JudgedExpectation, palette: &Palette) -> Line<'r> {
    let value = match (&judged.expectation.subject, judged.value) {
        (Subject::Counted { .. }, Some(value)) => format::number(value),
        (Subject::Metric(_), Some(value)) => format!("{value:.2}"),
        (_, None) => "no data".to_owned(),
    };
    let (mark, value, style): (_, _, Style) = match judged.standing {
        Standing::Kept => ("✓", value, palette.good),
        Standing::Broken if judged.value.is_none() => ("·", value, palette.dim),
        Standing::Broken => ("✗", value, palette.bad),
        Standing::Unclear(_) => ("?", "unclear".to_owned(), palette.warn),
        Standing::Skipped(_) => ("·", "skipped".to_owned(), palette.dim),
        Standing::Open => ("·", "at end".to_owned(), palette.dim),
    };
    let name = judged.expectation.name.clone();
    Line::from(vec![
        Span::styled(format!(" {mark} "), style),
        Span::styled(format!("{value:>9}  "), style),
        Span::raw(format!("{} {name}", judged.expectation.expected())),
    ])
}
