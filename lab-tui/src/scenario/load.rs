//! `[[load]]`: which requests, and when. The when is in `executor`.

use std::collections::BTreeMap;
use std::time::Duration;

use toml::Spanned;

use super::executor::Executor;
use super::fault::moment;
use super::file::{LoadTable, RequestTable};
use super::plan::optional_duration;
use super::refusal::{Wrong, suggest};
use super::template::Template;
use crate::event::Outcome;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
pub(super) const DEFAULT_GRACE: Duration = Duration::from_secs(30);

/// Requests, and when they are sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// Unique in the plan.
    pub name: String,
    /// When it begins, from the start of the run.
    pub start: Duration,
    /// When its requests are sent.
    pub executor: Executor,
    /// What requests in flight at the load's end are given to end as well.
    pub graceful_stop: Duration,
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
    /// A whole `http://` or `https://` URL.
    Absolute(Template),
}

impl Load {
    /// When its last request may begin, from the start of the run. The answers may come later.
    pub fn end(&self) -> Duration {
        self.start + self.executor.duration()
    }
}

impl Request {
    /// Whether it may end so.
    pub fn expects(&self, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Status(status) if self.expect_status.is_empty() => (200..400).contains(&status),
            Outcome::Status(status) => self.expect_status.contains(&status),
            // Cut off by the user, not failed by the system.
            Outcome::Interrupted => true,
            Outcome::Timeout | Outcome::ConnectionFailed | Outcome::ConnectionBroken | Outcome::Outlasted => false,
        }
    }
}

/// Reads one load. `services` are the names that the stack knows.
pub(super) fn read(table: Spanned<LoadTable>, services: &[&str]) -> Result<Load, Wrong> {
    let span = table.span();
    let table = table.into_inner();
    let executor = Executor::read(&table, &span)?;
    let start = table.start.as_ref().map_or(Ok(Duration::ZERO), moment)?;
    let graceful_stop = table.graceful_stop.as_ref().map_or(Ok(DEFAULT_GRACE), moment)?;
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
    Ok(Load { name: table.name.into_inner(), start, executor, graceful_stop, timeout, requests, vars })
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
    let target = if let Some(rest) = source.strip_prefix("http://").or_else(|| source.strip_prefix("https://")) {
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
        return Err(Wrong::new(span, format!("`{source}` is neither a path nor an http:// or https:// URL"), "begin it with a slash"));
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
