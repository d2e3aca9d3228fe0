//! Response time against service time by percentile: what would stay hidden if a request only counted from the moment at which it was sent.

use lab_facts::format::milliseconds;
use lab_facts::model::Model;
use lab_instrument::report::percentile_axis;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use super::curve::{self, Curves};
use super::kinds::{self, Kind};
use crate::tui::plot;
use crate::tui::ui::{Click, Ui};

/// The rows of the table.
const PERCENTILES: [f64; 6] = [50.0, 90.0, 95.0, 99.0, 99.9, 100.0];
/// Its width: the percentile, both latencies, their difference.
const TABLE: u16 = 36;
/// Its height, with its heading.
const ROWS: u16 = 7;
/// From this height on, the curve stands above the table instead of beside it.
const TALL: u16 = 15;

/// What is shown of a kind of requests.
#[derive(Debug)]
pub(super) struct Percentiles {
    pub(super) kinds: Vec<Kind>,
    /// Response and service time in milliseconds, for each of [`PERCENTILES`].
    table: Vec<[Option<f64>; 2]>,
    curves: Option<Curves>,
}

impl Percentiles {
    /// Of the whole run as it is known by now.
    pub(super) fn of(model: &Model, kind: usize) -> Self {
        let (kinds, [response, service]) = kinds::of(model, kind);
        let table = PERCENTILES.map(|percentile| [&response, &service].map(|times| times.percentile(percentile)));
        Self { kinds, table: table.into(), curves: Curves::of(&response, &service) }
    }
}

/// Curve and table beside one another, or upon one another where there is more room; the kinds of requests where the table leaves some.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, known: &Percentiles, chosen: usize, model: &Model, ui: &mut Ui) {
    let Some(curves) = &known.curves else {
        let text = match model.finished() {
            Some(_) => "none of them was answered",
            None => "awaiting the first answers",
        };
        plot::awaited(buffer, area, text, &ui.palette);
        return;
    };
    if area.height < TALL {
        let table_area = Rect { x: area.right().saturating_sub(TABLE).max(area.x), width: TABLE.min(area.width), ..area };
        table(buffer, Rect { height: ROWS.min(area.height), ..table_area }, known, ui);
        let below = Rect { y: table_area.y + ROWS, height: area.height.saturating_sub(ROWS), ..table_area };
        list(buffer, below, &known.kinds, chosen, ui);
        curve::draw(buffer, Rect { width: area.width - table_area.width, ..area }, curves, &ui.palette);
        return;
    }
    let above = Rect { height: area.height - ROWS - 1, ..area };
    curve::draw(buffer, Rect { width: above.width - 1, ..above }, curves, &ui.palette);
    let hint = Rect { y: above.bottom(), height: 1, ..area };
    Line::styled(" hidden: what counting from the send leaves out", ui.palette.dim).render(hint, buffer);
    let below = Rect { y: above.bottom() + 1, height: ROWS, ..area };
    table(buffer, Rect { width: TABLE.min(below.width), ..below }, known, ui);
    list(buffer, Rect { x: below.x + TABLE + 2, width: below.width.saturating_sub(TABLE + 2), ..below }, &known.kinds, chosen, ui);
}

/// Its heading is the key of the curves as well.
fn table(buffer: &mut Buffer, area: Rect, known: &Percentiles, ui: &Ui) {
    let palette = &ui.palette;
    let heading = Line::from(vec![
        Span::raw("       "),
        Span::styled("━ response", palette.response),
        Span::styled("  ┄ service", palette.service),
        Span::styled("  hidden", palette.dim),
    ]);
    heading.render(Rect { height: 1, ..area }, buffer);
    for (y, (percentile, [response, service])) in (area.y + 1..area.bottom()).zip(PERCENTILES.iter().zip(&known.table)) {
        let hidden = response.zip(*service).map(|(response, service)| (response - service).max(0.0));
        // More than there is to be seen from the other side.
        let is_much = hidden.zip(*service).is_some_and(|(hidden, service)| hidden > service);
        let line = Line::from(vec![
            Span::styled(format!(" {:<6}", percentile_axis::name(*percentile)), palette.dim),
            Span::styled(format!("{:>10}", milliseconds(*response)), Style::new()),
            Span::styled(format!("{:>11}", milliseconds(*service)), Style::new()),
            Span::styled(format!("{:>8}", milliseconds(hidden)), if is_much { palette.warn } else { palette.dim }),
        ]);
        line.render(Rect { y, height: 1, ..area }, buffer);
    }
}

/// The kinds of requests, the chosen one in sight.
fn list(buffer: &mut Buffer, area: Rect, kinds: &[Kind], chosen: usize, ui: &mut Ui) {
    let Some(name_width) = usize::from(area.width).checked_sub(22).filter(|_| area.height > 2) else { return };
    let palette = &ui.palette;
    let heading = format!("  {:<name_width$}{:>9}{:>9}", "requests", "ended", "p99");
    buffer.set_stringn(area.x, area.y, heading, usize::from(area.width), palette.dim);
    let rows = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let first = (chosen + 1).saturating_sub(usize::from(rows.height));
    for (y, (number, kind)) in (rows.y..rows.bottom()).zip(kinds.iter().enumerate().skip(first)) {
        let name: String = kind.name.chars().take(name_width).collect();
        let mark = if number == chosen { "▸" } else { " " };
        let text = format!("{mark} {name:<name_width$}{:>9}{:>9}", kind.requests, milliseconds(kind.p99));
        let style = if number == chosen { palette.chosen } else { Style::new() };
        buffer.set_stringn(area.x, y, text, usize::from(area.width), style);
    }
    let listed = u16::try_from(kinds.len() - first).unwrap_or(u16::MAX).min(rows.height);
    ui.clicks.push((Rect { height: listed, ..rows }, Click::Rows(first)));
}
