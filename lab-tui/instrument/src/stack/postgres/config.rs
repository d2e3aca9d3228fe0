//! The configuration files of the private server: ours entirely, whatever `initdb` wrote.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::user::ServerUser;

/// The longest path of a socket, in bytes: macOS has room for 104 with the closing zero, Linux for four more.
const LONGEST_SOCKET: usize = 103;

/// Settings for a server whose data nobody misses, and whose every wait somebody wants to see.
const SETTINGS: &str = "\
listen_addresses = '127.0.0.1'
max_connections = 100
password_encryption = 'scram-sha-256'
unix_socket_permissions = 0700

# Thrown away after the run: nothing here must survive a power cut. A commit still waits for its log, as in production.
fsync = off
full_page_writes = off
synchronous_commit = on
shared_buffers = 32MB
# With the default, a write load meets a checkpoint every few seconds, because the template's log segments are small.
max_wal_size = 1GB
# Inside the data folder, so that nothing remains in /dev/shm after a kill.
dynamic_shared_memory_type = mmap

# What the lab wants to see.
log_destination = 'stderr'
logging_collector = off
log_line_prefix = '%m [%p] %q%u@%d '
log_lock_waits = on
track_io_timing = on
log_timezone = 'UTC'
timezone = 'UTC'
lc_messages = 'C'
";

/// Over TCP everybody needs a password; through the socket, the lab's own user and root may be `postgres`.
const ACCESS: &str = "\
local  all  postgres                 peer map=lab
host   all  all       127.0.0.1/32   scram-sha-256
host   all  all       ::1/128        scram-sha-256
";

/// Writes `postgresql.conf`, `pg_hba.conf` and `pg_ident.conf` into the data folder.
///
/// # Errors
/// The path of the socket is too long for the system, or a file cannot be written.
pub(super) fn write(data: &Path, socket: &Path, user: &ServerUser, statements: bool) -> Result<()> {
    let longest = socket.join(".s.PGSQL.65535");
    let length = longest.as_os_str().len();
    ensure!(
        length <= LONGEST_SOCKET,
        "the server's socket would be {}, whose {length} bytes are more than the {LONGEST_SOCKET} that a socket's path \
         can have: set TMPDIR to a folder with a shorter name",
        longest.display()
    );
    let socket = socket.to_str().context("the path of the temporary folder is not valid UTF-8")?;
    let mut settings = format!("{SETTINGS}unix_socket_directories = {}\n", quoted_path(socket));
    if statements {
        settings.push_str("shared_preload_libraries = 'pg_stat_statements'\n");
    }
    let mut idents = String::from("lab  \"root\"  postgres\n");
    if user.lab() != "root" {
        idents.push_str(&format!("lab  \"{}\"  postgres\n", user.lab().replace('"', "\"\"")));
    }
    for (name, text) in [("postgresql.conf", &*settings), ("pg_hba.conf", ACCESS), ("pg_ident.conf", &*idents)] {
        let path = data.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        user.give(&path)?;
    }
    Ok(())
}

/// A list of folders with one entry: quoted as an entry, then as a value.
fn quoted_path(path: &str) -> String {
    let entry = format!("\"{}\"", path.replace('"', "\"\""));
    format!("'{}'", entry.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_folder_with_odd_characters_is_one_folder() {
        assert_eq!(super::quoted_path("/tmp/it's, a \"b\""), r#"'"/tmp/it''s, a ""b"""'"#);
    }
}
