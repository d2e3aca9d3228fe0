//! What is chosen: the fields of a fault that can be begun, or what one that is there does.

use lab_facts::model::{FaultState, Model};
use lab_facts::scenario::Fault;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Widget as _;

use super::State;
use super::form::Form;
use super::when::clock;
use crate::tui::palette::Palette;
use crate::tui::wrap::wrap;

/// Columns before what is typed.
const NAME: u16 = 13;

/// Draws text in as many lines as it takes and there are; the row after them.
pub(super) fn text(buffer: &mut Buffer, area: Rect, text: &str, style: Style) -> u16 {
    let width = usize::from(area.width.saturating_sub(2));
    let mut y = area.y;
    for line in wrap(text, width) {
        if y >= area.bottom() {
            break;
        }
        buffer.set_stringn(area.x + 1, y, line, width, style);
        y += 1;
    }
    y
}

/// The fields one below the other; gives back where they are, for clicks. Below them what would happen, or why it cannot.
pub(super) fn form(buffer: &mut Buffer, area: Rect, state: &State, form: &Form, model: &Model, palette: &Palette) -> Rect {
    Line::styled(format!(" {}", form.kind.kind), palette.title).render(area, buffer);
    let below = |y: u16| Rect { y, height: area.bottom().saturating_sub(y), ..area };
    let first = text(buffer, below(area.y + 1), form.kind.about, palette.dim).min(area.bottom());
    let wanted = form.wanted(&state.services(), model);
    let blamed = wanted.as_ref().err().and_then(|mistyped| mistyped.key);
    let mut y = first;
    for (number, (name, empty, input)) in form.fields().enumerate() {
        if y >= area.bottom() {
            break;
        }
        let (row, is_written) = (Rect { y, height: 1, ..area }, state.field == Some(number));
        buffer.set_string(area.x + 3, y, name, if blamed == Some(number) { palette.bad } else { palette.dim });
        let value = Rect { x: area.x + NAME + 3, width: area.width.saturating_sub(NAME + 4), ..row };
        if input.text().is_empty() && !is_written {
            buffer.set_stringn(value.x, y, &empty, usize::from(value.width), palette.dim);
        } else {
            input.draw(buffer, value, is_written, palette);
            if input.text().is_empty() {
                buffer.set_stringn(value.x + 2, y, &empty, usize::from(value.width.saturating_sub(2)), palette.dim);
            }
        }
        if is_written {
            buffer.set_style(row, palette.chosen);
            buffer.set_string(area.x + 1, y, "▸", palette.key.patch(palette.chosen));
        }
        y += 1;
    }
    let fields = Rect { y: first, height: y - first, ..area };
    let (what, style) = match (&wanted, state.field) {
        (Err(mistyped), _) => (mistyped.why.clone(), palette.bad),
        (Ok(_), Some(field)) => (form.about(field).to_owned(), palette.dim),
        (Ok((kind, duration)), None) if *duration < Fault::UNTIL_ENDED => {
            (format!("Enter: {kind}, for {}", humantime::format_duration(*duration)), palette.key)
        }
        (Ok((kind, _)), None) => (format!("Enter: {kind}, until you end it"), palette.key),
    };
    text(buffer, below(y), &what, style);
    fields
}

/// A fault that is there.
pub(super) fn fault(buffer: &mut Buffer, area: Rect, state: &FaultState, model: &Model, palette: &Palette) {
    let (fault, since) = (&state.fault, state.started.unwrap_or_default());
    Line::styled(format!(" {}", fault.name), palette.title).render(area, buffer);
    let left = (since + fault.duration).saturating_sub(model.now());
    let until = if fault.duration < Fault::UNTIL_ENDED { format!(", {:.0} s left", left.as_secs_f64()) } else { String::new() };
    let lines = [
        (fault.to_string(), palette.warn),
        (format!("since {}{until}", clock(since)), Style::new()),
        (if state.by_hand { "begun by hand" } else { "as the scenario has it" }.to_owned(), palette.dim),
        (String::new(), palette.dim),
        (if state.cut_short { "it is being ended …" } else { "Enter ends it" }.to_owned(), palette.key),
        (if state.by_hand { "" } else { "The verdict is inconclusive then: it was not there as planned." }.to_owned(), palette.dim),
    ];
    let mut y = area.y + 1;
    for (line, style) in lines {
        y = text(buffer, Rect { y, height: area.bottom().saturating_sub(y), ..area }, &line, style);
    }
}
