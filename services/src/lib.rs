//! The observed system: frontend, dice-roller and die-service, and what they share.
//!
//! A request walks frontend -> dice-roller -> die-service -> PostgreSQL, and every step tells the same story in traces,
//! metrics and logs. Nothing here knows the lab that watches.

mod check;
mod client;
mod config;
mod dice;
mod dice_roller;
mod die_service;
mod faults;
mod frontend;
mod http;
mod logs;
mod metrics;
mod process;
mod run;
mod serve;
mod shutdown;
mod tasks;
mod telemetry;
#[cfg(test)]
mod testing;

use std::process::ExitCode;

pub use check::check;
pub use config::{CommonArgs, DiceRollerArgs, DieServiceArgs, FrontendArgs};

/// One service of the observed system, with its flags. Each flag has an environment twin; the flag wins.
#[derive(Debug, clap::Subcommand)]
pub enum ServeCommand {
    /// The dice and their faces, read from PostgreSQL
    DieService(DieServiceArgs),
    /// Rolls dice that it asks die-service for
    DiceRoller(DiceRollerArgs),
    /// The page, and the API that users call
    Frontend(FrontendArgs),
}

impl ServeCommand {
    /// Serves until SIGTERM, SIGINT, or (when the lab asked for it) until standard input closes.
    ///
    /// The exit code is 0 after an orderly stop, 100 when the service could not start, and 104 when its flags contradict
    /// one another (one sentence on standard error says how).
    pub fn run(self) -> ExitCode {
        let checked = match self {
            Self::DieService(args) => args
                .check()
                .map(|(common, config)| run::process(die_service::NAME, &common, |shared| die_service::Service::new(shared, &config))),
            Self::DiceRoller(args) => args
                .check()
                .map(|(common, config)| run::process(dice_roller::NAME, &common, |shared| dice_roller::Service::new(shared, config))),
            Self::Frontend(args) => {
                args.check().map(|(common, config)| run::process(frontend::NAME, &common, |shared| frontend::Service::new(shared, config)))
            }
        };
        checked.unwrap_or_else(|sentence| {
            run::complain(&sentence);
            ExitCode::from(run::BAD_FLAGS)
        })
    }
}
