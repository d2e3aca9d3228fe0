//! What lies on this machine's disk for the room of scenarios: their files, and the runs that were recorded. Read on another task.

use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lab_facts::format;
use lab_facts::scenario::{LARGEST, Planned, shipped};
use lab_instrument::compare::{self, Compared, Series};
use lab_instrument::out;
use lab_instrument::record::{self, End, History};
use time::OffsetDateTime;

/// Where files are looked for beside those that the user named: where the lab was started, and in the folder that such files are kept in.
const FOLDERS: [&str; 2] = ["", "scenarios"];
/// How many files are looked into at most, in each of them.
const MOST: usize = 200;
/// What a figure may move by, of its baseline, before it counts as changed: as `lab compare` has it.
const NOISE: f64 = 0.05;

/// A scenario that can be chosen.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The name that it goes by.
    pub name: String,
    /// Where it is; `None` where it came with the lab.
    pub file: Option<PathBuf>,
    /// As it was last understood.
    pub planned: Option<Arc<Planned>>,
    /// What is wrong with it now, each with its place and the way out: `lab check`'s answer.
    pub problems: Vec<String>,
}

impl From<Planned> for Listed {
    fn from(planned: Planned) -> Self {
        let file = planned.file.as_ref().map(PathBuf::from);
        Self { name: planned.name.clone(), file, planned: Some(Arc::new(planned)), problems: Vec::new() }
    }
}

/// Makes a scenario of a file, for the stack that is up; or all that is wrong, a line each.
type Read = dyn Fn(&Path, Option<f64>) -> Result<Planned, String> + Send + Sync;

/// Where scenarios and runs are found.
#[derive(Clone, Default)]
pub struct Shelf {
    read: Option<Arc<Read>>,
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").finish_non_exhaustive()
    }
}

/// What the room wants of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Wanted {
    /// The files.
    Scenarios {
        /// Those that are in the list, each with its time scale.
        known: Vec<(PathBuf, Option<f64>)>,
        /// One that was edited, whether it is known or not.
        edited: Option<PathBuf>,
    },
    /// The recorded runs.
    Runs,
    /// Two of them held against each other: what was before, what is now.
    Comparison(String, String),
}

/// What it has.
#[derive(Debug)]
pub enum Had {
    /// Files only.
    Scenarios(Vec<Listed>),
    /// Newest first.
    Runs(Result<Vec<PastRun>, String>),
    /// In the words of `lab compare`.
    Comparison(Result<String, String>),
}

/// A run of the history.
#[derive(Debug, Clone, PartialEq)]
pub struct PastRun {
    /// As `lab runs` lists it.
    pub id: String,
    /// Name of its scenario.
    pub scenario: String,
    /// How long ago it began, when this was read.
    pub ago: String,
    /// How it ended.
    pub end: End,
}

impl Shelf {
    /// One that reads scenarios so.
    pub fn reading(read: Arc<Read>) -> Self {
        Self { read: Some(read) }
    }

    /// Whether it reads scenarios; a replay has but the one that ran.
    pub(super) fn has_scenarios(&self) -> bool {
        self.read.is_some()
    }

    /// Looks where waiting for a disk keeps nobody from their turn.
    pub(super) async fn ask(self, wanted: Wanted) -> Had {
        match tokio::task::spawn_blocking(move || self.look(&wanted)).await {
            Ok(had) => had,
            // The lab is ending.
            Err(_) => std::future::pending().await,
        }
    }

    fn look(&self, wanted: &Wanted) -> Had {
        match wanted {
            Wanted::Scenarios { known, edited } => Had::Scenarios(self.scenarios(known, edited.as_deref())),
            Wanted::Runs => Had::Runs(runs().map_err(|error| out::sentence(&error))),
            Wanted::Comparison(baseline, current) => Had::Comparison(compared(baseline, current).map_err(|error| out::sentence(&error))),
        }
    }

    fn scenarios(&self, known: &[(PathBuf, Option<f64>)], edited: Option<&Path>) -> Vec<Listed> {
        let Some(read) = &self.read else { return Vec::new() };
        let mut others: Vec<PathBuf> = FOLDERS.into_iter().flat_map(|folder| scenario_files(Path::new(folder))).collect();
        others.extend(edited.filter(|edited| others.iter().all(|path| path != edited)).map(Path::to_owned));
        let others = others.into_iter().filter(|path| known.iter().all(|(known, _)| known != path)).map(|path| (path, None));
        let listed = |(path, time_scale): (PathBuf, Option<f64>)| {
            let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            let (planned, problems) = match read(&path, time_scale) {
                Ok(planned) => (Some(Arc::new(planned)), Vec::new()),
                Err(problems) => (None, problems.lines().map(str::to_owned).collect()),
            };
            Listed { name, file: Some(path), planned, problems }
        };
        known.iter().cloned().chain(others).map(listed).collect()
    }
}

/// The scenarios in a folder, by name. Those that the lab brings along anyway are left out: who has its sources has them there.
fn scenario_files(folder: &Path) -> Vec<PathBuf> {
    let place = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let entries = fs::read_dir(place).into_iter().flatten().flatten().take(10 * MOST);
    let names = entries.map(|entry| folder.join(entry.file_name())).filter(|path| path.extension().is_some_and(|ending| ending == "toml"));
    let mut paths: Vec<PathBuf> = names.collect();
    paths.sort();
    paths.truncate(MOST);
    paths.retain(|path| is_scenario(path));
    paths
}

/// Other programs keep TOML as well; a scenario has a load, even where something else is wrong with it.
fn is_scenario(path: &Path) -> bool {
    let is_readable = fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() <= LARGEST as u64);
    let Some(text) = is_readable.then(|| fs::read_to_string(path).ok()).flatten() else { return false };
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    text.lines().any(|line| line.trim_start().starts_with("[[load]]")) && shipped(&stem) != Some(text.as_str())
}

/// Copies a scenario that came with the lab to where the lab was started, under a name that is not taken.
pub(super) fn copy(name: &str, text: &str) -> Result<PathBuf, String> {
    for number in 1..1000 {
        let path = PathBuf::from(if number == 1 { format!("{name}.toml") } else { format!("{name}-{number}.toml") });
        match fs::File::create_new(&path).and_then(|mut file| file.write_all(text.as_bytes())) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(format!("cannot copy {name} to {} for editing: {error}", path.display())),
        }
    }
    Err(format!("there are a thousand copies of {name} here already; remove some of them"))
}

/// Those that say how they ended: others were cut off.
fn runs() -> anyhow::Result<Vec<PastRun>> {
    let now = OffsetDateTime::now_utc();
    let past = |run: record::Listed| {
        let header = run.header.ok()?;
        Some(PastRun { id: run.id, ago: format::ago(&header.started, now), scenario: header.scenario, end: header.end? })
    };
    Ok(History::of_user()?.list()?.into_iter().filter_map(past).collect())
}

fn compared(baseline: &str, current: &str) -> anyhow::Result<String> {
    let history = History::of_user()?;
    let read = |id: &str| -> anyhow::Result<_> {
        let recording = record::read(&history.find(Path::new(id))?)?;
        let series = Series::of(&recording);
        Ok((recording.header, series))
    };
    let ((before, before_series), (now, now_series)) = (read(baseline)?, read(current)?);
    let before = Compared { name: baseline.to_owned(), header: &before, series: &before_series };
    let now = Compared { name: current.to_owned(), header: &now, series: &now_series };
    Ok(compare::text(&compare::compare(&before, &now, NOISE)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_its_scenarios_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let traffic = shipped("traffic").unwrap();
        write("traffic.toml", traffic);
        write("mine.toml", traffic);
        write("broken.toml", "[[load]]\nnam = 1\n");
        write("Cargo.toml", "[package]\nname = \"x\"\n");
        write("notes.md", "[[load]]\n");
        fs::create_dir(folder.path().join("folder.toml")).unwrap();
        let found = scenario_files(folder.path());
        let names: Vec<_> = found.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["broken.toml", "mine.toml"], "the one as it was shipped is in the list anyway");
        assert!(scenario_files(&folder.path().join("nowhere")).is_empty());

        let read = |path: &Path, _| match path.ends_with("mine.toml") {
            true => Err("one\ntwo".to_owned()),
            false => Err(format!("{}: there is no such file", path.display())),
        };
        let shelf = Shelf::reading(Arc::new(read));
        let known = [(folder.path().join("mine.toml"), Some(0.5)), (PathBuf::from("/gone.toml"), None)];
        let Had::Scenarios(listed) = shelf.look(&Wanted::Scenarios { known: known.to_vec(), edited: None }) else { panic!() };
        assert_eq!((listed[0].name.as_str(), listed[0].problems.len()), ("mine", 2));
        assert_eq!(listed[1].problems, ["/gone.toml: there is no such file"]);
    }
}
