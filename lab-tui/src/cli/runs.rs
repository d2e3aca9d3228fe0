//! `lab runs`: what was recorded on this machine.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::anyhow;
use clap::{Args, Subcommand};
use lab_facts::exit::Exit;
use lab_facts::format;
use lab_facts::verdict::Word;
use lab_instrument::out;
use lab_instrument::record::{End, Header, History};
use serde::Serialize;
use time::OffsetDateTime;

use super::Failure;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct RunsFlags {
    #[command(subcommand)]
    command: Option<RunsCommand>,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum RunsCommand {
    /// Remove recordings
    Rm {
        /// As `lab runs` lists them
        #[arg(value_name = "ID", required = true)]
        ids: Vec<String>,
    },
}

/// One run, as `--json` prints it.
#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    path: PathBuf,
    started: &'a str,
    scenario: &'a str,
    lab: &'a str,
    #[serde(flatten)]
    end: &'a End,
}

pub(crate) fn runs(flags: RunsFlags) -> Result<Exit, Failure> {
    let bad = |error| Failure::new(Exit::BadInput, error);
    let history = History::of_user().map_err(bad)?;
    if let Some(RunsCommand::Rm { ids }) = flags.command {
        return remove(&history, &ids).map_err(bad);
    }
    let runs = history.list().map_err(bad)?;
    let mut rows = Vec::new();
    for run in &runs {
        match &run.header {
            Ok(header @ Header { end: Some(end), .. }) => {
                let Header { started, scenario, lab, .. } = header;
                rows.push(Row { id: &run.id, path: run.path.clone(), started, scenario, lab, end });
            }
            Ok(_) => out::note(&format!("cannot read {}: it does not say how the run ended", run.path.display())),
            Err(error) => out::note(&out::sentence(error)),
        }
    }
    let text = match flags.json {
        true => serde_json::to_string_pretty(&rows).map_err(|error| bad(error.into()))? + "\n",
        false if rows.is_empty() => "no run has been recorded yet\n".to_owned(),
        false => table(&rows, OffsetDateTime::now_utc()),
    };
    out::result(&text).map_err(Failure::unwritable)?;
    Ok(Exit::Kept)
}

fn remove(history: &History, ids: &[String]) -> anyhow::Result<Exit> {
    if let Some(unknown) = ids.iter().find(|id| !history.has(id)) {
        return Err(anyhow!("no recorded run has the ID {unknown}; `lab runs` lists them"));
    }
    ids.iter().try_for_each(|id| history.remove(id))?;
    Ok(Exit::Kept)
}

fn table(rows: &[Row<'_>], now: OffsetDateTime) -> String {
    let wide = |of: fn(&Row<'_>) -> usize, least: usize| rows.iter().map(of).max().unwrap_or_default().max(least);
    let id = wide(|row| row.id.chars().count(), 15);
    let scenario = wide(|row| row.scenario.chars().count(), 8);
    let mut out = format!(
        "{:id$}  {:>11}  {:scenario$}  {:12}  {:>9}  {:>9}  {:>9}\n",
        "id", "when", "scenario", "verdict", "requests", "p99", "length"
    );
    for row in rows {
        let end = row.end;
        let verdict = match end.verdict {
            _ if end.interrupted => "interrupted",
            Word::Pass => "pass",
            Word::Fail => "fail",
            Word::Inconclusive => "inconclusive",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{:id$}  {:>11}  {:scenario$}  {verdict:12}  {:>9}  {:>9}  {:>9}",
            row.id,
            format::ago(row.started, now),
            row.scenario,
            end.requests,
            format::milliseconds(end.p99_ms),
            format!("{:.1} s", end.duration_seconds),
        );
    }
    out
}
