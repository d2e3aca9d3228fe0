//! Questions to the database, each with its span, its metrics and its log line.

use std::time::{Duration, Instant};

use metrics::{Counter, Histogram};
use opentelemetry::trace::{FutureExt, SpanKind, Status, TraceContextExt};
use opentelemetry::{KeyValue, StringValue};
use opentelemetry_semantic_conventions::attribute;
use sqlx::{AssertSqlSafe, PgConnection, SqlSafeStr as _, SqlStr};
use tokio::sync::watch;

use super::complaint::complaint;
use super::lease::{Lease, broken};
use super::pool::Connections;
use crate::config::DieServiceConfig;
use crate::run::Shared;
use crate::telemetry::{self, CancelGuard, Telemetry};

/// Ordered, because people compare answers.
const LIST: &str = "SELECT identifier FROM die_specifications ORDER BY identifier";

/// One die by its primary key.
const GET: &str = "SELECT faces, error_rate FROM die_specifications WHERE identifier = $1";

const SUMMARY: &str = "SELECT die_specifications";

/// A die as the database has it.
#[derive(Debug, Clone, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub(super) struct Specification {
    /// What each side shows.
    #[schema(example = json!([1, 2, 3, 4, 5, 6]))]
    pub(super) faces: Vec<i32>,
    /// The chance from 0 to 1 that a roll fails.
    pub(super) error_rate: f64,
}

/// Why the database gave no answer. The cause is in the log; a client needs only to know whose fault it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DatabaseError {
    /// The database refused the statement, or gave it up.
    Failed,
    /// There was no connection to be had, or it broke.
    Unavailable,
}

/// The database behind die-service.
#[derive(Clone)]
pub(super) struct Database {
    connections: Connections,
    telemetry: std::sync::Arc<Telemetry>,
    /// False until the schema is known to be there.
    prepared: watch::Receiver<bool>,
    list: Measures,
    get: Measures,
    list_attributes: Vec<KeyValue>,
    get_attributes: Vec<KeyValue>,
    sqlcommenter: bool,
}

/// A statement as it is sent.
struct Statement {
    text: SqlStr,
    /// Whether it comes again like that, so that it is worth keeping prepared.
    recurs: bool,
}

/// The metrics of one kind of query.
#[derive(Clone)]
struct Measures {
    kind: &'static str,
    success: Counter,
    error: Counter,
    duration: Histogram,
}

impl Measures {
    fn new(shared: &Shared, kind: &'static str) -> Self {
        let total = |result| {
            let labels = [("query_type", kind), ("result", result)];
            shared.metrics.counter("database_queries_total", "Queries; one that finds nothing is a success.", &labels)
        };
        let labels = [("query_type", kind)];
        let duration = shared.metrics.histogram("database_query_duration_seconds", "Time of the query alone.", &labels);
        Self { kind, success: total("success"), error: total("error"), duration }
    }
}

impl Database {
    pub(super) fn new(shared: &Shared, config: &DieServiceConfig, connections: Connections, prepared: watch::Receiver<bool>) -> Self {
        Self {
            connections,
            telemetry: std::sync::Arc::clone(&shared.telemetry),
            prepared,
            list: Measures::new(shared, "list"),
            get: Measures::new(shared, "get"),
            list_attributes: span_attributes(config, LIST),
            get_attributes: span_attributes(config, GET),
            sqlcommenter: config.sqlcommenter,
        }
    }

    /// A connection for one or more questions.
    pub(super) async fn acquire(&self) -> Result<Lease, DatabaseError> {
        if !*self.prepared.borrow() {
            // Without its table the database would answer with a misleading error. The log tells what is being waited for.
            return Err(DatabaseError::Unavailable);
        }
        self.connections.acquire().await.map_err(|_| DatabaseError::Unavailable)
    }

    /// All names, in order.
    pub(super) async fn list(&self, lease: &mut Lease) -> Result<Vec<String>, DatabaseError> {
        let (names, _) = self
            .ask(lease, &self.list, &self.list_attributes, LIST, async |connection, Statement { text, recurs }| {
                sqlx::query_scalar(text).persistent(recurs).fetch_all(connection).await
            })
            .await?;
        Ok(names)
    }

    /// One die, and how long the question took.
    pub(super) async fn get(&self, lease: &mut Lease, identifier: &str) -> Result<(Option<Specification>, Duration), DatabaseError> {
        // PostgreSQL's text cannot hold a NUL, so no die is called so; asking would be an error.
        if identifier.contains('\0') {
            return Ok((None, Duration::ZERO));
        }
        let (found, took): (Option<(Vec<i32>, f64)>, Duration) = self
            .ask(lease, &self.get, &self.get_attributes, GET, async |connection, Statement { text, recurs }| {
                sqlx::query_as(text).persistent(recurs).bind(identifier).fetch_optional(connection).await
            })
            .await?;
        Ok((found.map(|(faces, error_rate)| Specification { faces, error_rate }), took))
    }

    async fn ask<T>(
        &self,
        lease: &mut Lease,
        measures: &Measures,
        attributes: &[KeyValue],
        text: &'static str,
        run: impl AsyncFnOnce(&mut PgConnection, Statement) -> Result<T, sqlx::Error>,
    ) -> Result<(T, Duration), DatabaseError> {
        let parent = opentelemetry::Context::current();
        let cx = self.telemetry.start(SUMMARY, SpanKind::Client, &parent, || attributes.to_vec());
        let cancelled = CancelGuard::new(&cx);
        let statement = self.statement(text, &cx);
        let started = Instant::now();
        let result = lease.run(async |connection| run(connection, statement).await).with_context(cx.clone()).await;
        let elapsed = started.elapsed();
        cancelled.disarm();
        measures.duration.record(elapsed.as_secs_f64());
        let span = cx.span();
        let outcome = match result {
            Ok(value) => {
                measures.success.increment(1);
                Ok((value, elapsed))
            }
            Err(error) => {
                measures.error.increment(1);
                let state = error.as_database_error().and_then(sqlx::error::DatabaseError::code).map(std::borrow::Cow::into_owned);
                if let Some(state) = &state {
                    span.set_attribute(KeyValue::new(attribute::DB_RESPONSE_STATUS_CODE, state.clone()));
                }
                let kind = state.unwrap_or_else(|| "connection_error".to_owned());
                span.set_attribute(KeyValue::new(attribute::ERROR_TYPE, kind));
                let words = complaint(&error);
                span.set_status(Status::error(words.clone()));
                let _attached = cx.clone().attach();
                tracing::error!(query_type = measures.kind, error = words, "Database query failed");
                Err(if broken(&error) { DatabaseError::Unavailable } else { DatabaseError::Failed })
            }
        };
        span.end();
        outcome
    }

    /// With the span that it is sent for in a comment, where that is wished: whoever looks at the database's sessions finds the trace.
    fn statement(&self, text: &'static str, cx: &opentelemetry::Context) -> Statement {
        let span = cx.span();
        let context = span.span_context();
        let traceparent = if self.sqlcommenter && context.is_sampled() { telemetry::traceparent(context) } else { None };
        match traceparent.as_ref().and_then(|traceparent| traceparent.to_str().ok()) {
            // Hexadecimal digits and dashes.
            Some(traceparent) => {
                Statement { text: AssertSqlSafe(format!("{text} /*traceparent='{traceparent}'*/")).into_sql_str(), recurs: false }
            }
            None => Statement { text: text.into_sql_str(), recurs: true },
        }
    }
}

/// The attributes of a database span that never change. A value never appears in them: `$1` stands for it.
fn span_attributes(config: &DieServiceConfig, text: &'static str) -> Vec<KeyValue> {
    let options = &config.database;
    let mut attributes = vec![
        KeyValue::new(attribute::DB_SYSTEM_NAME, "postgresql"),
        KeyValue::new(attribute::DB_NAMESPACE, shared(options.get_database().unwrap_or("postgres"))),
        KeyValue::new(attribute::DB_OPERATION_NAME, "SELECT"),
        KeyValue::new(attribute::DB_COLLECTION_NAME, "die_specifications"),
        KeyValue::new(attribute::DB_QUERY_TEXT, text),
        KeyValue::new(attribute::DB_QUERY_SUMMARY, SUMMARY),
        KeyValue::new(attribute::SERVER_ADDRESS, shared(options.get_host())),
        KeyValue::new(attribute::SERVER_PORT, i64::from(options.get_port())),
    ];
    if telemetry::wants_old_database_attributes() {
        attributes.push(KeyValue::new("db.system", "postgresql"));
        attributes.push(KeyValue::new("db.statement", text));
    }
    attributes
}

/// Text that is cloned with every span, without a copy each time.
fn shared(text: &str) -> StringValue {
    StringValue::from(std::sync::Arc::<str>::from(text))
}
