//! Faults by hand on a real terminal, and the scenario that comes of them.

use crate::common::{PATIENCE, Place, until};
use crate::screen::Terminal;

/// It goes on for as long as somebody looks.
const MINE: &str = r#"
format = 1
title = "Mine"
keep_going = true

# Everybody rolls the same die.
[[load]]
name = "visitors"
executor = "constant-arrival-rate"
rate = 20
duration = "2s"
service = "frontend"

[[load.request]]
get = "/roll?die=fair"
"#;

/// Begun, seen, ended, saved; and what was saved does the same without a viewer.
#[tokio::test]
async fn a_fault_by_hand_is_seen_ended_and_saved_as_a_scenario_that_does_it_again() {
    let place = Place::new();
    place.write("mine.toml", MINE);
    let mut lab = place.lab(&["run", "mine.toml"]);
    // Where the scenario is saved.
    lab.current_dir(place.path(""));
    let mut terminal = Terminal::start_like(&lab, (120, 36), &[]);
    terminal.taken_over().await;
    terminal.shows("lab  mine").await;
    terminal.press(":inject service.error\r");
    terminal.shows("type a value").await;
    // The service that all requests come to, and until it is ended.
    terminal.press("\x1b[D");
    terminal.shows("▸ service      frontend").await;
    terminal.press("\x1b[B\x1b[B\x1b[B\x1b[B\x7f\x7f\x7f\r");
    terminal.shows("● service.error by hand").await;
    terminal.shows("● errors").await;
    terminal.press("+");
    terminal.shows("rates are ×1.1 of what is planned").await;
    terminal.press("\r");
    terminal.shows(" met it").await;
    // Errors that were under way may end after it; the screen forgets them after three seconds.
    until("the errors to be over", PATIENCE, || async { terminal.text().contains("● running") }).await;
    terminal.press("S");
    terminal.shows("saved as mine-by-hand.toml").await;
    terminal.press("q");
    terminal.ended(0).await;
    place.assert_empty();

    // The recording knows of it.
    let summary: serde_json::Value = serde_json::from_str(&place.run(&["replay", "last", "--json", "-"]).await.stdout).unwrap();
    let fault = &summary["faults"][0];
    assert_eq!((&fault["name"], &fault["by_hand"]), (&"service.error by hand".into(), &true.into()), "{summary}");

    // Whoever forgot to save it does so from there.
    let mut replay = place.lab(&["replay", "last", "--speed", "64"]);
    replay.current_dir(place.path(""));
    let mut terminal = Terminal::start_like(&replay, (120, 36), &[]);
    terminal.taken_over().await;
    terminal.press(":room: control\r");
    terminal.shows("This is a replay").await;
    terminal.shows(" met it").await;
    terminal.press("S");
    terminal.shows("saved as mine-by-hand-2.toml").await;
    terminal.press("q");
    terminal.ended(0).await;

    let file = place.path("mine-by-hand.toml");
    let file = file.to_str().unwrap();
    let second = place.path("mine-by-hand-2.toml");
    let checked = place.run(&["check", file, second.to_str().unwrap()]).await;
    assert_eq!(checked.code, Some(0), "{}{}", checked.stdout, checked.stderr);
    let again = place.run(&["run", file, "--json", "-"]).await;
    let again: serde_json::Value = serde_json::from_str(&again.stdout).unwrap();
    let again = &again["faults"][0];
    assert_eq!((&again["name"], &again["by_hand"]), (&fault["name"], &false.into()), "{again}");
    assert!(again["touched"].as_u64().unwrap() > 0, "{again}");
    // To the tenth of a second.
    let text = std::fs::read_to_string(file).unwrap();
    let saved: toml::Table = toml::from_str(&text).unwrap();
    let time = |key: &str| humantime::parse_duration(saved["fault"][0][key].as_str().unwrap()).unwrap().as_secs_f64();
    let was = |key: &str| fault[key].as_f64().unwrap();
    assert!((time("at") - was("started_s")).abs() < 0.051, "{text}\n{fault}");
    assert!((time("at") + time("duration") - was("ended_s")).abs() < 0.051, "{text}\n{fault}");
    assert!(
        text.contains("stages = [")
            && text.contains("# Everybody rolls the same die.")
            && text.contains("rates are ×1.1 of what is planned"),
        "{text}"
    );
    place.assert_empty();
}
