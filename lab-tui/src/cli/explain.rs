//! `lab explain`: why requests of a recorded run were slow or failed, why a moment was bad, why a run differs from another.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser as _};
use lab_facts::exit::Exit;
use lab_facts::explain::{self, Explanation};
use lab_facts::model::Model;
use lab_instrument::out;
use lab_instrument::record::Recording;

use super::Failure;
use super::replay;

#[derive(Debug, Args)]
pub(crate) struct ExplainFlags {
    /// An ID that `lab runs` lists, `last`, or the path of a recording or of a file of --events
    #[arg(value_name = "RUN", default_value = "last")]
    recording: PathBuf,
    /// Explain this moment of the run, held against the calm before it: a time since its start such as 14s or 1m30s
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    at: Option<Duration>,
    /// The run to explain, in place of RUN
    #[arg(long, value_name = "RUN", conflicts_with = "recording")]
    run: Option<PathBuf>,
    /// Explain what tells the run from this one
    #[arg(long, value_name = "RUN", conflicts_with = "at")]
    against: Option<PathBuf>,
    /// Write the explanation as JSON; `-` for standard output in place of the text
    #[arg(long, value_name = "FILE", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    json: Option<PathBuf>,
}

pub(crate) fn explain(flags: ExplainFlags) -> Result<Exit, Failure> {
    let bad = |error| Failure::new(Exit::BadInput, error);
    let run = flags.run.unwrap_or(flags.recording);
    let (name, model) = read(&run)?;
    let explanation = match (flags.at, &flags.against) {
        (Some(at), _) if at > model.now() => {
            let length = model.now().as_secs_f64();
            return Err(bad(anyhow!("--at {} s is after the end of {name}, which lasted {length:.1} s", at.as_secs_f64())));
        }
        (Some(at), _) => explain::at(&model, at),
        (None, Some(other)) => {
            let (other_name, other) = read(other)?;
            explain::against((&name, &model), (&other_name, &other))
        }
        (None, None) => explain::whole_run(&model),
    };
    match flags.json.as_deref() {
        Some(path) if path.as_os_str() == "-" => out::result(&json(&explanation).map_err(bad)?),
        json_path => {
            if let Some(path) = json_path {
                write(path, &json(&explanation).map_err(bad)?).map_err(bad)?;
            }
            out::result(&format!("{name}: {}", explain::text(&explanation)))
        }
    }
    .map_err(Failure::unwritable)?;
    Ok(Exit::Kept)
}

/// The name that a run goes by, and what is known at its end.
fn read(run: &Path) -> Result<(String, Model), Failure> {
    let (name, Recording { plan, events, .. }) = replay::find_named(run)?;
    let mut model = Model::new(Arc::new(plan));
    events.into_iter().for_each(|event| model.apply(event));
    Ok((name, model))
}

fn json(explanation: &Explanation) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(explanation)? + "\n")
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// As scenarios write times; a bare number is seconds, as reports show them.
pub(super) fn moment(text: &str) -> Result<Duration, String> {
    let seconds = || text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    humantime::parse_duration(text)
        .ok()
        .or_else(seconds)
        .ok_or_else(|| "write a time since the start of the run, such as 14s or 1m30s".to_owned())
}
