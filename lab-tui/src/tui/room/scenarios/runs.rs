//! What was recorded on this machine, and two of these runs held against each other.

use crossterm::event::KeyCode;
use lab_facts::format;
use lab_facts::verdict::Word;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget as _};

use super::{Pane, State};
use crate::tui::overlay::frame;
use crate::tui::palette::Palette;
use crate::tui::shelf::PastRun;
use crate::tui::ui::{Click, Ui};

/// Two runs, and what there is to say of them.
#[derive(Debug)]
pub(super) struct Comparison {
    /// The IDs.
    pub(super) baseline: String,
    pub(super) current: String,
    /// Nothing until both are read; or why they cannot be.
    pub(super) told: Option<Result<String, String>>,
    /// The first line and column that are shown.
    at: (u16, u16),
}

impl Comparison {
    /// Takes in a key; whether it stays open.
    pub(super) fn on_key(&mut self, code: KeyCode) -> bool {
        let (line, column) = &mut self.at;
        match code {
            KeyCode::Up | KeyCode::Char('k') => *line = line.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => *line = line.saturating_add(1),
            KeyCode::Left | KeyCode::Char('h') => *column = column.saturating_sub(8),
            KeyCode::Right | KeyCode::Char('l') => *column = column.saturating_add(8),
            KeyCode::Esc | KeyCode::Enter | KeyCode::Backspace => return false,
            _ => {}
        }
        true
    }
}

impl State {
    /// Holds the chosen run against the newest of its scenario; that one itself against the one before. Else why not.
    pub(super) fn compare(&mut self) -> Result<(), &'static str> {
        let Some(Ok(runs)) = &self.runs else { return Err("the runs have not been read yet") };
        let Some(chosen) = runs.get(self.run) else { return Err("no run has been recorded yet") };
        let mut same = runs.iter().filter(|run| run.scenario == chosen.scenario && run.id != chosen.id);
        let newest = same.clone().next();
        let (baseline, current) = match newest {
            // Newest first: what stands above the chosen one is younger.
            Some(newest) if runs[..self.run].contains(newest) => (chosen, newest),
            Some(_) => (same.next().unwrap_or(chosen), chosen),
            None => return Err("there is no other run of this scenario to compare it with"),
        };
        self.comparison = Some(Comparison { baseline: baseline.id.clone(), current: current.id.clone(), told: None, at: (0, 0) });
        Ok(())
    }
}

/// One run a row, newest first, with its verdict and key figures.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, ui: &mut Ui) {
    let (palette, state) = (&ui.palette, &ui.scenario_room);
    let runs = match &state.runs {
        Some(Ok(runs)) if !runs.is_empty() => runs,
        other => {
            let text = match other {
                None => " reading the recorded runs".to_owned(),
                Some(Err(why)) => format!(" {why}"),
                Some(Ok(_)) => " no run has been recorded yet; one is when it has ended and another begins".to_owned(),
            };
            Line::styled(text, palette.dim).render(area, buffer);
            return;
        }
    };
    let name = runs.iter().map(|run| run.scenario.chars().count()).max().unwrap_or_default().clamp(8, 18);
    let heading = format!("   {:name$}  {:>10}  {:>7}  {:>8}  {:>8}", "scenario", "when", "failed", "p99", "requests");
    let heading: String = heading.chars().take(columns(area, name)).collect();
    buffer.set_stringn(area.x, area.y, heading, usize::from(area.width), palette.dim);
    let below = Rect { y: area.y + area.height.min(1), height: area.height.saturating_sub(1), ..area };
    let first = (state.run + 1).saturating_sub(usize::from(below.height));
    for (y, (row, run)) in (below.y..below.bottom()).zip(runs.iter().enumerate().skip(first)) {
        let line = Rect { y, height: 1, ..below };
        let mut shown = row_of(run, name, palette);
        if columns(area, name) < shown.width() {
            shown.spans.pop();
        }
        shown.render(line, buffer);
        if row == state.run && state.pane == Pane::Runs {
            buffer.set_style(line, palette.chosen);
        }
    }
    ui.clicks.push((below, Click::Row(Pane::Runs, first)));
}

/// How many columns are shown: the last figure is there as a whole or not at all.
fn columns(area: Rect, name: usize) -> usize {
    let all = name + 44;
    if usize::from(area.width) < all { all - 10 } else { all }
}

fn row_of(run: &PastRun, width: usize, palette: &Palette) -> Line<'static> {
    let end = &run.end;
    let (mark, style) = match end.verdict {
        _ if end.interrupted => ("■", palette.warn),
        Word::Pass => ("✓", palette.good),
        Word::Fail => ("✗", palette.bad),
        Word::Inconclusive => ("?", palette.warn),
    };
    #[expect(clippy::cast_precision_loss, reason = "shown to two digits")]
    let failed = end.failed as f64 / end.requests.max(1) as f64 * 100.0;
    let scenario: String = run.scenario.chars().take(width).collect();
    Line::from(vec![
        Span::styled(format!(" {mark} "), style),
        Span::raw(format!("{scenario:width$}  ")),
        Span::styled(format!("{:>10}  ", run.ago), palette.dim),
        Span::styled(format!("{:>7}  ", format!("{failed:.1} %")), if end.failed > 0 { palette.bad } else { palette.dim }),
        Span::styled(format!("{:>8}", format::milliseconds(end.p99_ms)), palette.p99),
        Span::raw(format!("  {:>8}", end.requests)),
    ])
}

/// The words of `lab compare` over the room, what they come to first.
pub(super) fn compared(buffer: &mut Buffer, area: Rect, comparison: &Comparison, palette: &Palette) {
    let inner = frame(buffer, area, 106, area.height, " compare (↑ ↓ ← →, Esc) ", palette);
    let told = match &comparison.told {
        None => format!("reading {} and {}", comparison.baseline, comparison.current),
        Some(Err(why)) => why.clone(),
        Some(Ok(text)) => match text.trim_end().rsplit_once("\n\n") {
            Some((table, conclusion)) => format!("{conclusion}\n\n{table}"),
            None => text.clone(),
        },
    };
    let style = |line: &str| match line {
        worse if worse.ends_with("WORSE") => palette.bad,
        better if better.ends_with("better") && better.starts_with("  ") => palette.good,
        _ => ratatui::style::Style::new(),
    };
    let lines: Vec<Line<'_>> = told.lines().map(|line| Line::styled(line, style(line))).collect();
    let widest = lines.iter().map(Line::width).max().unwrap_or_default().saturating_sub(usize::from(inner.width));
    let last = lines.len().saturating_sub(usize::from(inner.height));
    let bounded = |at: u16, most: usize| at.min(u16::try_from(most).unwrap_or(u16::MAX));
    Paragraph::new(lines).scroll((bounded(comparison.at.0, last), bounded(comparison.at.1, widest))).render(inner, buffer);
}
