//! From a table of the file to an expectation.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::logs::LogsTable;
use super::{Backend, Count, Evidence, Expectation, LogPattern, Subject};
use crate::query::Query;
use crate::scenario::fault::Fault;
use crate::scenario::file::Names;
use crate::scenario::load::Load;
use crate::scenario::phase::Phase;
use crate::scenario::plan::required;
use crate::scenario::refusal::Wrong;
use crate::scenario::scope::{Scope, ScopeKeys};
use crate::scenario::selector::{Misread, Selector};
use crate::scenario::stack::ServiceNames;
use crate::scenario::threshold::Threshold;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct ExpectTable {
    name: Spanned<String>,
    // One of these six.
    traces: Option<Spanned<String>>,
    logs: Option<Spanned<LogsTable>>,
    metric: Option<Spanned<String>>,
    promql: Option<Spanned<String>>,
    logql: Option<Spanned<String>>,
    traceql: Option<Spanned<String>>,
    count: Option<Spanned<String>>,
    holds: Option<Spanned<String>>,
    // What follows is a scope; see there.
    outside: Option<Spanned<Names>>,
    during: Option<Spanned<Names>>,
    before: Option<Spanned<Names>>,
    after: Option<Spanned<Names>>,
    settle: Option<Spanned<String>>,
    within: Option<Spanned<String>>,
}

/// What expectations may refer to.
#[derive(Debug, Clone, Copy)]
pub(in crate::scenario) struct Known<'k> {
    /// The whole file.
    pub(in crate::scenario) text: &'k str,
    pub(in crate::scenario) services: ServiceNames<'k>,
    /// Those with metrics that the lab can ask for.
    pub(in crate::scenario) with_metrics: ServiceNames<'k>,
    pub(in crate::scenario) loads: &'k [Load],
    pub(in crate::scenario) faults: &'k [Fault],
    pub(in crate::scenario) phases: &'k [Phase],
}

/// Reads all of them.
pub(in crate::scenario) fn read_all(tables: Vec<Spanned<ExpectTable>>, known: Known<'_>) -> Result<Vec<Expectation>, Wrong> {
    let mut all: Vec<Expectation> = Vec::new();
    for table in tables {
        let place = table.get_ref().name.span();
        let expectation = read(table, known)?;
        if expectation.name.trim().is_empty() {
            return Err(Wrong::new(place, "an expectation needs a name", "reports call it so"));
        }
        if all.iter().any(|other| other.name == expectation.name) {
            return Err(Wrong::new(place, format!("a second expectation is named `{}`", expectation.name), "give each its own name"));
        }
        all.push(expectation);
    }
    Ok(all)
}

fn read(table: Spanned<ExpectTable>, known: Known<'_>) -> Result<Expectation, Wrong> {
    let span = table.span();
    let table = table.into_inner();
    one_subject(&table)?;
    let scope = ScopeKeys {
        outside: table.outside.as_ref(),
        during: table.during.as_ref(),
        before: table.before.as_ref(),
        after: table.after.as_ref(),
        settle: table.settle.as_ref(),
        within: table.within.as_ref(),
    };
    let scope = scope.read(known.faults, known.phases)?;
    let name = table.name.into_inner();
    if let Some(metric) = table.metric {
        if let Some(count) = &table.count {
            return Err(Wrong::new(count.span(), "a metric is not counted", "say what it keeps: `holds = \"p(95)<50\"`"));
        }
        let holds = required(table.holds, &span, "holds", "\"p(95)<50\"")?;
        let threshold = threshold(&metric, &holds, scope, known)?;
        return Ok(Expectation { name, subject: Subject::Metric(threshold) });
    }
    if let Some(holds) = &table.holds {
        return Err(Wrong::new(holds.span(), "`holds` belongs to `metric`", "write `count`, or name a metric"));
    }
    let asked = [(Backend::Prometheus, table.promql), (Backend::Loki, table.logql), (Backend::Tempo, table.traceql)];
    let asked = asked.into_iter().find_map(|(backend, query)| Some((backend, query?)));
    let evidence = match (table.traces, table.logs, asked) {
        (Some(traces), ..) => Evidence::Traces(query(&traces, known.text)?),
        (_, Some(logs), _) => Evidence::Logs(LogPattern::read(logs, known.services)?),
        (.., Some((_, query))) if query.get_ref().trim().is_empty() => {
            return Err(Wrong::new(query.span(), "the query is empty", "write what the backend is to be asked"));
        }
        (.., Some((backend, query))) => Evidence::Asked(backend, query.into_inner()),
        (None, None, None) => {
            let hint = "add `traces`, `logs` or `metric`; or `promql`, `logql` or `traceql` for a backend";
            return Err(Wrong::new(span, "nothing is expected here", hint));
        }
    };
    let count = |count: Spanned<String>| Count::parse(count.get_ref()).map_err(|(what, hint)| Wrong::new(count.span(), what, hint));
    let count = table.count.map_or(Ok(Count::default()), count)?;
    Ok(Expectation { name, subject: Subject::Counted { evidence, scope, count } })
}

/// Refuses the second of two things that are expected at once.
fn one_subject(table: &ExpectTable) -> Result<(), Wrong> {
    let given = [
        ("traces", table.traces.as_ref().map(Spanned::span)),
        ("logs", table.logs.as_ref().map(Spanned::span)),
        ("metric", table.metric.as_ref().map(Spanned::span)),
        ("promql", table.promql.as_ref().map(Spanned::span)),
        ("logql", table.logql.as_ref().map(Spanned::span)),
        ("traceql", table.traceql.as_ref().map(Spanned::span)),
    ];
    let mut given: Vec<(&str, Range<usize>)> = given.into_iter().filter_map(|(key, span)| Some((key, span?))).collect();
    given.sort_by_key(|(_, span)| span.start);
    match given.as_slice() {
        [(first, _), (second, span), ..] => {
            Err(Wrong::new(span.clone(), format!("`{first}` and `{second}` cannot be combined"), "make it two expectations"))
        }
        _ => Ok(()),
    }
}

fn threshold(metric: &Spanned<String>, holds: &Spanned<String>, scope: Option<Scope>, known: Known<'_>) -> Result<Threshold, Wrong> {
    let refused = |misread: Misread| misread.at(metric.span(), known.text);
    let selector = Selector::parse(metric.get_ref()).map_err(refused)?;
    selector.check_names(known.loads, known.with_metrics).map_err(refused)?;
    if let Some(scope) = scope.as_ref().filter(|_| selector.metric.is_of_the_whole_run()) {
        let key = scope.relation.key();
        let what = format!("{} is counted over the whole run, so nothing can be {key} of it", selector.source);
        return Err(Wrong::new(metric.span(), what, format!("leave `{key}` out")));
    }
    let threshold = Threshold::parse(&selector, holds.get_ref()).map_err(|(what, hint)| Wrong::new(holds.span(), what, hint))?;
    Ok(Threshold { scope, ..threshold })
}

/// A query, whose refusal points at the place in the file where that can be told.
fn query(written: &Spanned<String>, text: &str) -> Result<Query, Wrong> {
    Query::parse(written.get_ref()).map_err(|misread| {
        let span = written.span();
        let value = written.get_ref();
        // With escapes in it the text in the file is not the query, and only the beginning is known.
        let place = text.get(span.clone()).and_then(|raw| raw.find(value.as_str())).filter(|_| !value.is_empty());
        match place {
            Some(quotes) => {
                let at = span.start + quotes + misread.at;
                Wrong::new(at..at, misread.what, misread.hint)
            }
            None => Wrong::new(span, misread.to_string(), "the query is TraceQL, such as '{ status = error }'"),
        }
    })
}
