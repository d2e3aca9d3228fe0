//! The life of a service's process, the same for all three.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::FutureExt as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::client::HttpClient;
use crate::config::Common;
use crate::faults::Faults;
use crate::logs::{self, LogWriter};
use crate::metrics::Metrics;
use crate::telemetry::Telemetry;
use crate::{serve, shutdown, tasks};

/// Exit code of a service that could not start.
const NOT_STARTED: u8 = 100;

/// Exit code for flags that cannot be.
pub(crate) const BAD_FLAGS: u8 = 104;

/// When spans that wait must have left, counted from the request to stop. Two seconds are allowed until the process is gone, and
/// the last log lines take some of them.
const SPANS_GONE: Duration = Duration::from_millis(1800);

/// What the parts of one service share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) telemetry: Arc<Telemetry>,
    pub(crate) metrics: Metrics,
    pub(crate) client: HttpClient,
    pub(crate) faults: Faults,
    logs: Option<LogWriter>,
}

impl Shared {
    pub(crate) fn new(telemetry: Telemetry, faults: Faults, logs: Option<LogWriter>) -> Result<Self, String> {
        let telemetry = Arc::new(telemetry);
        Ok(Self { client: HttpClient::new(Arc::clone(&telemetry)), telemetry, metrics: Metrics::new()?, faults, logs })
    }

    /// Makes the function that brings the loss counters up to date, to be called before metrics are rendered.
    pub(crate) fn loss_counters(&self) -> impl Fn() + Send + Sync + 'static {
        let lines = self.metrics.counter("log_lines_dropped_total", "Log lines that nobody read in time.", &[]);
        let spans = self.metrics.counter("otel_spans_dropped_total", "Spans that could not be delivered.", &[]);
        let (telemetry, logs) = (Arc::clone(&self.telemetry), self.logs.clone());
        move || {
            lines.absolute(logs.as_ref().map_or(0, LogWriter::dropped));
            spans.absolute(telemetry.spans_lost());
        }
    }
}

/// What makes a service different from another.
pub(crate) trait Service: Sized {
    fn router(&self) -> Result<Router, String>;

    /// Lets go of what the service holds, once no request is at work any more.
    async fn close(self) {}
}

/// Serves from the first log line to the last.
pub(crate) fn process<S: Service>(name: &'static str, common: &Common, service: impl FnOnce(Shared) -> Result<S, String>) -> ExitCode {
    let logs = match logs::start(name, &common.log_level) {
        Ok(logs) => logs,
        Err(error) => {
            complain(&format!("logging cannot start: {error}"));
            return ExitCode::from(NOT_STARTED);
        }
    };
    // One thread is the cheapest way to serve: no request ever waits for another core to wake up.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(error = error.to_string(), "cannot start");
            logs.flush(logs::FLUSH_PATIENCE);
            return ExitCode::from(NOT_STARTED);
        }
    };
    let work = async {
        let shutdown = shutdown::listen(common.exit_with_stdin)
            .inspect_err(|error| tracing::error!(error = error.to_string(), "cannot start"))
            .map_err(drop)?;
        let listener = bind(&common.listen_addr).await?;
        let shared = Shared::new(Telemetry::from_env(name), Faults::from_env(), Some(logs.clone())).map_err(|error| refuse(&error))?;
        let service = service(shared.clone()).map_err(|error| refuse(&error))?;
        run(listener, service, shared, shutdown).await
    };
    let result = runtime.block_on(work.boxed_local());
    // A thread that waits for a dead receiver must not hold the process back.
    runtime.shutdown_background();
    logs.flush(logs::FLUSH_PATIENCE);
    result.map_or(ExitCode::from(NOT_STARTED), |()| ExitCode::SUCCESS)
}

/// Serves on `listener` until `shutdown`, then stops in order: requests, what the service holds, spans.
pub(crate) async fn run<S: Service>(listener: TcpListener, service: S, shared: Shared, shutdown: CancellationToken) -> Result<(), ()> {
    let router = service.router().map_err(|error| refuse(&error))?;
    if let Ok(addr) = listener.local_addr() {
        tracing::info!(target: logs::ADDRESS, addr = addr.to_string(), "listening");
    }
    let upkeep = tasks::spawn(shared.metrics.clone().upkeep());
    let asked = serve::serve(listener, router, shutdown).await;
    upkeep.abort();
    service.close().await;
    shared.telemetry.shutdown(SPANS_GONE.saturating_sub(asked.elapsed())).await;
    tracing::info!("stopped");
    Ok(())
}

async fn bind(addr: &str) -> Result<TcpListener, ()> {
    TcpListener::bind(addr).await.map_err(|error| {
        let reason = if error.kind() == std::io::ErrorKind::AddrInUse { "address in use" } else { "other" };
        tracing::error!(addr, error = error.to_string(), reason, "cannot listen");
    })
}

fn refuse(error: &str) {
    tracing::error!(error, "cannot start");
}

/// One sentence for whoever started the service by hand, before there is a log.
pub(crate) fn complain(sentence: &str) {
    // Nobody may be reading.
    let _ = writeln!(std::io::stderr(), "error: {sentence}");
}
