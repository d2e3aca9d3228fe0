//! Broken scenario files, and what `lab check` says about each: `broken/*.toml` and `broken/messages.txt`.
//!
//! `LAB_UPDATE_MESSAGES=1 cargo test --test broken` writes the messages anew; read the difference as the author of a scenario would.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use lab_facts::scenario::SHIPPED;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/broken");

fn check(folder: &Path, files: &[&str]) -> Output {
    let mut lab = Command::new(env!("CARGO_BIN_EXE_lab"));
    lab.arg("check").args(files).current_dir(folder).env_remove("GITHUB_ACTIONS").env_remove("NO_COLOR");
    lab.output().unwrap()
}

/// What was said about each file.
fn said(output: &Output) -> BTreeMap<String, Vec<String>> {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    let mut said: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in text.lines() {
        let (file, rest) = line.split_once(':').unwrap_or_else(|| panic!("no file in {line:?}"));
        said.entry(file.to_owned()).or_default().push(rest.to_owned());
    }
    said
}

#[test]
fn every_broken_file_is_refused_in_these_words() {
    let mut files: Vec<String> = fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    files.retain(|name| name.ends_with(".toml"));
    files.sort();
    assert!(files.len() >= 60);
    let names: Vec<&str> = files.iter().map(String::as_str).collect();
    let output = check(Path::new(FOLDER), &names);
    let said = said(&output);
    let messages: String = said
        .iter()
        .map(|(file, lines)| format!("{file}\n{}\n", lines.iter().map(|line| format!("  {line}\n")).collect::<String>()))
        .collect();
    let expected = PathBuf::from(FOLDER).join("messages.txt");
    if std::env::var_os("LAB_UPDATE_MESSAGES").is_some() {
        fs::write(&expected, &messages).unwrap();
    }
    assert_eq!((output.status.code(), String::from_utf8(output.stdout).unwrap().as_str()), (Some(104), ""));
    let written = fs::read_to_string(expected).unwrap();
    for (said, expected) in messages.split("\n\n").zip(written.split("\n\n")) {
        assert_eq!(said, expected);
    }
    assert_eq!(messages, written);
    assert!(said.keys().eq(&files), "about some nothing was said");
}

/// What is in order says so on standard output, and is told beside what is not.
#[test]
fn every_shipped_scenario_is_accepted() {
    let names: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
    let output = check(Path::new(FOLDER), &names);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), names.len());
}

/// A pipe that somebody writes into is read, one that nobody does is not waited for, and a name that is nearly right is recognised.
#[test]
fn a_scenario_may_come_through_a_pipe() {
    let place = tempfile::tempdir().unwrap();
    let text = SHIPPED.iter().find(|(name, _)| *name == "db-load").unwrap().1;
    rustix::fs::mkfifoat(rustix::fs::CWD, place.path().join("pipe"), rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
    let lab = |arguments: &[&str], input: &str| {
        let mut lab = Command::new(env!("CARGO_BIN_EXE_lab"));
        lab.args(arguments).current_dir(place.path()).env_remove("GITHUB_ACTIONS").stdin(Stdio::piped());
        let mut lab = lab.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        lab.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let ended = lab.wait_with_output().unwrap();
        (ended.status.code(), String::from_utf8(ended.stdout).unwrap() + &String::from_utf8(ended.stderr).unwrap())
    };
    let told = "Load on the database; 1 load, 0 faults, 3 thresholds, 30.0 s\n";
    assert_eq!(lab(&["check", "-"], text), (Some(0), format!("stdin: {told}")));
    assert_eq!(lab(&["check", "/dev/stdin"], text), (Some(0), format!("/dev/stdin: {told}")));
    let refused = (
        Some(104),
        "stdin:1:1: the key `title` is missing here (add `title = …`)\nstdin: the scenario has no load (add a [[load]] table)\n",
    );
    let said = lab(&["check", "-"], "format = 1\n");
    assert!(said.0 == refused.0 && refused.1.lines().all(|line| said.1.contains(line)), "{said:?}");
    assert_eq!(lab(&["check", "pipe"], ""), (Some(104), "pipe: this cannot be read: it is a pipe that nobody writes into\n".to_owned()));
    for (arguments, meant) in
        [(["run", "db-laod"], "(did you mean `db-load`?)"), (["chekc", "db-load"], "(did you mean the command `lab check`?)")]
    {
        let (code, said) = lab(&arguments, "");
        assert!(code == Some(104) && said.contains(meant), "{said}");
    }
}

/// What no repository should carry, and what is no file at all.
#[test]
fn large_files_and_folders_are_refused_at_once() {
    let place = tempfile::tempdir().unwrap();
    let head = "format = 1\ntitle = \"t\"\n";
    let keys: String = (0..90_000).map(|number| format!("k{number} = 1\n")).collect();
    let tables: String = (0..60_000).map(|_| "[[fault]]\nat=1\n").collect();
    fs::write(place.path().join("ten-megabytes.toml"), "# nothing\n".repeat(1024 * 1024)).unwrap();
    fs::write(place.path().join("many-keys.toml"), format!("{head}{keys}")).unwrap();
    fs::write(place.path().join("many-tables.toml"), format!("{head}{tables}")).unwrap();
    fs::write(place.path().join("brackets.toml"), format!("x = {}", "[".repeat(1_000_000))).unwrap();
    fs::write(place.path().join("dots.toml"), format!("x{} = 1", ".x".repeat(500_000))).unwrap();
    fs::write(place.path().join("long-key.toml"), format!("{head}{} = 1", "x".repeat(1_000_000))).unwrap();
    fs::create_dir(place.path().join("folder.toml")).unwrap();
    let names = [
        "ten-megabytes.toml",
        "many-keys.toml",
        "many-tables.toml",
        "brackets.toml",
        "dots.toml",
        "long-key.toml",
        "folder.toml",
        "no-such-file.toml",
    ];
    let output = check(place.path(), &names);
    assert_eq!(output.status.code(), Some(104), "{}", String::from_utf8_lossy(&output.stderr));
    let said = said(&output);
    let first = |name: &str| said[name][0].as_str();
    assert_eq!(said["ten-megabytes.toml"], [" no scenario is as large (write 1048576 bytes at most)"]);
    assert!(first("many-keys.toml").starts_with("3:1: unknown key `k0` (known here: format, title,"), "{:?}", said["many-keys.toml"]);
    assert!(said["many-tables.toml"].len() > 5);
    assert_eq!(first("brackets.toml"), "1:85: lists and tables lie too deep in one another (no scenario needs more than a few levels)");
    assert_eq!(first("dots.toml"), "1:1: lists and tables lie too deep in one another (no scenario needs more than a few levels)");
    assert!(said["long-key.toml"].iter().any(|line| line.starts_with("3:1: unknown key `xxxx")), "{:?}", said["long-key.toml"]);
    assert!(said.values().flatten().all(|line| line.len() < 1000));
    assert_eq!(first("folder.toml"), " this is a folder (name a scenario file in it)");
    assert!(first("no-such-file.toml").contains("no shipped scenario has that name"), "{said:?}");
}
