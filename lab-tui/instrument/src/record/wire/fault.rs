//! A fault that was begun by hand: all of it is in its line, because no scenario has it.

use std::collections::BTreeMap;

use lab_facts::scenario::{Fault, FaultKind};
use serde::{Deserialize, Serialize};
use toml::Value;

use super::{Damage, duration};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireFaultByHand {
    name: String,
    kind: String,
    /// Those of the kind, as a scenario has them.
    keys: BTreeMap<String, Value>,
    at_seconds: f64,
    /// Null where it was to last until it would be ended.
    duration_seconds: Option<f64>,
}

impl From<&Fault> for WireFaultByHand {
    fn from(fault: &Fault) -> Self {
        let Fault { name, at, duration, kind } = fault;
        Self {
            name: name.clone(),
            kind: kind.name().to_owned(),
            keys: kind.keys().into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
            at_seconds: at.as_secs_f64(),
            duration_seconds: (*duration < Fault::UNTIL_ENDED).then_some(duration.as_secs_f64()),
        }
    }
}

impl WireFaultByHand {
    pub(super) fn into_fault(self) -> Result<Fault, Damage> {
        let Self { name, kind, keys, at_seconds, duration_seconds } = self;
        let kind = FaultKind::from_keys(&kind, keys.iter().map(|(key, value)| (key.as_str(), value)));
        let kind = kind.map_err(|_| "its fault is none")?;
        let at = duration(at_seconds)?;
        let duration = duration_seconds.map_or(Ok(Fault::UNTIL_ENDED), duration)?;
        Ok(Fault { name, at, duration: duration.min(Fault::UNTIL_ENDED), kind })
    }
}
