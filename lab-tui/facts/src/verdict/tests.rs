use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::event::{Cell, Command, Event, Fact, Found, LabDelay, LoadWindow, Reason, Samples, ScrapedSeries, ScrapedValue, ServiceSignals};

/// Two requests of 1 s at 100/s; `b` expects 404.
fn plan(thresholds: &str) -> Arc<Plan> {
    let text = format!(
        "format = 1\ntitle = \"t\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-arrival-rate\"\nrate = 100\nduration = \"1s\"\n\
         [[load.request]]\nname = \"a\"\nget = \"http://x/\"\n[[load.request]]\nname = \"b\"\nget = \"http://x/\"\nexpect_status = [404]\n\
         [thresholds]\n{thresholds}\n"
    );
    Arc::new(Plan::parse(&text, "t", &[]).unwrap())
}

fn cell(request: usize, outcome: Outcome, millis: &[u32]) -> Cell {
    let samples = |extra| Samples::from_micros(millis.iter().map(|ms| ms * 1000 + extra).collect());
    Cell { request, outcome, response_time: samples(0), service_time: samples(0) }
}

fn verdict(thresholds: &str, cells: Vec<Cell>, facts: Vec<Fact>) -> Verdict {
    let plan = plan(thresholds);
    let mut model = Model::new(Arc::clone(&plan));
    let lag = Samples::from_micros(vec![100; 10]);
    let window = LoadWindow { offered: 12, dropped: 2, lag, cells, ..LoadWindow::default() };
    for fact in [Fact::Window(window), Fact::Tick].into_iter().chain(facts) {
        model.apply(Event { at: Duration::from_secs(1), fact });
    }
    judge(&plan, &model)
}

#[test]
fn each_metric_has_its_value() {
    let thresholds = r#"
"http_req_duration{load:l,status:200}" = ["p(50)<21", "max<=30", "avg==20", "min>9", "med>=20"]
"http_req_duration{request:b}" = ["max<5"]
http_req_failed = ["rate<0.25"]
"http_req_failed{request:b}" = ["rate==0"]
http_reqs = ["count==6", "rate>5"]
dropped_iterations = ["count!=0"]
schedule_lag = ["p(99)<1"]
telemetry_loss = ["count==0"]
"#;
    let cells =
        vec![cell(0, Outcome::Status(200), &[10, 20, 30]), cell(0, Outcome::Timeout, &[999]), cell(1, Outcome::Status(404), &[3, 4])];
    let verdict = verdict(thresholds, cells, Vec::new());
    let broken: Vec<String> = verdict
        .thresholds
        .iter()
        .filter(|j| !j.ok)
        .map(|j| format!("{} {} = {:?}", j.threshold.selector.source, j.threshold.expression, j.value))
        .collect();
    assert!(broken.is_empty(), "{broken:?}");
    assert_eq!((verdict.word, verdict.exit), (Word::Pass, Exit::Kept));
    let share = verdict.thresholds.iter().find(|j| j.threshold.expression == "rate<0.25").unwrap().value;
    assert_eq!(share, Some(1.0 / 6.0));
}

#[test]
fn a_promise_about_nothing_is_broken_but_counters_start_at_zero() {
    let nothing =
        verdict("http_req_duration = [\"p(95)<50\"]\nhttp_req_failed = [\"rate==0\"]\nhttp_reqs = [\"count==0\"]", Vec::new(), Vec::new());
    let ok: Vec<bool> = nothing.thresholds.iter().map(|judged| judged.ok).collect();
    assert_eq!(ok, [false, false, true]);
    assert_eq!((nothing.word, nothing.exit), (Word::Fail, Exit::Broken));
}

/// Nothing was tried then; but what is broken stays broken, and whoever promises something of failures means to look at them.
#[test]
fn a_run_that_nobody_answered_says_nothing() {
    let told = |thresholds: &str, outcomes: &[Outcome], interrupted: bool| {
        let cells = outcomes.iter().map(|outcome| cell(0, *outcome, &[1, 2])).collect();
        let why = |why: &str, count| Reason { request: 0, outcome: Outcome::ConnectionFailed, why: why.to_owned(), count };
        let reasons = vec![why("connection refused", 1), why("no route to host", 1), why("connection refused", 1)];
        let reasons = Fact::Window(LoadWindow { reasons, ..LoadWindow::default() });
        verdict(thresholds, cells, vec![reasons, Fact::Finished { interrupted }])
    };
    let nobody = [Outcome::ConnectionFailed, Outcome::Timeout];
    let none = told("http_reqs = [\"count>0\"]", &nobody, false);
    assert_eq!((none.word, none.exit), (Word::Inconclusive, Exit::Inconclusive));
    assert_eq!(none.inconclusive, ["no request got an answer: 2 timeout, 2 connection failed (connection refused)"]);
    assert_eq!(told("", &[Outcome::Timeout, Outcome::Status(500)], false).word, Word::Pass);
    assert_eq!(told("http_reqs = [\"count>99\"]", &nobody, false).word, Word::Fail);
    assert_eq!(told("http_req_failed = [\"rate==1\"]", &nobody, false).word, Word::Pass);
    assert_eq!(told("\"http_reqs{outcome:timeout}\" = [\"count==2\"]", &nobody, false).word, Word::Pass);
    assert!(told("", &nobody, true).inconclusive.is_empty(), "it may have been about to answer");
    assert_eq!(told("", &[], false).word, Word::Pass, "nothing was sent");
}

#[test]
fn a_late_lab_is_inconclusive_and_an_interruption_has_its_own_code() {
    let windows = |count: usize, lag: &[u32]| -> Vec<Fact> {
        let window = || LoadWindow { lag: Samples::from_micros(lag.to_vec()), ..LoadWindow::default() };
        (0..count).map(|_| Fact::Window(window())).collect()
    };
    let late = verdict("", Vec::new(), windows(5, &[250_000]));
    assert_eq!((late.word, late.exit), (Word::Inconclusive, Exit::Inconclusive));
    assert!(late.bottleneck.unwrap().contains("p(95) was 250 ms"));
    // One hiccup, though it held up a crowd.
    assert_eq!(verdict("", Vec::new(), windows(2, &[250_000; 50])).bottleneck, None);
    // A handful of a few may be late; of many, one in a hundred may not.
    let late = |of: usize, late: usize| {
        let lag = [vec![250_000; late / 5], vec![100; (of - late) / 5]].concat();
        verdict("", Vec::new(), windows(5, &lag)).bottleneck
    };
    assert_eq!((late(100, 5), late(2000, 15)), (None, None));
    assert!(late(2000, 30).unwrap().contains("p(99) was 250 ms"));
    let interrupted = verdict("", Vec::new(), vec![Fact::Finished { interrupted: true }]);
    assert_eq!(interrupted.exit, Exit::Interrupted);
}

#[test]
fn a_lab_that_is_late_or_takes_the_machine_is_the_bottleneck() {
    let delay = |millis: u32, turns: usize| Samples::from_micros(vec![millis * 1000; turns]);
    let run = |facts: Vec<Fact>| verdict("", Vec::new(), facts);
    let load = |millis, turns| Fact::LabDelay(LabDelay { load: delay(millis, turns), run: Samples::default() });
    let late = run(vec![load(150, 50)]);
    assert_eq!((late.word, late.exit), (Word::Inconclusive, Exit::Inconclusive));
    let said = "the lab took answers late: its load loop's delay p(95) was 150 ms; 2 arrivals were dropped, which may be why";
    assert_eq!(late.bottleneck.as_deref(), Some(said));
    // A busy machine, a hiccup, and a run too short to tell.
    for delays in [vec![load(60, 50)], vec![load(2, 98), load(400, 2)], vec![load(400, 10)]] {
        assert_eq!(run(delays).bottleneck, None);
    }
    let own = Fact::LabDelay(LabDelay { load: Samples::default(), run: delay(600, 50) });
    assert!(run(vec![own]).bottleneck.unwrap().starts_with("the lab was held up: its run loop's delay p(95) was 600 ms"));
    // All of it happens in one second.
    let cpu = |millis| vec![Fact::LabCores(2), Fact::LabUsage { cpu: Duration::from_millis(millis) }];
    assert!(run(cpu(1900)).bottleneck.unwrap().starts_with("the lab took 95 % of the machine: 1.9 s CPU in 1.0 s on 2 cores"));
    assert_eq!(run(cpu(1200)).bottleneck, None);
}

#[test]
fn a_broken_promise_that_may_end_the_run_does_when_its_time_has_come() {
    let of = |delay: &str, cells: Vec<Cell>| {
        let table = format!("http_req_failed = [\"rate!=0.5\", {{ threshold = \"rate<0.1\", abort_on_fail = true{delay} }}]");
        let plan = plan(&table);
        let mut model = Model::new(Arc::clone(&plan));
        for fact in [Fact::Window(LoadWindow { offered: 2, cells, ..LoadWindow::default() }), Fact::Tick] {
            model.apply(Event { at: Duration::from_secs(1), fact });
        }
        (plan, model)
    };
    let failed = || vec![cell(0, Outcome::Status(500), &[10])];
    let asked = |(plan, model): &(Arc<Plan>, Model)| abort(&judge(plan, model), model);
    assert_eq!(asked(&of("", failed())), Some(1));
    assert_eq!(asked(&of(", delay_abort_eval = \"1s\"", failed())), Some(1));
    assert_eq!(asked(&of(", delay_abort_eval = \"2s\"", failed())), None);
    assert_eq!(asked(&of("", Vec::new())), None, "without samples nothing is broken yet");
    assert_eq!(asked(&of("", vec![cell(0, Outcome::Status(200), &[10])])), None);
    // Whatever comes after that does not mend it, and it is asked once.
    let (plan, mut model) = of("", failed());
    let good = LoadWindow { cells: vec![cell(0, Outcome::Status(200), &[1; 99])], ..LoadWindow::default() };
    for fact in [Fact::Aborted { threshold: 1 }, Fact::Window(good), Fact::Finished { interrupted: false }] {
        model.apply(Event { at: Duration::from_secs(1), fact });
    }
    let verdict = judge(&plan, &model);
    assert_eq!((verdict.word, verdict.exit, abort(&verdict, &model)), (Word::Fail, Exit::Broken, None));
}

#[test]
fn a_promise_breaks_once_and_one_that_has_to_grow_only_when_it_was_kept() {
    let plan =
        plan("http_req_failed = [\"rate<0.5\"]\nhttp_reqs = [\"count>=2\", \"count!=1\", \"count<3\"]\ntelemetry_loss = [\"count==0\"]");
    let mut model = Model::new(Arc::clone(&plan));
    let mut breaks = Breaks::default();
    let mut told = |model: &mut Model, status: u16| {
        let cells = vec![cell(0, Outcome::Status(status), &[10])];
        model.apply(Event { at: Duration::ZERO, fact: Fact::Window(LoadWindow { offered: 1, cells, ..LoadWindow::default() }) });
        let wishes = breaks.wishes(&judge(&plan, model), model);
        wishes.map(|wish| if let Command::Broke { threshold } = wish { threshold } else { usize::MAX }).collect::<Vec<_>>()
    };
    assert_eq!(told(&mut model, 500), [0], "a count of one is on its way to two");
    assert_eq!([told(&mut model, 200), told(&mut model, 200), told(&mut model, 200)], [vec![], vec![3], vec![]]);
    for (at, threshold) in [(3, 0), (5, 0), (5, 9)] {
        model.apply(Event { at: Duration::from_secs(at), fact: Fact::Broke { threshold } });
    }
    assert_eq!(model.broke().iter().flatten().collect::<Vec<_>>(), [&Duration::from_secs(3)], "the first time counts");
    model.apply(Event { at: Duration::from_secs(9), fact: Fact::Finished { interrupted: false } });
    assert!(told(&mut model, 500).is_empty(), "what is over is judged, and not watched");
}

#[test]
fn lost_telemetry_breaks_its_promise_unless_the_service_was_replaced() {
    let signals = |restarted| {
        Fact::Telemetry(vec![ServiceSignals {
            name: "s".into(),
            answered: 10,
            server_spans: 7,
            log_lines: 9,
            unsampled: 1,
            restarted,
            silent: false,
            foreign: false,
            fed: false,
        }])
    };
    let lost = verdict("telemetry_loss = [\"count==0\"]", Vec::new(), vec![signals(false)]);
    assert_eq!(lost.thresholds[0].value, Some(3.0));
    assert_eq!(lost.word, Word::Fail);
    assert_eq!(verdict("telemetry_loss = [\"count==0\"]", Vec::new(), vec![signals(true)]).word, Word::Pass);
}

#[test]
fn what_services_expose_can_be_promised_and_what_nobody_exposes_is_broken() {
    let thresholds = r#"
"scraped:c{status:5xx}" = ["count==3", "rate==3"]
pool_wait = ["p(50)==100", "avg==125"]
pool_used = ["value==2", "max==9", "min==2", "avg==5.5"]
pool_max = ["value>0"]
"#;
    let plan = plan(thresholds);
    let position = |name: &str| plan.series().into_iter().position(|series| series.name == name).unwrap();
    let say = |name: &str, value| ScrapedSeries { series: position(name), service: "s".to_owned(), process: 1, value };
    let waits = |count: f64| ScrapedValue::Histogram(vec![(0.1, count), (f64::INFINITY, count * 2.0)], count / 4.0);
    let at = |counter, count, used| {
        Fact::Scraped(vec![
            say("c", Some(ScrapedValue::Number(counter))),
            say("database_connection_acquire_duration_seconds", Some(waits(count))),
            say("database_connection_pool_size", Some(ScrapedValue::Number(used))),
            say("database_connection_pool_max", None),
        ])
    };
    let facts = vec![at(4.0, 10.0, 9.0), at(7.0, 11.0, 2.0), Fact::Finished { interrupted: false }];
    let verdict = verdict(thresholds, Vec::new(), facts);
    let broken: Vec<_> = verdict.thresholds.iter().filter(|judged| !judged.ok).collect();
    let told: Vec<String> = broken.iter().map(|j| format!("{} {:?} {}", j.threshold.expression, j.value, j.absent)).collect();
    assert_eq!(told, ["value>0 None true"]);
}

/// Nothing is known of how a program of somebody else's counts: what it logs as the lab's services do is held against its spans.
#[test]
fn a_foreign_service_owes_nothing_but_what_it_logs() {
    let signals = |log_lines| {
        let (name, server_spans) = ("s".to_owned(), 7);
        Fact::Telemetry(vec![ServiceSignals { name, server_spans, log_lines, silent: true, foreign: true, ..ServiceSignals::default() }])
    };
    let sample = ServiceSignals {
        name: "s".into(),
        answered: 90,
        server_spans: 7,
        log_lines: 9,
        foreign: true,
        fed: true,
        ..ServiceSignals::default()
    };
    let judged = verdict("telemetry_loss = [\"count==0\"]", Vec::new(), vec![Fact::Telemetry(vec![sample])]);
    assert_eq!(judged.thresholds[0].value, Some(0.0), "of a sample nothing is missing");
    for (log_lines, loss) in [(0, 0.0), (7, 0.0), (9, 2.0)] {
        let judged = verdict("telemetry_loss = [\"count==0\"]", Vec::new(), vec![signals(log_lines)]);
        assert_eq!(judged.thresholds[0].value, Some(loss), "{log_lines}");
    }
}

#[test]
fn a_service_of_the_scenarios_own_that_ends_by_itself_fails_the_run() {
    let text = "format = 1\ntitle = \"t\"\nstack = \"none\"\n[[service]]\nname = \"mine\"\ncommand = \"x\"\n[[load]]\nname = \"l\"\n\
                executor = \"constant-arrival-rate\"\nrate = 1\nduration = \"1s\"\n[[load.request]]\nget = \"http://x/\"\n";
    let plan = Arc::new(Plan::parse(text, "t", &[]).unwrap());
    for (name, word) in [("mine", Word::Fail), ("postgres", Word::Pass)] {
        let mut model = Model::new(Arc::clone(&plan));
        // A lab that was late as well takes nothing off the fact.
        let late = LoadWindow { lag: Samples::from_micros(vec![250_000; 5]), ..LoadWindow::default() };
        let facts = if word == Word::Fail { vec![Fact::Window(late)] } else { Vec::new() };
        let exited = Fact::Process { name: name.to_owned(), change: ProcessChange::Exited("exit status: 3".to_owned()) };
        for fact in facts.into_iter().chain([exited]) {
            model.apply(Event { at: Duration::from_secs(1), fact });
        }
        let verdict = judge(&plan, &model);
        assert_eq!(verdict.word, word, "{name}");
        assert_eq!(verdict.crashed.len(), usize::from(word == Word::Fail));
    }
}

mod outside {
    use super::*;
    use crate::event::FaultChange;
    use crate::scenario::Fault;

    const THRESHOLDS: &str = r#"
http_req_duration = ["max>500", { threshold = "max<50", outside = "f", settle = "200ms" }]
http_reqs = ["count==4", { threshold = "count==2", outside = "f", settle = "200ms" }, { threshold = "rate==4", outside = "f", settle = "200ms" }]
http_req_failed = ["rate>0", { threshold = "rate==0", outside = ["f"], settle = "200ms" }]
dropped_iterations = ["count==4", { threshold = "count==3", outside = "f" }]
schedule_lag = ["max>1", { threshold = "max<1", outside = "f" }]
"#;

    fn plan() -> Arc<Plan> {
        let text = format!(
            "format = 1\ntitle = \"t\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-arrival-rate\"\nrate = 100\nduration = \"1s\"\n\
             [[load.request]]\nname = \"a\"\nget = \"http://x/\"\n\
             [[fault]]\nname = \"f\"\nkind = \"db.lock\"\ntable = \"t\"\nat = \"300ms\"\nduration = \"200ms\"\n[thresholds]\n{THRESHOLDS}"
        );
        Arc::new(Plan::parse(&text, "t", &[]).unwrap())
    }

    fn window(index: u64, millis: u32, status: u16, lag: u32) -> Fact {
        let cells = vec![cell(0, Outcome::Status(status), &[millis])];
        Fact::Window(LoadWindow { index, offered: 2, dropped: 1, lag: Samples::from_micros(vec![lag]), cells, ..LoadWindow::default() })
    }

    fn told(facts: Vec<(u64, Fact)>) -> Verdict {
        let plan = plan();
        let mut model = Model::new(Arc::clone(&plan));
        for (at, fact) in facts {
            model.apply(Event { at: Duration::from_millis(at), fact });
        }
        judge(&plan, &model)
    }

    fn change(change: FaultChange) -> Fact {
        Fact::Fault { index: 0, change }
    }

    #[test]
    fn a_promise_outside_a_fault_sees_what_the_fault_did_not_touch() {
        let verdict = told(vec![
            (110, window(0, 10, 200, 100)),
            (310, change(FaultChange::Started)),
            // It hangs until the fault is over, and is told then; another still fails while the system settles.
            (520, change(FaultChange::Ended)),
            (1000, window(3, 600, 200, 5000)),
            (1000, window(7, 10, 500, 100)),
            (1000, window(8, 20, 200, 100)),
            (1000, Fact::Finished { interrupted: false }),
        ]);
        let broken: Vec<String> = verdict
            .thresholds
            .iter()
            .filter(|j| !j.ok)
            .map(|j| format!("{} {} = {:?}", j.threshold.selector.source, j.threshold.expression, j.value))
            .collect();
        assert!(broken.is_empty(), "{broken:?}");
        assert_eq!((verdict.word, verdict.exit), (Word::Pass, Exit::Kept));
    }

    #[test]
    fn a_fault_that_goes_on_disturbs_all_that_follows() {
        let verdict = told(vec![(310, change(FaultChange::Started)), (1000, window(2, 10, 200, 100)), (1000, window(9, 10, 200, 100))]);
        let count = verdict.thresholds.iter().find(|judged| judged.threshold.expression == "count==2").unwrap();
        assert_eq!(count.value, Some(1.0));
    }

    #[test]
    fn a_fault_that_touched_nothing_says_nothing() {
        let told = |count| {
            let ended = vec![
                (310, change(FaultChange::Started)),
                (520, change(FaultChange::Touched(count))),
                (520, change(FaultChange::Ended)),
                (1000, window(0, 10, 200, 100)),
                (1000, Fact::Finished { interrupted: false }),
            ];
            told(ended)
        };
        assert_eq!(told(0).inconclusive, ["the fault `f` touched nothing: nobody waited for t from 0.3 s to 0.5 s"]);
        assert_eq!((told(0).word, told(1).inconclusive.len()), (Word::Inconclusive, 0));
    }

    /// What a viewer does is nobody's promise; what the plan has, a viewer takes from it.
    #[test]
    fn a_fault_by_hand_is_judged_by_nobody_and_one_of_the_plan_that_is_cut_short_says_nothing() {
        let of_plan = |cut_short: bool| {
            let cut_short = cut_short.then(|| (400, change(FaultChange::CutShort)));
            let began = [(310, change(FaultChange::Started)), (400, change(FaultChange::Touched(2)))];
            began.into_iter().chain(cut_short).chain([(410, change(FaultChange::Ended))])
        };
        let by_hand = |index| {
            let fault = Fault { name: format!("by hand {index}"), ..plan().faults[0].clone() };
            let change = move |change| Fact::Fault { index, change };
            let failed = if index == 1 { FaultChange::Touched(0) } else { FaultChange::Failed("no".to_owned()) };
            [(600, Fact::FaultByHand(fault)), (610, change(FaultChange::Started)), (700, change(failed)), (710, change(FaultChange::Ended))]
        };
        let end = || [(1000, window(0, 10, 200, 100)), (1000, Fact::Finished { interrupted: false })];
        assert!(told(of_plan(false).chain(by_hand(1)).chain(by_hand(2)).chain(end()).collect()).inconclusive.is_empty());
        let cut_short = told(of_plan(true).chain(end()).collect());
        assert_eq!(cut_short.inconclusive, ["the fault `f` was not there as planned: it was ended by hand before its time"]);
    }

    #[test]
    fn a_fault_that_the_run_was_too_short_for_says_nothing() {
        let told = |last| told(vec![(1000, window(0, 10, 200, 100)), (1000, last)]).inconclusive;
        assert_eq!(told(Fact::Finished { interrupted: false }), ["the fault `f` had not begun when the load was over"]);
        assert_eq!((told(Fact::Tick), told(Fact::Finished { interrupted: true })), (Vec::new(), Vec::new()));
    }

    #[test]
    fn without_its_fault_a_run_says_nothing() {
        let failed = told(vec![(310, change(FaultChange::Failed("nobody there".to_owned()))), (1000, window(0, 10, 200, 100))]);
        assert_eq!((failed.word, failed.exit), (Word::Inconclusive, Exit::Inconclusive));
        assert_eq!(failed.inconclusive, ["the fault `f` was not there as planned: nobody there"]);
    }
}

/// The scenario of these tests with three expectations, of which the last is a metric.
fn expecting(facts: Vec<Fact>) -> Verdict {
    let expectations = "[[expect]]\nname = \"one\"\ntraces = '{ }'\ncount = \">=2\"\n[[expect]]\nname = \"two\"\nlogs = { message = \"m\" }\n\
        count = \"==0\"\n[[expect]]\nname = \"three\"\nmetric = \"http_req_duration\"\nholds = \"max<50\"\n";
    verdict(&format!("http_reqs = [\"count>0\"]\n{expectations}"), vec![cell(0, Outcome::Status(200), &[10, 20])], facts)
}

fn found(index: usize, found: Found) -> Fact {
    Fact::Expectation { index, found }
}

fn counted(index: usize, count: u64) -> Fact {
    found(index, Found::Counted { count, examples: Vec::new() })
}

#[test]
fn expectations_are_judged_by_what_was_found() {
    let kept = expecting(vec![counted(0, 2), counted(1, 0)]);
    assert_eq!((kept.word, kept.exit), (Word::Pass, Exit::Kept));
    let values: Vec<_> = kept.expectations.iter().map(|judged| judged.value.map(f64::round)).collect();
    assert_eq!(values, [Some(2.0), Some(0.0), Some(20.0)]);
    let broken = expecting(vec![counted(0, 1), counted(1, 0)]);
    assert_eq!((broken.word, broken.exit), (Word::Fail, Exit::Broken));
    let standings: Vec<_> = broken.expectations.iter().map(|judged| judged.standing.clone()).collect();
    assert_eq!(standings, [Standing::Broken, Standing::Kept, Standing::Kept]);
}

#[test]
fn what_cannot_be_judged_is_inconclusive_unless_it_may_be_skipped() {
    let unclear = expecting(vec![counted(0, 9), found(1, Found::Unclear("it is gone".to_owned()))]);
    assert_eq!((unclear.word, unclear.exit), (Word::Inconclusive, Exit::Inconclusive));
    assert_eq!(unclear.inconclusive, ["the expectation `two` cannot be judged: it is gone"]);
    let skipped = expecting(vec![counted(0, 9), found(1, Found::Skipped("it may be".to_owned()))]);
    assert_eq!((skipped.word, skipped.exit), (Word::Pass, Exit::Kept));
}

#[test]
fn an_expectation_is_open_until_the_end() {
    let running = expecting(Vec::new());
    assert_eq!((running.word, &running.expectations[0].standing), (Word::Pass, &Standing::Open));
    let ended = expecting(vec![counted(0, 2), Fact::Finished { interrupted: false }]);
    assert!(matches!(ended.expectations[1].standing, Standing::Unclear(_)) && ended.word == Word::Inconclusive);
}
