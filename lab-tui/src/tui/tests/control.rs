//! The room of control.

use lab_facts::event::{Command, Control};
use lab_facts::scenario::{Fault, FaultKind, ServiceError};

use super::*;
use crate::tui::errand::Errand;
use crate::tui::{Origin, Room};

const SERVICES: [&str; 3] = ["frontend", "dice-roller", "die-service"];

fn in_room() -> Ui {
    let mut ui = ui();
    let text = shipped("first-minute").unwrap();
    let plan = Plan::parse(text, "first-minute", &SERVICES).unwrap();
    ui.control.offer(Origin {
        name: "first-minute".to_owned(),
        text: Some(text.to_owned()),
        plan: Arc::new(plan),
        time_scale: 1.0,
        folder: None,
        services: SERVICES.map(str::to_owned).to_vec(),
        pages: std::collections::BTreeMap::new(),
    });
    ui.room = Room::Control;
    ui
}

fn errors(duration: Duration) -> Fault {
    let requests = lab_facts::scenario::Affected { service: "frontend".to_owned(), route: None, probability: 1.0 };
    let kind = FaultKind::ServiceError(ServiceError { requests, status: 503 });
    Fault { name: "service.error by hand".to_owned(), at: Duration::from_millis(8_100), duration, kind }
}

/// Calm, until somebody does something: the rate and a pause, a fault that is over and one that goes on.
fn busy(seconds: u64) -> Model {
    let mut model = model(seconds);
    let mut apply = |millis, fact| model.apply(Event { at: Duration::from_millis(millis), fact });
    apply(3_000, Fact::Control { change: Control::Rate(1.3) });
    apply(5_050, Fact::Control { change: Control::Paused });
    apply(6_200, Fact::Control { change: Control::Resumed });
    apply(8_100, Fact::FaultByHand(errors(Duration::from_secs(3))));
    apply(8_110, Fact::Fault { index: 1, change: FaultChange::Started });
    apply(9_950, Fact::Fault { index: 1, change: FaultChange::Touched(37) });
    apply(9_960, Fact::Fault { index: 1, change: FaultChange::CutShort });
    apply(9_961, Fact::Fault { index: 1, change: FaultChange::Ended });
    apply(10_400, Fact::FaultByHand(Fault { name: "service.error by hand 2".to_owned(), ..errors(Fault::UNTIL_ENDED) }));
    apply(10_410, Fact::Fault { index: 2, change: FaultChange::Started });
    model
}

#[test]
fn each_state_at_each_size() {
    for size in SIZES {
        let shown = |model: &Model, keys: &[KeyCode]| {
            let mut ui = in_room();
            press(&mut ui, model, keys);
            text(&drawn(model, &mut ui, size))
        };
        let name = |state: &str| format!("control_{state}_{}x{}", size.0, size.1);
        insta::assert_snapshot!(name("idle"), shown(&model(8), &[]));
        insta::assert_snapshot!(name("fault"), shown(&busy(12), &[KeyCode::Up]));
        let refused = [KeyCode::Down, KeyCode::Down, KeyCode::Right, KeyCode::Down, KeyCode::Down, KeyCode::Down];
        let refused: Vec<KeyCode> = refused.into_iter().chain("many".chars().map(KeyCode::Char)).collect();
        insta::assert_snapshot!(name("refused"), shown(&model(8), &refused));
        let mut replayed = ui();
        (replayed.room, replayed.replay) = (Room::Control, Some(Replay { speed: 1.0, paused: false }));
        insta::assert_snapshot!(name("replay"), text(&drawn(&busy(12), &mut replayed, size)));
    }
}

#[test]
fn a_fault_is_typed_begun_and_ended() {
    let (mut model, mut ui) = (model(8), in_room());
    // service.error, another service, half of the requests, until it is ended.
    let keys = [KeyCode::Down, KeyCode::Down, KeyCode::Right, KeyCode::Right, KeyCode::Down, KeyCode::Down];
    press(&mut ui, &model, &keys);
    press(&mut ui, &model, &"0.5".chars().map(KeyCode::Char).collect::<Vec<_>>());
    assert_eq!(ui.room, Room::Control, "digits are letters here");
    press(&mut ui, &model, &[KeyCode::Down, KeyCode::Down, KeyCode::Backspace, KeyCode::Backspace, KeyCode::Backspace, KeyCode::Enter]);
    let Some(Command::Inject { kind, duration }) = ui.take_asked() else { panic!("nothing was asked") };
    assert_eq!((kind.to_string().as_str(), duration), ("50 % of dice-roller answers 500", Fault::UNTIL_ENDED));
    // Its row is chosen as soon as it is there, and Enter ends it.
    let mut apply = |millis, fact| model.apply(Event { at: Duration::from_millis(millis), fact });
    apply(8_100, Fact::FaultByHand(Fault { kind, ..errors(duration) }));
    apply(8_110, Fact::Fault { index: 1, change: FaultChange::Started });
    assert!(text(&drawn(&model, &mut ui, (80, 24))).contains("▸ ● service.error by hand"));
    press(&mut ui, &model, &[KeyCode::Enter]);
    assert_eq!(ui.take_asked(), Some(Command::EndFault { index: 1 }));
    model.apply(Event { at: Duration::from_millis(8_900), fact: Fact::Fault { index: 1, change: FaultChange::Ended } });
    assert!(text(&drawn(&model, &mut ui, (80, 24))).contains("▸ service.error"));
    // Keys of all rooms work again.
    press(&mut ui, &model, &[KeyCode::Char('+')]);
    assert_eq!(ui.take_asked(), Some(Command::Rate(1.1)));
    press(&mut ui, &model, &[KeyCode::Char('1')]);
    assert_eq!(ui.room, Room::Run);
}

#[test]
fn what_cannot_be_begun_says_why() {
    let (model, mut ui) = (model(12), in_room());
    // A table that the plan locks from 15 s on.
    press(&mut ui, &model, &[KeyCode::Down]);
    let shown = text(&drawn(&model, &mut ui, (120, 36)));
    let why = "`table locked` is to disturb the table `die_specifications`";
    assert!(shown.contains(why), "{shown}");
    press(&mut ui, &model, &[KeyCode::Enter]);
    assert_eq!(ui.take_asked(), None);
    // For a shorter time it can be.
    press(&mut ui, &model, &[KeyCode::Right, KeyCode::Down, KeyCode::Left, KeyCode::Left, KeyCode::Enter]);
    let Some(Command::Inject { kind, duration }) = ui.take_asked() else { panic!("nothing was asked") };
    assert_eq!((kind.to_string().as_str(), duration), ("locks die_specifications", Duration::from_secs(2)));
    // One of the plan is ended as well, and Enter in a run that is over says that it is.
    let mut model = super::model(18);
    press(&mut ui, &model, &[KeyCode::Esc, KeyCode::Up, KeyCode::Up, KeyCode::Enter]);
    assert_eq!(ui.take_asked(), Some(Command::EndFault { index: 0 }));
    model.apply(Event { at: Duration::from_secs(18), fact: Fact::Finished { interrupted: false } });
    press(&mut ui, &model, &[KeyCode::Enter]);
    assert_eq!((ui.take_asked(), ui.note.as_deref()), (None, Some("The run is over. Faults need one that goes on.")));
    let plan = "format = 1\ntitle = \"t\"\nstack = \"none\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-vus\"\nduration = \"1s\"\n\
                [[load.request]]\nget = \"http://x/\"\n";
    let none = Model::new(Arc::new(Plan::parse(plan, "t", &[]).unwrap()));
    let shown = text(&drawn(&none, &mut ui, (80, 24)));
    assert!(shown.contains("The stack of this run is none") && shown.contains("its users have no rate"), "{shown}");
    let attached = Model::new(Arc::new(Plan::parse(&plan.replace("none", "attach"), "t", &[]).unwrap()));
    press(&mut ui, &attached, &[KeyCode::Enter]);
    let why = "This run is attached to what ran before it: the lab disturbs nothing that is not its own.";
    assert_eq!((ui.take_asked(), ui.note.as_deref()), (None, Some(why)));
}

#[test]
fn all_of_it_is_saved_as_a_scenario() {
    let mut ui = in_room();
    press(&mut ui, &model(8), &[KeyCode::Char('S')]);
    assert!(ui.take_errand().is_none() && ui.note.as_ref().unwrap().starts_with("nothing was done by hand yet"));
    press(&mut ui, &busy(12), &[KeyCode::Char('S')]);
    let Some(Errand::Keep { stem, text, .. }) = ui.take_errand() else { panic!("nothing is kept") };
    assert_eq!(stem, "first-minute-by-hand");
    insta::assert_snapshot!("control_saved", text);
    let plan = Plan::parse(&text, "saved", &SERVICES).unwrap();
    assert_eq!(
        plan.faults.iter().map(|fault| fault.name.as_str()).collect::<Vec<_>>(),
        ["table locked", "service.error by hand", "service.error by hand 2"]
    );
    let folder = tempfile::tempdir().unwrap();
    let keep = Errand::Keep { stem, text, folder: folder.path().to_owned() };
    let told = [keep.run(&mut Vec::new()), keep.run(&mut Vec::new())];
    assert!(told[0].contains("first-minute-by-hand.toml;") && told[1].contains("first-minute-by-hand-2.toml;"), "{told:?}");
}

#[test]
fn clicks_and_the_palette_lead_to_the_fields() {
    let (model, mut ui) = (model(8), in_room());
    let click = |ui: &mut Ui, found: &str| {
        let shown = text(&drawn(&model, ui, (120, 36)));
        let (row, line) = shown.lines().enumerate().find(|(_, line)| line.contains(found)).unwrap();
        let column = line[..line.find(found).unwrap()].chars().count();
        let at = |number: usize| u16::try_from(number).unwrap();
        let kind = MouseEventKind::Down(MouseButton::Left);
        ui.on_mouse(MouseEvent { kind, column: at(column), row: at(row), modifiers: KeyModifiers::NONE }, &model);
    };
    click(&mut ui, "service.latency");
    click(&mut ui, "latency      200ms");
    assert!(ui.is_writing());
    press(&mut ui, &model, &[KeyCode::Right, KeyCode::Enter]);
    assert!(matches!(ui.take_asked(), Some(Command::Inject { kind: FaultKind::ServiceLatency(_), .. })));
    ui.room = Room::Run;
    press(&mut ui, &model, &":inject db".chars().map(KeyCode::Char).collect::<Vec<_>>());
    press(&mut ui, &model, &[KeyCode::Enter]);
    assert!(ui.room == Room::Control && ui.is_writing());
    ui.on_paste("_and_more\n");
    assert!(text(&drawn(&model, &mut ui, (120, 36))).contains("die_specifications_and_more"));
}

#[test]
fn random_keys_and_sizes_do_no_harm() {
    let seed = rand::random();
    println!("seed {seed}");
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let codes = [
        KeyCode::Left,
        KeyCode::Right,
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::Enter,
        KeyCode::Esc,
        KeyCode::Tab,
        KeyCode::BackTab,
        KeyCode::Backspace,
        KeyCode::Home,
    ];
    let letters: Vec<char> = "Sjkhl0159.smß/ +-e".chars().collect();
    for seconds in [0, 8, 12, 40] {
        let (model, mut ui) = (busy(seconds), in_room());
        for _ in 0..500 {
            let letter = KeyCode::Char(letters[random.random_range(0..letters.len())]);
            let code = if random.random_bool(0.5) { letter } else { codes[random.random_range(0..codes.len())] };
            press(&mut ui, &model, &[code]);
            drawn(&model, &mut ui, (random.random_range(0..230), random.random_range(0..70)));
            ui.room = Room::Control;
        }
    }
}
