//! The share of requests that failed, second by second; of several seconds in a column, the worst one's.

use lab_facts::model::{Model, Second};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::columns::{self, Column};
use super::palette::Palette;
use super::plot::{self, TimeAxis};

/// Draws title and plot; where there is one row only, the plot alone.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, axis: TimeAxis, model: &Model, cursor: Option<u64>, palette: &Palette) {
    let columns = columns::columns(model, axis);
    let top = top(&columns);
    let area = match area.height {
        0 => return,
        1 => {
            plot::label(buffer, area, 0, "failed", palette);
            area
        }
        height => {
            legend(model, axis, cursor, palette).render(Rect { height: 1, ..area }, buffer);
            let area = Rect { y: area.y + 1, height: height - 1, ..area };
            plot::label(buffer, area, 0, &top_label(top), palette);
            if area.height > 1 {
                plot::label(buffer, area, area.height - 1, "0 %", palette);
            }
            area
        }
    };
    let graph = plot::graph(area);
    for shown in columns {
        let filled = shown.worst(share).unwrap_or_default() / top * f64::from(graph.height);
        let has_ended = shown.sum(|second| second.ended) > 0;
        for column in shown.columns {
            for row in 0..graph.height {
                let bottom = f64::from(graph.height - 1 - row);
                if filled > bottom {
                    buffer.set_string(graph.x + column, graph.y + row, plot::eighths(filled - bottom), palette.bad);
                } else if row + 1 == graph.height && has_ended {
                    buffer.set_string(graph.x + column, graph.y + row, "▁", palette.idle);
                }
            }
        }
    }
    plot::marks(buffer, graph, axis, model, cursor, palette);
}

/// The share of a second's requests that failed; nothing where none has ended.
pub(super) fn share(second: &Second) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "requests of a second")]
    let share = |failed: u64, ended: u64| failed as f64 / ended as f64;
    (second.ended > 0).then(|| share(second.failed, second.ended))
}

/// A round share above all that are in sight.
fn top(columns: &[Column<'_>]) -> f64 {
    let most = columns.iter().filter_map(|column| column.worst(share)).fold(0.0, f64::max);
    [0.01, 0.02, 0.05, 0.1, 0.2, 0.5].into_iter().find(|top| most <= *top).unwrap_or(1.0)
}

fn top_label(top: f64) -> String {
    format!("{:.0} %", top * 100.0)
}

fn legend(model: &Model, axis: TimeAxis, cursor: Option<u64>, palette: &Palette) -> Line<'static> {
    let read = columns::read(model, axis, cursor);
    let (failed, ended, in_flight) = (read.sum(|second| second.failed), read.sum(|second| second.ended), read.sum(Second::in_flight));
    let waiting = if in_flight > 0 { format!(", {in_flight} in flight") } else { String::new() };
    let at_worst = if failed > 0 && read.known() > 1 { " at worst" } else { "" };
    let percent = read.worst(share).map_or("-".to_owned(), |share| format!("{:.1} %{at_worst}", share * 100.0));
    Line::from(vec![
        Span::styled(" failed", palette.title),
        Span::styled("   ", palette.bad),
        Span::styled(percent, if failed > 0 { palette.bad } else { palette.good }),
        Span::styled(format!("   {failed} of {ended} that ended{waiting}"), palette.dim),
    ])
}
