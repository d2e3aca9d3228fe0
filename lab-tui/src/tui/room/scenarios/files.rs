//! The scenarios that there are: those that came with the lab by name, others by their file.

use lab_facts::format;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use super::Pane;
use crate::tui::shelf::Listed;
use crate::tui::ui::{Click, Ui};

/// How wide a name may be; of a path, the end says more.
const NAME: usize = 28;

/// One scenario a row, the chosen one in sight, with what it is for.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, ui: &mut Ui) {
    let (palette, chosen) = (&ui.palette, ui.scenario_room.file);
    let names: Vec<String> = ui.scenarios.iter().map(name).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or_default();
    let first = (chosen + 1).saturating_sub(usize::from(area.height));
    for (y, (row, (listed, name))) in (area.y..area.bottom()).zip(ui.scenarios.iter().zip(&names).enumerate().skip(first)) {
        let line = Rect { y, height: 1, ..area };
        let about = match (listed.problems.len(), &listed.planned) {
            (0, Some(planned)) => Span::styled(planned.plan.title.clone(), palette.dim),
            (count, _) => Span::styled(format!("✗ {}", format::count(count, "problem")), palette.bad),
        };
        let mark = if row == ui.current { "▶" } else { " " };
        Line::from(vec![Span::styled(format!("{mark} "), palette.good), Span::styled(format!("{name:width$}  "), palette.title), about])
            .render(line, buffer);
        if row == chosen {
            buffer.set_style(line, palette.chosen);
        }
    }
    ui.clicks.push((area, Click::Row(Pane::Files, first)));
}

fn name(listed: &Listed) -> String {
    let name = listed.file.as_ref().map_or_else(|| listed.name.clone(), |file| file.display().to_string());
    match name.chars().count() {
        length if length > NAME => format!("…{}", name.chars().skip(length + 1 - NAME).collect::<String>()),
        _ => name,
    }
}
