//! The command line: what can be asked, and how a command ends.

mod ask;
mod attach;
mod backends;
mod beside;
mod check;
mod compare;
mod completions;
mod db;
mod elsewhere;
mod explain;
mod fetching;
mod github;
mod hosted;
mod logs;
mod new;
mod output;
mod query;
mod record;
mod replay;
mod reports;
mod run;
mod runs;
mod scenario;
mod scenario_files;
mod schema;
mod screen;
mod screenshot;
mod settings;
mod size;
mod stack;
mod traces;
mod up;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use lab_facts::exit::Exit;
use lab_instrument::out;

/// Drive a small distributed system with scripted load, and see what every signal says.
///
/// Without a command, the default scenario runs on the embedded stack: a private PostgreSQL and three services.
#[derive(Debug, Parser)]
#[command(name = "lab", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::Run,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run scenarios one after the other on one stack, and judge them
    Run(Box<run::Run>),
    /// Start the stack without a run, until Ctrl-C
    Up(stack::StackFlags),
    /// List the runs that were recorded, newest first
    Runs(runs::RunsFlags),
    /// Show a recorded run again: on a terminal as it was, else its summary
    Replay(replay::ReplayFlags),
    /// Write the screen of a recorded run as a picture (SVG)
    Screenshot(screenshot::ScreenshotFlags),
    /// Hold two recorded runs against each other: what differs by more than chance and noise
    Compare(compare::CompareFlags),
    /// Say why requests of a recorded run were slow or failed: which hop, which attributes, and what went on meanwhile
    Explain(explain::ExplainFlags),
    /// Print one trace of the running lab as a waterfall
    Trace(ask::TraceFlags),
    /// List the traces of the running lab that match a query
    Traces(traces::TracesFlags),
    /// Print log lines of the running lab, as they come with --follow
    Logs(logs::LogsFlags),
    /// Print the addresses of the running lab
    Status(ask::StatusFlags),
    /// Print what the running lab's database does: sessions, who blocks whom, locks, statements, the pools in front of it
    Db(db::DbFlags),
    /// Ask a Prometheus, a Loki or a Tempo; without a query, list those that come with the lab
    Query(query::QueryFlags),
    /// Read scenarios without running them, and say what is wrong
    Check(check::CheckFlags),
    /// Print the JSON Schema of scenario files or of the summary
    Schema(schema::SchemaFlags),
    /// Write a commented scenario to start from
    New(new::NewFlags),
    /// Print what is settled about the screen and its links, and where: flag, environment, file or default
    Config(settings::ConfigFlags),
    /// Print what makes a shell complete the lab's commands and flags, as in `source <(lab completions bash)`
    Completions(completions::CompletionsFlags),
    /// Run one service by hand or in a container
    Serve {
        #[command(subcommand)]
        service: services::ServeCommand,
    },
    /// Keep a private PostgreSQL from outliving the lab
    #[command(hide = true)]
    Guard,
    /// Keep a scenario's program from outliving the lab
    #[command(hide = true)]
    GuardProgram,
}

/// Does what the command line asks for.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => {
            // Help and version are answers to what was asked; all else is a flag that was not understood.
            let exit = if answer.use_stderr() { Exit::BadInput } else { Exit::Kept };
            let _ = answer.print();
            return exit.into();
        }
    };
    match cli.command.unwrap_or(Command::Run(Box::new(cli.run))) {
        Command::Serve { service } => service.run(),
        Command::Guard => lab_instrument::stack::postgres::guard::main(),
        Command::GuardProgram => lab_instrument::stack::hosted::guard::main(),
        Command::Check(check) => ended(check::check(&check)),
        Command::Schema(schema) => ended(schema::schema(&schema)),
        Command::New(new) => ended(new::new(&new)),
        Command::Config(config) => ended(settings::config(config)),
        Command::Completions(completions) => ended(completions::completions(&completions)),
        Command::Runs(runs) => ended(runs::runs(runs)),
        Command::Replay(replay) => block_on(Box::pin(replay::replay(replay))),
        Command::Screenshot(screenshot) => block_on(Box::pin(screenshot::screenshot(screenshot))),
        Command::Compare(compare) => ended(compare::compare(compare)),
        Command::Explain(explain) => ended(explain::explain(explain)),
        Command::Run(run) => block_on(Box::pin(run::run(*run))),
        Command::Up(stack) => block_on(Box::pin(up::up(stack))),
        Command::Trace(trace) => block_on(Box::pin(ask::trace(trace))),
        Command::Traces(traces) => block_on(Box::pin(traces::traces(traces))),
        Command::Logs(logs) => block_on(Box::pin(logs::logs(logs))),
        Command::Query(query) => block_on(Box::pin(query::query(query))),
        Command::Db(db) => block_on(Box::pin(db::db(db))),
        Command::Status(status) => block_on(Box::pin(ask::status(status))),
    }
}

/// Why a command did not do what it was asked: one sentence for the user, and an exit code for scripts.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    error: anyhow::Error,
}

impl Failure {
    pub(crate) fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self { exit, error: error.into() }
    }

    /// Standard output takes no more, and it is no reader that has gone.
    pub(crate) fn unwritable(error: std::io::Error) -> Self {
        Self::new(Exit::BadInput, anyhow::Error::new(error).context("cannot write to standard output"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A refused file may have several problems, each in a line of its own; what is indented belongs to the line above it.
        let said = out::sentence(&self.error);
        let mut lines = said.lines();
        write!(f, "lab: {}", lines.next().unwrap_or_default())?;
        lines.try_for_each(|line| {
            let name = if line.starts_with(' ') { "" } else { "lab: " };
            write!(f, "\n{name}{line}")
        })
    }
}

/// How a command ends that needs no runtime.
fn ended(command: Result<Exit, Failure>) -> ExitCode {
    match command {
        Ok(exit) => exit.into(),
        Err(failure) => {
            out::note(&failure.to_string());
            failure.exit.into()
        }
    }
}

/// Runs a command on the lab's runtime. The load has a runtime of its own.
fn block_on(command: Pin<Box<dyn Future<Output = Result<Exit, Failure>>>>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            out::note(&format!("lab: the machine gives no threads: {error}"));
            return Exit::NotReady.into();
        }
    };
    ended(runtime.block_on(command))
}
