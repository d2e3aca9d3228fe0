//! `--stack attach`: one lab is the system that runs already, another one is attached to it. Its services go on with the second lab's traces
//! and send their spans to the first one alone, so whatever the second one shows of them was asked for.

use serde_json::Value;

use crate::common::{Place, ended, get};

#[tokio::test]
async fn what_runs_already_is_driven_and_looked_into() {
    let (theirs, place) = (Place::new(), Place::new());
    let system = theirs.up(&[]).await;
    let service = format!("die-service={}", system.url("die-service"));
    let out = place.path("out.json");
    let tempo = system.address("tempo");
    let run = ["db-load", "--time-scale", "0.15", "--headless", "--json", out.to_str().unwrap(), "--service", &service];
    let asked = ["--tempo-url", &tempo, "--database-url", &system.database_url()];
    let lab = place.run_until(&[&run[..], &asked].concat(), "die-service", 50.0).await;
    let pid = lab.pid().to_string();

    // While it goes on: the pool from the service's page, the sessions from the database.
    let database: Value = serde_json::from_str(&place.run(&["db", "--json", "--lab", &pid]).await.stdout).unwrap();
    assert_eq!((&database["pools"][0]["service"], &database["pools"][0]["max"]), (&"die-service".into(), &10.into()), "{database:#}");
    assert!(!database["sessions"].as_array().unwrap().is_empty(), "{database:#}");
    let status = place.run(&["status", "--lab", &pid]).await.stdout;
    assert!(status.contains("die-service   http://127.0.0.1:") && status.contains("postgresql://diceuser:…@"), "{status}");
    assert!(!status.contains("frontend") && !status.contains("dicepass"), "{status}");

    let ended = ended(lab.child).await;
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    // The slowest request's trace has the service's spans below the lab's own.
    assert!(ended.stdout.contains("spans of 2 services") && ended.stdout.contains("die-service GET /dice"), "{}", ended.stdout);
    let json: Value = serde_json::from_str(&std::fs::read_to_string(out).unwrap()).unwrap();
    let calls = json["calls"].as_array().unwrap();
    let calls: Vec<(&str, &str)> = calls.iter().map(|call| (call["from"].as_str().unwrap(), call["to"].as_str().unwrap())).collect();
    assert_eq!(calls, [("die-service", "postgresql"), ("lab", "die-service")]);
    let [telemetry] = &json["telemetry"]["services"].as_array().unwrap()[..] else { panic!("{json:#}") };
    let told = |key: &str| telemetry[key].clone();
    assert_eq!(
        (told("name"), told("loss"), told("reconciled"), told("sampled")),
        ("die-service".into(), 0.into(), false.into(), true.into())
    );
    assert!(told("answered").as_u64() >= Some(225) && told("server_spans").as_u64() > Some(0), "{telemetry}");
    assert_eq!((&json["telemetry"]["orphan_spans"], &json["processes"]), (&0.into(), &serde_json::json!([])));
    assert_eq!((&json["endpoints"]["attached"], &json["lab"]["bottleneck"]), (&serde_json::json!(["die-service"]), &Value::Null));
    // A replay has what was fed, and needs nobody.
    let again = place.run(&["replay", "last"]).await;
    assert_eq!((again.stdout, again.code), (ended.stdout, Some(0)));
    place.assert_empty();

    // The system is as it was, and goes on.
    assert_eq!(get(&format!("{}/dice", system.url("die-service"))).await.0, 200);
    let up = place.up(&["--stack", "attach", "--service", &service]).await;
    assert_eq!(up.url("die-service"), system.url("die-service"));
    up.stop().await;
    system.stop().await;
    theirs.assert_empty();
}

#[tokio::test]
async fn what_cannot_be_attached_is_refused_before_anything_starts() {
    let place = Place::new();
    let there = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = format!("frontend=http://{}", there.local_addr().unwrap());
    let run = ["run", "traffic"];
    for (flags, code, sentence) in [
        (
            &["--stack", "attach"][..],
            104,
            "the stack is `attach`, and nothing is attached as `frontend` (add `--service frontend=http://HOST:PORT`)",
        ),
        (
            &["--service", "frontend=http://127.0.0.1:1"],
            100,
            "frontend does not answer at http://127.0.0.1:1: nothing listens at 127.0.0.1:1",
        ),
        (
            &["--service", "frontend=http://me:secret@h"],
            104,
            "--service frontend: a URL with a password in it would be shown; leave it out",
        ),
        (&["--service", &there, "--stack", "embedded"], 104, "--service is for what runs already, and the stack is `embedded`"),
        (&["--service", &there, "--port", "frontend=9000"], 104, "the stack `attach` has no frontend; leave its port out"),
        (&["--service", &there, "--pg-version", "17.6"], 104, "the stack `attach` starts no PostgreSQL"),
        (&["--service", &there, "--metrics", "shop=http://h/metrics"], 104, "--metrics shop: no such service is attached"),
        (
            &["--service", &there, "--database-url", "postgresql://me:secret@127.0.0.1:1/x"],
            100,
            "cannot use the database at postgresql://me:…@127.0.0.1:1/x",
        ),
    ] {
        let ended = ended(place.lab(&[&run[..], flags].concat()).env("LAB_PG_BIN", "").spawn().unwrap()).await;
        assert!(ended.code == Some(code) && ended.stderr.contains(sentence), "{flags:?}: {ended:?}");
        assert!(!ended.stderr.contains("secret"), "{}", ended.stderr);
    }
    let fault = place.lab(&["run", "locked-table"]).env("LAB_SERVICE", format!("{there},die-service=http://127.0.0.1:1")).spawn().unwrap();
    let fault = ended(fault).await;
    assert!(fault.code == Some(104) && fault.stderr.contains("`db.lock` would disturb what is not the lab's own"), "{fault:?}");
    place.assert_empty();
}
