//! Two percentile curves on one axis, which has as much room for the slowest hundredth as for all others.

use lab_facts::model::Distribution;
use lab_instrument::report::percentile_axis::{self, PercentileAxis};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::symbols::Marker;
use ratatui::widgets::Widget as _;
use ratatui::widgets::canvas::{Canvas, Line as Stroke, Points};

use crate::tui::palette::Palette;
use crate::tui::plot;
use crate::tui::scale::Scale;

/// Points of a curve: as many as a wide plot has dots.
const POINTS: u32 = 160;

/// Those that the axis names, the most telling first: where there is no room, the later ones are left out.
const NAMED: [f64; 6] = [99.0, 50.0, 90.0, 99.9, 95.0, 99.99];

/// What there is to draw, whatever the room.
#[derive(Debug)]
pub(super) struct Curves {
    axis: PercentileAxis,
    scale: Scale,
    /// Milliseconds at shares of the axis.
    response: Vec<(f64, f64)>,
    service: Vec<(f64, f64)>,
}

impl Curves {
    /// Nothing where nothing was answered.
    pub(super) fn of(response: &Distribution, service: &Distribution) -> Option<Self> {
        let axis = PercentileAxis::of(response.count()).in_steps();
        let points = |times: &Distribution| {
            let shares = (0..=POINTS).map(|point| f64::from(point) / f64::from(POINTS));
            shares.filter_map(|share| Some((share, times.percentile(axis.percentile_at(share))?))).collect()
        };
        let scale = Scale::holding(response.min()?.min(service.min()?), response.max()?.max(service.max()?));
        Some(Self { axis, scale, response: points(response), service: points(service) })
    }
}

/// The response time as a line, the service time as dots below it: where they are one, nothing was hidden.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, curves: &Curves, palette: &Palette) {
    let Some(height) = area.height.checked_sub(1).filter(|height| *height > 0) else { return };
    let area = Rect { height, ..area };
    let graph = plot::graph(area);
    if graph.width < 2 {
        return;
    }
    let scale = curves.scale;
    plot::grid(buffer, area, scale, palette);
    let placed = |points: &[(f64, f64)]| points.iter().map(|(share, ms)| (*share, scale.height(*ms))).collect::<Vec<_>>();
    let colour = |style: ratatui::style::Style| style.fg.unwrap_or(Color::Reset);
    // Every third dot of the canvas, which has two in a column: so the two curves differ without colours as well.
    let dots = usize::from(graph.width) * 2;
    let dotted = |points: &[(f64, f64)]| {
        let at = |dot: usize| points.get(dot * points.len() / dots.max(1)).copied();
        (0..dots).step_by(3).filter_map(at).collect::<Vec<_>>()
    };
    let (response, service) = (placed(&curves.response), dotted(&placed(&curves.service)));
    Canvas::default()
        .marker(Marker::Braille)
        .x_bounds([0.0, 1.0])
        .y_bounds(scale.bounds())
        .paint(|context| {
            context.draw(&Points { coords: &service, color: colour(palette.service) });
            context.layer();
            for pair in response.windows(2) {
                let [(x1, y1), (x2, y2)] = [pair[0], pair[1]];
                context.draw(&Stroke { x1, y1, x2, y2, color: colour(palette.response) });
            }
        })
        .render(graph, buffer);
    axis(buffer, Rect { y: graph.bottom(), height: 1, ..graph }, curves.axis, palette);
}

/// `╵p50   ╵p90  ╵p99   max`, none upon another.
fn axis(buffer: &mut Buffer, area: Rect, axis: PercentileAxis, palette: &Palette) {
    let last = area.width.saturating_sub(4);
    let mut taken = vec![(last, 4_u16, " max".to_owned())];
    for percentile in NAMED {
        let share = axis.share_of(percentile);
        let text = format!("╵{}", percentile_axis::name(percentile));
        let width = u16::try_from(text.chars().count()).unwrap_or(u16::MAX);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a column of the plot")]
        let column = (share.clamp(0.0, 1.0) * f64::from(area.width)).floor() as u16;
        let is_free = taken.iter().all(|(other, wide, _)| column + width < *other || column > other + wide);
        if share < 1.0 && is_free && column + width < last {
            taken.push((column, width, text));
        }
    }
    for (column, width, text) in taken {
        buffer.set_stringn(area.x + column, area.y, text, usize::from(width), palette.dim);
    }
}
