//! What a run will do, with nothing left to refuse.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeTable, Deserializer};

use super::fault::{self, Fault};
use super::file::{LoadTable, Promise, PromiseTable, RequestTable, ScenarioFile};
use super::refusal::{Refusal, Wrong, suggest};
use super::template::Template;
use super::threshold::{Metric, Outside, Selector, Threshold};
use crate::event::Outcome;

const FORMAT: i64 = 1;
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
pub(super) const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);
const MAX_RATE: f64 = 1_000_000.0;

/// A scenario that has been understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// One line.
    pub title: String,
    /// What it shows; may be empty.
    pub about: String,
    /// Fixes every draw of the lab: which request, which value of a variable.
    pub seed: u32,
    /// On a screen, the traffic goes on after its end until the viewer leaves.
    pub keep_going: bool,
    /// At least one.
    pub loads: Vec<Load>,
    /// In the file's order.
    pub faults: Vec<Fault>,
    /// The promises, in the file's order of selectors.
    pub thresholds: Vec<Threshold>,
}

/// Requests at a constant arrival rate.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// Unique in the plan.
    pub name: String,
    /// Arrivals per second, above 0.
    pub rate: f64,
    /// How long arrivals go on, above 0.
    pub duration: Duration,
    /// Requests in flight at most; an arrival beyond it is dropped and counted.
    pub max_vus: usize,
    /// After which a request is given up.
    pub timeout: Duration,
    /// At least one; the sum of the weights is above 0.
    pub requests: Vec<Request>,
    /// The values that each variable draws from; never empty.
    pub vars: BTreeMap<String, Vec<String>>,
}

/// One kind of request.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Unique in its load; `GET` and the template where the file gives none.
    pub name: String,
    /// How often it is drawn, against the others' weights.
    pub weight: u32,
    /// Where it goes.
    pub target: Target,
    /// Statuses that are no failure; empty means 200 to 399.
    pub expect_status: Vec<u16>,
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A path on a service of the stack.
    Service {
        /// The service's name, known to the stack.
        service: String,
        /// Begins with a slash.
        path: Template,
    },
    /// A whole `http://` URL.
    Absolute(Template),
}

impl Request {
    /// Whether it may end so.
    pub fn expects(&self, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Status(status) if self.expect_status.is_empty() => (200..400).contains(&status),
            Outcome::Status(status) => self.expect_status.contains(&status),
            // Cut off by the user, not failed by the system.
            Outcome::Interrupted => true,
            Outcome::Timeout | Outcome::ConnectionFailed | Outcome::ConnectionBroken => false,
        }
    }
}

impl Plan {
    /// Reads a scenario. `services` are the names that the stack knows.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line and column in `origin`.
    pub fn parse(text: &str, origin: &str, services: &[&str]) -> Result<Self, Refusal> {
        plan(text, services).map_err(|wrong| wrong.at(origin, text))
    }

    /// The same scenario with all that lies on the run's time line multiplied by `factor`, for a quick look or for CI. What a single
    /// request meets (a timeout, an added latency) stays as it is.
    #[must_use]
    pub fn scaled(mut self, factor: f64) -> Self {
        for load in &mut self.loads {
            load.duration = load.duration.mul_f64(factor);
        }
        for fault in &mut self.faults {
            (fault.at, fault.duration) = (fault.at.mul_f64(factor), fault.duration.mul_f64(factor));
        }
        for outside in self.thresholds.iter_mut().filter_map(|threshold| threshold.outside.as_mut()) {
            outside.settle = outside.settle.mul_f64(factor);
        }
        self
    }

    /// For a screen: the same scenario, with traffic that goes on if it is meant to.
    #[must_use]
    pub fn for_screen(mut self) -> Self {
        if self.keep_going {
            self.loads.iter_mut().for_each(|load| load.duration = LONGEST);
        }
        self
    }

    /// When the last arrival is due.
    pub fn duration(&self) -> Duration {
        self.loads.iter().map(|load| load.duration).max().unwrap_or_default()
    }
}

fn plan(text: &str, services: &[&str]) -> Result<Plan, Wrong> {
    let mut document = DeTable::parse(text)?;
    let faults = document.get_mut().remove("fault");
    let file = ScenarioFile::deserialize(Deserializer::from(document))?;
    if *file.format.get_ref() != FORMAT {
        let what = format!("format {} is not known to this version", file.format.get_ref());
        return Err(Wrong::new(file.format.span(), what, format!("write `format = {FORMAT}`")));
    }
    if file.load.is_empty() {
        let hint = "add a [[load]] table".to_owned();
        return Err(Wrong { span: None, what: "the scenario has no load".to_owned(), hint: Some(hint) });
    }
    let mut loads: Vec<Load> = Vec::new();
    for table in file.load {
        let name_span = table.get_ref().name.span();
        let load = load(table, services)?;
        if loads.iter().any(|other| other.name == load.name) {
            return Err(Wrong::new(name_span, format!("a second load is named `{}`", load.name), "give each its own name"));
        }
        loads.push(load);
    }
    let longest = loads.iter().map(|load| load.duration).max().unwrap_or_default();
    let faults = faults.map_or(Ok(Vec::new()), |faults| fault::read_all(faults, services, longest))?;
    let mut thresholds = Vec::new();
    let mut promises: Vec<_> = file.thresholds.iter().collect();
    promises.sort_by_key(|(key, _)| key.span().start);
    for (key, expressions) in promises {
        let selector = Selector::parse(key.get_ref()).map_err(|(what, hint)| Wrong::new(key.span(), what, hint))?;
        check_names(&selector, &loads).map_err(|(what, hint)| Wrong::new(key.span(), what, hint))?;
        for promise in expressions {
            let span = promise.span();
            let (span, expression, table) = match promise.get_ref() {
                Promise::Plain(expression) => (span, expression, None),
                Promise::Outside(table) => (table.threshold.span(), table.threshold.get_ref(), Some(table)),
            };
            let threshold = Threshold::parse(&selector, expression).map_err(|(what, hint)| Wrong::new(span, what, hint))?;
            let outside = table.map(|table| outside(table, &selector, &faults)).transpose()?;
            thresholds.push(Threshold { outside, ..threshold });
        }
    }
    Ok(Plan { title: file.title, about: file.about, seed: file.seed, keep_going: file.keep_going, loads, faults, thresholds })
}

fn outside(table: &PromiseTable, selector: &Selector, faults: &[Fault]) -> Result<Outside, Wrong> {
    let refused = |what: String, hint: String| Wrong::new(table.outside.span(), what, hint);
    if selector.metric == Metric::TelemetryLoss {
        let what = "telemetry_loss is counted over the whole run, so nothing can be outside of it".to_owned();
        return Err(refused(what, "leave `outside` out".to_owned()));
    }
    let known: Vec<&str> = faults.iter().map(|fault| fault.name.as_str()).collect();
    let mut chosen = Vec::new();
    for name in &table.outside.get_ref().0 {
        let index = known.iter().position(|known| known == name);
        chosen.push(index.ok_or_else(|| refused(format!("no fault is named `{name}`"), suggest(name, &known)))?);
    }
    if chosen.is_empty() {
        return Err(refused("`outside` names no fault".to_owned(), "name at least one, or leave it out".to_owned()));
    }
    chosen.sort_unstable();
    chosen.dedup();
    Ok(Outside { faults: chosen, settle: table.settle.as_ref().map_or(Ok(Duration::ZERO), fault::moment)? })
}

fn check_names(selector: &Selector, loads: &[Load]) -> Result<(), (String, String)> {
    let chosen: Vec<&Load> = loads.iter().filter(|load| selector.load.as_ref().is_none_or(|name| *name == load.name)).collect();
    if let (Some(name), []) = (&selector.load, chosen.as_slice()) {
        let known: Vec<&str> = loads.iter().map(|load| load.name.as_str()).collect();
        return Err((format!("no load is named `{name}`"), suggest(name, &known)));
    }
    if let Some(name) = &selector.request {
        let known: Vec<&str> = chosen.iter().flat_map(|load| &load.requests).map(|request| request.name.as_str()).collect();
        if !known.contains(&name.as_str()) {
            return Err((format!("no request is named `{name}`"), suggest(name, &known)));
        }
    }
    Ok(())
}

fn load(table: Spanned<LoadTable>, services: &[&str]) -> Result<Load, Wrong> {
    let span = table.span();
    let table = table.into_inner();
    let executor = table.executor.get_ref().as_str();
    if executor != "constant-arrival-rate" {
        return Err(Wrong::new(
            table.executor.span(),
            format!("unknown executor `{executor}`"),
            suggest(executor, &["constant-arrival-rate"]),
        ));
    }
    let time_unit = optional_duration(table.time_unit.as_ref())?.unwrap_or(Duration::from_secs(1));
    let rate = required(table.rate, &span, "rate", "50")?;
    let per_second = *rate.get_ref() / time_unit.as_secs_f64();
    if !(per_second > 0.0 && per_second <= MAX_RATE) {
        let what = format!("a rate of {} per {} cannot be kept", rate.get_ref(), humantime::format_duration(time_unit));
        return Err(Wrong::new(rate.span(), what, "write a rate above 0 and up to 1,000,000 per second"));
    }
    let duration = required(table.duration, &span, "duration", "\"30s\"")?;
    let duration = parse_duration(&duration)?;
    let max_vus = match table.max_vus {
        Some(given) => {
            let refused = || Wrong::new(given.span(), format!("max_vus = {} is out of range", given.get_ref()), "write 1 to 100000");
            usize::try_from(*given.get_ref()).ok().filter(|max| (1..=100_000).contains(max)).ok_or_else(refused)?
        }
        // Ten seconds' worth of arrivals: a stall of that length is seen whole before anything is dropped.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 100..=10,000 before the cast")]
        None => (per_second * 10.0).clamp(100.0, 10_000.0) as usize,
    };
    let timeout = optional_duration(table.timeout.as_ref())?.unwrap_or(DEFAULT_TIMEOUT);
    let mut vars = BTreeMap::new();
    for (name, values) in table.vars {
        if values.get_ref().is_empty() {
            return Err(Wrong::new(values.span(), format!("the variable `{name}` has no values"), "list at least one"));
        }
        vars.insert(name, values.into_inner());
    }
    if table.request.is_empty() {
        return Err(Wrong::new(span, "the load has no request", "add a [[load.request]] table with `get = \"/…\"`"));
    }
    let mut requests: Vec<Request> = Vec::new();
    for table_of_request in table.request {
        let place = table_of_request.get_ref().get.span();
        let request = request(table_of_request.into_inner(), table.service.as_ref(), services, &vars)?;
        if requests.iter().any(|other| other.name == request.name) {
            return Err(Wrong::new(place, format!("a second request is named `{}`", request.name), "give one of them a `name`"));
        }
        requests.push(request);
    }
    if requests.iter().all(|request| request.weight == 0) {
        return Err(Wrong::new(span, "every request has weight 0", "give at least one a weight above 0"));
    }
    Ok(Load { name: table.name.into_inner(), rate: per_second, duration, max_vus, timeout, requests, vars })
}

fn request(
    table: RequestTable,
    service: Option<&Spanned<String>>,
    services: &[&str],
    vars: &BTreeMap<String, Vec<String>>,
) -> Result<Request, Wrong> {
    let span = table.get.span();
    let source = table.get.get_ref();
    let template =
        Template::parse(source).map_err(|what| Wrong::new(span.clone(), what, "write a variable as `{name}`, a brace as `{{`"))?;
    let names: Vec<&str> = vars.keys().map(String::as_str).collect();
    if let Some(unknown) = template.variables().find(|name| !names.contains(name)) {
        let hint = if names.is_empty() { format!("add `{unknown} = [\"…\"]` under [load.vars]") } else { suggest(unknown, &names) };
        return Err(Wrong::new(span, format!("the variable `{unknown}` is not in [load.vars]"), hint));
    }
    let name = table.name.unwrap_or_else(|| format!("GET {source}"));
    let target = if let Some(rest) = source.strip_prefix("http://") {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if host.contains(['{', '@']) {
            let what = format!("`{source}` has a variable or a password in its host");
            return Err(Wrong::new(span, what, "write host and port in full; only path and parameters vary"));
        }
        url::Url::parse(&template.render(|_| "x"))
            .map_err(|error| Wrong::new(span, format!("`{source}` is no URL: {error}"), "write http://host:port/path"))?;
        Target::Absolute(template)
    } else if source.starts_with('/') {
        let Some(service) = service else {
            return Err(Wrong::new(
                span,
                format!("`{source}` needs a service"),
                format!("add `service = \"{}\"` to the load", services.first().unwrap_or(&"…")),
            ));
        };
        if !services.contains(&service.get_ref().as_str()) {
            return Err(Wrong::new(
                service.span(),
                format!("unknown service `{}`", service.get_ref()),
                suggest(service.get_ref(), services),
            ));
        }
        Target::Service { service: service.get_ref().clone(), path: template }
    } else {
        return Err(Wrong::new(span, format!("`{source}` is neither a path nor an http:// URL"), "begin it with a slash"));
    };
    let weight = match table.weight {
        None => 1,
        Some(weight) => u32::try_from(*weight.get_ref()).map_err(|_| {
            Wrong::new(weight.span(), format!("a weight of {} is out of range", weight.get_ref()), "write a whole number from 0")
        })?,
    };
    let mut expect_status = Vec::new();
    for status in table.expect_status {
        match u16::try_from(*status.get_ref()) {
            Ok(code) if (100..=599).contains(&code) => expect_status.push(code),
            _ => return Err(Wrong::new(status.span(), format!("{} is no HTTP status", status.get_ref()), "write codes from 100 to 599")),
        }
    }
    Ok(Request { name, weight, target, expect_status })
}

fn required<T>(value: Option<T>, span: &Range<usize>, key: &str, example: &str) -> Result<T, Wrong> {
    value.ok_or_else(|| Wrong::new(span.clone(), format!("the key `{key}` is missing here"), format!("add `{key} = {example}`")))
}

fn optional_duration(text: Option<&Spanned<String>>) -> Result<Option<Duration>, Wrong> {
    text.map(parse_duration).transpose()
}

pub(super) fn parse_duration(text: &Spanned<String>) -> Result<Duration, Wrong> {
    let refused = |what: String| Wrong::new(text.span(), what, "write a time such as \"500ms\", \"30s\" or \"1m30s\"");
    let duration = humantime::parse_duration(text.get_ref()).map_err(|_| refused(format!("`{}` is no time", text.get_ref())))?;
    if duration.is_zero() || duration > LONGEST {
        return Err(refused(format!("`{}` is out of range (above 0, up to 7 days)", text.get_ref())));
    }
    Ok(duration)
}

#[cfg(test)]
mod tests;
