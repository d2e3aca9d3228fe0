//! One trace in place: the waterfall with its log lines, and the attributes of the chosen span.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::link;
use super::palette::Palette;
use super::ui::{Open, Ui};
use crate::observe::trace::TraceSpan;
use crate::report::format;
use crate::report::waterfall::{Item, Waterfall, bare, duration, indent, log_text, span_detail};

/// Draws the open trace.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, open: &mut Open, ui: &Ui) {
    let palette = &ui.palette;
    let id = open.request.trace_id.to_string();
    let took = format::milliseconds(Some(f64::from(open.request.micros) / 1000.0));
    let head = Line::from(vec![
        Span::styled(" trace ", palette.title),
        Span::styled(id.clone(), palette.key),
        Span::styled(format!("  {} after {took}", open.request.outcome), palette.dim),
    ]);
    head.render(Rect { height: 1, ..area }, buffer);
    if let Some(link) = &ui.link {
        link::apply(link, buffer, Rect { x: area.x + 7, width: 32.min(area.width.saturating_sub(7)), height: 1, ..area }, &id);
    }
    let area = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let Some(trace) = &open.trace else {
        let live = " its spans have not come in: they are still under way, were not sampled, or have been pushed out of the store";
        let text = if ui.replay.is_some() { " the recording has not kept it; it keeps the slowest and those that failed" } else { live };
        Line::styled(text, palette.dim).render(area, buffer);
        return;
    };
    let waterfall = Waterfall::new(trace);
    let most = waterfall.telling();
    let chosen_row = open.row.or(most.map(|(row, _)| row)).unwrap_or_default().min(waterfall.rows.len().saturating_sub(1));
    open.shown = (waterfall.rows.len(), chosen_row);
    Line::styled(format!(" {}", waterfall.summary()), palette.dim).render(area, buffer);
    // The attributes get what the waterfall leaves, within bounds.
    let wanted = u16::try_from(waterfall.rows.len()).unwrap_or(u16::MAX).saturating_add(1);
    let below = area.height.saturating_sub(2);
    let attributes = below.saturating_sub(wanted).clamp(below.min(6), below.min(14).max(below / 3));
    let rows = Rect { y: area.y + 2, height: below - attributes, ..area };
    let first = (chosen_row + 1).saturating_sub(usize::from(rows.height));
    let label_width = waterfall.label_width().min(usize::from(area.width) / 2);
    for (y, (number, row)) in (rows.y..rows.bottom()).zip(waterfall.rows.iter().enumerate().skip(first)) {
        let line = Rect { y, height: 1, ..rows };
        match row.item {
            Item::Span(span) => draw_span(
                buffer,
                line,
                &waterfall,
                (span, row.depth),
                label_width,
                most.filter(|(row, _)| *row == number).map(|(_, why)| why),
                palette,
            ),
            Item::Log(log) => {
                let (level, message) = log_text(log);
                let style = match level {
                    "ERROR" => palette.bad,
                    "WARNING" => palette.warn,
                    _ => palette.dim,
                };
                let text = format!(" {}· {level} {message}", indent(row.depth));
                Line::styled(text, style).render(line, buffer);
            }
        }
        if number == chosen_row {
            buffer.set_style(line, palette.chosen);
        }
    }
    let chosen = waterfall.rows.get(chosen_row).map(|row| row.item);
    let area = Rect { y: rows.bottom(), height: attributes, ..area };
    match chosen {
        Some(Item::Span(span)) => draw_attributes(buffer, area, span, palette),
        Some(Item::Log(log)) => {
            let pairs = log.line.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), bare(value)));
            draw_pairs(buffer, area, &format!("log line of {}", log.service), pairs.collect(), palette);
        }
        None => {}
    }
}

fn draw_span(
    buffer: &mut Buffer,
    area: Rect,
    waterfall: &Waterfall<'_>,
    (span, depth): (&TraceSpan, usize),
    label_width: usize,
    telling: Option<&str>,
    palette: &Palette,
) {
    let indent = (depth * 2).min(label_width);
    let detail = span_detail(span).unwrap_or_default();
    let reserved = if area.width >= 110 { 23 } else { 2 };
    let mark = telling.map_or(String::new(), |why| if area.width >= 110 { format!("◀ {why}  ") } else { "◀ ".to_owned() });
    let columns = (usize::from(area.width).saturating_sub(label_width + 13 + reserved)).clamp(8, 60);
    let bar = waterfall.bar(span, columns);
    let style = if span.error { palette.bad } else { palette.used };
    let name: String = format!("{} {}", span.service, span.name).chars().take(label_width - indent).collect();
    let (service, rest) = name.split_once(' ').unwrap_or((&name, ""));
    let pad = label_width.saturating_sub(indent + name.chars().count());
    Line::from(vec![
        Span::raw(format!(" {:indent$}", "")),
        Span::styled(service.to_owned(), palette.title),
        Span::raw(format!(" {rest}{:pad$} ", "")),
        Span::styled("·".repeat(bar.start), palette.idle),
        Span::styled("█".repeat(bar.len()), style),
        Span::styled("·".repeat(columns - bar.end.min(columns)), palette.idle),
        Span::styled(format!("{:>9}  ", duration(span)), if span.error { palette.bad } else { Style::new() }),
        Span::styled(mark, palette.warn),
        Span::styled(detail, palette.dim),
    ])
    .render(area, buffer);
}

fn draw_attributes(buffer: &mut Buffer, area: Rect, span: &TraceSpan, palette: &Palette) {
    let title = format!("{} {} ({} span)", span.service, span.name, span.kind);
    let mut pairs: Vec<(String, String)> = span.attributes.iter().map(|(key, value)| (key.clone(), bare(value))).collect();
    // What tells most comes first, where not all of it has room.
    const FIRST: [&str; 5] = ["error.type", "lab.fault", "http.response.status_code", "http.route", "db.query.text"];
    pairs.sort_by_key(|(key, _)| FIRST.iter().position(|first| first == key).unwrap_or(FIRST.len()));
    draw_pairs(buffer, area, &title, pairs, palette);
}

/// A title, then `key value` in as many columns as fit.
fn draw_pairs(buffer: &mut Buffer, area: Rect, title: &str, pairs: Vec<(String, String)>, palette: &Palette) {
    if area.height < 2 {
        return;
    }
    let rule = "─".repeat(usize::from(area.width).saturating_sub(title.chars().count() + 4));
    let head = Line::from(vec![
        Span::styled("─ ", palette.dim),
        Span::styled(title.to_owned(), palette.title),
        Span::styled(format!(" {rule}"), palette.dim),
    ]);
    head.render(Rect { height: 1, ..area }, buffer);
    let rows = usize::from(area.height - 1);
    let columns = pairs.len().div_ceil(rows).clamp(1, usize::from(area.width / 40).max(1));
    let width = area.width / u16::try_from(columns).unwrap_or(1);
    for (number, (key, value)) in pairs.into_iter().enumerate() {
        let (Ok(column), Ok(row)) = (u16::try_from(number / rows), u16::try_from(number % rows)) else { return };
        if usize::from(column) >= columns {
            return;
        }
        let place = Rect { x: area.x + column * width, y: area.y + 1 + row, width, height: 1 };
        Line::from(vec![Span::styled(format!(" {key} "), palette.dim), Span::raw(value)]).render(place, buffer);
    }
}
