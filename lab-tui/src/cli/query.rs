//! `lab query`: a question in PromQL, LogQL or TraceQL, as the room of queries asks it.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use lab_facts::exit::Exit;
use lab_facts::format;
use lab_facts::format::Unit;
use lab_facts::query::Query;
use lab_facts::scenario::Backend;
use lab_instrument::control::Client;
use lab_instrument::observe::backends::{Backends, QueryResult, RangeQuery, SHIPPED, Series, Shipped, TRACES, scrape_config};
use lab_instrument::observe::logs::LogText;
use lab_instrument::observe::scrape;
use lab_instrument::out;
use lab_instrument::report::log::log;
use serde_json::{Value, json};

use super::Failure;
use super::ask::{self, WhichLab, not_ready};
use super::backends::BackendUrls;
use super::elsewhere;
use super::logs::duration;
use super::traces::table;

/// Columns of a series in small.
const SMALL: usize = 24;

#[derive(Debug, Args)]
pub(crate) struct QueryFlags {
    /// The name of a query that comes with the lab, or the text of one; without it, those that come with the lab are listed
    #[arg(value_name = "QUERY")]
    query: Option<String>,
    /// It is a text in PromQL
    #[arg(long, group = "language", requires = "query")]
    promql: bool,
    /// It is a text in LogQL
    #[arg(long, group = "language", requires = "query")]
    logql: bool,
    /// It is a text in TraceQL, which the running lab answers where no Tempo is named
    #[arg(long, group = "language", requires = "query")]
    traceql: bool,
    /// How far to look back, such as 30m; an hour unless told
    #[arg(long, value_name = "TIME", value_parser = duration)]
    since: Option<Duration>,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
    /// Print what makes a Prometheus scrape the running lab's services, as a prometheus.yml
    #[arg(long, conflicts_with_all = ["query", "json", "since"])]
    scrape_config: bool,
    #[command(flatten)]
    backends: BackendUrls,
    #[command(flatten)]
    lab: WhichLab,
}

/// What is asked, understood.
struct Asked {
    backend: Backend,
    text: String,
    unit: Unit,
}

pub(crate) async fn query(flags: QueryFlags) -> Result<Exit, Failure> {
    if flags.scrape_config {
        let status = Client::find(flags.lab.lab).map_err(not_ready)?.status().await.map_err(not_ready)?;
        out::result(&scrape_config(&scrape::pages(&status.endpoints, &[]))).map_err(Failure::unwritable)?;
        return Ok(Exit::Kept);
    }
    let Some(asked) = asked(&flags)? else {
        out::result(&if flags.json { ask::json(&list_as_json())? } else { list() }).map_err(Failure::unwritable)?;
        return Ok(Exit::Kept);
    };
    let (json, unit) = (flags.json, asked.unit);
    let (query, by, result) = answer(flags, asked).await?;
    let is_empty = match &result {
        QueryResult::Series { series, .. } => series.is_empty(),
        QueryResult::Lines(lines) => lines.is_empty(),
        QueryResult::Traces(found) => found.is_empty(),
    };
    if is_empty && !json {
        out::note(&format!("{by} has nothing that fits"));
        return Ok(Exit::Kept);
    }
    out::result(&if json { ask::json(&told(&query, by, &result)?)? } else { text(&result, unit) }).map_err(Failure::unwritable)?;
    if let QueryResult::Series { series, left_out } = &result
        && *left_out > 0
    {
        out::note(&format!("these are the {} highest of {} series", series.len(), series.len() + left_out));
    }
    Ok(Exit::Kept)
}

/// A text where its language is given, else a name.
fn asked(flags: &QueryFlags) -> Result<Option<Asked>, Failure> {
    let Some(query) = &flags.query else { return Ok(None) };
    let languages = [(flags.promql, Backend::Prometheus), (flags.logql, Backend::Loki), (flags.traceql, Backend::Tempo)];
    if let Some((_, backend)) = languages.into_iter().find(|(is_given, _)| *is_given) {
        return Ok(Some(Asked { backend, text: query.trim().to_owned(), unit: Unit::Number }));
    }
    let shipped = Shipped::named(query).map_err(|hint| {
        let own = "a query of your own needs its language: --promql, --logql or --traceql";
        Failure::new(Exit::BadInput, anyhow!("no query is named `{query}` ({hint}; {own})"))
    })?;
    Ok(Some(Asked { backend: shipped.backend, text: shipped.text.to_owned(), unit: shipped.unit }))
}

/// Also who gave it.
async fn answer(flags: QueryFlags, asked: Asked) -> Result<(RangeQuery, &'static str, QueryResult), Failure> {
    let Asked { backend, text, .. } = asked;
    let query = RangeQuery { backend, text, window: elsewhere::lately(flags.since.unwrap_or(elsewhere::HOUR)) };
    let backends = Backends::from(flags.backends);
    if backend == Backend::Tempo && backends.tempo.is_none() {
        let understood = Query::parse(&query.text).map_err(|misread| Failure::new(Exit::BadInput, anyhow!("{misread}")))?;
        let most = u32::try_from(TRACES).unwrap_or(u32::MAX);
        let mut found = Client::find(flags.lab.lab).map_err(not_ready)?.search(&understood, most).await.map_err(not_ready)?;
        found.retain(|one| query.window.contains(&one.start_unix_nano));
        return Ok((query, "the lab", QueryResult::Traces(found)));
    }
    let is_named = backends.named(backend).is_some();
    let result = backends.query(&query).await.map_err(|unanswered| match (is_named, backend) {
        (true, _) => Failure::new(Exit::NotReady, anyhow!(unanswered.why)),
        (false, Backend::Prometheus) => {
            Failure::new(Exit::BadInput, anyhow!("{}; `lab query --scrape-config` prints what it has to scrape", unanswered.why))
        }
        (false, _) => Failure::new(Exit::BadInput, anyhow!(unanswered.why)),
    })?;
    Ok((query, backend.name(), result))
}

fn list() -> String {
    let mut out = String::new();
    for one in &SHIPPED {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{:<15} {:<8} {}", one.name, one.backend.key(), one.text);
    }
    out
}

fn list_as_json() -> Vec<Value> {
    let of = |one: &Shipped| json!({ "name": one.name, "language": one.backend.key(), "query": one.text, "meaning": one.meaning });
    SHIPPED.iter().map(of).collect()
}

fn told(query: &RangeQuery, by: &str, result: &QueryResult) -> Result<Value, Failure> {
    let mut told = json!({ "query": query.text, "language": query.backend.key(), "asked": by });
    let (key, value) = match result {
        QueryResult::Series { series, left_out } => {
            told["left_out"] = (*left_out).into();
            ("series", serde_json::to_value(series))
        }
        QueryResult::Lines(lines) => ("lines", serde_json::to_value(lines)),
        QueryResult::Traces(found) => ("traces", serde_json::to_value(found)),
    };
    told[key] = value.map_err(|error| Failure::new(Exit::NotReady, error))?;
    Ok(told)
}

fn text(result: &QueryResult, unit: Unit) -> String {
    match result {
        QueryResult::Series { series, .. } => series_table(series, unit),
        QueryResult::Lines(lines) => lines.iter().map(LogText::log_line).map(|line| log(&line)).collect(),
        QueryResult::Traces(found) => table(found),
    }
}

fn series_table(series: &[Series], unit: Unit) -> String {
    let mut out = format!("{:>11}  {:>11}  {:<SMALL$}  series\n", "last", "highest", "");
    for one in series {
        let show = |value: Option<f64>| value.map_or("-".to_owned(), |value| format::in_unit(value, unit));
        let labels: Vec<String> = one.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let (last, highest) = (show(one.values().last()), show(Some(one.highest()).filter(|highest| highest.is_finite())));
        let name = if labels.is_empty() { "-".to_owned() } else { labels.join("  ") };
        let _ = writeln!(out, "{last:>11}  {highest:>11}  {:<SMALL$}  {name}", small(one));
    }
    out
}

/// Its values over time in one line, as shares of its highest.
fn small(series: &Series) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let values: Vec<f64> = series.values().collect();
    let highest = series.highest();
    let bar = |piece: &[f64]| {
        let share = piece.iter().copied().fold(0.0, f64::max) / highest;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=7")]
        let step = (share * 8.0).ceil().clamp(1.0, 8.0) as usize - 1;
        BARS[step]
    };
    values.chunks(values.len().div_ceil(SMALL).max(1)).map(bar).collect()
}
