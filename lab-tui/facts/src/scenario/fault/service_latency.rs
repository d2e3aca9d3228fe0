//! `service.latency`: requests are answered later.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use toml::{Spanned, Value};

use super::{Affected, Kind};
use crate::scenario::plan::parse_duration;
use crate::scenario::refusal::Wrong;

/// `service.latency`: some requests are answered later.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceLatency {
    /// Which requests.
    pub requests: Affected,
    /// By how much; above 0, in whole milliseconds, up to [`LONGEST`].
    pub latency: Duration,
}

/// No caller waits as long.
const LONGEST: Duration = Duration::from_secs(60);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys {
    service: Spanned<String>,
    route: Option<Spanned<String>>,
    probability: Option<Spanned<f64>>,
    latency: Spanned<String>,
}

impl Kind for ServiceLatency {
    const NAME: &'static str = "service.latency";

    type Keys = Keys;

    fn check(keys: Keys, services: &[&str]) -> Result<Self, Wrong> {
        let requests = Affected::check(keys.service, keys.route, keys.probability.as_ref(), services)?;
        let latency = parse_duration(&keys.latency)?;
        if latency > LONGEST || latency.subsec_nanos() % 1_000_000 != 0 {
            let what = format!("a latency of `{}` cannot be added", keys.latency.get_ref());
            return Err(Wrong::new(keys.latency.span(), what, "write whole milliseconds, up to \"60s\""));
        }
        Ok(Self { requests, latency })
    }

    fn keys(&self) -> Vec<(&'static str, Value)> {
        let latency = humantime::format_duration(self.latency).to_string();
        self.requests.keys().into_iter().chain([("latency", latency.into())]).collect()
    }

    fn untouched(&self) -> String {
        self.requests.untouched()
    }
}

impl fmt::Display for ServiceLatency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answers {} later", self.requests, humantime::format_duration(self.latency))
    }
}
