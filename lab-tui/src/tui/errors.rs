//! The share of requests that failed, second by second.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::palette::Palette;
use super::plot::{self, TimeAxis};
use crate::model::{Model, Second};

/// Draws title and plot; where there is one row only, the plot alone.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, axis: TimeAxis, model: &Model, cursor: Option<u64>, palette: &Palette) {
    let area = match area.height {
        0 => return,
        1 => {
            plot::label(buffer, area, 0, "failed", palette);
            area
        }
        height => {
            legend(model, cursor, palette).render(Rect { height: 1, ..area }, buffer);
            let area = Rect { y: area.y + 1, height: height - 1, ..area };
            plot::label(buffer, area, 0, &top_label(top(model, axis)), palette);
            if area.height > 1 {
                plot::label(buffer, area, area.height - 1, "0 %", palette);
            }
            area
        }
    };
    let graph = plot::graph(area);
    let top = top(model, axis);
    for second in model.seconds().range(axis.first, axis.end()) {
        let filled = share(second).unwrap_or_default() / top * f64::from(graph.height);
        for column in axis.columns_of(second.place) {
            for row in 0..graph.height {
                let bottom = f64::from(graph.height - 1 - row);
                if filled > bottom {
                    buffer.set_string(graph.x + column, graph.y + row, plot::eighths(filled - bottom), palette.bad);
                } else if row + 1 == graph.height && second.ended > 0 {
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
fn top(model: &Model, axis: TimeAxis) -> f64 {
    let most = model.seconds().range(axis.first, axis.end()).filter_map(share).fold(0.0, f64::max);
    [0.01, 0.02, 0.05, 0.1, 0.2, 0.5].into_iter().find(|top| most <= *top).unwrap_or(1.0)
}

fn top_label(top: f64) -> String {
    format!("{:.0} %", top * 100.0)
}

fn legend(model: &Model, cursor: Option<u64>, palette: &Palette) -> Line<'static> {
    let second = cursor.unwrap_or(model.now().as_secs().saturating_sub(1));
    let second = model.seconds().get(second);
    let (failed, ended) = second.map_or((0, 0), |second| (second.failed, second.ended));
    let waiting =
        second.map(Second::in_flight).filter(|waiting| *waiting > 0).map_or(String::new(), |waiting| format!(", {waiting} in flight"));
    let percent = second.and_then(share).map_or("-".to_owned(), |share| format!("{:.1} %", share * 100.0));
    Line::from(vec![
        Span::styled(" failed", palette.title),
        Span::styled("   ", palette.bad),
        Span::styled(percent, if failed > 0 { palette.bad } else { palette.good }),
        Span::styled(format!("   {failed} of {ended} that ended{waiting}"), palette.dim),
    ])
}
