use super::*;
use crate::event::{Exemplar, Outcome, TraceId};

/// Two faults planned for 300 to 500 ms and for 2 to 3 s, and a phase from 1 to 2 s.
fn plan() -> Plan {
    let fault = |name: &str, at: &str, duration: &str| {
        format!("[[fault]]\nname = \"{name}\"\nkind = \"db.lock\"\ntable = \"{name}\"\nat = \"{at}\"\nduration = \"{duration}\"\n")
    };
    let text = format!(
        "format = 1\ntitle = \"t\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-arrival-rate\"\nrate = 100\nduration = \"9s\"\n\
         [[load.request]]\nname = \"a\"\nget = \"http://x/\"\n{}{}[[phase]]\nname = \"p\"\nat = \"1s\"\nduration = \"1s\"\n",
        fault("a", "300ms", "200ms"),
        fault("b", "2s", "1s")
    );
    Plan::parse(&text, "t", &[]).unwrap()
}

/// Of the first fault, or of the second.
fn state_of(index: usize, started: Option<u64>, ended: Option<u64>) -> FaultState {
    let state = FaultState::new(plan().faults[index].clone(), false);
    FaultState { started: started.map(Duration::from_millis), ended: ended.map(Duration::from_millis), ..state }
}

fn state(started: Option<u64>, ended: Option<u64>) -> FaultState {
    state_of(0, started, ended)
}

fn scope(relation: Relation, stretches: &[Stretch], settle: u64) -> Scope {
    Scope { relation, stretches: stretches.to_vec(), settle: Duration::from_millis(settle) }
}

const A: Stretch = Stretch::Fault(0);
const B: Stretch = Stretch::Fault(1);
const P: Stretch = Stretch::Phase(0);

/// For each of the first twelve windows `#` where it is in the scope, `.` where it is not, `?` where that is not known.
fn picture(scope: &Scope, a: FaultState, told: u64) -> String {
    let (plan, faults) = (plan(), [a, state_of(1, None, None)]);
    let known = Known { plan: &plan, faults: &faults, told: Duration::from_millis(told), over: false };
    let sign = |index| match known.is_in(scope, &window_of(index)) {
        Some(true) => '#',
        Some(false) => '.',
        None => '?',
    };
    (0..12).map(sign).collect()
}

#[test]
fn windows_lie_in_a_scope_by_what_really_happened() {
    let really = || state(Some(350), Some(720));
    for (relation, settle, expected) in [
        (Relation::Outside, 0, "###.....####"),
        (Relation::Outside, 150, "###......###"),
        (Relation::During, 0, "....###....."),
        (Relation::Before, 0, "###........."),
        (Relation::After, 0, "........####"),
        (Relation::After, 150, ".........###"),
    ] {
        assert_eq!(picture(&scope(relation, &[A], settle), really(), 1200), expected, "{relation:?} {settle}");
    }
    assert_eq!(picture(&scope(Relation::During, &[A, P], 0), really(), 1200), "....###...##", "any of them");
    assert_eq!(picture(&scope(Relation::Before, &[A, P], 0), really(), 1200), "###.........", "all of them");
    assert_eq!(picture(&scope(Relation::Outside, &[A, P], 0), really(), 1200), "###.....##..", "none of them");
}

#[test]
fn what_is_not_known_yet_waits() {
    // Nothing told, half a second gone: it may have begun at 300 ms, when it was due.
    for (relation, expected) in [
        (Relation::Outside, "###?????????"),
        (Relation::During, "...?????????"),
        (Relation::Before, "###?????????"),
        (Relation::After, ".....???????"),
    ] {
        assert_eq!(picture(&scope(relation, &[A], 0), state(None, None), 500), expected, "{relation:?}");
    }
    // Begun and under way; windows that are not over may still see its end.
    for (relation, expected) in [
        (Relation::Outside, "###....?????"),
        (Relation::During, "...####?????"),
        (Relation::Before, "###........."),
        (Relation::After, ".......?????"),
    ] {
        assert_eq!(picture(&scope(relation, &[A], 0), state(Some(300), None), 700), expected, "{relation:?}");
    }
    // One that could not be is as if it had never been planned.
    let failed = FaultState { failed: Some("no".to_owned()), ..state(None, None) };
    assert_eq!(picture(&scope(Relation::Before, &[A], 0), failed.clone(), 700), "############");
    assert_eq!(picture(&scope(Relation::During, &[A], 0), failed, 700), "............");
}

#[test]
fn held_parts_are_counted_when_it_is_known_where_they_belong() {
    let mut plan = plan();
    let thresholds = "[thresholds]\nhttp_reqs = [\"count>0\"]\n";
    plan.thresholds = {
        let text = format!(
            "format = 1\ntitle = \"t\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-arrival-rate\"\nrate = 1\nduration = \"9s\"\n\
             [[load.request]]\nget = \"http://x/\"\n{thresholds}"
        );
        let one = Plan::parse(&text, "t", &[]).unwrap().thresholds.remove(0);
        let scopes = [Relation::Outside, Relation::During].map(|relation| scope(relation, &[A], 0));
        scopes.into_iter().map(|scope| crate::scenario::Threshold { scope: Some(scope), ..one.clone() }).collect()
    };
    let mut totals = ScopedTotals::new(&plan);
    let offered = |totals: &ScopedTotals| totals.0.iter().map(|one| one.loads[0].offered).collect::<Vec<_>>();
    let silent = [state(None, None), state_of(1, None, None)];
    let known = Known { plan: &plan, faults: &silent, told: Duration::from_millis(600), over: false };
    for index in [0, 3, 4, 5] {
        let window = LoadWindow { index, offered: 10_u32.pow(u32::try_from(index).unwrap()), ..LoadWindow::default() };
        totals.add(&Part::Window(&window), known);
    }
    assert_eq!(offered(&totals), [1, 0], "the others wait");
    let begun = [state(Some(380), None), state_of(1, None, None)];
    totals.settle(Known { faults: &begun, ..known });
    assert_eq!(offered(&totals), [1, 110_000], "the window in which it began is neither");
    let ended = [state(Some(380), Some(590)), state_of(1, None, None)];
    totals.settle(Known { faults: &ended, ..known });
    assert_eq!(offered(&totals), [1, 110_000]);
    assert!(totals.0.iter().all(|one| one.held.is_empty()));
}

#[test]
fn a_request_that_a_fault_finds_under_way_is_neither_before_it_nor_outside() {
    let plan = plan();
    let faults = [state(Some(350), Some(720)), state_of(1, None, None)];
    let known = Known { plan: &plan, faults: &faults, told: Duration::from_secs(9), over: true };
    let has = |relation, stretch, micros| {
        let request = Exemplar {
            load: 0,
            request: 0,
            at: Duration::from_millis(290),
            micros,
            trace_id: TraceId([1; 16]),
            outcome: Outcome::Status(200),
            failed: false,
        };
        let window = LoadWindow { index: 2, exemplars: vec![request], ..LoadWindow::default() };
        known.has(&scope(relation, &[stretch], 0), &Part::Window(&window).piece())
    };
    for relation in [Relation::Before, Relation::Outside] {
        assert_eq!([has(relation, A, 60_000), has(relation, A, 60_001)], [Some(true), Some(false)], "{relation:?}");
        assert_eq!(has(relation, P, 900_000), Some(true), "a phase disturbs nothing: {relation:?}");
    }
    assert_eq!([has(Relation::During, A, 60_001), has(Relation::After, A, 60_001)], [Some(false), Some(false)]);
}

#[test]
fn time_in_a_scope_is_that_of_its_windows() {
    let plan = plan();
    let faults = [state(Some(250), Some(449)), state_of(1, Some(400), Some(520))];
    let time = |relation, stretches: &[Stretch], settle, due| {
        let known = Known { plan: &plan, faults: &faults, told: Duration::from_secs(9), over: false };
        known.time_in(&scope(relation, stretches, settle), Duration::from_millis(due)).as_millis()
    };
    assert_eq!(time(Relation::Outside, &[A], 0, 1000), 700);
    assert_eq!(time(Relation::Outside, &[A, B], 0, 1000), 600, "what two took counts once");
    assert_eq!(time(Relation::Outside, &[A, B, P], 0, 450), 200, "only what is due");
    assert_eq!(time(Relation::Outside, &[A], 60, 1000), 600);
    assert_eq!(time(Relation::During, &[A], 0, 1000), 100);
    assert_eq!(time(Relation::During, &[A, P], 0, 1500), 600);
    assert_eq!(time(Relation::Before, &[A, B], 0, 1000), 200);
    assert_eq!(time(Relation::After, &[A, B], 100, 1000), 300);
    let unknown = [state(None, None), state_of(1, Some(400), None)];
    let known = Known { plan: &plan, faults: &unknown, told: Duration::from_secs(9), over: true };
    let time = |relation, stretch| known.time_in(&scope(relation, &[stretch], 0), Duration::from_secs(1)).as_millis();
    assert_eq!([time(Relation::Before, A), time(Relation::During, A), time(Relation::After, A)], [1000, 0, 0], "it never was");
    assert_eq!([time(Relation::Before, B), time(Relation::During, B), time(Relation::After, B)], [400, 600, 0], "it goes on");
}
