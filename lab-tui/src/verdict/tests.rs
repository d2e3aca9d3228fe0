use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::event::{Cell, Event, Fact, LoadWindow, Samples, ServiceSignals};

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

#[test]
fn a_late_lab_is_inconclusive_and_an_interruption_has_its_own_code() {
    let late = LoadWindow { lag: Samples::from_micros(vec![250_000; 5]), ..LoadWindow::default() };
    let late = verdict("", Vec::new(), vec![Fact::Window(late)]);
    assert_eq!((late.word, late.exit), (Word::Inconclusive, Exit::Inconclusive));
    assert!(late.bottleneck.unwrap().contains("250 ms"));
    let interrupted = verdict("", Vec::new(), vec![Fact::Finished { interrupted: true }]);
    assert_eq!(interrupted.exit, Exit::Interrupted);
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
        }])
    };
    let lost = verdict("telemetry_loss = [\"count==0\"]", Vec::new(), vec![signals(false)]);
    assert_eq!(lost.thresholds[0].value, Some(3.0));
    assert_eq!(lost.word, Word::Fail);
    assert_eq!(verdict("telemetry_loss = [\"count==0\"]", Vec::new(), vec![signals(true)]).word, Word::Pass);
}

/// Nothing is known of how a program of somebody else's counts: what it logs as the lab's services do is held against its spans.
#[test]
fn a_foreign_service_owes_nothing_but_what_it_logs() {
    let signals = |log_lines| {
        let (name, server_spans) = ("s".to_owned(), 7);
        Fact::Telemetry(vec![ServiceSignals { name, server_spans, log_lines, silent: true, foreign: true, ..ServiceSignals::default() }])
    };
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
    fn without_its_fault_a_run_says_nothing() {
        let failed = told(vec![(310, change(FaultChange::Failed("nobody there".to_owned()))), (1000, window(0, 10, 200, 100))]);
        assert_eq!((failed.word, failed.exit), (Word::Inconclusive, Exit::Inconclusive));
        assert_eq!(failed.inconclusive, ["the fault `f` was not there as planned: nobody there"]);
    }
}
