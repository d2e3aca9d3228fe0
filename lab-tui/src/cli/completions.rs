//! `lab completions`: what a shell needs to complete the lab's command line.

use clap::{Args, Command, CommandFactory as _};
use clap_complete::Shell;
use lab_facts::exit::Exit;
use lab_instrument::out;

use super::{Cli, Failure};

#[derive(Debug, Args)]
pub(crate) struct CompletionsFlags {
    /// Whose language it is to be in
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn completions(flags: &CompletionsFlags) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(flags.shell, &mut offered(), "lab", &mut script);
    out::result(&String::from_utf8_lossy(&script)).map_err(Failure::unwritable)?;
    Ok(Exit::Kept)
}

/// The command line as help shows it: some shells' generators would offer the hidden commands as well.
fn offered() -> Command {
    let all = Cli::command();
    let shown = all.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    Command::new("lab").version(env!("CARGO_PKG_VERSION")).args(all.get_arguments().cloned()).subcommands(shown)
}
