//! A simulated hour of heavy load, and what of this program's memory it takes. A test program of its own: nothing else may run in it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

use std::sync::Arc;
use std::time::Duration;

use lab_facts::event::{
    Breakdown, Cell, Chosen, DatabaseActivity, DatabaseSample, EdgeCalls, Event, Exemplar, Fact, FaultChange, Hop, HopKind, HopSpans,
    LoadWindow, Outcome, Pool, Samples, Session, SessionState, TraceId, Trait, Wait,
};
use lab_facts::model::Model;
use lab_facts::scenario::Plan;
use lab_facts::verdict;
// It brings the allocator.
use lab_instrument as _;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};

const HOUR: u64 = 3_600;
/// 5,000 requests a second over three loads, in windows of a tenth of a second.
const LOADS: usize = 3;
const PER_WINDOW: usize = 5_000 / 10 / LOADS;
const HOPS: [&str; 4] = ["frontend", "dice-roller", "die-service", "postgresql"];
const MOST: u64 = 64 << 20;
/// What the spans of one request of `lab run first-minute` say.
const TRAITS: u64 = 72;

fn plan() -> Plan {
    let mut text = "format = 1\ntitle = \"t\"\n".to_owned();
    for load in 0..LOADS {
        text += &format!("[[load]]\nname = \"{load}\"\nexecutor = \"constant-arrival-rate\"\nrate = 1667\nduration = \"1h\"\n");
        text += "[[load.request]]\nname = \"a\"\nget = \"http://x/\"\n[[load.request]]\nname = \"b\"\nget = \"http://x/\"\n";
    }
    text += "[[fault]]\nname = \"f\"\nkind = \"db.lock\"\ntable = \"t\"\nat = \"20m\"\nduration = \"1m\"\n\
             [thresholds]\nhttp_req_duration = [\"p(95)<9999\", { threshold = \"p(95)<9999\", outside = \"f\" }, \
             { threshold = \"p(95)<9999\", during = \"f\" }]\n";
    Plan::parse(&text, "t", &[]).unwrap()
}

/// Latencies from a millisecond to half a minute, spread evenly over their orders of magnitude: harder to keep than real ones.
fn latencies(random: &mut StdRng, count: usize) -> Samples {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number of microseconds")]
    let one = |share: f64| (1_000.0 * 30_000_f64.powf(share)) as u32;
    Samples::from_micros((0..count).map(|_| one(random.random())).collect())
}

/// As many requests as are looked at in half a second, each with as many parts and traits as the lab's own services make; some of these new each time.
fn looked_at(second: u64, half: u64) -> Vec<Breakdown> {
    let hop = |number: u64| Arc::new(Hop { kind: HopKind::Service, name: format!("service {}", (second * 31 + number) % 300).into() });
    let says = |number: u64| {
        Arc::new(Trait {
            service: "s".into(),
            key: format!("key {number}").into(),
            value: format!("value {}", (second * TRAITS + number) % 9_000).into(),
        })
    };
    let one = |number: u64| Breakdown {
        at: Duration::from_millis(second * 1000 + half * 500),
        load: 0,
        trace_id: TraceId((u128::from(second * 100 + half * 50 + number + 1)).to_be_bytes()),
        outcome: Outcome::Status(200),
        failed: Some(false),
        chosen: Chosen::Sampled,
        whole: true,
        micros: 9,
        parts: (0..9).map(|number| (hop(number), 1)).collect(),
        traits: (0..TRAITS).map(says).collect(),
    };
    (0..15).map(one).collect()
}

/// As many sessions as are told at most, all of them busy, each with a statement that nobody had before.
fn database(second: u64) -> DatabaseSample {
    let session = |pid: u32| Session {
        pid,
        application: "die-service".into(),
        state: SessionState::Active,
        wait: Some(Wait { kind: "Lock".into(), event: "relation".into() }),
        in_state: Duration::from_secs(1),
        transaction: Some(Duration::from_secs(1)),
        query: format!("{second} {pid} {}", "SELECT ".repeat(40)).into(),
        trace_id: None,
        blocked_by: vec![1; 10],
    };
    let since = Some(DatabaseActivity { over: Duration::from_secs(1), ..DatabaseActivity::default() });
    DatabaseSample { sessions: (0..200).map(session).collect(), since, ..DatabaseSample::default() }
}

fn resident() -> u64 {
    let mut system = System::new().unwrap();
    let own = sysinfo::get_current_pid().unwrap();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[own]), true, ProcessRefreshKind::nothing().with_memory());
    system.process(own).unwrap().memory()
}

#[test]
fn an_hour_of_heavy_load_takes_less_than_64_mib() {
    let mut random = StdRng::seed_from_u64(1);
    // Made before, so that what is measured is the model's.
    let windows: Vec<Samples> = (0..60).map(|_| latencies(&mut random, PER_WINDOW / 2)).collect();
    let lag = Samples::from_micros((0..PER_WINDOW).map(|number| 100 + u32::try_from(number % 7).unwrap()).collect());
    let spans: Vec<Samples> = (0..60).map(|_| latencies(&mut random, 2_500)).collect();
    let (plan, mut drawn) = (Arc::new(plan()), 0);
    let mut next = |of: &[Samples]| {
        drawn += 1;
        of[drawn * 7 % of.len()].clone()
    };
    let before = resident();
    let mut model = Model::new(Arc::clone(&plan));
    let mut apply = |millis: u64, fact| model.apply(Event { at: Duration::from_millis(millis), fact });
    for second in 0..HOUR {
        for (at, change) in [(1_200, FaultChange::Started), (1_260, FaultChange::Ended)] {
            if second == at {
                apply(at * 1000 + 1, Fact::Fault { index: 0, change });
            }
        }
        for tenth in 0..10 {
            for load in 0..LOADS {
                let cells = [(0, Outcome::Status(200)), (1, if tenth == 0 { Outcome::Timeout } else { Outcome::Status(200) })];
                let cells =
                    cells.map(|(request, outcome)| Cell { request, outcome, response_time: next(&windows), service_time: next(&windows) });
                let exemplar = Exemplar {
                    load,
                    request: 0,
                    at: Duration::from_millis(second * 1000 + tenth * 100),
                    micros: u32::try_from(second).unwrap() * 1000,
                    trace_id: TraceId([1; 16]),
                    outcome: Outcome::Timeout,
                    failed: true,
                };
                let offered = u32::try_from(PER_WINDOW).unwrap();
                let index = second * 10 + tenth;
                let window = LoadWindow {
                    load,
                    index,
                    offered,
                    dropped: 0,
                    lag: lag.clone(),
                    cells: cells.into(),
                    reasons: Vec::new(),
                    exemplars: vec![exemplar; 5],
                };
                apply(second * 1000 + tenth * 100 + 99, Fact::Window(window));
            }
            apply(second * 1000 + tenth * 100 + 100, Fact::Tick);
        }
        apply(second * 1000 + 499, Fact::Database(database(second)));
        for half in 0..2 {
            for hop in HOPS {
                let hop = HopSpans { hop: hop.to_owned(), second, errors: 1, durations: next(&spans) };
                apply(second * 1000 + half * 500 + 499, Fact::Hop(hop));
            }
            for pair in HOPS.windows(2) {
                let (from, to) = (pair[0].to_owned(), pair[1].to_owned());
                apply(second * 1000 + half * 500 + 499, Fact::Calls(EdgeCalls { from, to, second, errors: 1, durations: next(&spans) }));
            }
            apply(second * 1000 + half * 500 + 499, Fact::Breakdowns(looked_at(second, half)));
            let pool = Pool { service: "die-service".to_owned(), used: 9, idle: 1, pending: 3, max: 10 };
            apply(second * 1000 + half * 500 + 499, Fact::Pool(pool));
        }
    }
    let taken = resident().saturating_sub(before);
    // The hour is there.
    let ended: u64 = model.seconds().iter().map(|piece| piece.ended).sum();
    assert_eq!(ended, HOUR * 10 * u64::try_from(LOADS * (PER_WINDOW / 2) * 2).unwrap());
    assert_eq!(model.seconds().iter().next().unwrap().place.index, 0);
    assert!(verdict::judge(&plan, &model).thresholds.iter().all(|judged| judged.value.is_some()));
    assert!(taken < MOST, "{} KiB", taken >> 10);
}
