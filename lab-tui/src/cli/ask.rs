//! Questions to a running lab.

use std::fmt::Write as _;

use anyhow::anyhow;
use clap::Args;
use lab_facts::event::TraceId;
use lab_facts::exit::Exit;
use lab_facts::trace::Trace;
use lab_instrument::control::{Client, Status};
use lab_instrument::observe::export;
use lab_instrument::observe::growth::{self, Missing};
use lab_instrument::out;
use lab_instrument::report::{self, TraceLink};
use lab_instrument::stack::Endpoints;
use rustix::termios::tcgetwinsize;
use serde::Serialize;
use url::Url;

use super::Failure;
use super::backends::url;
use super::elsewhere::{self, TempoFlag};

#[derive(Debug, Args)]
pub(crate) struct TraceFlags {
    /// 32 hex digits, as a summary or a log line shows them
    #[arg(value_name = "ID", value_parser = trace_id)]
    id: TraceId,
    /// Print its spans as OTLP in JSON, as an exporter would send them
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    tempo: TempoFlag,
    /// And this Loki for its log lines, such as http://localhost:3100
    #[arg(long, value_name = "URL", value_parser = url, requires = "tempo_url")]
    loki_url: Option<Url>,
    #[command(flatten)]
    lab: WhichLab,
}

#[derive(Debug, Args)]
pub(crate) struct StatusFlags {
    /// Print it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    lab: WhichLab,
}

#[derive(Debug, Args)]
pub(super) struct WhichLab {
    /// The lab with this process ID instead of the newest
    #[arg(long, value_name = "PID", env = "LAB_PID", value_parser = process)]
    pub(super) lab: Option<u32>,
}

pub(crate) async fn trace(flags: TraceFlags) -> Result<Exit, Failure> {
    if let Some(tempo) = flags.tempo.source(flags.loki_url.as_ref()) {
        let trace = elsewhere::trace(&tempo, flags.id).await?;
        tell_growth(&trace);
        out::result(&if flags.json { json(&export::otlp_json(&trace))? } else { report::waterfall(&trace, width()) })
            .map_err(Failure::unwritable)?;
        return Ok(Exit::Kept);
    }
    let lab = Client::find(flags.lab.lab).map_err(not_ready)?;
    let Some(trace) = lab.trace(flags.id).await.map_err(not_ready)? else {
        let unknown = anyhow!(
            "the lab has no trace {}; it may have been pushed out by newer ones, or have come to another lab (--lab PID)",
            flags.id
        );
        return Err(Failure::new(Exit::BadInput, unknown));
    };
    tell_growth(&trace);
    if flags.json {
        out::result(&json(&export::otlp_json(&trace))?).map_err(Failure::unwritable)?;
    } else {
        let link = link(&lab).await;
        out::result_linked(&report::waterfall(&trace, width()), link.as_ref()).map_err(Failure::unwritable)?;
    }
    Ok(Exit::Kept)
}

/// A trace that is not all there is not shown as if it were.
fn tell_growth(trace: &Trace) {
    if let Some(why) = growth::words(&Missing::from(trace)) {
        out::note(&format!("the trace is still being written: {why}"));
    }
}

/// The pages of a lab, where it has any.
pub(super) async fn link(lab: &Client) -> Option<TraceLink> {
    TraceLink::lab(&lab.status().await.ok()?.endpoints.tempo?).ok()
}

pub(crate) async fn status(flags: StatusFlags) -> Result<Exit, Failure> {
    let lab = Client::find(flags.lab.lab).map_err(not_ready)?;
    let (status, run) = (lab.status().await.map_err(not_ready)?, lab.run().await.map_err(not_ready)?);
    let text = if flags.json {
        json(&StatusNow { status: &status, run: run.map(|run| run.figures) })?
    } else {
        let drops: String = status.drops.told().map(|(count, what)| format!("{:<12}  {count} {what}\n", "lab's store")).collect();
        let run = run.map_or_else(|| "no run is on\n".to_owned(), |run| run.told);
        format!("lab {} (pid {})\n{}{drops}\n{run}", status.version, status.pid, addresses(&status.endpoints))
    };
    out::result(&text).map_err(Failure::unwritable)?;
    Ok(Exit::Kept)
}

/// What a lab says of itself, and of its run.
#[derive(Debug, Serialize)]
struct StatusNow<'s> {
    #[serde(flatten)]
    status: &'s Status,
    /// As `--json` reports one; null while there is none.
    run: Option<serde_json::Value>,
}

/// One address a line.
pub(crate) fn addresses(endpoints: &Endpoints) -> String {
    let mut out = String::new();
    let services = endpoints.services.iter().map(|(name, url)| (name.as_str(), url.as_str().trim_end_matches('/')));
    let database = endpoints.database.iter().map(|address| ("database", address.as_str()));
    let receiver = [("OTLP gRPC", endpoints.otlp_grpc.as_str()), ("OTLP HTTP", endpoints.otlp_http.as_str())];
    let tempo = endpoints.tempo.iter().map(|address| ("Tempo's API", address.as_str()));
    let has_no_page = |name: &str| endpoints.attached.iter().any(|one| one == name) && !endpoints.metrics.contains_key(name);
    for (name, address) in services.chain(database).chain(receiver).chain(tempo) {
        let page = if has_no_page(name) { "  (no page of metrics)" } else { "" };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{name:<12}  {address}{page}");
    }
    out
}

/// Of the terminal; where there is none, of a page.
fn width() -> usize {
    tcgetwinsize(std::io::stdout()).map_or(120, |size| usize::from(size.ws_col))
}

pub(super) fn json(value: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::new(Exit::NotReady, error))?;
    Ok(text + "\n")
}

fn process(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| "a process ID is a whole number, such as 4711".to_owned())
}

pub(super) fn trace_id(text: &str) -> Result<TraceId, String> {
    TraceId::parse(text).ok_or_else(|| "a trace ID has 32 hex digits, not all of them 0".to_owned())
}

pub(super) fn not_ready(error: anyhow::Error) -> Failure {
    Failure::new(Exit::NotReady, error)
}
