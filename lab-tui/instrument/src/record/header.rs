//! The first line: what it takes to understand the rest with no other file.

use lab_facts::model::{Distribution, Model};
use lab_facts::scenario::{Given, Plan, Refusals, Service, StackKind};
use lab_facts::verdict::{Verdict, Word};
use serde::{Deserialize, Serialize};

use super::FORMAT;
use crate::stack::Endpoints;

/// The first line of a recording and of `--events`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT`].
    pub format: u32,
    /// Version of the lab that wrote it.
    pub lab: String,
    /// Name of the scenario.
    pub scenario: String,
    /// The file as the user named it; null where the scenario came with the lab.
    pub file: Option<String>,
    /// What fixed the draws.
    pub seed: u32,
    /// When the run began: RFC 3339, UTC.
    pub started: String,
    /// `--time-scale`; null without it.
    pub time_scale: Option<f64>,
    /// Whether it ran on a screen, where traffic may go on after the scenario's end.
    pub on_screen: bool,
    /// The names that the scenario's requests and faults could refer to.
    pub services: Vec<String>,
    /// The stack that it ran on; absent in recordings that know only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
    /// The name of a program that was named beside the scenario (`--exec`); null without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<String>,
    /// What the indices in events refer to.
    pub plan: Outline,
    /// The scenario's whole text.
    pub text: String,
    /// Where everything was.
    pub endpoints: Endpoints,
    /// How it ended; null in `--events`, whose first line is written before the run.
    pub end: Option<End>,
}

/// Names in the order that indices count in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    /// Each `[[load]]`.
    pub loads: Vec<LoadOutline>,
    /// Names of the faults.
    pub faults: Vec<String>,
}

/// One load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadOutline {
    /// From the scenario.
    pub name: String,
    /// Names of its requests.
    pub requests: Vec<String>,
}

/// A run in one line of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// `pass`, `fail` or `inconclusive`.
    pub verdict: Word,
    /// Whether the user cut it short.
    pub interrupted: bool,
    /// Requests that have ended, over all loads.
    pub requests: u64,
    /// Of these, with an outcome that the scenario does not expect.
    pub failed: u64,
    /// Of response times over all loads; null without requests.
    pub p99_ms: Option<f64>,
    /// From the first arrival to the last answer.
    pub duration_seconds: f64,
}

impl Outline {
    /// Of a plan.
    pub fn of(plan: &Plan) -> Self {
        let names = |load: &lab_facts::scenario::Load| load.requests.iter().map(|request| request.name.clone()).collect();
        Self {
            loads: plan.loads.iter().map(|load| LoadOutline { name: load.name.clone(), requests: names(load) }).collect(),
            faults: plan.faults.iter().map(|fault| fault.name.clone()).collect(),
        }
    }
}

impl End {
    /// As far as the run has come.
    pub fn of(model: &Model, verdict: &Verdict) -> Self {
        let (mut response, mut failed) = (Distribution::default(), 0);
        for (load, state) in model.loads().iter().enumerate() {
            for ((request, outcome), latency) in &state.cells {
                response.merge(&latency.response);
                failed += if model.is_expected(load, *request, *outcome) { 0 } else { latency.response.count() };
            }
        }
        Self {
            verdict: verdict.word,
            interrupted: model.finished().is_none_or(|end| end.interrupted),
            requests: response.count(),
            failed,
            p99_ms: response.percentile(99.0),
            duration_seconds: model.now().as_secs_f64(),
        }
    }
}

impl Header {
    /// What a plan and a stack say of themselves; the rest is for who knows it.
    pub fn new(plan: &Plan, endpoints: &Endpoints) -> Self {
        Self {
            format: FORMAT,
            lab: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: String::new(),
            file: None,
            seed: plan.seed,
            started: String::new(),
            time_scale: None,
            on_screen: false,
            services: Vec::new(),
            stack: Some(plan.stack.name().to_owned()),
            beside: None,
            plan: Outline::of(plan),
            text: String::new(),
            endpoints: endpoints.clone(),
            end: None,
        }
    }

    /// The plan that ran, from the text alone.
    ///
    /// # Errors
    /// This version does not understand the scenario, or not as the version that wrote it did.
    pub fn plan(&self) -> anyhow::Result<Plan> {
        let origin = self.file.as_deref().unwrap_or(&self.scenario);
        let services: Vec<&str> = self.services.iter().map(String::as_str).collect();
        // Where it listened then is of no account now.
        let beside = |name: &String| Service::from_line(name, "program", Some("http://127.0.0.1:{port}"), None).ok();
        let beside = self.beside.as_ref().and_then(beside);
        let given = Given {
            services: &services,
            attached: Some(&self.services),
            stack: self.stack.as_deref().and_then(StackKind::named),
            beside: beside.as_ref(),
            files: Some(&|path| Ok(stand_in(&self.text, path))),
            ..Given::default()
        };
        let plan = Plan::parse_given(&self.text, origin, &given);
        let told = || {
            format!("the scenario in it, recorded by lab {}, is not understood by this version ({})", self.lab, env!("CARGO_PKG_VERSION"))
        };
        // Nobody mends a recording, so the first problem says enough.
        let first = |refusals: Refusals| anyhow::Error::msg(refusals.iter().next().map_or_else(String::new, ToString::to_string));
        let mut plan = plan.map_err(|refusals| first(refusals).context(told()))?;
        if let Some(factor) = self.time_scale {
            anyhow::ensure!((0.001..=1000.0).contains(&factor), "its time scale is not one of 0.001 to 1000");
            plan = plan.scaled(factor);
        }
        if self.on_screen {
            plan = plan.for_screen();
        }
        anyhow::ensure!(self.format == FORMAT && Outline::of(&plan) == self.plan, told());
        Ok(plan)
    }

    /// The same as its file has it, without what is done for a screen.
    ///
    /// # Errors
    /// As [`Self::plan`].
    pub fn plan_of_file(&self) -> anyhow::Result<Plan> {
        Self { on_screen: false, ..self.clone() }.plan()
    }
}

/// A table with the columns that a scenario takes from a file and one row. What was drawn from it is in the events; the file itself, which
/// may hold what is nobody's business, is not recorded.
fn stand_in(text: &str, path: &str) -> String {
    let document: toml::Table = toml::from_str(text).unwrap_or_default();
    let loads = document.get("load").and_then(toml::Value::as_array).into_iter().flatten();
    let vars = loads.filter_map(|load| load.get("vars")?.as_table()).flat_map(toml::Table::values);
    let columns =
        vars.filter(|var| var.get("csv").and_then(toml::Value::as_str) == Some(path)).filter_map(|var| var.get("column")?.as_str());
    let mut names: Vec<String> = columns.map(|name| format!("\"{}\"", name.replace('"', "\"\""))).collect();
    names.sort();
    names.dedup();
    let row = vec!["0"; names.len()];
    format!("{}\n{}\n", names.join(","), row.join(","))
}
