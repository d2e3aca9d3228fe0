//! The keys that change the pace, and what shows that it is changed.

use lab_facts::event::{Command, Control, Pace};

use super::*;

fn asked(ui: &mut Ui, model: &Model, key: char) -> Option<Command> {
    press(ui, model, &[KeyCode::Char(key)]);
    ui.take_asked()
}

#[test]
fn each_step_counts_and_the_ends_hold() {
    let (mut model, mut ui) = (model(8), ui());
    // Before any of them is obeyed.
    assert_eq!(['+', '=', '+'].map(|key| asked(&mut ui, &model, key)), [1.1, 1.2, 1.3].map(|factor| Some(Command::Rate(factor))));
    assert_eq!([' ', ' '].map(|key| asked(&mut ui, &model, key)), [Some(Command::Pause), Some(Command::Resume)]);
    assert_eq!(asked(&mut ui, &model, 'j'), None);
    let lowest = (0..20).map(|_| asked(&mut ui, &model, '-')).collect::<Vec<_>>();
    assert_eq!((&lowest[11], &lowest[12], &lowest[19]), (&Some(Command::Rate(Pace::SLOWEST)), &None, &None));
    let highest = (0..200).filter_map(|_| asked(&mut ui, &model, '+')).last();
    assert_eq!(highest, Some(Command::Rate(Pace::FASTEST)));
    // What lies over the screen has keys of its own; in an open trace these work as well.
    press(&mut ui, &model, &[KeyCode::Char('e')]);
    assert_eq!(asked(&mut ui, &model, ' '), None);
    press(&mut ui, &model, &[KeyCode::Esc, KeyCode::Enter]);
    assert!(ui.open.is_some());
    assert_eq!(asked(&mut ui, &model, ' '), Some(Command::Pause));
    ui.begin(0);
    assert_eq!(asked(&mut ui, &model, '-'), Some(Command::Rate(0.9)), "another run begins as planned");
    model.apply(Event { at: Duration::from_secs(9), fact: Fact::Finished { interrupted: false } });
    assert_eq!(['+', '-', ' '].map(|key| asked(&mut ui, &model, key)), [const { None }; 3]);
}

#[test]
fn a_changed_pace_is_seen_in_the_header_and_among_the_events() {
    let mut model = model(8);
    for (at, change) in [(6, Control::Rate(1.3)), (7, Control::Paused)] {
        model.apply(Event { at: Duration::from_secs(at), fact: Fact::Control { change } });
    }
    let mut ui = ui();
    // Whoever has acted sees events in place of suggestions.
    press(&mut ui, &model, &[KeyCode::Tab]);
    for size in SIZES {
        let shown = text(&drawn(&model, &mut ui, size));
        assert!(shown.lines().next().unwrap().contains("20/s  ×1.3 paused  p99"), "{size:?}\n{shown}");
        assert!(shown.contains("paused: nothing new is sent"), "{size:?}\n{shown}");
    }
    let shown = text(&drawn(&model, &mut ui, (200, 60)));
    assert!(shown.contains("0:06  rates are ×1.3 of what is planned"), "{shown}");
    for (at, change) in [(8, Control::Resumed), (9, Control::Rate(1.0))] {
        model.apply(Event { at: Duration::from_secs(at), fact: Fact::Control { change } });
    }
    let shown = text(&drawn(&model, &mut ui, (80, 24)));
    assert!(shown.lines().next().unwrap().contains("20/s  p99"), "{shown}");
}

/// Users have no rate; what ends when all is done says so.
#[test]
fn a_run_of_users_alone_can_only_be_paused() {
    let text_of =
        |keys: &str| format!("format = 1\ntitle = \"t\"\n[[load]]\nname = \"l\"\n{keys}\n[[load.request]]\nget = \"http://a/\"\n");
    for (keys, time) in [
        ("executor = \"shared-iterations\"\nmax_duration = \"90s\"", "0:00 of 1:30 at most  0/s"),
        ("executor = \"constant-vus\"\nduration = \"90s\"", "0:00 of 1:30  0/s"),
    ] {
        let model = Model::new(Arc::new(Plan::parse(&text_of(keys), "t", &[]).unwrap()));
        let mut ui = ui();
        assert_eq!(['+', '-', ' '].map(|key| asked(&mut ui, &model, key)), [None, None, Some(Command::Pause)]);
        assert!(text(&drawn(&model, &mut ui, (120, 36))).contains(time), "{}", text(&drawn(&model, &mut ui, (120, 36))));
    }
}
