//! `lab schema`: what the lab reads and writes, as JSON Schemas.

use clap::{Args, ValueEnum};
use lab_facts::exit::Exit;
use lab_facts::scenario;
use lab_instrument::out;
use lab_instrument::report::schema::SUMMARY;

use super::Failure;

#[derive(Debug, Args)]
pub(crate) struct SchemaFlags {
    /// Of what
    #[arg(value_enum, default_value_t = SchemaOf::Scenario)]
    of: SchemaOf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SchemaOf {
    /// The files that `lab run` and `lab check` read
    Scenario,
    /// The summary that `lab run --json` writes
    Summary,
}

pub(crate) fn schema(flags: &SchemaFlags) -> Result<Exit, Failure> {
    let schema = match flags.of {
        SchemaOf::Scenario => scenario::schema(),
        SchemaOf::Summary => SUMMARY.to_owned(),
    };
    out::result(&schema).map(|()| Exit::Kept).map_err(Failure::unwritable)
}
