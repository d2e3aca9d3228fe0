//! What is in force of what a user can settle: a flag, else the environment, else the settings' file, else a default. And `lab config`.

use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use etcetera::BaseStrategy as _;
use lab_facts::exit::Exit;
use lab_facts::scenario;
use lab_instrument::out;
use lab_instrument::report::TraceLink;

use super::Failure;
use crate::settings::{Address, Settings};
use crate::tui::{ACTIONS, Bindings, Palette, Room, Theme, Ui};

/// What of the settings is a flag as well.
#[derive(Debug, Args)]
pub(crate) struct SettingsFlags {
    /// Colours for a dark or a light background, only the terminal's own 16, or none; told by COLORFGBG, COLORTERM, TERM and NO_COLOR
    #[arg(long, env = "LAB_THEME", value_parser = themes())]
    theme: Option<Theme>,
    /// The room that the screen begins with
    #[arg(long, env = "LAB_ROOM", value_parser = room)]
    room: Option<Room>,
    /// Make trace IDs links to this address, such as http://localhost:3000/trace/{trace_id}; it may name a {span_id} too
    #[arg(long, value_name = "URL", env = "LAB_TRACE_URL", value_parser = Address::template)]
    trace_url: Option<Address>,
    /// Make trace IDs links to this Grafana's Explore, with its data sources of the uids `tempo` and `loki`
    #[arg(long, value_name = "URL", env = "LAB_GRAFANA_URL", value_parser = Address::grafana, conflicts_with = "trace_url")]
    grafana_url: Option<Address>,
}

pub(crate) fn themes() -> impl TypedValueParser<Value = Theme> {
    PossibleValuesParser::new(Theme::ALL.map(|(name, _)| name)).map(|name| Theme::named(&name).unwrap_or(Theme::Dark))
}

fn room(name: &str) -> Result<Room, String> {
    let names = || Room::ALL.map(|room| room.name().to_lowercase()).join(", ");
    Room::named(name).ok_or_else(|| format!("the rooms are {}", names()))
}

/// Where something was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Flag,
    /// By that variable.
    Environment(&'static str),
    File,
    Default,
}

/// What holds, and whence.
#[derive(Debug)]
pub(crate) struct InForce {
    theme: (Theme, Source),
    room: (Room, Source),
    link: Option<(Address, Source)>,
    keys: Bindings,
}

impl SettingsFlags {
    /// Reads the file as well.
    pub(crate) fn in_force(self) -> Result<InForce, Failure> {
        let file = read().map_err(|error| Failure::new(Exit::BadInput, error))?;
        let theme = given(self.theme, "--theme", "LAB_THEME").or_else(no_colour).or(file.theme.map(|theme| (theme, Source::File)));
        let room = given(self.room, "--room", "LAB_ROOM").or(file.room.map(|room| (room, Source::File)));
        let link = given(self.trace_url, "--trace-url", "LAB_TRACE_URL");
        let link = link.or_else(|| given(self.grafana_url, "--grafana-url", "LAB_GRAFANA_URL"));
        Ok(InForce {
            theme: theme.unwrap_or_else(|| (Theme::from_environment(), Source::Default)),
            room: room.unwrap_or((Room::default(), Source::Default)),
            link: link.or(file.link.map(|link| (link, Source::File))),
            keys: file.keys,
        })
    }
}

impl InForce {
    /// Where trace IDs lead to, if it was said.
    pub(crate) fn link(&self) -> Option<TraceLink> {
        self.link.as_ref().map(|(address, _)| address.link.clone())
    }

    /// What the screen is to look like, before anything is shown on it.
    pub(crate) fn apply(self, ui: &mut Ui) {
        ui.palette = Palette::new(self.theme.0);
        ui.room = self.room.0;
        ui.bindings = self.keys;
    }
}

/// A flag is there that clap found on the command line; its environment twin where it found it without.
fn given<T>(value: Option<T>, flag: &str, variable: &'static str) -> Option<(T, Source)> {
    let mut arguments = std::env::args().skip(1);
    let is_flag = arguments.any(|argument| argument == flag || argument.strip_prefix(flag).is_some_and(|rest| rest.starts_with('=')));
    value.map(|value| (value, if is_flag { Source::Flag } else { Source::Environment(variable) }))
}

/// Who wants no colours anywhere wants none here, whatever the file says.
fn no_colour() -> Option<(Theme, Source)> {
    const NAME: &str = "NO_COLOR";
    std::env::var_os(NAME).filter(|value| !value.is_empty()).map(|_| (Theme::Plain, Source::Environment(NAME)))
}

/// The file that `LAB_CONFIG` names, else the one in the user's folder of settings.
fn path() -> anyhow::Result<PathBuf> {
    let named = std::env::var_os("LAB_CONFIG").filter(|file| !file.is_empty()).map(PathBuf::from);
    let own = || Some(etcetera::choose_base_strategy().ok()?.config_dir().join("obslab").join("config.toml"));
    named.or_else(own).context("there is no home folder to keep settings in: set LAB_CONFIG to a file")
}

/// What the file says; nothing where there is none.
fn read() -> anyhow::Result<Settings> {
    let is_named = std::env::var_os("LAB_CONFIG").is_some_and(|file| !file.is_empty());
    let Ok(path) = path() else { return Ok(Settings::default()) };
    let origin = path.display().to_string();
    match std::fs::read(&path) {
        Ok(bytes) => Ok(Settings::parse(&scenario::text(bytes, &origin)?, &origin)?),
        Err(error) if error.kind() == ErrorKind::NotFound && !is_named => Ok(Settings::default()),
        Err(error) => Err(anyhow!("{origin}: the settings cannot be read: {error} (mend it, or leave LAB_CONFIG unset)")),
    }
}

#[derive(Debug, Args)]
pub(crate) struct ConfigFlags {
    /// Print where the settings' file is, whether it is there or not
    #[arg(long)]
    path: bool,
    #[command(flatten)]
    settings: SettingsFlags,
}

/// `lab config`: each setting with its value and where that comes from.
pub(crate) fn config(flags: ConfigFlags) -> Result<Exit, Failure> {
    let place = path().map_err(|error| Failure::new(Exit::BadInput, error))?;
    if flags.path {
        out::result(&format!("{}\n", place.display())).map_err(Failure::unwritable)?;
        return Ok(Exit::Kept);
    }
    let in_force = flags.settings.in_force()?;
    let is_there = place.exists();
    let mut rows: Vec<(String, String, &'static str)> = Vec::new();
    let (theme, source) = in_force.theme;
    let told = match source {
        Source::Default => "default, as the terminal tells",
        source => words(source),
    };
    rows.push(("theme".to_owned(), theme.name().to_owned(), told));
    let (room, source) = in_force.room;
    rows.push(("room".to_owned(), room.name().to_lowercase(), words(source)));
    for (name, is_grafana) in [("trace_url", false), ("grafana_url", true)] {
        let link = in_force.link.as_ref().filter(|(address, _)| address.is_grafana == is_grafana);
        let (value, source) = link.map_or(("-", Source::Default), |(address, source)| (address.written.as_str(), *source));
        rows.push((name.to_owned(), value.to_owned(), words(source)));
    }
    for action in &ACTIONS {
        let key = in_force.keys.key(action);
        let source = if key == Bindings::default().key(action) { Source::Default } else { Source::File };
        rows.push((format!("keys.{}", action.name), key, words(source)));
    }
    let widest = rows.iter().map(|(_, value, _)| value.chars().count()).max().unwrap_or_default();
    let mut shown = format!("{:<16} {}{}\n", "file", place.display(), if is_there { "" } else { " (not there)" });
    for (name, value, source) in rows {
        shown += &format!("{name:<16} {value:<widest$}  {source}\n");
    }
    out::result(&shown).map_err(Failure::unwritable)?;
    Ok(Exit::Kept)
}

fn words(source: Source) -> &'static str {
    match source {
        Source::Flag => "flag",
        Source::Environment(variable) => variable,
        Source::File => "file",
        Source::Default => "default",
    }
}
