//! `[[load]]`: which requests, and when. The when is in `executor`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use toml::Spanned;

use super::executor::Executor;
use super::fault::moment;
use super::file::LoadTable;
use super::plan::optional_duration;
use super::refusal::Wrong;
use super::request::{self, Known, Request};
use super::vars::{self, Files, Values};

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
    /// What each variable is drawn from.
    pub vars: BTreeMap<String, Values>,
}

impl Load {
    /// Whether its variables are drawn from files.
    pub fn reads_files(&self) -> bool {
        self.vars.values().any(|values| matches!(values, Values::Column { .. }))
    }

    /// When its last request may begin, from the start of the run. The answers may come later.
    pub fn end(&self) -> Duration {
        self.start + self.executor.duration()
    }
}

/// A variable that no request of its load needs, such as one whose name is misspelt where it is given; the first in the file.
pub(super) fn unused(load: &Load, vars: &[(String, Range<usize>)]) -> Option<Wrong> {
    let used: Vec<&str> = load.requests.iter().flat_map(Request::variables).collect();
    let (name, span) = vars.iter().filter(|(name, _)| !used.contains(&name.as_str())).min_by_key(|(_, span)| span.start)?;
    let hint = format!("write `{{{name}}}` in one, or leave it out");
    Some(Wrong::new(span.clone(), format!("no request uses the variable `{name}`"), hint))
}

/// Reads one load. `services` are the names that the stack knows, `files` gives what variables name.
pub(super) fn read(table: Spanned<LoadTable>, services: &[&str], files: &Files<'_>) -> Result<Load, Wrong> {
    let span = table.span();
    let table = table.into_inner();
    if table.name.get_ref().contains(',') {
        let what = format!("`{}` has a comma, at which a tag would end", table.name.get_ref());
        return Err(Wrong::new(table.name.span(), what, "leave it out, so that `{load:…}` can choose the load"));
    }
    let executor = Executor::read(&table, &span)?;
    let start = table.start.as_ref().map_or(Ok(Duration::ZERO), moment)?;
    let graceful_stop = table.graceful_stop.as_ref().map_or(Ok(DEFAULT_GRACE), moment)?;
    let timeout = optional_duration(table.timeout.as_ref())?.unwrap_or(DEFAULT_TIMEOUT);
    let vars = vars::read(table.vars, files)?;
    if table.request.is_empty() {
        return Err(Wrong::new(span, "the load has no request", "add a [[load.request]] table with `get = \"/…\"`"));
    }
    let known = Known { service: table.service.as_ref(), services, vars: &vars };
    let mut requests: Vec<Request> = Vec::new();
    for table in table.request {
        let (request, place) = request::read(table, &known)?;
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
