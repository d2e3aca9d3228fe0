//! The house rules that the compiler does not know: which rooms may mention what.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

use std::path::{Path, PathBuf};

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let mut found = Vec::new();
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty(), "no sources in {folder}");
    found
}

/// The code of a file: without its tests and without comments, which may name what the code may not.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn in_room(path: &Path, room: &str) -> bool {
    let path = path.to_string_lossy().replace('\\', "/");
    path.ends_with(&format!("/src/{room}.rs")) || path.contains(&format!("/src/{room}/"))
}

/// Tests may name whatever they like.
fn is_test(path: &Path) -> bool {
    path.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "tests")
}

/// The lab's crates, from the one that knows none of the others to the one that knows all.
const LAB: [&str; 3] = ["lab-tui/facts/src", "lab-tui/instrument/src", "lab-tui/src"];

/// What needs a crate of its own cannot be mentioned in `lab-facts` anyway, which does not ask for it; what the standard library has can.
#[test]
fn facts_and_verdicts_know_no_clock_socket_or_terminal() {
    let forbidden = [
        "Instant",
        "SystemTime",
        "sleep",
        "tokio",
        "axum",
        "reqwest",
        "TcpListener",
        "TcpStream",
        "UnixListener",
        "std::fs",
        "std::io",
        "std::process::Command",
        "ratatui",
        "crossterm",
        "println!",
        "eprint",
    ];
    let comparison = sources("lab-tui/instrument/src").into_iter().filter(|(path, _)| in_room(path, "compare"));
    for (path, text) in sources("lab-tui/facts/src").into_iter().chain(comparison) {
        if is_test(&path) {
            continue;
        }
        let code = code(&text);
        for word in forbidden {
            assert!(!code.contains(word), "{} mentions {word}", path.display());
        }
    }
}

#[test]
fn only_the_serve_command_names_the_services_crate() {
    for (path, text) in sources("lab-tui/src") {
        let named = code(&text).contains("services::") && code(&text).contains("ServeCommand");
        assert_eq!(named, path.ends_with("src/cli.rs"), "{}", path.display());
    }
}

#[test]
fn the_services_do_not_know_the_lab() {
    for (path, text) in sources("services/src") {
        for lab in ["lab_facts", "lab_instrument", "lab_tui"] {
            assert!(!code(&text).contains(lab), "{}", path.display());
        }
    }
}

#[test]
fn nothing_above_the_stack_names_the_services() {
    for (path, text) in LAB.into_iter().flat_map(sources) {
        if in_room(&path, "stack") || in_room(&path, "cli") || is_test(&path) {
            continue;
        }
        for name in ["\"frontend\"", "\"dice-roller\"", "\"die-service\""] {
            assert!(!code(&text).contains(name), "{} names {name}", path.display());
        }
    }
}

/// A second TLS brings a second C library and minutes of building; the services need none.
#[test]
fn there_is_one_tls_and_the_services_have_none() {
    let lock = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock")).unwrap();
    let locked = |name: &str| lock.lines().filter(|line| *line == format!("name = \"{name}\"")).count();
    assert_eq!(["aws-lc-rs", "aws-lc-sys", "openssl-sys", "native-tls"].map(locked), [0; 4]);
    assert_eq!(["rustls", "ring"].map(locked), [1; 2]);
    let services = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../services/Cargo.toml")).unwrap();
    assert!(!services.contains("tls") && !services.contains("reqwest"), "{services}");
}

/// Two versions compile, and half of the spans vanish without a word.
#[test]
fn there_is_one_opentelemetry_in_the_lock_file() {
    let lock = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock")).unwrap();
    assert_eq!(lock.lines().filter(|line| *line == "name = \"opentelemetry\"").count(), 1);
}

/// An update of the lock file brings them back unseen: names of hosts would come with twenty crates and their procedural macros.
#[test]
fn names_of_hosts_need_no_tables_of_their_own() {
    let lock = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock")).unwrap();
    assert!(!lock.contains("name = \"icu_"), "cargo update -p idna_adapter --precise 1.1.0");
}
