//! One picture of a recorded run, without a terminal: the screen as it was at a moment, after some keys.

use std::collections::HashMap;
use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent};
use lab_facts::event::TraceId;
use lab_facts::model::Model;
use lab_facts::trace::Trace;
use lab_facts::verdict;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::ask::Asker;
use super::{Ui, svg, view};

/// What is drawn, as an SVG. Between keys, what rooms ask for is answered from the traces that the recording kept, and by backends that are named.
pub async fn still(
    mut ui: Ui,
    model: &Model,
    traces: Arc<HashMap<TraceId, Trace>>,
    keys: &[KeyCode],
    (width, height): (u16, u16),
) -> String {
    let mut asker = Asker::recorded(traces, ui.backends.clone(), ui.shelf.clone());
    let verdict = verdict::judge(model.plan(), model);
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    for key in keys.iter().map(Some).chain([None]) {
        // A key may mean what was drawn, such as the row that stands out.
        for _ in 0..2 {
            buffer = Buffer::empty(area);
            view::draw(&mut buffer, area, model, &verdict, &mut ui);
            for question in ui.questions() {
                asker.ask(question);
                ui.hear(asker.answer().await);
            }
        }
        if let Some(key) = key {
            ui.on_key(KeyEvent::from(*key), model);
        }
    }
    svg::picture(&buffer, ui.palette.theme)
}

/// Reads keys as they are written, such as `p Enter Down` or `/`.
///
/// # Errors
/// The word that is no key, and what keys there are.
pub fn keys(text: &str) -> Result<Vec<KeyCode>, String> {
    let known = |word| {
        key(word).ok_or_else(|| {
            let names: Vec<&str> = NAMED.iter().map(|(name, _)| *name).collect();
            format!("`{word}` is no key; write single letters, f1 to f12, or {}", names.join(", "))
        })
    };
    text.split_whitespace().map(known).collect()
}

const NAMED: [(&str, KeyCode); 14] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("space", KeyCode::Char(' ')),
    ("backspace", KeyCode::Backspace),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
];

/// The key of one word, if it is one.
pub(super) fn key(word: &str) -> Option<KeyCode> {
    let mut letters = word.chars();
    if let (Some(letter), None) = (letters.next(), letters.next()) {
        return Some(KeyCode::Char(letter));
    }
    let number = word.strip_prefix(['f', 'F']).and_then(|number| number.parse().ok());
    if let Some(number @ 1..=12) = number {
        return Some(KeyCode::F(number));
    }
    let known = NAMED.into_iter().find(|(name, _)| word.eq_ignore_ascii_case(name));
    known.map(|(_, code)| code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        assert_eq!(keys("p Enter / f5"), Ok(vec![KeyCode::Char('p'), KeyCode::Enter, KeyCode::Char('/'), KeyCode::F(5)]));
        assert_eq!(keys(""), Ok(Vec::new()));
        assert!(keys("Entre").unwrap_err().starts_with("`Entre` is no key; write single letters, f1 to f12, or enter, esc"));
    }
}
