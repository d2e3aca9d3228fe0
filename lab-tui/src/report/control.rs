//! What the user made of the pace, as the reports have it.

use serde::Serialize;

use crate::event::Control;
use crate::model::Model;

/// One command that was obeyed.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ControlSummary {
    /// Since the start of the run.
    pub at_seconds: f64,
    /// `rate`, `paused` or `resumed`.
    pub change: &'static str,
    /// By how much planned rates are multiplied from then on; null for what is no `rate`.
    pub factor: Option<f64>,
    /// In a few words.
    #[serde(skip)]
    pub what: String,
}

/// Oldest first.
pub(super) fn controls(model: &Model) -> Vec<ControlSummary> {
    let each = model.controls().obeyed();
    each.map(|(at, control)| {
        let (change, factor) = match control {
            Control::Rate(factor) => ("rate", Some(factor)),
            Control::Paused => ("paused", None),
            Control::Resumed => ("resumed", None),
        };
        ControlSummary { at_seconds: at.as_secs_f64(), change, factor, what: control.to_string() }
    })
    .collect()
}
