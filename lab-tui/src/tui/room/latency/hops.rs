//! Where the milliseconds of each percentile band go: a bar for each band, in parts by hop, and the milliseconds of all of them below.

use std::ops::Range;

use lab_facts::explain::{self, Band};
use lab_facts::format::{count, milliseconds};
use lab_facts::model::Model;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use crate::tui::palette::Palette;
use crate::tui::plot;

/// The second under the cursor is looked at with this much on either side, as `lab explain --at` does.
const BESIDE: u64 = 1;
/// Columns left of a bar: the band, and how long its requests took.
const LEFT: u16 = 21;
/// Hops that have a letter of their own.
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz";

/// The seconds under the cursor and those beside them, else all.
pub(super) fn of(model: &Model, read: Option<Range<u64>>) -> Vec<Band> {
    explain::bands(model, read.map_or(0..u64::MAX, around))
}

/// What the bars are about.
pub(super) fn told(bands: &[Band], read: Option<Range<u64>>) -> String {
    let looked: usize = bands.iter().map(|band| band.requests).sum();
    let when = read.map_or_else(|| "whole run".to_owned(), |seconds| plot::span(&around(seconds)));
    if looked == 0 { when } else { format!("{when}, {}", count(looked, "request")) }
}

fn around(seconds: Range<u64>) -> Range<u64> {
    seconds.start.saturating_sub(BESIDE)..seconds.end.saturating_add(BESIDE)
}

/// Bars above, their key with the milliseconds below.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, bands: &[Band], model: &Model, read: Option<Range<u64>>, palette: &Palette) {
    let Some(named) = bands.iter().find(|band| !band.parts.is_empty()).filter(|_| area.width > LEFT + 4) else {
        let text = match (read, model.finished()) {
            (Some(seconds), _) => format!("no trace of {} was looked at", plot::span(&around(seconds))),
            (None, Some(_)) => "no trace came in".to_owned(),
            (None, None) => "awaiting the first traces".to_owned(),
        };
        plot::awaited(buffer, area, &text, palette);
        return;
    };
    // Where there is room, bars stand apart from one another and from their key.
    let rows = u16::try_from(named.parts.len()).unwrap_or(u16::MAX).saturating_add(1);
    let step = 1 + u16::from(area.height >= rows.saturating_add(8));
    let gap = u16::from(step == 1 && area.height >= 12);
    let above = 4 * step + gap;
    let key = Rect { y: area.y + above, height: area.height.saturating_sub(above), ..area };
    // What is not named below is one part of each bar, so that bars and key tell the same.
    let rows = usize::from(key.height.saturating_sub(1)).min(LETTERS.len());
    let named_hops = if named.parts.len() > rows { rows.saturating_sub(1) } else { named.parts.len() };
    for (y, band) in (area.y..area.bottom()).step_by(usize::from(step)).zip(bands) {
        bar(buffer, Rect { y, height: 1, ..area }, band, named_hops, palette);
    }
    draw_key(buffer, key, bands, named, named_hops, palette);
}

/// `p50 to p95   4.21 ms a█████b████c██`: every bar is as long, for it shows shares.
fn bar(buffer: &mut Buffer, area: Rect, band: &Band, named: usize, palette: &Palette) {
    let line = Line::from(vec![
        Span::styled(format!(" {:<10}", band.name), palette.dim),
        Span::raw(format!("{:>9} ", milliseconds(band.mean_ms))),
    ]);
    line.render(area, buffer);
    let bar = Rect { x: area.x + LEFT, width: area.width.saturating_sub(LEFT + 1), ..area };
    let total: f64 = band.parts.iter().map(|part| part.ms).sum();
    if total <= 0.0 {
        buffer.set_stringn(bar.x, bar.y, "no request of it was looked at", usize::from(bar.width), palette.dim);
        return;
    }
    let (mut sum, mut from) = (0.0, 0);
    for (number, part) in band.parts.iter().enumerate() {
        sum += part.ms;
        // The last part that is named as one of several goes on to the end.
        if number >= named && number + 1 < band.parts.len() {
            continue;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a column of the bar")]
        let to = ((sum / total * f64::from(bar.width)).round() as u16).min(bar.width);
        let look = Look::of(part.kind, number, named, palette);
        for column in from..to {
            look.cell(buffer, bar.x + column, bar.y, column == from);
        }
        from = from.max(to);
    }
}

/// How a hop is drawn: a letter where its part begins, so that it can be found in the key without colours, and then what its kind looks like.
struct Look {
    letter: char,
    fill: &'static str,
    style: Style,
}

impl Look {
    fn of(kind: &str, number: usize, named: usize, palette: &Palette) -> Self {
        let (letter, kind) = if number < named { (LETTERS.chars().nth(number).unwrap_or('+'), kind) } else { ('+', "") };
        // One kind, one colour: what works, what waits, the database, what lies between.
        let (pattern, style) = match kind {
            "service" => ("█", palette.used),
            "database" => ("▓", palette.database),
            "pool" => ("▒", palette.warn),
            // What tells response time from service time.
            "unsent" => ("▒", palette.response),
            _ => ("░", palette.dim),
        };
        Self { letter, fill: if style.fg.is_some() { "█" } else { pattern }, style }
    }

    fn cell(&self, buffer: &mut Buffer, x: u16, y: u16, is_first: bool) {
        if is_first {
            let style = if self.style.fg.is_some() { self.style.add_modifier(Modifier::REVERSED) } else { self.style };
            buffer.set_string(x, y, self.letter.to_string(), style);
        } else {
            buffer.set_string(x, y, self.fill, self.style);
        }
    }
}

/// A row for each hop, a column for each band.
fn draw_key(buffer: &mut Buffer, area: Rect, bands: &[Band], most: &Band, named: usize, palette: &Palette) {
    let column: u16 = if area.width >= 76 { 11 } else { 9 };
    let columns = u16::try_from(bands.len()).unwrap_or_default() * column;
    let Some(name_width) = area.width.checked_sub(columns + 5).filter(|_| area.height > 1) else { return };
    let right = area.right() - columns - 1;
    let width = usize::from(column);
    let row = |buffer: &mut Buffer, y: u16, texts: &mut dyn Iterator<Item = String>, style: Style| {
        for (number, text) in (0..).zip(texts) {
            buffer.set_stringn(right + number * column, y, format!("{text:>width$}"), width, style);
        }
    };
    let headings = &mut bands.iter().map(|band| band.name.replace(" to p", "–p"));
    row(buffer, area.y, headings, palette.dim);
    let others = most.parts.len() - named;
    for (y, number) in (area.y + 1..area.bottom()).zip(0..named + usize::from(others > 0)) {
        let part = &most.parts[number];
        let look = Look::of(part.kind, number, named, palette);
        look.cell(buffer, area.x + 1, y, true);
        look.cell(buffer, area.x + 2, y, false);
        let name = if number < named { part.hop.clone() } else { format!("{others} more") };
        buffer.set_stringn(area.x + 4, y, cut(&name, usize::from(name_width)), usize::from(name_width), Style::new());
        let of_band = |band: &Band| {
            let parts = if number < named { band.parts.get(number..=number) } else { band.parts.get(number..) };
            milliseconds(parts.filter(|parts| !parts.is_empty()).map(|parts| parts.iter().map(|part| part.ms).sum()))
        };
        row(buffer, y, &mut bands.iter().map(of_band), Style::new());
    }
}

/// What does not fit ends in an ellipsis.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width { text.to_owned() } else { text.chars().take(width.saturating_sub(1)).chain(['…']).collect() }
}
