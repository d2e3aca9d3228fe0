//! The rooms of the screen: each shows one side of the same run, under a number of its own.

pub(super) mod control;
pub(super) mod database;
pub(super) mod latency;
pub(super) mod logs;
pub(super) mod queries;
pub(super) mod run;
pub(super) mod scenarios;
pub(super) mod traces;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::Span;
use ratatui::widgets::Widget as _;

use super::ui::{Click, Ui};

/// Which side of the run is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Room {
    /// Everything on one time axis.
    #[default]
    Run,
    /// Where the milliseconds are, and whose.
    Latency,
    /// The pool and what the database's sessions do.
    Database,
    /// A search through the traces.
    Traces,
    /// What services say.
    Logs,
    /// What can be run, how it stands, what ran before.
    Scenarios,
    /// The pace, and faults by hand.
    Control,
    /// Questions to Prometheus, Loki and Tempo.
    Queries,
}

impl Room {
    /// In the order of their numbers, from 1 on.
    pub const ALL: [Self; 8] =
        [Self::Run, Self::Latency, Self::Database, Self::Traces, Self::Logs, Self::Scenarios, Self::Control, Self::Queries];

    /// As its tab says.
    pub fn name(self) -> &'static str {
        match self {
            Self::Run => "Run",
            Self::Latency => "Latency",
            Self::Database => "Database",
            Self::Traces => "Traces",
            Self::Logs => "Logs",
            Self::Scenarios => "Scenarios",
            Self::Control => "Control",
            Self::Queries => "Queries",
        }
    }

    /// The room of that name, however its letters are written.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|room| room.name().eq_ignore_ascii_case(name))
    }

    /// The room of that number key.
    pub(super) fn of_key(key: char) -> Option<Self> {
        let number = usize::try_from(key.to_digit(10)?).ok()?;
        Self::ALL.get(number.checked_sub(1)?).copied()
    }
}

/// One row: every room with its number, the one that is shown standing out. A click on a name leads there. Where there is no room for all
/// names, they stand closer, and then only the name of the room that is shown is left.
pub(super) fn tabs(buffer: &mut Buffer, area: Rect, ui: &mut Ui) {
    let all = (1..).zip(Room::ALL);
    let width = |gap: usize| 1 + all.clone().map(|(_, room)| room.name().len() + 2 + gap).sum::<usize>();
    let (room_for_pads, room_for_names) = (usize::from(area.width) > width(3), usize::from(area.width) > width(1));
    let mut x = area.x + 1;
    for (number, room) in all {
        let is_shown = room == ui.room;
        let label = match (room_for_pads, room_for_names || is_shown) {
            (true, _) => format!(" {number} {} ", room.name()),
            (false, true) => format!("{number} {}", room.name()),
            (false, false) => format!("{number}"),
        };
        let width = u16::try_from(label.len()).unwrap_or(0);
        if x + width > area.right() {
            return;
        }
        let place = Rect { x, width, height: 1, ..area };
        let style = if is_shown { ui.palette.title.patch(ui.palette.chosen).add_modifier(Modifier::BOLD) } else { ui.palette.dim };
        Span::styled(label, style).render(place, buffer);
        ui.clicks.push((place, Click::Room(room)));
        x += width + 1;
    }
}
