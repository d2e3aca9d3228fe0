//! Questions to a Tempo or a Loki in place of a running lab.

use std::ops::Range;
use std::time::{Duration, SystemTime};

use anyhow::anyhow;
use clap::Args;
use lab_facts::event::TraceId;
use lab_facts::exit::Exit;
use lab_facts::query::Query;
use lab_facts::trace::Trace;
use lab_instrument::observe::backends::Backends;
use lab_instrument::observe::found::FoundTrace;
use lab_instrument::observe::logs::{LogQuestion, LogText};
use lab_instrument::observe::source::Source;
use url::Url;

use super::Failure;
use super::ask::not_ready;
use super::backends::url;

/// How far back somebody looks who does not say.
pub(super) const HOUR: Duration = Duration::from_secs(3600);

// No variables of the environment: who has set LAB_TEMPO_URL for runs still means the lab by `lab trace`.
#[derive(Debug, Args)]
pub(super) struct TempoFlag {
    /// Ask this Tempo instead of the running lab, such as http://localhost:3200
    #[arg(long, value_name = "URL", value_parser = url, conflicts_with = "lab")]
    tempo_url: Option<Url>,
}

#[derive(Debug, Args)]
pub(super) struct LokiFlag {
    /// Ask this Loki instead of the running lab, such as http://localhost:3100
    #[arg(long, value_name = "URL", value_parser = url, conflicts_with = "lab")]
    loki_url: Option<Url>,
}

impl TempoFlag {
    /// The Tempo that is to be asked, with a Loki for log lines where there is one.
    pub(super) fn source(&self, loki: Option<&Url>) -> Option<Source> {
        let mut backends = Backends::default();
        (backends.tempo, backends.loki) = (Some(self.tempo_url.clone()?), loki.cloned());
        Some(Source::Backends(Box::new(backends)))
    }
}

impl LokiFlag {
    pub(super) fn source(&self) -> Option<Source> {
        let mut backends = Backends::default();
        backends.loki = Some(self.loki_url.clone()?);
        Some(Source::Backends(Box::new(backends)))
    }
}

/// One trace, which must be there.
pub(super) async fn trace(source: &Source, id: TraceId) -> Result<Trace, Failure> {
    let found = source.complete_trace(id).await.map_err(not_ready)?;
    found.ok_or_else(|| Failure::new(Exit::BadInput, anyhow!("Tempo has no trace {id}")))
}

/// Traces of the last while.
pub(super) async fn search(source: &Source, query: &Query, limit: u32, since: Duration) -> Result<Vec<FoundTrace>, Failure> {
    source.search(query, lately(since), usize::try_from(limit).unwrap_or(usize::MAX)).await.map_err(not_ready)
}

/// Log lines of the last while.
pub(super) async fn logs(source: &Source, question: &LogQuestion, since: Duration) -> Result<Vec<LogText>, Failure> {
    source.logs(question, lately(since)).await.map_err(not_ready)
}

/// In nanoseconds since 1970.
pub(super) fn lately(since: Duration) -> Range<u64> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let nanos = |moment: Duration| u64::try_from(moment.as_nanos()).unwrap_or(u64::MAX);
    nanos(now.saturating_sub(since))..nanos(now)
}
