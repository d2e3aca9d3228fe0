//! die-service while its database is away. With a database it is tested from outside, as a process.

use std::time::Duration;

use tokio::net::TcpListener;

use super::Service;
use crate::config::DieServiceConfig;
use crate::logs::testing::Lines;
use crate::run::{Service as _, Shared};
use crate::testing::{self, metric, until};

async fn without_database() -> (Service, Shared) {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = gone.local_addr().unwrap().port();
    drop(gone);
    let (shared, _) = testing::shared();
    let config = DieServiceConfig {
        database: format!("postgresql://diceuser:hunter2@127.0.0.1:{port}/dicedb").parse().unwrap(),
        pool_min: 2,
        pool_max: 10,
        acquire_timeout: Duration::from_millis(100),
        statement_timeout: Duration::from_secs(8),
        migrate: false,
        sqlcommenter: false,
    };
    (Service::new(shared.clone(), &config).unwrap(), shared)
}

#[tokio::test]
async fn it_answers_503_and_says_in_the_log_why_but_never_the_password() {
    let (lines, _guard) = Lines::capture();
    let (service, shared) = without_database().await;
    let router = service.router().unwrap();
    for path in ["/dice", "/dice?identifier=fair"] {
        let got = testing::get(&router, path).await;
        assert_eq!((got.status, got.body.as_str()), (503, r#"{"detail":"Database query failed"}"#));
    }
    let index = testing::get(&router, "/").await;
    assert_eq!(index.status, 200);
    assert!(index.body.contains(r#""database":"PostgreSQL (error)","error":"#), "{}", index.body);
    assert!(!index.body.contains("loaded_specifications"));
    assert_eq!(testing::get(&router, "/health/live").await.status, 200);
    assert_eq!(testing::get(&router, "/health/ready").await.status, 503);
    until("a failed attempt is logged", || !lines.with_message("Database connection failed").is_empty()).await;
    assert!(lines.raw().iter().all(|line| !line.contains("hunter2")));
    let text = testing::get(&router, "/metrics").await.body;
    for present in ["size 0", "available 0", "max 10", "pending 0", "timeouts_total 0"] {
        assert!(text.contains(&format!("database_connection_pool_{present}")), "{present} in {text}");
    }
    assert_eq!(metric(&shared, r#"database_queries_total{query_type="get",result="error"}"#), Some(0.0));
}

#[tokio::test]
async fn a_service_that_stops_does_not_complain_about_its_own_pool() {
    let (lines, _guard) = Lines::capture();
    let (service, _) = without_database().await;
    until("a failed attempt is logged", || !lines.with_message("Database connection failed").is_empty()).await;
    service.close().await;
    // A flush of spans may keep the process for longer than several attempts take.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(lines.all().last().unwrap()["message"], "Database connection pool closed", "{:?}", lines.raw());
}

#[tokio::test]
async fn the_document_knows_every_answer() {
    let (service, _) = without_database().await;
    testing::check_document(&service.router().unwrap(), &[("/dice", &["200", "404", "500", "503"])]).await;
}
