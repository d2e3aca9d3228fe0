//! What the chosen scenario will do: its plan as a time line, then what it promises, in words.

use lab_facts::format;
use lab_facts::model::Model;
use lab_facts::scenario::Plan;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget as _, Wrap};

use super::timeline;
use crate::tui::lists::promise;
use crate::tui::palette::Palette;
use crate::tui::ui::Ui;

/// From this height on, there is a row for what it is called.
const ROOMY: u16 = 18;

/// Draws it; what is wrong comes in the place of a plan that is not there.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, ui: &mut Ui) {
    let palette = ui.palette;
    let Some(listed) = ui.scenarios.get(ui.scenario_room.file) else {
        Line::styled(" looking for scenarios", palette.dim).render(area, buffer);
        return;
    };
    let heading = listed.planned.as_ref().map_or("", |planned| &planned.plan.title);
    let heading =
        Line::from(vec![Span::styled(format!(" {}", listed.name), palette.title), Span::styled(format!("  {heading}"), palette.dim)]);
    let area = if area.height >= ROOMY {
        heading.render(Rect { height: 1, ..area }, buffer);
        Rect { y: area.y + 1, height: area.height - 1, ..area }
    } else {
        area
    };
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut text = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    match (&listed.planned, listed.problems.is_empty()) {
        (Some(planned), true) => {
            let now = (ui.scenario_room.file == ui.current).then(|| model.now());
            let drawn = timeline::draw(buffer, Rect { height: area.height * 3 / 5, ..area }, &planned.plan, now, &palette);
            text = Rect { y: text.y + drawn, height: text.height - drawn, ..text };
            lines.extend(promises(&planned.plan, &palette));
        }
        (planned, _) => {
            lines.push(Line::styled("not understood:", palette.bad));
            lines.extend(listed.problems.iter().map(|problem| Line::raw(problem.clone())));
            let kept = if planned.is_some() { "; as it was when it was last understood, it cannot be run" } else { "" };
            lines.push(Line::styled(format!("E edits it{kept}"), palette.dim));
        }
    }
    let width = usize::from(text.width.max(1));
    let height: usize = lines.iter().map(|line| line.width().div_ceil(width).max(1)).sum();
    // Who scrolls beyond the end sees the end.
    let last = u16::try_from(height.saturating_sub(usize::from(text.height))).unwrap_or(u16::MAX);
    ui.scenario_room.line = ui.scenario_room.line.min(last);
    Paragraph::new(lines).wrap(Wrap { trim: true }).scroll((ui.scenario_room.line, 0)).render(text, buffer);
}

/// What it promises, then what it is about.
fn promises(plan: &Plan, palette: &Palette) -> Vec<Line<'static>> {
    let row = |text: String| Line::from(vec![Span::styled("· ", palette.dim), Span::raw(text)]);
    let thresholds = plan.thresholds.iter().map(|threshold| row(promise(plan, threshold)));
    let expectations = plan.expectations.iter().map(|expectation| {
        let scope = expectation.scope().map_or(String::new(), |scope| format!(" {}", scope.words(plan)));
        row(format!("{}: {} {}{scope}", expectation.name, expectation.expected(), expectation.what()))
    });
    let mut lines: Vec<Line<'static>> = thresholds.chain(expectations).collect();
    let heading = match (plan.thresholds.len(), plan.expectations.len()) {
        (0, 0) => "promises nothing".to_owned(),
        (count, 0) => format::count(count, "threshold"),
        (0, count) => format::count(count, "expectation"),
        (thresholds, expectations) => {
            format!("{}, {}", format::count(thresholds, "threshold"), format::count(expectations, "expectation"))
        }
    };
    lines.insert(0, Line::styled(heading, palette.title));
    if !plan.about.is_empty() {
        lines.extend([Line::raw(""), Line::styled(plan.about.trim().to_owned(), palette.dim)]);
    }
    lines
}
