//! `lab`: parse, plan, start the stack, run, report.

mod cli;

use std::process::ExitCode;

use clap::Parser as _;
use lab_tui::exit::Exit;
use lab_tui::stack::{hosted, postgres::guard};

use cli::{Cli, Command};

fn main() -> ExitCode {
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
        Command::Guard => guard::main(),
        Command::GuardProgram => hosted::guard::main(),
        Command::Check(check) => cli::ended(cli::check::check(&check)),
        Command::Schema(schema) => cli::ended(cli::schema::schema(&schema)),
        Command::New(new) => cli::ended(cli::new::new(&new)),
        Command::Config(config) => cli::ended(cli::settings::config(config)),
        Command::Completions(completions) => cli::ended(cli::completions::completions(&completions)),
        Command::Runs(runs) => cli::ended(cli::runs::runs(runs)),
        Command::Replay(replay) => cli::block_on(cli::replay::replay(replay)),
        Command::Screenshot(screenshot) => cli::block_on(cli::screenshot::screenshot(screenshot)),
        Command::Compare(compare) => cli::ended(cli::compare::compare(compare)),
        Command::Explain(explain) => cli::ended(cli::explain::explain(explain)),
        Command::Run(run) => cli::block_on(cli::run::run(*run)),
        Command::Up(stack) => cli::block_on(cli::up::up(stack)),
        Command::Trace(trace) => cli::block_on(cli::ask::trace(trace)),
        Command::Traces(traces) => cli::block_on(cli::traces::traces(traces)),
        Command::Logs(logs) => cli::block_on(cli::logs::logs(logs)),
        Command::Query(query) => cli::block_on(cli::query::query(query)),
        Command::Db(db) => cli::block_on(cli::db::db(db)),
        Command::Status(status) => cli::block_on(cli::ask::status(status)),
    }
}
