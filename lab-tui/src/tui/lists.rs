//! Requests worth a look, thresholds and events: panels where there is room, else one list with tabs.

use lab_facts::event::Exemplar;
use lab_facts::format;
use lab_facts::model::Model;
use lab_facts::scenario::{Aggregate, MetricKind, Plan, Threshold};
use lab_facts::verdict::{Judged, Verdict};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::palette::Palette;
use super::plot::{self, clock};
use super::ui::{Click, List, Ui};
use super::{events, expectations, link};

/// Draws the tabs and below them the list of the tab that is chosen.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, verdict: &Verdict, ui: &mut Ui) {
    let palette = ui.palette;
    let mut tabs = vec![Span::raw(" ")];
    for (number, list) in ui.lists().enumerate() {
        if number > 0 {
            tabs.push(Span::styled(" │ ", palette.dim));
        }
        let name = match (list, ui.moment()) {
            (List::Moment, Some(seconds)) => format!("worst {}", plot::span(&seconds)),
            _ => list.name().to_owned(),
        };
        let style = if list == ui.list() { palette.title.patch(palette.chosen) } else { palette.dim };
        tabs.push(Span::styled(name, style));
    }
    Line::from(tabs).render(Rect { height: 1.min(area.height), ..area }, buffer);
    let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    match ui.list() {
        List::Thresholds => thresholds(buffer, below, model, verdict, &palette),
        List::Events => events::draw(buffer, below, model, verdict, &palette),
        _ => requests(buffer, below, model, ui),
    }
}

/// One request a row, the chosen one in sight.
fn requests(buffer: &mut Buffer, area: Rect, model: &Model, ui: &mut Ui) {
    let palette = &ui.palette;
    let (rows, chosen) = (ui.rows(model), ui.chosen_row(model));
    if rows.is_empty() {
        let text = match ui.list() {
            List::Failed => " no request has failed",
            List::Moment => " nothing is known of that moment",
            _ => " awaiting the first answers",
        };
        Line::styled(text, palette.dim).render(area, buffer);
        return;
    }
    let height = usize::from(area.height);
    let first = (chosen + 1).saturating_sub(height);
    ui.clicks.push((area, Click::Rows(first)));
    for (y, (number, row)) in (area.y..area.bottom()).zip(rows.iter().enumerate().skip(first)) {
        let line = Rect { y, height: 1, ..area };
        request(buffer, line, model, row, number == chosen, ui);
    }
}

fn request(buffer: &mut Buffer, area: Rect, model: &Model, row: &Exemplar, chosen: bool, ui: &Ui) {
    let palette = &ui.palette;
    let id = row.trace_id.to_string();
    // The ID stands at the right end, where its first column does not move.
    let id_width = if area.width >= 84 { 32 } else { 8 };
    let outcome = if row.failed { palette.bad } else { palette.good };
    let name = &model.plan().loads[row.load].requests[row.request].name;
    let left = [
        (format!("{}{:>4}", if chosen { "▸" } else { " " }, clock(row.at)), palette.dim),
        (format!("{:>8}", format::milliseconds(Some(f64::from(row.micros) / 1000.0))), Style::new()),
        (format!("{:>4}", short(&row.outcome.to_string())), outcome),
    ];
    let line = Line::from(left.into_iter().map(|(text, style)| Span::styled(format!("{text} "), style)).collect::<Vec<_>>());
    let used = u16::try_from(line.width()).unwrap_or(area.width).min(area.width);
    line.render(area, buffer);
    let id_width = id_width.min(area.width.saturating_sub(used + 2));
    let id_area = Rect { x: area.right() - id_width.min(area.width) - 1, width: id_width, ..area };
    let room = usize::from(id_area.x.saturating_sub(area.x + used + 1));
    buffer.set_stringn(area.x + used, area.y, name, room, palette.dim);
    buffer.set_stringn(id_area.x, area.y, &id, usize::from(id_width), palette.key);
    if chosen {
        buffer.set_style(area, palette.chosen);
    }
    if let Some(link) = &ui.link {
        link::apply(link, buffer, id_area, &id);
    }
}

/// Outcomes in five columns.
fn short(outcome: &str) -> &str {
    match outcome {
        "timeout" => "t/o",
        "interrupted" => "cut",
        "connection failed" | "connection broken" => "conn",
        status => status,
    }
}

/// `p(95)<50 http_req_duration outside table locked`: what is compared comes first, so that it is never what is cut off.
pub(super) fn promise(plan: &Plan, threshold: &Threshold) -> String {
    let scope = threshold.scope.as_ref().map_or(String::new(), |scope| format!(" {}", scope.words(plan)));
    format!("{} {}{scope}", threshold.expression, threshold.selector.source)
}

/// Every threshold with its value as of now; and why nothing can be said, where that is so.
pub(super) fn thresholds(buffer: &mut Buffer, area: Rect, model: &Model, verdict: &Verdict, palette: &Palette) {
    if expectations::promises(verdict) == 0 {
        Line::styled(" this scenario promises nothing", palette.dim).render(area, buffer);
    }
    for (y, judged) in (area.y..area.bottom()).zip(&verdict.thresholds) {
        threshold(judged, model, palette).render(Rect { y, height: 1, ..area }, buffer);
    }
    let below = area.y.saturating_add(u16::try_from(verdict.thresholds.len()).unwrap_or(u16::MAX));
    for (y, judged) in (below..area.bottom()).zip(&verdict.expectations) {
        expectations::row(judged, palette).render(Rect { y, height: 1, ..area }, buffer);
    }
}

/// One threshold: its mark, its value, the promise.
pub(super) fn threshold(judged: &Judged, model: &Model, palette: &Palette) -> Line<'static> {
    let unknown = is_unknown(judged, model);
    let (mark, style) = match (judged.value, judged.ok) {
        _ if unknown => ("·", palette.dim),
        (None, _) => ("·", palette.dim),
        (Some(_), true) => ("✓", palette.good),
        (Some(_), false) => ("✗", palette.bad),
    };
    let value = match judged.value {
        _ if unknown => "at end".to_owned(),
        None => "no data".to_owned(),
        Some(value) => shown(&judged.threshold, value),
    };
    Line::from(vec![
        Span::styled(format!(" {mark} "), style),
        Span::styled(format!("{value:>9}  "), style),
        Span::raw(promise(model.plan(), &judged.threshold)),
    ])
}

/// Whether it can be known at the end only.
pub(super) fn is_unknown(judged: &Judged, model: &Model) -> bool {
    !model.is_settled() && judged.threshold.selector.metric.is_of_the_whole_run()
}

/// A value of what is promised, or a distance from its bound, in its unit.
pub(super) fn shown(threshold: &Threshold, value: f64) -> String {
    match (threshold.selector.metric.kind(), threshold.aggregate) {
        (MetricKind::Trend | MetricKind::Histogram, _) => format::milliseconds(Some(value)),
        (MetricKind::Rate, _) => format!("{:.2} %", value * 100.0),
        (MetricKind::Counter | MetricKind::Scraped, Aggregate::Rate) => format!("{}/s", format::number(value)),
        (MetricKind::Counter | MetricKind::Gauge | MetricKind::Scraped, _) => format::number(value),
    }
}
