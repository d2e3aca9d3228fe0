//! The runs that were recorded on this machine, in the user's data folder: the newest ones, and no more than they may take.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tempfile::NamedTempFile;

use super::Header;
use super::reader::read_header;

/// How many runs are kept, and how many bytes of them; the newest one stays however large it is.
const RUNS: usize = 50;
const BYTES: u64 = 200 << 20;

/// What a recording's name ends in.
const ENDING: &str = ".labrun";
/// What is half written is named so.
const HALF: &str = ".half-";
/// A half-written file without an owner for this long was left by a lab that was killed.
const ABANDONED: Duration = Duration::from_secs(60);

const WAY_OUT: &str = "set LAB_DATA_DIR to a folder that can be written, or give --no-record";

/// The folder of recordings. It may not exist yet.
#[derive(Debug, Clone)]
pub struct History {
    folder: PathBuf,
    runs: usize,
    bytes: u64,
}

/// One run of the history.
#[derive(Debug)]
pub struct Listed {
    /// What other commands take: when the run began, as in `20261124-015036`.
    pub id: String,
    /// Where it is.
    pub path: PathBuf,
    /// What it is; or why it cannot be read.
    pub header: anyhow::Result<Header>,
}

impl History {
    /// `runs` in `LAB_DATA_DIR`, or in the folder of this user's data.
    ///
    /// # Errors
    /// There is no home folder.
    pub fn of_user() -> anyhow::Result<Self> {
        let named = std::env::var_os("LAB_DATA_DIR").filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let own = || Some(etcetera::base_strategy::choose_native_strategy().ok()?.data_dir().join("obslab"));
        use etcetera::BaseStrategy as _;
        let folder = named.or_else(own).with_context(|| format!("there is no home folder to keep runs in: {WAY_OUT}"))?;
        Ok(Self::at(folder.join("runs")))
    }

    /// In a folder that is named.
    pub fn at(folder: PathBuf) -> Self {
        Self { folder, runs: RUNS, bytes: BYTES }
    }

    /// Newest first.
    ///
    /// # Errors
    /// The folder is there and cannot be read.
    pub fn list(&self) -> anyhow::Result<Vec<Listed>> {
        let mut runs = self.ids()?;
        runs.reverse();
        let listed = |id: String| {
            let path = self.path_of(&id);
            Listed { header: read_header(&path), id, path }
        };
        Ok(runs.into_iter().map(listed).collect())
    }

    /// Where a run is: a file of that path, else the recording of that ID, or the only one whose ID begins so; `last` is the newest.
    ///
    /// # Errors
    /// There is none, or more than one.
    pub fn find(&self, name: &Path) -> anyhow::Result<PathBuf> {
        if name.exists() {
            return Ok(name.to_owned());
        }
        let shown = name.display();
        let ids = self.ids()?;
        let wanted = name.to_str().unwrap_or_default();
        if wanted == "last" {
            return ids.last().map(|id| self.path_of(id)).context("no run has been recorded yet; start one with `lab run`");
        }
        let matching: Vec<&String> = ids.iter().filter(|id| id.starts_with(wanted) && !wanted.is_empty()).collect();
        match matching.as_slice() {
            _ if ids.iter().any(|id| id == wanted) => Ok(self.path_of(wanted)),
            [one] => Ok(self.path_of(one)),
            [] => bail!("there is no file {shown}, and no recorded run of that ID; `lab runs` lists them, and `last` is the newest"),
            several => {
                bail!("{} recorded runs have an ID that begins with {shown}; write more of it (`lab runs` lists them)", several.len())
            }
        }
    }

    /// Removes a run.
    ///
    /// # Errors
    /// It is no longer there, or the disk refuses.
    pub fn remove(&self, id: &str) -> anyhow::Result<()> {
        fs::remove_file(self.path_of(id)).with_context(|| format!("cannot remove {}", self.path_of(id).display()))
    }

    /// Whether this is the ID of a run that is kept.
    pub fn has(&self, id: &str) -> bool {
        self.ids().is_ok_and(|ids| ids.iter().any(|known| known == id))
    }

    fn path_of(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}{ENDING}"))
    }

    /// Oldest first: IDs are times.
    fn ids(&self) -> anyhow::Result<Vec<String>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.with_context(|| format!("cannot read {}", self.folder.display()))?,
        };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut ids: Vec<String> =
            names.filter_map(|name| Some(name.strip_suffix(ENDING)?.to_owned())).filter(|id| !id.starts_with('.')).collect();
        ids.sort_by(|a, b| order(a).cmp(&order(b)));
        Ok(ids)
    }

    /// A file of this lab's in the folder, gone when it is dropped or, if the lab is killed, with a later lab's start.
    pub(super) fn half(&self) -> anyhow::Result<NamedTempFile> {
        let refused = || format!("cannot write in {}; {WAY_OUT}", self.folder.display());
        // What a run says of a system is for its user alone.
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder).with_context(refused)?;
        self.sweep();
        let half = tempfile::Builder::new().prefix(HALF).tempfile_in(&self.folder).with_context(refused)?;
        half.as_file().try_lock().with_context(refused)?;
        Ok(half)
    }

    /// Gives a file that is whole its name, and makes room for it. Returns its ID: the one that was asked for, with a number
    /// behind it where that is another run's.
    pub(super) fn keep(&self, mut half: NamedTempFile, id: &str) -> anyhow::Result<String> {
        let mut attempt = 1;
        loop {
            let name = if attempt == 1 { id.to_owned() } else { format!("{id}-{attempt}") };
            match half.persist_noclobber(self.path_of(&name)) {
                Ok(_) => {
                    self.make_room();
                    return Ok(name);
                }
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists && attempt < 1000 => {
                    (half, attempt) = (error.file, attempt + 1);
                }
                Err(error) => return Err(error.error).with_context(|| format!("cannot write in {}; {WAY_OUT}", self.folder.display())),
            }
        }
    }

    /// The oldest go first. Another lab may do the same at the same time: then what is gone is gone.
    fn make_room(&self) {
        let Ok(ids) = self.ids() else { return };
        let (mut runs, mut bytes) = (0, 0_u64);
        for id in ids.into_iter().rev() {
            let path = self.path_of(&id);
            runs += 1;
            bytes += fs::metadata(&path).map_or(0, |found| found.len());
            if runs > 1 && (runs > self.runs || bytes > self.bytes) {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// Removes what killed labs left half written.
    fn sweep(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(HALF)) {
            let age = entry.metadata().and_then(|found| found.modified()).map(|modified| modified.elapsed());
            let abandoned = matches!(age, Ok(Ok(age)) if age > ABANDONED);
            if abandoned && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// `20261124-015036-2` is younger than `20261124-015036`, and older than its tenth.
fn order(id: &str) -> (&str, u32) {
    match id.rsplit_once('-') {
        Some((time, number)) if time.contains('-') => (time, number.parse().unwrap_or_default()),
        _ => (id, 0),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn keep(history: &History, id: &str, bytes: usize) -> String {
        let mut half = history.half().unwrap();
        half.write_all(&vec![b' '; bytes]).unwrap();
        history.keep(half, id).unwrap()
    }

    #[test]
    fn runs_are_found_by_their_ids_and_two_of_the_same_second_do_not_collide() {
        let folder = tempfile::tempdir().unwrap();
        let history = History::at(folder.path().join("a/runs"));
        assert!(history.list().unwrap().is_empty());
        assert!(history.find(Path::new("last")).unwrap_err().to_string().contains("no run has been recorded yet"));
        let kept: Vec<String> = (0..11).map(|_| keep(&history, "20260101-000000", 1)).collect();
        assert_eq!((kept[0].as_str(), kept[10].as_str()), ("20260101-000000", "20260101-000000-11"));
        keep(&history, "20251231-235959", 1);
        let ids: Vec<String> = history.list().unwrap().into_iter().map(|run| run.id).collect();
        assert_eq!((ids[0].as_str(), ids[10].as_str(), ids[11].as_str()), ("20260101-000000-11", "20260101-000000", "20251231-235959"));
        assert!(history.find(Path::new("last")).unwrap().ends_with("20260101-000000-11.labrun"));
        assert!(history.find(Path::new("2025")).unwrap().ends_with("20251231-235959.labrun"));
        assert!(history.find(Path::new("20260101-000000")).unwrap().ends_with("20260101-000000.labrun"), "not those that begin so");
        assert!(history.find(Path::new("20260101")).unwrap_err().to_string().starts_with("11 recorded runs have an ID"));
        assert!(history.find(Path::new("2027")).unwrap_err().to_string().contains("`lab runs` lists them"));
        history.remove(&kept[10]).unwrap();
        assert!(!history.has(&kept[10]) && history.has(&kept[0]));
    }

    #[test]
    fn the_oldest_go_first_by_number_and_by_size_and_the_newest_always_stays() {
        let folder = tempfile::tempdir().unwrap();
        let history = History { runs: 3, bytes: 100, ..History::at(folder.path().to_owned()) };
        let ids = || history.list().unwrap().into_iter().map(|run| run.id).collect::<Vec<_>>();
        for id in ["1-1", "1-2", "1-3", "1-4"] {
            keep(&history, id, 10);
        }
        assert_eq!(ids(), ["1-4", "1-3", "1-2"]);
        keep(&history, "1-5", 85);
        assert_eq!(ids(), ["1-5", "1-4"]);
        keep(&history, "1-6", 1000);
        assert_eq!(ids(), ["1-6"]);
    }

    #[test]
    fn what_a_killed_lab_left_half_written_is_swept_and_what_a_living_one_writes_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let history = History::at(folder.path().to_owned());
        let long_ago = std::time::SystemTime::now() - 2 * ABANDONED;
        let living = history.half().unwrap();
        living.as_file().set_modified(long_ago).unwrap();
        let dead = folder.path().join(".half-dead");
        File::create(&dead).unwrap().set_modified(long_ago).unwrap();
        drop(history.half().unwrap());
        assert!(living.path().exists() && !dead.exists());
        drop(living);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_said_with_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let error = History::at(folder.path().join("file/runs")).half().unwrap_err();
        assert!(error.to_string().ends_with("set LAB_DATA_DIR to a folder that can be written, or give --no-record"), "{error}");
    }
}
