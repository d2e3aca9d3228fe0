//! `lab schema`: what tools need to read the lab's files.

use clap::{Args, ValueEnum};
use lab_tui::exit::Exit;
use lab_tui::out;
use lab_tui::report::schema::SUMMARY;

use super::Failure;

#[derive(Debug, Args)]
pub(crate) struct SchemaFlags {
    /// Which file it is of
    #[arg(value_enum)]
    of: SchemaOf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SchemaOf {
    /// The summary that `lab run --json` writes
    Summary,
}

pub(crate) fn schema(flags: &SchemaFlags) -> Result<Exit, Failure> {
    let text = match flags.of {
        SchemaOf::Summary => SUMMARY,
    };
    out::result(text).map_err(Failure::unwritable)?;
    Ok(Exit::Kept)
}
