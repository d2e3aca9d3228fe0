//! The file of settings: what wins over it, what is refused of it, and `lab config`.

use std::process::Stdio;

use crate::common::{Ended, Place, ended};

const FILE: &str = "theme = \"light\"\nroom = \"latency\"\ngrafana_url = \"http://localhost:3000\"\n[keys]\nquit = \"Q\"\n";

/// `lab config` with these arguments and variables, and with that file.
async fn config(place: &Place, text: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let file = place.write("config.toml", text);
    let mut command = place.lab(&[&["config"], arguments].concat());
    for name in ["LAB_THEME", "LAB_ROOM", "LAB_TRACE_URL", "LAB_GRAFANA_URL", "NO_COLOR", "COLORFGBG"] {
        command.env_remove(name);
    }
    command.env("TERM", "xterm-256color").env("LAB_CONFIG", file).envs(variables.iter().copied());
    ended(command.stdin(Stdio::null()).spawn().unwrap()).await
}

/// The row of a setting: its value and where it comes from.
fn row(shown: &Ended, name: &str) -> String {
    let line = shown.stdout.lines().find(|line| line.split_whitespace().next() == Some(name)).unwrap_or_else(|| panic!("{}", shown.stdout));
    line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let place = Place::new();
    let shown = config(&place, FILE, &[], &[]).await;
    let told = ["theme", "room", "grafana_url", "trace_url", "keys.quit", "keys.peak"].map(|name| row(&shown, name));
    assert_eq!(told, ["light file", "latency file", "http://localhost:3000 file", "- default", "Q file", "p default"]);
    let variables = [("LAB_THEME", "dark"), ("LAB_ROOM", "logs"), ("LAB_TRACE_URL", "http://t/{trace_id}")];
    let shown = config(&place, FILE, &["--room", "traces"], &variables).await;
    let told = ["theme", "room", "grafana_url", "trace_url"].map(|name| row(&shown, name));
    assert_eq!(told, ["dark LAB_THEME", "traces flag", "- default", "http://t/{trace_id} LAB_TRACE_URL"]);
    assert_eq!(row(&config(&place, FILE, &[], &[("NO_COLOR", "1")]).await, "theme"), "none NO_COLOR");
    assert_eq!(row(&config(&place, "", &[], &[("TERM", "linux")]).await, "theme"), "16 default, as the terminal tells");
    let shown = config(&place, FILE, &["--path"], &[]).await;
    assert_eq!((shown.code, shown.stdout.trim()), (Some(0), place.path("config.toml").to_str().unwrap()));
}

#[tokio::test]
async fn a_wrong_file_is_refused_before_anything_starts() {
    let place = Place::new();
    let file = place.path("config.toml");
    let shown = config(&place, "theme = \"light\"\n[keys]\nquit = \"enter\"\nzoom = \"i\"\n", &[], &[]).await;
    let (name, said) = (file.display(), "is needed as it is: rooms, lists and texts have it (choose another key)");
    assert_eq!(shown.code, Some(104));
    assert!(
        shown.stderr.starts_with(&format!("lab: {name}:3:8: `enter` {said}\nlab: {name}:4:1: there is no action `zoom` (")),
        "{}",
        shown.stderr
    );
    let run = ended(place.lab(&["run", "traffic"]).env("LAB_CONFIG", &file).spawn().unwrap()).await;
    assert_eq!((run.code, run.stdout.as_str()), (Some(104), ""));
    let run = ended(place.lab(&["run", "traffic"]).env("LAB_CONFIG", place.path("nowhere.toml")).spawn().unwrap()).await;
    assert!(run.code == Some(104) && run.stderr.contains("nowhere.toml: the settings cannot be read"), "{}", run.stderr);
}
