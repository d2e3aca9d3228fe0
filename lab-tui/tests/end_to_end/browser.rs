//! A real browser, without its window, that looks at a page.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::common::{Ended, Place, ended};

/// The names under which Chromium is known.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// The page after its scripts have run, and what they and the browser said in the console.
pub(crate) struct Looked {
    pub(crate) dom: String,
    pub(crate) console: Vec<String>,
}

/// Opens a file as a reader would, with no network to reach.
pub(crate) async fn look(place: &Place, page: &Path) -> Looked {
    look_at(place, &format!("file://{}", page.display()), &[]).await
}

/// Opens an address of this machine, and reaches nothing else.
pub(crate) async fn look_at(place: &Place, address: &str, flags: &[&str]) -> Looked {
    // What a browser leaves lying about, it leaves in the place of the test.
    let profile = place.path("browser");
    std::fs::create_dir_all(&profile).unwrap();
    let mut browser = Command::new(program());
    browser
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--window-size=1280,900"])
        .args(["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--enable-logging=stderr", "--v=0", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(flags)
        .arg(address)
        .env("HOME", &profile)
        .env("TMPDIR", &profile)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let Ended { code, stdout, stderr } = ended(browser.spawn().unwrap()).await;
    assert_eq!(code, Some(0), "{stderr}");
    let console = stderr.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned).collect();
    Looked { dom: stdout, console }
}

fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let found = NAMES.iter().flat_map(|name| all.iter().map(move |folder| folder.join(name))).find(|program| program.is_file());
    found.expect("the test of the HTML report needs Chromium on PATH: apt-get install chromium")
}
