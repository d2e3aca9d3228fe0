//! How the run that is on stands: every promise with its value, and how near it is to breaking.

use lab_facts::format::distance_in_words;
use lab_facts::model::Model;
use lab_facts::scenario::{Comparison, Threshold, Word};
use lab_facts::verdict::{Judged, JudgedExpectation, Standing, Verdict};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use crate::tui::palette::Palette;
use crate::tui::ui::Ui;
use crate::tui::{expectations, lists};

/// How many columns show how much of a bound is used up.
const BAR: usize = 10;
/// From this share of a bound on, it is near to breaking.
const NEAR: f64 = 0.8;
/// From this width on, the distance is told in words as well.
const WORDS: u16 = 70;

/// How many rows it has.
pub(super) fn rows(verdict: &Verdict) -> u16 {
    let rows = 1 + expectations::promises(verdict) + verdict.inconclusive.len() + verdict.crashed.len();
    u16::try_from(rows).unwrap_or(u16::MAX)
}

/// The verdict in a word, why nothing can be said where that is so, and a row for each promise.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, verdict: &Verdict, ui: &Ui) {
    let (palette, with_words) = (&ui.palette, area.width >= WORDS);
    let mut lines = vec![word(model, verdict, palette)];
    let crashed = verdict.crashed.iter().map(|(name, how)| format!("{name} ended: {how}"));
    lines.extend(verdict.inconclusive.iter().cloned().chain(crashed).map(|why| Line::styled(format!(" ! {why}"), palette.warn)));
    if expectations::promises(verdict) == 0 {
        lines.push(Line::styled(" this scenario promises nothing", palette.dim));
    }
    lines.extend(verdict.thresholds.iter().map(|judged| threshold(judged, model, with_words, palette)));
    lines.extend(verdict.expectations.iter().map(|judged| expectation(judged, with_words, palette)));
    let last = lines.len().saturating_sub(usize::from(area.height));
    let first = if ui.scenario_room.pane == super::Pane::Standing { usize::from(ui.scenario_room.line).min(last) } else { 0 };
    for (y, line) in (area.y..area.bottom()).zip(lines.into_iter().skip(first)) {
        line.render(Rect { y, height: 1, ..area }, buffer);
    }
}

fn word(model: &Model, verdict: &Verdict, palette: &Palette) -> Line<'static> {
    let (word, style) = match verdict.word {
        Word::Pass => ("pass", palette.good),
        Word::Fail => ("fail", palette.bad),
        Word::Inconclusive => ("inconclusive", palette.warn),
    };
    let when = match model.finished() {
        None => " as it stands: ",
        Some(end) if end.interrupted => " stopped; as far as it went: ",
        Some(_) => " at the end: ",
    };
    Line::from(vec![Span::styled(when, palette.dim), Span::styled(word, style)])
}

fn threshold(judged: &Judged, model: &Model, with_words: bool, palette: &Palette) -> Line<'static> {
    let Threshold { comparison, bound, .. } = judged.threshold;
    let mut line = lists::threshold(judged, model, palette);
    let value = judged.value.filter(|_| !lists::is_unknown(judged, model));
    let told = value.and_then(|value| words(&judged.threshold, value, judged.ok));
    let used = value.and_then(|value| used(comparison, value, bound));
    line.spans.splice(2..2, distance(used, judged.ok, told.filter(|_| with_words), with_words, palette));
    line
}

fn expectation(judged: &JudgedExpectation, with_words: bool, palette: &Palette) -> Line<'static> {
    let mut line = expectations::row(judged, palette);
    let parts = judged.expectation.threshold().zip(judged.value);
    let used = parts.and_then(|(threshold, value)| used(threshold.comparison, value, threshold.bound));
    let kept = judged.standing != Standing::Broken;
    let told = parts.and_then(|(threshold, value)| words(threshold, value, kept));
    line.spans.splice(2..2, distance(used, kept, told.filter(|_| with_words), with_words, palette));
    line
}

/// How far it is from the bound, in words; what has to be equal and is, is not far from anything.
fn words(threshold: &Threshold, value: f64, kept: bool) -> Option<String> {
    let Threshold { comparison, bound, .. } = *threshold;
    let is_told = !kept || !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
    is_told.then(|| distance_in_words(comparison, value, bound, |gap| lists::shown(threshold, gap)))
}

/// A bar of how much of the bound is used up, then the words.
fn distance(used: Option<f64>, kept: bool, told: Option<String>, with_words: bool, palette: &Palette) -> Vec<Span<'static>> {
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=BAR")]
    let full = used.map(|used| (used * BAR as f64).round().clamp(0.0, BAR as f64) as usize);
    let style = match used {
        _ if !kept => palette.bad,
        Some(used) if used >= NEAR => palette.warn,
        _ => palette.good,
    };
    let mut spans = vec![
        Span::styled("━".repeat(full.unwrap_or_default()), style),
        Span::styled(if full.is_some() { "─" } else { " " }.repeat(BAR - full.unwrap_or_default()), palette.idle),
        Span::raw("  "),
    ];
    if with_words {
        spans.push(Span::styled(format!("{:<20}", told.unwrap_or_default()), palette.dim));
    }
    spans
}

/// The share of the bound that the value has reached: 1 is where it breaks. None where there is no way towards it.
fn used(comparison: Comparison, value: f64, bound: f64) -> Option<f64> {
    match comparison {
        Comparison::Less | Comparison::LessOrEqual if bound > 0.0 => Some(value / bound),
        Comparison::Greater | Comparison::GreaterOrEqual if bound > 0.0 => Some(if value > 0.0 { bound / value } else { f64::INFINITY }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_used_up_from_either_side() {
        assert_eq!(used(Comparison::Less, 25.0, 50.0), Some(0.5));
        assert_eq!(used(Comparison::GreaterOrEqual, 100.0, 50.0), Some(0.5));
        assert_eq!(used(Comparison::GreaterOrEqual, 0.0, 50.0), Some(f64::INFINITY));
        assert_eq!((used(Comparison::Equal, 0.0, 0.0), used(Comparison::Less, 1.0, 0.0)), (None, None));
    }
}
