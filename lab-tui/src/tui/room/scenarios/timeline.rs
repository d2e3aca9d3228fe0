//! A plan drawn over its time: what each load asks for, when something is disturbed, which stretches have a name.

use std::time::Duration;

use lab_facts::format;
use lab_facts::scenario::{Executor, Iterations, Load, Plan};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::tui::palette::Palette;
use crate::tui::plot::{self, clock, eighths};

/// How high the plot of a load may be.
const HIGHEST: u16 = 4;
/// Moments looked at for each column, so that a short spike is not missed.
const LOOKS: u32 = 8;
/// Distances of ticks, in seconds.
const STEPS: [u64; 15] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 86_400];

/// Which moments the columns are.
#[derive(Clone, Copy)]
struct Span {
    length: Duration,
    columns: u16,
}

impl Span {
    fn at(self, column: f64) -> Duration {
        self.length.mul_f64((column / f64::from(self.columns.max(1))).clamp(0.0, 1.0))
    }

    /// The last one for what lies behind the end.
    fn column(self, at: Duration) -> u16 {
        let share = (at.as_secs_f64() / self.length.as_secs_f64()).min(1.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a column")]
        let column = (share * f64::from(self.columns)) as u16;
        column.min(self.columns.saturating_sub(1))
    }
}

/// Draws as much as there is room for, loads before what lies over them; returns how many rows that took.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, plan: &Plan, now: Option<Duration>, palette: &Palette) -> u16 {
    let area = Rect { width: area.width.saturating_sub(1), ..area };
    let graph = plot::graph(area);
    let (duration, count) = (plan.duration(), u16::try_from(plan.loads.len()).unwrap_or(u16::MAX));
    if area.height < 4 || graph.width < 20 || duration.is_zero() {
        return 0;
    }
    let span = Span { length: duration, columns: graph.width };
    let faults = plan.faults.iter().map(|fault| ("fault", fault.name.as_str(), fault.at, fault.end(), "━", palette.warn));
    let phases = plan.phases.iter().map(|phase| ("phase", phase.name.as_str(), phase.at, phase.end(), "─", palette.key));
    let spare = usize::from(area.height.saturating_sub(3).min(area.height / 3));
    let bands: Vec<_> = faults.chain(phases).take(spare).collect();
    let left = area.height - 1 - u16::try_from(bands.len()).unwrap_or(0);
    let each = (left / count).clamp(2, HIGHEST + 1);
    let loads = plan.loads.iter().take(usize::from(left / each));
    let mut y = area.y;
    for load in loads {
        buffer.set_stringn(area.x + 1, y, &load.name, usize::from(area.width - 1), palette.title);
        let x = area.x + 2 + u16::try_from(load.name.chars().count()).unwrap_or(u16::MAX).min(area.width - 2);
        buffer.set_stringn(x, y, told(load), usize::from(area.right().saturating_sub(x)), palette.dim);
        level(buffer, Rect { y: y + 1, height: each - 1, ..area }, load, span, palette);
        for fault in &plan.faults {
            let (from, to) = (span.column(fault.at), span.column(fault.end()));
            buffer.set_style(Rect { x: graph.x + from, y: y + 1, width: to - from + 1, height: each - 1 }, palette.band);
        }
        y += each;
    }
    for (kind, name, from, to, line, style) in bands {
        band(buffer, Rect { y, height: 1, ..area }, (kind, name), (span.column(from), span.column(to)), (line, style), palette);
        y += 1;
    }
    axis(buffer, Rect { y, height: 1, ..graph }, span, now, palette);
    y + 1 - area.y
}

/// In a few words: `20/s`, `50 users`, and what they send.
fn told(load: &Load) -> String {
    let sends = match load.requests.as_slice() {
        [one] => one.name.clone(),
        several => format::count(several.len(), "kind") + " of requests",
    };
    let most = peak(load);
    let how = match &load.executor {
        Executor::Arrivals(_) => format!("up to {}/s", format::number((most * 100.0).round() / 100.0)),
        Executor::Users(users) => {
            let count = format!("up to {} users", format::number(most));
            match users.iterations {
                Iterations::Unlimited => count,
                Iterations::Shared(iterations) => format!("{count}, {iterations} requests in all"),
                Iterations::Each(iterations) => format!("{count}, {iterations} requests each"),
            }
        }
    };
    format!(" {how}  {sends}")
}

fn peak(load: &Load) -> f64 {
    load.executor.levels().fold(0.0, f64::max)
}

/// The rate, or the number of users, as columns.
fn level(buffer: &mut Buffer, area: Rect, load: &Load, span: Span, palette: &Palette) {
    let (graph, peak) = (plot::graph(area), peak(load));
    let top = format::number(if peak < 100.0 { (peak * 10.0).round() / 10.0 } else { peak.round() });
    let unit = if matches!(load.executor, Executor::Arrivals(_)) { "/s" } else { " vu" };
    plot::label(buffer, area, 0, &format!("{top}{unit}"), palette);
    if area.height > 2 {
        plot::label(buffer, area, area.height - 1, "0", palette);
    }
    for column in 0..span.columns {
        let looks = (0..LOOKS).map(|look| span.at(f64::from(column) + f64::from(look) / f64::from(LOOKS)));
        let highest = looks.map(|at| at.checked_sub(load.start).map_or(0.0, |within| load.executor.level(within))).fold(0.0, f64::max);
        let height = highest / peak * f64::from(graph.height);
        for row in 0..graph.height {
            let above = height - f64::from(row);
            // The level itself stands out; what lies below it only fills.
            let style = if above > 1.0 { palette.idle } else { palette.used };
            buffer.set_string(graph.x + column, graph.bottom() - 1 - row, eighths(above), style);
        }
    }
}

/// A line from one column to another, with its name where there is room for it.
fn band(buffer: &mut Buffer, area: Rect, told: (&str, &str), columns: (u16, u16), drawn: (&str, Style), palette: &Palette) {
    let ((kind, name), (from, to), (line, style)) = (told, columns, drawn);
    let graph = plot::graph(area);
    plot::label(buffer, area, 0, kind, palette);
    for column in from..=to {
        buffer.set_string(graph.x + column, graph.y, line, style);
    }
    let length = u16::try_from(name.chars().count()).unwrap_or(u16::MAX);
    let behind = to + 2;
    if behind.saturating_add(length) <= graph.width {
        buffer.set_string(graph.x + behind, graph.y, name, style);
    } else if from > length {
        buffer.set_string(graph.x + from - length - 1, graph.y, name, style);
    } else {
        // Over the line, which is long enough to be seen on either side.
        let room = usize::from((to - from).saturating_sub(3));
        buffer.set_stringn(graph.x + from + 2, graph.y, format!(" {name} "), room, style);
    }
}

/// Round times, the end where it has room, and where the run is.
fn axis(buffer: &mut Buffer, graph: Rect, span: Span, now: Option<Duration>, palette: &Palette) {
    let enough = |step: &u64| Duration::from_secs(*step).as_secs_f64() / span.length.as_secs_f64() * f64::from(span.columns) >= 9.0;
    let step = STEPS.into_iter().find(enough).unwrap_or(STEPS[STEPS.len() - 1]);
    let mark = now.filter(|now| *now <= span.length).map(|now| span.column(now));
    let mut at = 0;
    while Duration::from_secs(at) <= span.length {
        let column = span.column(Duration::from_secs(at));
        let text = format!("╵{}", clock(Duration::from_secs(at)));
        let end = column + u16::try_from(text.chars().count()).unwrap_or(u16::MAX);
        if end <= graph.width && mark.is_none_or(|mark| !(column..end).contains(&mark)) {
            buffer.set_string(graph.x + column, graph.y, text, palette.dim);
        }
        at += step;
    }
    if let Some(mark) = mark {
        buffer.set_string(graph.x + mark, graph.y, "▲", palette.key);
    }
}
