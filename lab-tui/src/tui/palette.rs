//! One palette, in which every colour means one thing everywhere.

use ratatui::style::{Color, Modifier, Style};

/// The styles that views draw with.
#[derive(Debug, Clone, Copy)]
pub struct Palette {
    /// What says nothing by itself: axes, units, empty states.
    pub dim: Style,
    /// What things are called.
    pub title: Style,
    /// All is well.
    pub good: Style,
    /// Failed, broken.
    pub bad: Style,
    /// Not yet bad, and worth a look: waiting, being late, a fault under way.
    pub warn: Style,
    /// A key to press, a link to follow.
    pub key: Style,
    /// The median.
    pub p50: Style,
    /// The 95th percentile.
    pub p95: Style,
    /// The 99th percentile.
    pub p99: Style,
    /// In use.
    pub used: Style,
    /// There to be used.
    pub idle: Style,
    /// Laid under the seconds in which a fault was at work.
    pub band: Style,
    /// Laid under the second under the cursor.
    pub cursor: Style,
    /// The row that is chosen.
    pub chosen: Style,
}

impl Palette {
    /// In colours of the 256 that nearly every terminal has; or in none, where `NO_COLOR` asks for that.
    pub fn new(colour: bool) -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        let chosen = plain.add_modifier(Modifier::REVERSED);
        if !colour {
            let dim = plain.add_modifier(Modifier::DIM);
            let underlined = plain.add_modifier(Modifier::UNDERLINED);
            return Self {
                dim,
                title: bold,
                good: plain,
                bad: bold,
                warn: bold,
                key: underlined,
                p50: dim,
                p95: plain,
                p99: bold,
                used: plain,
                idle: dim,
                band: plain,
                // The mark on the time axis has to do: a reversed column would hide what it reads.
                cursor: plain,
                chosen,
            };
        }
        let fg = |number: u8| Style::new().fg(Color::Indexed(number));
        Self {
            dim: fg(244),
            title: bold,
            good: fg(114),
            bad: fg(203).add_modifier(Modifier::BOLD),
            warn: fg(214),
            key: fg(81),
            p50: fg(75),
            p95: fg(114),
            p99: fg(211),
            used: fg(75),
            idle: fg(239),
            band: plain.bg(Color::Indexed(236)),
            cursor: plain.bg(Color::Indexed(242)),
            // Dark on every background, so the text is light.
            chosen: plain.bg(Color::Indexed(238)).fg(Color::Indexed(255)),
        }
    }
}

/// Whether the user wants colours: <https://no-color.org>.
pub fn wants_colour() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
