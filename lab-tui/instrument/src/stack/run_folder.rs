//! The folder of one running lab: `<temporary folder>/obslab-<uid>/<pid>`.
//!
//! Its owner holds an exclusive lock on the file `lock` in it. The kernel lets that lock go however the owner ends, and
//! process ids are reused: so the lock alone, never the number, tells whether a folder is alive.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use super::postgres::processes;

const LOCK: &str = "lock";
const GUARD_LOCK: &str = "guard.lock";
const WRITABLE: &str = "set TMPDIR to a folder that can be written, with space left";

/// A folder that is half made (its name starts with a dot) for this long belongs to a lab that died while making it.
const HALF_MADE: Duration = Duration::from_secs(60);

/// The folder of this lab, alive until it is dropped.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    lock: Option<File>,
}

impl RunFolder {
    /// Makes this lab's folder, mode 0711: an unprivileged database user can pass through it, and not list it.
    ///
    /// # Errors
    /// The parent belongs to somebody else, is writable for others or is no real folder; or the disk refuses.
    pub fn create() -> Result<Self> {
        Self::create_in(&parent())
    }

    /// As [`RunFolder::create`], with the parent named.
    pub fn create_in(parent: &Path) -> Result<Self> {
        make_parent(parent)?;
        let pid = std::process::id();
        // It gets its final name only when it is locked, so that a sweep never sees it without an owner.
        let half_made = parent.join(format!(".{pid}-{:016x}", rand::random::<u64>()));
        DirBuilder::new().mode(0o711).create(&half_made).with_context(|| format!("cannot make {}; {WRITABLE}", half_made.display()))?;
        let made = (|| {
            fs::set_permissions(&half_made, Permissions::from_mode(0o711))?;
            let lock = OpenOptions::new().write(true).create_new(true).mode(0o600).open(half_made.join(LOCK))?;
            lock.try_lock()?;
            Ok::<_, io::Error>((name(&half_made, parent, pid)?, lock))
        })();
        match made {
            Ok((path, lock)) => Ok(Self { path, lock: Some(lock) }),
            Err(error) => {
                let _ = fs::remove_dir_all(&half_made);
                Err(error).with_context(|| format!("cannot make this lab's folder in {}", parent.display()))
            }
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes what dead labs left: ends a PostgreSQL that still runs from such a folder, then removes the folder.
    /// Blocks for up to about two seconds per orphaned server. What cannot be removed stays for the next lab.
    pub fn sweep() {
        Self::sweep_in(&parent());
    }

    /// As [`RunFolder::sweep`], with the parent named.
    pub fn sweep_in(parent: &Path) {
        if check_parent(parent).is_err() {
            return;
        }
        for folder in folders(parent) {
            if is_half_made(&folder) {
                let age = fs::symlink_metadata(&folder).and_then(|it| it.modified()).map(|it| it.elapsed());
                if maker_lives(&folder) && !matches!(age, Ok(Ok(age)) if age > HALF_MADE) {
                    continue;
                }
            }
            remove_if_dead(&folder);
        }
    }

    /// The folders whose labs live, newest first.
    pub fn live() -> Vec<PathBuf> {
        Self::live_in(&parent())
    }

    /// As [`RunFolder::live`], with the parent named.
    pub fn live_in(parent: &Path) -> Vec<PathBuf> {
        if check_parent(parent).is_err() {
            return Vec::new();
        }
        let mut live: Vec<(SystemTime, PathBuf)> = folders(parent)
            .into_iter()
            .filter(|folder| !is_half_made(folder) && is_held(&folder.join(LOCK)))
            // The lock file is written once, so its time is that of the lab's start; the folder's own changes.
            .filter_map(|folder| Some((fs::metadata(folder.join(LOCK)).ok()?.modified().ok()?, folder)))
            .collect();
        live.sort_by(|a, b| b.cmp(a));
        live.into_iter().map(|(_, folder)| folder).collect()
    }
}

/// Whether the process that a half-made folder is named after still lives; in doubt, it does.
fn maker_lives(half_made: &Path) -> bool {
    let name = half_made.file_name().unwrap_or_default().to_string_lossy();
    let maker = name.trim_start_matches('.').split('-').next().and_then(|pid| Pid::from_raw(pid.parse().ok()?));
    maker.is_none_or(|maker| test_kill_process(maker) != Err(Errno::SRCH))
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        // Whoever lets go last removes the folder: this lab, or its guard if that is still ending the server.
        self.lock = None;
        remove_if_dead(&self.path);
    }
}

/// Held by the guard process while it still works in the folder. See [`remove_if_dead`].
#[derive(Debug)]
pub struct GuardLock {
    _file: File,
}

impl GuardLock {
    /// Waits for the moment that somebody may need to ask whether it is held.
    ///
    /// # Errors
    /// The folder is gone, or another guard works in it.
    pub fn take(folder: &Path) -> Result<Self> {
        let path = folder.join(GUARD_LOCK);
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = file.with_context(|| format!("cannot open {}", path.display()))?;
        let deadline = Instant::now() + Duration::from_secs(1);
        while let Err(error) = file.try_lock() {
            if Instant::now() > deadline {
                return Err(error).with_context(|| format!("{} is held by another guard", path.display()));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(Self { _file: file })
    }
}

/// Removes a folder in which neither a lab nor a guard lives, and ends a server that was orphaned in it. A living
/// guard is left alone: it ends its server within seconds, then calls this itself.
pub fn remove_if_dead(folder: &Path) {
    if is_held(&folder.join(GUARD_LOCK)) {
        return;
    }
    // The lock is kept until the folder is gone, so two sweeps cannot work on the same one.
    let Ok(_lock) = claim(folder) else { return };
    processes::end_in(&folder.join("postgres/data"), Duration::from_millis(1500));
    // Its name is free for a new folder from here on, and nothing that is half removed looks like a lab's folder.
    let aside = folder.with_file_name(format!(".{:016x}", rand::random::<u64>()));
    let gone = if fs::rename(folder, &aside).is_ok() { &aside } else { folder };
    // What cannot be removed now is left to a later sweep.
    let _ = fs::remove_dir_all(gone);
}

/// Takes the lock of a folder that nobody owns.
fn claim(folder: &Path) -> io::Result<File> {
    let path = folder.join(LOCK);
    // Where a removal was cut short, the folder may have lost its lock file; a new one serves. With any other name a
    // folder always has one, and what has none is not the lab's.
    let lock = OpenOptions::new().write(true).create(is_half_made(folder)).truncate(false).mode(0o600).open(&path)?;
    lock.try_lock()?;
    // Between the opening and the locking another sweep may have removed the folder, and a new lab made one of the same
    // name: then the lock is that of a deleted file, and the folder is not ours to touch.
    let (held, there) = (lock.metadata()?, fs::metadata(&path)?);
    if (held.dev(), held.ino()) != (there.dev(), there.ino()) {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok(lock)
}

/// Whether a living process holds this lock file. A shared lock asks without standing in the way of others who ask.
fn is_held(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(fs::TryLockError::WouldBlock)))
}

fn parent() -> PathBuf {
    std::env::temp_dir().join(format!("obslab-{}", rustix::process::geteuid().as_raw()))
}

fn make_parent(parent: &Path) -> Result<()> {
    match DirBuilder::new().mode(0o755).create(parent) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(error).with_context(|| format!("cannot make {}; {WRITABLE}", parent.display()));
        }
        // The umask may have taken bits away that the database user needs.
        Ok(()) => fs::set_permissions(parent, Permissions::from_mode(0o755))?,
        Err(_) => {}
    }
    check_parent(parent)
}

/// In a temporary folder that everybody may write to, somebody else may have been here first.
fn check_parent(parent: &Path) -> Result<()> {
    let shown = parent.display();
    let found = fs::symlink_metadata(parent).with_context(|| format!("cannot look at {shown}"))?;
    let way_out = "remove it, or set TMPDIR to a folder of your own";
    if !found.is_dir() {
        bail!("{shown} should be a folder, and is not: {way_out}");
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        bail!("{shown} belongs to another user (uid {}): {way_out}", found.uid());
    }
    if found.mode() & 0o022 != 0 {
        bail!("{shown} is writable for other users: {way_out}");
    }
    Ok(())
}

/// Gives the folder its name: the process id, with a number behind it if that is in use.
fn name(half_made: &Path, parent: &Path, pid: u32) -> io::Result<PathBuf> {
    let mut attempt = 1;
    loop {
        let path = parent.join(if attempt == 1 { pid.to_string() } else { format!("{pid}-{attempt}") });
        let in_use = |error: &io::Error| matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists);
        match fs::rename(half_made, &path) {
            Ok(()) => return Ok(path),
            // The name is in use: another folder of this very process, or left by a dead one of the same number.
            Err(error) if in_use(&error) && attempt < 1000 => attempt += 1,
            Err(error) => return Err(error),
        }
    }
}

fn folders(parent: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    let folders = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.map(|entry| entry.path()).collect()
}

fn is_half_made(folder: &Path) -> bool {
    folder.file_name().and_then(OsStr::to_str).is_none_or(|name| name.starts_with('.'))
}
