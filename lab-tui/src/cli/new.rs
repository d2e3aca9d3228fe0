//! `lab new`: a scenario to start from.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use clap::Args;
use lab_facts::exit::Exit;
use lab_facts::scenario::STARTING;
use lab_instrument::out;

use super::Failure;

#[derive(Debug, Args)]
pub(crate) struct NewFlags {
    /// Where to write it, such as mine.toml; without it or as `-`, to standard output
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

pub(crate) fn new(flags: &NewFlags) -> Result<Exit, Failure> {
    let Some(file) = flags.file.as_ref().filter(|file| file.as_os_str() != "-") else {
        return out::result(STARTING).map(|()| Exit::Kept).map_err(Failure::unwritable);
    };
    let name = file.display();
    // Nothing that stands there is lost, not even when it came a moment ago.
    let written = match OpenOptions::new().write(true).create_new(true).open(file) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(anyhow!("{name} exists and is not overwritten; write another name")),
        opened => opened.and_then(|mut file| file.write_all(STARTING.as_bytes())).with_context(|| format!("cannot write {name}")),
    };
    written.map_err(|error| Failure::new(Exit::BadInput, error))?;
    let word = shell_word(&name.to_string());
    out::note(&format!("wrote {name}; `lab check {word}` reads it, `lab run {word}` runs it"));
    Ok(Exit::Kept)
}

/// As one word for a shell, to be copied.
fn shell_word(text: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_./+:@%,=".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::shell_word;

    #[test]
    fn what_a_shell_would_part_is_quoted() {
        for (path, word) in [
            ("mine.toml", "mine.toml"),
            ("/tmp/ü/a-b_c.toml", "/tmp/ü/a-b_c.toml"),
            ("a b.toml", "'a b.toml'"),
            ("it's.toml", "'it'\\''s.toml'"),
            ("$HOME", "'$HOME'"),
        ] {
            assert_eq!(shell_word(path), word);
        }
    }
}
