use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use lab_facts::event::{Control, LoadWindow};
use lab_facts::scenario::{Method, Target};

use super::*;
use crate::load::RunClock;
use crate::load::pacer::Agenda;

/// When, and what: the URL, and for other requests than plain GETs their method, headers and body as well.
type Log = Vec<(u128, String)>;

/// Answers each request after a set time with a set status, on tokio's paused clock: percentiles are exact.
struct Fake {
    answer: fn(usize) -> (Duration, u16),
    start: tokio::time::Instant,
    sent: Rc<RefCell<Log>>,
}

impl Sender for Fake {
    fn url(&self, _: &Target, rendered: &str) -> String {
        rendered.to_owned()
    }

    async fn send(&self, request: Outgoing<'_>) -> Ending {
        assert_eq!(request.traceparent.len(), 55);
        let (time, status) = (self.answer)(self.sent.borrow().len());
        let what = match (request.method, request.headers, &request.body) {
            (Method::Get, [], None) => request.url.to_owned(),
            (method, headers, body) => format!("{method} {} {headers:?} {body:?}", request.url),
        };
        self.sent.borrow_mut().push((self.start.elapsed().as_millis(), what));
        tokio::time::sleep(time).await;
        Outcome::Status(status).into()
    }
}

fn one_load(executor: &str, keys: &str) -> Plan {
    let text = format!(
        "format = 1\ntitle = \"t\"\nseed = 7\n[[load]]\nname = \"l\"\nexecutor = \"{executor}\"\n{keys}\n[[load.request]]\n\
         get = \"http://a/{{die}}\"\n[load.vars]\ndie = [\"fair\", \"risky\", \"extreme\"]\n"
    );
    Plan::parse(&text, "t", &[]).unwrap()
}

/// What a run told: every part of every window, and each request as it was sent.
struct Told {
    windows: Vec<LoadWindow>,
    sent: Log,
}

/// Tokio's clock, which stands still until everybody waits for it: whoever waits awake would wait for ever.
struct Simulated(tokio::time::Instant);

impl Clock for Simulated {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    async fn reach(&self, moment: Duration) {
        tokio::time::sleep_until(self.0 + moment).await;
    }
}

/// The pacer on simulated time. Each of the controls is obeyed after so many milliseconds.
async fn pace(
    mut agenda: Agenda,
    start: tokio::time::Instant,
    mut asked: mpsc::UnboundedReceiver<Turn>,
    turns: mpsc::UnboundedSender<Turn>,
    controls: &[(u64, Control)],
    stop: CancellationToken,
) {
    let mut asking = true;
    let mut controls = controls.iter().map(|(at, control)| (Duration::from_millis(*at), *control)).peekable();
    loop {
        let (next, control) = (agenda.peek(), controls.peek().copied());
        if next.is_none() && !asking && !agenda.is_open(start.elapsed()) {
            return;
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            turn = asked.recv(), if asking => match turn {
                Some(turn) => agenda.ask(turn, start.elapsed()),
                None => asking = false,
            },
            () = tokio::time::sleep_until(start + control.map_or(Duration::ZERO, |(at, _)| at)), if control.is_some() => {
                let (at, control) = controls.next().unwrap();
                agenda.obey(control, at);
            }
            () = tokio::time::sleep_until(start + next.map_or(Duration::ZERO, |next| next.due)), if next.is_some() => {
                turns.send(agenda.pop().unwrap()).unwrap();
            }
            // As the real one does, it looks now and then whether it is still needed.
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
    }
}

async fn walk(plan: Plan, answer: fn(usize) -> (Duration, u16), stop_after: Option<u64>) -> Told {
    walk_with(plan, answer, stop_after, &[]).await
}

async fn walk_with(plan: Plan, answer: fn(usize) -> (Duration, u16), stop_after: Option<u64>, controls: &[(u64, Control)]) -> Told {
    let (reports, mut received) = mpsc::unbounded_channel();
    let (turns, due) = mpsc::unbounded_channel();
    let (ask, asked) = mpsc::unbounded_channel();
    let start = tokio::time::Instant::now();
    let sent = Rc::new(RefCell::new(Vec::new()));
    let sender = Fake { answer, start, sent: Rc::clone(&sent) };
    let agenda = Agenda::new(&plan);
    let spans = Spans::new(&plan, RunClock::start_now());
    let worker = Worker::new(Arc::new(plan), sender, spans, reports, Simulated(start), agenda.paused());
    let stop = CancellationToken::new();
    let stopping = async {
        if let Some(limit) = stop_after {
            tokio::time::sleep_until(start + Duration::from_millis(limit)).await;
            stop.cancel();
        }
    };
    let asking = move |turn| ask.send(turn).unwrap();
    tokio::join!(stopping, worker.run(due, asking, stop.clone()), pace(agenda, start, asked, turns, controls, stop.clone()));
    let mut windows = Vec::new();
    while let Some(report) = received.recv().await {
        if let Report::Window(window) = report {
            windows.push(window);
        }
    }
    Told { windows, sent: sent.take() }
}

/// Runs 100 arrivals at 100/s against the fake and returns every part of every window.
async fn run(max_vus: usize, answer: fn(usize) -> (Duration, u16), stop_after: Option<u64>) -> Vec<LoadWindow> {
    let keys = format!("rate = 100\nduration = \"1s\"\nmax_vus = {max_vus}\ntimeout = \"2s\"");
    walk(one_load("constant-arrival-rate", &keys), answer, stop_after).await.windows
}

/// Response times in whole milliseconds by outcome, and (offered, dropped).
fn summed(windows: &[LoadWindow]) -> (BTreeMap<Outcome, BTreeMap<u32, u32>>, (u32, u32)) {
    let mut by_outcome: BTreeMap<Outcome, BTreeMap<u32, u32>> = BTreeMap::new();
    for cell in windows.iter().flat_map(|window| &window.cells) {
        for (micros, count) in cell.response_time.pairs() {
            *by_outcome.entry(cell.outcome).or_default().entry((micros + 500) / 1000).or_default() += count;
        }
    }
    (by_outcome, (windows.iter().map(|w| w.offered).sum(), windows.iter().map(|w| w.dropped).sum()))
}

#[test]
fn a_traceparent_is_as_the_standard_writes_it() {
    let trace_id = TraceId([0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36]);
    let span_id = [0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7];
    assert_eq!(traceparent(trace_id, span_id), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
}

#[tokio::test(start_paused = true)]
async fn twelve_milliseconds_are_twelve_milliseconds() {
    let windows = run(50, |_| (Duration::from_millis(12), 200), None).await;
    let (times, counts) = summed(&windows);
    assert_eq!(counts, (100, 0));
    assert_eq!(times, BTreeMap::from([(Outcome::Status(200), BTreeMap::from([(12, 100)]))]));
    assert!(windows.iter().all(|window| window.lag.max() == 0));
    // A request belongs to the window of its intended start, and each window had ten.
    for index in 0..10 {
        let ended: u64 = windows.iter().filter(|w| w.index == index).flat_map(|w| &w.cells).map(|cell| cell.response_time.count()).sum();
        assert_eq!(ended, 10, "window {index}");
    }
}

/// With one request at a time and 95 ms each, nine of ten arrivals find no place; they are counted, not delayed.
#[tokio::test(start_paused = true)]
async fn arrivals_beyond_the_cap_are_dropped_and_counted() {
    let (times, counts) = summed(&run(1, |_| (Duration::from_millis(95), 200), None).await);
    assert_eq!(counts, (100, 90));
    assert_eq!(times[&Outcome::Status(200)], BTreeMap::from([(95, 10)]));
}

#[tokio::test(start_paused = true)]
async fn a_request_without_an_answer_times_out() {
    let answer = |sent| if sent == 3 { (Duration::from_secs(60), 200) } else { (Duration::from_millis(5), 503) };
    let (times, _) = summed(&run(50, answer, None).await);
    assert_eq!(times[&Outcome::Timeout], BTreeMap::from([(2000, 1)]));
    assert_eq!(times[&Outcome::Status(503)], BTreeMap::from([(5, 99)]));
}

#[tokio::test(start_paused = true)]
async fn an_interruption_gives_requests_in_flight_a_second() {
    let answer = |sent| (Duration::from_millis(if sent < 20 { 500 } else { 1500 }), 200);
    let (times, (offered, _)) = summed(&run(50, answer, Some(295)).await);
    assert_eq!(offered, 30);
    assert_eq!(times[&Outcome::Status(200)].values().sum::<u32>(), 20);
    assert_eq!(times[&Outcome::Interrupted].values().sum::<u32>(), 10);
}

mod control;
mod omission;
mod seed;
mod users;
