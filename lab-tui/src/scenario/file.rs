//! The scenario file as it is written: shapes only. What the values mean, and which are refused, is in `plan`.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScenarioFile {
    pub(super) format: Spanned<i64>,
    pub(super) title: String,
    #[serde(default)]
    pub(super) about: String,
    #[serde(default)]
    pub(super) seed: u32,
    #[serde(default)]
    pub(super) keep_going: bool,
    #[serde(default)]
    pub(super) load: Vec<Spanned<LoadTable>>,
    #[serde(default)]
    pub(super) thresholds: BTreeMap<Spanned<String>, Vec<Spanned<String>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoadTable {
    pub(super) name: Spanned<String>,
    pub(super) executor: Spanned<String>,
    pub(super) rate: Option<Spanned<f64>>,
    pub(super) time_unit: Option<Spanned<String>>,
    pub(super) duration: Option<Spanned<String>>,
    pub(super) max_vus: Option<Spanned<i64>>,
    pub(super) timeout: Option<Spanned<String>>,
    pub(super) service: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) request: Vec<Spanned<RequestTable>>,
    #[serde(default)]
    pub(super) vars: BTreeMap<String, Spanned<Vec<String>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RequestTable {
    pub(super) name: Option<String>,
    pub(super) weight: Option<Spanned<i64>>,
    pub(super) get: Spanned<String>,
    #[serde(default)]
    pub(super) expect_status: Vec<Spanned<i64>>,
}
