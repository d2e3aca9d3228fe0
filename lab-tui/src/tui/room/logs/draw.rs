//! The room as it is shown: the histogram, what is filtered by, and below them lines or groups.

use std::time::Duration;

use lab_facts::model::Model;
use lab_instrument::report::waterfall::{bare, own_fields};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use super::record::{Level, Record, message};
use super::sieve::View;
use super::{State, groups, histogram};
use crate::tui::palette::Palette;
use crate::tui::plot;
use crate::tui::ui::{Click, Ui};
use crate::tui::wrap::wrap;

const SECOND: u64 = 1_000_000_000;
/// Below this width columns are shortened.
pub(super) const ROOMY: u16 = 100;

/// Draws the room.
pub(in crate::tui) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, ui: &mut Ui) {
    let mut state = std::mem::take(&mut ui.logs);
    let began = model.began_unix_nano();
    // A recording has the lines of its whole run, and those of later are not known yet.
    let now = u64::try_from(model.now().as_nanos()).unwrap_or(u64::MAX);
    let end = began.filter(|_| ui.replay.is_some()).map_or(u64::MAX, |began| began.saturating_add(now));
    state.settle(began.unwrap_or_default()..end, began);
    let top = match area.height {
        ..20 => 5,
        20..30 => 6,
        _ => 7,
    };
    // The last column stays free, for a text that ends there would touch its neighbour.
    let plot = Rect { width: area.width - 1, height: top, ..area };
    let axis = ui.time_axis(plot::graph(plot).width, model);
    jump(&mut state, ui.moment().map(|seconds| seconds.start), began);
    let whole_from = began.map_or(0, |began| state.kept.gone().saturating_sub(began).div_ceil(SECOND));
    histogram::draw(buffer, plot, axis, &state.shown, whole_from, model, ui);
    ui.clicks.push((plot::graph(plot), Click::Time(axis)));
    tabs(buffer, Rect { y: plot.bottom(), height: 1, ..area }, &state, &ui.palette);
    filters(buffer, Rect { y: plot.bottom() + 1, height: 1, ..area }, &state, &ui.palette);
    let rest = Rect { y: plot.bottom() + 2, height: area.height - top - 2, ..area };
    if let Some((text, style)) = empty(&state, ui) {
        for (y, line) in (rest.y..rest.bottom()).zip(wrap(&text, usize::from(rest.width.saturating_sub(2)))) {
            buffer.set_string(rest.x + 1, y, line, style);
        }
    } else {
        let list = detail(buffer, rest, &state, began, &ui.palette);
        match state.sieve.view {
            View::Lines => lines(buffer, list, &mut state, began, ui),
            View::Groups => groups::draw(buffer, list, &mut state, began, ui),
        }
    }
    ui.logs = state;
}

/// The list goes where the cursor went.
fn jump(state: &mut State, cursor: Option<u64>, began: Option<u64>) {
    if cursor == state.jumped || began.is_none() {
        return;
    }
    state.jumped = cursor;
    let second = cursor.zip(began).map(|(second, began)| (began.saturating_add(second.saturating_mul(SECOND)), 0));
    (state.at, state.top) = (second, second);
}

/// Why there is no row.
fn empty(state: &State, ui: &Ui) -> Option<(String, Style)> {
    let dim = ui.palette.dim;
    if let Some(problem) = state.problem.as_ref().filter(|_| state.shown.of == 0) {
        return Some((format!("there are no log lines: {problem}"), ui.palette.bad));
    }
    let text = match (state.shown.of, state.rows()) {
        (_, 1..) => return None,
        (0, _) if !state.heard => "asking for log lines",
        (0, _) if ui.replay.is_some() => "a recording has the lines of its slowest and failed requests; none of them was written so far",
        (0, _) => "awaiting the first log lines",
        (_, _) if state.sieve.view == View::Groups => {
            "no line of that level fits: l takes lower levels in, v other services, Esc takes the text away"
        }
        (_, _) => "no line fits: l takes lower levels in, v other services, Esc takes the text away",
    };
    Some((text.to_owned(), dim))
}

/// Lines or groups; how many fit; whether the newest are followed. Or what is wrong with the text, or with the answer.
fn tabs(buffer: &mut Buffer, area: Rect, state: &State, palette: &Palette) {
    let tab = |name: &'static str, view| {
        Span::styled(name, if state.sieve.view == view { palette.title.patch(palette.chosen) } else { palette.dim })
    };
    let mut spans = vec![Span::raw(" "), tab("lines", View::Lines), Span::styled(" │ ", palette.dim), tab("groups", View::Groups)];
    if let Some(wrong) = state.wrong.as_ref().or(state.problem.as_ref()) {
        spans.push(Span::styled(format!("   {wrong}"), palette.bad));
        Line::from(spans).render(area, buffer);
        return;
    }
    let (fit, of) = (state.shown.lines.len(), state.shown.of);
    let kept = if state.kept.gone() > 0 { " kept" } else { "" };
    spans.push(Span::raw(format!("  {fit:>6}")));
    spans.push(Span::styled(format!(" of {of} lines{kept}"), palette.dim));
    Line::from(spans).render(area, buffer);
    let (text, style) = match (state.sieve.view, state.at) {
        (View::Groups, _) => return,
        (View::Lines, None) => ("▼ following ", palette.good),
        (View::Lines, Some(_)) => ("‖ G follows ", palette.key),
    };
    Line::styled(text, style)
        .right_aligned()
        .render(Rect { x: area.right() - 12.min(area.width), width: 12.min(area.width), ..area }, buffer);
}

/// What is in force, each beside its key.
fn filters(buffer: &mut Buffer, area: Rect, state: &State, palette: &Palette) {
    let level = match state.sieve.least() {
        Level::NONE => "all levels".to_owned(),
        least => format!("≥ {}", least.name()),
    };
    let service = state.sieve.service.as_deref().unwrap_or("all services");
    let head = Line::from(vec![
        Span::styled(" l ", palette.key),
        Span::raw(format!("{level:<11}")),
        Span::styled(" v ", palette.key),
        Span::raw(format!("{service:<13}")),
        Span::styled(" / ", palette.key),
    ]);
    let used = u16::try_from(head.width()).unwrap_or(area.width).min(area.width);
    head.render(area, buffer);
    let rest = Rect { x: area.x + used, width: (area.width - used).saturating_sub(1), ..area };
    if state.is_writing() || !state.input.text().is_empty() {
        state.input.draw(buffer, rest, state.is_writing(), palette);
    } else {
        let text = match &state.sieve.only {
            Some((_, pattern)) if state.sieve.view == View::Lines => format!("one group (Esc): {pattern}"),
            _ => "text, /regex/, key=value".to_owned(),
        };
        buffer.set_stringn(rest.x, rest.y, text, usize::from(rest.width), palette.dim);
    }
}

/// One line a row, the newest at the bottom.
fn lines(buffer: &mut Buffer, area: Rect, state: &mut State, began: Option<u64>, ui: &mut Ui) {
    let (height, count) = (usize::from(area.height), state.shown.lines.len());
    let chosen = state.row();
    let first = match chosen {
        None => count.saturating_sub(height),
        Some(row) => {
            let first = state.top.map_or(count, |top| state.place(top));
            first.min(row).min(count.saturating_sub(height)).max((row + 1).saturating_sub(height))
        }
    };
    (state.top, state.height) = (state.shown.lines.get(first).copied(), height);
    let columns = Columns::new(state, area.width, began);
    let nanos = |began: u64, second: u64| began.saturating_add(second.saturating_mul(SECOND));
    let read = ui.moment().zip(began).map(|(seconds, began)| nanos(began, seconds.start)..nanos(began, seconds.end));
    for (y, (row, key)) in (area.y..area.bottom()).zip(state.shown.lines.iter().enumerate().skip(first)) {
        let Some(record) = state.kept.get(*key) else { continue };
        let is_read = read.as_ref().is_some_and(|read| read.contains(&key.0));
        let place = Rect { y, height: 1, ..area };
        columns.line(buffer, place, record, (chosen == Some(row), is_read), &ui.palette);
    }
    ui.clicks.push((area, Click::Rows(first)));
}

/// What stands where in a row: fixed, so that nothing jumps.
pub(in crate::tui::room) struct Columns {
    began: Option<u64>,
    pub(super) is_roomy: bool,
    pub(super) service: usize,
}

impl Columns {
    pub(super) fn new(state: &State, width: u16, began: Option<u64>) -> Self {
        Self::of(state.shown.services.iter().map(|service| &**service), width, began)
    }

    /// For lines of these services.
    pub(in crate::tui::room) fn of<'s>(services: impl Iterator<Item = &'s str>, width: u16, began: Option<u64>) -> Self {
        let is_roomy = width >= ROOMY;
        let widest = services.map(|service| service.chars().count()).max().unwrap_or_default();
        Self { began, is_roomy, service: widest.clamp(8, if is_roomy { 20 } else { 11 }) }
    }

    /// Since the run's start; the time of day (UTC) where that is not known.
    pub(super) fn clock(&self, unix_nano: u64) -> String {
        let at = Duration::from_nanos(self.began.map_or(unix_nano % (86_400 * SECOND), |began| unix_nano.saturating_sub(began)));
        let millis = at.subsec_millis();
        match self.began {
            Some(_) => format!("{:>5}.{millis:03}", plot::clock(at)),
            None => format!("{:02}:{:02}:{:02}.{millis:03}", at.as_secs() / 3600, at.as_secs() / 60 % 60, at.as_secs() % 60),
        }
    }

    pub(super) fn level(&self, level: Level, palette: &Palette) -> Span<'static> {
        let text = if self.is_roomy { format!("{:<8}", level.name()) } else { format!("{:<5}", level.short()) };
        Span::styled(text, style_of(level, palette))
    }

    pub(super) fn service(&self, service: &str) -> String {
        let width = self.service;
        format!("{:<width$}", service.chars().take(width).collect::<String>())
    }

    /// One line; whether it is chosen, and whether it is one of those that the cursor reads.
    pub(in crate::tui::room) fn line(
        &self,
        buffer: &mut Buffer,
        area: Rect,
        record: &Record,
        (is_chosen, is_read): (bool, bool),
        palette: &Palette,
    ) {
        let line = record.line();
        let clock = Span::styled(self.clock(record.key.0), if is_read { palette.key } else { palette.dim });
        let mut spans = vec![
            Span::raw(if is_chosen { "▸" } else { " " }),
            clock,
            Span::raw(" "),
            self.level(record.level, palette),
            Span::raw(" "),
            Span::styled(self.service(&record.service), palette.title),
            Span::raw(format!(" {}", message(&line))),
        ];
        spans.extend(own_fields(&line.line).map(|(key, value)| Span::styled(format!("  {key}={}", bare(value)), palette.dim)));
        Line::from(spans).render(Rect { width: area.width.saturating_sub(1), ..area }, buffer);
        if is_chosen {
            buffer.set_style(area, palette.chosen);
        }
    }
}

fn style_of(level: Level, palette: &Palette) -> Style {
    if level >= Level::ERROR {
        palette.bad
    } else if level >= Level::WARNING {
        palette.warn
    } else if level == Level::INFO {
        Style::new()
    } else {
        palette.dim
    }
}

/// The chosen line in full, below the list, where there is room; what is left for the list.
fn detail(buffer: &mut Buffer, area: Rect, state: &State, began: Option<u64>, palette: &Palette) -> Rect {
    let in_groups = state.sieve.view == View::Groups;
    let height = match area.height {
        ..12 if in_groups => 3,
        ..12 => 0,
        12..24 => 3,
        _ => 5,
    };
    let Some(record) = state.line().filter(|_| height > 0) else { return area };
    let list = Rect { height: area.height - height, ..area };
    let line = record.line();
    let columns = Columns::new(state, area.width, began);
    let about = format!("{} of {} at {}", record.level.name(), record.service, columns.clock(record.key.0).trim_start());
    let title = if in_groups { format!("the newest: {about}") } else { about };
    let trace = record.trace.map_or_else(|| "in no trace".to_owned(), |trace| format!("trace {trace}"));
    let rule = "─".repeat(usize::from(area.width));
    let head = Line::from(vec![
        Span::styled("─ ", palette.dim),
        Span::styled(title, palette.title),
        Span::styled(format!("  {trace} "), palette.dim),
        Span::styled(rule, palette.dim),
    ]);
    head.render(Rect { y: list.bottom(), height: 1, ..area }, buffer);
    let fields = own_fields(&line.line).map(|(key, value)| format!(" {key}={}", bare(value)));
    let text = message(&line) + &fields.collect::<String>();
    let rows = list.bottom() + 1..area.bottom();
    for (y, text) in rows.zip(wrap(&text, usize::from(area.width).saturating_sub(2))) {
        buffer.set_string(area.x + 1, y, text, Style::new());
    }
    list
}
