//! The connection pool, and what waiting for it leaves behind.
//!
//! The pool is deadpool's, with sqlx's connections in it. sqlx's own pool pings a connection each time it is given back,
//! retries a refused dial until the caller's time is up, and cannot say whether a caller waited for a free connection or
//! for a dial; a lab about saturation needs exactly that difference.

use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool::managed::{Object, Pool, PoolConfig, PoolError, QueueMode, TimeoutType, Timeouts};
use metrics::{Counter, Gauge, Histogram};
use opentelemetry::trace::{SpanKind, Status, TraceContextExt};
use opentelemetry::{KeyValue, StringValue};
use opentelemetry_semantic_conventions::attribute;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use super::complaint::complaint;
use super::dial::Dialer;
use super::lease::Lease;
use crate::config::DieServiceConfig;
use crate::logs::milliseconds;
use crate::run::Shared;
use crate::telemetry::{CancelGuard, Telemetry};

/// Connections beyond the minimum are closed after this long without work.
const SPARE_TIME: Duration = Duration::from_secs(60);

/// How long upkeep waits for the database to take up a connection.
const MAINTENANCE_PATIENCE: Duration = Duration::from_secs(2);

/// The pool of one service.
#[derive(Clone)]
pub(super) struct Connections {
    pool: Pool<Dialer>,
    telemetry: Arc<Telemetry>,
    acquire_timeout: Duration,
    /// How long a connection may take to come to rest after its client went away.
    pub(super) settle_timeout: Duration,
    name: Arc<str>,
    pending: Gauge,
    acquire_duration: Histogram,
    timeouts: Counter,
    /// Open connections, and those of them that nobody uses.
    gauges: [Gauge; 2],
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum AcquireError {
    /// Every connection was busy for as long as a request waits.
    Exhausted,
    /// The database did not take up a new connection in time.
    DialTimeout,
    /// The database refused.
    Refused(sqlx::Error),
    /// The service is stopping.
    Closed,
}

impl AcquireError {
    /// The word for it in `error.type`.
    fn kind(&self) -> &'static str {
        match self {
            Self::Exhausted | Self::DialTimeout => "timeout",
            Self::Refused(_) => "connection_error",
            Self::Closed => "closed",
        }
    }
}

impl std::fmt::Display for AcquireError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exhausted => f.write_str("no free connection in time"),
            Self::DialTimeout => f.write_str("the database did not accept a connection in time"),
            Self::Refused(error) => f.write_str(&complaint(error)),
            Self::Closed => f.write_str("the pool is closed"),
        }
    }
}

impl Connections {
    pub(super) fn new(shared: &Shared, config: &DieServiceConfig) -> Result<Self, String> {
        let mut options = config.database.clone().application_name(super::NAME).disable_statement_logging();
        if !config.statement_timeout.is_zero() {
            options = options.options([("statement_timeout", config.statement_timeout.as_millis().to_string())]);
        }
        let name = Arc::from(options.get_database().unwrap_or("postgres"));
        let dialer = Dialer::new(options);
        let mut pool = PoolConfig::new(config.pool_max);
        // The connection used last is the one that most surely lives, and spare ones get old enough to be closed.
        pool.queue_mode = QueueMode::Lifo;
        let pool = Pool::builder(dialer).config(pool).runtime(deadpool::Runtime::Tokio1).build().map_err(|error| error.to_string())?;
        let metrics = &shared.metrics;
        metrics.gauge("database_connection_pool_min", "Connections that the pool keeps open.", &[]).set(config.pool_min as f64);
        metrics.gauge("database_connection_pool_max", "Connections that the pool opens at most.", &[]).set(config.pool_max as f64);
        Ok(Self {
            pool,
            telemetry: Arc::clone(&shared.telemetry),
            acquire_timeout: config.acquire_timeout,
            settle_timeout: config.statement_timeout.max(Duration::from_secs(1)) + Duration::from_secs(2),
            name,
            pending: metrics.gauge("database_connection_pool_pending", "Requests that wait for a connection.", &[]),
            acquire_duration: metrics.histogram(
                "database_connection_acquire_duration_seconds",
                "Time to get a connection, in vain or not.",
                &[],
            ),
            timeouts: metrics.counter("database_connection_pool_timeouts_total", "Requests that got no connection in time.", &[]),
            gauges: [
                metrics.gauge("database_connection_pool_size", "Open connections.", &[]),
                metrics.gauge("database_connection_pool_available", "Open connections that nobody uses.", &[]),
            ],
        })
    }

    /// Where the connections lead to.
    pub(super) fn options(&self) -> &PgConnectOptions {
        &self.pool.manager().options
    }

    /// Brings the gauges up to date. Called when somebody is about to read them.
    pub(super) fn measure(&self) {
        let status = self.pool.status();
        self.gauges[0].set(status.size as f64);
        self.gauges[1].set(status.available.min(status.size) as f64);
    }

    /// Gets a connection as a child of the current span, and says how long that took.
    pub(super) async fn acquire(&self) -> Result<Lease, AcquireError> {
        let parent = opentelemetry::Context::current();
        let cx = self.telemetry.start("pool.acquire", SpanKind::Internal, &parent, || {
            vec![KeyValue::new(attribute::DB_CLIENT_CONNECTION_POOL_NAME, StringValue::from(Arc::clone(&self.name)))]
        });
        let cancelled = CancelGuard::new(&cx);
        let started = Instant::now();
        let waiting = Pending::new(&self.pending);
        let result = self.get(self.acquire_timeout, self.acquire_timeout).await;
        drop(waiting);
        let waited = started.elapsed();
        self.acquire_duration.record(waited.as_secs_f64());
        cancelled.disarm();
        let span = cx.span();
        if let Err(error) = &result {
            span.set_attribute(KeyValue::new(attribute::ERROR_TYPE, error.kind()));
            span.set_status(Status::error(error.to_string()));
            let _attached = cx.clone().attach();
            self.tell(error, waited);
        }
        span.end();
        result.map(|object| self.lease(object))
    }

    fn tell(&self, error: &AcquireError, waited: Duration) {
        match error {
            AcquireError::Exhausted => {
                self.timeouts.increment(1);
                let status = self.pool.status();
                tracing::warn!(
                    size = status.size,
                    // With the one that has just given up.
                    pending = status.waiting + 1,
                    waited_ms = milliseconds(waited),
                    "Database connection pool exhausted"
                );
            }
            AcquireError::DialTimeout | AcquireError::Refused(_) => {
                if matches!(error, AcquireError::DialTimeout) {
                    self.timeouts.increment(1);
                }
                self.noticed_break();
                tracing::warn!(error = error.to_string(), "Database connection failed");
            }
            AcquireError::Closed => {}
        }
    }

    /// Gets a connection without leaving a trace: for the service's own upkeep.
    pub(super) async fn acquire_quietly(&self, timeout: Duration) -> Result<Lease, AcquireError> {
        self.get(timeout, timeout).await.map(|object| self.lease(object))
    }

    /// Waits for a free connection at most `wait`, and `whole` with the dial.
    async fn get(&self, wait: Duration, whole: Duration) -> Result<Object<Dialer>, AcquireError> {
        let timeouts = Timeouts { wait: Some(wait), create: None, recycle: Some(whole) };
        // The wait for a free connection ends first, so that what runs into the outer limit can only be a dial.
        let whole = whole + Duration::from_millis(5);
        match tokio::time::timeout(whole, self.pool.timeout_get(&timeouts)).await {
            Ok(Ok(object)) => Ok(object),
            Ok(Err(PoolError::Timeout(TimeoutType::Wait))) => Err(AcquireError::Exhausted),
            Ok(Err(PoolError::Backend(error))) => Err(AcquireError::Refused(error)),
            Ok(Err(PoolError::Closed)) => Err(AcquireError::Closed),
            Ok(Err(_)) | Err(_) => Err(AcquireError::DialTimeout),
        }
    }

    fn lease(&self, object: Object<Dialer>) -> Lease {
        Lease::new(object, self.clone())
    }

    /// Remembers that a connection broke, so that the others have to prove that they live.
    pub(super) fn noticed_break(&self) {
        self.pool.manager().noticed_break();
    }

    /// Waits until a connection breaks, or until `time` is over.
    pub(super) async fn broken(&self, time: Duration) {
        let _ = tokio::time::timeout(time, self.pool.manager().broken()).await;
    }

    /// Gets rid of connections that died or are to spare, and opens those that are missing from the minimum.
    pub(super) async fn maintain(&self, minimum: usize) -> Result<(), AcquireError> {
        let mut size = self.pool.status().size;
        self.pool.retain(|connection, _| {
            let spare = size > minimum && connection.used.elapsed() > SPARE_TIME;
            size -= usize::from(spare);
            !spare
        });
        // All idle ones at once: each is checked as it is handed out, and a dead one is dropped on the way.
        let idle = self.pool.status().available.min(self.pool.status().size);
        let wanted = idle.max(minimum.saturating_sub(self.pool.status().size - idle)).max(1);
        let mut held = Vec::with_capacity(wanted);
        for _ in 0..wanted {
            match self.get(Duration::ZERO, MAINTENANCE_PATIENCE).await {
                Ok(object) => held.push(object),
                // Busy is healthy.
                Err(AcquireError::Exhausted) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    pub(super) fn size(&self) -> usize {
        self.pool.status().size
    }

    /// Closes the pool: nobody gets a connection any more, idle ones are closed.
    pub(super) async fn close(&self) {
        let goodbye = async {
            while self.pool.status().available > 0 && self.pool.status().size > 0 {
                let Ok(mut lease) = self.acquire_quietly(Duration::from_millis(10)).await else {
                    break;
                };
                if let Some(object) = lease.take() {
                    // PostgreSQL logs a client that just hangs up; a goodbye costs one packet.
                    let _ = Object::take(object).raw.close().await;
                }
            }
        };
        let _ = tokio::time::timeout(Duration::from_millis(150), goodbye).await;
        self.pool.close();
    }
}

/// Counts a request as waiting, also when it stops waiting because its client went away.
struct Pending<'a>(&'a Gauge);

impl<'a> Pending<'a> {
    fn new(gauge: &'a Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
