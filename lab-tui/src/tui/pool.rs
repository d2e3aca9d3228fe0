//! The connection pool over time: used and idle connections, and above them the requests that wait for one.

use lab_facts::event::Pool;
use lab_facts::model::Model;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::palette::Palette;
use super::plot::{self, TimeAxis};
use super::stacked;

/// Draws title and plot. The title reads the second under the cursor, else the latest state.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, axis: TimeAxis, model: &Model, cursor: Option<u64>, palette: &Palette) {
    if area.height < 2 {
        return;
    }
    let title = Rect { height: 1, ..area };
    let area = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let graph = plot::graph(area);
    let by_column = by_column(model, axis);
    let read = cursor.map_or_else(|| model.pools().last().map(|(_, pool)| pool), |second| of(&by_column, axis, second));
    legend(read, palette).render(title, buffer);
    let Some(max) = by_column.iter().flatten().map(|pool| pool.max).max() else {
        plot::awaited(buffer, graph, "awaiting a service that tells of a connection pool", palette);
        return;
    };
    let most = by_column.iter().flatten().map(|pool| pool.used + pool.idle + pool.pending).max().unwrap_or_default();
    // A round number, where there is more than the pool.
    let top = if most > max { most.next_multiple_of(if most > 100 { 50 } else { 10 }) } else { max };
    plot::label(buffer, area, 0, &top.to_string(), palette);
    plot::label(buffer, area, area.height - 1, if area.height > 1 { "0" } else { "" }, palette);
    let row_of = |count: u32| (f64::from(top - count) / f64::from(top) * f64::from(graph.height)).floor();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a row of the plot")]
    let max_row = (row_of(max) as u16).min(graph.height - 1);
    if max < top && max_row > 0 && max_row + 1 < area.height {
        plot::label(buffer, area, max_row, &format!("max {max}"), palette);
    }
    for x in graph.left()..graph.right() {
        buffer.set_string(x, graph.y + max_row, if max_row == 0 { "▔" } else { "┄" }, palette.dim);
    }
    // Under the bars, whose cells may have a background of their own.
    plot::marks(buffer, graph, axis, model, cursor, palette);
    for (column, pool) in by_column.iter().enumerate() {
        let (Some(pool), Ok(column)) = (pool, u16::try_from(column)) else { continue };
        // Without colours the parts differ in their patterns.
        let patterns = if palette.used.fg.is_some() { ["█"; 3] } else { ["█", "░", "▒"] };
        let parts =
            [(pool.used, palette.used, patterns[0]), (pool.idle, palette.idle, patterns[1]), (pool.pending, palette.warn, patterns[2])];
        stacked::column(buffer, Rect { x: graph.x + column, width: 1, ..graph }, top, &parts);
    }
}

fn legend(pool: Option<&Pool>, palette: &Palette) -> Line<'static> {
    let mut spans = vec![Span::styled(" pool", palette.title)];
    if let Some(pool) = pool {
        let parts = [("used", pool.used, palette.used), ("idle", pool.idle, palette.dim), ("pending", pool.pending, palette.warn)];
        for (name, count, style) in parts {
            spans.push(Span::styled(format!("   {name} "), style));
            spans.push(Span::raw(count.to_string()));
        }
        spans.push(Span::styled(format!("   max {}", pool.max), palette.dim));
        spans.push(Span::styled(format!("   {}", pool.service), palette.dim));
    }
    Line::from(spans)
}

/// For each column the state with the most waiting in its seconds; one without a state shows the last known before it.
fn by_column(model: &Model, axis: TimeAxis) -> Vec<Option<&Pool>> {
    let mut columns: Vec<Option<&Pool>> = vec![None; usize::from(axis.columns)];
    // Where several services have a pool, the one that told first is shown.
    let first = model.pools().first().map(|pool| pool.service.as_str());
    let mut before = None;
    for (at, pool) in model.pools().iter().filter(|(_, pool)| Some(pool.service.as_str()) == first) {
        if at.as_secs() < axis.first {
            before = Some(pool);
        }
        let busy = |pool: &Pool| (pool.pending, pool.used);
        for column in axis.columns_of(at.as_secs()..at.as_secs() + 1) {
            let place = &mut columns[usize::from(column)];
            if place.is_none_or(|other| busy(other) <= busy(pool)) {
                *place = Some(pool);
            }
        }
    }
    let known = match model.pools().last().map(|(at, _)| at.as_secs()) {
        Some(last) if last >= axis.end() => axis.columns,
        Some(last) => axis.columns_of(last..last + 1).end,
        None => 0,
    };
    for column in columns.iter_mut().take(usize::from(known)) {
        before = column.or(before);
        *column = before;
    }
    columns
}

fn of<'m>(columns: &[Option<&'m Pool>], axis: TimeAxis, second: u64) -> Option<&'m Pool> {
    columns.get(usize::from(axis.column(second)?)).copied().flatten()
}
