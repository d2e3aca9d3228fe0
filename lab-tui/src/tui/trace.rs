//! One trace in place: the waterfall with its log lines, and below it all that the chosen row tells.

mod detail;
mod open;
mod shape;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

pub(super) use open::Open;

use lab_facts::format;
use lab_facts::trace::{LogLine, TraceSpan};
use lab_instrument::report::waterfall::{Extent, duration, log_text, span_detail};
use shape::{Row, Shape};

use super::link;
use super::palette::Palette;
use super::ui::{Click, Ui};

/// The keys that count in an open trace.
pub(super) fn keys(open: &Open) -> &'static [(&'static str, &'static str)] {
    if open.details.is_some() {
        return &[("↑↓", "scroll"), ("Tab", "spans"), ("←→", "trace"), ("o", "browser"), ("y", "copy ID"), ("?", "help"), ("q", "quit")];
    }
    &[
        ("↑↓", "span"),
        ("Enter", "fold"),
        ("Tab", "details"),
        ("←→", "trace"),
        ("n", "error"),
        ("o", "browser"),
        ("y", "copy ID"),
        ("Esc", "back"),
        ("?", "help"),
        ("q", "quit"),
    ]
}

/// From this width on, rows have room for what tells most about a span.
const WIDE: u16 = 110;
/// From this width on, the time of its own has a column.
const WITH_OWN: u16 = 72;
/// Columns of a duration.
const NUMBER: u16 = 9;

/// Draws the open trace.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, open: &mut Open, ui: &mut Ui) {
    let palette = ui.palette;
    let palette = &palette;
    let id = open.trace_id.to_string();
    let head = Line::from(vec![
        Span::styled(" trace ", palette.title),
        Span::styled(id.clone(), palette.key),
        Span::styled(format!("  {}", open.told), palette.dim),
    ]);
    head.render(Rect { height: 1, ..area }, buffer);
    if let Some(link) = &ui.link {
        link::apply(link, buffer, Rect { x: area.x + 7, width: 32.min(area.width.saturating_sub(7)), height: 1, ..area }, &id);
    }
    let area = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    open.refresh();
    let Some((_, shape)) = open.shape() else {
        let live = " its spans have not come in: they are still under way, were not sampled, or have been pushed out of the store";
        let text = if ui.replay.is_some() { " the recording has not kept it; it keeps the slowest and those that failed" } else { live };
        Line::styled(text, palette.dim).render(area, buffer);
        return;
    };
    let completeness = match shape.missing.first() {
        None => Span::styled("complete", palette.good),
        Some(missing) => Span::styled(format!("incomplete: {missing}"), palette.warn),
    };
    let summary = Span::styled(format!(" {}  ", shape.summary), palette.dim);
    let line = Rect { height: 1.min(area.height), ..area };
    let told = Line::from(vec![summary, completeness]);
    let legend = Line::styled("█ critical path ", palette.dim);
    if told.width() + legend.width() < usize::from(area.width) {
        legend.right_aligned().render(line, buffer);
    }
    told.render(line, buffer);
    let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    if open.details.is_some() {
        detail::draw_all(buffer, below, open, palette);
        return;
    }
    // What the chosen row tells gets what the waterfall leaves, within bounds.
    let wanted = u16::try_from(shape.rows.len()).unwrap_or(u16::MAX).saturating_add(1);
    let height = below.height.saturating_sub(1);
    let details = height.saturating_sub(wanted).clamp(height.min(6), height.min(14).max(height / 3));
    let rows = Rect { y: below.y + 1, height: height - details, ..below };
    let place = open.place();
    open.first = open.first.min(place).max((place + 1).saturating_sub(usize::from(rows.height)));
    let Some((_, shape)) = open.shape() else { return };
    let columns = Columns::of(shape, area);
    columns.head(buffer, Rect { height: 1.min(below.height), ..below }, shape.extent, palette);
    draw_rows(buffer, rows, open, place, &columns, palette);
    ui.clicks.push((rows, Click::Rows(open.first)));
    detail::draw(buffer, Rect { y: rows.bottom(), height: details, ..below }, open, palette);
}

/// Only those in sight are made into text, for a trace may have ten thousand.
fn draw_rows(buffer: &mut Buffer, area: Rect, open: &Open, place: usize, columns: &Columns, palette: &Palette) {
    let Some((trace, shape)) = open.shape() else { return };
    for (y, (here, number)) in (area.y..area.bottom()).zip(open.visible().iter().enumerate().skip(open.first)) {
        let line = Rect { y, height: 1, ..area };
        let row = &shape.rows[*number];
        if let Some(span) = row.span(trace) {
            let why = shape.telling.filter(|(telling, _)| telling == number).map(|(_, why)| why);
            columns.span(buffer, line, shape, (row, span), open.is_folded(row), why, palette);
        } else if let Some(log) = row.log(trace) {
            columns.log(buffer, line, row, log, palette);
        }
        if here == place {
            buffer.set_style(line, palette.chosen);
        }
    }
}

/// What stands in which columns, for the width that there is.
struct Columns {
    label: u16,
    bar: u16,
    has_own: bool,
    has_detail: bool,
}

impl Columns {
    fn of(shape: &Shape, area: Rect) -> Self {
        let label = u16::try_from(shape.label_width).unwrap_or(u16::MAX).min(area.width * 9 / 20);
        let (has_own, has_detail) = (area.width >= WITH_OWN, area.width >= WIDE);
        let numbers = NUMBER * (1 + u16::from(has_own));
        let rest = area.width.saturating_sub(label + numbers + if has_detail { 27 } else { 4 });
        Self { label, bar: rest.clamp(8, 60), has_own, has_detail }
    }

    /// Where the bars are in an area.
    fn bars(&self, area: Rect) -> Rect {
        let x = (area.x + 2 + self.label).min(area.right());
        Rect { x, width: self.bar.min(area.right() - x), ..area }
    }

    /// The trace's time axis, and what the numbers beside it are.
    fn head(&self, buffer: &mut Buffer, area: Rect, extent: Extent, palette: &Palette) {
        if area.height == 0 {
            return;
        }
        let bars = self.bars(area);
        let mut free = 0;
        for nanos in ticks(extent.length, u64::from(bars.width / 9).clamp(1, 8)) {
            let at = extent.start.saturating_add(nanos);
            let Ok(column) = u16::try_from(extent.bar(at..at, usize::from(bars.width)).start) else { return };
            let text = format!("╵{}", round(nanos));
            let width = u16::try_from(text.chars().count()).unwrap_or(u16::MAX);
            if column >= free && column + width < bars.width {
                buffer.set_string(bars.x + column, area.y, &text, palette.dim);
                free = column + width + 1;
            }
        }
        let names = if self.has_own { &["duration", "self"][..] } else { &["duration"][..] };
        for (x, name) in (bars.right()..).step_by(usize::from(NUMBER)).zip(names) {
            put(buffer, area, x, &format!("{name:>9}"), NUMBER, palette.dim);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "what a row needs to know")]
    fn span(
        &self,
        buffer: &mut Buffer,
        area: Rect,
        shape: &Shape,
        (row, span): (&Row, &TraceSpan),
        is_folded: bool,
        telling: Option<&str>,
        palette: &Palette,
    ) {
        let fold = match (row.below, is_folded) {
            (0, _) => " ",
            (_, true) => "▸",
            (_, false) => "▾",
        };
        let hidden = match row.spans_below {
            _ if !is_folded || row.below == 0 => String::new(),
            0 => format!(" +{}", format::count(row.below, "line")),
            spans => format!(" +{}", format::count(spans, "span")),
        };
        // Not by its colour alone.
        put(buffer, area, area.x, if span.error { "✗" } else { " " }, 1, palette.bad);
        let (x, end) = (area.x + 1 + self.indent(row), area.x + 1 + self.label);
        let room = end.saturating_sub(u16::try_from(hidden.chars().count()).unwrap_or(0));
        let x = put(buffer, area, x, fold, 1, palette.dim) + 1;
        let x = put(buffer, area, x, &span.service, room.saturating_sub(x), palette.title) + 1;
        let x = put(buffer, area, x, &span.name, room.saturating_sub(x), Style::new());
        put(buffer, area, x, &hidden, end.saturating_sub(x), palette.key);
        let bars = self.bars(area);
        self.bar(buffer, bars, shape, (row, span), palette);
        let style = if span.error { palette.bad } else { Style::new() };
        let mut x = put(buffer, area, bars.right(), &format!("{:>9}", duration(span)), NUMBER, style);
        if self.has_own {
            x = put(buffer, area, x, &format!("{:>9}", format::nanoseconds(row.own)), NUMBER, palette.dim);
        }
        let left = area.right().saturating_sub(x);
        let why = telling.map_or(String::new(), |why| if self.has_detail { format!(" ◀ {why}") } else { " ◀".to_owned() });
        let x = put(buffer, area, x, &why, left, palette.warn);
        if self.has_detail {
            let detail = format!("  {}", span_detail(span).unwrap_or_default());
            put(buffer, area, x, &detail, area.right().saturating_sub(x), palette.dim);
        }
    }

    /// Solid while the whole waited for this span and none below it: where that becomes shorter, the trace does.
    fn bar(&self, buffer: &mut Buffer, bars: Rect, shape: &Shape, (row, span): (&Row, &TraceSpan), palette: &Palette) {
        let columns = usize::from(bars.width);
        let bar = shape.extent.bar(span.start_unix_nano..span.start_unix_nano.saturating_add(span.duration_nano), columns);
        let mut cells = vec!["·"; columns];
        cells.iter_mut().take(bar.end).skip(bar.start).for_each(|cell| *cell = "▒");
        for stretch in &row.critical {
            let solid = shape.extent.bar(stretch.clone(), columns);
            cells.iter_mut().take(solid.end).skip(solid.start).for_each(|cell| *cell = "█");
        }
        let style = if span.error { palette.bad } else { palette.used };
        for (x, cell) in (bars.x..bars.right()).zip(cells) {
            buffer.set_string(x, bars.y, cell, if cell == "·" { palette.idle } else { style });
        }
    }

    fn log(&self, buffer: &mut Buffer, area: Rect, row: &Row, log: &LogLine, palette: &Palette) {
        let (level, message) = log_text(log);
        let style = match level {
            "ERROR" => palette.bad,
            "WARNING" => palette.warn,
            _ => palette.dim,
        };
        let x = area.x + 1 + self.indent(row);
        put(buffer, area, x, &format!("· {level} {message}"), area.right().saturating_sub(x), style);
    }

    /// Deep rows move no further to the right than leaves room for a name.
    fn indent(&self, row: &Row) -> u16 {
        u16::try_from(row.depth * 2).unwrap_or(u16::MAX).min(self.label.saturating_sub(18))
    }
}

/// Writes no more than `width` columns and nothing outside of the area; returns the column after the text.
fn put(buffer: &mut Buffer, area: Rect, x: u16, text: &str, width: u16, style: Style) -> u16 {
    let width = width.min(area.right().saturating_sub(x));
    if width == 0 || area.height == 0 {
        return x;
    }
    buffer.set_stringn(x, area.y, text, usize::from(width), style).0
}

/// Round moments of a trace of that length, in nanoseconds: at most so many, in steps of 1, 2 or 5 times a power of ten.
fn ticks(length: u64, most: u64) -> impl Iterator<Item = u64> {
    let steps = (0..19).flat_map(|power| [1, 2, 5].map(|step| step * 10_u64.pow(power)));
    let step = steps.into_iter().find(|step| (length - 1) / step < most).unwrap_or(length.max(1));
    (0..most).map(move |number| number.saturating_mul(step)).take_while(move |nanos| *nanos < length)
}

/// `0`, `50 µs`, `20 ms`, `2 s`: what is round has no decimals.
fn round(nanos: u64) -> String {
    match nanos {
        0 => "0".to_owned(),
        1_000_000_000.. => format!("{}.{} s", nanos / 1_000_000_000, nanos / 100_000_000 % 10).replace(".0 ", " "),
        _ if nanos.is_multiple_of(1_000_000) => format!("{} ms", nanos / 1_000_000),
        _ if nanos.is_multiple_of(1_000) => format!("{} µs", nanos / 1_000),
        _ => format!("{nanos} ns"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        let shown = |length| ticks(length, 5).map(round).collect::<Vec<_>>();
        assert_eq!(shown(2_000_000_000), ["0", "500 ms", "1 s", "1.5 s"]);
        assert_eq!(shown(17_200_000), ["0", "5 ms", "10 ms", "15 ms"]);
        assert_eq!(shown(1), ["0"]);
        assert!(ticks(u64::MAX, 5).count() <= 5);
    }
}
