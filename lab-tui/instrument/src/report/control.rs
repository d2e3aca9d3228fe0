//! What the user made of the pace, as the reports have it.

use lab_facts::event::Control;
use lab_facts::model::Model;
use serde::Serialize;

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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use lab_facts::event::{Event, Fact};
    use lab_facts::scenario::{Plan, STARTING};
    use serde_json::json;

    use super::*;

    #[test]
    fn each_change_has_its_time_and_its_factor() {
        let mut model = Model::new(Arc::new(Plan::parse(STARTING, "new.toml", &["frontend", "dice-roller"]).unwrap()));
        for (millis, change) in [(1500, Control::Rate(1.3)), (2000, Control::Paused), (4250, Control::Resumed)] {
            model.apply(Event { at: Duration::from_millis(millis), fact: Fact::Control { change } });
        }
        let expected = json!([
            { "at_seconds": 1.5, "change": "rate", "factor": 1.3 },
            { "at_seconds": 2.0, "change": "paused", "factor": null },
            { "at_seconds": 4.25, "change": "resumed", "factor": null },
        ]);
        assert_eq!(serde_json::to_value(controls(&model)).unwrap(), expected);
        let words: Vec<String> = controls(&model).into_iter().map(|control| control.what).collect();
        assert_eq!(words, ["rates are ×1.3 of what is planned", "paused: nothing new is sent", "resumed"]);
    }
}
