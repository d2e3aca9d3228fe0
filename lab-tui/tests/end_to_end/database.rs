//! What the database says of itself, asked while something is wrong with it.

use rustix::process::Signal;
use serde_json::Value;

use crate::common::{PATIENCE, Place, ended, signal, until};

#[tokio::test]
async fn who_holds_the_lock_is_named_while_it_is_there() {
    let place = Place::new();
    let up = place.run_until(&["locked-table", "--headless"], "die-service", 10.0).await;
    let place = &place;
    let pid = &up.pid().to_string();
    let asked = || async move {
        let now = place.run(&["db", "--json", "--lab", pid]).await;
        serde_json::from_str::<Value>(&now.stdout).unwrap_or_default()
    };
    let sessions = |now: &Value| now["sessions"].as_array().cloned().unwrap_or_default();
    until("the pool and the statements", PATIENCE, || async {
        let now = asked().await;
        now["pools"][0]["max"] == 10
            && now["statements"].as_array().is_some_and(|all| all.iter().any(|one| one["calls"].as_u64() > Some(3)))
    })
    .await;
    until("who waits for the lock, and who holds it", PATIENCE, || async {
        let now = asked().await;
        let waits = sessions(&now).into_iter().find(|session| session["wait"] == serde_json::json!(["Lock", "relation"]));
        let holder = waits.map(|waits| waits["blocked_by"][0].clone());
        sessions(&now).iter().any(|session| Some(&session["pid"]) == holder.as_ref() && session["application"] == "obslab faults")
    })
    .await;
    let now = asked().await;
    let waits = sessions(&now).into_iter().find(|session| session["wait"][0] == "Lock").unwrap();
    assert!(!now.to_string().contains("traceparent"), "the comment is read and left out: {now}");
    let trace = waits["trace_id"].as_str().unwrap();
    until("the trace of who waited, once that is over", PATIENCE, || async {
        place.run(&["trace", trace, "--lab", pid]).await.stdout.contains("SELECT die_specifications")
    })
    .await;
    let told = place.run(&["db", "--lab", pid]).await.stdout;
    assert!(told.contains("pool of die-service: ") && told.contains("transactions "), "{told}");
    signal(up.pid(), Signal::INT);
    assert_eq!(ended(up.child).await.code, Some(105));
    place.assert_empty();
}
