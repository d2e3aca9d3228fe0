//! Where the milliseconds are, and whose: response times over time, their percentiles, and the hops that they are spent at.

mod curve;
mod figures;
mod heat;
mod hops;
mod kept;
mod kinds;
mod percentiles;

use std::ops::Range;

use crossterm::event::KeyCode;
use kept::Kept;
use lab_facts::explain::Band;
use lab_facts::model::Model;
use percentiles::Percentiles;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use crate::tui::plot;
use crate::tui::ui::{Click, Ui};

/// From this width on, percentiles and hops stand side by side.
const WIDE: u16 = 110;
/// From this height on, the panels have half of it.
const ROOMY: u16 = 32;
/// Rows of the panels below the heat map, their titles among them: at the least, and as many as are worth more than a higher map.
const PANEL: (u16, u16) = (9, 12);
/// What stands above a heat map and below it, and its rows at the least.
const MAP: u16 = 3 + 5;

/// What the viewer has chosen here.
#[derive(Debug, Default)]
pub struct State {
    /// Which of the two panels is shown where there is room for one.
    panel: Panel,
    /// The kind of requests, by its place in the list.
    kind: usize,
    /// Set by drawing: there is room for both panels.
    shows_both: bool,
    percentiles: Kept<usize, Percentiles>,
    hops: Kept<Option<Range<u64>>, Vec<Band>, 500>,
}

/// What stands below the heat map.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Panel {
    #[default]
    Percentiles,
    Hops,
}

impl Panel {
    const ALL: [Self; 2] = [Self::Percentiles, Self::Hops];

    fn name(self) -> &'static str {
        match self {
            Self::Percentiles => "percentiles",
            Self::Hops => "hops",
        }
    }
}

impl State {
    /// Chooses a kind of requests by its row.
    pub(in crate::tui) fn choose(&mut self, row: usize) {
        self.kind = row;
    }
}

/// The figures of a second and the heat map on top; percentiles and hops below it, both or one of them.
pub(in crate::tui) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, ui: &mut Ui) {
    let roomy = area.height >= ROOMY;
    let panel = if roomy { area.height / 2 } else { area.height.saturating_sub(MAP).clamp(PANEL.0, PANEL.1) };
    let Some(plot) = area.height.checked_sub(panel + u16::from(roomy)).filter(|rows| *rows >= MAP) else { return };
    let part = |y, height| Rect { y: area.y + y, height, ..area };
    heat(buffer, part(1, plot - 1), model, ui);
    figures::draw(buffer, part(0, 1), model, ui.moment(), &ui.palette);
    let below = part(plot + u16::from(roomy), panel);
    // What is dear to work out is kept beside what the viewer has chosen, so it is taken out while the rest of the screen is asked.
    let mut state = std::mem::take(&mut ui.latency);
    state.shows_both = area.width >= WIDE;
    if state.shows_both {
        let left = Rect { width: area.width * 2 / 5, ..below };
        let right = Rect { x: left.right(), width: area.width - left.width, ..below };
        for y in right.y..right.bottom() {
            buffer.set_string(right.x, y, "│", ui.palette.idle);
        }
        percentiles(buffer, left, model, ui, &mut state, false);
        hops(buffer, Rect { x: right.x + 1, width: right.width - 1, ..right }, model, ui, &mut state, false);
    } else {
        match state.panel {
            Panel::Percentiles => percentiles(buffer, below, model, ui, &mut state, true),
            Panel::Hops => hops(buffer, below, model, ui, &mut state, true),
        }
    }
    ui.latency = state;
}

/// The heat map with the key of its shades above it and the time below it.
fn heat(buffer: &mut Buffer, area: Rect, model: &Model, ui: &mut Ui) {
    // The last column stays free, for a text that ends there would touch the edge.
    let area = Rect { width: area.width - 1, height: area.height - 1, ..area };
    let graph = plot::graph(Rect { y: area.y + 1, height: area.height - 1, ..area });
    let axis = ui.time_axis(graph.width, model);
    ui.clicks.push((graph, Click::Time(axis)));
    heat::draw(buffer, area, axis, model, ui.cursor, &ui.palette);
    plot::time_axis(buffer, Rect { y: area.bottom(), height: 1, ..area }, axis, model, ui.cursor, &ui.palette);
}

/// Both latencies by percentile, of the kind of requests that is chosen.
fn percentiles(buffer: &mut Buffer, area: Rect, model: &Model, ui: &mut Ui, state: &mut State, tabbed: bool) {
    let kind = state.kind;
    let known = state.percentiles.get(kind, model, || Percentiles::of(model, kind));
    let kinds = known.kinds.len();
    let told = match known.kinds.get(kind) {
        Some(chosen) if kinds > 1 => format!("{}  {} of {kinds} ↑↓", chosen.name, kind + 1),
        Some(chosen) => chosen.name.clone(),
        None => String::new(),
    };
    title(buffer, area, Panel::Percentiles, "percentiles", &told, ui, tabbed);
    let inner = Rect { y: area.y + 1, height: area.height - 1, ..area };
    percentiles::draw(buffer, inner, known, kind, model, ui);
}

/// Where the time of each percentile band goes: around the cursor, else in the whole run.
fn hops(buffer: &mut Buffer, area: Rect, model: &Model, ui: &mut Ui, state: &mut State, tabbed: bool) {
    let read = ui.moment();
    let bands = state.hops.get(read.clone(), model, || hops::of(model, read.clone()));
    title(buffer, area, Panel::Hops, "where the milliseconds go, on average", &hops::told(bands, read.clone()), ui, tabbed);
    hops::draw(buffer, Rect { y: area.y + 1, height: area.height - 1, ..area }, bands, model, read, &ui.palette);
}

/// The title of a panel, or the tabs of both where one is shown; at its right end what the panel is about.
fn title(buffer: &mut Buffer, area: Rect, shown: Panel, name: &str, about: &str, ui: &mut Ui, tabbed: bool) {
    let palette = &ui.palette;
    let row = Rect { height: 1, ..area };
    let mut left = vec![Span::raw(" ")];
    if tabbed {
        for (number, panel) in Panel::ALL.into_iter().enumerate() {
            if number > 0 {
                left.push(Span::styled(" │ ", palette.dim));
            }
            left.push(Span::styled(panel.name(), if panel == shown { palette.title.patch(palette.chosen) } else { palette.dim }));
        }
    } else {
        left.push(Span::styled(name.to_owned(), palette.title));
    }
    let left = Line::from(left);
    let used = u16::try_from(left.width()).unwrap_or(u16::MAX);
    left.render(row, buffer);
    let room = usize::from(area.width.saturating_sub(used.saturating_add(3)));
    let about: String = about.chars().take(room).collect();
    // Only its own columns: a line gives its style to all that it is drawn over.
    let width = u16::try_from(about.chars().count()).unwrap_or(area.width);
    let x = area.right().saturating_sub(width + 1).max(area.x);
    buffer.set_stringn(x, row.y, about, usize::from(width), palette.key);
}

/// The keys that count here.
pub(in crate::tui) fn keys(ui: &Ui) -> Vec<(&'static str, &'static str)> {
    let time = if ui.cursor.is_some() { [("←→", "moment"), ("Esc", "now")] } else { [("←", "earlier"), ("p", "peak")] };
    let other = if ui.latency.panel == Panel::Hops { Panel::Percentiles } else { Panel::Hops };
    let tab = Some(("Tab", other.name())).filter(|_| !ui.latency.shows_both);
    let mine = [("Enter", "trace"), ("↑↓", "requests")];
    time.into_iter().chain(mine).chain(tab).chain([("?", "help"), ("q", "quit")]).collect()
}

/// Takes in a key.
pub(in crate::tui) fn on_key(ui: &mut Ui, code: KeyCode, model: &Model) {
    let last = kinds::count(model).saturating_sub(1);
    let state = &mut ui.latency;
    match code {
        KeyCode::Up | KeyCode::Char('k') => state.kind = state.kind.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => state.kind = (state.kind + 1).min(last),
        KeyCode::Tab | KeyCode::BackTab => {
            state.panel = if state.panel == Panel::Hops { Panel::Percentiles } else { Panel::Hops };
        }
        KeyCode::Enter => ui.open_worst(model),
        code => {
            ui.on_key_of_time(code, model);
        }
    }
}
