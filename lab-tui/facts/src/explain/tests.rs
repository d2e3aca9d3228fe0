//! Scripted runs, one for each kind of fault there is: what is named, and that a calm run names nothing.

use std::sync::Arc;
use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::examples::typical;
use super::side::Side;
use super::*;
use crate::event::{
    Breakdown, Cell, Chosen, Event, Fact, FaultChange, Hop, HopKind, LoadWindow, Outcome, Pool, ProcessChange, Samples, TraceId, Trait,
};
use crate::model::Model;
use crate::scenario::Plan;

const SERVICES: [&str; 3] = ["frontend", "dice-roller", "die-service"];
const SECONDS: u64 = 30;
const RATE: u64 = 20;
/// When the fault is on.
const FROM: u64 = 12;
const TO: u64 = 17;

fn plan(kind: &str) -> Arc<Plan> {
    let fault = if kind.is_empty() {
        String::new()
    } else {
        format!("[[fault]]\nname = \"trouble\"\nat = \"{FROM}s\"\nduration = \"{}s\"\nkind = {kind}\n", TO - FROM)
    };
    let text = format!(
        "format = 1\ntitle = \"t\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-arrival-rate\"\nrate = {RATE}\nduration = \"{SECONDS}s\"\n\
         service = \"frontend\"\n[[load.request]]\nname = \"roll\"\nget = \"/roll\"\n[[phase]]\nname = \"middle\"\nat = \"10s\"\nduration = \"10s\"\n{fault}"
    );
    Arc::new(Plan::parse(&text, "t", &SERVICES).unwrap())
}

/// What a request is made of, in microseconds, and what its spans say.
#[derive(Clone)]
struct Went {
    own: [u32; 3],
    pool: u32,
    database: u32,
    network: u32,
    outcome: Outcome,
    says: Vec<(&'static str, &'static str, &'static str)>,
}

impl Went {
    fn breakdown(self, number: u64, at: Duration) -> Breakdown {
        let hop = |kind, name: &str, micros| (Arc::new(Hop { kind, name: name.into() }), micros);
        let mut parts = vec![
            hop(HopKind::Pool, SERVICES[2], self.pool),
            hop(HopKind::Database, "postgresql", self.database),
            hop(HopKind::Network, "lab → frontend", self.network),
        ];
        parts.extend(SERVICES.iter().zip(self.own).map(|(name, micros)| hop(HopKind::Service, name, micros)));
        let one =
            |(service, key, value): (&str, &str, &str)| Arc::new(Trait { service: service.into(), key: key.into(), value: value.into() });
        let status = self.outcome.to_string();
        let mut traits: Vec<Arc<Trait>> = self.says.iter().copied().map(one).collect();
        traits.push(one(("frontend", "http.route", "/roll")));
        traits.push(one(("lab", "http.response.status_code", &status)));
        Breakdown {
            at,
            load: 0,
            trace_id: TraceId((u128::from(number) + 1).to_be_bytes()),
            outcome: self.outcome,
            failed: Some(self.outcome != Outcome::Status(200)),
            chosen: Chosen::Sampled,
            whole: true,
            micros: parts.iter().map(|(_, micros)| micros).sum(),
            parts,
            traits,
        }
    }
}

/// A run in which requests go as `change` makes it while the fault is on, and else as on a calm day: skewed, with a tail.
fn run(seed: u64, kind: &str, mut change: impl FnMut(u64, &mut Went)) -> Model {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut model = Model::new(plan(kind));
    let mut apply = |at: Duration, fact| model.apply(Event { at, fact });
    let disturbed = !kind.is_empty();
    for second in 0..SECONDS {
        let is_on = disturbed && (FROM..TO).contains(&second);
        let start = Duration::from_secs(second);
        for (at, became) in [(FROM, FaultChange::Started), (TO, FaultChange::Ended)] {
            if disturbed && second == at {
                apply(start, Fact::Fault { index: 0, change: became });
            }
        }
        let (mut all, mut cells) = (Vec::new(), Vec::new());
        for number in second * RATE..(second + 1) * RATE {
            let mut time = |micros: f64| {
                let draw: f64 = random.random();
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some thousands of microseconds")]
                let micros = (micros * (1.0 - 0.4 * (1.0 - draw).ln())) as u32;
                micros
            };
            let mut went = Went {
                own: [time(400.0), time(300.0), time(300.0)],
                pool: time(50.0),
                database: time(500.0),
                network: time(1_500.0),
                outcome: Outcome::Status(200),
                says: vec![("die-service", "die.identifier", ["fair", "risky"][usize::try_from(number % 2).unwrap()])],
            };
            if is_on {
                change(number, &mut went);
            }
            let one = went.breakdown(number, start + Duration::from_millis(50) * u32::try_from(number % RATE).unwrap());
            let times = Samples::from_micros(vec![one.micros]);
            cells.push(Cell { request: 0, outcome: one.outcome, response_time: times.clone(), service_time: times });
            all.push(one);
        }
        apply(start, Fact::Window(LoadWindow { index: second * 10, offered: 20, cells, ..LoadWindow::default() }));
        apply(start, Fact::Breakdowns(all));
        let pending = if is_on && kind.contains("db.lock") { 30 } else { 0 };
        apply(start, Fact::Pool(Pool { service: SERVICES[2].to_owned(), used: 1 + pending / 4, idle: 1, pending, max: 10 }));
        apply(start + Duration::from_millis(999), Fact::Tick);
    }
    model
}

fn attributed(contrast: &Contrast) -> Vec<&str> {
    contrast.attributed().map(|hop| hop.hop.as_str()).collect()
}

fn says(contrast: &Contrast) -> Vec<String> {
    contrast.over_represented.iter().map(|one| format!("{} {}={}", one.service, one.key, one.value)).collect()
}

const LOCK: &str = "\"db.lock\"\ntable = \"t\"";
const LATENCY: &str = "\"service.latency\"\nservice = \"dice-roller\"\nlatency = \"300ms\"";
const ERROR: &str = "\"service.error\"\nservice = \"die-service\"\nprobability = 0.5";
const MOODY: &str = "\"dice.error_rate\"\ndie = \"fair\"\nrate = 0.5";

#[test]
fn a_calm_run_names_nothing() {
    for seed in 0..20 {
        let model = run(seed, "", |_, _| {});
        let whole = whole_run(&model);
        assert!(!whole.says_something() && whole.contrasts.is_empty(), "{}", text(&whole));
        assert!(text(&whole).contains("\nnothing stands apart: the slowest hundredth begins at "), "{}", text(&whole));
        for moment in [5, 15, 29] {
            let window = at(&model, Duration::from_secs(moment));
            assert!(!window.says_something(), "{}", text(&window));
            assert_eq!(window.nothing.as_deref(), Some("nothing tells the two apart"));
        }
        let other = run(seed + 1_000, "", |_, _| {});
        let runs = against(("a", &model), ("b", &other));
        assert!(!runs.says_something(), "{}", text(&runs));
    }
}

#[test]
fn a_locked_table_is_time_in_the_pool_and_in_the_database() {
    let model = run(1, LOCK, |number, went| {
        // One in five holds a connection and waits for the lock, the others wait for a connection.
        if number % 5 == 0 { went.database += 2_500_000 } else { went.pool += 1_000_000 }
    });
    for explanation in [whole_run(&model), at(&model, Duration::from_secs(14))] {
        let [contrast] = explanation.contrasts.as_slice() else { panic!("{}", text(&explanation)) };
        assert_eq!(attributed(contrast), ["connection pool of die-service", "postgresql (database)"], "{}", text(&explanation));
        assert!(says(contrast).is_empty(), "{}", text(&explanation));
        let coincides: Vec<(&str, &str)> = contrast.coincides.iter().map(|one| (one.kind, one.name.as_str())).collect();
        assert_eq!(coincides[0], ("fault", "trouble"), "{}", text(&explanation));
        assert_eq!((contrast.pools[0].service.as_str(), contrast.pools[0].pending_max), ("die-service", 30));
        assert_eq!((contrast.subject_examples.len(), contrast.baseline_examples.len()), (3, 3));
        assert!(contrast.subject_examples[0].ms > 2_500.0 && contrast.baseline_examples.iter().all(|one| one.ms < 20.0));
        // The growths of all hops are the whole difference.
        let all: f64 = contrast.hops.iter().map(|hop| hop.growth_ms).sum();
        let difference = contrast.subject_ms.unwrap() - contrast.baseline_ms.unwrap();
        assert!((all / difference - 1.0).abs() < 0.05, "{all} of {difference}");
        assert!(!text(&explanation).contains("caused"));
        // A large share that chance may explain is no less seen.
        let mut unsure = contrast.clone();
        unsure.hops[1].attributed = false;
        let told = contrast_text(&unsure);
        let (certain, rest) = told.split_once("\n  more time at these as well, but not certain\n    postgresql (database) ").unwrap();
        assert!(certain.contains("connection pool of die-service") && !rest.contains("postgresql"), "{told}");
    }
}

#[test]
fn a_slow_service_is_its_own_time() {
    let model = run(2, LATENCY, |_, went| {
        went.own[1] += 300_000;
        went.says.push(("dice-roller", "server.slow", "yes"));
    });
    let explanation = whole_run(&model);
    let [contrast] = explanation.contrasts.as_slice() else { panic!("{}", text(&explanation)) };
    assert_eq!(attributed(contrast), ["dice-roller (own time)"]);
    assert_eq!(says(contrast), ["dice-roller server.slow=yes"]);
    assert_eq!((contrast.over_represented[0].subject, contrast.over_represented[0].baseline), (100, 0));
    assert!((contrast.hops[0].share.unwrap() - 1.0).abs() < 0.02);
    assert!(sentence(&explanation).contains(": attributed to dice-roller (own time) (100 %)"), "{}", sentence(&explanation));
    // Against a run without it, and the other way round: what is faster is no reason to be slow.
    let calm = run(3, "", |_, _| {});
    let runs = against(("bad", &model), ("good", &calm));
    assert_eq!(attributed(&runs.contrasts[0]), ["dice-roller (own time)"], "{}", text(&runs));
    let back = against(("good", &calm), ("bad", &model));
    assert!(attributed(&back.contrasts[0]).is_empty() && !back.says_something(), "{}", text(&back));
}

#[test]
fn failures_name_no_hop_but_where_they_began() {
    let cases: [(&str, &str, u16, [&str; 2]); 2] = [
        (ERROR, "die-service", 503, ["die-service http.response.status_code=500", "lab http.response.status_code=503"]),
        (MOODY, "dice-roller", 500, ["dice-roller http.response.status_code=500", "lab http.response.status_code=500"]),
    ];
    for (kind, service, status, expected) in cases {
        let model = run(4, kind, |number, went| {
            if number % 2 == 0 {
                went.outcome = Outcome::Status(status);
                went.says.push((service, "http.response.status_code", "500"));
            }
        });
        for explanation in [whole_run(&model), at(&model, Duration::from_secs(14))] {
            let [contrast] = explanation.contrasts.as_slice() else { panic!("{}", text(&explanation)) };
            assert!(attributed(contrast).is_empty(), "{}", text(&explanation));
            let first = &contrast.over_represented[0];
            assert_eq!([says(contrast)[0].as_str(), first.alike[0].as_str()], expected, "{}", text(&explanation));
            assert!(first.p < 0.01);
            assert_eq!(contrast.coincides[0].name, "trouble");
            assert!(explanation.says_something() && explanation.nothing.is_none());
        }
    }
}

#[test]
fn what_failed_at_once_is_not_normal() {
    let model = run(6, LATENCY, |number, went| match number % 2 {
        0 => went.own[1] += 300_000,
        _ => went.outcome = Outcome::Status(503),
    });
    let explanation = whole_run(&model);
    let slow = &explanation.contrasts[0];
    assert_eq!(slow.baseline, "normal ones");
    // 20 a second in the 25 s without a fault.
    assert!((400..=500).contains(&slow.baseline_requests), "{}", text(&explanation));
    assert!(slow.baseline_examples.iter().all(|one| one.outcome == "200"), "{}", text(&explanation));
}

#[test]
fn no_failure_stands_for_what_is_normal() {
    let outcomes = |failing: u64| {
        let model = run(7, ERROR, |number, went| {
            if number % 4 < failing {
                went.outcome = Outcome::Status(503);
            }
        });
        let disturbed = model.breakdowns().iter().filter(|one| (FROM..TO).contains(&one.at.as_secs())).collect();
        let side = Side::of_requests("disturbed".to_owned(), &model, disturbed);
        typical(&side).into_iter().map(|one| one.outcome).collect::<Vec<_>>()
    };
    // Three of four failed, yet the fourth is shown; where there is no other, failures are.
    assert_eq!(outcomes(3), ["200"; 3]);
    assert_eq!(outcomes(4), ["503"; 3]);
}

#[test]
fn time_between_services_and_restarts_are_told() {
    let mut model = run(5, LATENCY, |_, went| went.network += 80_000);
    for (at, change) in [(12, ProcessChange::Exited("signal 9".to_owned())), (15, ProcessChange::Restarted)] {
        model.apply(Event { at: Duration::from_secs(at), fact: Fact::Process { name: "dice-roller".to_owned(), change } });
    }
    let explanation = whole_run(&model);
    assert_eq!(attributed(&explanation.contrasts[0]), ["network lab → frontend"]);
    let told: Vec<(&str, &str)> = explanation.contrasts[0].coincides.iter().map(|one| (one.kind, one.name.as_str())).collect();
    assert!(told.contains(&("process", "dice-roller")) && told.contains(&("phase", "middle")), "{told:?}");
}

#[test]
fn the_bands_add_up_to_the_response_time() {
    let model = run(6, LATENCY, |_, went| went.own[1] += 300_000);
    let all = bands(&model, 0..SECONDS);
    assert_eq!(all.iter().map(|band| band.name).collect::<Vec<_>>(), ["to p50", "p50 to p95", "p95 to p99", "from p99"]);
    assert_eq!(all.iter().map(|band| band.requests).sum::<usize>(), 600);
    for band in &all {
        let sum: f64 = band.parts.iter().map(|part| part.ms).sum();
        assert!((sum / band.mean_ms.unwrap() - 1.0).abs() < 1e-9, "{band:?}");
    }
    let slowest = |band: &Band| band.parts.iter().max_by(|a, b| a.ms.total_cmp(&b.ms)).unwrap().hop.clone();
    assert_eq!((slowest(&all[0]), slowest(&all[3])), ("network lab → frontend".to_owned(), "dice-roller (own time)".to_owned()));
    // A window before the fault knows nothing of it.
    let before = bands(&model, 0..FROM);
    assert!(before.iter().all(|band| slowest(band) == "network lab → frontend"));
    assert!(bands(&model, 100..200).is_empty());
}

#[test]
fn without_traces_nothing_is_said_and_why_is() {
    let mut model = Model::new(plan(""));
    model.apply(Event { at: Duration::from_secs(20), fact: Fact::Tick });
    let explanation = whole_run(&model);
    assert_eq!((explanation.requests, explanation.says_something()), (0, false));
    assert!(sentence(&explanation).starts_with("too few traces have come in"));
    assert!(at(&model, Duration::from_secs(3)).nothing.unwrap().starts_with("there is no calm second"));
}
