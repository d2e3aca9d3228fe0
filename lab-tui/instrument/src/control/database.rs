//! What a running lab knows of its database.

use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use lab_facts::event::Pool;
use serde::{Deserialize, Serialize};

use crate::observe::database::DatabaseWatch;
use crate::observe::scrape;
use crate::record::WireDatabase;
use crate::stack::Endpoints;

/// A service that takes longer to tell of its pool is left out.
const SCRAPE: Duration = Duration::from_secs(1);

/// The newest sample, and the pools of connections that services have to the database.
#[derive(Debug, Serialize, Deserialize)]
pub struct DatabaseNow {
    /// How old the sample is; it is taken anew every second while the database answers.
    pub age_seconds: f64,
    /// As the services say themselves.
    pub pools: Vec<PoolNow>,
    /// What the database says.
    #[serde(flatten)]
    pub sample: WireDatabase,
}

/// A [`Pool`] as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PoolNow {
    /// The service that holds it.
    pub service: String,
    /// Lent to a request.
    pub used: u32,
    /// Open and free.
    pub idle: u32,
    /// Requests that wait for one.
    pub pending: u32,
    /// How many there may be.
    pub max: u32,
}

impl From<Pool> for PoolNow {
    fn from(pool: Pool) -> Self {
        let Pool { service, used, idle, pending, max } = pool;
        Self { service, used, idle, pending, max }
    }
}

/// Answers with what is known, or says why nothing is.
pub(super) async fn answer(watch: &DatabaseWatch, endpoints: &Endpoints) -> Response {
    if !watch.has_database() {
        return (StatusCode::NOT_FOUND, "this lab has no database: neither a stack of its own nor one that --database-url names")
            .into_response();
    }
    let Some(taken) = watch.newest() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "the database has not answered yet; ask again in a second").into_response();
    };
    let pages = scrape::pages(endpoints, &[]);
    let pools = match scrape::Client::of(pages.values(), SCRAPE) {
        Ok(client) => scrape::pools(&client, &pages).await,
        Err(_) => Vec::new(),
    };
    let pools = pools.into_iter().map(PoolNow::from).collect();
    let sample = WireDatabase::from(taken.sample.as_ref());
    Json(DatabaseNow { age_seconds: taken.at.elapsed().as_secs_f64(), pools, sample }).into_response()
}
