//! A tenth of a second of a load.

use lab_facts::event::{Cell, Exemplar, LoadWindow, TraceId};
use serde::{Deserialize, Serialize};

use super::outcome::WireOutcome;
use super::reason::WireReason;
use super::samples::WireSamples;
use super::{Damage, duration};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireWindow {
    load: usize,
    index: u64,
    offered: u32,
    dropped: u32,
    lag_us: WireSamples,
    cells: Vec<WireCell>,
    /// Older recordings do not tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<WireReason>,
    exemplars: Vec<WireExemplar>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireCell {
    request: usize,
    outcome: WireOutcome,
    response_time_us: WireSamples,
    service_time_us: WireSamples,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireExemplar {
    request: usize,
    at: f64,
    response_time_us: u32,
    trace_id: String,
    outcome: WireOutcome,
    failed: bool,
}

impl From<&LoadWindow> for WireWindow {
    fn from(window: &LoadWindow) -> Self {
        let LoadWindow { load, index, offered, dropped, lag, cells, reasons, exemplars } = window;
        let cells = cells.iter().map(|Cell { request, outcome, response_time, service_time }| WireCell {
            request: *request,
            outcome: (*outcome).into(),
            response_time_us: response_time.into(),
            service_time_us: service_time.into(),
        });
        // An exemplar is of its window's load.
        let exemplars = exemplars.iter().map(|Exemplar { load: _, request, at, micros, trace_id, outcome, failed }| WireExemplar {
            request: *request,
            at: at.as_secs_f64(),
            response_time_us: *micros,
            trace_id: trace_id.to_string(),
            outcome: (*outcome).into(),
            failed: *failed,
        });
        Self {
            load: *load,
            index: *index,
            offered: *offered,
            dropped: *dropped,
            lag_us: lag.into(),
            cells: cells.collect(),
            reasons: reasons.iter().map(WireReason::from).collect(),
            exemplars: exemplars.collect(),
        }
    }
}

impl WireWindow {
    pub(super) fn into_window(self) -> Result<LoadWindow, Damage> {
        let Self { load, index, offered, dropped, lag_us, cells, reasons, exemplars } = self;
        let cell = |WireCell { request, outcome, response_time_us, service_time_us }| {
            let (response_time, service_time) = (WireSamples::into_samples(response_time_us)?, WireSamples::into_samples(service_time_us)?);
            Ok(Cell { request, outcome: outcome.into(), response_time, service_time })
        };
        let exemplar = |WireExemplar { request, at, response_time_us: micros, trace_id, outcome, failed }| {
            let trace_id = TraceId::parse(&trace_id).ok_or("a trace ID is none")?;
            Ok(Exemplar { load, request, at: duration(at)?, micros, trace_id, outcome: outcome.into(), failed })
        };
        Ok(LoadWindow {
            load,
            index,
            offered,
            dropped,
            lag: lag_us.into_samples()?,
            cells: cells.into_iter().map(cell).collect::<Result<_, Damage>>()?,
            reasons: reasons.into_iter().map(WireReason::into).collect(),
            exemplars: exemplars.into_iter().map(exemplar).collect::<Result<_, Damage>>()?,
        })
    }
}
