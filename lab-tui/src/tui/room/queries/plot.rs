//! Series over the time of the run, on the axis that all rooms share.

use lab_facts::format;
use lab_facts::format::Unit;
use lab_facts::model::Model;
use lab_instrument::observe::backends::Series;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::symbols::Marker;
use ratatui::widgets::Widget as _;
use ratatui::widgets::canvas::{Canvas, Line as Stroke, Points};

use super::answer;
use crate::tui::latency;
use crate::tui::palette::Palette;
use crate::tui::plot::{self, TimeAxis};
use crate::tui::scale::{Linear, Scale};
use crate::tui::ui::{Click, Ui};

/// A plot with the time below it: its graph, and its axis.
pub(super) fn frame(buffer: &mut Buffer, area: Rect, model: &Model, ui: &mut Ui) -> (Rect, TimeAxis) {
    // The last column stays free, for a text that ends there would touch the edge.
    let area = Rect { width: area.width - 1, height: area.height - 1, ..area };
    let graph = plot::graph(area);
    let axis = ui.time_axis(graph.width, model);
    ui.clicks.push((graph, Click::Time(axis)));
    plot::time_axis(buffer, Rect { y: area.bottom(), height: 1, ..area }, axis, model, ui.cursor, &ui.palette);
    (graph, axis)
}

/// A part of a line without a gap: columns, and heights in the unit of the scale.
type Piece = Vec<(f64, f64)>;

/// Which heights values have: times by their magnitude, all else from zero on.
enum Heights {
    Times(Scale),
    Others(Linear),
}

impl Heights {
    fn of(series: &[Series], unit: Unit, rows: u16) -> Option<Self> {
        let values = series.iter().flat_map(Series::values);
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        (low <= high).then(|| match unit {
            Unit::Seconds => Self::Times(Scale::holding(low * 1000.0, high * 1000.0)),
            Unit::Number | Unit::Rate | Unit::Share => Self::Others(Linear::holding(low, high, rows)),
        })
    }

    fn height(&self, value: f64) -> f64 {
        match self {
            Self::Times(scale) => scale.height(value * 1000.0),
            Self::Others(_) => value,
        }
    }

    fn bounds(&self) -> [f64; 2] {
        match self {
            Self::Times(scale) => scale.bounds(),
            Self::Others(linear) => linear.bounds(),
        }
    }
}

/// How a series is drawn, by its place: a colour, and where there are none a letter.
pub(super) fn mark(place: usize, palette: &Palette) -> (String, Style) {
    let style = palette.series[place % palette.series.len()];
    let letter = || char::from_u32(u32::from('a') + u32::try_from(place % 26).unwrap_or_default()).unwrap_or('a').to_string();
    (if style.fg.is_some() { "■".to_owned() } else { letter() }, style)
}

/// Draws the lines of all of them, the first on top; where one is chosen, the others stand back.
#[expect(clippy::too_many_arguments, reason = "where, when, what, and how")]
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    axis: TimeAxis,
    series: &[Series],
    unit: Unit,
    chosen: Option<usize>,
    model: &Model,
    ui: &Ui,
) {
    let (graph, palette) = (plot::graph(Rect { width: area.width - 1, ..area }), &ui.palette);
    let Some(heights) = Heights::of(series, unit, area.height) else {
        return plot::awaited(buffer, graph, "the series have no numbers in this time", palette);
    };
    match &heights {
        Heights::Times(scale) => plot::grid(buffer, area, *scale, palette),
        Heights::Others(linear) => plot::grid_of(
            buffer,
            Rect { width: area.width - 1, ..area },
            linear.labels(graph.height, |value| format::round_in_unit(value, unit)),
            palette,
        ),
    }
    let style = |place: usize| if chosen.is_some_and(|chosen| chosen != place) { palette.idle } else { mark(place, palette).1 };
    let drawn = (0..series.len()).rev().filter(|place| Some(*place) != chosen).chain(chosen.filter(|place| *place < series.len()));
    let lines: Vec<(usize, Vec<Piece>)> = drawn.map(|place| (place, strokes(&series[place], axis, &heights, model))).collect();
    Canvas::default()
        .marker(Marker::Braille)
        .x_bounds([0.0, f64::from(graph.width)])
        .y_bounds(heights.bounds())
        .paint(|context| {
            for (place, pieces) in &lines {
                let color = style(*place).fg.unwrap_or(Color::Reset);
                for piece in pieces {
                    context.draw(&Points { coords: piece, color });
                    for pair in piece.windows(2) {
                        context.draw(&Stroke { x1: pair[0].0, y1: pair[0].1, x2: pair[1].0, y2: pair[1].1, color });
                    }
                }
                context.layer();
            }
        })
        .render(graph, buffer);
    plot::marks(buffer, graph, axis, model, ui.cursor, palette);
    if palette.series[0].fg.is_none() {
        letters(buffer, graph, &lines, heights.bounds(), palette);
    }
    latency::name_bands(buffer, graph, axis, model, palette);
}

/// The places of a series on its plot, in pieces without gaps, as far as the run has come.
fn strokes(series: &Series, axis: TimeAxis, heights: &Heights, model: &Model) -> Vec<Piece> {
    let (Some(began), now) = (model.began_unix_nano(), model.now().as_secs_f64() + 1.0) else { return Vec::new() };
    let between = series.points.windows(2).map(|pair| pair[1].0.saturating_sub(pair[0].0));
    let step = between.filter(|nanos| *nanos > 0).min().unwrap_or(u64::MAX);
    let mut pieces: Vec<Piece> = Vec::new();
    let mut before = None;
    for (at, value) in series.points.iter().filter(|(_, value)| value.is_finite()) {
        let Some(second) = answer::second(*at, began).filter(|second| *second <= now) else { continue };
        let Some(x) = axis.place(second) else { continue };
        let is_next = before.is_some_and(|before: u64| at.saturating_sub(before) <= step.saturating_mul(2));
        match pieces.last_mut().filter(|_| is_next) {
            Some(piece) => piece.push((x, heights.height(*value))),
            None => pieces.push(vec![(x, heights.height(*value))]),
        }
        before = Some(*at);
    }
    pieces
}

/// Where there are no colours, a letter stands at the end of each line.
fn letters(buffer: &mut Buffer, graph: Rect, lines: &[(usize, Vec<Piece>)], [low, high]: [f64; 2], palette: &Palette) {
    for (place, pieces) in lines {
        let Some((x, y)) = pieces.last().and_then(|piece| piece.last()) else { continue };
        let row = (high - y) / (high - low) * f64::from(graph.height);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cell of the plot")]
        let (column, row) = (x.floor() as u16, row.floor().max(0.0) as u16);
        let (column, row) = (column.min(graph.width.saturating_sub(1)), row.min(graph.height.saturating_sub(1)));
        buffer.set_string(graph.x + column, graph.y + row, mark(*place, palette).0, palette.title);
    }
}
