//! What a moment was part of: phases, faults at work, thresholds that broke. In one row, below what the plots say of it.

use std::ops::Range;

use lab_facts::model::Model;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::palette::Palette;
use super::plot;

/// Of the seconds under the cursor, else of now.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, read: Option<Range<u64>>, palette: &Palette) {
    let when = read.as_ref().map_or("now".to_owned(), plot::span);
    let now = model.now().as_secs();
    let seconds = read.unwrap_or(now..now + 1);
    let mut pieces = vec![vec![Span::styled(format!("{when:<8}"), palette.title)]];
    let overlaps = |from: u64, to: u64| from < seconds.end && to > seconds.start;
    let broke = model.plan().thresholds.iter().zip(model.broke());
    for (threshold, _) in broke.filter(|(_, at)| at.is_some_and(|at| seconds.contains(&at.as_secs()))) {
        pieces.push(vec![Span::styled(format!("✗ {} broke", threshold.words(model.plan())), palette.bad)]);
    }
    for (index, ..) in plot::fault_windows(model).filter(|(_, from, to)| overlaps(*from, *to)) {
        let name = &model.faults()[index].fault.name;
        pieces.push(vec![Span::styled("fault ", palette.dim), Span::styled(name.clone(), palette.warn)]);
    }
    // The end of one is the beginning of the next.
    let phases = model.plan().phases.iter().filter(|phase| overlaps(phase.at.as_secs(), phase.end().as_secs().max(phase.at.as_secs() + 1)));
    pieces.extend(phases.map(|phase| vec![Span::styled("phase ", palette.dim), Span::raw(phase.name.clone())]));
    if pieces.len() == 1 {
        pieces.push(vec![Span::styled("no fault at work, no threshold broke", palette.dim)]);
    }
    plot::pieces(buffer, area, pieces);
}
