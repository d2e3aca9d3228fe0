//! Lines or traces, one a row, below how many there were when.

use lab_facts::model::Model;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Answered, State, answer, plot};
use crate::tui::plot::{label, marks};
use crate::tui::room::{logs, traces};
use crate::tui::ui::{Click, Ui};
use crate::tui::{latency, stacked};

/// Draws both.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, state: &mut State, model: &Model, ui: &mut Ui) {
    let Some(Ok(answered)) = state.answered() else { return };
    let moments = answered.moments();
    let above = Rect { height: (area.height / 3).clamp(3, 8).min(area.height), ..area };
    let rows = Rect { y: above.bottom(), height: area.height - above.height, ..area };
    bars(buffer, above, &moments, model, ui);
    if rows.height == 0 {
        return;
    }
    // A cursor that moves leads to what was then.
    let (mut row, mut jumped) = (state.row, state.jumped);
    if ui.cursor != jumped {
        jumped = ui.cursor;
        let until = ui.moment().zip(model.began_unix_nano());
        let until = until.map(|(seconds, began)| began.saturating_add(seconds.end.saturating_mul(1_000_000_000)));
        row = until.map_or(row, |until| moments.iter().position(|moment| *moment < until).unwrap_or(moments.len()));
    }
    let row = row.min(moments.len().saturating_sub(1));
    let has_head = matches!(answered, Answered::Traces(_));
    let list = Rect { y: rows.y + u16::from(has_head), height: rows.height - u16::from(has_head), ..rows };
    let height = usize::from(list.height);
    let first = state.first.min(row).max((row + 1).saturating_sub(height)).min(moments.len().saturating_sub(height));
    match answered {
        Answered::Traces(found) => {
            let columns = traces::Columns::of(area);
            columns.head(buffer, Rect { height: 1, ..rows }, &ui.palette);
            let shown = found.iter().enumerate().skip(first);
            let slowest = shown.clone().take(height).map(|(_, (_, found))| found.duration_nano).max().unwrap_or_default();
            for (y, (place, (_, found))) in (list.y..list.bottom()).zip(shown) {
                columns.row(buffer, Rect { y, height: 1, ..list }, found, slowest, state.in_answer && place == row, ui);
            }
        }
        Answered::Lines(lines) => {
            let columns = logs::Columns::of(lines.iter().map(|line| &*line.service), area.width, model.began_unix_nano());
            for (y, (place, line)) in (list.y..list.bottom()).zip(lines.iter().enumerate().skip(first)) {
                let is_chosen = state.in_answer && place == row;
                columns.line(buffer, Rect { y, height: 1, ..list }, line, (is_chosen, place == row && ui.cursor.is_some()), &ui.palette);
            }
        }
        Answered::Series { .. } => {}
    }
    ui.clicks.push((list, Click::Rows(first)));
    (state.row, state.first, state.jumped) = (row, first, jumped);
}

/// How many there are in each column of the time axis.
fn bars(buffer: &mut Buffer, area: Rect, moments: &[u64], model: &Model, ui: &mut Ui) {
    let (graph, axis) = plot::frame(buffer, area, model, ui);
    let palette = &ui.palette;
    let mut counts = vec![0_u32; usize::from(axis.columns)];
    let began = model.began_unix_nano().unwrap_or_default();
    for place in moments.iter().filter_map(|moment| axis.place(answer::second(*moment, began)?)) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a column of the axis")]
        let column = place as usize;
        if let Some(count) = counts.get_mut(column) {
            *count += 1;
        }
    }
    let top = counts.iter().copied().max().unwrap_or_default().max(1);
    label(buffer, Rect { width: area.width - 1, ..area }, 0, &top.to_string(), palette);
    marks(buffer, graph, axis, model, ui.cursor, palette);
    for (x, count) in (graph.left()..graph.right()).zip(counts) {
        stacked::column(buffer, Rect { x, width: 1, ..graph }, top, &[(count, palette.used, "█")]);
    }
    latency::name_bands(buffer, Rect { height: 1, ..graph }, axis, model, palette);
}
