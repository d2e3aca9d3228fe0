//! A finished data folder, kept in the user's cache, so that only the first start pays for `initdb`.
//!
//! The manifest says which files of which size belong to it: a template that was cut short, by a full disk or by a
//! cleaner of temporary files, is noticed while it is copied.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};

use super::programs::Programs;
use super::user::ServerUser;

/// Counts up whenever what a template contains changes.
const FORMAT: u32 = 1;
const MANIFEST: &str = "manifest.json";
const DATA: &str = "data";
/// Bounded by the file system rather than by the processors, so a few threads do.
const COPIERS: usize = 4;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Where templates are kept: `LAB_CACHE_DIR`, else `obslab` in the user's cache folder. None without a home.
pub fn default_cache() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("LAB_CACHE_DIR").filter(|folder| !folder.is_empty()) {
        return Some(PathBuf::from(folder));
    }
    Some(etcetera::base_strategy::choose_native_strategy().ok()?.cache_dir().join("obslab"))
}

/// The place of one version's template.
#[derive(Debug)]
pub struct Template {
    folder: PathBuf,
}

/// What a template is made of. Paths are relative to the data folder, parents before children.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    /// Whether pg_stat_statements can be loaded, and is in the databases.
    statements: bool,
    folders: Vec<PathBuf>,
    files: Vec<(PathBuf, u64)>,
}

impl Template {
    pub fn of(cache: &Path, programs: &Programs) -> Self {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '.';
        let version: Vec<&str> = programs.version.split(|c| !allowed(c)).filter(|part| !part.is_empty()).collect();
        Self { folder: cache.join(format!("postgres-{}-{FORMAT}", version.join("-"))) }
    }

    /// Copies the template to `data`, which must not exist, and gives it to the server's user. Returns whether
    /// pg_stat_statements is in it, or nothing where there is no template yet.
    ///
    /// # Errors
    /// It cannot be read, or is not what its manifest says; or `stop` was set meanwhile. `data` may be half there then.
    pub fn copy_to(&self, data: &Path, user: &ServerUser, stop: &AtomicBool) -> Result<Option<bool>> {
        let path = self.folder.join(MANIFEST);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !self.folder.exists() => {
                return Ok(None);
            }
            text => text.with_context(|| format!("cannot read {}", path.display()))?,
        };
        let owner = fs::symlink_metadata(&self.folder)?.uid();
        ensure!(owner == rustix::process::geteuid().as_raw(), "{} is another user's", self.folder.display());
        let manifest: Manifest = serde_json::from_str(&text).context("the template's manifest is damaged")?;
        let age = fs::metadata(&path)?.modified()?.elapsed().unwrap_or_default();
        // Somebody may have installed the module since.
        ensure!(manifest.statements || age < DAY, "pg_stat_statements was missing a while ago");
        copy(&manifest, &self.folder.join(DATA), data, Some(user), stop)?;
        Ok(Some(manifest.statements))
    }

    /// Keeps a copy of `data`, whose server is stopped, as the template. Another lab may do the same at the same time:
    /// one of the two wins, and either is as good.
    ///
    /// # Errors
    /// The cache cannot be written to, or `stop` was set meanwhile.
    pub fn store(&self, data: &Path, statements: bool, stop: &AtomicBool) -> Result<()> {
        let cache = self.folder.parent().context("no cache folder")?;
        fs::create_dir_all(cache)?;
        remove_abandoned(cache);
        let half_made = tempfile::Builder::new().prefix(".new-").tempdir_in(cache)?;
        let mut manifest = Manifest { statements, folders: Vec::new(), files: Vec::new() };
        list(data, Path::new(""), &mut manifest)?;
        copy(&manifest, data, &half_made.path().join(DATA), None, stop)?;
        fs::write(half_made.path().join(MANIFEST), serde_json::to_vec(&manifest)?)?;
        match fs::rename(half_made.path(), &self.folder) {
            Ok(()) => drop(half_made.keep()),
            Err(_) if self.folder.exists() => {}
            Err(error) => return Err(error).context("cannot put the template in its place"),
        }
        Ok(())
    }

    /// Removes it, so that the next one can take its place.
    pub fn discard(&self) {
        // Moved out of the way first: a copy that is under way in another lab fails at once, instead of finding less
        // and less.
        let aside = self.folder.with_file_name(format!(".new-{:016x}", rand::random::<u64>()));
        if fs::rename(&self.folder, &aside).is_ok() {
            let _ = fs::remove_dir_all(&aside);
        }
    }
}

/// Half-made templates of labs that were killed while they made them.
fn remove_abandoned(cache: &Path) {
    let Ok(entries) = fs::read_dir(cache) else {
        return;
    };
    for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(".new-")) {
        let age = entry.metadata().and_then(|it| it.modified()).map(|it| it.elapsed());
        if matches!(age, Ok(Ok(age)) if age > DAY) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn list(data: &Path, inside: &Path, manifest: &mut Manifest) -> Result<()> {
    for entry in fs::read_dir(data.join(inside))? {
        let entry = entry?;
        let (path, kind) = (inside.join(entry.file_name()), entry.file_type()?);
        if kind.is_dir() {
            manifest.folders.push(path.clone());
            list(data, &path, manifest)?;
        } else if kind.is_file() {
            manifest.files.push((path, entry.metadata()?.len()));
        } else {
            bail!("{} is neither a file nor a folder", entry.path().display());
        }
    }
    Ok(())
}

/// `fs::copy` makes a reflink where the file system can, and copies inside the kernel elsewhere.
fn copy(manifest: &Manifest, from: &Path, to: &Path, user: Option<&ServerUser>, stop: &AtomicBool) -> Result<()> {
    let give = |path: &Path| user.map_or(Ok(()), |user| user.give(path));
    let make = |path: &Path| DirBuilder::new().mode(0o700).create(path).with_context(|| format!("cannot make {}", path.display()));
    make(to)?;
    for folder in &manifest.folders {
        make(&to.join(folder))?;
        give(&to.join(folder))?;
    }
    let next = AtomicUsize::new(0);
    let copier = || {
        while let Some((path, size)) = manifest.files.get(next.fetch_add(1, Ordering::Relaxed)) {
            ensure!(!stop.load(Ordering::Relaxed), "stopped while copying");
            let (source, target) = (from.join(path), to.join(path));
            let copied = fs::copy(&source, &target).with_context(|| format!("cannot copy {}", source.display()))?;
            ensure!(copied == *size, "{} has {copied} bytes instead of {size}", source.display());
            give(&target)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let copiers: Vec<_> = (0..COPIERS).map(|_| scope.spawn(copier)).collect();
        for copier in copiers {
            match copier.join() {
                Ok(result) => result?,
                Err(_) => bail!("a copying thread ended unexpectedly"),
            }
        }
        Ok(())
    })?;
    // Last, so that until now nobody else could put anything in the way of the copy.
    fs::set_permissions(to, Permissions::from_mode(0o700))?;
    give(to)?;
    Ok(())
}
