//! What one picture of the screen takes, for `benches/frame` to print: one figure a line, `NAME VALUE`. The run behind it has gone on for so
//! many seconds as the argument says (an hour without one) and goes on by a tenth of a second before each picture, as it would on a screen.
//! Times are the processor time of one thread.

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::KeyCode;
use lab_facts::event::{
    Breakdown, Cell, Chosen, DatabaseActivity, DatabaseSample, Event, Exemplar, Fact, FaultChange, Hop, HopKind, HopSpans, LoadWindow,
    Outcome, Pool, Samples, Session, SessionState, TraceId, Wait,
};
use lab_facts::model::Model;
use lab_facts::scenario::{Plan, shipped};
use lab_facts::verdict;
use lab_instrument::observe::backends::Backends;
use lab_instrument::observe::store::{ClientSpan, Store};
use lab_instrument::out;
use lab_tui::tui::{Asker, Palette, Room, Shelf, Theme, Ui, draw};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use rustix::time::{ClockId, clock_gettime};

/// Requests a second.
const RATE: u32 = 50;
/// The start of the run, in nanoseconds since 1970.
const BEGAN: u64 = 1_795_455_000_000_000_000;
const SIZE: Rect = Rect { x: 0, y: 0, width: 200, height: 60 };
const PICTURES: usize = 300;
/// Log lines and traces that rooms list.
const LISTED: u32 = 20_000;

fn main() -> anyhow::Result<()> {
    let seconds = std::env::args().nth(1).map_or(Ok(3_600), |seconds| seconds.parse())?;
    tokio::runtime::Runtime::new()?.block_on(measure(seconds))
}

async fn measure(seconds: u64) -> anyhow::Result<()> {
    let store = Store::new(64 << 20);
    fill(&store, seconds);
    // Each way to look at a room: the latest, all of it, and a moment of all of it.
    let ways: [(&str, &[KeyCode]); 3] = [
        ("following", &[]),
        ("whole", &[KeyCode::Char('Z'); 9]),
        (
            "read",
            &[
                KeyCode::Char('Z'),
                KeyCode::Char('Z'),
                KeyCode::Char('Z'),
                KeyCode::Char('Z'),
                KeyCode::Char('Z'),
                KeyCode::Char('Z'),
                KeyCode::Char('p'),
            ],
        ),
    ];
    for (number, room) in (1..).zip(Room::ALL) {
        for (way, keys) in ways {
            let mut run = Run::new()?;
            run.go_on(seconds * 10);
            let mut asker = Asker::live(store.clone(), Backends::default(), Shelf::default());
            let mut ui = Ui::new(Palette::new(Theme::Dark), None, Vec::new());
            let digit = KeyCode::Char(char::from_digit(number, 10).unwrap_or('1'));
            for key in [&[digit], keys].concat() {
                run.picture(&mut ui);
                ui.on_key(key.into(), &run.model);
            }
            let mut times = Vec::with_capacity(PICTURES);
            for picture in 0..PICTURES {
                // Rooms ask twice a second.
                if picture % 5 == 0 {
                    for question in ui.questions() {
                        asker.ask(question);
                        ui.hear(asker.answer().await);
                    }
                }
                run.go_on(1);
                times.push(run.picture(&mut ui));
            }
            times.sort_unstable();
            let of = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1000.0;
            let name = room.name().to_lowercase();
            out::result(&format!("{name}_{way}_p50_ms {}\n{name}_{way}_p99_ms {}\n", of(50), of(99)))?;
        }
    }
    Ok(())
}

/// A run, tenth of a second by tenth of a second.
struct Run {
    model: Model,
    random: StdRng,
    tenths: u64,
}

impl Run {
    fn new() -> anyhow::Result<Self> {
        let text = shipped("first-minute").unwrap_or_default();
        let plan = Plan::parse(text, "first-minute", &["frontend"])?.for_screen();
        let mut model = Model::new(Arc::new(plan));
        let mut apply = |fact| model.apply(Event { at: Duration::ZERO, fact });
        apply(Fact::Began { unix_nano: BEGAN });
        for (from, to) in [("lab", "frontend"), ("frontend", "dice-roller"), ("dice-roller", "die-service"), ("die-service", "postgresql")]
        {
            apply(Fact::Edge { from: from.into(), to: to.into() });
        }
        Ok(Self { model, random: StdRng::seed_from_u64(1), tenths: 0 })
    }

    /// How long drawing took.
    fn picture(&mut self, ui: &mut Ui) -> Duration {
        let verdict = verdict::judge(self.model.plan(), &self.model);
        let mut buffer = Buffer::empty(SIZE);
        let before = cpu();
        draw(&mut buffer, SIZE, &self.model, &verdict, ui);
        cpu().saturating_sub(before)
    }

    fn go_on(&mut self, tenths: u64) {
        for _ in 0..tenths {
            self.tenth();
            self.tenths += 1;
        }
    }

    fn tenth(&mut self) {
        let (second, at) = (self.tenths / 10, Duration::from_millis(self.tenths * 100 + 99));
        // Now and then a minute is bad.
        let is_bad = second % 600 >= 540;
        let micros: Vec<u32> = (0..RATE / 10)
            .map(|_| {
                let usual = self.random.random_range(3_800..9_000);
                let is_slow = self.random.random_bool(if is_bad { 0.8 } else { 0.02 });
                if is_slow { usual * self.random.random_range(5..200) } else { usual }
            })
            .collect();
        let exemplars = (0..3).map(|number: u32| Exemplar {
            load: 0,
            request: 0,
            at,
            micros: micros[number as usize],
            trace_id: trace_id(second, number),
            outcome: Outcome::Status(200),
            failed: is_bad && number == 0,
        });
        let exemplars = exemplars.collect();
        let times = Samples::from_micros(micros.clone());
        let status = if is_bad { 503 } else { 200 };
        let cell = Cell { request: 0, outcome: Outcome::Status(status), response_time: times.clone(), service_time: times };
        let (index, lag) = (self.tenths, Samples::from_micros(vec![40; 5]));
        let mut apply = |fact| self.model.apply(Event { at, fact });
        apply(Fact::Window(LoadWindow {
            load: 0,
            index,
            offered: RATE / 10,
            dropped: 0,
            lag,
            cells: vec![cell],
            reasons: Vec::new(),
            exemplars,
        }));
        if self.tenths.is_multiple_of(10) {
            for (hop, share) in [("frontend", 9), ("dice-roller", 8), ("die-service", 6), ("postgresql", 3)] {
                let durations = Samples::from_micros(micros.iter().cycle().take(50).map(|micros| micros / 10 * share).collect());
                apply(Fact::Hop(HopSpans { hop: hop.to_owned(), second, errors: 0, durations }));
            }
            apply(Fact::Database(sample(is_bad)));
            apply(Fact::Breakdowns((0..20).map(|number| breakdown(at, second, number, micros[(number % 5) as usize])).collect()));
            match second {
                540 => apply(Fact::Fault { index: 0, change: FaultChange::Started }),
                600 => apply(Fact::Fault { index: 0, change: FaultChange::Ended }),
                _ => {}
            }
        }
        if self.tenths.is_multiple_of(5) {
            let (used, idle, pending) = if is_bad { (10, 0, 18) } else { (2, 3, 0) };
            apply(Fact::Pool(Pool { service: "die-service".to_owned(), used, idle, pending, max: 10 }));
        }
        apply(Fact::Tick);
    }
}

fn trace_id(second: u64, number: u32) -> TraceId {
    TraceId((u128::from(second * 100 + u64::from(number) + 1) << 64 | 0xabc).to_be_bytes())
}

fn breakdown(at: Duration, second: u64, number: u32, micros: u32) -> Breakdown {
    let hop = |kind, name: &str, percent: u32| (Arc::new(Hop { kind, name: name.into() }), micros / 100 * percent);
    let parts = vec![
        hop(HopKind::Service, "frontend", 10),
        hop(HopKind::Service, "dice-roller", 10),
        hop(HopKind::Service, "die-service", 20),
        hop(HopKind::Network, "frontend → dice-roller", 5),
        hop(HopKind::Pool, "die-service", 15),
        hop(HopKind::Database, "postgresql", 40),
    ];
    let micros = parts.iter().map(|(_, micros)| micros).sum();
    let (outcome, trace_id) = (Outcome::Status(200), trace_id(second, number));
    Breakdown {
        at,
        load: 0,
        trace_id,
        outcome,
        failed: Some(false),
        chosen: Chosen::Sampled,
        whole: true,
        micros,
        parts,
        traits: Vec::new(),
    }
}

fn sample(is_bad: bool) -> DatabaseSample {
    let session = |pid: u32| Session {
        pid,
        application: "die-service".into(),
        state: if pid < 12 { SessionState::Active } else { SessionState::Idle },
        wait: (is_bad && pid > 0).then(|| Wait { kind: "Lock".into(), event: "relation".into() }),
        in_state: Duration::from_millis(80),
        transaction: Some(Duration::from_millis(80)),
        query: "SELECT faces, error_rate FROM die_specifications WHERE identifier = $1".into(),
        trace_id: None,
        blocked_by: if is_bad && pid > 0 && pid < 12 { vec![0] } else { Vec::new() },
    };
    let since = DatabaseActivity { over: Duration::from_secs(1), commits: 50, blocks_hit: 400, ..DatabaseActivity::default() };
    DatabaseSample { sessions: (0..20).map(session).collect(), since: Some(since), ..DatabaseSample::default() }
}

/// The latest requests' traces, and a log line for each.
fn fill(store: &Store, seconds: u64) {
    let end = BEGAN + seconds * 1_000_000_000;
    for number in 0..LISTED {
        let at = end.saturating_sub(u64::from(LISTED - number) * 20_000_000);
        let id = TraceId((u128::from(number + 1) << 64 | 0xdef).to_be_bytes());
        let span = ClientSpan {
            trace_id: id,
            span_id: (u64::from(number) + 1).to_be_bytes(),
            load: "rolls".into(),
            method: "GET",
            url: "http://127.0.0.1:8080/roll?die=fair".to_owned(),
            server: None,
            intended_unix_nano: at,
            sent_unix_nano: at,
            ended_unix_nano: at + 5_000_000,
            outcome: Outcome::Status(200),
            expected: true,
            why: None,
        };
        store.add_client_spans("first-minute", &[span]);
        let level = if number % 50 == 0 { "ERROR" } else { "INFO" };
        let line = format!("{{\"level\":\"{level}\",\"message\":\"Request {number} completed\",\"duration_ms\":{}}}", number % 90);
        store.add_log_record("frontend", at, Some(id), &line);
    }
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}
