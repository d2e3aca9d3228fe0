//! The screen as a picture: an SVG that looks alike wherever it is opened, because what plots are made of is drawn and not left to a font.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use super::palette::Theme;

/// The size of a cell, in pixels.
const WIDTH: f64 = 8.4;
const HEIGHT: f64 = 18.0;
/// Where letters stand in it.
const BASE: f64 = 13.5;
const MARGIN: f64 = 10.0;

/// The sixteen colours that a terminal has by its own choice, as they are chosen here.
const SIXTEEN: [u32; 16] = [
    0x1c_1f24, 0xe0_6c75, 0x8f_c379, 0xe5_c07b, 0x61_afef, 0xc6_78dd, 0x56_b6c2, 0xc8_ccd4, 0x6b_7380, 0xff_7b86, 0xa5_e08a, 0xff_d78f,
    0x7f_c4ff, 0xdd_92f0, 0x6f_d5e0, 0xff_ffff,
];

/// How dense is what a terminal draws faint, in percent.
const FAINT: u8 = 50;

/// What is drawn in one colour: rectangles as a path.
type Shapes = BTreeMap<(String, u8), String>;

/// A rectangle in a cell (left, top, width, height), and how dense it is in percent; 0 is all of it.
type Part = ((f64, f64, f64, f64), u8);

/// The picture of what was drawn, for a theme's background.
pub(super) fn picture(buffer: &Buffer, theme: Theme) -> String {
    let (ground, ink) = match theme {
        Theme::Light => ("#ffffff", "#24292f"),
        Theme::Dark | Theme::Sixteen | Theme::Plain => ("#14161a", "#d7dae0"),
    };
    let (columns, rows) = (f64::from(buffer.area.width), f64::from(buffer.area.height));
    let (width, height) = (columns * WIDTH + 2.0 * MARGIN, rows * HEIGHT + 2.0 * MARGIN);
    let (mut under, mut shapes, mut texts) = (Shapes::new(), Shapes::new(), String::new());
    for y in buffer.area.top()..buffer.area.bottom() {
        let mut x = buffer.area.left();
        while x < buffer.area.right() {
            let (cell, place) = (&buffer[(x, y)], (f64::from(x - buffer.area.x) * WIDTH, f64::from(y - buffer.area.y) * HEIGHT));
            let look = Look::of(cell, ground, ink);
            if look.back != ground {
                add(under.entry((look.back.clone(), 0)).or_default(), place, (0.0, 0.0, WIDTH, HEIGHT));
            }
            if let Some(parts) = drawn(cell.symbol()) {
                for (part, percent) in parts {
                    let percent = if look.faint && percent == 0 { FAINT } else { percent };
                    add(shapes.entry((look.front.clone(), percent)).or_default(), place, part);
                }
                x += 1;
                continue;
            }
            // As many as look alike are one text.
            let end = (x + 1..buffer.area.right())
                .find(|next| drawn(buffer[(*next, y)].symbol()).is_some() || Look::of(&buffer[(*next, y)], ground, ink) != look)
                .unwrap_or(buffer.area.right());
            for column in x + 1..end {
                if look.back != ground {
                    let place = (f64::from(column - buffer.area.x) * WIDTH, place.1);
                    add(under.entry((look.back.clone(), 0)).or_default(), place, (0.0, 0.0, WIDTH, HEIGHT));
                }
            }
            let text: String = (x..end).map(|column| letters(&buffer[(column, y)])).collect();
            write_text(&mut texts, text.trim_end(), place, &look);
            x = end;
        }
    }
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" \
         font-family=\"'JetBrains Mono','DejaVu Sans Mono',Menlo,Consolas,monospace\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{ground}\"/>\n<g transform=\"translate({MARGIN} {MARGIN})\">\n"
    );
    for ((colour, percent), path) in under.iter().chain(&shapes) {
        let opacity = if *percent == 0 { String::new() } else { format!(" fill-opacity=\".{percent}\"") };
        let _ = writeln!(svg, "<path fill=\"{colour}\"{opacity} d=\"{path}\"/>");
    }
    svg + &texts + "</g>\n</svg>\n"
}

/// What tells one text from its neighbour.
#[derive(Debug, PartialEq)]
struct Look {
    front: String,
    back: String,
    bold: bool,
    faint: bool,
    underlined: bool,
}

impl Look {
    fn of(cell: &Cell, ground: &str, ink: &str) -> Self {
        let (mut front, mut back) = (hex(cell.fg, ink), hex(cell.bg, ground));
        if cell.modifier.contains(Modifier::REVERSED) {
            std::mem::swap(&mut front, &mut back);
        }
        let has = |modifier| cell.modifier.contains(modifier);
        Self { front, back, bold: has(Modifier::BOLD), faint: has(Modifier::DIM), underlined: has(Modifier::UNDERLINED) }
    }
}

/// What stands in a cell, without the address of a link around it.
fn letters(cell: &Cell) -> String {
    let mut text = String::new();
    let mut rest = cell.symbol();
    while let Some(start) = rest.find('\x1b') {
        text += &rest[..start];
        let end = rest[start..].find("\x1b\\").map(|end| start + end + 2).or_else(|| rest[start..].find('\x07').map(|end| start + end + 1));
        rest = end.map_or("", |end| &rest[end..]);
    }
    text + rest
}

fn write_text(svg: &mut String, text: &str, (x, y): (f64, f64), look: &Look) {
    if text.trim().is_empty() {
        return;
    }
    let skipped = text.chars().take_while(|letter| *letter == ' ').count();
    let text = text.trim_start();
    let columns = text.chars().count();
    #[expect(clippy::cast_precision_loss, reason = "columns of a screen")]
    let (x, length) = (x + skipped as f64 * WIDTH, columns as f64 * WIDTH);
    let mut more = String::new();
    for (is, attribute) in
        [(look.bold, " font-weight=\"bold\""), (look.faint, " opacity=\".6\""), (look.underlined, " text-decoration=\"underline\"")]
    {
        more += if is { attribute } else { "" };
    }
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{length:.1}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{}\" xml:space=\"preserve\"{more}>{escaped}</text>",
        y + BASE,
        look.front
    );
}

fn add(path: &mut String, (x, y): (f64, f64), (left, top, width, height): (f64, f64, f64, f64)) {
    // A hair more, so that no seam shows between neighbours.
    let _ = write!(path, "M{:.1} {:.1}h{:.1}v{:.1}h-{:.1}z", x + left, y + top, width + 0.1, height + 0.1, width + 0.1);
}

/// The parts of a cell that plots are made of; none for letters.
fn drawn(symbol: &str) -> Option<Vec<Part>> {
    let mut letters = symbol.chars();
    let letter = letters.next().filter(|_| letters.next().is_none())?;
    let number = u32::from(letter);
    let whole = |percent| Some(vec![((0.0, 0.0, WIDTH, HEIGHT), percent)]);
    match letter {
        '█' => whole(0),
        '░' => whole(25),
        '▒' => whole(50),
        '▓' => whole(75),
        '▁'..='▇' => {
            let height = f64::from(number - 0x2580) / 8.0 * HEIGHT;
            Some(vec![((0.0, HEIGHT - height, WIDTH, height), 0)])
        }
        '▀' => Some(vec![((0.0, 0.0, WIDTH, HEIGHT / 2.0), 0)]),
        '▔' => Some(vec![((0.0, 0.0, WIDTH, HEIGHT / 8.0), 0)]),
        '▉'..='▏' => Some(vec![((0.0, 0.0, f64::from(0x2590 - number) / 8.0 * WIDTH, HEIGHT), 0)]),
        '⠀'..='⣿' => {
            // Two columns of four dots; the lowest row came into the standard last.
            const DOTS: [(f64, f64); 8] = [(0.0, 0.0), (0.0, 1.0), (0.0, 2.0), (1.0, 0.0), (1.0, 1.0), (1.0, 2.0), (0.0, 3.0), (1.0, 3.0)];
            let (wide, high) = (WIDTH / 2.0, HEIGHT / 4.0);
            let set = DOTS.iter().enumerate().filter(|(bit, _)| number >> bit & 1 == 1);
            Some(set.map(|(_, (x, y))| ((x * wide + 0.8, y * high + 0.9, wide - 1.6, high - 1.8), 0)).collect())
        }
        _ => None,
    }
}

fn hex(colour: Color, default: &str) -> String {
    let basic = |index: usize| format!("#{:06x}", SIXTEEN[index]);
    match colour {
        Color::Reset => default.to_owned(),
        Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        Color::Indexed(index) => match index {
            0..=15 => basic(usize::from(index)),
            16..=231 => {
                let step = |level: u8| if level == 0 { 0 } else { 55 + 40 * level };
                let cube = index - 16;
                format!("#{:02x}{:02x}{:02x}", step(cube / 36), step(cube / 6 % 6), step(cube % 6))
            }
            232..=255 => {
                let grey = 8 + 10 * (index - 232);
                format!("#{grey:02x}{grey:02x}{grey:02x}")
            }
        },
        Color::Black => basic(0),
        Color::Red => basic(1),
        Color::Green => basic(2),
        Color::Yellow => basic(3),
        Color::Blue => basic(4),
        Color::Magenta => basic(5),
        Color::Cyan => basic(6),
        Color::Gray => basic(7),
        Color::DarkGray => basic(8),
        Color::LightRed => basic(9),
        Color::LightGreen => basic(10),
        Color::LightYellow => basic(11),
        Color::LightBlue => basic(12),
        Color::LightMagenta => basic(13),
        Color::LightCyan => basic(14),
        Color::White => basic(15),
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn a_picture_has_what_the_screen_has_and_nothing_else() {
        let mut buffer = Buffer::empty(Rect::new(3, 4, 12, 2));
        buffer.set_string(3, 4, "a <b>  ▇⣿", Style::new().fg(Color::Indexed(203)));
        buffer.set_string(4, 5, "ok", Style::new().bg(Color::Indexed(238)).add_modifier(Modifier::BOLD));
        buffer[(10, 5)].set_symbol("\x1b]8;id=1;http://x/?a=<\x1b\\id\x1b]8;;\x1b\\");
        let svg = picture(&buffer, Theme::Dark);
        let document = roxmltree::Document::parse(&svg).unwrap();
        let texts: Vec<&str> = document.descendants().filter(|node| node.has_tag_name("text")).filter_map(|node| node.text()).collect();
        assert_eq!(texts, ["a <b>", "ok", "id"]);
        assert!(svg.contains("#ff5f5f") && svg.contains("#444444") && !svg.contains("http://x"), "{svg}");
        // Seven eighths of a cell, and eight dots.
        let path = svg.lines().find(|line| line.starts_with("<path fill=\"#ff5f5f\"")).unwrap();
        assert_eq!(path.matches('M').count(), 9);
    }
}
