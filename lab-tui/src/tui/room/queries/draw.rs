//! What stands where: the queries, the chosen one with what is to be said of it, and below it the answer.

use lab_facts::model::Model;
use lab_facts::scenario::Backend;
use lab_instrument::observe::backends::Unanswered;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;
use url::Position;

use super::catalog::{self, Entry, Key, LANGUAGES, Row};
use super::{Answered, LIST, State, counted, legend, missing, plot, table, want};
use crate::tui::palette::Palette;
use crate::tui::plot::{awaited, marks};
use crate::tui::ui::{Click, Ui};
use crate::tui::wrap::wrap;

/// From this width on, the queries stand beside the answer.
const WIDE: u16 = 110;
/// Columns of the queries there.
const BESIDE: u16 = 36;
/// Columns of their titles, where the queries themselves stand beside them.
const TITLE: u16 = 24;
/// Columns before the text of a query.
const MARK: u16 = 3;

/// Draws the room.
pub(in crate::tui) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, ui: &mut Ui) {
    want(ui, model);
    // What the answer holds is large, so it is taken out while the rest of the screen is asked.
    let mut state = std::mem::take(&mut ui.queries);
    let answer = if area.width >= WIDE {
        let left = Rect { width: BESIDE, ..area };
        list(buffer, left, &mut state, model, ui);
        for y in area.y..area.bottom() {
            buffer.set_string(left.right(), y, "│", ui.palette.idle);
        }
        Rect { x: left.right() + 1, width: area.width - left.width - 1, ..area }
    } else {
        let height = (area.height / 4).clamp(6, 10).min(area.height);
        list(buffer, Rect { height, ..area }, &mut state, model, ui);
        Rect { y: area.y + height, height: area.height - height, ..area }
    };
    let entry = catalog::entry(&state, model);
    let below = head(buffer, answer, &entry, &state, ui);
    body(buffer, below, &entry, &mut state, model, ui);
    ui.queries = state;
}

/// The queries by language, with who is asked.
fn list(buffer: &mut Buffer, area: Rect, state: &mut State, model: &Model, ui: &mut Ui) {
    let rows = catalog::rows(model);
    let chosen = rows.iter().position(|row| *row == Row::Query(state.chosen)).unwrap_or(1);
    let height = usize::from(area.height);
    // The language of the first one is in sight with it.
    let least = if matches!(rows[chosen - 1], Row::Language(..)) { chosen - 1 } else { chosen };
    state.first_of_list = state.first_of_list.min(least).max((chosen + 1).saturating_sub(height)).min(rows.len().saturating_sub(height));
    let first = state.first_of_list;
    for (y, row) in (area.y..area.bottom()).zip(rows.iter().skip(first)) {
        let place = Rect { y, height: 1, ..area };
        match row {
            Row::Language(backend, name) => {
                let (asked, is_there) = asked(*backend, ui);
                // Where there is little room, it is said below who it is.
                let asked = if area.width > BESIDE { asked } else { asked.rsplit(" at ").next().unwrap_or_default().to_owned() };
                let style = if is_there { ui.palette.dim } else { ui.palette.warn };
                let name = Span::styled(format!(" {name:<8} "), ui.palette.title);
                Line::from(vec![name, Span::styled(asked, style)]).render(place, buffer);
            }
            Row::Query(key) => {
                let Some(entry) = catalog::of(*key, state, model) else { continue };
                query(buffer, place, *key, &entry, state, &ui.palette);
            }
        }
    }
    ui.clicks.push((area, Click::Rows(LIST + first)));
}

fn query(buffer: &mut Buffer, area: Rect, key: Key, entry: &Entry, state: &State, palette: &Palette) {
    let is_chosen = key == state.chosen;
    let title = if is_chosen { palette.title } else { palette.title.remove_modifier(Modifier::BOLD) };
    let mark = if is_chosen { " ▸ " } else { "   " };
    buffer.set_stringn(area.x, area.y, format!("{mark}{}", entry.title), usize::from(area.width), title);
    let wide = area.width > BESIDE;
    let x = area.x + if wide { TITLE } else { area.width.saturating_sub(10) };
    let text = match key {
        _ if wide => entry.text.replace('\n', " "),
        Key::Expected(_) => "expected".to_owned(),
        Key::Shipped(_) | Key::Own(_) => String::new(),
    };
    if !text.is_empty() {
        buffer.set_stringn(x, area.y, format!(" {text}"), usize::from(area.right().saturating_sub(x + 1)), palette.dim);
    }
    if is_chosen && !state.in_answer {
        buffer.set_style(area, palette.chosen);
    }
}

/// Who answers queries of a language, and whether anybody does. Of an address no more than the host: it may have a password in it.
fn asked(backend: Backend, ui: &Ui) -> (String, bool) {
    match (ui.backends.named(backend), backend) {
        (Some(url), _) => (format!("{} at {}", backend.name(), &url[Position::BeforeHost..Position::AfterPort]), true),
        (None, Backend::Tempo) if ui.replay.is_some() => ("the recorded traces".to_owned(), true),
        (None, Backend::Tempo) => ("the lab's own traces".to_owned(), true),
        (None, _) => (format!("no {} is named", backend.name()), false),
    }
}

/// Title, query and meaning of what is chosen; returns what is left.
fn head(buffer: &mut Buffer, area: Rect, entry: &Entry, state: &State, ui: &Ui) -> Rect {
    let palette = &ui.palette;
    let row = |y: u16| Rect { y: area.y + y.min(area.height), height: u16::from(y < area.height), ..area };
    let told = status(state, palette);
    let width = u16::try_from(told.width()).unwrap_or(u16::MAX).min(area.width);
    let language = LANGUAGES.iter().find(|(backend, _)| *backend == entry.backend).map_or("", |(_, name)| name);
    let title = vec![
        Span::styled(format!(" {}", entry.title), palette.title),
        Span::styled(format!("   {language}, asked of {}", asked(entry.backend, ui).0), palette.dim),
    ];
    let is_there = asked(entry.backend, ui).1;
    let title = if is_there { title } else { title.into_iter().take(1).collect() };
    Line::from(title).render(Rect { width: (area.width - width).saturating_sub(1), ..row(0) }, buffer);
    told.render(Rect { x: area.right() - width, width, ..row(0) }, buffer);

    let mark = if state.is_writing() { palette.key } else { palette.dim };
    buffer.set_stringn(area.x, row(1).y, " / ", usize::from(MARK * row(1).height), mark);
    let text = Rect { x: area.x + MARK, width: area.width.saturating_sub(MARK + 1), ..row(1) };
    let mut used = 2;
    let refused = state.answered().and_then(|answered| answered.as_ref().err());
    let misread = match &state.writing {
        Some(writing) if text.height > 0 => {
            writing.input.draw(buffer, text, true, palette);
            writing.misread.as_ref().map(|misread| (misread, writing.input.text()))
        }
        Some(_) => None,
        None => {
            let lines = wrap(&entry.text, usize::from(text.width));
            let most = 1 + usize::from(area.height >= 14) + usize::from(area.height >= 24);
            let is_whole = lines.len() <= most;
            let count = lines.len().min(most);
            for (y, line) in (text.y..area.bottom()).zip(lines.into_iter().take(count)) {
                buffer.set_stringn(text.x, y, line, usize::from(text.width), palette.key);
            }
            if !is_whole && count > 0 {
                buffer.set_string(text.right(), (text.y + row_count(count) - 1).min(area.bottom() - 1), "…", palette.dim);
            }
            used = 1 + row_count(count);
            refused.map(|refused| (refused, entry.text.as_str()))
        }
    };
    if let Some((misread, query)) = misread {
        used += refusal(
            buffer,
            Rect { y: area.y + used.min(area.height), height: area.height.saturating_sub(used), ..area },
            misread,
            query,
            palette,
        );
    } else if area.height >= 13 && is_there {
        let most = if area.height >= 18 { 2 } else { 1 };
        let lines = wrap(&entry.meaning, usize::from(text.width));
        let cut = lines.len() > most;
        for (number, line) in (1..).zip(lines.into_iter().take(most)) {
            let line = if cut && number == most { line + " …" } else { line };
            buffer.set_stringn(text.x, area.y + used, line, usize::from(text.width), palette.dim);
            used += 1;
        }
    }
    used += u16::from(area.height >= 24);
    Rect { y: area.y + used.min(area.height), height: area.height.saturating_sub(used), ..area }
}

fn row_count(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

/// What there is, at the right end.
fn status(state: &State, palette: &Palette) -> Line<'static> {
    match state.answered() {
        _ if state.wanted.is_none() => Line::default(),
        None => Line::styled("asking ", palette.dim),
        Some(Ok(answered)) => Line::styled(format!("{} ", counted(answered)), palette.dim),
        Some(Err(_)) => Line::styled("✗ ", palette.bad),
    }
}

/// A mark under the place where the query stops making sense, and the sentence that says why; returns how many rows that takes.
fn refusal(buffer: &mut Buffer, area: Rect, refused: &Unanswered, query: &str, palette: &Palette) -> u16 {
    let width = usize::from(area.width.saturating_sub(MARK + 1));
    let column = refused.at.and_then(|at| u16::try_from(at.saturating_sub(1)).ok());
    let mut used = 0;
    // A query that takes several lines, or more than one, has its places elsewhere.
    if let Some(column) = column.filter(|column| query.chars().count() < width && usize::from(*column) <= width)
        && area.height > 0
    {
        buffer.set_string(area.x + MARK + column, area.y, "^", palette.bad);
        used += 1;
    }
    for (y, line) in (area.y + used..area.bottom()).zip(wrap(&refused.why, width)) {
        buffer.set_stringn(area.x + MARK, y, line, width, palette.bad);
        used += 1;
    }
    used
}

/// The answer, or what is awaited.
fn body(buffer: &mut Buffer, area: Rect, entry: &Entry, state: &mut State, model: &Model, ui: &mut Ui) {
    if area.height < 3 {
        return;
    }
    if !asked(entry.backend, ui).1 {
        return missing::draw(buffer, area, entry.backend, &state.pages, ui);
    }
    let text = match state.answered() {
        _ if entry.text.is_empty() => return,
        _ if model.began_unix_nano().is_none() && ui.replay.is_some() => "the recording does not tell when its run began",
        _ if model.began_unix_nano().is_none() => "awaiting the start of the run",
        None => "awaiting the answer",
        Some(Err(_)) => "",
        Some(Ok(answered)) => match answered {
            Answered::Series { .. } if answered.rows() == 0 && entry.backend == Backend::Prometheus => {
                "no series; does it scrape this run's services?"
            }
            Answered::Series { .. } if answered.rows() == 0 => "no series of this run matches",
            Answered::Lines(_) if answered.rows() == 0 => "no line of this run matches",
            Answered::Traces(_) if answered.rows() == 0 => "no trace of this run matches",
            Answered::Series { .. } => return series(buffer, area, entry, state, model, ui),
            _ => return table::draw(buffer, area, state, model, ui),
        },
    };
    let (graph, axis) = plot::frame(buffer, area, model, ui);
    marks(buffer, graph, axis, model, ui.cursor, &ui.palette);
    awaited(buffer, graph, text, &ui.palette);
}

/// The plot, and below it what its lines are.
fn series(buffer: &mut Buffer, area: Rect, entry: &Entry, state: &mut State, model: &Model, ui: &mut Ui) {
    let Some(Ok(Answered::Series { all, .. })) = state.answered() else { return };
    let rows = row_count(all.len() + 1).min((area.height / 3).max(3)).min(area.height.saturating_sub(4));
    let above = Rect { height: area.height - rows, ..area };
    let chosen = state.in_answer.then_some(state.row);
    let (graph, axis) = plot::frame(buffer, above, model, ui);
    plot::draw(buffer, Rect { height: graph.height, ..above }, axis, all, entry.unit, chosen, model, ui);
    let below = Rect { y: above.bottom(), height: rows, ..area };
    state.first = legend::draw(buffer, below, all, entry, (state.row, state.first, state.in_answer), model, ui);
}
