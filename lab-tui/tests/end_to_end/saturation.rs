//! The pool's figures are true: a real pool is saturated by a real lock, and says so.

use std::time::Duration;

use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::common::{PATIENCE, Place, get, metric, until};

#[tokio::test]
async fn a_saturated_pool_says_so() {
    let place = Place::new();
    let flags =
        ["DB_POOL_MIN=1", "DB_POOL_MAX=3", "DB_ACQUIRE_TIMEOUT_MS=400", "DB_STATEMENT_TIMEOUT_MS=3000", "DIE_SERVICE_TIMEOUT_MS=300"];
    let up = place.up(&flags.map(|flag| ["--env", flag]).concat()).await;
    let base = &up.url("die-service");
    let pool = |name: &'static str| async move { metric(base, &format!("database_connection_pool_{name}"), &[]).await.unwrap() };
    let dice = &format!("{base}/dice?identifier=fair");
    let acquired = || async move { metric(base, "database_connection_acquire_duration_seconds_count", &[]).await.unwrap_or(0.0) };

    // At rest: within its bounds, nothing waits, all that is open is idle.
    assert_eq!(get(dice).await.0, 200);
    until("rest", PATIENCE, || async move { pool("available").await >= 1.0 && pool("available").await == pool("size").await }).await;
    assert_eq!((pool("max").await, pool("pending").await, pool("timeouts_total").await), (3.0, 0.0, 0.0));
    let waits_before = acquired().await;

    let mut blocker = PgConnection::connect(&up.database_url()).await.unwrap();
    blocker.execute("BEGIN; LOCK TABLE die_specifications IN ACCESS EXCLUSIVE MODE").await.unwrap();

    // Three take the connections and wait for the lock; two wait for a connection.
    let started = std::time::Instant::now();
    let held: Vec<_> = (0..3)
        .map(|_| {
            tokio::spawn({
                let dice = dice.clone();
                async move { get(&dice).await }
            })
        })
        .collect();
    until("three held connections", PATIENCE, || async move { pool("size").await == 3.0 && pool("available").await == 0.0 }).await;
    let queued: Vec<_> = (0..2)
        .map(|_| {
            tokio::spawn({
                let dice = dice.clone();
                async move { get(&dice).await }
            })
        })
        .collect();
    until("two in the queue", PATIENCE, || async move { pool("pending").await == 2.0 }).await;
    for request in queued {
        let (status, body) = request.await.unwrap();
        assert_eq!((status, &body["detail"]), (503, &"Database query failed".into()), "no connection to be had");
    }
    assert_eq!((pool("pending").await, pool("timeouts_total").await), (0.0, 2.0));

    // The statement timeout ends those that wait for the lock: the database answered, with an error.
    for request in held {
        let (status, body) = request.await.unwrap();
        assert_eq!((status, &body["detail"]), (500, &"Database query failed".into()));
    }
    assert!(started.elapsed() >= Duration::from_secs(3));
    assert_eq!(metric(base, "database_queries_total", &[("query_type", "get"), ("result", "error")]).await, Some(3.0));

    // A client that goes away mid-wait takes its place in the queue and its connection along.
    let roller = up.url("dice-roller");
    for _ in 0..4 {
        assert_eq!(get(&format!("{roller}/roll?die=fair")).await.0, 503);
    }
    until("the queue to empty", PATIENCE, || async move { pool("pending").await == 0.0 }).await;

    blocker.execute("ROLLBACK").await.unwrap();
    until("a healthy answer", PATIENCE, || async move { get(dice).await.0 == 200 }).await;
    until("idle connections", PATIENCE, || async move { pool("available").await == pool("size").await && pool("available").await >= 1.0 })
        .await;
    assert!(pool("size").await <= 3.0);
    assert!(acquired().await > waits_before + 4.0, "each wait is in the histogram");
    up.stop().await;
    place.assert_empty();
}

/// Counters, SERVER spans and access log lines agree even where requests were cut off by their clients.
#[tokio::test]
async fn signals_reconcile_through_a_lock() {
    let place = Place::new();
    let up = place.up(&["--env", "DIE_SERVICE_TIMEOUT_MS=200"]).await;
    let mut blocker = PgConnection::connect(&up.database_url()).await.unwrap();
    blocker.execute("BEGIN; LOCK TABLE die_specifications IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let roll = &format!("{}/roll?die=fair", up.url("frontend"));
    let rolls = (0..20).map(|_| {
        tokio::spawn({
            let roll = roll.clone();
            async move { get(&roll).await.0 }
        })
    });
    for status in futures_util::future::join_all(rolls).await {
        assert_eq!(status.unwrap(), 503);
    }
    blocker.execute("ROLLBACK").await.unwrap();
    // The next run on this stack begins with counts that agree; a lab of its own measures it.
    until("a healthy answer", PATIENCE, || async move { get(roll).await.0 == 200 }).await;
    let base = up.url("die-service");
    let answered = metric(&base, "http_requests_total", &[("handler", "/dice")]).await.unwrap();
    assert!(answered >= 21.0, "requests whose client went away are counted: {answered}");
    up.stop().await;
}
