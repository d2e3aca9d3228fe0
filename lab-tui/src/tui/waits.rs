//! What the sessions were at, second by second: those that are not idle, by what they waited for. A column shows its busiest moment.

use std::collections::BTreeMap;

use lab_facts::event::Wait;
use lab_facts::model::{Model, Moment};
use lab_facts::scenario::StackKind;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::palette::Palette;
use super::plot::{self, TimeAxis};
use super::stacked;

/// Wait events of one kind, in the order in which they stand on top of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// It runs.
    Cpu,
    /// For the disk.
    Disk,
    /// For something within the server.
    Server,
    /// For somebody else's lock.
    Lock,
    /// For its own client, in an open transaction.
    Client,
}

impl Class {
    pub(super) fn of(wait: Option<&Wait>) -> Self {
        match wait.map(|wait| wait.kind.as_ref()) {
            None => Self::Cpu,
            Some("IO") => Self::Disk,
            Some("Lock") => Self::Lock,
            Some("Client") => Self::Client,
            Some(_) => Self::Server,
        }
    }

    pub(super) fn style(self, palette: &Palette) -> Style {
        match self {
            Self::Cpu => palette.used,
            Self::Disk => palette.disk,
            Self::Server => palette.server,
            Self::Lock => palette.warn,
            Self::Client => palette.dim,
        }
    }

    /// Without colours they differ in their patterns.
    fn pattern(self, palette: &Palette) -> &'static str {
        match self {
            _ if palette.used.fg.is_some() => "█",
            Self::Cpu => "█",
            Self::Disk => "▚",
            Self::Server => "▓",
            Self::Lock => "▒",
            Self::Client => "░",
        }
    }
}

/// Draws title and plot. The title reads the seconds under the cursor, else the newest.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, axis: TimeAxis, model: &Model, cursor: Option<u64>, palette: &Palette) {
    if area.height < 2 {
        return;
    }
    let database = model.database();
    let read = cursor.map_or_else(|| database.moments().next_back(), |second| database.moment(axis.around(second)));
    legend(buffer, Rect { height: 1, ..area }, read, palette);
    let area = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let graph = plot::graph(area);
    if database.newest().is_none() {
        return plot::awaited(buffer, graph, why_nothing(model), palette);
    }
    let columns: Vec<Option<&Moment>> = (0..axis.columns).map(|column| database.moment(axis.seconds_of(column))).collect();
    let most = columns.iter().flatten().map(|moment| moment.busy()).max().unwrap_or_default();
    let top = round_up(most);
    plot::label(buffer, area, 0, &top.to_string(), palette);
    if area.height > 1 {
        plot::label(buffer, area, area.height - 1, "0", palette);
    }
    // A row that is half-way up exactly.
    if area.height >= 6 && area.height.is_multiple_of(2) && top.is_multiple_of(2) {
        plot::label(buffer, area, area.height / 2 - 1, &(top / 2).to_string(), palette);
    }
    plot::marks(buffer, graph, axis, model, cursor, palette);
    for (column, moment) in (graph.left()..graph.right()).zip(columns) {
        let Some(moment) = moment else { continue };
        let mut classes: BTreeMap<Class, u32> = BTreeMap::new();
        for (wait, count) in &moment.waits {
            *classes.entry(Class::of(wait.as_ref())).or_default() += count;
        }
        let parts: Vec<_> = classes.into_iter().map(|(class, count)| (count, class.style(palette), class.pattern(palette))).collect();
        stacked::column(buffer, Rect { x: column, width: 1, ..graph }, top, &parts);
    }
}

/// Why the database has said nothing.
pub(super) fn why_nothing(model: &Model) -> &'static str {
    match (model.plan().stack, model.finished().is_some()) {
        (StackKind::None, _) => "this run has no database of the lab's: its stack is none",
        (StackKind::Attach, _) => "nothing of a database yet: --database-url names the one that is attached",
        (StackKind::Embedded, true) => "this run has nothing of its database",
        (StackKind::Embedded, false) => "awaiting the database's first answer",
    }
}

/// Each wait event of a moment with how many sessions were at it.
fn legend(buffer: &mut Buffer, area: Rect, moment: Option<&Moment>, palette: &Palette) {
    let mut pieces = vec![vec![Span::styled("sessions by wait", palette.title)]];
    if let Some(moment) = moment {
        let mut waits: Vec<(Class, String, u32)> =
            moment.waits.iter().map(|(wait, count)| (Class::of(wait.as_ref()), name(wait.as_ref()), *count)).collect();
        if !moment.waits.contains_key(&None) {
            waits.push((Class::Cpu, name(None), 0));
        }
        waits.sort_by_key(|(class, _, count)| (*class, std::cmp::Reverse(*count)));
        pieces.extend(waits.into_iter().map(|(class, name, count)| {
            let mark = class.pattern(palette);
            vec![Span::styled(format!("{mark} {name} "), class.style(palette)), Span::raw(format!("{count:>2}"))]
        }));
    }
    plot::pieces(buffer, area, pieces);
}

fn name(wait: Option<&Wait>) -> String {
    wait.map_or("CPU/none".to_owned(), ToString::to_string)
}

/// The next of 2, 4, 10, 20, 40, 100 and so on: none is odd, so that the middle is a whole number.
fn round_up(most: u32) -> u32 {
    let steps = (0..9).flat_map(|power| [2, 4, 10].map(|step: u32| step.saturating_mul(10_u32.pow(power))));
    steps.into_iter().find(|step| *step >= most).unwrap_or(most)
}

#[cfg(test)]
mod tests {
    use super::round_up;

    #[test]
    fn the_scale_ends_at_a_round_number() {
        assert_eq!([0, 1, 3, 4, 5, 11, 21, 99, 101, u32::MAX].map(round_up), [2, 2, 4, 4, 10, 20, 40, 100, 200, u32::MAX]);
    }
}
