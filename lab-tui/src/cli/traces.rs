//! `lab traces`: the traces of the running lab that match a query.

use std::fmt::Write as _;
use std::time::Duration;

use clap::Args;
use lab_facts::exit::Exit;
use lab_facts::format;
use lab_facts::query::Query;
use lab_instrument::control::Client;
use lab_instrument::observe::found::FoundTrace;
use lab_instrument::out;

use super::Failure;
use super::ask::{WhichLab, json, link, not_ready};
use super::elsewhere::{self, TempoFlag};
use super::logs::duration;

#[derive(Debug, Args)]
pub(crate) struct TracesFlags {
    /// What their spans must be, in TraceQL, such as '{ status = error && duration > 100ms }'
    #[arg(value_name = "QUERY", default_value = "{ }", value_parser = Query::parse)]
    query: Query,
    /// How many of them, the newest first
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    tempo: TempoFlag,
    /// How far back Tempo is to look, such as 30m; an hour unless told
    #[arg(long, value_name = "TIME", value_parser = duration, requires = "tempo_url")]
    since: Option<Duration>,
    #[command(flatten)]
    lab: WhichLab,
}

pub(crate) async fn traces(flags: TracesFlags) -> Result<Exit, Failure> {
    if let Some(tempo) = flags.tempo.source(None) {
        let found = elsewhere::search(&tempo, &flags.query, flags.limit, flags.since.unwrap_or(elsewhere::HOUR)).await?;
        if found.is_empty() && !flags.json {
            out::note("no trace of that time matches");
            return Ok(Exit::Kept);
        }
        out::result(&if flags.json { json(&found)? } else { table(&found) }).map_err(Failure::unwritable)?;
        return Ok(Exit::Kept);
    }
    let lab = Client::find(flags.lab.lab).map_err(not_ready)?;
    let found = lab.search(&flags.query, flags.limit).await.map_err(not_ready)?;
    if found.is_empty() && !flags.json {
        out::note("no trace of the lab matches");
        return Ok(Exit::Kept);
    }
    if flags.json {
        out::result(&json(&found)?).map_err(Failure::unwritable)?;
    } else {
        out::result_linked(&table(&found), link(&lab).await.as_ref()).map_err(Failure::unwritable)?;
    }
    Ok(Exit::Kept)
}

pub(super) fn table(found: &[FoundTrace]) -> String {
    let mut out = format!("{:<32}  {:>9}  {:>5}  {:>7}  {:>6}  {}\n", "trace", "duration", "spans", "matched", "errors", "root");
    for one in found {
        let root = match (&one.root_service, &one.root_name) {
            (Some(service), Some(name)) => format!("{service} {name}"),
            _ => "(its root has not come in)".to_owned(),
        };
        let duration = format::nanoseconds(one.duration_nano);
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{}  {duration:>9}  {:>5}  {:>7}  {:>6}  {root}", one.trace_id, one.spans, one.matched, one.errors);
    }
    out
}
