//! Whatever is pressed, clicked and resized, in whatever state a run is: nothing panics, and what is drawn stays within its area.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::*;

/// How many keys, mouse events and new sizes each state of a run meets.
const INPUTS: usize = 3_400;
/// What is left of and above the area, and around it: nobody may draw there.
const MARGIN: u16 = 3;
const UNTOUCHED: &str = "#";

const KEYS: [KeyCode; 21] = [
    KeyCode::Left,
    KeyCode::Right,
    KeyCode::Up,
    KeyCode::Down,
    KeyCode::Up,
    KeyCode::Down,
    KeyCode::Home,
    KeyCode::End,
    KeyCode::PageUp,
    KeyCode::PageDown,
    KeyCode::Enter,
    KeyCode::Enter,
    KeyCode::Esc,
    KeyCode::Esc,
    KeyCode::Esc,
    KeyCode::Tab,
    KeyCode::BackTab,
    KeyCode::Backspace,
    KeyCode::Delete,
    KeyCode::F(5),
    KeyCode::F(12),
];

fn any_key(random: &mut impl Rng) -> KeyCode {
    match random.random_range(0..10) {
        0..4 => KEYS[random.random_range(0..KEYS.len())],
        // The rooms, more often than chance would have it.
        4 => KeyCode::Char(char::from(random.random_range(b'1'..=b'9'))),
        9 => KeyCode::Char(['ß', '漢', '\u{301}', '\u{0}', '🎲'][random.random_range(0..5)]),
        _ => KeyCode::Char(char::from(random.random_range(b' '..=b'~'))),
    }
}

fn any_mouse(random: &mut impl Rng) -> MouseEvent {
    let kinds = [
        MouseEventKind::Down(MouseButton::Left),
        MouseEventKind::Down(MouseButton::Right),
        MouseEventKind::Up(MouseButton::Left),
        MouseEventKind::Drag(MouseButton::Left),
        MouseEventKind::ScrollUp,
        MouseEventKind::ScrollDown,
        MouseEventKind::Moved,
    ];
    let kind = kinds[random.random_range(0..kinds.len())];
    let at = |random: &mut dyn Rng, most: u16| if random.random_bool(0.02) { u16::MAX } else { random.random_range(0..most) };
    let (column, row) = (at(random, 130), at(random, 45));
    MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }
}

/// Mostly what people have, now and then what nobody has.
fn any_size(random: &mut impl Rng) -> (u16, u16) {
    match random.random_range(0..20) {
        0 => (random.random_range(0..230), random.random_range(0..70)),
        1 => (200, 60),
        _ => (random.random_range(58..130), random.random_range(18..40)),
    }
}

/// Draws with a margin, and looks at that.
fn draw_within(model: &Model, ui: &mut Ui, (width, height): (u16, u16)) {
    let whole = Rect::new(0, 0, width + 2 * MARGIN, height + 2 * MARGIN);
    let area = Rect::new(MARGIN, MARGIN, width, height);
    let mut buffer = Buffer::filled(whole, ratatui::buffer::Cell::new(UNTOUCHED));
    for position in area.positions() {
        buffer[position].reset();
    }
    let verdict = verdict::judge(model.plan(), model);
    draw(&mut buffer, area, model, &verdict, ui);
    let outside = whole.positions().filter(|position| !area.contains(*position));
    let touched = outside.into_iter().find(|position| {
        buffer[*position].symbol() != UNTOUCHED || buffer[*position].style() != Buffer::empty(Rect::new(0, 0, 1, 1))[(0, 0)].style()
    });
    assert_eq!(touched, None, "outside of {area}, in {:?}", ui.room);
}

fn meet_anything(seed: u64, models: &[Model], replay: Option<Replay>) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    for model in models {
        let mut ui = ui();
        ui.replay = replay;
        queries::name_backends(&mut ui, &"http://127.0.0.1:9".parse().unwrap());
        let mut size = (80, 24);
        for input in 0..INPUTS / models.len() {
            match random.random_range(0..10) {
                0 => size = any_size(&mut random),
                1 | 2 => drop(ui.on_mouse(any_mouse(&mut random), model)),
                3 if random.random_bool(0.2) => ui.on_paste("a\tb\u{1b}[31m{ status = error }\n漢"),
                _ => {
                    let modifiers = if random.random_bool(0.05) { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
                    if let Some(Wish::Run(scenario)) = ui.on_key(KeyEvent::new(any_key(&mut random), modifiers), model) {
                        ui.begin(scenario);
                    }
                }
            }
            ui.take_asked();
            ui.take_errand();
            if input % 8 == 0 {
                if let Some(open) = &mut ui.open {
                    open.trace = random.random_bool(0.7).then(slow_trace);
                }
                traces::answer(&mut ui, random.random_range(0..80));
                scenarios::answer(&mut ui, random.random_range(0..80));
                queries::answer(&mut ui, random.random_range(0..80));
                draw_within(model, &mut ui, size);
            }
        }
    }
}

#[test]
fn anything_may_happen_while_a_run_goes_on() {
    meet_anything(1, &[0, 1, 20, 75].map(database::with_database), None);
}

#[test]
fn anything_may_happen_after_a_run() {
    let over = |seconds| {
        let mut model = database::with_database(seconds);
        model.apply(Event { at: Duration::from_secs(seconds), fact: Fact::Finished { interrupted: seconds < 30 } });
        model
    };
    meet_anything(2, &[over(0), over(7), over(40)], None);
}

#[test]
fn anything_may_happen_in_a_replay() {
    let replay = Some(Replay { speed: 4.0, paused: false });
    meet_anything(3, &[2, 33].map(database::with_database), replay);
}
