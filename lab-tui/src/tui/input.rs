//! A line of text that is being written.

use crossterm::event::KeyCode;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::palette::Palette;

/// How many letters it takes: nothing sensible is longer, and a paste may be.
const MOST: usize = 2_000;

/// Text and the place in it where letters go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Input {
    text: String,
    /// A byte at which a letter begins, or the end.
    at: usize,
}

impl Input {
    pub(super) fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { at: text.len(), text }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Takes in a key; whether it was one of its own.
    pub(super) fn on_key(&mut self, code: KeyCode) -> bool {
        match code {
            KeyCode::Char(letter) if self.text.chars().count() < MOST => {
                self.text.insert(self.at, letter);
                self.at += letter.len_utf8();
            }
            KeyCode::Backspace => {
                if let Some(before) = self.before() {
                    self.text.remove(before);
                    self.at = before;
                }
            }
            KeyCode::Delete if self.at < self.text.len() => drop(self.text.remove(self.at)),
            KeyCode::Left => self.at = self.before().unwrap_or(0),
            KeyCode::Right => self.at += self.text[self.at..].chars().next().map_or(0, char::len_utf8),
            KeyCode::Home => self.at = 0,
            KeyCode::End => self.at = self.text.len(),
            _ => return false,
        }
        true
    }

    fn before(&self) -> Option<usize> {
        self.text[..self.at].char_indices().next_back().map(|(place, _)| place)
    }

    /// Draws as much as there is room for; where it is being written, with a mark at the place of the next letter, which stays in sight.
    pub(super) fn draw(&self, buffer: &mut Buffer, area: Rect, is_written: bool, palette: &Palette) {
        let (width, place) = (usize::from(area.width), self.text[..self.at].chars().count());
        let first = if is_written { (place + 1).saturating_sub(width) } else { 0 };
        let shown: String = self.text.chars().skip(first).collect();
        buffer.set_stringn(area.x, area.y, &shown, width, palette.title);
        if let Some(column) = u16::try_from(place - first).ok().filter(|column| is_written && *column < area.width) {
            buffer[(area.x + column, area.y)].modifier.insert(Modifier::REVERSED);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_go_where_the_mark_is() {
        let mut input = Input::default();
        for code in
            [KeyCode::Char('b'), KeyCode::Char('ü'), KeyCode::Home, KeyCode::Char('a'), KeyCode::Right, KeyCode::Right, KeyCode::Right]
        {
            assert!(input.on_key(code));
        }
        assert_eq!(input, Input::new("abü"));
        for code in [KeyCode::Backspace, KeyCode::Left, KeyCode::Delete, KeyCode::Delete] {
            input.on_key(code);
        }
        assert_eq!(input.text(), "a");
        assert!(!input.on_key(KeyCode::Enter) && !input.on_key(KeyCode::Esc));
    }
}
