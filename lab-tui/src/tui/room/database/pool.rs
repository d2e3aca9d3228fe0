//! How full the pool is, how long requests wait for it, and how large it would have to be.

use lab_facts::event::Pool;
use lab_facts::format;
use lab_facts::model::Model;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::demand::{self, Demand};
use crate::tui::plot;
use crate::tui::ui::Ui;

/// How many rows it takes.
pub(super) const HEIGHT: u16 = 2;

/// Columns of the gauge.
const GAUGE: u32 = 16;

/// From this share on, a pool has too little to spare.
const FULL: f64 = 0.8;

/// A row with the gauge and the wait, and one with Little's law.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, ui: &Ui) {
    let read = ui.moment();
    let second = read.as_ref().map_or_else(|| model.now().as_secs(), |seconds| seconds.end - 1);
    let Some(pool) = state(model, read.as_ref().map(|_| second)) else { return };
    let demand = demand::demand(model, &pool.service, second);
    let moments = model.database();
    let moment = read.map_or_else(|| moments.moments().next_back(), |seconds| moments.moment(seconds));
    let is_locked = moment.is_some_and(|moment| moment.locks_waiting > 0);
    let row = |y| Rect { y: area.y + y, height: 1.min(area.height.saturating_sub(y)), ..area };
    plot::pieces(buffer, row(0), gauge(pool, &demand, ui));
    plot::pieces(buffer, row(1), law(pool, &demand, is_locked, ui));
}

/// The pool's state at the cursor, else the newest; of the service that told first.
fn state(model: &Model, cursor: Option<u64>) -> Option<&Pool> {
    let service = &model.pools().first()?.service;
    let of_service = model.pools().iter().filter(|(_, pool)| pool.service == *service);
    let known = of_service.take_while(|(at, _)| cursor.is_none_or(|second| at.as_secs() <= second));
    known.last().map(|(_, pool)| pool)
}

fn gauge(pool: &Pool, demand: &Demand, ui: &Ui) -> Vec<Vec<Span<'static>>> {
    let palette = &ui.palette;
    let cells = (pool.used * GAUGE).div_ceil(pool.max.max(1)).min(GAUGE);
    let bar = |count: u32, sign: &str| sign.repeat(usize::try_from(count).unwrap_or_default());
    let is_full = pool.used >= pool.max;
    let full = vec![
        Span::styled("▕", palette.dim),
        Span::styled(bar(cells, "█"), if is_full { palette.warn } else { palette.used }),
        Span::styled(bar(GAUGE - cells, "░"), palette.idle),
        Span::styled("▏", palette.dim),
        Span::styled(format!("{:>3} of {} used", pool.used, pool.max), if is_full { palette.warn } else { Style::new() }),
    ];
    let wait = vec![Span::styled("wait p99 ", palette.dim), Span::raw(format!("{:>8}", format::milliseconds(demand.wait_p99)))];
    let style = if demand.without > 0 { palette.bad } else { Style::new() };
    let without = vec![
        Span::styled("got none ", palette.dim),
        Span::styled(format!("{:>3}", demand.without), style),
        Span::styled(format!(" of {}", demand.looked_at), palette.dim),
    ];
    vec![full, wait, without]
}

/// Connections that wait for locks would do so however many there are.
fn law(pool: &Pool, demand: &Demand, is_locked: bool, ui: &Ui) -> Vec<Vec<Span<'static>>> {
    let palette = &ui.palette;
    let Some(little) = &demand.little else {
        return vec![vec![Span::styled("Little's law: awaiting traces with a wait for a connection and a query", palette.dim)]];
    };
    let busy = little.busy();
    let style = if busy > f64::from(pool.max) * FULL { palette.warn } else { Style::new() };
    let held = format::milliseconds(Some(little.held_ms));
    let law = vec![
        Span::styled("Little's law: ", palette.dim),
        Span::raw(format!("{:.1}/s × {held} = ", little.arrivals)),
        Span::styled(format!("{busy:.1} in use"), style),
    ];
    let needed = (busy / FULL).ceil().max(1.0);
    let hint = match is_locked {
        true => Span::styled("locks hold them", palette.warn),
        false => Span::raw(format!("{needed:.0} would do")),
    };
    let hint = vec![hint];
    let source = vec![Span::styled(format!("(spans of {}, time in its queries, last {} s)", pool.service, demand::WINDOW), palette.dim)];
    vec![law, hint, source]
}
