//! One palette, in which every colour means one thing everywhere.

use ratatui::style::{Color, Modifier, Style};

/// How many shades a heat map has where there are colours.
pub(super) const HEAT: usize = 6;

/// How many series of a plot have a colour of their own.
pub(super) const SERIES: usize = 5;

/// The styles that views draw with.
#[derive(Debug, Clone, Copy)]
pub struct Palette {
    /// What it was made for.
    pub theme: Theme,
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
    /// What frames a box that lies over the rest.
    pub border: Style,
    /// The median.
    pub p50: Style,
    /// The 95th percentile.
    pub p95: Style,
    /// The 99th percentile.
    pub p99: Style,
    /// Counted from the moment at which a request was due.
    pub response: Style,
    /// Counted from the moment at which it was sent.
    pub service: Style,
    /// A database at work.
    pub database: Style,
    /// From few requests to many; the brightness tells it to those as well who see other colours.
    pub heat: [Style; HEAT],
    /// The lines of a plot of whatever was asked for; where there are no colours they have letters.
    pub(super) series: [Style; SERIES],
    /// In use.
    pub used: Style,
    /// There to be used.
    pub idle: Style,
    /// A session of the database that waits for its disk.
    pub disk: Style,
    /// One that waits for something within the server.
    pub server: Style,
    /// Laid under the seconds in which a fault was at work.
    pub band: Style,
    /// Laid under the second under the cursor.
    pub cursor: Style,
    /// The row that is chosen.
    pub chosen: Style,
}

/// What the colours are chosen for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Light text on a dark background.
    Dark,
    /// Dark text on a light background.
    Light,
    /// The sixteen colours that the terminal has by its own choice, on whatever background it has.
    Sixteen,
    /// No colours.
    Plain,
}

impl Theme {
    /// All of them, by the names that flags and settings have for them.
    pub const ALL: [(&str, Self); 4] = [("dark", Self::Dark), ("light", Self::Light), ("16", Self::Sixteen), ("none", Self::Plain)];

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, theme)| theme)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, theme)| *theme == self).map_or("", |(name, _)| name)
    }

    /// What the environment tells: `NO_COLOR` (<https://no-color.org>), `COLORTERM` and `TERM`, by which a terminal says how many colours it
    /// has, and `COLORFGBG`, which some set to their colours.
    pub fn from_environment() -> Self {
        let variable = |name| std::env::var(name).unwrap_or_default();
        Self::tell(&variable("NO_COLOR"), (&variable("COLORTERM"), &variable("TERM")), &variable("COLORFGBG"))
    }

    fn tell(no_color: &str, (colorterm, term): (&str, &str), colorfgbg: &str) -> Self {
        // Whoever calls itself something else has 256 colours by now.
        const FEW: [&str; 8] = ["ansi", "cygwin", "linux", "rxvt", "screen", "tmux", "xterm", "xterm-color"];
        let has_few = FEW.contains(&term) || term.starts_with("vt") || term.ends_with("-16color");

        let background = colorfgbg.rsplit(';').next().and_then(|number| number.parse::<u8>().ok());
        match background {
            _ if !no_color.is_empty() => Self::Plain,
            _ if has_few && colorterm.is_empty() => Self::Sixteen,
            // White, light grey, and whatever is bright.
            Some(7 | 9..=15) => Self::Light,
            _ => Self::Dark,
        }
    }
}

impl Palette {
    /// In colours of the 256 that nearly every terminal has, or in fewer.
    pub fn new(theme: Theme) -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        let fg = |number: u8| Style::new().fg(Color::Indexed(number));
        let bg = |number: u8| Style::new().bg(Color::Indexed(number));
        match theme {
            Theme::Plain => {
                let dim = plain.add_modifier(Modifier::DIM);
                Self {
                    theme,
                    dim,
                    title: bold,
                    good: plain,
                    bad: bold,
                    warn: bold,
                    key: plain.add_modifier(Modifier::UNDERLINED),
                    border: plain,
                    p50: dim,
                    p95: plain,
                    p99: bold,
                    response: bold,
                    service: plain,
                    database: plain,
                    heat: [plain; HEAT],
                    series: [plain; SERIES],
                    used: plain,
                    idle: dim,
                    disk: plain,
                    server: plain,
                    band: plain,
                    // The mark on the time axis has to do: a reversed column would hide what it reads.
                    cursor: plain,
                    chosen: plain.add_modifier(Modifier::REVERSED),
                }
            }
            // Text is in the terminal's own colour, and shades are patterns: nobody knows how bright its colours are, nor its background.
            // Those that stand beside one another are no red and green.
            Theme::Sixteen => {
                let dim = plain.add_modifier(Modifier::DIM);
                Self {
                    theme,
                    dim,
                    title: bold,
                    good: fg(2),
                    bad: fg(1).add_modifier(Modifier::BOLD),
                    warn: fg(3),
                    key: fg(6),
                    border: fg(6),
                    p50: fg(12),
                    p95: fg(6),
                    p99: fg(3),
                    response: fg(3),
                    service: fg(6),
                    database: fg(6),
                    heat: [plain; HEAT],
                    series: [12, 10, 6, 5, 4].map(fg),
                    used: fg(12),
                    idle: dim,
                    disk: fg(6),
                    server: fg(5),
                    band: plain,
                    cursor: bg(8),
                    chosen: plain.add_modifier(Modifier::REVERSED),
                }
            }
            Theme::Dark => Self {
                theme,
                dim: fg(244),
                title: bold,
                good: fg(79),
                bad: fg(203).add_modifier(Modifier::BOLD),
                warn: fg(214),
                key: fg(81),
                border: fg(81),
                p50: fg(75),
                p95: fg(114),
                p99: fg(211),
                response: fg(222),
                service: fg(110),
                database: fg(86),
                heat: [25, 31, 37, 78, 155, 229].map(fg),
                series: [75, 223, 175, 154, 209].map(fg),
                used: fg(75),
                idle: fg(239),
                disk: fg(86),
                server: fg(222),
                band: bg(236),
                cursor: bg(242),
                // Readable where the background is light after all.
                chosen: bg(238).fg(Color::Indexed(255)),
            },
            Theme::Light => Self {
                theme,
                dim: fg(242),
                title: bold,
                good: fg(29),
                bad: fg(160).add_modifier(Modifier::BOLD),
                warn: fg(172),
                key: fg(25),
                border: fg(25),
                p50: fg(26),
                p95: fg(28),
                p99: fg(162),
                response: fg(94),
                service: fg(67),
                database: fg(97),
                heat: [152, 110, 68, 26, 19, 17].map(fg),
                series: [26, 130, 53, 101, 133].map(fg),
                used: fg(26),
                idle: fg(250),
                disk: fg(53),
                server: fg(133),
                band: bg(253),
                cursor: bg(249),
                chosen: bg(252),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Theme;

    #[test]
    fn the_environment_tells_the_theme() {
        let modern = ("truecolor", "xterm-256color");
        assert_eq!(Theme::tell("", ("", ""), ""), Theme::Dark);
        assert_eq!(Theme::tell("1", modern, "0;15"), Theme::Plain);
        assert_eq!(Theme::tell("", modern, "0;15"), Theme::Light);
        assert_eq!(Theme::tell("", modern, "0;default;15"), Theme::Light);
        assert_eq!(Theme::tell("", modern, "15;0"), Theme::Dark);
        for (colorterm, term, theme) in [
            ("", "xterm-256color", Theme::Dark),
            ("", "xterm-kitty", Theme::Dark),
            ("", "linux", Theme::Sixteen),
            ("", "xterm", Theme::Sixteen),
            ("truecolor", "xterm", Theme::Dark),
            ("", "vt220", Theme::Sixteen),
            ("", "rxvt-16color", Theme::Sixteen),
        ] {
            assert_eq!(Theme::tell("", (colorterm, term), ""), theme, "{colorterm} {term}");
        }
    }
}
