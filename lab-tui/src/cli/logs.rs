//! `lab logs`: log lines of the running lab.

use std::time::{Duration, SystemTime};

use clap::Args;
use lab_facts::event::TraceId;
use lab_facts::exit::Exit;
use lab_instrument::control::Client;
use lab_instrument::observe::logs::{LogQuestion, LogText, level_of};
use lab_instrument::out;
use lab_instrument::report::log::log;

use super::Failure;
use super::ask::{WhichLab, not_ready, trace_id};
use super::elsewhere::{self, LokiFlag};
use super::stack::Interrupts;

#[derive(Debug, Args)]
pub(crate) struct LogsFlags {
    /// Only lines that carry this trace's ID
    #[arg(long, value_name = "ID", value_parser = trace_id)]
    trace: Option<TraceId>,
    /// Only lines of this service; several, separated by commas
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    service: Vec<String>,
    /// Only lines of this level, such as ERROR; several, separated by commas
    #[arg(long, value_name = "LEVEL", value_delimiter = ',', value_parser = level)]
    level: Vec<String>,
    /// Only lines with this text in them; between slashes it is a regular expression, as in '/timed? out/'
    #[arg(long = "match", value_name = "TEXT")]
    matching: Option<String>,
    /// Only lines of the last while, such as 30s; with --loki-url an hour unless told
    #[arg(long, value_name = "TIME", value_parser = duration)]
    since: Option<Duration>,
    /// Go on with lines as they come in, until the lab ends or Ctrl-C
    #[arg(long, short, conflicts_with = "loki_url")]
    follow: bool,
    /// Print each line as it was written: one JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    loki: LokiFlag,
    #[command(flatten)]
    lab: WhichLab,
}

pub(crate) async fn logs(flags: LogsFlags) -> Result<Exit, Failure> {
    let question = flags.question();
    if let Err(refused) = question.filter() {
        return Err(Failure::new(Exit::BadInput, anyhow::Error::msg(refused)));
    }
    if let Some(loki) = flags.loki.source() {
        let lines = elsewhere::logs(&loki, &question, flags.since.unwrap_or(elsewhere::HOUR)).await?;
        out::result(&flags.show(&lines)).map_err(Failure::unwritable)?;
        if lines.is_empty() && !flags.json {
            out::note("no log line of that time fits");
        }
        return Ok(Exit::Kept);
    }
    let mut interrupts = Interrupts::listen()?;
    let mut lines = Client::find(flags.lab.lab).map_err(not_ready)?.logs(&question).await.map_err(not_ready)?;
    let mut none = true;
    loop {
        let next = tokio::select! {
            next = lines.page() => next,
            () = interrupts.next() => return Ok(if flags.follow { Exit::Kept } else { Exit::Interrupted }),
        };
        match next {
            Ok(Some(page)) => {
                none = false;
                // Who has what they wanted, as in `lab logs | head`, wants no more.
                if !out::piece(&flags.show(&page)).map_err(Failure::unwritable)? {
                    return Ok(Exit::Kept);
                }
            }
            // Its end is how it ends for who follows.
            Ok(None) | Err(_) if flags.follow => {
                out::note("the lab has ended");
                return Ok(Exit::Kept);
            }
            Ok(None) => break,
            Err(error) => return Err(not_ready(error.context("the lab ended in the middle"))),
        }
    }
    if none && !flags.json {
        out::note("no log line of the lab fits");
    }
    Ok(Exit::Kept)
}

impl LogsFlags {
    fn show(&self, lines: &[LogText]) -> String {
        lines.iter().map(|line| if self.json { line.object() + "\n" } else { log(&line.log_line()) }).collect()
    }

    fn question(&self) -> LogQuestion {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let since = self.since.map_or(Duration::ZERO, |since| now.saturating_sub(since));
        LogQuestion {
            trace: self.trace.map(|id| id.to_string()),
            services: self.service.clone(),
            levels: self.level.clone(),
            matching: self.matching.clone(),
            since_unix_nano: u64::try_from(since.as_nanos()).unwrap_or(u64::MAX),
            follow: self.follow,
        }
    }
}

fn level(text: &str) -> Result<String, String> {
    level_of(text).map(str::to_owned)
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "write a time such as 500ms, 30s or 5m".to_owned())
}
