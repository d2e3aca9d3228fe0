//! Files that a scenario names, such as its users: read beside the scenario itself.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use lab_facts::scenario::LARGEST_CSV;

/// Reads the files that this scenario names, for `Plan::parse_given`. One that came with the lab, `None`, lies in no folder.
pub(crate) fn files(scenario: Option<&Path>) -> impl Fn(&str) -> Result<String, String> {
    move |path| match scenario {
        None => Err(format!("`{path}` cannot be read: this scenario came with the lab and lies in no folder")),
        Some(scenario) => read(&scenario.parent().unwrap_or(Path::new("")).join(path)),
    }
}

fn read(path: &Path) -> Result<String, String> {
    let name = path.display();
    let unreadable = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => format!("there is no file `{name}`"),
        ErrorKind::InvalidData => format!("`{name}` is not UTF-8 text"),
        ErrorKind::PermissionDenied => format!("`{name}` may not be read by this user"),
        _ => format!("`{name}` cannot be read: {error}"),
    };
    // To open a pipe would be to wait for whoever writes into it.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(format!("`{name}` is no file"));
    }
    let mut text = String::new();
    // One byte more than may be there tells a file that is too large; it is refused as such.
    let limit = LARGEST_CSV as u64 + 1;
    let read = File::open(path).map_err(unreadable)?.take(limit).read_to_string(&mut text);
    match read {
        Ok(_) => Ok(text),
        // The limit may have cut through a character.
        Err(_) if fs::metadata(path).is_ok_and(|file| file.len() >= limit) => {
            Err(format!("`{name}` is larger than {} MiB", LARGEST_CSV / 1024 / 1024))
        }
        Err(error) => Err(unreadable(error)),
    }
}
