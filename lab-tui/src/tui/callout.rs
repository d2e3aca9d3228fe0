//! The one thing to look at now, and the key that leads there. It leads a newcomer, and leaves whoever has acted alone.

use lab_facts::format;
use lab_facts::model::Model;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Text};
use ratatui::widgets::{Block, BorderType, Clear, Paragraph, Widget, Wrap};

use super::palette::Palette;
use super::wrap::wrap;

/// A percentile has risen when it is this many times what it was in calm, and 100 ms more.
const RISEN: f64 = 4.0;
const RISEN_MS: f64 = 100.0;

/// Seconds without trouble after which the story is over.
const OVER: u64 = 20;

/// What there is to say, if anything.
pub(super) fn text(model: &Model) -> Option<String> {
    let under_way = model.faults().iter().find(|state| state.is_on());
    let peak = peak(model);
    let (calm, risen) = (calm_p99(model), peak.filter(|(_, p99)| has_risen(model, *p99)));
    match (under_way, risen, calm) {
        (Some(state), None, _) => Some(format!("The fault {}: watch what moves", state.fault)),
        (_, Some((second, p99)), Some(calm)) if model.now().as_secs() < second + OVER => {
            let rose = format!("p99 rose from {} to {}", format::milliseconds(Some(calm)), format::milliseconds(Some(p99)));
            let recovered = under_way.is_none() && last_p99(model).is_some_and(|p99| !has_risen(model, p99));
            let now = if recovered { " and is back" } else { "" };
            Some(format!("{rose}{now}: press Enter on the peak"))
        }
        (None, None, _) if model.now().as_secs() >= 3 && !is_failing(model) => {
            let next = model.faults().iter().find(|state| state.started.is_none() && state.failed.is_none());
            let fault = &next?.fault;
            let left = fault.at.as_secs().saturating_sub(model.now().as_secs());
            Some(format!("All is calm. In {left} s: {}", fault.name))
        }
        _ => None,
    }
}

/// The second with the highest p99, and that p99 in milliseconds: of requests that have ended, for only these have a trace to open.
pub(super) fn peak(model: &Model) -> Option<(u64, f64)> {
    let each = model.seconds().iter().filter_map(|second| Some((second.place.index, second.response.percentile(99.0)?)));
    // Of equals the first: the last ones may still grow.
    each.reduce(|highest, next| if next.1 > highest.1 { next } else { highest })
}

/// Whether a request of the last seconds has failed.
pub(super) fn is_failing(model: &Model) -> bool {
    let now = model.now().as_secs();
    model.seconds().range(now.saturating_sub(3), now + 1).any(|second| second.failed > 0)
}

fn has_risen(model: &Model, p99: f64) -> bool {
    calm_p99(model).is_some_and(|calm| p99 > calm * RISEN && p99 > calm + RISEN_MS)
}

/// The median of the seconds' p99 before the first fault; of all seconds where none has begun.
fn calm_p99(model: &Model) -> Option<f64> {
    let until = model.faults().iter().filter_map(|fault| fault.started).min().map_or(u64::MAX, |at| at.as_secs());
    let mut seconds: Vec<f64> =
        model.seconds().iter().filter(|second| second.place.index < until).filter_map(|second| second.response.percentile(99.0)).collect();
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied()
}

fn last_p99(model: &Model) -> Option<f64> {
    model.seconds().get(model.now().as_secs().checked_sub(1)?)?.response.percentile(99.0)
}

/// Draws it as a box at that edge of an area where it hides the least, as far as there is room.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, text: &str, palette: &Palette) {
    let width = u16::try_from(text.chars().count() + 4).unwrap_or(u16::MAX).min(40).min(area.width);
    let lines = u16::try_from(wrap(text, usize::from(width.saturating_sub(4))).len()).unwrap_or(1);
    let height = (lines + 2).min(area.height);
    if width < 20 || height < 3 {
        return;
    }
    let spare = area.height - height;
    let place = |x, y| Rect { x, y: area.y + y, width, height };
    let is_empty = |position| [" ", "┈", "\u{2800}"].contains(&buffer[position].symbol());
    let hidden = |place: &Rect| place.positions().filter(|position| !is_empty(*position)).count();
    let places = [area.right() - width, area.x].into_iter().flat_map(|x| [0, spare / 2, spare].map(|y| place(x, y)));
    let Some(area) = places.min_by_key(hidden) else { return };
    Clear.render(area, buffer);
    let block =
        Block::bordered().border_type(BorderType::Rounded).border_style(palette.border).padding(ratatui::widgets::Padding::horizontal(1));
    let text = Text::from(Line::styled(text.to_owned(), palette.title));
    Paragraph::new(text).wrap(Wrap { trim: true }).block(block).render(area, buffer);
}
