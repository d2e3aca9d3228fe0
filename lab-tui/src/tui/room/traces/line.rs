//! The line that a query is written in, with what was asked before and what is often asked.

use crossterm::event::KeyCode;
use lab_facts::query::{Misread, Query};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line as Text, Span};
use ratatui::widgets::{Block, BorderType, Clear, Widget as _};

use crate::tui::input::Input;
use crate::tui::palette::Palette;

/// How many queries are remembered.
const MOST: usize = 20;
/// Columns before the text.
const MARK: u16 = 3;

/// Whatever the services are called.
const READY: [(&str, &str); 8] = [
    ("errors", "{ status = error }"),
    ("slower than 100 ms", "{ duration > 100ms }"),
    ("requests slower than 1 s", "{ trace:duration > 1s }"),
    ("database slower than 50 ms", "{ .db.system.name != nil && duration > 50ms }"),
    ("waits for a connection", "{ .db.client.connection.pool.name != nil && duration > 10ms }"),
    ("answers of 500 and more", "{ .http.response.status_code >= 500 }"),
    ("an error below a call", "{ kind = client } >> { status = error }"),
    ("more than 20 database calls", "{ .db.system.name != nil } | count() > 20"),
];

/// The query as it is written, or as it was run.
#[derive(Debug, Default)]
pub(super) struct Line {
    input: Input,
    is_written: bool,
    /// As it was when writing began.
    before: String,
    /// What was run, the latest last; each once.
    history: Vec<String>,
    /// Which of what can be chosen is in the line: ready-made ones first, then what was run.
    place: Option<usize>,
    /// Why the query was not understood, until it is changed.
    misread: Option<Misread>,
}

impl Line {
    pub(super) fn is_written(&self) -> bool {
        self.is_written
    }

    pub(super) fn begin(&mut self) {
        self.is_written = true;
        self.before = self.input.text().to_owned();
        self.place = None;
    }

    /// Takes in a key; the query, where one is to be run. None is for all traces.
    #[expect(clippy::option_option, reason = "whether something is asked, and whether it is a query")]
    pub(super) fn on_key(&mut self, code: KeyCode) -> Option<Option<Query>> {
        match code {
            KeyCode::Enter => return self.run(),
            KeyCode::Esc => {
                self.input = Input::new(std::mem::take(&mut self.before));
                (self.is_written, self.misread) = (false, None);
            }
            KeyCode::Up => self.walk(self.count() - 1),
            KeyCode::Down => self.walk(1),
            code => {
                let before = self.input.text().to_owned();
                self.input.on_key(code);
                if before != self.input.text() {
                    (self.misread, self.place) = (None, None);
                }
            }
        }
        None
    }

    #[expect(clippy::option_option, reason = "as above")]
    fn run(&mut self) -> Option<Option<Query>> {
        let text = self.input.text().trim().to_owned();
        if text.is_empty() {
            (self.input, self.is_written, self.misread) = (Input::default(), false, None);
            return Some(None);
        }
        match Query::parse(self.input.text()) {
            Ok(query) => {
                self.history.retain(|other| *other != text);
                self.history.push(text);
                self.history.drain(..self.history.len().saturating_sub(MOST));
                (self.is_written, self.misread) = (false, None);
                Some(Some(query))
            }
            Err(misread) => {
                self.misread = Some(misread);
                None
            }
        }
    }

    fn count(&self) -> usize {
        READY.len() + self.history.len()
    }

    /// Round and round: down to the first ready-made one, up to what was run last.
    fn walk(&mut self, by: usize) {
        let here = self.place.unwrap_or(if by == 1 { self.count() - 1 } else { 0 });
        let place = (here + by) % self.count();
        (self.place, self.misread) = (Some(place), None);
        self.input = Input::new(self.choice(place).1);
    }

    /// What it is called, and the query.
    fn choice(&self, place: usize) -> (&str, &str) {
        READY.get(place).copied().unwrap_or_else(|| ("asked before", self.history.get(place - READY.len()).map_or("", String::as_str)))
    }

    /// Draws the line; while it is written, what can be chosen lies over what is below.
    pub(super) fn draw(&self, buffer: &mut Buffer, area: Rect, below: Rect, palette: &Palette) {
        if area.height == 0 || area.width <= MARK {
            return;
        }
        let mark = if self.is_written { palette.key } else { palette.dim };
        buffer.set_stringn(area.x, area.y, " / ", usize::from(MARK), mark);
        let text = Rect { x: area.x + MARK, width: area.width - MARK, ..area };
        if self.input.text().is_empty() && !self.is_written {
            let hint = "all traces; press / to look for some, as in { status = error && duration > 100ms }";
            buffer.set_stringn(text.x, text.y, hint, usize::from(text.width), palette.dim);
            return;
        }
        self.input.draw(buffer, text, self.is_written, palette);
        if !self.is_written {
            return;
        }
        let used = self.misread.as_ref().map_or(0, |misread| refusal(buffer, below, misread, self.input.text(), palette));
        self.choices(buffer, Rect { y: below.y + used, height: below.height - used, ..below }, palette);
    }

    fn choices(&self, buffer: &mut Buffer, area: Rect, palette: &Palette) {
        let rows = u16::try_from(self.count()).unwrap_or(u16::MAX).min(area.height.saturating_sub(2));
        if rows == 0 || area.width < 8 {
            return;
        }
        let area = Rect { x: area.x + 1, width: (area.width - 2).min(96), height: rows + 2, ..area };
        Clear.render(area, buffer);
        let block = Block::bordered().border_type(BorderType::Rounded).border_style(palette.key).title(" ↑ ↓ ");
        let inner = block.inner(area);
        block.render(area, buffer);
        let name_width = READY.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
        let first = self.place.map_or(0, |place| (place + 1).saturating_sub(usize::from(rows)));
        for (y, place) in (inner.y..inner.bottom()).zip(first..self.count()) {
            let (name, query) = self.choice(place);
            let row = Rect { y, height: 1, ..inner };
            let name = Span::raw(format!(" {name:name_width$}  "));
            Text::from(vec![name, Span::styled(query, palette.dim)]).render(row, buffer);
            if self.place == Some(place) {
                buffer.set_style(row, palette.chosen);
                buffer.set_string(row.x, y, "▸", palette.chosen);
            }
        }
    }
}

/// A mark under the place where the query stops making sense, and the sentence that says why; returns how many rows that takes.
fn refusal(buffer: &mut Buffer, area: Rect, misread: &Misread, query: &str, palette: &Palette) -> u16 {
    let sentence = crate::tui::wrap::wrap(&misread.to_string(), usize::from(area.width.saturating_sub(MARK + 1)));
    let rows = u16::try_from(sentence.len() + 1).unwrap_or(u16::MAX).min(area.height);
    let area = Rect { height: rows, ..area };
    Clear.render(area, buffer);
    // A query that is longer than its line is not shown from its beginning.
    let is_whole = query.chars().count() < usize::from(area.width.saturating_sub(MARK));
    let column = u16::try_from(misread.character.saturating_sub(1)).unwrap_or(u16::MAX);
    if is_whole && area.height > 0 && MARK.saturating_add(column) < area.width {
        buffer.set_string(area.x + MARK + column, area.y, "^", palette.bad);
    }
    for (y, line) in (area.y..area.bottom()).skip(1).zip(sentence) {
        buffer.set_stringn(area.x + MARK, y, line, usize::from(area.width.saturating_sub(MARK)), palette.bad);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ready_made_query_is_understood() {
        for (name, query) in READY {
            assert!(Query::parse(query).is_ok(), "{name}: {}", Query::parse(query).unwrap_err());
        }
    }
}
