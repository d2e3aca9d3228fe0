//! One picture of a recorded run, without a terminal: the screen as it was at a moment, after some keys.

use std::collections::HashMap;
use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::ask::Asker;
use super::{Ui, svg, view};
use crate::event::TraceId;
use crate::model::Model;
use crate::observe::trace::Trace;
use crate::verdict;

/// What is drawn, as an SVG. Between keys, what rooms ask for is answered from the traces that the recording kept.
pub async fn still(
    mut ui: Ui,
    model: &Model,
    traces: Arc<HashMap<TraceId, Trace>>,
    keys: &[KeyCode],
    (width, height): (u16, u16),
) -> String {
    let mut asker = Asker::recorded(traces, ui.shelf.clone());
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
    text.split_whitespace().map(key).collect()
}

fn key(word: &str) -> Result<KeyCode, String> {
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
    let mut letters = word.chars();
    if let (Some(letter), None) = (letters.next(), letters.next()) {
        return Ok(KeyCode::Char(letter));
    }
    let known = NAMED.into_iter().find(|(name, _)| word.eq_ignore_ascii_case(name));
    known.map(|(_, code)| code).ok_or_else(|| {
        let names: Vec<&str> = NAMED.iter().map(|(name, _)| *name).collect();
        format!("`{word}` is no key; write single letters, or {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        assert_eq!(keys("p Enter / down"), Ok(vec![KeyCode::Char('p'), KeyCode::Enter, KeyCode::Char('/'), KeyCode::Down]));
        assert_eq!(keys(""), Ok(Vec::new()));
        assert!(keys("Entre").unwrap_err().starts_with("`Entre` is no key; write single letters, or enter, esc"));
    }
}
