//! `lab db`: what the running lab's database does.

use clap::Args;
use lab_facts::exit::Exit;
use lab_instrument::control::Client;
use lab_instrument::out;
use lab_instrument::report::database;

use super::Failure;
use super::ask::{WhichLab, json, not_ready};

#[derive(Debug, Args)]
pub(crate) struct DbFlags {
    /// Print it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    lab: WhichLab,
}

pub(crate) async fn db(flags: DbFlags) -> Result<Exit, Failure> {
    let now = Client::find(flags.lab.lab).map_err(not_ready)?.database().await.map_err(not_ready)?;
    out::result(&if flags.json { json(&now)? } else { database::text(now).map_err(not_ready)? }).map_err(Failure::unwritable)?;
    Ok(Exit::Kept)
}
