//! What stands where: the lists in one place with tabs, or side by side where there is room.

use lab_facts::model::Model;
use lab_facts::verdict::Verdict;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use super::{Pane, files, preview, runs, standing};
use crate::tui::ui::Ui;

/// From this width on, all of it is there at once.
const WIDE: u16 = 110;

/// Draws the room.
pub(in crate::tui) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, verdict: &Verdict, ui: &mut Ui) {
    if area.width >= WIDE {
        side_by_side(buffer, area, model, verdict, ui);
    } else {
        one_at_a_time(buffer, area, model, verdict, ui);
    }
    if let Some(comparison) = &ui.scenario_room.comparison {
        runs::compared(buffer, area, comparison, &ui.palette);
    }
}

/// Lists on the left; on the right the plan of the chosen scenario, and how the run that is on stands.
fn side_by_side(buffer: &mut Buffer, area: Rect, model: &Model, verdict: &Verdict, ui: &mut Ui) {
    let left = Rect { width: (area.width * 2 / 5).clamp(46, 72), ..area };
    let right = Rect { x: left.right() + 1, width: area.width - left.width - 1, ..area };
    for y in area.y..area.bottom() {
        buffer.set_string(left.right(), y, "│", ui.palette.idle);
    }
    let files = u16::try_from(ui.scenarios.len()).unwrap_or(u16::MAX).clamp(3, area.height / 2) + 1;
    let (above, below) = parted(left, files);
    let list = titled(buffer, above, Pane::Files, ui);
    files::draw(buffer, list, ui);
    let list = titled(buffer, below, Pane::Runs, ui);
    runs::draw(buffer, list, ui);
    let promises = standing::rows(verdict).clamp(3, area.height / 3) + 1;
    let (above, below) = parted(right, area.height - promises - 1);
    preview::draw(buffer, above, model, ui);
    let list = titled(buffer, below, Pane::Standing, ui);
    standing::draw(buffer, list, model, verdict, ui);
}

/// The list that is chosen, under the names of all.
fn one_at_a_time(buffer: &mut Buffer, area: Rect, model: &Model, verdict: &Verdict, ui: &mut Ui) {
    let (palette, shown) = (&ui.palette, ui.scenario_room.pane);
    let mut tabs = vec![Span::raw(" ")];
    for (number, pane) in Pane::ALL.into_iter().enumerate() {
        if number > 0 {
            tabs.push(Span::styled(" │ ", palette.dim));
        }
        tabs.push(Span::styled(pane.name(), if pane == shown { palette.title.patch(palette.chosen) } else { palette.dim }));
    }
    Line::from(tabs).render(Rect { height: 1, ..area }, buffer);
    let (_, below) = parted(area, 1);
    let below = Rect { y: below.y - 1, height: below.height + 1, ..below };
    match shown {
        Pane::Files => {
            let files = u16::try_from(ui.scenarios.len()).unwrap_or(u16::MAX).clamp(1, below.height / 3);
            let (list, plan) = parted(below, files);
            files::draw(buffer, list, ui);
            preview::draw(buffer, plan, model, ui);
        }
        Pane::Standing => standing::draw(buffer, below, model, verdict, ui),
        Pane::Runs => runs::draw(buffer, below, ui),
    }
}

/// Two areas, one row apart.
fn parted(area: Rect, above: u16) -> (Rect, Rect) {
    let above = above.min(area.height);
    let below = (above + 1).min(area.height);
    (Rect { height: above, ..area }, Rect { y: area.y + below, height: area.height - below, ..area })
}

/// The name of a list, which stands out where keys go to it; returns what is left for it.
fn titled(buffer: &mut Buffer, area: Rect, pane: Pane, ui: &Ui) -> Rect {
    let is_chosen = ui.scenario_room.pane == pane;
    let style = if is_chosen { ui.palette.title.patch(ui.palette.chosen) } else { ui.palette.title };
    Line::from(vec![Span::raw(" "), Span::styled(pane.name(), style)]).render(Rect { height: area.height.min(1), ..area }, buffer);
    Rect { y: area.y + area.height.min(1), height: area.height.saturating_sub(1), ..area }
}
