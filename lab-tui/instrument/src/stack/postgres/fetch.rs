//! PostgreSQL where there is none: its server programs are fetched once, checked, and kept in the user's cache.

mod archive;
mod place;
mod transfer;
mod unpack;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, anyhow, bail};
use tempfile::TempDir;
use url::Url;

use super::programs::{NotFound, Programs, install_hint};
use archive::Archive;
use place::{Cache, Claim};
pub use transfer::Limits;

/// What a mirror's address must be.
pub const WRITE_MIRROR: &str =
    "the mirror of PostgreSQL's archives must be an http:// or https:// address to which /VERSION/FILE can be added";

/// Where the server programs may come from.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// The folder that they are in, and no other.
    pub bin: Option<PathBuf>,
    /// Exactly this version of the published archives, such as `18.4.0`, whatever this machine has.
    pub version: Option<String>,
    /// Where the archives are, in place of GitHub: the part of the address before `/<version>/`.
    pub mirror: Option<Url>,
    /// Use what was fetched before, and fetch nothing.
    pub no_download: bool,
    /// Where fetched programs are kept, in place of [`super::default_cache`].
    pub cache: Option<PathBuf>,
    /// How long the other side may be silent.
    pub limits: Limits,
}

/// How far a fetch is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Another lab is at it; this one waits, and uses the same.
    Waiting,
    /// The archive comes from this address. Its length in bytes, where that is told.
    Started { version: String, from: String, bytes: Option<u64> },
    /// So many bytes are here.
    Received { bytes: u64, of: Option<u64> },
    /// All of it is here, and is what it should be.
    Unpacking,
    /// The programs can be used from here on.
    Ready { folder: PathBuf },
}

impl Source {
    /// Whether it makes sense by itself; nothing is looked for.
    ///
    /// # Errors
    /// What does not.
    pub fn check(&self) -> Result<()> {
        let named = self.version.as_deref().map_or(Ok(()), archive::check_version);
        named.and_then(|()| match &self.mirror {
            Some(mirror) if !matches!(mirror.scheme(), "http" | "https") || mirror.query().is_some() || mirror.fragment().is_some() => {
                bail!("{WRITE_MIRROR}")
            }
            _ if self.bin.is_some() && self.version.is_some() => bail!("name a folder or a version of PostgreSQL, not both"),
            _ => Ok(()),
        })
    }

    /// The programs in the named folder; else those of the named version; else those of this machine; else the pinned version, which
    /// is fetched unless it was before. Dropping the future leaves nothing half-made behind.
    ///
    /// # Errors
    /// [`NotFound`], or why nothing could be fetched, each with the way out.
    pub async fn programs(&self, told: &mut dyn FnMut(Progress)) -> Result<Programs> {
        if let Some(folder) = &self.bin {
            return Ok(Programs::find(Some(folder))?);
        }
        let found = match &self.version {
            Some(version) => Err(NotFound::not_fetched(version)),
            None => Programs::find(None),
        };
        self.or_fetched(found, told).await
    }

    /// As [`Source::programs`], once this machine was searched.
    pub async fn or_fetched(&self, found: Result<Programs, NotFound>, told: &mut dyn FnMut(Progress)) -> Result<Programs> {
        place::sweep(self.cache.as_deref());
        let not_found = match found {
            Ok(programs) => return Ok(programs),
            Err(not_found) => not_found,
        };
        let archive = Archive::new(self.version.as_deref(), self.mirror.as_ref());
        let fetched = async { self.fetched(&archive?, told).await };
        match fetched.await {
            Ok(Some(programs)) => Ok(programs),
            Ok(None) => Err(not_found.into()),
            Err(problem) => {
                let install = install_hint();
                Err(anyhow!(
                    "cannot fetch PostgreSQL's server programs: {problem:#}. {install}, or name a mirror of the archives in LAB_PG_MIRROR, \
                     or the programs' folder in LAB_PG_BIN, or use a server of your own with --database-url"
                ))
            }
        }
    }

    /// Nothing where they would have to be fetched, and must not be.
    async fn fetched(&self, archive: &Archive, told: &mut dyn FnMut(Progress)) -> Result<Option<Programs>> {
        let cache = Cache::choose(self.cache.as_deref())?;
        let folder = cache.path().join(&archive.name);
        if let Some(programs) = installed(&folder)? {
            return Ok(Some(programs));
        }
        if self.no_download {
            return Ok(None);
        }
        cache.make()?;
        let claim = cache.claim(told).await?;
        // Whoever was waited for may have done it.
        if let Some(programs) = installed(&folder)? {
            return Ok(Some(programs));
        }
        let half_made = claim.half_made()?;
        let file = half_made.path().join("archive.tar.gz");
        transfer::fetch(archive, &file, self.limits, told).await?;
        told(Progress::Unpacking);
        unpack(claim, half_made, archive.name.clone(), folder.clone()).await?;
        told(Progress::Ready { folder: folder.clone() });
        installed(&folder)
    }
}

/// The deepest cause: the errors around it say no more than that there is one.
fn innermost(error: &dyn Error) -> String {
    error.source().map_or_else(|| error.to_string(), innermost)
}

/// The programs of a finished folder. A folder that lost them to a cleaner of caches counts as none.
fn installed(folder: &Path) -> Result<Option<Programs>> {
    let bin = folder.join("bin");
    if !["postgres", "initdb"].iter().all(|program| bin.join(program).exists()) {
        return Ok(None);
    }
    place::check_owner(folder)?;
    match Programs::in_folder(&bin) {
        Ok(programs) => Ok(Some(programs)),
        Err(problem) => bail!("what was fetched is of no use on this machine: {problem}"),
    }
}

/// Unpacks on a thread of its own, which clears away behind itself when it is no longer wanted.
async fn unpack(claim: Claim, half_made: TempDir, name: String, folder: PathBuf) -> Result<()> {
    struct Stop(Arc<AtomicBool>);
    impl Drop for Stop {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let stop = Stop(Arc::new(AtomicBool::new(false)));
    let stopped = Arc::clone(&stop.0);
    let unpacked = tokio::task::spawn_blocking(move || {
        let inside = half_made.path().join("unpacked");
        unpack::unpack(&half_made.path().join("archive.tar.gz"), &inside, &name, &stopped)?;
        // What stands there, if anything, lacks its programs.
        let _ = fs::rename(&folder, half_made.path().join("damaged"));
        fs::rename(inside.join(&name), &folder).with_context(|| format!("cannot make {}", folder.display()))?;
        // In this order: the claim covers the clearing.
        drop(half_made);
        drop(claim);
        Ok(())
    });
    unpacked.await.context("the unpacking thread ended unexpectedly")?
}
