//! Faults are there when they are said to be, and gone afterwards, however the lab ends.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::common::{PATIENCE, Place, Up, client, ended, get, signal, until};
use crate::screen::Terminal;

/// One fault for a whole minute of ten requests a second, from the first moment on.
fn endless(fault: &str) -> String {
    format!(
        "format = 1\ntitle = \"A test\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-arrival-rate\"\nrate = 10\nduration = \"1m\"\n\
         service = \"die-service\"\n[[load.request]]\nget = \"/dice?identifier=fair\"\n\
         [[fault]]\nname = \"f\"\nat = \"0s\"\nduration = \"50s\"\n{fault}\n"
    )
}

const MOODY: &str = "kind = \"dice.error_rate\"\ndie = \"fair\"\nrate = 0.75";

/// Somebody's database: that of another lab, which is none of our business otherwise.
struct Theirs {
    place: Place,
    up: Up,
}

impl Theirs {
    async fn new() -> Self {
        let place = Place::new();
        let up = place.up(&[]).await;
        Self { place, up }
    }

    async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.up.database_url()).await.unwrap()
    }

    async fn fair(&self) -> f64 {
        let mut connection = self.connect().await;
        sqlx::query_scalar("SELECT error_rate FROM die_specifications WHERE identifier = 'fair'").fetch_one(&mut connection).await.unwrap()
    }

    async fn has_ledger(&self) -> bool {
        sqlx::query_scalar("SELECT to_regclass('obslab_undo') IS NOT NULL").fetch_one(&mut self.connect().await).await.unwrap()
    }

    /// A run on this database, once its fault has changed the row.
    async fn run_with_moody_die(&self, place: &Place, variables: &[(&str, &str)]) -> tokio::process::Child {
        let file = place.write("moody.toml", &endless(MOODY));
        let mut lab = place.lab(&["run", file.to_str().unwrap(), "--json", "-", "--database-url", &self.up.database_url()]);
        let child = lab.envs(variables.iter().copied()).spawn().unwrap();
        until("the change", PATIENCE, || async { (self.fair().await - 0.75).abs() < f64::EPSILON }).await;
        child
    }

    async fn assert_restored(&self) {
        assert_eq!((self.fair().await, self.has_ledger().await), (0.0, false));
    }

    async fn stop(self) {
        self.up.stop().await;
        self.place.assert_empty();
    }
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// What a viewer has begun is undone like what a plan has: when they leave, and after a kill by the next start.
#[tokio::test]
async fn what_was_begun_by_hand_is_undone_however_the_lab_ends() {
    let theirs = Theirs::new().await;
    let (place, url) = (Place::new(), theirs.up.database_url());
    let moody = async || {
        let mut terminal = Terminal::start_like(&place.lab(&["run", "first-minute", "--database-url", &url]), (80, 24), &[]);
        terminal.taken_over().await;
        terminal.press(":inject dice.error\r");
        terminal.shows("type a value").await;
        terminal.press("\r");
        until("the change", PATIENCE, || async { (theirs.fair().await - 0.5).abs() < f64::EPSILON }).await;
        terminal
    };
    let mut left = moody().await;
    left.press("\x03");
    left.ended(105).await;
    theirs.assert_restored().await;
    moody().await.kill();
    assert!(theirs.has_ledger().await, "nobody was left to restore it");
    let next = place.run(&["run", "db-load", "--time-scale", "0.02", "--database-url", &url]).await;
    assert!(next.stderr.contains("restored what an earlier lab could not: dice.error_rate of fair"), "{}", next.stderr);
    theirs.assert_restored().await;
    theirs.stop().await;
    place.assert_empty();
}

/// The kernel tells nobody what the lab had in mind; the next lab on the database finds out, and a living one is left alone.
#[tokio::test]
async fn a_row_changed_by_a_lab_that_was_killed_is_restored_by_the_next_start() {
    let theirs = Theirs::new().await;
    let (place, other) = (Place::new(), Place::new());
    // An odd value, and one that a double cannot hold exactly: it comes back as the very same.
    let odd: f64 = 0.1 + 0.2;
    let change = sqlx::query("UPDATE die_specifications SET error_rate = $1 WHERE identifier = 'fair'").bind(odd);
    change.execute(&mut theirs.connect().await).await.unwrap();
    let mut lab = theirs.run_with_moody_die(&place, &[]).await;

    let url = theirs.up.database_url();
    let beside = other.run(&["run", "db-load", "--time-scale", "0.02", "--database-url", &url]).await;
    assert_eq!(beside.code, Some(0), "{}", beside.stderr);
    assert!((theirs.fair().await - 0.75).abs() < f64::EPSILON, "the change of a lab that lives was taken for one that was left behind");
    let file = other.write("second.toml", &endless(MOODY).replace("1m", "1s"));
    let second = other.run(&["run", file.to_str().unwrap(), "--database-url", &url]).await;
    assert_eq!(second.code, Some(98), "{}\n{}", second.stdout, second.stderr);
    assert!(second.stdout.contains("another lab, or another fault, changes the error rate of `fair` just now"), "{}", second.stdout);

    signal(lab.id().unwrap(), Signal::KILL);
    lab.wait().await.unwrap();
    assert!((theirs.fair().await - 0.75).abs() < f64::EPSILON, "nobody was left to restore it");
    let next = place.run(&["run", "db-load", "--time-scale", "0.02", "--database-url", &url]).await;
    assert_eq!(next.code, Some(0), "{}", next.stderr);
    assert!(next.stderr.contains("restored what an earlier lab could not: dice.error_rate of fair"), "{}", next.stderr);
    assert_eq!((theirs.fair().await.to_bits(), theirs.has_ledger().await), (odd.to_bits(), false));
    theirs.stop().await;
    place.assert_empty();
}

#[tokio::test]
async fn an_interrupted_run_undoes_its_faults_at_once() {
    let theirs = Theirs::new().await;
    let place = Place::new();
    let lab = theirs.run_with_moody_die(&place, &[]).await;
    signal(lab.id().unwrap(), Signal::INT);
    let run = ended(lab).await;
    theirs.assert_restored().await;
    assert_eq!(run.code, Some(105), "{}", run.stderr);
    let fault = &json_of(&run.stdout)["faults"][0];
    let seconds = |key: &str| fault[key].as_f64().unwrap_or_else(|| panic!("{fault}"));
    assert!(seconds("started_s") < seconds("ended_s") && seconds("ended_s") < 50.0, "{fault}");
    assert_eq!((&fault["name"], &fault["kind"], &fault["failed"]), (&"f".into(), &"dice.error_rate".into(), &Value::Null));
    assert!(
        run.stderr.contains("fault `f` begins: error rate of fair becomes 0.75") && run.stderr.contains("fault `f` is over"),
        "{}",
        run.stderr
    );
    theirs.stop().await;
    place.assert_empty();
}

/// A defect of the lab is no reason to leave somebody's database changed.
#[tokio::test]
async fn a_panic_undoes_the_faults_and_ends_in_one_sentence() {
    let theirs = Theirs::new().await;
    let place = Place::new();
    let lab = theirs.run_with_moody_die(&place, &[("LAB_TEST_PANIC_AFTER_MS", "4000")]).await;
    let run = ended(lab).await;
    theirs.assert_restored().await;
    assert_eq!(run.code, Some(101), "{}", run.stderr);
    let last = run.stderr.lines().last().unwrap();
    assert_eq!(last, "lab: the run ended in a defect of the lab: asked for by a test; all faults are undone");
    theirs.stop().await;
    place.assert_empty();
}

#[tokio::test]
async fn a_lock_goes_with_the_lab_that_is_killed() {
    let theirs = Theirs::new().await;
    let place = Place::new();
    let file = place.write("lock.toml", &endless("kind = \"db.lock\"\ntable = \"die_specifications\""));
    let mut lab = place.lab(&["run", file.to_str().unwrap(), "--database-url", &theirs.up.database_url()]).spawn().unwrap();
    let query = "SELECT count(*) > 0 FROM pg_locks JOIN pg_class ON pg_class.oid = relation \
                 WHERE relname = 'die_specifications' AND mode = 'AccessExclusiveLock' AND granted";
    let mut connection = theirs.connect().await;
    let started = Instant::now();
    while !sqlx::query_scalar::<_, bool>(query).fetch_one(&mut connection).await.unwrap() {
        assert!(started.elapsed() < PATIENCE, "never locked");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    signal(lab.id().unwrap(), Signal::KILL);
    let killed = Instant::now();
    lab.wait().await.unwrap();
    // Answered as soon as the lock is gone.
    let answered = tokio::time::timeout(PATIENCE, theirs.fair()).await.unwrap();
    assert!(answered.abs() < f64::EPSILON && killed.elapsed() < Duration::from_secs(3), "{:?}", killed.elapsed());
    theirs.stop().await;
}

/// The services of a lab die with it. One that somebody else started goes on, and is itself again when the lease has run out.
#[tokio::test]
async fn what_a_service_was_asked_for_lapses_within_three_seconds() {
    let place = Place::new();
    let mut serve = place.lab(&["serve", "dice-roller", "--listen-addr", "127.0.0.1:0"]);
    let mut child = serve.env("LAB_FAULT_TOKEN", "of-this-test").env("OTEL_SDK_DISABLED", "true").spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let base = loop {
        let line = json_of(&lines.next_line().await.unwrap().unwrap());
        if line["message"] == "listening" {
            break format!("http://{}", line["addr"].as_str().unwrap());
        }
    };
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    let index = &format!("{base}/");
    let put = |token: &'static str, lease: u32| {
        let fault = json!({ "name": "f", "route": "/", "probability": 1.0, "seed": 1, "effect": { "error": { "status": 503 } } });
        let body = json!({ "lease_ms": lease, "faults": [fault] });
        async move { client().put(format!("{index}lab/faults")).bearer_auth(token).json(&body).send().await.unwrap().status().as_u16() }
    };
    assert_eq!((put("of-another", 3000).await, put("of-this-test", 3001).await), (404, 422));
    assert_eq!(get(index).await.0, 200);
    let asked = Instant::now();
    assert_eq!(put("of-this-test", 3000).await, 200);
    assert_eq!(get(index).await, (503, json!({ "detail": "Service Unavailable" })));
    until("the lapse", Duration::from_secs(4), || async move { get(index).await.0 == 200 }).await;
    assert!((2.9..4.0).contains(&asked.elapsed().as_secs_f64()), "{:?}", asked.elapsed());
    signal(child.id().unwrap(), Signal::TERM);
    assert_eq!(ended(child).await.code, Some(0));
}

/// A fault that cannot be injected is no reason to pass, nor to fail: nothing can be said.
#[tokio::test]
async fn a_fault_that_cannot_be_injected_is_inconclusive() {
    let place = Place::new();
    for (fault, why) in [
        ("kind = \"db.lock\"\ntable = \"no_such_table\"", "relation \"no_such_table\" does not exist (SQLSTATE 42P01)"),
        ("kind = \"dice.error_rate\"\ndie = \"nobody\"\nrate = 1", "there is no die `nobody`"),
        (
            "kind = \"service.error\"\nservice = \"die-service\"\nroute = \"/roll\"",
            "there is no route /roll that could be disturbed; there are /, /dice",
        ),
    ] {
        let file = place.write("s.toml", &endless(fault).replace("1m", "1s"));
        let out = place.path("out.json");
        let run = place.run(&["run", file.to_str().unwrap(), "--json", out.to_str().unwrap()]).await;
        assert_eq!(run.code, Some(98), "{}\n{}", run.stdout, run.stderr);
        let json = json_of(&std::fs::read_to_string(&out).unwrap());
        assert_eq!((&json["verdict"], &json["faults"][0]["started_s"]), (&"inconclusive".into(), &Value::Null));
        for told in
            [json["faults"][0]["failed"].as_str().unwrap(), json["inconclusive"][0].as_str().unwrap(), run.stdout.lines().last().unwrap()]
        {
            assert!(told.contains(why), "{told}");
        }
    }
    place.assert_empty();
}

/// What the lab says of a fault is what its spans say, and all signals still agree.
#[tokio::test]
async fn service_faults_follow_one_another_and_leave_nothing_behind() {
    let place = Place::new();
    let fault = |name: &str, at: &str, rest: &str| {
        format!("[[fault]]\nname = \"{name}\"\nat = \"{at}\"\nduration = \"1s\"\nkind = \"service.{rest}\nservice = \"dice-roller\"\n")
    };
    let text = "format = 1\ntitle = \"t\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-arrival-rate\"\nrate = 50\nduration = \"4s\"\n\
                service = \"dice-roller\"\n[[load.request]]\nget = \"/roll?die=fair\"\n"
        .to_owned()
        + &fault("broken", "1s", "error\"\nstatus = 418\nprobability = 0.5")
        + &fault("slow", "2s", "latency\"\nlatency = \"400ms\"")
        + "[thresholds]\n\"http_reqs{status:418}\" = [\"count>0\", { threshold = \"count==0\", outside = \"broken\" }]\n\
           http_req_duration = [{ threshold = \"p(90)<400\", outside = \"slow\" }]\nhttp_req_service_time = [\"max>=400\"]\ntelemetry_loss = [\"count==0\"]\n";
    let file = place.write("s.toml", &text);
    let run = place.run(&["run", file.to_str().unwrap(), "--json", "-"]).await;
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    let json = json_of(&run.stdout);
    for (fault, at) in json["faults"].as_array().unwrap().iter().zip([1.0, 2.0]) {
        let (started, ended) = (fault["started_s"].as_f64().unwrap(), fault["ended_s"].as_f64().unwrap());
        assert!((at..at + 0.5).contains(&started) && (1.0..3.0).contains(&(ended - started)), "{fault}");
    }
    let outcomes = json["loads"][0]["outcomes"].as_array().unwrap();
    let refused = outcomes.iter().find(|outcome| outcome["outcome"] == "418").unwrap()["count"].as_u64().unwrap();
    // Fifty draws of one half: five standard deviations.
    assert!((7..=43).contains(&refused), "{refused}");
    place.assert_empty();
}
