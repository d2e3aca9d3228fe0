//! Finding PostgreSQL's server programs on this machine.

use std::env;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};

/// The oldest major version that the lab is tried with.
pub(super) const OLDEST: u32 = 13;

/// How long `postgres --version` may take; it answers in milliseconds.
const ANSWER: Duration = Duration::from_secs(5);

/// `initdb` and `postgres` of one installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Programs {
    pub initdb: PathBuf,
    pub postgres: PathBuf,
    /// As the server tells it, without its name: `15.18 (Debian 15.18-0+deb12u1)`.
    pub version: String,
    pub major: u32,
}

/// Why there are no server programs to use, in words for the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotFound(String);

impl Programs {
    /// Looks in the folder that the user named (`--pg-bin`, `LAB_PG_BIN`) and nowhere else, or, where none is named, on PATH and
    /// then in the places that packages use, the newest version first.
    ///
    /// # Errors
    /// One message that says what to install on this system.
    pub fn find(explicit: Option<&Path>) -> Result<Self, NotFound> {
        if let Some(folder) = explicit {
            return Self::in_folder(folder).map_err(|problem| {
                NotFound(format!(
                    "--pg-bin (or LAB_PG_BIN) is {}, but {problem}: name the folder that holds `initdb` and `postgres`",
                    folder.display()
                ))
            });
        }
        let mut refused = Vec::new();
        let mut first_usable = |folders: Vec<PathBuf>| {
            folders
                .iter()
                .filter(|folder| folder.join("postgres").exists())
                .find_map(|folder| Self::in_folder(folder).map_err(|problem| refused.push(problem.to_string())).ok())
        };
        let on_path = env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default();
        first_usable(on_path).or_else(|| first_usable(usual_places())).ok_or_else(|| NotFound::on_this_system(&refused))
    }

    /// Those in this folder.
    pub(super) fn in_folder(folder: &Path) -> Result<Self, Problem> {
        let (postgres, initdb) = (resolve(&folder.join("postgres"))?, folder.join("initdb"));
        // A link to one program alone leads to its installation, where its siblings are.
        let sibling = postgres.with_file_name("initdb");
        let initdb = if sibling.is_file() { sibling } else { resolve(&initdb)? };
        let output = ask_version(&postgres).map_err(|error| Problem::Broken(postgres.clone(), error.to_string()))?;
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let Some((version, major)) = parse_version(&said) else {
            let said = if said.is_empty() { String::from_utf8_lossy(&output.stderr).trim().to_owned() } else { said };
            return Err(Problem::Broken(postgres, format!("`--version` says {said:?}")));
        };
        if major < OLDEST {
            return Err(Problem::TooOld(postgres, version));
        }
        Ok(Self { initdb, postgres, version, major })
    }
}

/// Why the programs of one folder are of no use.
#[derive(Debug)]
pub(super) enum Problem {
    Missing(PathBuf, io::Error),
    Broken(PathBuf, String),
    TooOld(PathBuf, String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path, error) => write!(f, "{} cannot be used ({error})", path.display()),
            Self::Broken(path, error) => write!(f, "{} does not run ({error})", path.display()),
            Self::TooOld(path, version) => {
                write!(f, "{} is PostgreSQL {version}, and the lab needs {OLDEST} or newer", path.display())
            }
        }
    }
}

/// Follows links: the programs find their own libraries and data from where they really are.
fn resolve(program: &Path) -> Result<PathBuf, Problem> {
    fs::canonicalize(program).map_err(|error| Problem::Missing(program.to_owned(), error))
}

/// Runs `postgres --version`. What hangs is ended, with all that it started.
fn ask_version(postgres: &Path) -> io::Result<Output> {
    let mut command = Command::new(postgres);
    command.arg("--version").current_dir("/").process_group(0);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let deadline = Instant::now() + ANSWER;
    while child.try_wait()?.is_none() {
        if Instant::now() > deadline {
            let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
            child.wait()?;
            return Err(io::Error::other(format!("`--version` did not answer within {} s", ANSWER.as_secs())));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    child.wait_with_output()
}

/// `postgres (PostgreSQL) 15.18 (Debian …)` -> (`15.18 (Debian …)`, 15). Also `17beta1`.
fn parse_version(said: &str) -> Option<(String, u32)> {
    let version = said.strip_prefix("postgres (PostgreSQL) ")?;
    let major = version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    Some((version.to_owned(), major))
}

/// Where packages put the server programs outside PATH, the newest major version first.
fn usual_places() -> Vec<PathBuf> {
    let homebrews = ["/opt/homebrew/opt", "/usr/local/opt", "/home/linuxbrew/.linuxbrew/opt"];
    let mut versioned = [
        ("/usr/lib/postgresql", "", "bin"),                          // Debian, Ubuntu
        ("/usr", "pgsql-", "bin"),                                   // Red Hat, from postgresql.org
        ("/usr/libexec", "postgresql", ""),                          // Alpine
        ("/Applications/Postgres.app/Contents/Versions", "", "bin"), // macOS
    ]
    .into_iter()
    .chain(homebrews.map(|folder| (folder, "postgresql@", "bin")))
    .flat_map(|(parent, prefix, bin)| versions_in(Path::new(parent), prefix, bin))
    .collect::<Vec<_>>();
    versioned.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    let mut places: Vec<PathBuf> = versioned.into_iter().map(|(_, folder)| folder).collect();
    places.extend(homebrews.map(|folder| Path::new(folder).join("postgresql/bin")));
    places.extend(["/usr/bin", "/usr/local/bin", "/usr/local/pgsql/bin"].map(PathBuf::from));
    places
}

/// Folders named `<prefix><number>`, as (the number's whole part and fraction, the folder with the programs).
fn versions_in(parent: &Path, prefix: &str, bin: &str) -> Vec<((u32, u32), PathBuf)> {
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    let found = entries.flatten().filter_map(|entry| {
        let name = entry.file_name();
        let mut numbers = name.to_str()?.strip_prefix(prefix)?.split('.');
        let major = numbers.next()?.parse().ok()?;
        let minor = numbers.next().and_then(|minor| minor.parse().ok()).unwrap_or(0);
        Some(((major, minor), entry.path().join(bin)))
    });
    found.collect()
}

impl NotFound {
    fn on_this_system(refused: &[String]) -> Self {
        let mut text = String::from("no PostgreSQL server programs (`initdb` and `postgres`) were found");
        if !refused.is_empty() {
            text.push_str(&format!(" that can be used ({})", refused.join("; ")));
        }
        let install = install_hint();
        text.push_str(&format!(". {install}, or name their folder in LAB_PG_BIN, or use a server of your own with --database-url"));
        Self(text)
    }

    /// A version was named that is not in the cache, and may not be fetched.
    pub(super) fn not_fetched(version: &str) -> Self {
        Self(format!("PostgreSQL {version} was not fetched before; start once without --no-download, or name no version"))
    }
}

/// How to install the server programs on this system, as the beginning of a sentence.
pub(super) fn install_hint() -> &'static str {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    install_command(env::consts::OS, &release).unwrap_or("Install PostgreSQL's server package")
}

/// What to type on this system, as the beginning of a sentence.
fn install_command(os: &str, os_release: &str) -> Option<&'static str> {
    if os == "macos" {
        return Some("Install them: brew install postgresql@17");
    }
    let field = |name: &str| {
        let line = os_release.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or_default().trim_matches(['"', '\'']).to_lowercase()
    };
    let (id, like) = (field("ID"), field("ID_LIKE"));
    std::iter::once(id.as_str()).chain(like.split_whitespace()).find_map(|id| match id {
        "debian" | "ubuntu" => Some("Install them: sudo apt-get install postgresql"),
        "fedora" | "rhel" | "centos" => Some("Install them: sudo dnf install postgresql-server"),
        "arch" => Some("Install them: sudo pacman -S postgresql"),
        "alpine" => Some("Install them: sudo apk add postgresql"),
        "suse" | "opensuse" => Some("Install them: sudo zypper install postgresql-server"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        let debian = parse_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)").unwrap();
        assert_eq!(debian, ("15.18 (Debian 15.18-0+deb12u1)".to_owned(), 15));
        assert_eq!(parse_version("postgres (PostgreSQL) 18beta1").unwrap().1, 18);
        assert_eq!(parse_version("postgres (PostgreSQL) 9.6.24").unwrap().1, 9);
        assert_eq!(parse_version("hello"), None);
    }

    #[test]
    fn each_system_is_told_its_own_command() {
        for (release, command) in [
            ("ID=debian\n", "apt-get install postgresql"),
            ("NAME=\"Mint\"\nID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", "apt-get install postgresql"),
            ("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", "dnf install postgresql-server"),
            ("ID=manjaro\nID_LIKE=arch\n", "pacman -S postgresql"),
            ("ID=alpine\n", "apk add postgresql"),
        ] {
            let told = install_command("linux", release).unwrap();
            assert!(told.contains(command), "{release}: {told}");
        }
        assert!(install_command("macos", "").unwrap().contains("brew install postgresql@17"));
        assert_eq!(install_command("linux", ""), None);
    }

    #[test]
    fn the_newest_installation_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        for version in ["9.6", "17", "latest", "16.4"] {
            fs::create_dir(folder.path().join(version)).unwrap();
        }
        let mut found = versions_in(folder.path(), "", "bin");
        found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
        let found: Vec<_> = found.into_iter().map(|(version, _)| version).collect();
        assert_eq!(found, [(17, 0), (16, 4), (9, 6)]);
    }

    /// Scripts in place of the programs.
    fn programs(script: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        // Written by another process: a child of another test could hold our own file open for writing, which then cannot be run.
        let write = "for program in postgres initdb; do printf '#!/bin/sh\\n%s\\n' \"$0\" > $program; chmod 755 $program; done";
        let written = Command::new("sh").args(["-c", write, script]).current_dir(&folder).status().unwrap();
        assert!(written.success());
        folder
    }

    #[test]
    fn programs_that_do_not_answer_are_given_up() {
        // The child of the script holds the output open, too.
        let folder = programs("sleep 1000");
        let started = Instant::now();
        let refused = Programs::find(Some(folder.path())).unwrap_err().to_string();
        assert!(refused.contains("`--version` did not answer within 5 s"), "{refused}");
        assert!(started.elapsed() < ANSWER * 3, "{:?}", started.elapsed());
    }

    #[test]
    fn an_old_server_is_refused_by_name() {
        let folder = programs("echo 'postgres (PostgreSQL) 12.3'");
        let refused = Programs::find(Some(folder.path())).unwrap_err().to_string();
        assert!(refused.contains("is PostgreSQL 12.3, and the lab needs 13 or newer"), "{refused}");
        assert!(refused.starts_with("--pg-bin (or LAB_PG_BIN) is "), "{refused}");
    }
}
