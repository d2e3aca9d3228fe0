//! The traces that were found, one a row.

use lab_facts::format;
use lab_facts::model::Model;
use lab_instrument::observe::found::FoundTrace;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use super::{Order, State};
use crate::tui::ask::FOUND;
use crate::tui::link;
use crate::tui::palette::Palette;
use crate::tui::ui::{Click, Ui};

/// From this width on, bars are long, times are to the millisecond, and there is a column for the spans that match.
const WIDE: u16 = 84;
/// From this width on, trace IDs are whole.
const WITH_ID: u16 = 120;

/// Draws the tabs, the names of the columns, and the rows.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, ui: &mut Ui) {
    if area.height < 3 {
        return;
    }
    tabs(buffer, Rect { height: 1, ..area }, &ui.traces, &ui.palette);
    let columns = Columns::of(area);
    let rows = Rect { y: area.y + 2, height: area.height - 2, ..area };
    if ui.traces.rows.is_empty() {
        let text = nothing(&ui.traces, model, ui.replay.is_some());
        Line::styled(format!(" {text}"), ui.palette.dim).render(rows, buffer);
        return;
    }
    columns.head(buffer, Rect { y: area.y + 1, height: 1, ..area }, &ui.palette);
    let (height, count) = (usize::from(rows.height), ui.traces.rows.len());
    let state = &mut ui.traces;
    state.first = state.first.min(count.saturating_sub(height)).min(state.row).max((state.row + 1).saturating_sub(height));
    let shown = state.first..(state.first + height).min(count);
    let slowest = shown.clone().filter_map(|row| state.at(row)).map(|(_, found)| found.duration_nano).max().unwrap_or_default();
    let ui_of_rows = &*ui;
    for (y, row) in (rows.y..rows.bottom()).zip(shown) {
        let Some((_, found)) = ui_of_rows.traces.at(row) else { continue };
        columns.row(buffer, Rect { y, height: 1, ..rows }, found, slowest, row == ui_of_rows.traces.row, ui_of_rows);
    }
    let first = ui.traces.first;
    ui.clicks.push((rows, Click::Rows(first)));
}

/// `newest │ slowest │ failed`, and how many there are.
fn tabs(buffer: &mut Buffer, area: Rect, state: &State, palette: &Palette) {
    let mut tabs = vec![Span::raw(" ")];
    for order in Order::ALL {
        if order != Order::Newest {
            tabs.push(Span::styled(" │ ", palette.dim));
        }
        let style = if order == state.order { palette.title.patch(palette.chosen) } else { palette.dim };
        tabs.push(Span::styled(order.name(), style));
    }
    let tabs = Line::from(tabs);
    let used = u16::try_from(tabs.width()).unwrap_or(u16::MAX).saturating_add(2).min(area.width);
    tabs.render(area, buffer);
    let told = match (&state.failed, &state.found) {
        (Some(why), _) => Line::styled(format!("{why} "), palette.bad),
        (None, Some(_)) if !state.is_answered => Line::styled("searching ", palette.dim),
        // Whoever looks for the slowest of all must know that they are not.
        (None, Some(found)) if found.len() >= FOUND => {
            let listed = state.rows.len();
            let few = if listed < found.len() { format!("{listed} among the newest {FOUND} ") } else { format!("the newest {FOUND} ") };
            let all = format!("{}; a narrower query reaches further back ", few.trim_end());
            Line::styled(if all.len() < usize::from(area.width - used) { all } else { few }, palette.warn)
        }
        (None, Some(_)) => Line::styled(format!("{} ", format::count(state.rows.len(), "trace")), palette.dim),
        (None, None) => return,
    };
    let room = area.width - used;
    let width = u16::try_from(told.width()).unwrap_or(u16::MAX).min(room);
    told.render(Rect { x: area.right() - width, width, ..area }, buffer);
}

/// What is awaited where there are no rows.
fn nothing(state: &State, model: &Model, is_replay: bool) -> &'static str {
    match (&state.found, state.order, &state.query) {
        (None, ..) => "searching",
        (_, Order::Failed, None) => "no trace has a span that failed",
        (_, Order::Failed, Some(_)) => "no trace that matches has a span that failed",
        (_, _, None) if is_replay => "the recording has kept no traces",
        (_, _, None) => "no spans have come in; the first requests bring them",
        (_, _, Some(_)) if model.finished().is_some() => "no trace matches",
        (_, _, Some(_)) => "no trace matches so far; new ones are looked at as they come in",
    }
}

/// What stands where in a row, for the width that there is.
pub(in crate::tui::room) struct Columns {
    clock: u16,
    bar: u16,
    matched: u16,
    id: u16,
}

impl Columns {
    const DURATION: u16 = 9;
    const SPANS: u16 = 7;
    const ERRORS: u16 = 8;

    pub(in crate::tui::room) fn of(area: Rect) -> Self {
        let is_wide = area.width >= WIDE;
        Self {
            clock: if is_wide { 13 } else { 9 },
            bar: if area.width >= 160 { 24 } else { area.width / 12 },
            matched: if is_wide { 9 } else { 0 },
            id: if area.width >= WITH_ID { 32 } else { 8 },
        }
    }

    /// What the columns are called.
    pub(in crate::tui::room) fn head(&self, buffer: &mut Buffer, area: Rect, palette: &Palette) {
        let texts = ["began UTC", "duration", "", "spans", "matched", "errors", "  root", "trace"];
        let [clock, duration, bar, spans, matched, errors, root, id] = self.places(area);
        let names = [clock, duration, bar, spans, matched, errors, root, id].into_iter().zip(texts);
        for (number, (place, text)) in names.enumerate() {
            let width = usize::from(place.width);
            let text = if (1..6).contains(&number) { format!("{text:>width$}") } else { text.to_owned() };
            buffer.set_stringn(place.x, place.y, text, width, palette.dim);
        }
    }

    /// From left to right; the root gets what is left, and the ID stands at the right end.
    fn places(&self, area: Rect) -> [Rect; 8] {
        let mut x = area.x + 1;
        let mut next = |width: u16| {
            let place = Rect { x: x.min(area.right()), width: width.min(area.right().saturating_sub(x)), ..area };
            x += width;
            place
        };
        let [clock, duration] = [self.clock, Self::DURATION].map(&mut next);
        let bar = next(self.bar + 1);
        let [spans, matched, errors] = [Self::SPANS, self.matched, Self::ERRORS].map(&mut next);
        let id = Rect { x: area.right().saturating_sub(self.id + 1), width: self.id.min(area.width), ..area };
        let root = next(id.x.saturating_sub(errors.right() + 1));
        [clock, duration, bar, spans, matched, errors, root, id]
    }

    /// One trace; its bar is a share of the slowest that is in sight, in nanoseconds.
    pub(in crate::tui::room) fn row(&self, buffer: &mut Buffer, area: Rect, found: &FoundTrace, slowest: u64, is_chosen: bool, ui: &Ui) {
        let palette = &ui.palette;
        let [clock, duration, bar, spans, matched, errors, root_place, id] = self.places(area);
        let mut put = |place: Rect, text: &str, style: Style| {
            buffer.set_stringn(place.x, place.y, text, usize::from(place.width), style);
        };
        let right = |place: Rect, text: String| format!("{text:>width$}", width = usize::from(place.width));
        put(Rect { width: 1, ..area }, if is_chosen { "▸" } else { " " }, palette.key);
        put(clock, &of_day(found.start_unix_nano, self.clock > 9), palette.dim);
        put(duration, &right(duration, format::nanoseconds(found.duration_nano)), Style::new());
        put(
            Rect { x: bar.x + 1, width: bar.width.saturating_sub(1), ..bar },
            &bar_of(found.duration_nano, slowest, self.bar),
            palette.used,
        );
        put(spans, &right(spans, found.spans.to_string()), Style::new());
        put(matched, &right(matched, found.matched.to_string()), Style::new());
        let (text, style) = if found.errors > 0 { (format!("✗ {}", found.errors), palette.bad) } else { ("-".to_owned(), palette.dim) };
        put(errors, &right(errors, text), style);
        put(root_place, &format!("  {}", root(found)), Style::new());
        put(id, &found.trace_id, palette.key);
        if is_chosen {
            buffer.set_style(area, palette.chosen);
        }
        if let Some(link) = &ui.link {
            link::apply(link, buffer, id, &found.trace_id);
        }
    }
}

/// Service and name of the root.
pub(in crate::tui::room) fn root(found: &FoundTrace) -> String {
    match (&found.root_service, &found.root_name) {
        (Some(service), Some(name)) => format!("{service} {name}"),
        _ => "(its root has not come in)".to_owned(),
    }
}

/// A bar from the left in eighths of a column: what is shown has one at the least.
fn bar_of(nanos: u64, slowest: u64, columns: u16) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = u128::from(nanos) * u128::from(columns) * 8 / u128::from(slowest.max(1));
    let eighths = usize::try_from(eighths).unwrap_or_default().max(1);
    "█".repeat(eighths / 8) + PARTS[eighths % 8]
}

/// `14:03:22`, with `.123` where there is room; UTC, as log lines have it.
fn of_day(unix_nano: u64, to_the_millisecond: bool) -> String {
    let seconds = unix_nano / 1_000_000_000 % 86_400;
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if to_the_millisecond { format!("{clock}.{:03}", unix_nano / 1_000_000 % 1000) } else { clock }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_a_share_of_the_slowest_and_a_moment_one_of_the_day() {
        assert_eq!([bar_of(10, 10, 4), bar_of(5, 10, 4), bar_of(1, 10, 4), bar_of(0, 0, 4)], ["████", "██", "▍", "▏"]);
        assert_eq!(of_day(1_795_455_996_170_167_555, true), "17:46:36.170");
        assert_eq!(of_day(86_399_999_999_999, false), "23:59:59");
    }
}
