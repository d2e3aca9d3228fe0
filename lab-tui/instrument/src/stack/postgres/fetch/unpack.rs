//! Unpacking an archive whose checksum was right, and trusting it no further than that.

use std::fs::{self, File, Permissions};
use std::io::BufReader;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, anyhow, bail, ensure};
use flate2::bufread::GzDecoder;
use tar::{Archive, EntryType};

use super::innermost;

/// Unpacks into a new folder `into`, in which a folder `name` with the programs then is.
///
/// # Errors
/// It is no such archive, something in it leads out of that folder, the disk is full; or `stop` was set meanwhile.
pub(super) fn unpack(archive: &Path, into: &Path, name: &str, stop: &AtomicBool) -> Result<()> {
    let full = || format!("cannot unpack into {}; free some space, or set LAB_CACHE_DIR to a folder elsewhere", into.display());
    fs::create_dir(into).with_context(full)?;
    let file = File::open(archive).with_context(full)?;
    let mut archive = Archive::new(GzDecoder::new(BufReader::with_capacity(1 << 16, file)));
    for entry in archive.entries().context("the archive cannot be read")? {
        ensure!(!stop.load(Ordering::Relaxed), "interrupted");
        let mut entry = entry.context("the archive cannot be read")?;
        let path = entry.path().context("the archive cannot be read")?.into_owned();
        let link = entry.link_name().context("the archive cannot be read")?.map(std::borrow::Cow::into_owned);
        let stays = match (entry.header().entry_type(), link) {
            (EntryType::XGlobalHeader, _) => continue,
            (EntryType::Regular | EntryType::Directory, _) => true,
            (EntryType::Symlink, Some(link)) => path.parent().is_some_and(|folder| stays_inside(&folder.join(link))),
            (EntryType::Link, Some(link)) => stays_inside(&link),
            _ => false,
        };
        let refused = || format!("the archive holds {}, which leads out of it", path.display());
        ensure!(stays && stays_inside(&path), refused());
        let unpacked = entry.unpack_in(into).map_err(|error| anyhow!("{}: {}", full(), innermost(&error)))?;
        ensure!(unpacked, refused());
    }
    let root = into.join(name);
    let programs = ["bin/postgres", "bin/initdb"];
    ensure!(programs.iter().all(|program| root.join(program).is_file()), "the archive does not hold {name}/bin/postgres and initdb");
    open(&root, &fs::canonicalize(&root).with_context(full)?)
}

/// Whether a path goes down into the archive's one folder and never above it on its way.
fn stays_inside(path: &Path) -> bool {
    let mut depth = 0;
    path.components().enumerate().all(|(index, part)| {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir => depth -= 1,
            Component::RootDir | Component::Prefix(_) => return false,
        }
        depth >= 1 || index == 0 && part == Component::CurDir
    })
}

/// Lets everybody read and run what is there, whatever the umask and the archive said, and nobody but the owner write: PostgreSQL may
/// run as somebody else. Looks a second time where links really lead.
fn open(folder: &Path, root: &Path) -> Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            open(&path, root)?;
        } else if kind.is_symlink() {
            if fs::canonicalize(&path).is_ok_and(|target| !target.starts_with(root)) {
                bail!("the archive holds {}, which leads out of it", path.display());
            }
        } else {
            let mode = if entry.metadata()?.permissions().mode() & 0o111 == 0 { 0o644 } else { 0o755 };
            fs::set_permissions(&path, Permissions::from_mode(mode))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tar::{Builder, Header};

    /// An archive with the two programs and these further entries: kind, path, and where a link leads. Written byte by byte, because
    /// the library refuses to write what it should refuse to read.
    fn archive(folder: &Path, entries: &[(EntryType, &str, &str)]) -> std::path::PathBuf {
        let path = folder.join("archive.tar.gz");
        let mut tar = Builder::new(GzEncoder::new(File::create(&path).unwrap(), Compression::fast()));
        let programs = [(EntryType::Regular, "pg/bin/postgres", ""), (EntryType::Regular, "pg/bin/initdb", "")];
        for (kind, name, link) in programs.iter().chain(entries) {
            let mut header = Header::new_ustar();
            header.set_entry_type(*kind);
            header.set_mode(0o4700);
            let content: &[u8] = if *kind == EntryType::Regular { b"content" } else { b"" };
            header.set_size(content.len() as u64);
            let raw = header.as_ustar_mut().unwrap();
            raw.name[..name.len()].copy_from_slice(name.as_bytes());
            raw.linkname[..link.len()].copy_from_slice(link.as_bytes());
            header.set_cksum();
            tar.append(&header, content).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap();
        path
    }

    fn unpacked(entries: &[(EntryType, &str, &str)]) -> (tempfile::TempDir, Result<()>) {
        let folder = tempfile::tempdir().unwrap();
        let archive = archive(folder.path(), entries);
        let result = unpack(&archive, &folder.path().join("into"), "pg", &AtomicBool::new(false));
        (folder, result)
    }

    #[test]
    fn links_inside_are_kept_and_everybody_may_read() {
        let links = [(EntryType::Symlink, "pg/lib/libpq.so", "../bin/postgres"), (EntryType::Link, "pg/bin/postmaster", "pg/bin/postgres")];
        let (folder, result) = unpacked(&links);
        result.unwrap();
        let pg = folder.path().join("into/pg");
        for file in ["lib/libpq.so", "bin/postmaster"] {
            assert_eq!(fs::read(pg.join(file)).unwrap(), b"content", "{file}");
        }
        assert_eq!(fs::metadata(pg.join("bin/postgres")).unwrap().permissions().mode() & 0o7777, 0o755);
        assert_eq!(fs::metadata(pg.join("lib")).unwrap().permissions().mode() & 0o7777, 0o755);
    }

    #[test]
    fn nothing_leads_out() {
        for entry in [
            (EntryType::Regular, "../escaped", ""),
            (EntryType::Regular, "pg/../../escaped", ""),
            (EntryType::Regular, "/tmp/escaped", ""),
            (EntryType::Regular, "pg/../escaped", ""),
            (EntryType::Symlink, "pg/lib/out", "../../.."),
            (EntryType::Symlink, "pg/lib/out", "/etc"),
            (EntryType::Link, "pg/lib/out", "../../etc/passwd"),
            (EntryType::Fifo, "pg/pipe", ""),
        ] {
            let (folder, result) = unpacked(&[entry]);
            let refused = result.unwrap_err().to_string();
            assert!(refused.ends_with("which leads out of it"), "{entry:?}: {refused}");
            assert!(!folder.path().join("escaped").exists() && !folder.path().join("into/escaped").exists(), "{entry:?}");
        }
    }

    #[test]
    fn a_chain_of_links_does_not_lead_out_either() {
        // By its letters the second stays inside; where the first really leads, it does not.
        let (_folder, result) = unpacked(&[(EntryType::Symlink, "pg/here", "."), (EntryType::Symlink, "pg/out", "here/..")]);
        assert!(result.unwrap_err().to_string().ends_with("which leads out of it"));
    }

    #[test]
    fn a_stop_and_a_cut_archive_end_it() {
        let folder = tempfile::tempdir().unwrap();
        let archive = archive(folder.path(), &[]);
        let stopped = unpack(&archive, &folder.path().join("stopped"), "pg", &AtomicBool::new(true));
        assert_eq!(stopped.unwrap_err().to_string(), "interrupted");
        let bytes = fs::read(&archive).unwrap();
        fs::write(&archive, &bytes[..bytes.len() / 2]).unwrap();
        unpack(&archive, &folder.path().join("cut"), "pg", &AtomicBool::new(false)).unwrap_err();
    }
}
