//! `lab screenshot`: the screen of a recorded run as an SVG.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use crossterm::event::KeyCode;
use lab_facts::exit::Exit;
use lab_instrument::out;
use lab_instrument::record::Player;

use super::backends::BackendUrls;
use super::explain::moment;
use super::settings::themes;
use super::{Failure, replay};
use crate::tui::{Palette, Replay, Theme, Ui, keys, still};

#[derive(Debug, Args)]
pub(crate) struct ScreenshotFlags {
    /// Which run: its ID from `lab runs`, `last`, or a file
    #[arg(value_name = "RUN", default_value = "last")]
    run: PathBuf,
    /// As it was at this time of the run; its end where this is left out
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<Duration>,
    /// After these keys, such as "p Enter" or "2"
    #[arg(long, value_name = "KEYS", value_parser = pressed, default_value = "")]
    keys: Keys,
    /// Columns and rows
    #[arg(long, value_name = "COLUMNSxROWS", value_parser = size, default_value = "120x36")]
    size: (u16, u16),
    /// Colours for a dark or a light background, the terminal's own 16, or none
    #[arg(long, value_parser = themes(), default_value = "dark")]
    theme: Theme,
    #[command(flatten)]
    backends: BackendUrls,
    /// Where to write it; `-` for standard output
    #[arg(long, short, value_name = "FILE", default_value = "lab.svg")]
    output: PathBuf,
}

#[derive(Debug, Clone)]
struct Keys(Vec<KeyCode>);

pub(crate) async fn screenshot(flags: ScreenshotFlags) -> Result<Exit, Failure> {
    let recording = replay::find(&flags.run)?;
    let listed = vec![replay::listed(&recording)];
    let traces = Arc::new(recording.traces.clone());
    let mut player = Player::new(recording, 1.0);
    player.seek(flags.at.unwrap_or(Duration::MAX));
    let mut ui = Ui::new(Palette::new(flags.theme), None, listed);
    ui.backends = flags.backends.into();
    ui.replay = Some(Replay { speed: 1.0, paused: true });
    let svg = still(ui, player.model(), traces, &flags.keys.0, flags.size).await;
    if flags.output.as_os_str() == "-" {
        out::result(&svg).map_err(Failure::unwritable)?;
    } else {
        let written = std::fs::write(&flags.output, svg);
        written.map_err(|error| Failure::new(Exit::BadInput, anyhow::anyhow!("cannot write {}: {error}", flags.output.display())))?;
        out::note(&format!("the picture is {}", flags.output.display()));
    }
    Ok(Exit::Kept)
}

fn pressed(text: &str) -> Result<Keys, String> {
    keys(text).map(Keys)
}

fn size(text: &str) -> Result<(u16, u16), String> {
    let numbers = text.split_once('x').and_then(|(columns, rows)| Some((columns.parse().ok()?, rows.parse().ok()?)));
    match numbers {
        Some((columns @ 20..=400, rows @ 5..=200)) => Ok((columns, rows)),
        _ => Err("write columns and rows, such as 120x36, up to 400x200".to_owned()),
    }
}
