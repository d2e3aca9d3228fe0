//! The server as the guard's child: making its data folder, starting it, ending it. All of it synchronous, and all of
//! it cut short when the lab ends.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::inbox::Inbox;
use super::processes;
use super::programs::Programs;
use super::template::Template;
use super::user::ServerUser;
use super::{DATABASE, PASSWORD, ROLE, config};
use crate::stack::last_resort::LastResort;

/// Beyond this size the log is cut to its last part: a run of days with a chatty fault must not fill the disk.
const LONGEST_LOG: u64 = 16 << 20;
const KEPT_LOG: u64 = 1 << 20;

/// How an attempt to do something with a child process came out.
#[derive(Debug)]
pub(super) enum Outcome<T> {
    Done(T),
    /// The child ended, and should not have.
    Died(ExitStatus),
    /// The lab is gone: there is nothing more to do.
    Ended,
}

/// A server that accepts connections.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) child: Child,
    _last_resort: LastResort,
}

/// Everything beneath `<run folder>/postgres`.
#[derive(Debug)]
pub(super) struct Server {
    programs: Programs,
    user: ServerUser,
    data: PathBuf,
    socket: PathBuf,
    log: PathBuf,
}

impl Server {
    /// Makes the folders.
    ///
    /// # Errors
    /// The run folder is gone (its lab ended), or the unprivileged user cannot come here.
    pub(super) fn prepare(programs: Programs, folder: &Path) -> Result<Self> {
        let user = ServerUser::find()?;
        let place = folder.join("postgres");
        user.can_reach(&programs.postgres)
            .context("install the server programs where everybody may use them, or run the lab as an ordinary user")?;
        user.can_reach(&place).context("set TMPDIR to a folder that everybody may enter")?;
        make(&place, 0o711)?;
        let socket = place.join("socket");
        make(&socket, 0o700)?;
        user.give(&socket)?;
        let log = place.join("server.log");
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&log)?;
        Ok(Self { programs, user, data: place.join("data"), socket, log })
    }

    /// Makes the data folder: a copy of the template, or else a new one, of which a copy is kept as the template.
    /// Returns whether it was a copy, or nothing where the lab ended meanwhile.
    ///
    /// # Errors
    /// `initdb` failed. A template that cannot be used or kept is no error, only a slower start.
    pub(super) fn fill(&self, template: Option<&Template>, inbox: &Inbox) -> Result<Option<bool>> {
        let _ = fs::remove_dir_all(&self.data);
        if let Some(template) = template {
            match template.copy_to(&self.data, &self.user, inbox.flag()) {
                Ok(Some(statements)) => {
                    config::write(&self.data, &self.socket, &self.user, statements)?;
                    return Ok(Some(true));
                }
                Ok(None) => {}
                Err(_) if inbox.ended() => return Ok(None),
                Err(problem) => {
                    self.note(&format!("template discarded: {problem:#}"));
                    template.discard();
                    let _ = fs::remove_dir_all(&self.data);
                }
            }
        }
        let Some(statements) = self.initialise(inbox)? else {
            return Ok(None);
        };
        if let Some(template) = template {
            // Nobody else may change what is being copied.
            self.user.take_back(&self.data)?;
            if let Err(problem) = template.store(&self.data, statements, inbox.flag()) {
                self.note(&format!("template not kept: {problem:#}"));
            }
            self.user.give(&self.data)?;
        }
        config::write(&self.data, &self.socket, &self.user, statements)?;
        Ok(if inbox.ended() { None } else { Some(false) })
    }

    /// Runs `initdb`, then adds the services' role and database. Returns whether pg_stat_statements is there, or
    /// nothing where the lab ended meanwhile.
    fn initialise(&self, inbox: &Inbox) -> Result<Option<bool>> {
        let from = self.log_length();
        make(&self.data, 0o700)?;
        self.user.give(&self.data)?;
        let mut initdb = self.command(&self.programs.initdb);
        initdb.args(["--no-sync", "--locale=C", "--encoding=UTF8", "--wal-segsize=1", "--username=postgres"]);
        initdb.args(["--auth-local=peer", "--auth-host=scram-sha-256", "-D"]).arg(&self.data);
        match self.run(initdb, "", inbox)? {
            Outcome::Done(()) => {}
            Outcome::Ended => return Ok(None),
            Outcome::Died(status) => bail!("initdb failed ({}): {}", describe(status), complaint(&self.log_tail(from))),
        }
        // The server itself tells best whether it can load the module. If not, nothing was changed yet.
        let role = format!("CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}';\n\nCREATE DATABASE {DATABASE} OWNER {ROLE};\n\n");
        let with_module = format!("CREATE EXTENSION pg_stat_statements;\n\n{role}");
        match self.single("shared_preload_libraries=pg_stat_statements", &with_module, inbox)? {
            Outcome::Done(()) => return Ok(Some(true)),
            Outcome::Ended => return Ok(None),
            Outcome::Died(_) => {}
        }
        let from = self.log_length();
        match self.single("shared_preload_libraries=", &role, inbox)? {
            Outcome::Done(()) => Ok(Some(false)),
            Outcome::Ended => Ok(None),
            Outcome::Died(status) => bail!("postgres failed ({}): {}", describe(status), complaint(&self.log_tail(from))),
        }
    }

    /// Statements in single-user mode: no port, no socket, no password, and quicker than a start.
    fn single(&self, setting: &str, statements: &str, inbox: &Inbox) -> Result<Outcome<()>> {
        let mut single = self.command(&self.programs.postgres);
        single.args(["--single", "-F", "-O", "-j", "-c", "exit_on_error=true", "-c", "dynamic_shared_memory_type=mmap"]);
        single.args(["-c", "password_encryption=scram-sha-256", "-c", setting, "-D"]).arg(&self.data).arg("template1");
        self.run(single, statements, inbox)
    }

    /// Runs a program to its end, or to that of the lab.
    fn run(&self, mut command: Command, input: &str, inbox: &Inbox) -> Result<Outcome<()>> {
        let program = command.get_program().to_owned();
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that ends early shows in its status.
            let _ = stdin.write_all(input.as_bytes());
        }
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(if status.success() { Outcome::Done(()) } else { Outcome::Died(status) });
            }
            if inbox.ended() {
                self.cut_short(&mut child, inbox)?;
                return Ok(Outcome::Ended);
            }
            inbox.wait(Duration::from_millis(100));
        }
    }

    /// Ends a program that is under way. `initdb` is asked first: it then ends after the step that it is at, while a
    /// server that is killed in the middle of a step leaves shared memory behind.
    fn cut_short(&self, child: &mut Child, inbox: &Inbox) -> io::Result<()> {
        let _ = kill_process(Pid::from_child(child), Signal::TERM);
        let deadline = Instant::now() + Duration::from_millis(1500);
        while Instant::now() < deadline {
            if child.try_wait()?.is_some() {
                return Ok(());
            }
            inbox.wait(Duration::from_millis(20));
        }
        let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
        child.wait()?;
        processes::end_in(&self.data, Duration::ZERO);
        processes::free_shared_memory(&self.data);
        Ok(())
    }

    /// Starts the server and waits until it accepts connections.
    pub(super) fn start(&self, port: u16, inbox: &Inbox) -> Result<Outcome<Running>> {
        self.clear_leftovers()?;
        let mut command = self.command(&self.programs.postgres);
        command.arg("-D").arg(&self.data).arg("-p").arg(port.to_string());
        command.stdin(Stdio::null()).stdout(self.log_file()?);
        let mut child = command.spawn().with_context(|| format!("cannot start {}", self.programs.postgres.display()))?;
        let last_resort = LastResort::for_server(child.id());
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Outcome::Died(status));
            }
            if inbox.ended() {
                self.end(&mut child, inbox);
                return Ok(Outcome::Ended);
            }
            if self.is_ready(child.id()) {
                return Ok(Outcome::Done(Running { child, _last_resort: last_resort }));
            }
            inbox.wait(Duration::from_millis(5));
        }
    }

    /// Ends the server: politely for a second, at once for another, then by force.
    pub(super) fn end(&self, child: &mut Child, inbox: &Inbox) {
        for signal in [Signal::INT, Signal::QUIT] {
            let _ = kill_process(Pid::from_child(child), signal);
            let deadline = Instant::now() + Duration::from_secs(1);
            while Instant::now() < deadline {
                if !matches!(child.try_wait(), Ok(None)) {
                    return self.end_leftovers();
                }
                inbox.wait(Duration::from_millis(20));
            }
        }
        // Its children first: they have sessions of their own, and cannot be found through it any more once it is gone.
        for pid in processes::living_in(&self.data) {
            let _ = kill_process(pid, Signal::KILL);
        }
        let _ = child.kill();
        let _ = child.wait();
        self.end_leftovers();
        processes::free_shared_memory(&self.data);
    }

    /// Ends what is left when the first process died: a backend that is busy computing does not notice it.
    pub(super) fn end_leftovers(&self) {
        processes::end_in(&self.data, Duration::from_millis(200));
    }

    /// Removes what a killed server left and the next one would stumble over: the process ids in these files may be in
    /// use again by now, and would make it refuse to start.
    fn clear_leftovers(&self) -> io::Result<()> {
        let _ = fs::remove_file(self.data.join("postmaster.pid"));
        for entry in fs::read_dir(&self.socket)? {
            fs::remove_file(entry?.path())?;
        }
        Ok(())
    }

    /// The server writes its state into the eighth line of its pid file.
    fn is_ready(&self, pid: u32) -> bool {
        let Ok(text) = fs::read_to_string(self.data.join("postmaster.pid")) else {
            return false;
        };
        let mut lines = text.lines().map(str::trim);
        lines.next() == Some(&*pid.to_string()) && lines.nth(6) == Some("ready")
    }

    /// A command with nothing of the lab's surroundings but what its libraries may need, in its own process group, as
    /// the server's user, with its complaints in the log.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        let kept = ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR"];
        command.env_clear().envs(kept.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.env("LC_ALL", "C").current_dir("/").process_group(0);
        command.stderr(self.log_file().map_or_else(|_| Stdio::null(), Stdio::from));
        self.user.run_as(&mut command);
        command
    }

    fn log_file(&self) -> io::Result<File> {
        OpenOptions::new().append(true).open(&self.log)
    }

    fn note(&self, text: &str) {
        let _ = self.log_file().and_then(|mut log| writeln!(log, "guard: {text}"));
    }

    pub(super) fn log_length(&self) -> u64 {
        fs::metadata(&self.log).map_or(0, |it| it.len())
    }

    /// The last lines of the log, those from this offset on.
    pub(super) fn log_tail(&self, from: u64) -> String {
        let from = from.max(self.log_length().saturating_sub(8192));
        let text = read_from(&self.log, from).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Cuts a log that has become too long. A line that is written just then may be lost.
    pub(super) fn trim_log(&self) {
        let length = self.log_length();
        if length < LONGEST_LOG {
            return;
        }
        let cut = || -> io::Result<()> {
            let kept = read_from(&self.log, length - KEPT_LOG)?;
            let start = kept.iter().position(|&byte| byte == b'\n').map_or(0, |end| end + 1);
            let mut log = self.log_file()?;
            // All who write to it append, so they go on at its new end.
            log.set_len(0)?;
            log.write_all(b"guard: earlier lines were cut\n")?;
            log.write_all(&kept[start..])
        };
        let _ = cut();
    }
}

/// The line of a log that says what went wrong: the last error, without what was said about clearing up behind it.
fn complaint(log: &str) -> String {
    const WAY_OUT: &str = "free some space, or set TMPDIR to a folder elsewhere";
    let is_error = |line: &&str| ["error:", "ERROR:", "FATAL:", "PANIC:"].iter().any(|word| line.contains(word));
    let last = log.lines().rfind(is_error).or_else(|| log.lines().rfind(|line| !line.trim().is_empty()));
    match last {
        Some(line) if log.contains("No space left on device") => format!("{}; {WAY_OUT}", line.trim()),
        Some(line) => line.trim().to_owned(),
        // On a full disk there is no room for the complaint either.
        None => format!("it said nothing, as it happens when the disk is full; {WAY_OUT}"),
    }
}

fn make(path: &Path, mode: u32) -> Result<()> {
    // Not the parents: if the run folder is gone, it must stay so.
    let made = DirBuilder::new().mode(mode).create(path);
    made.and_then(|()| fs::set_permissions(path, Permissions::from_mode(mode))).with_context(|| format!("cannot make {}", path.display()))
}

fn read_from(path: &Path, offset: u64) -> io::Result<Vec<u8>> {
    let (mut file, mut bytes) = (File::open(path)?, Vec::new());
    file.seek(SeekFrom::Start(offset))?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// `signal 9` or `exit code 1`.
pub(super) fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("signal {signal}"),
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_of_a_log_says_what_went_wrong() {
        let full = "fixing permissions on existing directory /tmp/data ... ok\nrunning bootstrap script ... \
                    2026-01-01 10:00:00.000 UTC [7] FATAL:  could not write to file \"pg_wal/xlogtemp.7\": No space left on device\n\
                    child process exited with exit code 1\ninitdb: removing contents of data directory \"/tmp/data\"\n";
        let said = complaint(full);
        assert!(said.contains("could not write to file \"pg_wal/xlogtemp.7\": No space left on device; free some space"), "{said}");
        assert_eq!(said.lines().count(), 1);
        assert_eq!(
            complaint("initdb: error: invalid locale settings\ninitdb: hint: set LC_ALL\n"),
            "initdb: error: invalid locale settings"
        );
        assert_eq!(complaint("Segmentation fault\n\n"), "Segmentation fault");
        assert!(complaint("").starts_with("it said nothing, as it happens when the disk is full"));
    }
}
