//! What lies over the screen: the keys, explanations, the palette.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Padding, Paragraph, Widget, Wrap};

use super::finder;
use super::glossary;
use super::palette::Palette;
use super::room::Room;
use super::ui::{Overlay, Ui};

/// Wherever one is.
const ANYWHERE: [(&str, &str); 10] = [
    ("1 … 8", "the rooms, by the numbers on their tabs"),
    (": Ctrl-P", "the command palette: everything, by a few letters"),
    ("e", "what the numbers of this room mean, and how to query them"),
    ("w", "why: what tells the second under the cursor from the calm"),
    ("o y", "open the trace in a browser; copy its ID"),
    ("s", "the room of scenarios: choose one, Enter runs it"),
    ("+ - space", "rates up and down by 10 % of the plan; pause, go on"),
    ("F12", "the screen as a picture: lab-1.svg"),
    ("?", "these keys; h j k l, g and G work as everywhere"),
    ("q", "quit; what the lab started is stopped"),
];

/// Of the cursor, which rooms with a time axis share.
const CURSOR: [(&str, &str); 4] = [
    ("← →", "a cursor: all plots read that moment; so does a click"),
    ("p", "the cursor to the peak of p99"),
    ("z Z", "zoom in and out on time, as the wheel does over a plot"),
    ("End, Esc", "back to now; Esc once more: the zoom as it was"),
];

/// The keys that count where the viewer is, beside those.
fn keys_here(ui: &Ui) -> Vec<(&'static str, &'static str)> {
    let more: &[(&str, &str)] = match ui.room {
        _ if ui.open.is_some() => &[
            ("↑ ↓", "choose a span"),
            ("← →", "the trace before, the next one"),
            ("n N", "the next span with an error, the one before"),
            ("Enter x", "fold a span, fold all"),
            ("Tab", "all that the span tells"),
            ("Esc", "back"),
        ],
        Room::Run => &[("Tab", "the next list: slowest, failed, newest, …"), ("↑ ↓", "choose a request"), ("Enter", "open its trace")],
        Room::Latency => {
            &[("↑ ↓", "choose a kind of requests"), ("Tab", "percentiles, or time by hop"), ("Enter", "open the slowest trace")]
        }
        Room::Database => {
            &[("Tab", "sessions, who blocks whom, statements"), ("↑ ↓", "choose a session"), ("Enter", "open its trace, where it has one")]
        }
        Room::Traces => &[
            ("/", "write a query; ↑ ↓ ready-made ones, Enter runs it"),
            ("Tab", "newest, slowest, failed"),
            ("↑ ↓", "choose a trace"),
            ("Enter", "open it"),
        ],
        Room::Logs => &[
            ("/", "text, /regex/ and key=value: the lines that have all of them"),
            ("l v Tab", "the least level, the service; lines or groups of like messages"),
            ("f G", "follow or stand still; follow"),
        ],
        Room::Scenarios => &[
            ("Tab", "scenarios, the verdict as it stands, recorded runs"),
            ("↑ ↓ Enter", "choose; run a scenario, compare a run with the newest"),
            ("x r", "stop the run that is on, or begin it again"),
            ("E", "edit with $VISUAL or $EDITOR, a shipped one as a copy here"),
            ("PgUp PgDn", "through what is told of the plan"),
            ("Esc", "to the run"),
        ],
        Room::Control => &[
            ("↑ ↓ Enter", "choose a fault; begin it, or end it"),
            ("→", "change it: type, ← → less and more, Enter begins, Esc leaves"),
            ("S", "save the scenario with all that was done by hand"),
        ],
        Room::Queries => &[
            ("↑ ↓", "choose a query; it is asked at once, and again now and then"),
            ("/", "write a query of your own, or change yours; Enter asks it"),
            ("Tab Enter", "to the answer's rows and back; Enter opens a trace"),
            ("y", "copy the query, or what a missing Prometheus needs"),
        ],
    };
    let has_cursor = ui.open.is_none() && matches!(ui.room, Room::Run | Room::Latency | Room::Database | Room::Logs | Room::Queries);
    CURSOR.into_iter().filter(|_| has_cursor).chain(more.iter().copied()).collect()
}

const REPLAY_KEYS: [(&str, &str); 3] =
    [("space", "pause, and go on"), ("[ ]", "half and double the speed; < and > as well"), (", .", "ten seconds back, ten seconds on")];

/// Draws what lies over the screen.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, overlay: Overlay, ui: &Ui) {
    match overlay {
        Overlay::Help => help(buffer, area, ui),
        Overlay::Why(line) => why(buffer, area, line, ui),
        Overlay::Meaning(row) => glossary::draw(buffer, area, row, ui),
        Overlay::Finder => finder::draw(buffer, area, &ui.finder, ui),
    }
}

fn help(buffer: &mut Buffer, area: Rect, ui: &Ui) {
    let palette = &ui.palette;
    let of_replay = REPLAY_KEYS.into_iter().filter(|_| ui.replay.is_some());
    let mut lines: Vec<Line<'_>> = of_replay
        .chain(keys_here(ui))
        .chain(ANYWHERE)
        .map(|(key, what)| Line::from(vec![Span::styled(format!("{:>9}  ", ui.bindings.written(key)), palette.key), Span::raw(what)]))
        .collect();
    lines.push(Line::from(""));
    let meaning = [
        ("p50", palette.p50),
        ("p95", palette.p95),
        ("p99", palette.p99),
        ("used", palette.used),
        ("waiting, fault", palette.warn),
        ("failed", palette.bad),
    ];
    lines.push(Line::from(meaning.into_iter().map(|(text, style)| Span::styled(format!("  ■ {text}"), style)).collect::<Vec<_>>()));
    lines.push(Line::styled("  Latency counts from the intended start.", palette.dim));
    let block = frame(buffer, area, 72, u16::try_from(lines.len()).unwrap_or(u16::MAX) + 2, " keys ", palette);
    Paragraph::new(lines).wrap(Wrap { trim: false }).render(block, buffer);
}

/// The text of the command line. Who scrolls beyond its end sees its end.
fn why(buffer: &mut Buffer, area: Rect, first: u16, ui: &Ui) {
    let inner = frame(buffer, area, 132, area.height.saturating_sub(2), " why (↑ ↓, Esc) ", &ui.palette);
    let lines: Vec<Line<'_>> = ui.why.lines().map(Line::from).collect();
    let last = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_sub(inner.height);
    Paragraph::new(lines).scroll((first.min(last), 0)).render(inner, buffer);
}

/// An empty box in the middle; returns its inside.
pub(super) fn frame(buffer: &mut Buffer, area: Rect, width: u16, height: u16, title: &'static str, palette: &Palette) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    let area = Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    Clear.render(area, buffer);
    let block =
        Block::bordered().border_type(BorderType::Rounded).border_style(palette.border).title(title).padding(Padding::horizontal(1));
    let inner = block.inner(area);
    block.render(area, buffer);
    inner
}
