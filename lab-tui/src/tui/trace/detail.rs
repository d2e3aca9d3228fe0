//! All that the chosen row tells: attributes, events, links and the resource of a span, or the fields of a log line.

use std::collections::BTreeMap;

use lab_facts::format;
use lab_facts::trace::TraceSpan;
use lab_instrument::report::waterfall::{bare, log_text};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget};
use serde_json::Value;

use super::open::Open;
use super::put;
use crate::tui::palette::Palette;
use crate::tui::wrap::wrap;

/// What tells most comes first, where not all of it has room.
const FIRST: [&str; 5] = ["error.type", "lab.fault", "http.response.status_code", "http.route", "db.query.text"];
/// The narrowest column of pairs.
const COLUMN: u16 = 40;

/// What the chosen row tells.
struct Told {
    title: String,
    /// In one line: how it went, when, how long.
    facts: Vec<(String, bool)>,
    entries: Vec<Entry>,
}

enum Entry {
    /// What the pairs below it belong to.
    Head(String),
    Pair(String, String),
}

impl Told {
    fn of(open: &Open) -> Option<Self> {
        let (trace, shape) = open.shape()?;
        let row = open.chosen()?;
        let after = |unix_nano: u64| format!("+{}", format::nanoseconds(unix_nano.saturating_sub(shape.extent.start)));
        if let Some(log) = row.log(trace) {
            let (level, _) = log_text(log);
            let fields = log.line.as_object().into_iter().flatten();
            let mut entries: Vec<Entry> = fields.map(|(key, value)| Entry::Pair(key.clone(), bare(value))).collect();
            if entries.is_empty() {
                entries.push(Entry::Pair("line".to_owned(), bare(&log.line)));
            }
            let facts = vec![(level.to_owned(), level == "ERROR"), (after(log.unix_nano), false)];
            return Some(Self { title: format!("log line of {}", log.service), facts, entries });
        }
        let span = row.span(trace)?;
        let share = u128::from(row.critical_time()) * 100 / u128::from(shape.extent.length);
        let mut facts = vec![
            (format!("status {}", span.status.as_str()), span.error),
            (format!("began {}", after(span.start_unix_nano)), false),
            (format!("took {}", format::nanoseconds(span.duration_nano)), false),
            (format!("self {}", format::nanoseconds(row.own)), false),
            (format!("critical path {share} %"), false),
        ];
        if !span.status_message.is_empty() {
            facts.push((span.status_message.clone(), span.error));
        }
        facts.push((format!("span {}", span.span_id), false));
        let title = format!("{} {} ({} span)", span.service, span.name, span.kind);
        Some(Self { title, facts, entries: entries(span, after) })
    }

    /// `began +40.0 ms   took 1.90 s   …`
    fn facts(&self, palette: &Palette) -> Line<'static> {
        let spans = self.facts.iter().map(|(fact, bad)| Span::styled(format!(" {fact}  "), if *bad { palette.bad } else { Style::new() }));
        Line::from(spans.collect::<Vec<_>>())
    }
}

fn entries(span: &TraceSpan, after: impl Fn(u64) -> String) -> Vec<Entry> {
    let mut entries = pairs(&span.attributes);
    for event in &span.events {
        entries.push(Entry::Head(format!("event {} {}", after(event.unix_nano), event.name)));
        entries.extend(pairs(&event.attributes));
    }
    for link in &span.links {
        entries.push(Entry::Head(format!("link to trace {} span {}", link.trace_id, link.span_id)));
        entries.extend(pairs(&link.attributes));
    }
    let resource = span.resource.attributes();
    if !resource.is_empty() {
        entries.push(Entry::Head(format!("resource of {}", span.service)));
        entries.extend(pairs(resource));
    }
    entries
}

fn pairs(attributes: &BTreeMap<String, Value>) -> Vec<Entry> {
    let mut pairs: Vec<(&String, &Value)> = attributes.iter().collect();
    pairs.sort_by_key(|(key, _)| FIRST.iter().position(|first| first == key).unwrap_or(FIRST.len()));
    pairs.into_iter().map(|(key, value)| Entry::Pair(key.clone(), bare(value))).collect()
}

/// A title, the facts, then `key value` in as many columns as fit.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, open: &Open, palette: &Palette) {
    let Some(told) = Told::of(open).filter(|_| area.height >= 2) else { return };
    title(buffer, area, &told.title, "Tab: all of it", palette);
    told.facts(palette).render(Rect { y: area.y + 1, height: 1, ..area }, buffer);
    let area = Rect { y: area.y + 2, height: area.height - 2, ..area };
    let rows = usize::from(area.height);
    if rows == 0 {
        return;
    }
    let columns = told.entries.len().div_ceil(rows).clamp(1, usize::from(area.width / COLUMN).max(1));
    let width = area.width / u16::try_from(columns).unwrap_or(1);
    let (room, count) = (rows * columns, told.entries.len());
    for (number, entry) in told.entries.into_iter().take(room).enumerate() {
        let (Ok(column), Ok(row)) = (u16::try_from(number / rows), u16::try_from(number % rows)) else { return };
        let place = Rect { x: area.x + column * width, y: area.y + row, width: width.saturating_sub(1), height: 1 };
        if number + 1 == room && count > room {
            put(buffer, place, place.x, &format!(" … and {} more", count - number), place.width, palette.key);
            return;
        }
        match entry {
            Entry::Head(text) => drop(put(buffer, place, place.x, &format!(" {text}"), place.width, palette.title)),
            Entry::Pair(key, value) => {
                let x = put(buffer, place, place.x, &format!(" {key} "), place.width, palette.dim);
                put(buffer, place, x, &value, place.right().saturating_sub(x), Style::new());
            }
        }
    }
}

/// The same in the whole area, nothing of it cut; who scrolls beyond its end sees its end.
pub(super) fn draw_all(buffer: &mut Buffer, area: Rect, open: &mut Open, palette: &Palette) {
    let Some(told) = Told::of(open).filter(|_| area.height >= 2) else { return };
    title(buffer, area, &told.title, "Tab: back to the spans", palette);
    told.facts(palette).render(Rect { y: area.y + 1, height: 1, ..area }, buffer);
    let area = Rect { y: area.y + 2, height: area.height - 2, ..area };
    let widest = told.entries.iter().map(|entry| if let Entry::Pair(key, _) = entry { key.chars().count() } else { 0 }).max();
    let keys = widest.unwrap_or_default().min(usize::from(area.width) / 3);
    let room = usize::from(area.width).saturating_sub(keys + 4).max(1);
    let mut lines = Vec::new();
    for entry in told.entries {
        match entry {
            Entry::Head(text) => lines.extend([Line::default(), Line::styled(format!(" {text}"), palette.title)]),
            Entry::Pair(key, value) => {
                let mut key: String = key.chars().take(keys).collect();
                // A stack trace has lines of its own.
                for part in value.lines().flat_map(|line| wrap(line, room)) {
                    lines.push(Line::from(vec![Span::styled(format!("  {key:keys$} "), palette.dim), Span::raw(part)]));
                    key.clear();
                }
            }
        }
    }
    let last = lines.len().saturating_sub(usize::from(area.height));
    let first = open.details.unwrap_or_default().min(last);
    open.details = open.details.map(|_| first);
    let shown: Vec<Line<'_>> = lines.into_iter().skip(first).take(usize::from(area.height)).collect();
    Paragraph::new(shown).render(area, buffer);
}

fn title(buffer: &mut Buffer, area: Rect, title: &str, hint: &str, palette: &Palette) {
    let line = Rect { height: 1, ..area };
    put(buffer, line, line.x, &"─".repeat(usize::from(area.width)), area.width, palette.idle);
    let hint_width = u16::try_from(hint.chars().count() + 4).unwrap_or(u16::MAX);
    let room = area.width.saturating_sub(hint_width + 4);
    let x = put(buffer, line, line.x + 1, &format!(" {title}"), room, palette.title);
    put(buffer, line, x, " ", 1, Style::new());
    put(buffer, line, line.right().saturating_sub(hint_width), &format!(" {hint} "), hint_width, palette.dim);
}
