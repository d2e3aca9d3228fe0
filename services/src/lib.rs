//! The observed system: frontend, dice-roller and die-service, and what they share.

use std::process::ExitCode;

/// One service of the observed system, with its flags. Each flag has an environment twin; the flag wins.
#[derive(Debug, clap::Subcommand)]
pub enum ServeCommand {}

impl ServeCommand {
    /// Serves until SIGTERM, SIGINT, or (when the lab asked for it) until standard input closes.
    pub fn run(self) -> ExitCode {
        match self {}
    }
}
