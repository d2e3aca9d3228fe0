//! The operating-system user that the server programs run as: PostgreSQL refuses root.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use nix::unistd::{Uid, User};

/// Who the server runs as, and who the lab is.
#[derive(Debug, Clone)]
pub struct ServerUser {
    name: String,
    uid: u32,
    gid: u32,
    /// The lab is root, and the server is not.
    switches: bool,
    lab: String,
}

impl ServerUser {
    /// Oneself; for root `postgres`, else `nobody`.
    ///
    /// # Errors
    /// There is no such user in the password file (the server programs look themselves up there, and fail).
    pub fn find() -> Result<Self> {
        let own = Uid::effective();
        let lab = User::from_uid(own).context("cannot read the password file")?;
        if !own.is_root() {
            let Some(lab) = lab else {
                bail!(
                    "user id {own} is missing from the password file, and PostgreSQL refuses to run so: \
                     add it there, run as another user, or use --database-url"
                );
            };
            return Ok(Self { name: lab.name.clone(), uid: lab.uid.as_raw(), gid: lab.gid.as_raw(), switches: false, lab: lab.name });
        }
        for name in ["postgres", "nobody"] {
            if let Some(user) = User::from_name(name).context("cannot read the password file")? {
                let (uid, gid) = (user.uid.as_raw(), user.gid.as_raw());
                return Ok(Self { name: user.name, uid, gid, switches: true, lab: lab_name(lab) });
            }
        }
        bail!(
            "PostgreSQL refuses to run as root, and there is neither a user `postgres` nor `nobody` to run it as: \
             add one, run the lab as an ordinary user, or use --database-url"
        )
    }

    /// The operating-system user that the lab itself runs as.
    pub fn lab(&self) -> &str {
        &self.lab
    }

    /// Whether the server runs as somebody else than the lab.
    pub fn switches(&self) -> bool {
        self.switches
    }

    /// Makes a command run as this user.
    pub fn run_as(&self, command: &mut Command) {
        if self.switches {
            command.uid(self.uid).gid(self.gid);
        }
    }

    /// Hands a file or folder to this user.
    pub fn give(&self, path: &Path) -> io::Result<()> {
        if self.switches { chown(path, Some(self.uid), Some(self.gid)) } else { Ok(()) }
    }

    /// Takes it back, so that nobody but the lab can change anything beneath it meanwhile.
    pub fn take_back(&self, path: &Path) -> io::Result<()> {
        if self.switches { chown(path, Some(0), Some(0)) } else { Ok(()) }
    }

    /// Whether this user can come to `path` from the root folder.
    ///
    /// # Errors
    /// Names the folder that is closed.
    pub fn can_reach(&self, path: &Path) -> Result<()> {
        if !self.switches {
            return Ok(());
        }
        for folder in path.ancestors().skip(1) {
            let Ok(found) = fs::metadata(folder) else {
                continue;
            };
            let bit = match () {
                () if found.uid() == self.uid => 0o100,
                () if found.gid() == self.gid => 0o010,
                () => 0o001,
            };
            if found.mode() & bit == 0 {
                bail!(
                    "PostgreSQL must run as the unprivileged user `{}`, who cannot enter {} on the way to {}",
                    self.name,
                    folder.display(),
                    path.display()
                );
            }
        }
        Ok(())
    }
}

fn lab_name(user: Option<User>) -> String {
    user.map_or_else(|| "root".to_owned(), |user| user.name)
}
