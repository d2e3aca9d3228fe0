//! The command palette: everything that can be done, found by a few letters of its name.

use crossterm::event::KeyCode;
use lab_facts::scenario::forms;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use super::actions::{ACTIONS, Action};
use super::input::Input;
use super::overlay::frame;
use super::room::Room;
use super::ui::Ui;

/// What the viewer has written, and which of what was found is chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Finder {
    input: Input,
    row: usize,
}

/// Something that can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    label: String,
    /// The key that does the same, as it is written on the screen.
    key: String,
    /// What it does.
    pub(super) what: What,
}

/// What choosing an entry does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// The same as that key.
    Key(KeyCode),
    /// Leads to a room.
    Room(Room),
    /// Runs the scenario of that index.
    Run(usize),
    /// Leads to that kind of fault.
    Fault(usize),
    /// Saves what was done by hand as a scenario.
    Save,
}

impl Finder {
    /// Takes in a key; the entry that is to be done, if one was chosen.
    pub(super) fn on_key(&mut self, code: KeyCode, entries: &[Entry]) -> Option<What> {
        let found = self.found(entries);
        match code {
            KeyCode::Enter => return found.get(self.row).map(|entry| entry.what),
            KeyCode::Up => self.row = self.row.saturating_sub(1),
            KeyCode::Down => self.row = (self.row + 1).min(found.len().saturating_sub(1)),
            code if self.input.on_key(code) => self.row = 0,
            _ => {}
        }
        None
    }

    /// What fits, best first; all in their own order while nothing is written.
    fn found<'e>(&self, entries: &'e [Entry]) -> Vec<&'e Entry> {
        let mut found: Vec<(usize, &Entry)> =
            entries.iter().filter_map(|entry| Some((cost(self.input.text(), &entry.label)?, entry))).collect();
        found.sort_by_key(|(cost, _)| *cost);
        found.into_iter().map(|(_, entry)| entry).collect()
    }
}

/// Everything that there is to do.
pub(super) fn entries(ui: &Ui) -> Vec<Entry> {
    let rooms = (1..).zip(Room::ALL);
    let rooms = rooms.map(|(key, room)| Entry { label: format!("room: {}", room.name()), key: key.to_string(), what: What::Room(room) });
    let of_action = |action: Action| Entry { label: action.label.to_owned(), key: ui.bindings.key(&action), what: What::Key(action.code) };
    let keys = ACTIONS.into_iter().map(of_action);
    let scenarios = ui.scenarios.iter().enumerate().filter(|(_, listed)| ui.replay.is_none() && listed.problems.is_empty());
    let scenarios = scenarios.map(|(index, listed)| Entry {
        label: format!("run scenario {}: {}", listed.name, listed.planned.as_ref().map_or("", |planned| &planned.plan.title)),
        key: String::new(),
        what: What::Run(index),
    });
    let save = Entry { label: "save as scenario: what was done by hand".to_owned(), key: "S".to_owned(), what: What::Save };
    let faults = forms().enumerate().filter(|_| ui.replay.is_none());
    let faults = faults.map(|(kind, form)| Entry {
        label: format!("inject {}: {}", form.kind, form.about),
        key: String::new(),
        what: What::Fault(kind),
    });
    rooms.chain(keys).chain([save]).chain(faults).chain(scenarios).collect()
}

/// How far the letters lie apart in a label, where they are there in their order; letters at the beginning of a word cost less.
fn cost(letters: &str, label: &str) -> Option<usize> {
    let label: Vec<char> = label.to_lowercase().chars().collect();
    let (mut cost, mut from) = (0, 0);
    for letter in letters.to_lowercase().chars().filter(|letter| !letter.is_whitespace()) {
        let places = (from..label.len()).filter(|place| label[*place] == letter);
        let price =
            |place: &usize| (place - from) + if *place == 0 || !label[place - 1].is_alphanumeric() || *place == from { 0 } else { 20 };
        let place = places.min_by_key(price)?;
        cost += price(&place);
        from = place + 1;
    }
    Some(cost)
}

/// Draws it over the screen, with as many entries as there is room for.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, finder: &Finder, ui: &Ui) {
    let (palette, entries) = (&ui.palette, entries(ui));
    let found = finder.found(&entries);
    let inner = frame(buffer, area, 76, area.height.saturating_sub(4).min(22), " do (Enter, Esc) ", palette);
    Span::styled("› ", palette.key).render(Rect { height: 1, ..inner }, buffer);
    let line = Rect { x: inner.x + 2, width: inner.width.saturating_sub(2), height: 1, ..inner };
    finder.input.draw(buffer, line, true, palette);
    let rows = Rect { y: inner.y + 2, height: inner.height.saturating_sub(2), ..inner };
    if found.is_empty() {
        Line::styled("nothing is called that; fewer letters find more", palette.dim).render(rows, buffer);
    }
    let first = (finder.row + 1).saturating_sub(usize::from(rows.height));
    for (y, (number, entry)) in (rows.y..rows.bottom()).zip(found.iter().enumerate().skip(first)) {
        let row = Rect { y, height: 1, ..rows };
        let (label, key) = (usize::from(rows.width).saturating_sub(7), &entry.key);
        buffer.set_stringn(row.x, y, &entry.label, label, palette.title.remove_modifier(ratatui::style::Modifier::BOLD));
        buffer.set_stringn(row.x.saturating_add(rows.width.saturating_sub(6)), y, format!("{key:>5}"), 6, palette.key);
        if number == finder.row {
            buffer.set_style(row, palette.chosen);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_letters_find_what_is_meant() {
        let entry = |label: &str| Entry { label: label.to_owned(), key: String::new(), what: What::Run(0) };
        let all = ["quit", "room: Latency", "rate up by 10 %", "run scenario locked-table: A lock"].map(entry);
        let first = |letters: &str| {
            let finder = Finder { input: Input::new(letters), row: 0 };
            finder.found(&all).first().map(|entry| entry.label.clone()).unwrap_or_default()
        };
        for (letters, label) in [
            ("lat", "room: Latency"),
            ("RATE", "rate up by 10 %"),
            ("locked", "run scenario locked-table: A lock"),
            ("", "quit"),
            ("zz", ""),
        ] {
            assert_eq!(first(letters), label, "{letters}");
        }
    }

    #[test]
    fn enter_chooses_and_rows_end() {
        let entry = |index: usize| Entry { label: format!("run {index}"), key: String::new(), what: What::Run(index) };
        let all = [entry(0), entry(1)];
        let mut finder = Finder::default();
        for code in [KeyCode::Down, KeyCode::Down, KeyCode::Down] {
            assert_eq!(finder.on_key(code, &all), None);
        }
        assert_eq!(finder.on_key(KeyCode::Enter, &all), Some(What::Run(1)));
        finder.on_key(KeyCode::Char('0'), &all);
        assert_eq!(finder.on_key(KeyCode::Enter, &all), Some(What::Run(0)));
    }
}
