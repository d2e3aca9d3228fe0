//! A scenario that the user names: a file, standard input, or one that came with the lab.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use clap::CommandFactory as _;
use lab_facts::scenario::{Given, LARGEST, Plan, Planned, SHIPPED, nearest, shipped, suggest, text};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use super::run::scaled;
use super::{Cli, scenario_files};

/// What standard input goes by.
const STDIN: &str = "stdin";

/// A path where there is such a file, `-` for standard input, else the name of a shipped scenario.
pub(crate) fn plan(file: &Path, time_scale: Option<f64>, given: &Given<'_>) -> anyhow::Result<Planned> {
    let is_stdin = file.as_os_str() == "-";
    let origin = if is_stdin { STDIN.to_owned() } else { file.display().to_string() };
    let read = if is_stdin { bytes(io::stdin().lock()) } else { read(file) };
    let (text, found) = match (read, shipped(&origin)) {
        (Ok(bytes), _) => (text(bytes, &origin)?, true),
        (Err(_), Some(text)) => (text.to_owned(), false),
        (Err(error), None) if error.kind() == ErrorKind::IsADirectory => bail!("{origin}: this is a folder (name a scenario file in it)"),
        (Err(error), None) if error.kind() == ErrorKind::NotFound => bail!("{origin}: {}", nothing_of_that_name(&origin)),
        (Err(error), None) => return Err(error).with_context(|| format!("{origin}: this cannot be read")),
    };
    let plan = Plan::parse_given(&text, &origin, &Given { files: Some(&scenario_files::files(found.then_some(file))), ..*given })?;
    let folder = file.parent().filter(|_| found).unwrap_or(Path::new(""));
    let folder = std::env::current_dir()?.join(folder);
    let stem = file.file_stem().filter(|_| !is_stdin);
    let name = stem.map_or_else(|| origin.clone(), |stem| stem.to_string_lossy().into_owned());
    let beside = given.beside.map(|service| service.name.clone());
    let file = (found && !is_stdin).then_some(origin);
    Ok(Planned { name, file, folder, plan: scaled(plan, time_scale), text, beside, time_scale })
}

/// In a sentence, with what may have been meant: a shipped scenario, or a command that would stand in the same place.
fn nothing_of_that_name(name: &str) -> String {
    let scenarios: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
    let cli = Cli::command();
    let commands: Vec<&str> = cli.get_subcommands().filter(|command| !command.is_hide_set()).map(clap::Command::get_name).collect();
    let is_first = std::env::args_os().nth(1).is_some_and(|first| first == name);
    let hint = match nearest(name, &commands).filter(|_| is_first && nearest(name, &scenarios).is_none()) {
        Some(command) => format!("did you mean the command `lab {command}`?"),
        None => suggest(name, &scenarios),
    };
    format!("there is no such file, and no shipped scenario has that name ({hint})")
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    // To open a pipe would be to wait for whoever writes into it, which may be nobody. One that somebody does write into, as a shell's
    // `<(…)`, is read to its end.
    let opened = OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(file)?;
    fcntl_setfl(&opened, fcntl_getfl(&opened)? - OFlags::NONBLOCK)?;
    let is_pipe = opened.metadata()?.file_type().is_fifo();
    let bytes = bytes(opened)?;
    if is_pipe && bytes.is_empty() {
        return Err(io::Error::other("it is a pipe that nobody writes into"));
    }
    Ok(bytes)
}

/// No more of it than shows that it is too large: it may be a device that never ends.
fn bytes(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(LARGEST as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
