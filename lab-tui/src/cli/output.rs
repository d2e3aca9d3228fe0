//! Where a report goes: to standard output, or to a file that is replaced as a whole, so that whoever reads it finds the old one or
//! the new one, and a lab that is killed leaves nothing half.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use lab_instrument::out;
use tempfile::NamedTempFile;

/// One report's place.
#[derive(Debug)]
pub(super) struct Output {
    path: PathBuf,
    to: Sink,
}

#[derive(Debug)]
enum Sink {
    Stdout,
    /// A file, or where there will be one; behind all links.
    File(PathBuf),
    /// A pipe or a device, which cannot be replaced.
    Stream(File),
}

impl Output {
    /// Makes sure that it can be written to, and changes nothing yet. `-` is standard output.
    ///
    /// # Errors
    /// When it cannot.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let to = if is_stdout(path) { Sink::Stdout } else { Sink::open(path).with_context(|| refused(path))? };
        Ok(Self { path: path.to_owned(), to })
    }

    pub(super) fn is_stdout(&self) -> bool {
        matches!(self.to, Sink::Stdout)
    }

    /// Puts the text in the place of what stands there.
    ///
    /// # Errors
    /// When it cannot be written after all.
    pub(super) fn write(self, text: &str) -> anyhow::Result<()> {
        let written = match self.to {
            Sink::Stdout => out::result(text),
            Sink::Stream(mut stream) => stream.write_all(text.as_bytes()),
            Sink::File(place) => replace(&place, text),
        };
        written.with_context(|| refused(&self.path))
    }
}

impl Sink {
    fn open(path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(there) if there.is_file() => {
                OpenOptions::new().write(true).open(path)?;
                fs::canonicalize(path).map(Self::File)
            }
            Ok(_) => OpenOptions::new().write(true).open(path).map(Self::Stream),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                // Gone again at once: that it could be made is all that is asked.
                beside(path)?;
                Ok(Self::File(path.to_owned()))
            }
            Err(error) => Err(error),
        }
    }
}

pub(super) fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn refused(path: &Path) -> String {
    format!("cannot write {}", path.display())
}

fn replace(place: &Path, text: &str) -> io::Result<()> {
    let mut half = match beside(place) {
        Ok(half) => half,
        // A folder that takes no new file may have one that can be written to.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => return fs::write(place, text),
        Err(error) => return Err(error),
    };
    half.write_all(text.as_bytes())?;
    if let Ok(there) = fs::metadata(place) {
        half.as_file().set_permissions(there.permissions())?;
    }
    half.persist(place).map(drop).map_err(|error| error.error)
}

/// A file in the same folder, which a rename can put in the other's place.
fn beside(place: &Path) -> io::Result<NamedTempFile> {
    let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // As any other file of the user's: what of it the umask lets through.
    tempfile::Builder::new().prefix(".lab-report-").permissions(Permissions::from_mode(0o666)).tempfile_in(folder).map_err(without_its_name)
}

/// That file's name means nothing to the user, who named another one.
fn without_its_name(error: io::Error) -> io::Error {
    match error.to_string().split_once(" at path \"") {
        Some((said, _)) => io::Error::new(error.kind(), said),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn nothing_changes_until_there_is_something_to_write() {
        let folder = tempfile::tempdir().unwrap();
        let (new, old) = (folder.path().join("new.json"), folder.path().join("old.json"));
        let opened = Output::open(&new).unwrap();
        assert!(names(folder.path()).is_empty());
        opened.write("a").unwrap();
        fs::rename(&new, &old).unwrap();
        fs::set_permissions(&old, Permissions::from_mode(0o640)).unwrap();
        let opened = Output::open(&old).unwrap();
        assert_eq!(fs::read_to_string(&old).unwrap(), "a");
        opened.write("b").unwrap();
        assert_eq!((fs::read_to_string(&old).unwrap().as_str(), names(folder.path())), ("b", vec!["old.json".to_owned()]));
        assert_eq!(fs::metadata(&old).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[test]
    fn a_link_leads_to_the_same_file_as_before() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "a").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        Output::open(&link).unwrap().write("b").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "b");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn what_cannot_be_written_is_refused_before_anything_runs() {
        let folder = tempfile::tempdir().unwrap();
        let refused = Output::open(folder.path()).unwrap_err();
        assert!(out::sentence(&refused).contains("cannot write"), "{refused:#}");
        let refused = out::sentence(&Output::open(&folder.path().join("no/such/folder")).unwrap_err());
        assert!(refused.contains("no/such/folder: No such file") && !refused.contains("lab-report"), "{refused}");
        Output::open(Path::new("/dev/null")).unwrap().write("a").unwrap();
    }
}
