//! Where fetched programs are kept, and the one lab at a time that puts something there.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use super::Progress;
use crate::stack::postgres::default_cache;
use crate::stack::postgres::user::ServerUser;

/// For root, whose own cache is usually closed to the unprivileged user that PostgreSQL then runs as.
const OPEN_TO_ALL: &str = "/var/cache/obslab";
const LOCK: &str = ".fetch.lock";
const HALF_MADE: &str = ".fetch-";
const AGAIN: Duration = Duration::from_millis(50);
const WAY_OUT: &str = "set LAB_CACHE_DIR to a folder";

/// The folder, which may not exist yet.
#[derive(Debug)]
pub(super) struct Cache {
    path: PathBuf,
    /// Others than the lab's user must be able to enter.
    open: bool,
}

/// The right to change what is in the cache. Given up by dropping it, and by the system where its owner is killed.
#[derive(Debug)]
pub(super) struct Claim {
    cache: PathBuf,
    _lock: File,
}

impl Cache {
    /// The folder that was named, else the user's; for root, one that PostgreSQL's user can enter.
    ///
    /// # Errors
    /// PostgreSQL's user cannot come to the folder that was named, or there is no such user.
    pub(super) fn choose(named: Option<&Path>) -> Result<Self> {
        let user = ServerUser::find()?;
        let fixed = named.is_some() || std::env::var_os("LAB_CACHE_DIR").is_some_and(|folder| !folder.is_empty());
        let path = match named.map(Path::to_owned).or_else(default_cache) {
            _ if user.switches() && !fixed => OPEN_TO_ALL.into(),
            Some(path) => std::path::absolute(path)?,
            None => bail!("there is no home folder to keep it in: {WAY_OUT}"),
        };
        user.can_reach(&path.join("postgresql")).with_context(|| format!("{WAY_OUT} that everybody may enter"))?;
        Ok(Self { path, open: user.switches() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it, with the folders above it.
    pub(super) fn make(&self) -> Result<()> {
        let missing: Vec<&Path> = self.path.ancestors().take_while(|folder| !folder.exists()).collect();
        for folder in missing.iter().rev() {
            let made = match DirBuilder::new().mode(0o755).create(folder) {
                // Another lab was quicker.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                // A strict umask must not shut PostgreSQL's user out.
                Ok(()) if self.open => fs::set_permissions(folder, Permissions::from_mode(0o755)),
                made => made,
            };
            made.with_context(|| format!("cannot make {}; {WAY_OUT} that can be written", folder.display()))?;
        }
        Ok(())
    }

    /// Waits until no other lab is at it, then clears what killed ones left.
    pub(super) async fn claim(&self, told: &mut dyn FnMut(Progress)) -> Result<Claim> {
        let mut waits = false;
        loop {
            let claim = Claim::attempt(&self.path);
            if let Some(claim) = claim.with_context(|| format!("cannot write in {}; {WAY_OUT} that can be written", self.path.display()))? {
                claim.clear();
                return Ok(claim);
            }
            if !waits {
                told(Progress::Waiting);
                waits = true;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
}

impl Claim {
    /// Nothing where another lab has it.
    fn attempt(cache: &Path) -> io::Result<Option<Self>> {
        let path = cache.join(LOCK);
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Ok(None),
            Err(fs::TryLockError::Error(error)) => return Err(error),
        }
        // Its owner may have removed it between the opening and the locking: then it is the lock of a deleted file.
        let there = fs::metadata(&path).map(|there| (there.dev(), there.ino())).ok();
        let held = lock.metadata()?;
        Ok((there == Some((held.dev(), held.ino()))).then(|| Self { cache: cache.to_owned(), _lock: lock }))
    }

    /// A folder for what is under way, on the same file system, removed when it is dropped.
    pub(super) fn half_made(&self) -> Result<TempDir> {
        let made = tempfile::Builder::new().prefix(HALF_MADE).tempdir_in(&self.cache);
        made.with_context(|| format!("cannot write in {}; {WAY_OUT} that can be written", self.cache.display()))
    }

    /// Whoever made them is dead: the claim was theirs.
    fn clear(&self) {
        let Ok(entries) = fs::read_dir(&self.cache) else { return };
        for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(HALF_MADE)) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // While it is held: whoever opened it meanwhile notices.
        let _ = fs::remove_file(self.cache.join(LOCK));
    }
}

/// Removes what a killed lab left, also where nothing is to be fetched any more.
pub(super) fn sweep(named: Option<&Path>) {
    let Ok(cache) = Cache::choose(named) else { return };
    if cache.path.join(LOCK).exists()
        && let Ok(Some(claim)) = Claim::attempt(&cache.path)
    {
        claim.clear();
    }
}

/// What others could have put there is not run.
pub(super) fn check_owner(folder: &Path) -> Result<()> {
    let found = fs::symlink_metadata(folder).with_context(|| format!("cannot look at {}", folder.display()))?;
    let own = found.is_dir() && found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o022 == 0;
    ensure!(own, "{} is another user's, or writable for others: remove it, or {WAY_OUT} of your own", folder.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_claim_at_a_time_and_nothing_of_it_stays() {
        let folder = tempfile::tempdir().unwrap();
        let first = Claim::attempt(folder.path()).unwrap().unwrap();
        assert!(Claim::attempt(folder.path()).unwrap().is_none());
        let half_made = first.half_made().unwrap();
        drop(half_made);
        drop(first);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        drop(Claim::attempt(folder.path()).unwrap().unwrap());
    }

    #[test]
    fn what_a_killed_lab_left_is_swept_and_what_a_living_one_makes_is_not() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".fetch-dead")).unwrap();
        fs::write(folder.path().join(".fetch-dead/archive.tar.gz"), "half").unwrap();
        fs::write(folder.path().join(LOCK), "").unwrap();
        let claim = Claim::attempt(folder.path()).unwrap().unwrap();
        sweep(Some(folder.path()));
        assert!(folder.path().join(".fetch-dead").exists(), "somebody holds the claim");
        drop(claim);
        // A killed lab leaves its lock file, unlocked.
        fs::write(folder.path().join(LOCK), "").unwrap();
        sweep(Some(folder.path()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_others_may_write_to_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        check_owner(folder.path()).unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
        assert!(check_owner(folder.path()).unwrap_err().to_string().contains("writable for others"));
    }
}
