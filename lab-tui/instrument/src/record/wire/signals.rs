//! What telemetry makes of what was answered: what is missing, what was dropped, what does not hang together.

use lab_facts::event::{Drops, Flaw, FlawKind, ServiceSignals, TraceId};
use serde::{Deserialize, Serialize};

use super::{Damage, examples_of};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireSignals {
    name: String,
    answered: u64,
    server_spans: u64,
    log_lines: u64,
    unsampled: u64,
    restarted: bool,
    silent: bool,
    #[serde(default)]
    foreign: bool,
    #[serde(default)]
    fed: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireDrops {
    evicted_traces: u64,
    evicted_spans: u64,
    evicted_log_lines: u64,
    refused_ids: u64,
    refused_too_large: u64,
    refused_log_records: u64,
    refused_data_points: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireFlaw {
    /// As the metric is called.
    kind: String,
    service: String,
    what: String,
    count: u64,
    examples: Vec<String>,
}

impl From<&ServiceSignals> for WireSignals {
    fn from(signals: &ServiceSignals) -> Self {
        let ServiceSignals { name, answered, server_spans, log_lines, unsampled, restarted, silent, foreign, fed } = signals.clone();
        Self { name, answered, server_spans, log_lines, unsampled, restarted, silent, foreign, fed }
    }
}

impl WireSignals {
    pub(super) fn into_signals(self) -> ServiceSignals {
        let Self { name, answered, server_spans, log_lines, unsampled, restarted, silent, foreign, fed } = self;
        ServiceSignals { name, answered, server_spans, log_lines, unsampled, restarted, silent, foreign, fed }
    }
}

impl From<&Drops> for WireDrops {
    fn from(drops: &Drops) -> Self {
        let Drops {
            evicted_traces,
            evicted_spans,
            evicted_log_lines,
            refused_ids,
            refused_too_large,
            refused_log_records,
            refused_data_points,
        } = *drops;
        Self { evicted_traces, evicted_spans, evicted_log_lines, refused_ids, refused_too_large, refused_log_records, refused_data_points }
    }
}

impl From<WireDrops> for Drops {
    fn from(drops: WireDrops) -> Self {
        let WireDrops {
            evicted_traces,
            evicted_spans,
            evicted_log_lines,
            refused_ids,
            refused_too_large,
            refused_log_records,
            refused_data_points,
        } = drops;
        Self { evicted_traces, evicted_spans, evicted_log_lines, refused_ids, refused_too_large, refused_log_records, refused_data_points }
    }
}

impl From<&Flaw> for WireFlaw {
    fn from(flaw: &Flaw) -> Self {
        let Flaw { kind, service, what, count, examples } = flaw.clone();
        Self { kind: kind.metric().to_owned(), service, what, count, examples: examples.iter().map(TraceId::to_string).collect() }
    }
}

impl WireFlaw {
    pub(super) fn into_flaw(self) -> Result<Flaw, Damage> {
        let Self { kind, service, what, count, examples } = self;
        let kind = FlawKind::of_metric(&kind).ok_or("it is of a flaw that nobody knows")?;
        Ok(Flaw { kind, service, what, count, examples: examples_of(&examples)? })
    }
}
