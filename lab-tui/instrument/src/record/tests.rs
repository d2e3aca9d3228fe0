use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use lab_facts::event::{
    Breakdown, Cell, Chosen, DatabaseActivity, DatabaseSample, Drops, EdgeCalls, Event, Exemplar, Fact, FaultChange, Flaw, FlawKind, Hop,
    HopKind, HopSpans, LoadWindow, LockCount, Outcome, Pool, ProcessChange, Reason, Samples, ServiceSignals, Session, SessionState,
    Statement, TraceId, Trait, Wait,
};
use lab_facts::model::Model;
use lab_facts::scenario::{Affected, Fault, FaultKind, Given, Plan, Service, ServiceError, StackKind, shipped};
use lab_facts::verdict;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

use super::header::Outline;
use super::wire::{Held, Line};
use super::{FORMAT, Header, History, Outputs, Player, Recorder, read};
use crate::observe::store::Store;
use crate::report::{Summary, text};
use crate::stack::Endpoints;

mod damage;

const OUTCOMES: [Outcome; 6] = [
    Outcome::Status(200),
    Outcome::Timeout,
    Outcome::ConnectionFailed,
    Outcome::ConnectionBroken,
    Outcome::Outlasted,
    Outcome::Interrupted,
];

fn plan() -> Plan {
    Plan::parse(shipped("first-minute").unwrap(), "first-minute", &["frontend"]).unwrap()
}

fn trace_id(number: u8) -> TraceId {
    TraceId([number; 16])
}

fn header() -> Header {
    Header {
        format: FORMAT,
        lab: env!("CARGO_PKG_VERSION").to_owned(),
        scenario: "first-minute".to_owned(),
        file: None,
        seed: plan().seed,
        started: "2026-11-24T01:50:36Z".to_owned(),
        time_scale: None,
        on_screen: false,
        services: vec!["frontend".to_owned()],
        stack: Some("embedded".to_owned()),
        beside: None,
        plan: Outline::of(&plan()),
        text: shipped("first-minute").unwrap().to_owned(),
        endpoints: Endpoints {
            services: [("frontend".to_owned(), url::Url::parse("http://127.0.0.1:8080").unwrap())].into(),
            database: Some("postgresql://127.0.0.1:5432/dicedb".to_owned()),
            metrics: [].into(),
            attached: Vec::new(),
            otlp_grpc: "http://127.0.0.1:4317".to_owned(),
            otlp_http: "http://127.0.0.1:4318".to_owned(),
            tempo: Some("http://127.0.0.1:3200".to_owned()),
        },
        end: None,
    }
}

/// A session in each state.
fn database() -> DatabaseSample {
    let session = |(pid, state): (u32, SessionState)| Session {
        pid,
        application: "die".into(),
        state,
        wait: (pid > 1).then(|| Wait { kind: "Lock".into(), event: "relation".into() }),
        in_state: Duration::from_nanos(1_000_000_007),
        transaction: (pid > 1).then_some(Duration::from_nanos(2_000_000_011)),
        query: "SELECT \"ü\"".into(),
        trace_id: (pid == 1).then_some(trace_id(7)),
        blocked_by: (1..pid).collect(),
    };
    DatabaseSample {
        sessions: (1..).zip(SessionState::ALL).map(session).collect(),
        more_sessions: 3,
        since: Some(DatabaseActivity {
            over: Duration::from_nanos(1_000_000_013),
            commits: 1,
            rollbacks: 2,
            blocks_hit: 3,
            blocks_read: 4,
            deadlocks: 5,
            temp_bytes: 6,
        }),
        locks: vec![LockCount { mode: "AccessShareLock".to_owned(), granted: 1, waiting: 2 }],
        statements: Some(vec![Statement { query: "SELECT $1".to_owned(), calls: 1, total: Duration::from_nanos(17), rows: 2 }]),
    }
}

/// Every kind of fact and every variant within them, at times that no float has exactly.
fn by_hand(duration: Duration) -> Fault {
    let requests = Affected { service: "die".to_owned(), route: Some("/a".to_owned()), probability: 0.25 };
    let kind = FaultKind::ServiceError(ServiceError { requests, status: 503 });
    Fault { name: "service.error by hand".to_owned(), at: Duration::from_millis(41_200), duration, kind }
}

fn events() -> Vec<Event> {
    let at = |nanos: u64| Duration::from_nanos(nanos);
    let exemplar = |(number, outcome): (u8, Outcome)| Exemplar {
        load: 0,
        request: 0,
        at: at(100_000_003 + u64::from(number)),
        micros: 12_345 * u32::from(number),
        trace_id: trace_id(number),
        outcome,
        failed: outcome != Outcome::Status(200),
    };
    let cell = |outcome| Cell {
        request: 0,
        outcome,
        response_time: Samples::from_micros(vec![1, 4_200, 4_201, 3_000_000]),
        service_time: Samples::from_micros(vec![1, 4_100, 4_101, 2_000_001]),
    };
    let window = LoadWindow {
        load: 0,
        index: 1,
        offered: 30,
        dropped: 2,
        lag: Samples::from_micros(vec![7, 9, 9]),
        cells: OUTCOMES.map(cell).to_vec(),
        reasons: vec![Reason { request: 0, outcome: Outcome::ConnectionFailed, why: "connection refused".to_owned(), count: 3 }],
        exemplars: (1..).zip(OUTCOMES).map(exemplar).collect(),
    };
    let signals = ServiceSignals {
        name: "frontend".to_owned(),
        answered: 24,
        server_spans: 23,
        log_lines: 24,
        unsampled: 1,
        restarted: false,
        silent: true,
        foreign: true,
        fed: true,
    };
    use HopKind::{Database, Network, Pool as Wait, Service as Own, Unseen, Unsent};
    let hop = |(kind, name): (HopKind, &str)| Arc::new(Hop { kind, name: name.into() });
    let one = |value: &str| Arc::new(Trait { service: "die".into(), key: "http.route".into(), value: value.into() });
    let breakdown = |(number, chosen): (u8, Chosen)| Breakdown {
        at: at(100_000_003 + u64::from(number)),
        load: 0,
        trace_id: trace_id(number),
        outcome: OUTCOMES[usize::from(number)],
        failed: [None, Some(true), Some(false)][usize::from(number % 3)],
        chosen,
        whole: number == 1,
        micros: 21,
        parts: [(Own, "die"), (Wait, "die"), (Database, "sql"), (Network, "a → b"), (Unseen, "a → c"), (Unsent, "")]
            .map(hop)
            .into_iter()
            .zip(1..)
            .collect(),
        traits: vec![one("/a"), one("/b")],
    };
    let facts = vec![
        Fact::Tick,
        Fact::Window(window),
        Fact::LoadDone,
        Fact::Process { name: "postgres".to_owned(), change: ProcessChange::Exited("signal 9".to_owned()) },
        Fact::Process { name: "postgres".to_owned(), change: ProcessChange::Restarted },
        Fact::Fault { index: 0, change: FaultChange::Started },
        Fact::Fault { index: 0, change: FaultChange::Ended },
        Fact::Fault { index: 0, change: FaultChange::Failed("no \"such\" table\n".to_owned()) },
        Fact::Hop(HopSpans { hop: "die".to_owned(), second: 3, errors: 1, durations: Samples::from_micros(vec![5, 6]) }),
        Fact::Edge { from: "lab".into(), to: "die".into() },
        Fact::Calls(EdgeCalls {
            from: "lab".to_owned(),
            to: "die".to_owned(),
            second: 3,
            errors: 1,
            durations: Samples::from_micros(vec![5, 6]),
        }),
        Fact::Breakdowns((1..).zip([Chosen::Sampled, Chosen::Slow, Chosen::Failed]).map(breakdown).collect()),
        Fact::Control { change: lab_facts::event::Control::Rate(1.3) },
        Fact::Control { change: lab_facts::event::Control::Paused },
        Fact::Control { change: lab_facts::event::Control::Resumed },
        Fact::Flaws(vec![Flaw {
            kind: FlawKind::SemconvViolation,
            service: "die".to_owned(),
            what: "http.method instead of http.request.method".to_owned(),
            count: 7,
            examples: vec![TraceId([3; 16])],
        }]),
        Fact::Drops(Drops {
            evicted_traces: 1,
            evicted_spans: 2,
            evicted_log_lines: 3,
            refused_ids: 4,
            refused_too_large: 5,
            refused_log_records: 6,
            refused_data_points: 7,
        }),
        Fact::Pool(Pool { service: "die".to_owned(), used: 1, idle: 2, pending: 3, max: 4 }),
        Fact::Database(database()),
        Fact::Database(DatabaseSample::default()),
        Fact::Telemetry(vec![signals]),
        Fact::Began { unix_nano: 1_795_455_000_000_000_001 },
        Fact::FaultByHand(by_hand(Duration::from_millis(1500))),
        Fact::FaultByHand(by_hand(Fault::UNTIL_ENDED)),
        Fact::Fault { index: 2, change: FaultChange::Started },
        Fact::Fault { index: 2, change: FaultChange::CutShort },
        Fact::LabUsage { cpu: at(1_234_567_891) },
        Fact::Broke { threshold: 0 },
        Fact::Tick,
        Fact::Process { name: "Tempo".to_owned(), change: ProcessChange::Lost("it answers 502".to_owned()) },
        Fact::Process { name: "Tempo".to_owned(), change: ProcessChange::Found },
        Fact::Process { name: "Tempo".to_owned(), change: ProcessChange::Sampled },
        Fact::Finished { interrupted: false },
    ];
    (0..).zip(facts).map(|(number, fact)| Event { at: at(number * 100_000_007 + 599_000_000_001), fact }).collect()
}

/// What a run is to whoever reads its reports.
fn told(events: &[Event]) -> (String, String) {
    let mut model = Model::new(Arc::new(plan()));
    events.iter().for_each(|event| model.apply(event.clone()));
    let verdict = verdict::judge(model.plan(), &model);
    let endpoints = header().endpoints;
    let summary = Summary::new("first-minute", &model, &verdict, &endpoints, None);
    (serde_json::to_string(&summary).unwrap(), text(&summary, None))
}

fn of_stream(events: &[Event]) -> Vec<u8> {
    let mut out = serde_json::to_vec(&header()).unwrap();
    out.push(b'\n');
    for event in events {
        out.extend(serde_json::to_vec(&Line::of_event(event)).unwrap());
        out.push(b'\n');
    }
    out
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Why a file of these bytes cannot be replayed.
    fn refused(&self, bytes: &[u8]) -> String {
        crate::out::sentence(&read(&self.write("refused", bytes)).unwrap_err())
    }
}

#[test]
fn every_fact_survives_its_wire_form_to_the_nanosecond() {
    for event in events() {
        let line = serde_json::to_string(&Line::of_event(&event)).unwrap();
        let Held::Event(back) = serde_json::from_str::<Line>(&line).unwrap().held().unwrap() else { panic!("{line}") };
        assert_eq!(format!("{back:?}"), format!("{event:?}"), "{line}");
    }
}

/// Who reads the stream with other tools relies on these words; docs/EVENTS.md has them.
#[test]
fn the_wire_form_is_the_documented_one() {
    let lines: Vec<String> = events().iter().map(|event| serde_json::to_string(&Line::of_event(event)).unwrap()).collect();
    assert_eq!(lines[0], r#"{"at":599.000000001,"fact":{"tick":{}}}"#);
    assert_eq!(lines[5], r#"{"at":599.500000036,"fact":{"fault":{"index":0,"change":{"started":{}}}}}"#);
    let hop = r#"{"hop":{"hop":"die","second":3,"errors":1,"duration_us":{"values":[[5,1],[6,1]],"sum":11,"max":6}}}}"#;
    assert!(lines[8].ends_with(hop), "{}", lines[8]);
    assert!(lines[1].contains(r#""outcome":200,"#) && lines[1].contains(r#""outcome":"connection_failed","#), "{}", lines[1]);
    let documented = include_str!("../../../../docs/EVENTS.md");
    for line in &lines {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        for (fact, fields) in line["fact"].as_object().unwrap() {
            assert!(documented.contains(&format!("| `{fact}`")), "docs/EVENTS.md lacks {fact}");
            for field in fields.as_object().unwrap().keys() {
                assert!(documented.contains(&format!("`{field}`")), "docs/EVENTS.md lacks `{field}` of {fact}");
            }
        }
    }
    for field in serde_json::to_value(header()).unwrap().as_object().unwrap().keys() {
        assert!(documented.contains(&format!("| `{field}`")), "docs/EVENTS.md lacks {field} of the header");
    }
}

/// What points to nothing, or does not add up, is damage.
#[test]
fn requests_that_were_looked_at_are_checked() {
    let line = r#"{"at":1.0,"fact":{"breakdowns":{"names":["s","k"],"hops":[["service",0]],"traits":[[0,1,1]],"requests":[{"at":0.5,"load":0,
        "trace_id":"01010101010101010101010101010101","outcome":200,"failed":null,"chosen":"slow","whole":true,"response_time_us":7,"parts_us":[[0,7]],"traits":[0]}]}}}"#;
    let read = |line: &str| serde_json::from_str::<Line>(line).unwrap().held();
    assert!(matches!(read(line), Ok(Held::Event(_))));
    for (part, damaged, why) in [
        ("[[0,7]]", "[[1,7]]", "it has no such hop"),
        ("[[0,7]]", "[[0,6]]", "the parts of a request do not add up to its time"),
        ("[[0,1,1]]", "[[0,1,2]]", "it has no such name"),
        ("\"traits\":[0]", "\"traits\":[1]", "it has no such trait"),
        ("0101", "0", "a trace ID is none"),
    ] {
        assert_eq!(read(&line.replacen(part, damaged, 1)).unwrap_err(), why, "{damaged}");
    }
}

#[tokio::test]
async fn a_recorded_run_and_its_stream_say_what_the_run_said() {
    let folder = Folder::new();
    let history = History::at(folder.0.path().join("runs"));
    let stream = folder.write("events.ndjson", b"");
    let mut outputs = Outputs::default();
    outputs.stream(&stream, Some(std::fs::File::create(&stream).unwrap()));
    outputs.record(Ok(history.clone()));
    let store = Store::new(1 << 20);
    let span = Span { trace_id: vec![3; 16], span_id: vec![1; 8], ..Span::default() };
    store.add_spans(ResourceSpans {
        scope_spans: vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }],
        ..ResourceSpans::default()
    });
    let (recorder, facts, mut live) = Recorder::between(header(), outputs);
    let mut model = Model::new(Arc::new(plan()));
    for event in events() {
        facts.send(event).unwrap();
        model.apply(live.recv().await.unwrap());
    }
    drop(facts);
    let verdict = verdict::judge(model.plan(), &model);
    let recorded = recorder.end(&model, &verdict, &store).await;
    recorded.events.unwrap();
    assert_eq!(recorded.run.unwrap().as_deref(), Some("20261124-015036"));

    let listed = history.list().unwrap();
    let [run] = listed.as_slice() else { panic!("{listed:?}") };
    let end = run.header.as_ref().unwrap().end.clone().unwrap();
    assert_eq!((end.verdict, end.interrupted, end.requests, end.failed), (verdict.word, false, 24, 16));
    let recording = read(&run.path).unwrap();
    assert_eq!(told(&recording.events), told(&events()));
    assert!(!recording.cut_off);
    assert_eq!(recording.traces.keys().collect::<Vec<_>>(), [&trace_id(3)], "the only one that the store has");
    let streamed = read(&stream).unwrap();
    assert_eq!(told(&streamed.events), told(&events()));
    assert_eq!(std::fs::read_dir(folder.0.path().join("runs")).unwrap().count(), 1, "nothing half written stays");
    assert_eq!(std::fs::read(&stream).unwrap(), of_stream(&events()), "the stream is what it is said to be");
    // Ordinary tools read it as well.
    let mut unzipped = String::new();
    MultiGzDecoder::new(std::fs::File::open(&run.path).unwrap()).read_to_string(&mut unzipped).unwrap();
    assert_eq!(unzipped.lines().count(), 1 + 1 + events().len());
}

#[tokio::test]
async fn whoever_leaves_in_the_middle_of_a_run_ends_it() {
    let folder = Folder::new();
    let history = History::at(folder.0.path().to_owned());
    let mut outputs = Outputs::default();
    outputs.record(Ok(history.clone()));
    let (recorder, facts, live) = Recorder::between(header(), outputs);
    facts.send(events().remove(1)).unwrap();
    drop((facts, live));
    let mut model = Model::new(Arc::new(plan()));
    model.apply(events().remove(1));
    let recorded = recorder.end(&model, &verdict::judge(model.plan(), &model), &Store::new(0)).await;
    let recording = read(&history.find(recorded.run.unwrap().unwrap().as_ref()).unwrap()).unwrap();
    assert!(recording.header.end.unwrap().interrupted);
    assert!(matches!(recording.events.as_slice(), [Event { .. }, Event { fact: Fact::Finished { interrupted: true }, .. }]));
}

#[tokio::test]
async fn a_history_that_cannot_be_written_costs_the_run_nothing() {
    let folder = Folder::new();
    let file = folder.write("file", b"");
    let mut outputs = Outputs::default();
    outputs.record(Ok(History::at(file.join("runs"))));
    let (recorder, facts, mut live) = Recorder::between(header(), outputs);
    facts.send(events().remove(0)).unwrap();
    assert!(live.recv().await.is_some());
    drop(facts);
    let model = Model::new(Arc::new(plan()));
    let recorded = recorder.end(&model, &verdict::judge(model.plan(), &model), &Store::new(0)).await;
    assert!(recorded.events.is_ok());
    assert!(recorded.run.unwrap_err().to_string().contains("--no-record"));
}

#[tokio::test]
async fn a_run_without_a_request_is_not_worth_a_place() {
    let folder = Folder::new();
    let history = History::at(folder.0.path().to_owned());
    let mut outputs = Outputs::default();
    outputs.record(Ok(history.clone()));
    let (recorder, facts, _live) = Recorder::between(header(), outputs);
    facts.send(events().remove(0)).unwrap();
    drop(facts);
    let model = Model::new(Arc::new(plan()));
    assert_eq!(recorder.end(&model, &verdict::judge(model.plan(), &model), &Store::new(0)).await.run.unwrap(), None);
    assert_eq!(std::fs::read_dir(folder.0.path()).unwrap().count(), 0);
}

#[test]
fn a_stream_that_a_kill_cut_off_is_good_as_far_as_it_goes_and_a_recording_is_not() {
    let folder = Folder::new();
    let whole = of_stream(&events());
    let half = &whole[..whole.len() - 20];
    let recording = read(&folder.write("half", half)).unwrap();
    assert!(recording.cut_off);
    assert_eq!(recording.events.len(), events().len(), "its last line is replaced by an end");
    assert!(matches!(recording.events.last(), Some(Event { fact: Fact::Finished { interrupted: true }, .. })));
    assert!(folder.refused(&gzip(half)).contains("it is cut off"));
    let zipped = gzip(&whole);
    read(&folder.write("whole", &zipped)).unwrap();
    for length in [3, 20, 200, zipped.len() - 1] {
        let refusal = folder.refused(&zipped[..length]);
        assert!(refusal.contains("it is cut off"), "{length}: {refusal}");
    }
}

/// What is known at a moment does not depend on the way there.
#[test]
fn a_replay_knows_at_each_moment_what_the_run_knew() {
    let folder = Folder::new();
    // One event every second, so that jumps land between them.
    let events: Vec<Event> = (0..).zip(events()).map(|(second, event)| Event { at: Duration::from_secs(second), ..event }).collect();
    let recording = read(&folder.write("events", &of_stream(&events))).unwrap();
    let told = |model: &Model| {
        let verdict = verdict::judge(model.plan(), model);
        serde_json::to_string(&Summary::new("", model, &verdict, &header().endpoints, None)).unwrap()
    };
    let at = |second: u64| {
        let mut model = Model::new(Arc::new(plan()));
        events.iter().filter(|event| event.at.as_secs() <= second).for_each(|event| model.apply(event.clone()));
        told(&model)
    };
    let mut player = Player::new(recording, 2.0);
    assert!(player.advance(Duration::from_millis(2400)), "twice as fast: 4.8 s");
    assert_eq!((player.position(), told(player.model())), (Duration::from_millis(4800), at(4)));
    player.jump(-3);
    assert_eq!(told(player.model()), at(1));
    player.jump(-10);
    assert_eq!((player.position(), told(player.model())), (Duration::ZERO, at(0)));
    player.jump(10);
    player.jump(-2);
    assert_eq!(told(player.model()), at(8));
    player.paused = true;
    assert!(!player.advance(Duration::from_secs(5)));
    player.paused = false;
    player.jump(100);
    assert_eq!((player.position(), told(player.model())), (player.length(), at(100)));
    assert!(!player.advance(Duration::from_secs(5)), "there is nothing after the end");
    for _ in 0..20 {
        player.faster(true);
    }
    assert_eq!(player.speed, 64.0);
}

/// What a scenario met beside its own text (a file of users, a program that was named with it) is not there any more.
#[test]
fn a_recording_needs_neither_the_files_nor_the_program_of_its_run() {
    let text = "format = 1\ntitle = \"t\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-vus\"\nduration = \"1s\"\nservice = \"app\"\n\
                [[load.request]]\nget = \"/{user}/{name}\"\n[load.vars]\nuser = { csv = \"users.csv\", column = \"id\" }\n\
                name = { csv = \"users.csv\", column = \"a, \\\"b\\\"\" }\n";
    let app = Service::from_line("app", "program", Some("http://127.0.0.1:1"), None).unwrap();
    let files = |_: &str| Ok("id,\"a, \"\"b\"\"\"\n7,seven\n".to_owned());
    let given = Given { default_stack: StackKind::None, beside: Some(&app), files: Some(&files), ..Given::default() };
    let plan = Plan::parse_given(text, "t", &given).unwrap();
    let header = Header { text: text.to_owned(), beside: Some("app".to_owned()), ..Header::new(&plan, &header().endpoints) };
    let again = header.plan().unwrap();
    assert_eq!((again.stack, again.services.len(), again.loads.len()), (StackKind::None, 1, 1));
}
