//! `service.error`: requests are answered with an error at once.

use std::fmt;

use serde::Deserialize;
use toml::{Spanned, Value};

use super::{Affected, Kind};
use crate::scenario::refusal::Wrong;

/// `service.error`: some requests are answered with an error at once.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceError {
    /// Which requests.
    pub requests: Affected,
    /// 400 to 599.
    pub status: u16,
}

const DEFAULT_STATUS: u16 = 500;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys {
    service: Spanned<String>,
    route: Option<Spanned<String>>,
    probability: Option<Spanned<f64>>,
    status: Option<Spanned<i64>>,
}

impl Kind for ServiceError {
    const NAME: &'static str = "service.error";

    type Keys = Keys;

    fn check(keys: Keys, services: &[&str]) -> Result<Self, Wrong> {
        let requests = Affected::check(keys.service, keys.route, keys.probability.as_ref(), services)?;
        let status = match keys.status {
            None => DEFAULT_STATUS,
            Some(status) => {
                let known = u16::try_from(*status.get_ref()).ok().filter(|status| (400..=599).contains(status));
                let refused =
                    || Wrong::new(status.span(), format!("{} is no error status", status.get_ref()), "write a code from 400 to 599");
                known.ok_or_else(refused)?
            }
        };
        Ok(Self { requests, status })
    }

    fn keys(&self) -> Vec<(&'static str, Value)> {
        let status = Some(self.status).filter(|status| *status != DEFAULT_STATUS);
        self.requests.keys().into_iter().chain(status.map(|status| ("status", i64::from(status).into()))).collect()
    }

    fn untouched(&self) -> String {
        self.requests.untouched()
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answers {}", self.requests, self.status)
    }
}
